//! The promises of SECURITY.md: each names the tests that hold it, and those that no other file holds are here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod listening;
mod outside;
mod passwords;
mod written;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::fixture::support::Served;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns what is wrong with the tests that a row of the table names.
fn problems(row: &str) -> Vec<String> {
    let held_by = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
    let named = held_by.split('`').skip(1).step_by(2);
    let named: Vec<_> = named.filter_map(|it| it.split_once("::")).collect();
    let mut problems = Vec::new();
    if named.is_empty() {
        problems.push("no test".to_owned());
    }
    for (file, test) in named {
        let source = fs::read_to_string(root().join(file)).unwrap_or_default();
        let attributes = source.split("#[").skip(1).filter_map(name_of_test);
        let tests: BTreeSet<_> = attributes.chain(replayed(&source)).collect();
        if !tests.contains(test) {
            problems.push(format!("no test `{test}` in {file}"));
        }
    }
    problems
}

/// Returns the name of the function behind an attribute that makes it a test, or that stands in `proptest!`, where
/// the attribute is `test` as well.
fn name_of_test(behind: &str) -> Option<&str> {
    let is_test =
        ["test]", "tokio::test]", "tokio::test("].iter().any(|attribute| behind.starts_with(attribute));
    let (_, name) = behind.split_once("fn ").filter(|_| is_test)?;
    name.split(['(', '<']).next()
}

/// Returns the fuzz targets that are replayed: in `replays!` a name with a number is a test.
fn replayed(source: &str) -> impl Iterator<Item = &str> {
    let list = source.split_once("\nreplays! {").and_then(|(_, behind)| behind.split_once('}'));
    let lines = list.map_or("", |(lines, _)| lines).lines();
    lines.filter_map(|line| line.trim().split_once(' ').map(|(name, _)| name))
}

#[test]
fn every_promise_names_tests_that_exist() {
    let page = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 10, "{rows:?}");
    let wrong: Vec<_> =
        rows.iter().flat_map(|row| problems(row).into_iter().map(move |it| format!("{it}: {row}"))).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_promise_without_a_test_is_found() {
    let row = |held_by: &str| problems(&format!("| a promise | everybody | {held_by} |"));
    assert_eq!(row("`tests/program/promises.rs`"), ["no test"]);
    assert_eq!(
        row("`tests/program/promises.rs::problems`"),
        ["no test `problems` in tests/program/promises.rs"]
    );
    assert_eq!(row("`tests/gone.rs::a`"), ["no test `a` in tests/gone.rs"]);
    assert!(row("`tests/program/promises.rs::a_promise_without_a_test_is_found`").is_empty());
    assert!(row("`tests/fuzz/main.rs::receive`").is_empty());
    assert_eq!(row("`tests/fuzz/main.rs::replay`"), ["no test `replay` in tests/fuzz/main.rs"]);
}

#[test]
fn the_root_is_new_at_every_start_and_its_subject_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let roots = ["a.pem", "b.pem"].map(|name| {
        let file = dir.path().join(name);
        let served = Served::start(&["--ca-file", file.to_str().unwrap()]);
        drop(served);
        let pem = fs::read_to_string(file).unwrap();
        assert_eq!(pem.matches("-----BEGIN").count(), 1, "a certificate and no key: {pem}");
        starttls_lab::internal::pki::Certificate::from_pem(&pem).unwrap()
    });
    let keys = roots.each_ref().map(|root| {
        let (_, parsed) = x509_parser::parse_x509_certificate(root.der()).unwrap();
        parsed.public_key().subject_public_key.data.to_vec()
    });
    assert_ne!(keys[0], keys[1]);
    assert!(roots[0].subject().contains("TEST LAB - trust nothing signed by this"), "{}", roots[0].subject());
}

#[test]
fn no_code_of_the_crate_is_unsafe() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    // The compiler does the rest: what is forbidden cannot be allowed further down.
    assert!(manifest.contains("[lints.rust]\nunsafe_code = \"forbid\"\n"));
}

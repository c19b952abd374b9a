//! The promises of SECURITY.md: each names the tests that hold it, and those that no other file holds are here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::fixture::support::{Served, program, run, text};

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
        let tests: BTreeSet<_> = source.split("#[").skip(1).filter_map(name_of_test).collect();
        if !tests.contains(test) {
            problems.push(format!("no test `{test}` in {file}"));
        }
    }
    problems
}

/// Returns the name of the function behind an attribute that makes it a test, or that stands in `proptest!`, where
/// the attribute is `test` as well, or in `replays!`, where a name with a number is one.
fn name_of_test(behind: &str) -> Option<&str> {
    let is_test = ["test]", "tokio::test]"].iter().any(|attribute| behind.starts_with(attribute));
    let (_, name) = behind.split_once("fn ").filter(|_| is_test)?;
    name.split(['(', '<']).next()
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
}

#[test]
fn a_lab_listens_on_loopback_alone_and_says_so_where_it_is_told_otherwise() {
    let served = Served::start(&[]);
    let ready: Value = serde_json::from_str(&served.line).unwrap();
    let connectors = ready["connectors"].as_array().unwrap().iter();
    let mut addresses: Vec<_> = connectors.map(|it| it["addr"].as_str().unwrap()).collect();
    addresses.push(ready["control"].as_str().unwrap().strip_prefix("http://").unwrap());
    for address in addresses {
        assert!(address.parse::<SocketAddr>().unwrap().ip().is_loopback(), "{address}");
    }
    // An address for documentation (RFC 5737), which this machine does not have.
    let refused = run(program().args(["serve", "--port", "0", "--bind", "192.0.2.1"]));
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("listening beyond loopback"), "{said}");
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
    assert_ne!(roots[0].der(), roots[1].der());
    assert!(roots[0].subject().contains("TEST LAB - trust nothing signed by this"), "{}", roots[0].subject());
}

#[test]
fn no_code_of_the_crate_is_unsafe() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    // The compiler does the rest: what is forbidden cannot be allowed further down.
    assert!(manifest.contains("[lints.rust]\nunsafe_code = \"forbid\"\n"));
}

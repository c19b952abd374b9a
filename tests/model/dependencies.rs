//! What the crate is built of: no licence that binds its users, and one cryptographic provider.
//!
//! Cargo is asked, offline. Where only this platform's packages have been downloaded, only those
//! are checked; after `cargo fetch --locked` it is every package in the lock file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails in a checker is a failed test"
)]

use std::process::{Command, Output};

use serde_json::Value;

/// Licences that ask for no more than to be named.
const PERMISSIVE: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether a licence expression can be met by permissive licences alone.
///
/// # Errors
///
/// What is wrong with the expression.
fn is_permissive(expression: &str) -> Result<bool, String> {
    // `/` is how `OR` was written before licences had a grammar.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let verdict = alternatives(&mut rest)?;
    if rest.is_empty() { Ok(verdict) } else { Err(format!("`{}` is left over", rest.join(" "))) }
}

/// `a OR b`, where `AND` binds closer.
fn alternatives(rest: &mut &[&str]) -> Result<bool, String> {
    let mut verdict = together(rest)?;
    while take(rest, "OR") {
        verdict |= together(rest)?;
    }
    Ok(verdict)
}

fn together(rest: &mut &[&str]) -> Result<bool, String> {
    let mut verdict = licence(rest)?;
    while take(rest, "AND") {
        verdict &= licence(rest)?;
    }
    Ok(verdict)
}

fn licence(rest: &mut &[&str]) -> Result<bool, String> {
    if take(rest, "(") {
        let verdict = alternatives(rest)?;
        return if take(rest, ")") { Ok(verdict) } else { Err("a parenthesis stays open".to_owned()) };
    }
    let (name, after) = rest.split_first().ok_or("a licence is missing at the end")?;
    if ["AND", "OR", "WITH", ")"].contains(name) {
        return Err(format!("a licence is missing before `{name}`"));
    }
    *rest = after;
    let mut name = (*name).to_owned();
    if take(rest, "WITH") {
        let (exception, after) = rest.split_first().ok_or("an exception is missing")?;
        *rest = after;
        name = format!("{name} WITH {exception}");
    }
    Ok(PERMISSIVE.contains(&name.as_str()))
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let found = rest.first() == Some(&word);
    if found {
        *rest = &rest[1..];
    }
    found
}

fn cargo(arguments: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().expect("cargo runs")
}

fn metadata(platform: &[&str]) -> Result<Value, String> {
    let options = ["metadata", "--format-version", "1", "--locked", "--offline"];
    let output = cargo(&[&options, platform].concat());
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).expect("cargo writes JSON"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The packages of every platform or, where those are not here, of this one.
fn packages() -> Vec<Value> {
    let metadata = metadata(&[]).or_else(|_| {
        let version = cargo(&["-vV"]).stdout;
        let version = String::from_utf8_lossy(&version);
        let host =
            version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo knows its host");
        metadata(&["--filter-platform", host])
    });
    metadata.unwrap_or_else(|error| panic!("{error}"))["packages"].as_array().unwrap().clone()
}

#[test]
fn every_package_can_be_had_under_permissive_licences() {
    let packages = packages();
    assert!(packages.len() > 50, "{} packages are not the whole tree", packages.len());
    let complaints: Vec<_> = packages
        .iter()
        .filter_map(|package| {
            let licence = package["license"].as_str().unwrap_or_default();
            let complaint = match is_permissive(licence) {
                Ok(true) => return None,
                Ok(false) => "is not permissive".to_owned(),
                Err(error) => error,
            };
            Some(format!("{} {}: {licence:?}: {complaint}", package["name"], package["version"]))
        })
        .collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Whether a build with these options contains a package.
fn builds(package: &str, options: &[&str]) -> bool {
    let tree = ["tree", "--invert", package, "--edges", "normal", "--locked", "--offline"];
    let output = cargo(&[&tree, options].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    let unknown = stderr.contains("did not match any packages");
    assert!(output.status.success() || unknown, "{stderr}");
    !output.stdout.is_empty()
}

#[test]
fn a_build_has_exactly_one_cryptographic_provider() {
    assert!(builds("aws-lc-rs", &[]));
    assert!(!builds("ring", &[]));

    let with_ring = ["--no-default-features", "--features", "cli,ring"];
    assert!(builds("ring", &with_ring));
    assert!(!builds("aws-lc-rs", &with_ring));
}

#[test]
fn a_library_without_the_control_api_has_no_http_in_it() {
    assert!(builds("axum", &[]));
    for package in ["axum", "hyper"] {
        assert!(!builds(package, &["--no-default-features", "--features", "aws-lc-rs"]), "{package}");
    }
    assert!(builds("axum", &["--no-default-features", "--features", "aws-lc-rs,console"]));
}

#[test]
fn a_choice_is_permissive_when_one_alternative_is() {
    for expression in ["MIT", "MIT/GPL-3.0", "GPL-2.0-only OR MIT", "GPL-3.0 OR (MIT AND ISC)", "(Zlib)"] {
        assert_eq!(is_permissive(expression), Ok(true), "{expression}");
    }
    assert_eq!(is_permissive("Apache-2.0 WITH LLVM-exception OR GPL-2.0"), Ok(true));
}

#[test]
fn a_combination_is_not_permissive_when_one_part_is_not() {
    for expression in ["GPL-3.0", "MPL-2.0", "MIT AND LGPL-2.1", "(MIT OR ISC) AND GPL-3.0"] {
        assert_eq!(is_permissive(expression), Ok(false), "{expression}");
    }
    // `AND` binds closer than `OR`, and an exception to one licence is none to another.
    assert_eq!(is_permissive("GPL-3.0 OR MIT AND GPL-2.0"), Ok(false));
    assert_eq!(is_permissive("GPL-2.0 WITH LLVM-exception"), Ok(false));
}

#[test]
fn an_expression_that_cannot_be_read_is_an_error() {
    for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "AND MIT", "Apache-2.0 WITH"] {
        assert!(is_permissive(expression).is_err(), "{expression}");
    }
}

//! What the crate is built of: no license that binds its users, and one cryptographic provider.
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
use spdx::{Expression, Licensee, ParseError, ParseMode};

fn deny() -> toml::Table {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deny.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// The licenses of deny.toml, which ask for no more than to be named.
fn allowed() -> Vec<Licensee> {
    let deny = deny();
    let list = deny["licenses"]["allow"].as_array().unwrap();
    list.iter().map(|name| Licensee::parse(name.as_str().unwrap()).unwrap()).collect()
}

/// Whether a license expression can be met by what deny.toml allows.
///
/// # Errors
///
/// What is wrong with the expression.
fn is_permissive(expression: &str) -> Result<bool, ParseError> {
    // `/` is how `OR` was written before licenses had a grammar.
    let parsed = Expression::parse_mode(expression, ParseMode::LAX)?;
    let allowed = allowed();
    Ok(parsed.evaluate(|wanted| allowed.iter().any(|license| license.satisfies(wanted))))
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
fn every_package_can_be_had_under_permissive_licenses() {
    let packages = packages();
    assert!(packages.len() > 50, "{} packages are not the whole tree", packages.len());
    let complaints: Vec<_> = packages
        .iter()
        .filter_map(|package| {
            let license = package["license"].as_str().unwrap_or_default();
            let complaint = match is_permissive(license) {
                Ok(true) => return None,
                Ok(false) => "is not permissive".to_owned(),
                Err(error) => error.to_string(),
            };
            Some(format!("{} {}: {license:?}: {complaint}", package["name"], package["version"]))
        })
        .collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Returns what deny.toml forbids of a package: where it comes from, and, of this one, dependencies of any version.
fn forbidden(package: &Value) -> Vec<String> {
    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
    let name = &package["name"];
    let foreign = package["source"].as_str().filter(|source| *source != CRATES_IO);
    let foreign = foreign.map(|source| format!("{name} comes from {source}"));
    let own = package["source"].is_null();
    let needed = package["dependencies"].as_array().into_iter().flatten().filter(|_| own);
    let wild = needed.filter(|needed| needed["req"] == "*");
    foreign.into_iter().chain(wild.map(|needed| format!("{name} takes any {}", needed["name"]))).collect()
}

#[test]
fn every_package_comes_from_crates_io_and_none_in_any_version() {
    let packages = packages();
    let complaints: Vec<_> = packages.iter().flat_map(forbidden).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    let foreign = serde_json::json!({
        "name": "a", "source": "git+https://example.com/a", "dependencies": [{ "name": "b", "req": "*" }],
    });
    assert_eq!(forbidden(&foreign), ["\"a\" comes from git+https://example.com/a"]);
    let wild =
        serde_json::json!({ "name": "a", "source": null, "dependencies": [{ "name": "b", "req": "*" }] });
    assert_eq!(forbidden(&wild), ["\"a\" takes any \"b\""]);
}

#[test]
fn a_build_has_none_of_the_packages_that_deny_toml_bans() {
    let deny = deny();
    let banned = deny["bans"]["deny"].as_array().unwrap();
    assert!(banned.len() > 2);
    for package in banned {
        let name = package["crate"].as_str().unwrap();
        assert!(!builds(name, &[]), "{name}");
    }
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
    assert!(builds("axum", &["--no-default-features", "--features", "aws-lc-rs,http"]));
}

#[test]
fn the_licenses_of_deny_toml_decide() {
    for (expression, permissive) in [
        ("MIT/GPL-3.0-only", true),
        ("GPL-3.0-only OR (MIT AND ISC)", true),
        ("MIT AND LGPL-2.1-only", false),
        ("GPL-2.0-only WITH LLVM-exception", false),
    ] {
        assert_eq!(is_permissive(expression).unwrap(), permissive, "{expression}");
    }
    assert!(is_permissive("MIT AND").is_err());
}

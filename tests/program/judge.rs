//! The program judges real mail clients: it tells the classes apart, names what is wrong for a policy, and
//! goes on whatever a client does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod classes;
mod daemon;
mod formats;
mod odd;
mod programs;
mod seen;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::fixture::support::{program, run, text};

/// A mail program whose conduct is chosen by its first argument.
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/judge/client.py");

/// Entries by which classes are told apart.
const TELLING: &str = "starttls-absent,tls-220-close,trust-expired,name-mismatch";

/// Runs `judge` with these flags on a command, which has more time than a busy machine takes.
#[track_caller]
fn judge(flags: &[&str], command: &[&str]) -> Output {
    let mut judge = program();
    judge.arg("judge").args(flags);
    if !flags.contains(&"--timeout") {
        judge.args(["--timeout", "60s"]);
    }
    run(judge.arg("--").args(command))
}

/// The JSON report; `code` is the exit code that there has to be.
#[track_caller]
fn report(code: i32, flags: &[&str], command: &[&str]) -> Value {
    let said = judge(&[flags, &["--format", "json"]].concat(), command);
    let (stdout, stderr) = (text(&said.stdout), text(&said.stderr));
    assert_eq!(said.status.code(), Some(code), "{stdout}\n{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

/// The report on the client of this directory in one of its modes.
#[track_caller]
fn report_on(mode: &str, code: i32, flags: &[&str]) -> Value {
    report(code, flags, &["python3", CLIENT, mode])
}

/// The row of an entry.
#[track_caller]
fn row<'a>(report: &'a Value, entry: &str) -> &'a Value {
    let rows = report["entries"].as_array().unwrap();
    rows.iter().find(|row| row["entry"] == entry).unwrap_or_else(|| panic!("no row for {entry}: {report}"))
}

/// `over-tls right`, for each of these entries.
#[track_caller]
fn rows(report: &Value, entries: &[&str]) -> Vec<String> {
    let shown = |entry: &&str| {
        let row = row(report, entry);
        let mark = row["judged"]["mark"].as_str().unwrap_or("-");
        format!("{} {mark}", row["outcome"].as_str().unwrap())
    };
    entries.iter().map(shown).collect()
}

fn has_python() -> bool {
    assert!(Path::new(CLIENT).exists());
    crate::fixture::support::has("python3")
}

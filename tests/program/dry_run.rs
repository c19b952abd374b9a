//! `check` runs the scenario in memory: it opens no socket, and finds what `verify` finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::process::{Command, Output};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_starttls-lab");

/// Runs the program where it may hold one descriptor at a time beside its standard streams: enough to load what
/// it is linked with, too few for two sockets, and for a runtime that waits for any.
fn without_sockets(args: &[&str]) -> Output {
    let script = "ulimit -n 4 && exec \"$0\" \"$@\"";
    Command::new("sh").args(["-c", script, PROGRAM]).args(args).output().unwrap()
}

#[test]
fn check_opens_no_socket_and_verify_cannot_do_without() {
    for scenario in ["fqdn-mismatch", "edgesync-fqdn-mismatch", "tls-220-rst", "e-slow-reply"] {
        let checked = without_sockets(&["check", "--full", scenario]);
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.status.success(), "{scenario}: {said}");
        assert!(String::from_utf8_lossy(&checked.stdout).contains("A dry run in memory"), "{scenario}");
        let tried = without_sockets(&["check", scenario]);
        assert!(tried.status.success(), "{scenario}: {}", String::from_utf8_lossy(&tried.stderr));
    }
    assert!(!without_sockets(&["verify", "fqdn-mismatch"]).status.success(), "the limit does not limit");
}

/// One fault row that nobody has to meet, and expectations that are false.
const WRONG: &str = r#"
title = "One optional fault row, and expectations that are false"
[[computer]]
name = "EX01"
fqdn = "EX01.contoso.com"
role = "mailbox"
profile = "exchange-2019"
[[computer.certificate]]
label = "mail"
subject = "CN=mail.contoso.com"
names = ["mail.contoso.com"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "In"
usage = "Custom"
fqdn = "mail.contoso.com"
bindings = ["0.0.0.0:25"]
[[computer.fault]]
at = "helo"
do = "close"
optional = true
[before.receive_connector.'EX01\In']
starttls = "none"
events = [12014]
"#;

/// The rows of a proof that are not as the file says.
fn unmet(proof: &Value) -> Vec<String> {
    let stages = proof["stages"].as_array().unwrap().iter();
    let rows = stages.flat_map(|stage| stage["rows"].as_array().unwrap());
    rows.filter(|row| row["met"] == false).map(Value::to_string).collect()
}

#[test]
fn expectations_beside_a_fault_row_are_measured_by_check_as_by_verify() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lab.toml");
    std::fs::write(&path, WRONG).unwrap();
    let run = |verb: &str| {
        let output = Command::new(PROGRAM).args([verb, "--output", "json"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let (checked, verified) = (unmet(&run("check")["rehearsal"]), unmet(&run("verify")[0]));
    assert_eq!(checked.len(), 2, "{checked:#?}");
    assert_eq!(checked, verified);
}

//! Programs that people use, each in the class that its options put it in.

use super::{TELLING, report, row, rows};
use crate::fixture::support::has;

const SWAKS: [&str; 9] =
    ["swaks", "--server", "{host}:{port}", "--to", "b@lab.test", "--from", "a@lab.test", "--timeout", "50"];

#[track_caller]
fn class(command: &[&str]) -> (String, Vec<String>) {
    let report = report(0, &["--only", TELLING, "--jobs", "2"], command);
    let class = report["client"]["class"].as_str().unwrap_or("none").to_owned();
    let entries = ["baseline", "starttls-absent", "tls-220-close", "trust-expired", "name-mismatch"];
    let outcomes = rows(&report, &entries).into_iter().map(|row| row.replace(" -", ""));
    (class, outcomes.collect())
}

#[test]
fn swaks_without_tls_never_upgrades_and_with_tls_demands_it_of_anybody() {
    if !has("swaks") {
        return;
    }
    assert_eq!(class(&SWAKS).0, "plain-only");
    let (mandatory, outcomes) = class(&[&SWAKS[..], &["--tls"]].concat());
    assert_eq!(mandatory, "M1", "{outcomes:?}");
    assert_eq!(outcomes, ["over-tls", "refused", "refused", "over-tls", "over-tls"]);
    let (optional, outcomes) = class(&[&SWAKS[..], &["--tls-optional"]].concat());
    assert!(["O1", "O3"].contains(&optional.as_str()), "{outcomes:?}");
    assert_eq!(outcomes[1], "in-clear");
}

#[test]
fn swaks_that_dies_of_a_closed_connection_has_not_delivered() {
    if !has("swaks") {
        return;
    }
    let report = report(
        0,
        &["--only", "tls-220-close,tls-220-garbage-*,tls-220-rst", "--policy", "encrypt", "--jobs", "2"],
        &[&SWAKS[..], &["--tls"]].concat(),
    );
    let row = row(&report, "tls-220-close");
    assert_eq!((&row["outcome"], &row["judged"]["mark"]), (&"refused".into(), &"right".into()), "{row}");
}

#[test]
fn curl_that_demands_tls_verifies_chain_and_name() {
    if !has("curl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mail = dir.path().join("mail");
    std::fs::write(&mail, "Subject: hello\r\n\r\nhello\r\n").unwrap();
    let command = [
        "curl",
        "-sS",
        "--max-time",
        "50",
        "--connect-to",
        "{name}:{port}:{host}:{port}",
        "--cacert",
        "{ca}",
        "--mail-from",
        "a@lab.test",
        "--mail-rcpt",
        "b@lab.test",
        "--upload-file",
        mail.to_str().unwrap(),
        "smtp://{name}:{port}/client.lab.test",
    ];
    let (class_required, outcomes) = class(&[&command[..], &["--ssl-reqd"]].concat());
    assert_eq!(class_required, "M2", "{outcomes:?}");
    assert_eq!(outcomes, ["over-tls", "refused", "refused", "refused", "refused"]);
    let (class_if_offered, outcomes) = class(&[&command[..], &["--ssl"]].concat());
    assert_eq!(class_if_offered, "O4", "{outcomes:?}");
    let (class_insecure, outcomes) = class(&[&command[..], &["--ssl-reqd", "-k"]].concat());
    assert_eq!(class_insecure, "M1", "{outcomes:?}");
}

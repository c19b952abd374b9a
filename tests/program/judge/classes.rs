//! The classes of clients, each shown by a program that does what its class says.

use super::{TELLING, has_python, report_on, row, rows};

const ENTRIES: [&str; 5] = ["baseline", "starttls-absent", "tls-220-close", "trust-expired", "name-mismatch"];

/// The class, what it verifies, and what became of each entry.
#[track_caller]
fn class(mode: &str) -> (String, String, Vec<String>) {
    let report = report_on(mode, 0, &["--only", TELLING, "--jobs", "2"]);
    let client = &report["client"];
    let verifies = format!("chain {} name {}", client["verifies"]["chain"], client["verifies"]["name"]);
    let class = client["class"].as_str().unwrap_or("none").to_owned();
    (class, verifies, rows(&report, &ENTRIES))
}

#[track_caller]
fn is(mode: &str, expected: &str, verifies: &str, outcomes: [&str; 5]) {
    if !has_python() {
        return;
    }
    let (class, found, rows) = class(mode);
    assert_eq!(class, expected, "{rows:?}");
    assert_eq!(found, verifies, "{rows:?}");
    assert_eq!(rows, outcomes.map(|outcome| format!("{outcome} -")));
}

const NOTHING: &str = "chain false name false";

#[test]
fn a_client_that_never_upgrades() {
    is("never", "plain-only", "chain null name null", ["in-clear"; 5]);
}

#[test]
fn a_client_that_falls_back_at_once() {
    is("at-once", "O1", NOTHING, ["over-tls", "in-clear", "in-clear", "over-tls", "over-tls"]);
}

#[test]
fn a_client_that_falls_back_on_a_later_try() {
    is("later", "O2", NOTHING, ["over-tls", "in-clear", "in-clear", "over-tls", "over-tls"]);
}

#[test]
fn a_client_that_never_falls_back() {
    is("no-fall-back", "O3", NOTHING, ["over-tls", "in-clear", "refused", "over-tls", "over-tls"]);
}

#[test]
fn a_client_that_upgrades_if_offered_and_verifies_then() {
    is("if-offered", "O4", "chain true name true", ["over-tls", "in-clear", "refused", "refused", "refused"]);
}

#[test]
fn a_client_that_demands_tls_and_verifies_nothing() {
    is("anything", "M1", NOTHING, ["over-tls", "refused", "refused", "over-tls", "over-tls"]);
}

#[test]
fn a_client_that_verifies_the_chain_and_not_the_name() {
    is("chain", "M2", "chain true name false", ["over-tls", "refused", "refused", "refused", "over-tls"]);
}

#[test]
fn a_client_that_verifies_chain_and_name() {
    is(
        "name-and-chain",
        "M2",
        "chain true name true",
        ["over-tls", "refused", "refused", "refused", "refused"],
    );
}

#[test]
fn each_policy_is_broken_by_the_clients_that_do_not_keep_it_and_by_no_others() {
    if !has_python() {
        return;
    }
    for (mode, none, may, encrypt, verify) in [
        ("never", 0, 1, 1, 1),
        ("at-once", 0, 0, 1, 1),
        ("anything", 0, 0, 0, 1),
        ("chain", 0, 0, 0, 1),
        ("name-and-chain", 0, 0, 0, 0),
    ] {
        for (policy, code) in
            [("none", none), ("may", may), ("encrypt", encrypt), ("verify", verify), ("secure", verify)]
        {
            let flags = ["--only", TELLING, "--jobs", "2", "--policy", policy];
            let report = report_on(mode, code, &flags);
            assert_eq!(report["broken"], code == 1, "{mode} {policy}");
        }
    }
}

#[test]
fn the_fall_back_is_told_across_connections() {
    if !has_python() {
        return;
    }
    let report = report_on("later", 1, &["--only", "tls-220-close", "--policy", "encrypt"]);
    let row = row(&report, "tls-220-close");
    assert_eq!(row["fall_back"]["connections_later"], 2);
    assert_eq!(row["judged"]["why"], "delivered in clear (envelope and body in clear)");
    assert_eq!(row["verdicts"][0]["leaks"][0]["why"], "after-failure");
    assert_eq!(row["verdicts"][0]["conversations"].as_array().unwrap().len(), 3);
}

#[test]
fn a_password_in_clear_is_told() {
    if !has_python() {
        return;
    }
    let report = report_on("login", 1, &["--only", "starttls-absent", "--policy", "encrypt"]);
    let leaked = &row(&report, "starttls-absent")["leaked"];
    assert!(leaked.as_array().unwrap().contains(&"credentials".into()), "{leaked}");
}

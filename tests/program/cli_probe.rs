//! `probe` as a person meets it: the first line, the table, the exit codes, what it writes and reads.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fixture::support::{ServedWithRoot, finished};
use crate::refusing::Refusing;

impl ServedWithRoot {
    fn probe(&self, args: &[&str]) -> (i32, String, String) {
        probe(&[&[self.address.as_str(), "--ca-file", &self.root()], args].concat())
    }
}

fn probe(args: &[&str]) -> (i32, String, String) {
    finished(&[&["probe"], args].concat())
}

const GOOD: [&str; 4] = ["--fqdn", "mx.lab.test", "--certificate", "mx.lab.test"];

fn one_line(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_server_that_everybody_delivers_to_over_tls_is_one_line_and_zero() {
    let lab = ServedWithRoot::start(&GOOD);
    let (code, said, complaint) = lab.probe(&["--name", "mx.lab.test"]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    let first = format!(
        "{}: STARTTLS is offered and works (TLSv1.3); its certificate is trusted and names mx.lab.test.",
        lab.address
    );
    assert!(one_line(&said).starts_with(&first), "{said}");
    assert!(said.contains("mandatory-verified               tls-authenticated"), "{said}");
}

#[test]
fn a_name_that_is_not_in_the_certificate_is_one_with_both_names() {
    let lab = ServedWithRoot::start(&GOOD);
    let (code, said, complaint) = lab.probe(&["--name", "mail.elsewhere.test"]);
    assert_eq!(code, 1, "{said}");
    let why = "its certificate carries mx.lab.test, where mail.elsewhere.test was looked for: senders that verify do not deliver.";
    assert!(one_line(&said).contains(why), "{said}");
    assert!(one_line(&said).contains("mail.elsewhere.test is NOT found by RFC 9525"), "{said}");
    assert!(complaint.contains("would not deliver to "), "{complaint}");
}

#[test]
fn the_seed_says_what_is_missing_and_where_to_look() {
    let lab = ServedWithRoot::start(&["fqdn-mismatch"]);
    let (code, said, _) = lab.probe(&["--name", "mail.expta.com"]);
    let said = one_line(&said);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("STARTTLS is NOT offered: mail goes in clear"), "{said}");
    assert!(said.contains("the connector's FQDN, here mail.expta.com (event 12014)"), "{said}");
}

#[test]
fn several_servers_are_a_table_and_what_they_do_not_share() {
    let (good, other) = (ServedWithRoot::start(&GOOD), ServedWithRoot::start(&["fqdn-mismatch"]));
    let ca_file = good.root();
    let args = [&good.address, &good.address, &other.address, "--name", "mx.lab.test", "--ca-file"];
    let (code, said, _) = probe(&[&args[..], &[&ca_file]].concat());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("  server "), "{said}");
    let drift = format!("EHLO in clear: STARTTLS: listed at 2 of 3 members; missing at {}", other.address);
    assert!(one_line(&said).contains(&drift), "{said}");
}

#[test]
fn json_is_one_object_with_what_was_seen_and_what_it_means() {
    let lab = ServedWithRoot::start(&GOOD);
    let (code, said, _) = lab.probe(&["--name", "mx.lab.test", "--output", "json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report["as_expected"]), (0, &Value::Bool(true)));
    let member = &report["hosts"][0]["members"][0];
    assert_eq!(member["visit"]["handshake"]["version"], "TLSv1.3", "{member}");
    assert_eq!(member["visit"]["handshake"]["chain"][0]["subject"], "CN=mx.lab.test");
    assert_eq!(member["findings"][0]["severity"], "good");
    assert_eq!(member["names"][1], serde_json::json!({ "rule": "rfc9525", "by": "mx.lab.test" }));
}

#[test]
fn a_lab_that_was_saved_is_the_same_as_the_server() {
    let lab = ServedWithRoot::start(&GOOD);
    let file = lab.directory.path().join("lab.toml");
    let file = file.to_str().unwrap();
    let (code, said, _) = lab.probe(&["--name", "mx.lab.test", "--save", file]);
    assert_eq!(code, 0, "{said}");
    let (code, said, complaint) = lab.probe(&["--name", "mx.lab.test", "--compare", file]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    assert!(one_line(&said).contains("No difference in anything that can be compared."), "{said}");
    let (code, said, complaint) = lab.probe(&["--name", "mx.lab.test", "--compare", "fqdn-mismatch"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        complaint.contains("the server differs from MAILGATE\\Default internal receive connector MAILGATE")
    );
}

#[test]
fn two_saved_runs_tell_what_a_middlebox_did() {
    let (inside, outside) = (ServedWithRoot::start(&GOOD), ServedWithRoot::start(&["starttls-stripped-xxx"]));
    let run = |lab: &ServedWithRoot, name: &str| {
        let path = lab.directory.path().join(name);
        lab.probe(&["--name", "mx1.lab.test", "--save-run", path.to_str().unwrap()]);
        path
    };
    let (one, other) = (run(&inside, "inside.json"), run(&outside, "outside.json"));
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    let (code, said, _) = probe(&["--inside", one, "--outside", other]);
    assert_eq!(code, 1, "{said}");
    let said = one_line(&said);
    assert!(said.contains("- STARTTLS comes out as XXXXXXXA: it is masked on the way"), "{said}");
    assert!(said.contains("- the banner is written over with asterisks"), "{said}");
    let (code, said, _) = probe(&["--inside", one, "--outside", one]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("nothing is changed on the way"), "{said}");
}

#[test]
fn where_nobody_listens_it_is_three() {
    let nobody = Refusing::new();
    let (code, said, complaint) = probe(&[&nobody.address().to_string()]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("no connection (connection refused)."), "{said}");
    assert!(complaint.contains("cannot be reached"), "{complaint}");
}

#[test]
fn wrong_words_are_two_before_anybody_is_connected_to() {
    let nothing = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let nothing = nothing.to_str().unwrap();
    for (args, hint) in [
        (&["http://127.0.0.1"][..], "is no HOST[:PORT]"),
        (&["127.0.0.1:99999"], "from 1 to 65535"),
        (&["127.0.0.1:9", "--name", "a b"], "--name:"),
        (&["127.0.0.1:9", "--timeout", "0s"], "--timeout"),
        (&["127.0.0.1:9", "--ca-file", "/nonexistent.pem"], "--ca-file /nonexistent.pem"),
        (&["127.0.0.1:9", "--compare", "fqdn-mismatsch"], "did you mean `fqdn-mismatch`?"),
        (&["127.0.0.1:9", "--inside", nothing], "it is no run that `probe --save-run` has written"),
    ] {
        let (code, said, complaint) = probe(args);
        assert_eq!((code, said.as_str()), (2, ""), "{args:?} {complaint}");
        assert!(complaint.contains(hint), "{args:?}: {complaint}");
    }
    let (code, ..) = probe(&[]);
    assert_eq!(code, 2);
}

#[test]
fn a_saved_run_is_read_whatever_became_of_the_server() {
    let lab = ServedWithRoot::start(&GOOD);
    let path = lab.directory.path().join("run.json");
    lab.probe(&["--name", "mx.lab.test", "--save-run", path.to_str().unwrap()]);
    let run: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(run["probe_run"], 1);
    let trials = run["hosts"][0]["members"][0]["trials"].as_array().unwrap();
    let offers: Vec<_> = trials.iter().map(|it| it["offer"].as_str().unwrap()).collect();
    assert_eq!(offers, ["TLSv1.2", "TLSv1.1", "TLSv1.0", "no-sni"]);
}

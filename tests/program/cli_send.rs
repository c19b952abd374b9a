//! `send` as a person meets it: what it prints, and with which exit code.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A `serve` that is stopped when it is dropped.
struct Served {
    child: Child,
    address: String,
    directory: tempfile::TempDir,
}

impl Served {
    fn start(certificate: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_starttls-lab"))
            .args([
                "serve",
                "--port",
                "0",
                "--fqdn",
                "mx.lab.test",
                "--certificate",
                certificate,
                "--ca-file",
            ])
            .arg(directory.path().join("ca.pem"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let address = ready["connectors"][0]["addr"].as_str().unwrap().to_owned();
        Self { child, address, directory }
    }

    fn send(&self, args: &[&str]) -> (i32, String, String) {
        let ca_file = self.directory.path().join("ca.pem");
        send(&[&["--to", &self.address, "--ca-file", ca_file.to_str().unwrap()], args].concat())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn send(args: &[&str]) -> (i32, String, String) {
    let envelope = ["--from", "a@sender.test", "--rcpt", "b@lab.test"];
    let program = Command::new(env!("CARGO_BIN_EXE_starttls-lab"));
    let Output { status, stdout, stderr } = run(program, &[&["send"], args, &envelope].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn run(mut program: Command, args: &[&str]) -> Output {
    program.args(args).output().unwrap()
}

#[test]
fn a_delivery_is_shown_as_a_conversation_and_ends_with_a_sentence_and_zero() {
    let lab = Served::start("mx.lab.test");
    let (code, said, _) = lab.send(&["--policy", "verify", "--name", "mx.lab.test"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("\nC: STARTTLS\nS: 220 2.0.0 SMTP server ready\n== STARTTLS: TLSv1.3 "), "{said}");
    assert!(said.ends_with("\nDelivered over TLS (TLSv1.3); mx.lab.test is authenticated.\n"), "{said}");
}

#[test]
fn a_message_that_is_held_back_is_one_and_says_why() {
    let lab = Served::start("other.lab.test");
    let (code, said, complaint) = lab.send(&["--policy", "EncryptionOnly", "--name", "mx.lab.test"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains(
            "\nDeferred: mx.lab.test does not offer STARTTLS, and TLS is required. [starttls-not-supported]\n"
        ),
        "{said}"
    );
    assert!(said.contains("[Message=451 5.7.3 STARTTLS is required to send mail]"), "{said}");
    assert!(complaint.contains("was not delivered to 127.0.0.1:"), "{complaint}");
    let (code, said, _) = lab.send(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.ends_with("there was no STARTTLS to be had. [starttls-not-supported]\n"), "{said}");
}

#[test]
fn a_wrong_name_is_told_by_the_names_that_were_presented() {
    let lab = Served::start("mx.lab.test");
    let (code, said, _) = lab.send(&["--policy", "verify", "--name", "mail.elsewhere.test"]);
    assert_eq!(code, 1, "{said}");
    let sentence = "Deferred: the certificate of mail.elsewhere.test carries mx.lab.test, where \
                    mail.elsewhere.test was expected. [certificate-host-mismatch]";
    assert!(said.contains(sentence), "{said}");
}

#[test]
fn json_is_one_object_with_every_attempt_and_the_journal() {
    let lab = Served::start("mx.lab.test");
    let (code, said, _) = lab.send(&["--policy", "library", "--output", "json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &report["delivered"]),
        (1, &Value::Bool(false)),
        "the address is not in the certificate"
    );
    let attempt = &report["attempts"][0];
    assert_eq!(attempt["outcome"], "bounced", "{attempt}");
    assert_eq!(attempt["reason"]["detail"]["problem"], "host-mismatch", "{attempt}");
    assert_eq!(attempt["result_type"], "certificate-host-mismatch", "{attempt}");
    assert_eq!(report["journal"][0]["record"], "connecting", "{report}");
}

#[test]
fn where_nobody_listens_nothing_is_delivered() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let (code, said, _) = send(&["--to", &address]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("Deferred: no connection to 127.0.0.1 ("), "{said}");
}

#[test]
fn wrong_words_are_answered_with_what_would_be_right() {
    for (args, hint) in [
        (&["--to", "127.0.0.1:9", "--policy", "dane"][..], "there is no sender `dane`; there are plain-only"),
        (&["--to", "127.0.0.1"], "write HOST:PORT"),
        (&["--to", "127.0.0.1:9", "--ca-file", "/nonexistent.pem"], "--ca-file /nonexistent.pem: "),
    ] {
        let (code, said, complaint) = send(args);
        assert_eq!((code, said.as_str()), (2, ""), "{args:?}");
        assert!(complaint.contains(hint), "{complaint}");
    }
}

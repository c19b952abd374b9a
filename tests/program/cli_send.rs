//! `send` as a person meets it: what it prints, and with which exit code.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use serde_json::Value;

use crate::fixture::support::{ServedWithRoot, finished};
use crate::refusing::Refusing;

fn start(certificate: &str) -> ServedWithRoot {
    ServedWithRoot::start(&["--fqdn", "mx.lab.test", "--certificate", certificate])
}

impl ServedWithRoot {
    fn send(&self, args: &[&str]) -> (i32, String, String) {
        send(&[&["--to", &self.address, "--ca-file", &self.root()], args].concat())
    }
}

fn send(args: &[&str]) -> (i32, String, String) {
    finished(&[&["send"], args, &["--from", "a@sender.test", "--rcpt", "b@lab.test"]].concat())
}

#[test]
fn a_delivery_is_shown_as_a_conversation_and_ends_with_a_sentence_and_zero() {
    let lab = start("mx.lab.test");
    let (code, said, _) = lab.send(&["--policy", "verify", "--name", "mx.lab.test"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("\nC: STARTTLS\nS: 220 2.0.0 SMTP server ready\n== STARTTLS: TLSv1.3 "), "{said}");
    assert!(said.ends_with("\nDelivered over TLS (TLSv1.3); mx.lab.test is authenticated.\n"), "{said}");
}

#[test]
fn a_message_that_is_held_back_is_one_and_says_why() {
    let lab = start("other.lab.test");
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
    let lab = start("mx.lab.test");
    let (code, said, _) = lab.send(&["--policy", "verify", "--name", "mail.elsewhere.test"]);
    assert_eq!(code, 1, "{said}");
    let sentence = "Deferred: the certificate of mail.elsewhere.test carries mx.lab.test, where \
                    mail.elsewhere.test was expected. [certificate-host-mismatch]";
    assert!(said.contains(sentence), "{said}");
}

#[test]
fn json_is_one_object_with_every_attempt_and_the_journal() {
    let lab = start("mx.lab.test");
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
    let nobody = Refusing::new();
    let (code, said, _) = send(&["--to", &nobody.address().to_string()]);
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

//! The end of a lab: what was expected, what was seen, and what a test that fails prints.

use std::process::{Command, Output};
use std::time::Duration;

use starttls_lab::{Lab, a_message, a_session};

use super::healthy;
use crate::blocking::{Client, send_in_clear};

#[test]
fn expectations_that_are_met_pass_and_are_told() {
    let lab = Lab::scenario("fqdn-mismatch")
        .expect_event(12014)
        .expect_no_event(12016)
        .expect_message(a_message().to("you@expta.com"))
        .expect_no_message(a_message().over_tls())
        .expect_session(a_session().in_clear())
        .expect_no_session(a_session().with_failed_tls())
        .start()
        .unwrap();
    send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    let report = lab.finish();
    report.assert();
    assert_eq!((report.sessions.len(), report.messages.len(), report.events.len()), (1, 1, 1));
    let words: Vec<_> = report.expectations.iter().map(|checked| checked.expected.as_str()).collect();
    assert_eq!(
        words,
        [
            "event 12014",
            "no event 12016",
            "a message to you@expta.com",
            "no message over TLS",
            "a conversation in clear",
            "no conversation with a handshake that fails"
        ]
    );
}

#[test]
fn expectations_that_are_not_met_fail_with_what_there_was_instead() {
    let lab = Lab::scenario("fqdn-mismatch")
        .expect_no_message_in_clear()
        .expect_event(12014)
        .expect_message(a_message().over_tls())
        .quiet()
        .start()
        .unwrap();
    send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    let report = lab.finish();
    assert!(!report.is_ok());
    let failure = std::panic::catch_unwind(|| report.assert()).unwrap_err();
    assert_eq!(
        failure.downcast_ref::<String>().unwrap(),
        "the lab did not see what it should have:\n\
         NOT as expected: no message in clear; there were 1, newest first:\n  \
         message 1 from me@contoso.com to you@expta.com, ESMTP in clear\n\
         as expected: event 12014\n\
         NOT as expected: a message over TLS; messages so far, newest first:\n  \
         message 1 from me@contoso.com to you@expta.com, ESMTP in clear\n    in clear\n"
    );
}

#[test]
fn a_client_that_stays_is_told_goodbye_when_the_lab_is_finished() {
    let lab = healthy();
    let client = Client::connect(lab.addr());
    let rest = std::thread::spawn(move || client.rest());
    assert!(lab.finish_within(Duration::ZERO).all_ended);
    assert_eq!(rest.join().unwrap(), "421 4.3.2 Service not active\r\n");
}

/// Runs one of the tests below in a process of its own, where it really plays.
fn play(test: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = &format!("in_blocking_tests::finish::{test}");
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PLAYED, "yes");
    command.output().unwrap()
}

const PLAYED: &str = "STARTTLS_LAB_TEST_PLAYED";

fn is_played() -> bool {
    std::env::var_os(PLAYED).is_some()
}

#[test]
fn played_a_test_that_panics() {
    if is_played() {
        let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
        send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
        panic!("the test has found something wrong");
    }
}

#[test]
fn played_a_quiet_test_that_panics() {
    if is_played() {
        let lab = Lab::scenario("fqdn-mismatch").quiet().start().unwrap();
        panic!("{}", lab.addr());
    }
}

#[test]
fn played_a_test_that_panics_with_a_report() {
    if is_played() {
        let report = Lab::scenario("fqdn-mismatch").expect_no_event(12014).start().unwrap().finish();
        report.assert();
    }
}

#[test]
fn a_test_that_panics_prints_the_transcript_of_its_lab() {
    let output = play("played_a_test_that_panics");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(text.contains("\nTranscript of the lab \"The connector's FQDN is in no certificate"), "{text}");
    for line in [
        "\n** event 12014 on mailgate, Error: ",
        "\n[1] C: EHLO client.example\n",
        "\n[1] ++ message 1 from me@contoso.com to you@expta.com, ESMTP in clear\n",
        ": 1 message in clear (STARTTLS was not offered)\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
}

#[test]
fn a_report_prints_the_transcript_where_its_expectations_fail() {
    let output = play("played_a_test_that_panics_with_a_report");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("NOT as expected: no event 12014; there were 1") && text.contains("\nTranscript of")
    );
}

#[test]
fn a_quiet_lab_prints_nothing() {
    let output = play("played_a_quiet_test_that_panics");
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("127.0.0.1:") && !text.contains("Transcript"), "{text}");
}

#[test]
fn what_is_said_in_clear_is_told_although_no_message_came() {
    let lab = Lab::scenario("fqdn-mismatch").expect_no_message_in_clear().expect_nothing_in_clear();
    let lab = lab.quiet().start().unwrap();
    let mut client = Client::connect(lab.addr());
    client.ask("EHLO client.example");
    client.ask("AUTH PLAIN AGEAYg==");
    client.ask("MAIL FROM:<me@contoso.com>");
    client.quit();
    let report = lab.finish();
    let [no_message, nothing] = &report.expectations[..] else { panic!("{report}") };
    assert!(no_message.met, "{no_message}");
    assert!(
        !nothing.met && nothing.expected == "nothing in clear of credentials, body, envelope",
        "{nothing}"
    );
    assert!(
        nothing.instead.contains("from 127.0.0.1:")
            && nothing.instead.ends_with("credentials, envelope in clear where STARTTLS was not offered"),
        "{nothing}"
    );
}

#[test]
fn an_address_in_clear_is_envelope_in_whatever_command() {
    for line in
        ["SAML FROM:<a@b.test>", "SOML FROM:<a@b.test>", "SEND FROM:<a@b.test>", "VRFY anna", "EXPN staff"]
    {
        let lab = Lab::scenario("fqdn-mismatch").expect_nothing_in_clear().quiet().start().unwrap();
        let mut client = Client::connect(lab.addr());
        client.ask(line);
        client.quit();
        let report = lab.finish();
        let [nothing] = &report.expectations[..] else { panic!("{report}") };
        assert!(!nothing.met && nothing.instead.contains("envelope in clear"), "{line}: {nothing}");
    }
}

#[test]
fn a_password_is_shown_nowhere_however_auth_is_spelled() {
    for line in ["XAUTH PLAIN c2VjcmV0", "\"AUTH\" PLAIN c2VjcmV0", "NOOP AUTH PLAIN c2VjcmV0"] {
        let lab = Lab::scenario("fqdn-mismatch").expect_nothing_in_clear().quiet().start().unwrap();
        let mut client = Client::connect(lab.addr());
        client.ask(line);
        client.quit();
        assert!(lab.transcript().contains("<authentication response>"), "{}", lab.transcript());
        assert!(!lab.transcript().contains("c2VjcmV0"), "{}", lab.transcript());
        let report = lab.finish();
        assert!(report.expectations[0].instead.contains("credentials in clear"), "{line}: {report}");
    }
}

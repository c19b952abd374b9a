//! The harness in tests that block: what it promises, and what it says where a promise is not kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod built_faults;
mod finish;
mod misconduct;
mod waits;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::blocking::{Client, send_in_clear};
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::exchange::Profile;
use starttls_lab::internal::scenario::scenario;
use starttls_lab::internal::session::TlsFailure;
use starttls_lab::{Answer, Lab, a_message, a_session, an_event};

fn healthy() -> Lab {
    Lab::connector("mail.contoso.com").certificate(["mail.contoso.com"]).start().unwrap()
}

fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

#[test]
fn a_lab_without_a_file_offers_starttls_and_takes_a_message_through_it() {
    let lab = healthy();
    let client = Client::connect(lab.addr());
    let mut client = client.starttls(lab.client_config(), "mail.contoso.com").unwrap();
    client.send("me@contoso.com", "you@contoso.com", "hello");
    client.quit();
    let message = lab.wait_for_message(a_message().to("YOU@contoso.com").over_tls()).unwrap();
    assert_eq!(message.subject.as_deref(), Some("hello"));
    assert_eq!(&message.content()[..], b"Subject: hello\r\n\r\ntext\r\n");
    let session = lab.wait_for_session(a_session().over_tls().with_messages(1)).unwrap();
    assert_eq!((session.messages_over_tls, session.messages_in_clear), (1, 0));
    assert_eq!(session.tls.unwrap().certificate.subject, "CN=mail.contoso.com");
    assert!(lab.events().is_empty());
}

#[test]
fn a_lab_without_a_certificate_that_fits_withholds_starttls() {
    let lab = Lab::connector("mail.contoso.com").certificate(["other.contoso.com"]).start().unwrap();
    assert!(!Client::connect(lab.addr()).ask("EHLO client.example").contains("STARTTLS"));
    let event = lab.wait_for_event(an_event(12014).mentioning("mail.contoso.com").on("mail")).unwrap();
    assert_eq!(event.connector.as_deref(), Some("Default internal receive connector LAB"));
}

#[test]
fn everything_else_is_edited_and_the_profile_is_a_word() {
    let lab = Lab::connector("mail.contoso.com")
        .profile(Profile::Exchange2010)
        .edit(|scenario| scenario.computer[0].accepted_domains = vec!["contoso.com".parse().unwrap()])
        .start()
        .unwrap();
    let mut client = Client::connect(lab.addr());
    client.ask("MAIL FROM:<me@contoso.com>");
    assert_eq!(client.ask("RCPT TO:<you@elsewhere.example>"), "550 5.7.1 Unable to relay");
}

#[test]
fn a_file_and_a_text_are_labs_like_a_story() {
    let text = scenario("healthy").unwrap().text;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let labs = [Lab::file(file.path()), Lab::text(text), Lab::scenario("healthy")];
    for lab in labs.map(|builder| builder.start().unwrap()) {
        assert!(lab.connectors()[0].starttls);
    }
}

#[test]
fn what_is_wrong_with_a_lab_is_said_with_what_would_be_right() {
    let error = |builder: starttls_lab::LabBuilder| builder.start().unwrap_err().to_string();
    assert_eq!(
        error(Lab::scenario("fqdn-missmatch")),
        "there is no scenario `fqdn-missmatch`; did you mean `fqdn-mismatch`?"
    );
    assert!(error(Lab::scenario("thunderstorm")).contains("`starttls-lab list`"));
    assert!(
        error(Lab::file("/nowhere/lab.toml")).starts_with("cannot read the lab file /nowhere/lab.toml: ")
    );
    assert!(error(Lab::text("titel = 1")).starts_with("Lab::text:1:1: unknown key `titel`; did you mean"));
    assert!(error(Lab::connector("mail contoso")).starts_with("`mail contoso` is not an FQDN: "));
    let edited = Lab::scenario("healthy").edit(|scenario| scenario.computer[0].name.clear());
    assert!(error(edited).starts_with("healthy: "));
}

#[test]
fn a_connector_is_found_by_its_name_by_server_and_name_and_by_fqdn() {
    let lab = Lab::scenario("submission-beside-25").start().unwrap();
    for connector in lab.connectors() {
        let with_server = format!("{}\\{}", connector.computer, connector.name).to_lowercase();
        assert_eq!(lab.address(&connector.name), connector.addr);
        assert_eq!(lab.address(&with_server), connector.addr);
    }
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    assert_eq!(lab.address("MAIL.expta.com"), lab.addr());
}

#[test]
fn a_connector_that_is_not_there_is_answered_with_those_that_are() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    assert_eq!(
        lab.try_address("Inbound").unwrap_err().to_string(),
        "there is no connector `Inbound`; there are: \
         MAILGATE\\Default internal receive connector MAILGATE (mail.expta.com)"
    );
}

#[test]
#[should_panic(expected = "the lab has 2 connectors, so say which: ")]
fn the_only_address_of_two_is_a_panic_that_lists_them() {
    Lab::scenario("submission-beside-25").quiet().start().unwrap().addr();
}

#[test]
fn a_port_is_free_when_its_lab_is_finished() {
    let lab = healthy();
    let address = lab.addr();
    assert!(!is_free(address));
    assert!(lab.finish().all_ended);
    assert!(is_free(address));
}

#[test]
fn a_port_is_free_when_its_lab_is_dropped_even_under_a_client() {
    let lab = healthy();
    let address = lab.addr();
    let mut client = Client::connect(address);
    client.send("me@contoso.com", "you@contoso.com", "hello");
    drop(lab);
    assert!(is_free(address));
}

#[test]
fn a_hundred_labs_stand_side_by_side_and_see_only_their_own() {
    let labs: Vec<_> = (0..100).map(|_| healthy()).collect();
    send_in_clear(labs[42].addr(), "me@contoso.com", "you@contoso.com", "hello");
    for (index, lab) in labs.iter().enumerate() {
        let found = lab.wait_for_session_within(Duration::ZERO, a_session()).is_ok();
        assert_eq!((found, lab.messages().len()), (index == 42, usize::from(index == 42)), "lab {index}");
    }
}

#[test]
fn two_labs_do_not_trust_each_other() {
    let (one, two) = (healthy(), healthy());
    assert_ne!(one.ca_pem(), two.ca_pem());
    Client::connect(one.addr()).starttls(two.client_config(), "mail.contoso.com").err().unwrap();
    let session = one.wait_for_session(a_session().with_failed_tls()).unwrap();
    assert!(matches!(session.tls_failure.unwrap().failure, TlsFailure::AlertReceived { .. }));
    assert!(two.sessions().is_empty());
}

#[test]
fn a_client_with_a_configuration_of_its_own_never_resumes_the_session_of_another() {
    let lab = healthy();
    let connect = |config| Client::connect(lab.addr()).starttls(config, "mail.contoso.com").unwrap();
    let config = lab.client_config();
    let resumed = [config.clone(), config, lab.client_config()].map(|config| {
        let client = connect(config);
        let resumed = client.resumed();
        client.quit();
        resumed
    });
    assert_eq!(resumed, [false, true, false]);
}

#[test]
fn a_client_of_the_lab_lives_by_the_labs_clock() {
    let clock = Clock::pinned("2010-09-28T09:35:58Z".parse().unwrap());
    let lab = Lab::connector("mail.contoso.com").certificate(["mail.contoso.com"]).clock(clock.clone());
    let lab = lab.start().unwrap();
    let connect = || Client::connect(lab.addr()).starttls(lab.client_config(), "mail.contoso.com");
    connect().unwrap().quit();
    clock.advance(jiff::SignedDuration::from_hours(24 * 365));
    connect().err().expect("the certificate has expired");
}

#[test]
fn a_cmdlet_mends_the_lab_from_the_next_connection_on() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    assert!(lab.run("Get-ReceiveConnector | Format-List Fqdn").unwrap().contains("mail.expta.com"));
    lab.run_on("MAILGATE", "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com").unwrap();
    Client::connect(lab.addr()).starttls(lab.client_config(), "mailgate.expta.com").unwrap().quit();
}

#[test]
fn a_cmdlet_that_is_refused_is_an_error_with_the_words_of_the_shell() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    let refused = lab.run("Set-ReceiveConnector Nobody -Fqdn mailgate.expta.com").unwrap_err();
    assert!(refused.to_string().contains("'Nobody' couldn't be found"), "{refused}");
    let refused = lab.run_on("ELSEWHERE", "Get-ReceiveConnector").unwrap_err();
    assert!(refused.to_string().contains("ELSEWHERE"), "{refused}");
    assert!(!lab.connectors()[0].starttls);
}

/// Enables the right certificate of the Edge, which makes the Shell ask whether to overwrite the default one.
const ENABLE: &str =
    "Get-ExchangeCertificate -DomainName mail.contoso.com | Enable-ExchangeCertificate -Services SMTP";

#[test]
fn a_question_of_the_shell_is_answered_and_the_answer_counts() {
    for (answer, overwritten) in [(Answer::No, false), (Answer::Yes, true)] {
        let lab = Lab::scenario("internal-certificate-overwritten").start().unwrap();
        lab.run_on_answering("EDGE01", ENABLE, &[answer]).unwrap();
        let edge = lab.connectors().into_iter().find(|it| it.computer == "EDGE01").unwrap();
        assert!(edge.starttls, "either answer mends STARTTLS");
        let published =
            lab.run_on("EDGE01", "Get-TransportService | Format-List InternalTransport*").unwrap();
        let mail = lab.run_on("EDGE01", "(Get-ExchangeCertificate -DomainName mail.contoso.com).Thumbprint");
        assert_eq!(published.contains(mail.unwrap().trim()), overwritten, "{published}");
    }
}

#[test]
fn a_question_nobody_answers_and_an_answer_nobody_asked_for_change_nothing() {
    let lab = Lab::scenario("internal-certificate-overwritten").start().unwrap();
    let refused = lab.run_on("EDGE01", ENABLE).unwrap_err().to_string();
    assert!(refused.contains("Overwrite the existing default SMTP certificate?"), "{refused}");
    assert!(refused.contains("it asks, and nobody answered"), "{refused}");
    let refused = lab.run_on_answering("EDGE01", ENABLE, &[Answer::No, Answer::No]).unwrap_err().to_string();
    assert!(refused.contains("1 of the answers belong to no question"), "{refused}");
    assert!(lab.connectors().iter().all(|it| it.computer != "EDGE01" || !it.starttls));
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    lab.run_answering("Get-ReceiveConnector", &[Answer::Yes]).unwrap_err();
    lab.run_answering("Get-ReceiveConnector", &[]).unwrap();
}

#[test]
fn a_command_for_one_of_several_computers_has_to_say_which() {
    let lab = Lab::connector("mail.contoso.com").edit(|scenario| {
        let mut other = scenario.computer[0].clone();
        other.name = "OTHER".to_owned();
        other.fqdn = "other.contoso.com".parse().unwrap();
        scenario.computer.push(other);
    });
    let lab = lab.start().unwrap();
    let refused = lab.run("Get-ReceiveConnector").unwrap_err().to_string();
    assert!(refused.starts_with("the lab has 2 computers, so say on which with `run_on`: "), "{refused}");
    assert!(refused.ends_with(", OTHER"), "{refused}");
    lab.run_on("OTHER", "Get-ReceiveConnector").unwrap();
}

#[test]
fn a_scenario_is_changed_while_the_lab_plays_and_a_wrong_change_changes_nothing() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    let what =
        lab.reconfigure(|scenario| scenario.computer[0].certificate[0].names.push("mail.expta.com".into()));
    assert!(what.unwrap()[0].contains("mail.expta.com, STARTTLS with CN=mailgate.expta.com"));
    let error = lab.reconfigure(|scenario| scenario.computer.clear()).unwrap_err();
    assert!(error.to_string().starts_with("fqdn-mismatch: "), "{error}");
    lab.reconfigure(|scenario| scenario.title = "mended".to_owned()).unwrap();
    assert!(lab.connectors()[0].starttls, "the first change is still there");
}

//! The harness in tests that block: what it promises, and what it says where a promise is not kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod blocking;

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use std::time::Duration;

use blocking::{Client, send_in_clear, without_ports};
use starttls_lab::clock::Clock;
use starttls_lab::exchange::Profile;
use starttls_lab::scenario::story;
use starttls_lab::session::TlsFailure;
use starttls_lab::{Lab, ReceivedMessage, SessionSummary, a_message, a_session, an_event};

const SHORT: Duration = Duration::from_millis(20);

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
    let text = story("healthy").unwrap().text;
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
        "there is no story `fqdn-missmatch`; did you mean `fqdn-mismatch`?"
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
fn a_wait_for_what_is_there_already_takes_no_time_at_all() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    // The last entry of a conversation comes after the client has seen its last reply.
    lab.wait_for_session(a_session()).unwrap();
    let now = Duration::ZERO;
    lab.wait_for_event_within(now, 12014).unwrap();
    lab.wait_for_message_within(now, a_message().in_clear().on("mail.expta.com")).unwrap();
    lab.wait_for_session_within(now, a_session().in_clear()).unwrap();
}

#[test]
fn a_wait_ends_when_what_it_is_for_comes() {
    let lab = healthy();
    let address = lab.addr();
    let sender = std::thread::spawn(move || {
        for subject in ["first", "second"] {
            send_in_clear(address, "me@contoso.com", "you@contoso.com", subject);
        }
    });
    let message = lab.wait_for_message(a_message().subject("second").containing("text")).unwrap();
    assert_eq!(message.to_string(), "message 2 from me@contoso.com to you@contoso.com, ESMTP in clear");
    sender.join().unwrap();
}

#[test]
fn a_closure_is_a_condition_and_may_borrow() {
    let lab = healthy();
    send_in_clear(lab.addr(), "me@contoso.com", "you@contoso.com", "hello");
    let subject = String::from("hello");
    lab.wait_for_message(|message: &ReceivedMessage| message.subject.as_ref() == Some(&subject)).unwrap();
    lab.wait_for_session(|session: &SessionSummary| session.messages_in_clear == 1).unwrap();
    let wanted = a_message().that("has that subject", |it| it.subject.as_ref() == Some(&subject));
    lab.wait_for_message(wanted).unwrap();
}

#[test]
fn a_conversation_counts_when_it_has_ended_or_where_that_is_said() {
    let lab = healthy();
    let client = Client::connect(lab.addr());
    let error = lab.wait_for_session_within(SHORT, a_session().in_clear()).unwrap_err();
    assert_eq!(
        without_ports(&error.to_string()),
        "no conversation in clear within 20ms; conversations so far, newest first:\n  \
         session 08D0000000000001 from 127.0.0.1:PORT: has not ended\n    it goes on"
    );
    let session = lab.wait_for_session(a_session().or_under_way()).unwrap();
    assert_eq!(session.ending, None);
    client.quit();
    lab.wait_for_session(a_session().in_clear()).unwrap();
}

#[test]
fn a_wait_in_vain_without_any_client_says_that_nobody_has_connected() {
    let lab = healthy();
    assert_eq!(
        lab.wait_for_message_within(SHORT, a_message().to("you@contoso.com")).unwrap_err().to_string(),
        "no message to you@contoso.com within 20ms; there is no message at all, and nobody has connected"
    );
}

#[test]
fn a_wait_in_vain_for_a_message_shows_the_conversations_that_brought_none() {
    let lab = Lab::scenario("fqdn-mismatch").patience(SHORT).start().unwrap();
    Client::connect(lab.addr()).quit();
    lab.wait_for_session_within(Duration::from_secs(20), a_session()).unwrap();
    let error = lab.wait_for_message(a_message()).unwrap_err();
    assert_eq!(
        without_ports(&error.to_string()),
        "no message within 20ms; there is no message at all. Conversations, newest first:\n  \
         session 08D0000000000001 from 127.0.0.1:PORT: no message; STARTTLS was not offered"
    );
}

#[test]
fn a_wait_in_vain_for_a_message_shows_the_others_and_how_they_miss() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    send_in_clear(lab.addr(), "", "me@expta.com", "hello");
    let wanted = a_message().from("me@contoso.com").to("you@expta.com").subject("hello").over_tls();
    assert_eq!(
        lab.wait_for_message_within(SHORT, wanted).unwrap_err().to_string(),
        "no message from me@contoso.com, to you@expta.com, about \"hello\", over TLS within 20ms; \
         messages so far, newest first:\n  \
         message 2 from <> to me@expta.com, ESMTP in clear\n    \
         from <>, not me@contoso.com; to me@expta.com, not you@expta.com; in clear\n  \
         message 1 from me@contoso.com to you@expta.com, ESMTP in clear\n    in clear"
    );
}

#[test]
fn a_wait_in_vain_for_an_event_shows_those_that_were_logged() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    assert_eq!(
        lab.wait_for_event_within(SHORT, 12016).unwrap_err().to_string(),
        "no event 12016 within 20ms; events so far, newest first:\n  event 12014 on mailgate, Error: \
         Microsoft Exchange could not find a certificate that contains the domain name mail.expta.com in the \
         personal store on the local computer\n    it is event 12014"
    );
}

#[test]
fn a_wait_in_vain_shows_the_newest_ten_and_counts_the_rest() {
    let lab = healthy();
    let mut client = Client::connect(lab.addr());
    (1..=12).for_each(|n| client.send("me@contoso.com", &format!("{n}@contoso.com"), "hello"));
    let error = lab.wait_for_message_within(SHORT, a_message().over_tls()).unwrap_err().to_string();
    assert!(error.contains("  message 12 from") && error.contains("  message 3 from"), "{error}");
    assert!(!error.contains("  message 2 from") && error.ends_with("\n  and 2 more"), "{error}");
}

#[test]
fn a_peer_whom_no_connector_answers_is_shown_where_nothing_came() {
    let lab = Lab::connector("mail.contoso.com").edit(|scenario| {
        let ranges = vec!["192.0.2.0/24".parse().unwrap()];
        scenario.computer[0].receive_connector[0].remote_ip_ranges = Some(ranges);
    });
    let lab = lab.start().unwrap();
    let mut client = std::net::TcpStream::connect(lab.addr()).unwrap();
    std::io::copy(&mut client, &mut std::io::sink()).unwrap();
    let error = lab.wait_for_message_within(SHORT, a_message()).unwrap_err().to_string();
    assert!(error.contains("it is in no connector's RemoteIPRanges"), "{error}");
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

#[test]
fn a_command_for_one_of_several_computers_has_to_say_which() {
    let lab = Lab::scenario("healthy").edit(|scenario| {
        let mut other = scenario.computer[0].clone();
        other.name = "OTHER".to_owned();
        other.fqdn = "other.expta.com".parse().unwrap();
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

#[test]
fn an_error_reads_the_same_where_it_is_unwrapped() {
    let lab = healthy();
    let error = lab.wait_for_message_within(SHORT, a_message()).unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
    let error = Lab::text("titel = 1").start().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
}

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
fn what_a_client_has_done_before_the_lab_is_finished_is_in_the_report() {
    let (lab, stranger) = (healthy(), healthy());
    for _ in 0..20 {
        let client = Client::connect(lab.addr());
        client.starttls(stranger.client_config(), "mail.contoso.com").err().unwrap();
    }
    let report = lab.finish();
    assert!(report.all_ended && report.sessions.iter().all(|session| session.tls_failure.is_some()));
    assert_eq!(report.sessions.len(), 20);
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

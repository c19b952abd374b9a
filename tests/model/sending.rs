//! The sending session without a socket: every sender against every way in which a server can fail at
//! STARTTLS, and the story of its attempts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use starttls_lab::internal::exchange::{
    Nullable, Profile, SendConnector, SendUsage, SmartHostAuthMechanism, TlsAuthLevel,
};
use starttls_lab::internal::session::send::{
    Assessment, Attempt, BUILT_IN, CertificateProblem, Credentials, Delivery, NextAttempt, Outcome, Outgoing,
    Reason, ResultType, Said, Secured, SendFact, SendInput, SendNext, SendSession, SenderPolicy, Task,
    last_error,
};
use starttls_lab::internal::session::{TlsFailure, TlsVersion};
use starttls_lab::internal::smtp::ReversePath;

/// What a server does at STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    NotOffered,
    Refuses(u16),
    HandshakeFails,
    WrongName,
    Untrusted,
    Expired,
    Good,
    RefusesEhloInside,
    LeavesInside,
}

fn task(policy: SenderPolicy) -> Task {
    Task {
        policy,
        in_clear: false,
        helo: "sender.test".parse().unwrap(),
        host: "mx.example.test".to_owned(),
        next_hop: "example.test".to_owned(),
        connector: None,
        credentials: Credentials::Usable,
        message: Arc::new(Outgoing {
            from: ReversePath::Address("a@sender.test".parse().unwrap()),
            to: vec!["b@example.test".parse().unwrap()],
            content: "Subject: x\r\n\r\n.\r\n".into(),
        }),
    }
}

fn named(policy: &str) -> SenderPolicy {
    SenderPolicy::named(policy).unwrap_or_else(|| panic!("no sender {policy}"))
}

fn mismatch() -> CertificateProblem {
    CertificateProblem::HostMismatch {
        expected: vec!["mx.example.test".to_owned()],
        presented: vec!["other.test".to_owned()],
        uncounted: Box::default(),
    }
}

fn secured(server: Server) -> Secured {
    let chain = match server {
        Server::Untrusted => Some(CertificateProblem::UnknownIssuer),
        Server::Expired => Some(CertificateProblem::Expired),
        _ => None,
    };
    Secured {
        version: TlsVersion::Tls13,
        cipher_suite: "TLS_AES_256_GCM_SHA384",
        key_exchange: Some("x25519"),
        server_name: None,
        presented: Vec::new(),
        assessment: Assessment { chain, name: (server == Server::WrongName).then(mismatch) },
        own: None,
    }
}

/// What was said and how it ended.
struct Played {
    said: Vec<String>,
    facts: Vec<SendFact>,
    attempt: Attempt,
}

fn answer(server: Server, said: &str, encrypted: bool) -> String {
    let verb = said.split([' ', '\r']).next().unwrap();
    match (verb, server) {
        ("EHLO", Server::NotOffered) => "250-mx.example.test\n250 SIZE 1000".to_owned(),
        ("EHLO", Server::RefusesEhloInside) if encrypted => "502 no".to_owned(),
        ("EHLO", _) if encrypted => "250-mx.example.test\n250 SIZE 1000".to_owned(),
        ("EHLO", _) => "250-mx.example.test\n250-SIZE 1000\n250 starttls".to_owned(),
        ("STARTTLS", Server::Refuses(code)) => format!("{code} no"),
        ("STARTTLS", _) => "220 go ahead".to_owned(),
        ("DATA", _) => "354 go ahead".to_owned(),
        ("QUIT", _) => "221 bye".to_owned(),
        _ => "250 ok".to_owned(),
    }
}

/// Plays one attempt to its end.
fn play(task: Task, server: Server) -> Played {
    let (mut session, mut step) = SendSession::open(Arc::new(task));
    let (mut said, mut facts, mut encrypted) = (Vec::new(), Vec::new(), false);
    let mut reply = "220 mx.example.test".to_owned();
    loop {
        facts.append(&mut step.facts);
        if let Some(Said::Command(bytes) | Said::Content(bytes)) = step.say {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            reply = answer(server, &text, encrypted);
            said.push(text.trim_end().to_owned());
        }
        step = match step.next {
            SendNext::Reply if encrypted && server == Server::LeavesInside => {
                session.handle(SendInput::Closed)
            }
            SendNext::Reply => session.handle(SendInput::Reply(reply.parse().unwrap())),
            SendNext::Handshake(_) if server == Server::HandshakeFails => {
                let alert = "handshake_failure".to_owned();
                session.handle(SendInput::HandshakeFailed {
                    failure: TlsFailure::AlertReceived { alert },
                    problem: None,
                })
            }
            SendNext::Handshake(_) => {
                encrypted = true;
                let (secure, step) = session.secure(Arc::new(secured(server)));
                session = secure;
                step
            }
            SendNext::Done(attempt) => return Played { said, facts, attempt: *attempt },
        };
        assert!(said.len() < 20, "{said:?}");
    }
}

/// `T` over TLS and authenticated, `t` over TLS, `P` in clear, `D` deferred, `B` bounced.
fn letter(outcome: Outcome) -> char {
    match outcome {
        Outcome::DeliveredOverTls { authenticated: true } => 'T',
        Outcome::DeliveredOverTls { authenticated: false } => 't',
        Outcome::DeliveredInClear => 'P',
        Outcome::Deferred => 'D',
        Outcome::Bounced => 'B',
    }
}

/// Columns: not offered, refused with 454, refused with 554, handshake fails, wrong name, untrusted,
/// expired, good.
const SERVERS: [Server; 8] = [
    Server::NotOffered,
    Server::Refuses(454),
    Server::Refuses(554),
    Server::HandshakeFails,
    Server::WrongName,
    Server::Untrusted,
    Server::Expired,
    Server::Good,
];

#[test]
fn every_sender_ends_as_its_class_does_against_every_server() {
    let table = [
        ("none", "PPPPPPPP"),
        ("o1", "PPPDtttt"),
        ("may", "PPPDtttt"),
        ("sendmail", "PPPDtttt"),
        ("library", "PBBBBBBT"),
        ("first-name-only", "PBBBBBBT"),
        ("encrypt", "DDBDtttt"),
        ("verify", "DDBDDDDT"),
        ("secure", "DDBDDDDT"),
        ("exchange", "PPPDtttt"),
        ("EncryptionOnly", "DDDDtttt"),
        ("CertificateValidation", "DDDDTDDT"),
        ("DomainValidation", "DDDDDDDT"),
    ];
    assert_eq!(table.len(), BUILT_IN.len());
    for (name, expected) in table {
        let ends = SERVERS.map(|server| letter(play(task(named(name)), server).attempt.outcome));
        assert_eq!(String::from_iter(ends), expected, "{name}");
    }
}

#[test]
fn an_answer_to_starttls_that_is_no_220_is_taken_as_each_class_takes_it() {
    // Answered with 250, with 334, and EHLO refused inside TLS.
    for (name, expected) in [
        ("o1", "tPt"),
        ("may", "tPt"),
        ("sendmail", "tPt"),
        ("library", "BBB"),
        ("encrypt", "tBt"),
        ("verify", "TBT"),
        ("exchange", "PPt"),
        ("EncryptionOnly", "DDt"),
    ] {
        let servers = [Server::Refuses(250), Server::Refuses(334), Server::RefusesEhloInside];
        let ends = servers.map(|server| letter(play(task(named(name)), server).attempt.outcome));
        assert_eq!(String::from_iter(ends), expected, "{name}");
    }
}

#[test]
fn helo_follows_where_ehlo_is_refused_inside_tls() {
    let played = play(task(named("verify")), Server::RefusesEhloInside);
    assert_eq!(played.said[2..5], ["EHLO sender.test", "HELO sender.test", "MAIL FROM:<a@sender.test>"]);
    let played = play(task(named("library")), Server::RefusesEhloInside);
    assert_eq!(played.said[2..], ["EHLO sender.test", "QUIT"]);
}

#[test]
fn a_failure_has_its_word_of_rfc_8460() {
    let word = |policy, server| play(task(named(policy)), server).attempt.result_type;
    for (server, expected) in [
        (Server::NotOffered, Some(ResultType::StarttlsNotSupported)),
        (Server::Refuses(454), Some(ResultType::StarttlsNotSupported)),
        (Server::HandshakeFails, Some(ResultType::ValidationFailure)),
        (Server::WrongName, Some(ResultType::CertificateHostMismatch)),
        (Server::Untrusted, Some(ResultType::CertificateNotTrusted)),
        (Server::Expired, Some(ResultType::CertificateExpired)),
        (Server::Good, None),
    ] {
        assert_eq!(word("verify", server), expected, "{server:?}");
    }
    assert_eq!(word("may", Server::NotOffered), Some(ResultType::StarttlsNotSupported));
    assert_eq!(word("none", Server::NotOffered), None);
}

#[test]
fn a_conversation_is_said_anew_after_the_handshake() {
    let played = play(task(named("verify")), Server::Good);
    assert_eq!(
        played.said,
        [
            "EHLO sender.test",
            "STARTTLS",
            "EHLO sender.test",
            "MAIL FROM:<a@sender.test> SIZE=17",
            "RCPT TO:<b@example.test>",
            "DATA",
            "Subject: x\r\n\r\n..\r\n.",
            "QUIT"
        ]
    );
}

#[test]
fn a_certificate_that_proves_too_little_is_left_with_quit_and_without_mail() {
    let played = play(task(named("secure")), Server::WrongName);
    assert_eq!(played.said, ["EHLO sender.test", "STARTTLS", "QUIT"]);
    assert_eq!(played.attempt.reason, Reason::Certificate(mismatch()));
    assert!(played.attempt.tls.is_some(), "what was presented is kept");
}

#[test]
fn no_clear_text_follows_a_handshake_that_failed_on_the_same_connection() {
    for built_in in BUILT_IN.iter().filter(|built_in| built_in.policy.name != "plain-only") {
        let played = play(task(built_in.policy.clone()), Server::HandshakeFails);
        assert_eq!(played.said, ["EHLO sender.test", "STARTTLS"], "{}", built_in.policy.name);
    }
}

/// The outcomes of a delivery with, of each attempt, the minutes after which it was made.
fn story(policy: &str, server: Server, attempts: usize) -> Vec<(i64, char)> {
    let start: Timestamp = "2010-09-28T09:35:58Z".parse().unwrap();
    let mut delivery = Delivery::new(named(policy), start);
    let mut now = start;
    while delivery.attempts().len() < attempts {
        match delivery.next() {
            NextAttempt::Never => break,
            NextAttempt::Now => {}
            NextAttempt::At(time) => now = time,
        }
        let task = Task { in_clear: delivery.in_clear(now), ..task(named(policy)) };
        delivery.note(now, play(task, server).attempt);
    }
    let made = delivery.attempts().iter();
    made.map(|made| (made.at.duration_since(start).as_mins(), letter(made.attempt.outcome))).collect()
}

#[test]
fn who_falls_back_does_so_at_once_later_or_never() {
    let fails = Server::HandshakeFails;
    assert_eq!(story("exim", fails, 9), [(0, 'D'), (0, 'P')]);
    assert_eq!(story("may", fails, 9), [(0, 'D'), (5, 'P')]);
    assert_eq!(story("sendmail", fails, 4), [(0, 'D'), (5, 'D'), (10, 'D'), (15, 'D')]);
    assert_eq!(story("exchange", fails, 3), [(0, 'D'), (5, 'D'), (10, 'D')]);
    assert_eq!(story("encrypt", fails, 2), [(0, 'D'), (5, 'D')]);
    assert_eq!(story("library", fails, 9), [(0, 'B')]);
    // What is lost after the handshake, only Postfix sends in clear.
    let leaves = Server::LeavesInside;
    assert_eq!(story("exim", leaves, 2), [(0, 'D'), (5, 'D')]);
    assert_eq!(story("may", leaves, 9), [(0, 'D'), (5, 'P')]);
    assert_eq!(story("sendmail", leaves, 2), [(0, 'D'), (5, 'D')]);
}

#[test]
fn a_message_that_stays_young_is_not_sent_in_clear_by_who_falls_back_later() {
    let start: Timestamp = "2010-09-28T09:35:58Z".parse().unwrap();
    let mut delivery = Delivery::new(named("may"), start);
    delivery.note(start, play(task(named("may")), Server::HandshakeFails).attempt);
    assert!(!delivery.in_clear(start + SignedDuration::from_secs(299)));
    assert!(delivery.in_clear(start + SignedDuration::from_secs(300)));
}

#[test]
fn what_is_deferred_for_too_long_bounces() {
    let last = *story("exchange", Server::HandshakeFails, 10_000).last().unwrap();
    assert_eq!(last, (2 * 24 * 60, 'B'));
}

#[test]
fn of_many_attempts_the_newest_are_kept_and_what_follows_from_the_first_as_well() {
    let start: Timestamp = "2010-09-28T09:35:58Z".parse().unwrap();
    let mut delivery = Delivery::new(named("may"), start);
    delivery.note(start, play(task(named("may")), Server::HandshakeFails).attempt);
    let unreachable = SendSession::no_connection(&task(named("may")), "refused".to_owned());
    for minutes in 1..200 {
        delivery.note(start + SignedDuration::from_mins(minutes), unreachable.clone());
    }
    let kept: Vec<_> =
        delivery.attempts().iter().map(|made| made.at.duration_since(start).as_mins()).collect();
    assert_eq!(kept, (168..200).collect::<Vec<_>>());
    assert!(delivery.in_clear(start + SignedDuration::from_mins(200)));
}

#[test]
fn required_tls_that_is_not_offered_is_event_2015_and_the_queues_own_words() {
    let task = Task { connector: Some("To Partner".to_owned()), ..task(named("EncryptionOnly")) };
    let played = play(task, Server::NotOffered);
    let [SendFact::Event(event)] = &played.facts[..] else { panic!("{:?}", played.facts) };
    assert_eq!(event.event_id, 2015);
    assert_eq!(event.parameters, ["To Partner", "example.test", "mx.example.test"]);
    let now = "2018-08-20T00:39:00Z".parse().unwrap();
    let error =
        |profile| last_error(profile, &played.attempt, "mx.example.test", &"192.0.2.1:25", now).unwrap();
    assert_eq!(
        error(Profile::Exchange2010),
        "451 4.4.0 Primary target IP address responded with \"451 5.7.3 STARTTLS is required to send mail.\" \
         Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, \
         or delivery failed to all alternate hosts. The last endpoint attempted was 192.0.2.1:25"
    );
    assert_eq!(
        error(Profile::Exchange2019),
        "[{LED=450 4.4.317 Cannot connect to remote server [Message=451 5.7.3 STARTTLS is required to send \
         mail]};{MSG=};{FQDN=mx.example.test};{IP=192.0.2.1:25};{LRT=8/20/2018 12:39:00 AM}]"
    );
}

#[test]
fn a_certificate_of_ones_own_that_cannot_be_used_fails_by_itself() {
    for (credentials, said, queue) in [
        (Credentials::PinNotFound, 1, "454 4.7.5 The certificate specified in TlsCertificateName"),
        (Credentials::NoCredentials, 2, "421 4.4.1 Connection timed out"),
        (Credentials::UnknownCredentials, 2, "421 4.4.1 Connection timed out"),
    ] {
        let played = play(Task { credentials, ..task(named("exchange")) }, Server::Good);
        assert_eq!(played.said.len(), said, "{:?}", played.said);
        assert_eq!(played.attempt.reason, Reason::OwnCertificate(credentials));
        let now = "2018-08-20T00:39:00Z".parse().unwrap();
        let error = last_error(Profile::Exchange2013, &played.attempt, "mx", &"192.0.2.1:25", now).unwrap();
        assert!(error.contains(queue), "{error}");
    }
}

#[test]
fn a_connector_is_a_sender_by_its_parameters() {
    let connector = |change: &dyn Fn(&mut SendConnector)| {
        let mut connector = SendConnector::new("x".to_owned(), SendUsage::Custom);
        change(&mut connector);
        let policy = SenderPolicy::of(&connector, Profile::Exchange2013);
        String::from_iter(SERVERS.map(|server| letter(play(task(policy.clone()), server).attempt.outcome)))
    };
    let level = |level: TlsAuthLevel| {
        move |connector: &mut SendConnector| {
            connector.require_tls = true;
            connector.tls_auth_level = Nullable(Some(level));
        }
    };
    assert_eq!(connector(&|_| {}), "PPPDtttt");
    assert_eq!(connector(&|it| it.ignore_starttls = true), "PPPPPPPP");
    assert_eq!(connector(&|it| it.require_tls = true), "DDDDtttt");
    assert_eq!(connector(&|it| it.force_helo = true), "PPPPPPPP");
    assert_eq!(connector(&level(TlsAuthLevel::CertificateValidation)), "DDDDTDDT");
    assert_eq!(connector(&level(TlsAuthLevel::DomainValidation)), "DDDDDDDT");
}

#[test]
fn exchange_server_authentication_needs_x_anonymoustls_and_not_starttls() {
    let mut connector = SendConnector::new("EdgeSync - Inbound".to_owned(), SendUsage::EdgeSyncInbound);
    let task = || task(SenderPolicy::of(&connector, Profile::Exchange2010));
    let played = play(task(), Server::Good);
    assert_eq!(played.said, ["EHLO sender.test", "QUIT"]);
    let now = "2018-08-20T00:39:00Z".parse().unwrap();
    let error = last_error(Profile::Exchange2010, &played.attempt, "ht01", &"192.0.2.1:25", now).unwrap();
    assert!(error.contains("451 5.7.3 Cannot achieve Exchange Server authentication"), "{error}");
    connector.smart_host_auth_mechanism = SmartHostAuthMechanism::None;
    let policy = SenderPolicy::of(&connector, Profile::Exchange2010);
    assert_eq!(policy.name, "exchange");
}

#[test]
fn a_server_that_goes_away_or_talks_nonsense_defers() {
    let start = || SendSession::open(Arc::new(task(named("may")))).0;
    for input in [
        SendInput::Closed,
        SendInput::TimedOut,
        SendInput::NotSmtp,
        SendInput::Broken("connection reset".to_owned()),
        SendInput::Reply("421 later".parse().unwrap()),
    ] {
        let SendNext::Done(attempt) = start().handle(input.clone()).next else { panic!("{input:?}") };
        assert_eq!(attempt.outcome, Outcome::Deferred, "{input:?}");
    }
    let banner = start().handle(SendInput::Reply("554 no".parse().unwrap()));
    assert_eq!(banner.say, Some(Said::Command("QUIT\r\n".into())));
}

#[test]
fn a_recipient_that_is_refused_does_not_keep_the_others_from_their_mail() {
    let mut two = task(named("none"));
    let message = Arc::make_mut(&mut two.message);
    message.to.push("c@example.test".parse().unwrap());
    let (mut session, _) = SendSession::open(Arc::new(two));
    let mut say = |reply: &str| session.handle(SendInput::Reply(reply.parse().unwrap()));
    for reply in ["220 x", "250 x", "250 ok", "550 5.1.1 User unknown", "250 ok", "354 go", "250 queued"] {
        say(reply);
    }
    let SendNext::Done(attempt) = say("221 bye").next else { panic!("not done") };
    assert_eq!(attempt.outcome, Outcome::DeliveredInClear);
    assert_eq!(attempt.refused[0].0.as_str(), "b@example.test");
    assert_eq!(attempt.refused[0].1.to_string(), "550 5.1.1 User unknown");
}

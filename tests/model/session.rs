//! What of a conversation no dialogue shows: how long an answer is held back, how a conversation ends
//! that the peer does not end, and what the lab writes before a message.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use starttls_lab::internal::exchange::{
    AuthMechanism, Computer, PSCredential, Profile, ReceiveConnector, Role, TimeSpan, Usage,
};
use starttls_lab::internal::pki::Thumbprint;
use starttls_lab::internal::session::{
    Counters, Fact, Input, LimitReached, Message, Next, ReceiveSession, Setting, Step, TlsFacts, TlsVerb,
    TlsVersion,
};
use starttls_lab::internal::smtp::{Body, Ending, Line, Oddities, Received};

const TARPIT: Duration = Duration::from_secs(5);
const AUTH_TARPIT: Duration = Duration::from_secs(7);

fn now() -> Timestamp {
    "2010-09-28T09:35:58Z".parse().unwrap()
}

fn setting() -> Setting {
    let (role, profile) = (Role::Edge, Profile::Exchange2010);
    let mut connector = ReceiveConnector::new("Default".to_owned(), Usage::Default, role, profile);
    connector.auth_mechanism = AuthMechanism::TLS.and(AuthMechanism::BASIC_AUTH);
    connector.tarpit_interval = TimeSpan(TARPIT);
    connector.auth_tarpit_interval = TimeSpan(AUTH_TARPIT);
    let computer = Computer {
        users: vec![PSCredential { user: "anna".to_owned(), password: "secret".to_owned() }],
        ..Computer::new("MAILGATE", "mailgate.expta.com".parse().unwrap(), role, profile)
    };
    Setting {
        computer: Arc::new(computer),
        connector: Arc::new(connector),
        local: "127.0.0.1:25".parse().unwrap(),
        peer: "[::ffff:192.0.2.7]:50000".parse().unwrap(),
        starttls: true,
        anonymous_tls: false,
        counters: Arc::new(Counters::default()),
    }
}

fn session() -> ReceiveSession {
    ReceiveSession::open(Arc::new(setting()), 0, now()).0
}

fn say(session: &mut ReceiveSession, line: &str) -> Step {
    let line = Line { text: line.as_bytes().into(), ending: Ending::CrLf, overlong: false, has_nul: false };
    session.handle(Input::Line(line), now())
}

fn text(step: &Step) -> String {
    step.reply.as_ref().unwrap().to_string()
}

fn log_on(session: &mut ReceiveSession, password: &str) -> Step {
    say(session, "EHLO client");
    say(session, "AUTH LOGIN YW5uYQ==");
    say(session, password)
}

/// Message rate limits page: connections that have logged on are never delayed.
#[test]
fn a_refusal_is_held_back_from_a_stranger_and_from_nobody_who_has_logged_on() {
    let mut session = session();
    assert_eq!(say(&mut session, "FOO").delay, TARPIT);
    assert_eq!(say(&mut session, "NOOP").delay, Duration::ZERO);
    assert!(text(&log_on(&mut session, "c2VjcmV0")).starts_with("235"));
    assert_eq!(say(&mut session, "FOO").delay, Duration::ZERO);
}

#[test]
fn a_failed_logon_is_held_back_for_the_longer_of_both_intervals() {
    let mut session = session();
    assert_eq!(log_on(&mut session, "d3Jvbmc=").delay, AUTH_TARPIT);
    let mut setting = setting();
    Arc::get_mut(&mut setting.connector).unwrap().auth_tarpit_interval = TimeSpan(Duration::ZERO);
    let (mut session, _) = ReceiveSession::open(Arc::new(setting), 0, now());
    assert_eq!(log_on(&mut session, "d3Jvbmc=").delay, TARPIT);
}

#[test]
fn an_answer_for_now_is_not_held_back() {
    let mut setting = setting();
    Arc::get_mut(&mut setting.connector).unwrap().require_tls = true;
    let (mut session, _) = ReceiveSession::open(Arc::new(setting), 0, now());
    say(&mut session, "EHLO client");
    let step = say(&mut session, "MAIL FROM:<anna@example.org>");
    assert!(text(&step).starts_with("451"));
    assert_eq!(step.delay, Duration::ZERO);
}

#[test]
fn a_conversation_that_the_lab_ends_is_ended_with_a_word() {
    for (input, said) in [
        (Input::TimedOut, "421 4.4.1 Connection timed out"),
        (Input::ShuttingDown, "421 4.3.2 Service not active"),
        (Input::NoMemory, "452 4.3.1 Insufficient system resources"),
    ] {
        let step = session().handle(input, now());
        assert_eq!((text(&step).as_str(), step.next), (said, Next::Close));
    }
}

fn connector() -> ReceiveConnector {
    ReceiveConnector::new("Default".to_owned(), Usage::Default, Role::Edge, Profile::Exchange2010)
}

#[test]
fn who_is_turned_away_hears_which_kind_of_limit_it_was() {
    for (limit, said) in [
        (LimitReached::MaxInboundConnection, "has exceeded a limit"),
        (LimitReached::MaxInboundConnectionPerSource, "has exceeded a per-source limit"),
        (LimitReached::MaxInboundConnectionPercentagePerSource, "has exceeded a per-source limit"),
    ] {
        let mut connector = connector();
        let step = ReceiveSession::turn_away(&connector, limit);
        connector.enhanced_status_codes_enabled = false;
        assert!(text(&ReceiveSession::turn_away(&connector, limit)).starts_with("421 The maximum"));
        assert!(text(&step).starts_with("421 4.3.2 ") && text(&step).contains(said), "{limit:?}");
        assert!(matches!(&step.facts[..], [Fact::LimitReached(reached)] if *reached == limit));
        assert_eq!(step.next, Next::Close);
    }
}

/// Whether a line may be shown is asked before it is written down, so this must never be late.
#[test]
fn a_secret_is_expected_exactly_while_a_challenge_is_open() {
    let mut session = session();
    say(&mut session, "EHLO client");
    assert!(!session.expects_secret());
    say(&mut session, "AUTH LOGIN");
    assert!(session.expects_secret());
    say(&mut session, "YW5uYQ==");
    assert!(session.expects_secret());
    say(&mut session, "c2VjcmV0");
    assert!(!session.expects_secret());
}

#[test]
fn a_line_may_be_longer_while_a_challenge_is_open_and_where_addresses_are_long() {
    let mut session = session();
    say(&mut session, "EHLO client");
    assert_eq!(session.line_limit(), 4096);
    say(&mut session, "AUTH LOGIN");
    assert_eq!(session.line_limit(), 12288);
    let mut setting = setting();
    Arc::get_mut(&mut setting.connector).unwrap().long_addresses_enabled = true;
    let (session, _) = ReceiveSession::open(Arc::new(setting), 0, now());
    assert_eq!(session.line_limit(), 8000);
}

fn taken(mut session: ReceiveSession) -> Arc<Message> {
    say(&mut session, "EHLO client.example");
    say(&mut session, "MAIL FROM:<anna@example.org>");
    say(&mut session, "RCPT TO:<bert@expta.com>");
    assert!(matches!(say(&mut session, "DATA").next, Next::Data { limit: 10_485_760 }));
    let content = Bytes::from_static(b"Subject: hi\r\n\r\nHello.\r\n");
    let bytes = content.len() as u64;
    let oddities = Oddities { longest_line: 11, ..Oddities::default() };
    let received = Received { body: Body::from(content), oddities, bytes, too_big: false };
    match session.handle(Input::Content(received), now()).facts.pop() {
        Some(Fact::Message(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

#[test]
fn the_received_field_says_how_the_message_came() {
    let in_clear = "Received: from client.example ([192.0.2.7])\r\n by mailgate.expta.com ([127.0.0.1]) with ESMTP id 1;\r\n Tue, 28 Sep 2010 09:35:58 +0000\r\n";
    let message = taken(session());
    assert_eq!((message.received().as_str(), &message.tls), (in_clear, &None));
    assert_eq!(message.raw(), format!("{in_clear}Subject: hi\r\n\r\nHello.\r\n"));

    let facts = TlsFacts {
        version: TlsVersion::Tls12,
        cipher_suite: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        key_exchange: None,
        server_name: None,
        presented: Thumbprint::of(b"a certificate"),
        client_certificate: None,
        client_certificate_error: None,
        client_hello: None,
    };
    let message = taken(session().secure(TlsVerb::StartTls, Arc::new(facts)));
    let encrypted = in_clear
        .replace("ESMTP", "ESMTPS\r\n (version=TLS1_2, cipher=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)");
    assert_eq!(message.received(), encrypted);
}

/// A chunk is read even where it is refused; somebody who has no recipient shall not fill the memory.
#[test]
fn nothing_is_kept_of_a_chunk_that_is_refused() {
    let mut session = session();
    say(&mut session, "EHLO client");
    let refused = say(&mut session, "BDAT 1000000 LAST");
    assert!(refused.reply.is_none(), "the reply comes behind the chunk");
    assert_eq!(refused.next, Next::Chunk { size: 1_000_000, last: true, limit: 0 });
}

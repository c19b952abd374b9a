use std::sync::Arc;

use super::super::record::{Logon, Stranger};
use super::super::sample::{self, SampleSession, recipient};
use super::*;
use crate::exchange::{Event, Profile};
use crate::session::{ClientHelloFacts, LimitReached, TlsFacts, TlsFailure, TlsVerb};
use crate::smtp::ReversePath;

fn lines(told: &SampleSession) -> Vec<String> {
    transcript(&told.entries, SessionId(1)).lines().map(str::to_owned).collect()
}

#[test]
fn a_conversation_reads_from_the_connection_to_its_end() {
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.tell(Record::Connected).sent("220 mx.example ready\r\n").received("EHLO client.example");
    told.sent("250-mx.example Hello\r\n250 STARTTLS\r\n").received("STARTTLS").sent("220 go\r\n");
    told.established(TlsVerb::StartTls).tell(Record::Content(1)).message(Some(sample::facts()));
    told.tell(Record::Disconnected(Ending::Remote));
    assert_eq!(
        lines(&told),
        [
            "-- 192.0.2.9:4242 connected to 192.0.2.1:25, GATE\\Default Frontend GATE",
            "S: 220 mx.example ready",
            "C: EHLO client.example",
            "S: 250-mx.example Hello",
            "S: 250 STARTTLS",
            "C: STARTTLS",
            "S: 220 go",
            "== STARTTLS: TLSv1.3 TLS_AES_256_GCM_SHA384, x25519, SNI mail.example.com, presented \
             CN=mx.example (DA39A3EE5E6B4B0D3255BFEF95601890AFD80709)",
            "-- 1 byte of content",
            "++ message 1 from a@example.com to b@example.com, ESMTPS over TLSv1.3",
            "-- closed by the client"
        ]
    );
}

#[test]
fn a_failed_handshake_says_how_and_with_which_certificate() {
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.failed(TlsFailure::AlertReceived { alert: "unknown_ca".to_owned() });
    let line = &lines(&told)[0];
    assert!(line.starts_with("== STARTTLS failed: refused by the client with alert unknown_ca: it says"));
    assert!(line.ends_with("; the certificate was CN=mx.example (DA39A3EE5E6B4B0D3255BFEF95601890AFD80709)"));
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.failed_before_hello(TlsFailure::Closed);
    assert!(lines(&told)[0].contains("; the certificate to present was CN=mx.example"), "{:?}", lines(&told));
}

#[test]
fn a_message_in_clear_from_nobody_to_many_is_one_short_line() {
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.message(None);
    let Record::Message(message) = &mut told.entries[0].record else { panic!() };
    let message = Arc::make_mut(message);
    message.mail.reverse_path = ReversePath::Null;
    message.recipients = (1..=5).map(|n| recipient(&format!("{n}@example.com"))).collect();
    assert_eq!(
        lines(&told),
        ["++ message 1 from <> to 1@example.com, 2@example.com, 3@example.com, 2 more, ESMTP in clear"]
    );
}

#[test]
fn a_peer_cannot_draw_on_the_terminal() {
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.received("EHLO \u{1b}[2J\u{202e}").tell(Record::Received(b"NOOP \xff\r"[..].into()));
    told.sent("500 \u{1b}c\r\n").tell(Record::Logon(Box::new(Logon {
        user: "x\u{7}".to_owned(),
        mechanism: "Login",
        succeeded: false,
    })));
    let facts = Arc::new(TlsFacts { server_name: Some("\u{1b}]0;a".to_owned()), ..sample::facts() });
    let certificate = sample::certificate();
    told.tell(Record::TlsEstablished(Arc::new(Handshake {
        verb: TlsVerb::XAnonymousTls,
        facts,
        certificate: Arc::new(certificate),
    })));
    let text = transcript(&told.entries, SessionId(1));
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.starts_with("C: EHLO \\x1b[2J\\u{202e}\nC: NOOP \\xff\\r\nS: 500 \\x1bc\n"));
    assert!(text.contains("== X-ANONYMOUSTLS: TLSv1.3 ") && text.contains("SNI \\x1b]0;a,"));
}

#[test]
fn secrets_are_not_shown() {
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.received("AUTH PLAIN AGEAYg==").tell(Record::ReceivedSecret).logon(true);
    assert_eq!(
        lines(&told),
        [
            "C: AUTH PLAIN <authentication response>",
            "C: <authentication response>",
            "-- anna logged on by AUTH Login"
        ]
    );
}

#[test]
fn an_event_is_its_first_sentence() {
    let pin = "<I>CN=CA, O=Example Inc. Trust<S>CN=mx.example";
    let event = Event::no_certificate_for_starttls(pin, "Inbound");
    let logged = Logged {
        event,
        server: "GATE".to_owned(),
        computer: "gate".to_owned(),
        source: "MSExchangeTransport",
        connector: None,
    };
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.tell(Record::Event(Arc::new(logged)));
    assert_eq!(
        lines(&told),
        [format!(
            "** event 12014 on gate, Error: Microsoft Exchange could not find a certificate that contains \
             the domain name {pin} in the personal store on the local computer"
        )]
    );
}

#[test]
fn what_happens_beside_the_talk_is_said_too() {
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.tell(Record::LimitReached(LimitReached::MaxInboundConnection));
    told.tell(Record::Anomaly(Anomaly::TalkedBeforeBanner { octets: 12 }));
    told.tell(Record::Disconnected(Ending::Broken("connection reset".to_owned())));
    told.tell(Record::Changed { what: "Fqdn".to_owned() });
    told.tell(Record::ChangeRefused { why: "no such connector".to_owned() });
    assert_eq!(
        lines(&told),
        [
            "-- turned away: MaxInboundConnection is reached",
            "!! the client talked before the banner (12 bytes); it has to wait for it (RFC 5321 section 3.1)",
            "-- broken: connection reset",
            "-- changed, from the next connection on: Fqdn",
            "-- change refused: no such connector"
        ]
    );
}

#[test]
fn a_transcript_holds_one_conversation_only() {
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.received("NOOP");
    let (local, remote) = ("192.0.2.1:25".parse().unwrap(), "192.0.2.8:1".parse().unwrap());
    let stranger = Record::NoConnector(Box::new(Stranger { local, remote }));
    told.entries.push(Entry { place: None, record: stranger, ..told.entries[0].clone() });
    assert_eq!(lines(&told), ["C: NOOP"]);
    assert_eq!(transcript(&told.entries, SessionId(2)), "");
    assert_eq!(
        transcript_line(&told.entries[1]),
        "-- 192.0.2.8:1 turned away from 192.0.2.1:25: it is in no connector's RemoteIPRanges"
    );
}

#[test]
fn what_a_client_offered_is_shown_by_name_whatever_became_of_the_handshake() {
    let hello = ClientHelloFacts {
        legacy_version: 0x0301,
        cipher_suites: [0x002f].into(),
        ..ClientHelloFacts::default()
    };
    let hello = Some(Arc::new(hello));
    let facts = Arc::new(TlsFacts { client_hello: hello.clone(), ..sample::facts() });
    let (verb, certificate) = (TlsVerb::StartTls, sample::certificate());
    let established = Handshake { verb, facts, certificate: Arc::new(certificate.clone()) };
    let failed = FailedHandshake {
        verb,
        failure: TlsFailure::Closed,
        certificate: Some(Arc::new(certificate)),
        client_hello: hello,
        partial_hello: 0,
    };
    let mut told = SampleSession::on(Profile::Exchange2019);
    told.tell(Record::TlsEstablished(Arc::new(established)));
    told.tell(Record::TlsFailed(Arc::new(failed)));
    for entry in &told.entries {
        let json = serde_json::to_value(entry).unwrap();
        let suites = serde_json::json!(["TLS_RSA_WITH_AES_128_CBC_SHA"]);
        assert_eq!(json["client_hello"]["cipher_suites"], suites);
        assert_eq!(json["client_hello"]["legacy_version"], "TLSv1.0");
    }
}

//! Verdicts on journals that were written by hand.

mod fall_back;
mod handshake;
mod inside;
mod leak;

use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::exchange::{CertificateFacts, Profile, ProtocolLoggingLevel};
use crate::journal::record::{Ending, FailedHandshake, Record, SECRET, SessionId};
use crate::journal::sample::{self, SampleSession, at};
use crate::session::send::{CertificateProblem, ResultType};
use crate::session::{Anomaly, TlsFailure, TlsVerb};

const OFFERED: &str = "250-mx Hello\r\n250-STARTTLS\r\n250 DSN\r\n";
const MISSING: &str = "250-mx Hello\r\n250 DSN\r\n";

/// Several conversations, one after the other.
#[derive(Default)]
struct SampleJournal(Vec<Entry>);

impl SampleJournal {
    fn conversation(&mut self, tell: impl FnOnce(&mut SampleSession)) -> &mut Self {
        self.from("192.0.2.9:4242", tell)
    }

    fn from(&mut self, peer: &str, tell: impl FnOnce(&mut SampleSession)) -> &mut Self {
        let mut place = sample::place(Profile::Exchange2019, ProtocolLoggingLevel::Verbose);
        place.session = SessionId(self.0.len() as u64 + 1);
        place.remote = peer.parse().unwrap();
        let mut told = SampleSession::at(place);
        told.tell(Record::Connected).sent("220 gate\r\n");
        tell(&mut told);
        let before = self.0.len();
        self.0.extend(told.entries.into_iter().map(|entry| Entry {
            seq: entry.seq + before as u64,
            time: entry.time + SignedDuration::from_secs(i64::try_from(before).unwrap()),
            ..entry
        }));
        self
    }

    fn only(&self, host: &str) -> Verdict {
        let mut found = verdicts(&self.0, Measure { host: Some(host), root: None });
        assert_eq!(found.len(), 1);
        found.remove(0)
    }
}

fn starttls(told: &mut SampleSession) {
    told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent("220 2.0.0 ready\r\n");
}

fn mail(told: &mut SampleSession) {
    told.received("MAIL FROM:<a@example.com>").sent("250 ok\r\n");
    told.received("RCPT TO:<b@example.com>").sent("250 ok\r\n");
    told.received("DATA").sent("354 go\r\n").tell(Record::Content(12));
}

fn quit(told: &mut SampleSession) {
    told.sent("250 ok\r\n").received("QUIT").sent("221 bye\r\n").tell(Record::Disconnected(Ending::Remote));
}

fn failed(told: &mut SampleSession, certificate: Option<CertificateFacts>, failure: TlsFailure) {
    let verb = TlsVerb::StartTls;
    told.tell(Record::TlsFailed(Arc::new(FailedHandshake {
        verb,
        failure,
        certificate: certificate.map(Arc::new),
        client_hello: Some(Arc::default()),
        partial_hello: 0,
    })));
}

fn alert(name: &str) -> TlsFailure {
    TlsFailure::AlertReceived { alert: name.to_owned() }
}

#[test]
fn mail_over_tls_leaks_nothing_and_has_no_result_type() {
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        starttls(told);
        told.established(TlsVerb::StartTls).received("EHLO a").sent(MISSING);
        mail(told);
        told.message(Some(sample::facts()));
        quit(told);
    });
    let verdict = journal.only("mx.example");
    assert_eq!((verdict.messages_over_tls, verdict.messages_in_clear), (1, 0));
    assert_eq!((verdict.leaks.len(), verdict.result_type, verdict.symptom), (0, None, None));
    assert_eq!(verdict.said_over_tls(), [Said::Envelope, Said::Body].into());
    let conversation = &verdict.conversations[0];
    assert_eq!(conversation.parting, CloseReason::Quit);
    assert_eq!(conversation.starttls.offered, Some(true));
    let handshake = conversation.handshake.as_ref().unwrap();
    assert_eq!(handshake.reaction, Reaction::Accepted);
    assert_eq!(handshake.server_name.as_deref(), Some("mail.example.com"));
    let presented = handshake.presented.as_ref().unwrap();
    assert_eq!(presented.problems, []);
    assert!(presented.notes[0].contains("asked for mail.example.com"), "{:?}", presented.notes);
    assert!(verdict.words.ends_with("the client accepted it; 1 message over TLS"), "{}", verdict.words);
}

#[test]
fn it_is_known_whose_turn_it_was() {
    let turn = |tell: &dyn Fn(&mut SampleSession)| {
        let mut journal = SampleJournal::default();
        journal.conversation(|told| tell(told));
        let conversation = journal.only("mx.example").conversations.remove(0);
        (conversation.turn, conversation.parting)
    };
    let waits = |told: &mut SampleSession| {
        told.received("EHLO a");
    };
    assert_eq!(turn(&waits), (Turn::Lab, CloseReason::Open));
    let hangs = |told: &mut SampleSession| {
        told.received("EHLO a").sent(OFFERED).tell(Record::Disconnected(Ending::Broken("reset".to_owned())));
    };
    assert_eq!(turn(&hangs), (Turn::Client, CloseReason::Broke("reset".to_owned())));
    assert_eq!(turn(&starttls), (Turn::Handshake, CloseReason::Open));
}

#[test]
fn what_follows_the_220_in_clear_and_what_ends_there_are_symptoms() {
    let symptom = |tell: &dyn Fn(&mut SampleSession)| {
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            starttls(told);
            tell(told);
        });
        journal.only("mx.example").symptom
    };
    let closed = |told: &mut SampleSession| {
        told.tell(Record::Disconnected(Ending::Local));
    };
    assert_eq!(symptom(&closed), Some(Symptom::Closed));
    let garbage = |told: &mut SampleSession| {
        told.sent("500 what?\r\n").tell(Record::Disconnected(Ending::Remote));
    };
    assert_eq!(symptom(&garbage), Some(Symptom::ClearText));
    let hopeless = |told: &mut SampleSession| {
        let reason = "the client offers at most TLS 1.0".to_owned();
        failed(told, None, TlsFailure::AlertSent { alert: "handshake_failure".to_owned(), reason });
    };
    assert_eq!(symptom(&hopeless), Some(Symptom::HandshakeFailure));
}

#[test]
fn a_client_hello_in_place_of_a_command_and_a_hundred_connections_are_told_in_few_words() {
    let mut journal = SampleJournal::default();
    for _ in 0..100 {
        journal.conversation(|told| {
            told.tell(Record::Anomaly(Anomaly::ClientHelloInClear));
            told.tell(Record::Disconnected(Ending::Local));
        });
    }
    let verdict = journal.only("mx.example");
    assert!(verdict.words.starts_with("100 connections; a TLS ClientHello came in place of a command;"));
    assert!(verdict.words.contains("94 more in between"), "{}", verdict.words);
    assert!(verdict.conversations[0].client_hello_in_clear);
}

#[test]
fn a_verdict_can_be_read_by_programs() {
    let json = serde_json::to_value(fall_back::falls_back(1)).unwrap();
    assert_eq!(json["fall_back"]["seconds_later"], 5.0);
    assert_eq!(json["leaks"][0]["what"], "envelope");
    assert_eq!(json["conversations"][0]["handshake"]["reaction"]["reaction"], "closed-during");
    assert_eq!(json["result_type"], "validation-failure");
}

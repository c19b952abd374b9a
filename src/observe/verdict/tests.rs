//! Verdicts on journals that were written by hand.

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
struct SampleStory(Vec<Entry>);

impl SampleStory {
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
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        starttls(told);
        told.established(TlsVerb::StartTls).received("EHLO a").sent(MISSING);
        mail(told);
        told.message(Some(sample::facts()));
        quit(told);
    });
    let verdict = tale.only("mx.example");
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
fn what_was_presented_is_measured_whatever_the_client_says() {
    let measured = |host: &str, change: &dyn Fn(&mut CertificateFacts)| {
        let mut certificate = sample::certificate();
        change(&mut certificate);
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            starttls(told);
            failed(told, Some(certificate), alert("certificate_unknown"));
            told.tell(Record::Disconnected(Ending::Local));
        });
        let verdict = tale.only(host);
        let handshake = verdict.conversations[0].handshake.clone().unwrap();
        assert_eq!(handshake.reaction, Reaction::Refused { alert: "certificate_unknown".to_owned() });
        (handshake.presented.unwrap(), verdict.result_type, verdict.symptom)
    };
    let (presented, result, symptom) = measured("other.example", &|_| {});
    assert!(matches!(&presented.problems[..], [CertificateProblem::HostMismatch { .. }]));
    assert_eq!(result, Some(ResultType::CertificateHostMismatch));
    assert_eq!(symptom, Some(Symptom::NameMismatch));

    let (presented, result, symptom) =
        measured("other.example", &|it| it.not_after = at("2024-01-02T00:00:00Z"));
    assert_eq!(presented.problems[0], CertificateProblem::Expired);
    assert_eq!(presented.problems.len(), 2, "the name is wrong as well");
    assert_eq!((result, symptom), (Some(ResultType::CertificateExpired), Some(Symptom::Expired)));

    let (presented, result, symptom) = measured("mx.example", &|it| it.self_signed = true);
    assert_eq!(presented.problems, [CertificateProblem::SelfSigned]);
    assert_eq!((result, symptom), (Some(ResultType::CertificateNotTrusted), Some(Symptom::SelfSigned)));

    let (presented, ..) = measured("mx.example", &|it| it.not_before = at("2024-06-01T00:00:00Z"));
    assert_eq!(presented.problems, [CertificateProblem::NotYetValid]);

    let (presented, ..) = measured("mx.example", &|it| it.dns_names = Vec::new());
    assert!(matches!(&presented.problems[..], [CertificateProblem::HostMismatch { .. }]));
    assert!(presented.notes[0].contains("only the common name"), "{:?}", presented.notes);

    let (presented, result, symptom) = measured("mx.example", &|_| {});
    assert_eq!(
        (presented.problems, result, symptom),
        (Vec::new(), Some(ResultType::ValidationFailure), None)
    );
}

#[test]
fn the_name_to_expect_is_the_connectors_where_nobody_says_otherwise() {
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        starttls(told);
        told.established(TlsVerb::StartTls);
    });
    let found = verdicts(&tale.0, Measure::default());
    let handshake = found[0].conversations[0].handshake.as_ref().unwrap();
    assert_eq!(handshake.presented.as_ref().unwrap().expected_name, "gate.example.com");
}

#[test]
fn a_client_that_leaves_after_the_handshake_is_told_from_one_that_goes_on_and_one_that_is_shown_out() {
    let reaction = |tell: &dyn Fn(&mut SampleSession)| {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            starttls(told);
            told.established(TlsVerb::StartTls);
            tell(told);
        });
        tale.only("other.example")
    };
    let left = reaction(&|told| {
        told.tell(Record::Disconnected(Ending::Remote));
    });
    assert_eq!(left.conversations[0].handshake.as_ref().unwrap().reaction, Reaction::LeftAfter);
    assert_eq!(left.result_type, Some(ResultType::CertificateHostMismatch));
    assert!(left.words.contains("left without a word, as a client does that looks at the certificate"));
    assert!(left.words.contains("and as a probe does") && !left.words.contains("probably"), "{}", left.words);
    assert!(left.inferred.as_ref().is_some_and(|it| it.contains("a probe does as well")), "{left:?}");
    assert!(
        left.error_texts.iter().any(|it| it.client == "OpenSSL" && it.text.contains("Hostname mismatch"))
    );
    let went_on = reaction(&|told| {
        told.received("EHLO a").sent(MISSING).tell(Record::Disconnected(Ending::Remote));
    });
    assert_eq!(went_on.conversations[0].handshake.as_ref().unwrap().reaction, Reaction::Accepted);
    assert_eq!(went_on.conversations[0].parting, CloseReason::Vanished);
    let shown_out = reaction(&|told| {
        told.tell(Record::Disconnected(Ending::Local));
    });
    assert_eq!(shown_out.conversations[0].handshake.as_ref().unwrap().reaction, Reaction::Completed);
    assert!(shown_out.words.contains("said nothing inside TLS before the lab closed"), "{}", shown_out.words);
    let open = reaction(&|_| {});
    assert_eq!(open.conversations[0].handshake.as_ref().unwrap().reaction, Reaction::Completed);
}

#[test]
fn a_client_that_leaves_a_good_certificate_has_refused_nothing() {
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        starttls(told);
        told.established(TlsVerb::StartTls).tell(Record::Disconnected(Ending::Remote));
    });
    let verdict = tale.only("mx.example");
    assert_eq!(verdict.conversations[0].handshake.as_ref().unwrap().reaction, Reaction::LeftAfter);
    assert_eq!((verdict.result_type, verdict.symptom, verdict.inferred), (None, None, None));
    assert!(verdict.words.contains("a certificate that holds was presented"), "{}", verdict.words);
    assert!(!verdict.words.contains("refuse"), "{}", verdict.words);
}

#[test]
fn what_the_lab_does_after_the_handshake_is_no_refusal_of_the_client() {
    for (row, ending) in [
        (r#"{"at": "after-tls", "do": "close"}"#, Ending::Local),
        (r#"{"at": "after-tls", "do": {"reply": "421 4.3.2 no"}, "then": "close"}"#, Ending::Local),
        (r#"{"at": "after-tls", "do": "silence"}"#, Ending::Remote),
        (r#"{"at": "after-tls", "do": {"alert": "internal_error"}}"#, Ending::Broken("reset".to_owned())),
    ] {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            starttls(told);
            told.established(TlsVerb::StartTls).on_purpose(row).tell(Record::Disconnected(ending));
        });
        let verdict = tale.only("other.example");
        let reaction = &verdict.conversations[0].handshake.as_ref().unwrap().reaction;
        assert_eq!((reaction, verdict.result_type), (&Reaction::Completed, None), "{row}");
        assert!(verdict.words.contains("(on purpose, the lab did this: at after-tls"), "{}", verdict.words);
        assert!(!verdict.words.contains("refuse"), "{}", verdict.words);
    }
}

#[test]
fn before_any_client_hello_the_certificate_is_the_reason_for_nothing() {
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        starttls(told);
        told.failed_before_hello(TlsFailure::Closed).tell(Record::Disconnected(Ending::Remote));
    });
    let verdict = tale.only("other.example");
    let handshake = verdict.conversations[0].handshake.as_ref().unwrap();
    assert!(!handshake.certificate_sent);
    assert_eq!((verdict.result_type, verdict.symptom), (Some(ResultType::ValidationFailure), None));
    assert!(
        verdict
            .words
            .contains("no certificate was presented yet, and the client closed the connection before any"),
        "{}",
        verdict.words
    );
}

#[test]
fn a_part_of_a_client_hello_is_told_with_its_length() {
    for (failure, ending, expected) in [
        (
            TlsFailure::Closed,
            Ending::Remote,
            "the client closed the connection after an incomplete ClientHello of 11",
        ),
        (
            TlsFailure::TimedOut,
            Ending::Local,
            "fell silent during the handshake, after an incomplete ClientHello",
        ),
    ] {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            starttls(told);
            told.failed_in_hello(failure, 11).tell(Record::Disconnected(ending));
        });
        let words = tale.only("other.example").words;
        assert!(words.contains("no certificate was presented yet") && words.contains(expected), "{words}");
        assert!(!words.contains("before any"), "{words}");
    }
}

#[test]
fn every_command_that_tells_an_address_in_clear_leaks_the_envelope() {
    for line in [
        "MAIL FROM:<a@b>",
        "SAML FROM:<a@b>",
        "SOML FROM:<a@b>",
        "SEND FROM:<a@b>",
        "VRFY anna",
        "EXPN staff",
    ] {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            told.received("EHLO a").sent(OFFERED).received(line).sent("502 no\r\n");
        });
        let leaked: Vec<_> = tale.only("mx.example").leaked().into_iter().collect();
        assert_eq!(leaked, [Said::Envelope], "{line}");
    }
}

#[test]
fn an_alert_that_says_what_is_wrong_is_believed_and_one_that_has_nothing_to_do_with_it_is_not_bent() {
    let by_alert = |name: &str, host: &str| {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            starttls(told);
            told.failed(alert(name));
        });
        let verdict = tale.only(host);
        (verdict.result_type.unwrap(), verdict.symptom, verdict.inferred.is_some())
    };
    let unknown = (ResultType::CertificateNotTrusted, Some(Symptom::UnknownAuthority), false);
    assert_eq!(by_alert("unknown_ca", "mx.example"), unknown, "the client does not trust the lab");
    assert_eq!(by_alert("unknown_ca", "other.example"), unknown);
    let expired = (ResultType::CertificateExpired, Some(Symptom::Expired), false);
    assert_eq!(by_alert("certificate_expired", "mx.example"), expired, "by its own clock");
    let name = (ResultType::CertificateHostMismatch, Some(Symptom::NameMismatch), true);
    assert_eq!(by_alert("bad_certificate", "other.example"), name);
    let nothing = (ResultType::ValidationFailure, None, false);
    assert_eq!(by_alert("bad_certificate", "mx.example"), nothing);
    for alert in ["handshake_failure", "illegal_parameter", "internal_error"] {
        assert_eq!(by_alert(alert, "other.example"), nothing, "{alert}");
    }
    let version = (ResultType::ValidationFailure, Some(Symptom::ProtocolVersion), false);
    assert_eq!(by_alert("protocol_version", "other.example"), version);
}

#[test]
fn what_stands_behind_starttls_was_said_in_clear_whatever_becomes_of_it() {
    let behind = |executed| {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            starttls(told);
            let octets = b"MAIL FROM:<a@example.com>\r\nAUTH PLAIN AGEAYg==\r\n";
            told.tell(Record::Anomaly(crate::journal::pipelined(octets, executed)));
            told.established(TlsVerb::StartTls);
            if executed {
                told.received("MAIL FROM:<a@example.com>").sent("250 ok\r\n");
                told.received(&format!("AUTH PLAIN {SECRET}")).sent("235 ok\r\n");
            }
            told.received("QUIT").sent("221 bye\r\n").tell(Record::Disconnected(Ending::Remote));
        });
        tale.only("mx.example")
    };
    for executed in [false, true] {
        let verdict = behind(executed);
        let leaks: Vec<_> = verdict.leaks.iter().map(|leak| (leak.what, leak.why)).collect();
        let why = Why::BehindStartTls;
        assert_eq!(leaks, [(Said::Envelope, why), (Said::Credentials, why)], "{executed}");
        assert_eq!((verdict.said_over_tls(), verdict.fall_back), ([].into(), None), "{executed}");
        let odd = &verdict.conversations[0].oddities[0];
        assert_eq!(odd.contains("the lab executes them"), executed, "{odd}");
    }
}

/// Returns a conversation in which `injected` follows the 220 in clear.
fn injected(injected: &str, tell: impl FnOnce(&mut SampleSession)) -> Conversation {
    let mut tale = SampleStory::default();
    let go_ahead = format!("220 2.0.0 ready\r\n{injected}\r\n");
    tale.conversation(|told| {
        told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent(&go_ahead);
        told.established(TlsVerb::StartTls).received("EHLO a");
        tell(told);
    });
    tale.only("mx.example").conversations.remove(0)
}

#[test]
fn what_no_reply_inside_tls_explains_is_seen_and_proves_nothing_alone() {
    const INSIDE: &str = "250-mx Hello\r\n250 AUTH LOGIN\r\n";
    const REFUSAL: &str = "554 5.7.1 injected";
    const OFFER: &str = "250-mx Hello\r\n250 AUTH PLAIN LOGIN";
    let seen = |conversation: Conversation| {
        assert_eq!(conversation.injected.unwrap().taken, None);
        conversation.unexplained
    };
    let helo = seen(injected(REFUSAL, |told| {
        told.sent(INSIDE).received("HELO a").sent("250 ok\r\n").received("MAIL FROM:<a@b>");
    }));
    assert_eq!(helo, ["it said HELO after its EHLO inside TLS had been accepted"]);
    let mechanism = seen(injected(OFFER, |told| {
        told.sent(INSIDE).received(&format!("AUTH PLAIN {SECRET}"));
    }));
    assert_eq!(mechanism, ["it said AUTH PLAIN, which no reply inside TLS offers"]);
    let early = seen(injected(OFFER, |told| {
        told.tell(Record::Anomaly(Anomaly::DidNotAwaitEhloReply { octets: 30 })).sent(INSIDE);
    }));
    assert_eq!(early, ["it went on before the reply to its EHLO inside TLS had left"]);
    let left = Record::Disconnected(Ending::Remote);
    let one_behind = seen(injected(OFFER, |told| {
        told.sent(INSIDE)
            .received("MAIL FROM:<a@b>")
            .sent("250 ok\r\n")
            .received("RCPT TO:<a@b>")
            .sent("250 ok\r\n");
        told.received("DATA").sent("354 go\r\n").tell(left.clone());
    }));
    assert_eq!(one_behind, ["it left after the 354 to its DATA without a message"]);
    let one_behind = seen(injected(OFFER, |told| {
        told.sent(INSIDE).received("AUTH LOGIN").sent("334 VXNlcm5hbWU6\r\n").tell(left.clone());
    }));
    assert_eq!(one_behind, ["it left after the 334 to its AUTH without an answer"]);
}

#[test]
fn a_client_that_leaves_has_taken_nothing() {
    const INSIDE: &str = "250-mx Hello\r\n250 AUTH LOGIN\r\n";
    let left = Record::Disconnected(Ending::Remote);
    for reply in ["554 5.7.1 injected", "250-mx Hello\r\n250 AUTH PLAIN LOGIN"] {
        let gave_up = |ends: &'static str| {
            injected(reply, |told| {
                told.sent(INSIDE);
                if !ends.is_empty() {
                    told.received(ends).sent("221 bye\r\n");
                }
                told.tell(left.clone());
            })
        };
        let impatient = injected(reply, |told| {
            told.tell(Record::Anomaly(Anomaly::DidNotAwaitEhloReply { octets: 0 })).tell(left.clone());
        });
        let discards = injected(reply, |told| {
            told.sent(INSIDE).received(&format!("AUTH LOGIN {SECRET}")).sent("235 ok\r\n");
            mail(told);
            told.message(Some(sample::facts()));
            quit(told);
        });
        for conversation in [gave_up("QUIT"), gave_up(""), impatient, discards] {
            assert_eq!(conversation.unexplained, [""; 0]);
            let found = conversation.injected.unwrap();
            assert_eq!((found.lines[0].as_str(), found.taken), (reply.lines().next().unwrap(), None));
        }
    }
}

#[test]
fn a_go_ahead_of_several_lines_injects_nothing() {
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent("220-go\r\n220 on\r\n");
        told.established(TlsVerb::StartTls).received("EHLO a").sent(MISSING).received("QUIT");
    });
    assert_eq!(tale.only("mx.example").conversations[0].injected, None);
}

#[test]
fn what_ehlo_offered_in_clear_is_stale_inside_tls() {
    let stale = |tell: &dyn Fn(&mut SampleSession)| {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            told.received("EHLO a")
                .sent("250-mx Hello\r\n250-SIZE 1024\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n");
            told.received("STARTTLS").sent("220 go\r\n").established(TlsVerb::StartTls);
            tell(told);
        });
        tale.only("mx.example").conversations.remove(0).stale_capabilities
    };
    let refused = |told: &mut SampleSession| {
        told.received("EHLO a").sent("554 5.7.0 no\r\n");
    };
    let size = stale(&|told| {
        refused(told);
        told.received("MAIL FROM:<a@example.com> SIZE=12");
    });
    assert!(
        size.unwrap()
            .starts_with("it said MAIL with SIZE inside TLS, which only EHLO in clear had offered: its EHLO")
    );
    let auth = stale(&|told| {
        refused(told);
        told.received("HELO a").sent("250 ok\r\n").received(&format!("AUTH LOGIN {SECRET}"));
    });
    assert!(auth.unwrap().contains("AUTH LOGIN inside TLS"));
    let unasked = stale(&|told| {
        told.received("MAIL FROM:<a@example.com> SIZE=12");
    });
    assert!(unasked.unwrap().contains("it said no EHLO inside TLS"));
    let fresh = stale(&|told| {
        told.received("EHLO a").sent("250-mx Hello\r\n250 SIZE 1024\r\n").received("MAIL FROM:<a@b> SIZE=12");
    });
    assert_eq!(fresh, None);
    let plain = stale(&|told| {
        refused(told);
        told.received("HELO a").sent("250 ok\r\n").received("MAIL FROM:<a@example.com>");
    });
    assert_eq!(plain, None);
}

#[test]
fn what_is_said_in_clear_is_a_leak_with_its_reason() {
    let leaks = |ehlo: &'static str, tell: &dyn Fn(&mut SampleSession)| {
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            told.received("EHLO a").sent(ehlo);
            tell(told);
        });
        let leaks = tale.only("mx.example").leaks;
        leaks.into_iter().map(|leak| (leak.what, leak.why)).collect::<Vec<_>>()
    };
    assert_eq!(leaks(MISSING, &mail), [(Said::Envelope, Why::NotOffered), (Said::Body, Why::NotOffered)]);
    assert_eq!(leaks(OFFERED, &mail)[0], (Said::Envelope, Why::OfferedAndNotUsed));
    let plain = format!("AUTH PLAIN {SECRET}");
    let auth = |told: &mut SampleSession| {
        told.received(&plain).sent("235 ok\r\n");
    };
    assert_eq!(leaks(OFFERED, &auth), [(Said::Credentials, Why::OfferedAndNotUsed)]);
    let challenged = |told: &mut SampleSession| {
        told.received("AUTH LOGIN").sent("334 VXNlcm5hbWU6\r\n").tell(Record::ReceivedSecret);
    };
    assert_eq!(leaks(MISSING, &challenged), [(Said::Credentials, Why::NotOffered)]);
    let only_asked = |told: &mut SampleSession| {
        told.received("AUTH LOGIN").sent("538 5.7.11 no\r\n").tell(Record::Content(0));
    };
    assert_eq!(leaks(MISSING, &only_asked), []);
    let refused = |told: &mut SampleSession| {
        told.received("STARTTLS").sent("454 4.7.0 not now\r\n");
        mail(told);
    };
    assert_eq!(leaks(OFFERED, &refused)[0], (Said::Envelope, Why::Refused));
}

fn falls_back(connections_before: usize) -> Verdict {
    let mut tale = SampleStory::default();
    for _ in 0..connections_before {
        tale.conversation(|told| {
            starttls(told);
            failed(told, Some(sample::certificate()), TlsFailure::Closed);
            told.tell(Record::Disconnected(Ending::Remote));
        });
    }
    tale.conversation(|told| {
        told.received("EHLO a").sent(OFFERED);
        mail(told);
        told.message(None);
        quit(told);
    });
    tale.only("mx.example")
}

#[test]
fn a_return_in_clear_on_another_connection_is_one_story() {
    let at_once = falls_back(1);
    let fall_back = at_once.fall_back.clone().unwrap();
    assert_eq!((fall_back.connections_later, fall_back.is_at_once()), (1, true));
    assert_eq!(
        fall_back.seconds_later,
        SignedDuration::from_secs(5),
        "the lab's clock goes a second an entry"
    );
    assert_eq!(fall_back.said, [Said::Envelope, Said::Body].into());
    assert!(at_once.leaks.iter().all(|leak| leak.why == Why::AfterFailure));
    assert!(
        at_once.words.ends_with(
            "came back in clear 1 connection and 5.000 s later (envelope, body); 1 message in clear"
        ),
        "{}",
        at_once.words
    );
    let later = falls_back(2).fall_back.unwrap();
    assert_eq!((later.connections_later, later.is_at_once()), (2, false));
}

#[test]
fn a_refused_starttls_can_be_followed_by_clear_text_in_the_same_connection() {
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent("454 4.7.0 not now\r\n");
        mail(told);
        told.message(None);
        quit(told);
    });
    let verdict = tale.only("mx.example");
    assert_eq!(verdict.fall_back.as_ref().unwrap().connections_later, 0);
    assert_eq!(verdict.result_type, Some(ResultType::StarttlsNotSupported));
    assert_eq!(verdict.symptom, Some(Symptom::Refused));
    assert!(verdict.words.contains("STARTTLS was refused with 454 4.7.0 not now"), "{}", verdict.words);
}

#[test]
fn a_client_that_was_never_offered_tls_does_not_fall_back() {
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        told.received("EHLO a").sent(MISSING);
        mail(told);
        told.message(None);
        quit(told);
    });
    let verdict = tale.only("mx.example");
    assert_eq!((verdict.fall_back, verdict.symptom), (None, Some(Symptom::NotOffered)));
    assert_eq!(verdict.result_type, Some(ResultType::StarttlsNotSupported));
}

#[test]
fn clients_from_two_addresses_are_two_stories() {
    let mut tale = SampleStory::default();
    tale.from("192.0.2.9:1", starttls).from("[::ffff:192.0.2.9]:2", starttls).from("192.0.2.10:1", starttls);
    let found = verdicts(&tale.0, Measure::default());
    let counts: Vec<_> = found.iter().map(|it| (it.peer.to_string(), it.conversations.len())).collect();
    assert_eq!(counts, [("192.0.2.9".to_owned(), 2), ("192.0.2.10".to_owned(), 1)]);
}

#[test]
fn it_is_known_whose_turn_it_was() {
    let turn = |tell: &dyn Fn(&mut SampleSession)| {
        let mut tale = SampleStory::default();
        tale.conversation(|told| tell(told));
        let conversation = tale.only("mx.example").conversations.remove(0);
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
        let mut tale = SampleStory::default();
        tale.conversation(|told| {
            starttls(told);
            tell(told);
        });
        tale.only("mx.example").symptom
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
fn a_client_hello_that_cannot_succeed_is_named() {
    let mut tale = SampleStory::default();
    tale.conversation(|told| {
        starttls(told);
        let reason = "the client offers at most TLS 1.0".to_owned();
        failed(told, None, TlsFailure::AlertSent { alert: "handshake_failure".to_owned(), reason });
    });
    assert!(tale.only("mx.example").words.contains("the client offers at most TLS 1.0"));
}

#[test]
fn a_client_hello_in_place_of_a_command_and_a_hundred_connections_are_told_in_few_words() {
    let mut tale = SampleStory::default();
    for _ in 0..100 {
        tale.conversation(|told| {
            told.tell(Record::Anomaly(Anomaly::ClientHelloInClear));
            told.tell(Record::Disconnected(Ending::Local));
        });
    }
    let verdict = tale.only("mx.example");
    assert!(verdict.words.starts_with("100 connections; a TLS ClientHello came in place of a command;"));
    assert!(verdict.words.contains("94 more in between"), "{}", verdict.words);
    assert!(verdict.conversations[0].client_hello_in_clear);
}

#[test]
fn a_verdict_can_be_read_by_programs() {
    let json = serde_json::to_value(falls_back(1)).unwrap();
    assert_eq!(json["fall_back"]["seconds_later"], 5.0);
    assert_eq!(json["leaks"][0]["what"], "envelope");
    assert_eq!(json["conversations"][0]["handshake"]["reaction"]["reaction"], "closed-during");
    assert_eq!(json["result_type"], "validation-failure");
}

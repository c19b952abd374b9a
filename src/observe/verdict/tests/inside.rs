//! Replies that were injected in clear, and what a client does inside TLS.

use super::*;

/// Returns a conversation in which `injected` follows the 220 in clear.
fn injected(injected: &str, tell: impl FnOnce(&mut SampleSession)) -> Conversation {
    let mut journal = SampleJournal::default();
    let go_ahead = format!("220 2.0.0 ready\r\n{injected}\r\n");
    journal.conversation(|told| {
        told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent(&go_ahead);
        told.established(TlsVerb::StartTls).received("EHLO a");
        tell(told);
    });
    journal.only("mx.example").conversations.remove(0)
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
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent("220-go\r\n220 on\r\n");
        told.established(TlsVerb::StartTls).received("EHLO a").sent(MISSING).received("QUIT");
    });
    assert_eq!(journal.only("mx.example").conversations[0].injected, None);
}

#[test]
fn what_ehlo_offered_in_clear_is_stale_inside_tls() {
    let stale = |tell: &dyn Fn(&mut SampleSession)| {
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            told.received("EHLO a")
                .sent("250-mx Hello\r\n250-SIZE 1024\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n");
            told.received("STARTTLS").sent("220 go\r\n").established(TlsVerb::StartTls);
            tell(told);
        });
        journal.only("mx.example").conversations.remove(0).stale_capabilities
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

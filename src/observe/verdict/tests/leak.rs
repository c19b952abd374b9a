//! Tests of verdicts on mail in clear: the parts that were sent, and the reason.

use super::*;

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
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            told.received("EHLO a").sent(OFFERED).received(line).sent("502 no\r\n");
        });
        let leaked: Vec<_> = journal.only("mx.example").leaked().into_iter().collect();
        assert_eq!(leaked, [Said::Envelope], "{line}");
    }
}

#[test]
fn what_stands_behind_starttls_was_said_in_clear_whatever_becomes_of_it() {
    let behind = |executed| {
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            starttls(told);
            let bytes = b"MAIL FROM:<a@example.com>\r\nAUTH PLAIN AGEAYg==\r\n";
            told.tell(Record::Anomaly(crate::journal::pipelined(bytes, executed)));
            told.established(TlsVerb::StartTls);
            if executed {
                told.received("MAIL FROM:<a@example.com>").sent("250 ok\r\n");
                told.received(&format!("AUTH PLAIN {SECRET}")).sent("235 ok\r\n");
            }
            told.received("QUIT").sent("221 bye\r\n").tell(Record::Disconnected(Ending::Remote));
        });
        journal.only("mx.example")
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

#[test]
fn what_is_said_in_clear_is_a_leak_with_its_reason() {
    let leaks = |ehlo: &'static str, tell: &dyn Fn(&mut SampleSession)| {
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            told.received("EHLO a").sent(ehlo);
            tell(told);
        });
        let leaks = journal.only("mx.example").leaks;
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

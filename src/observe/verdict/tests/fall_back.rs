//! Clients that come back in clear, and clients that are told apart.

use super::*;

pub(super) fn falls_back(connections_before: usize) -> Verdict {
    let mut journal = SampleJournal::default();
    for _ in 0..connections_before {
        journal.conversation(|told| {
            starttls(told);
            failed(told, Some(sample::certificate()), TlsFailure::Closed);
            told.tell(Record::Disconnected(Ending::Remote));
        });
    }
    journal.conversation(|told| {
        told.received("EHLO a").sent(OFFERED);
        mail(told);
        told.message(None);
        quit(told);
    });
    journal.only("mx.example")
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
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent("454 4.7.0 not now\r\n");
        mail(told);
        told.message(None);
        quit(told);
    });
    let verdict = journal.only("mx.example");
    assert_eq!(verdict.fall_back.as_ref().unwrap().connections_later, 0);
    assert_eq!(verdict.result_type, Some(ResultType::StarttlsNotSupported));
    assert_eq!(verdict.symptom, Some(Symptom::Refused));
    assert!(verdict.words.contains("STARTTLS was refused with 454 4.7.0 not now"), "{}", verdict.words);
}

#[test]
fn a_client_that_was_never_offered_tls_does_not_fall_back() {
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        told.received("EHLO a").sent(MISSING);
        mail(told);
        told.message(None);
        quit(told);
    });
    let verdict = journal.only("mx.example");
    assert_eq!((verdict.fall_back, verdict.symptom), (None, Some(Symptom::NotOffered)));
    assert_eq!(verdict.result_type, Some(ResultType::StarttlsNotSupported));
}

#[test]
fn clients_from_two_addresses_are_two_stories() {
    let mut journal = SampleJournal::default();
    journal
        .from("192.0.2.9:1", starttls)
        .from("[::ffff:192.0.2.9]:2", starttls)
        .from("192.0.2.10:1", starttls);
    let found = verdicts(&journal.0, Measure::default());
    let counts: Vec<_> = found.iter().map(|it| (it.peer.to_string(), it.conversations.len())).collect();
    assert_eq!(counts, [("192.0.2.9".to_owned(), 2), ("192.0.2.10".to_owned(), 1)]);
}

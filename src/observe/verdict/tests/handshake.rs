//! Tests of verdicts on handshakes: the certificate that was presented, and the reaction of the client.

use super::*;

#[test]
fn what_was_presented_is_measured_whatever_the_client_says() {
    let measured = |host: &str, change: &dyn Fn(&mut CertificateFacts)| {
        let mut certificate = sample::certificate();
        change(&mut certificate);
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            starttls(told);
            failed(told, Some(certificate), alert("certificate_unknown"));
            told.tell(Record::Disconnected(Ending::Local));
        });
        let verdict = journal.only(host);
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
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        starttls(told);
        told.established(TlsVerb::StartTls);
    });
    let found = verdicts(&journal.0, Measure::default());
    let handshake = found[0].conversations[0].handshake.as_ref().unwrap();
    assert_eq!(handshake.presented.as_ref().unwrap().expected_name, "gate.example.com");
}

#[test]
fn a_client_that_leaves_after_the_handshake_is_told_from_one_that_goes_on_and_one_that_is_shown_out() {
    let reaction = |tell: &dyn Fn(&mut SampleSession)| {
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            starttls(told);
            told.established(TlsVerb::StartTls);
            tell(told);
        });
        journal.only("other.example")
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
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        starttls(told);
        told.established(TlsVerb::StartTls).tell(Record::Disconnected(Ending::Remote));
    });
    let verdict = journal.only("mx.example");
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
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            starttls(told);
            told.established(TlsVerb::StartTls).on_purpose(row).tell(Record::Disconnected(ending));
        });
        let verdict = journal.only("other.example");
        let reaction = &verdict.conversations[0].handshake.as_ref().unwrap().reaction;
        assert_eq!((reaction, verdict.result_type), (&Reaction::Completed, None), "{row}");
        assert!(verdict.words.contains("(on purpose, the lab did this: at after-tls"), "{}", verdict.words);
        assert!(!verdict.words.contains("refuse"), "{}", verdict.words);
    }
}

#[test]
fn before_any_client_hello_the_certificate_is_the_reason_for_nothing() {
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        starttls(told);
        told.failed_before_hello(TlsFailure::Closed).tell(Record::Disconnected(Ending::Remote));
    });
    let verdict = journal.only("other.example");
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
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            starttls(told);
            told.failed_in_hello(failure, 11).tell(Record::Disconnected(ending));
        });
        let words = journal.only("other.example").words;
        assert!(words.contains("no certificate was presented yet") && words.contains(expected), "{words}");
        assert!(!words.contains("before any"), "{words}");
    }
}

#[test]
fn an_alert_that_says_what_is_wrong_is_believed_and_one_that_has_nothing_to_do_with_it_is_not_bent() {
    let by_alert = |name: &str, host: &str| {
        let mut journal = SampleJournal::default();
        journal.conversation(|told| {
            starttls(told);
            told.failed(alert(name));
        });
        let verdict = journal.only(host);
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
fn a_client_hello_that_cannot_succeed_is_named() {
    let mut journal = SampleJournal::default();
    journal.conversation(|told| {
        starttls(told);
        let reason = "the client offers at most TLS 1.0".to_owned();
        failed(told, None, TlsFailure::AlertSent { alert: "handshake_failure".to_owned(), reason });
    });
    assert!(journal.only("mx.example").words.contains("the client offers at most TLS 1.0"));
}

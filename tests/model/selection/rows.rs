//! The truth table for people: what is wrong, and what the selection says of it.

use starttls_lab::internal::exchange::{
    ChainNotValid, ChainStatus, Outcome, PrivateKey, Profile, Reason, RuleOverrides, SearchKey, Selection,
    Services, SmtpNotAssigned, StoredCertificate, Verdict,
};

use super::world::{FQDN, ISSUER, SUBJECT, connector_fqdn, fitting, in_hours, now, pin, selected};

type Change = fn(&mut StoredCertificate);

fn judged(key: &SearchKey, profile: Profile, change: Change) -> Selection {
    let mut certificate = fitting("mail");
    change(&mut certificate);
    selected(&[certificate], key, &profile.rules(), now()).1
}

fn reasons(selection: &Selection) -> Vec<Reason> {
    reasons_at(selection, 0)
}

fn reasons_at(selection: &Selection, index: usize) -> Vec<Reason> {
    match &selection.candidates[index].verdict {
        Verdict::NotEligible { reasons } => reasons.clone(),
        _ => Vec::new(),
    }
}

fn only_in(certificate: &mut StoredCertificate, common_name: &str, dns_names: &[&str]) {
    certificate.facts.common_names = vec![common_name.to_owned()];
    certificate.facts.dns_names = dns_names.iter().map(ToString::to_string).collect();
}

const EXPIRED: Change = |certificate| certificate.facts.not_after = in_hours(-1);
const NOT_YET: Change = |certificate| certificate.facts.not_before = in_hours(1);

#[test]
fn a_certificate_that_is_searched_by_name_is_refused_for_these_reasons() {
    let all: [(&str, Profile, Change, &[Reason]); 20] = [
        ("all is well", Profile::Exchange2019, |_| {}, &[]),
        ("common name only", Profile::Exchange2019, |it| only_in(it, FQDN, &[]), &[]),
        ("DNS name only", Profile::Exchange2019, |it| only_in(it, "EX01", &["EX01", FQDN]), &[]),
        ("wildcard", Profile::Exchange2019, |it| only_in(it, "*.contoso.com", &[]), &[]),
        ("another case", Profile::Exchange2010, |it| only_in(it, "MAIL.CONTOSO.COM", &[]), &[]),
        (
            "another name",
            Profile::Exchange2010,
            |it| only_in(it, "mailgate.contoso.com", &["mailgate"]),
            &[Reason::NameDiffers],
        ),
        (
            "the parent domain",
            Profile::Exchange2019,
            |it| only_in(it, "contoso.com", &["contoso.com"]),
            &[Reason::NameDiffers],
        ),
        (
            "no SMTP service",
            Profile::Exchange2019,
            |it| it.services = Services::IIS,
            &[Reason::SmtpNotAssigned],
        ),
        (
            "no key",
            Profile::Exchange2019,
            |it| it.private_key = PrivateKey::Missing,
            &[Reason::PrivateKeyMissing],
        ),
        (
            "a key nobody may read",
            Profile::Exchange2019,
            |it| it.private_key = PrivateKey::Unreadable,
            &[Reason::PrivateKeyUnreadable],
        ),
        ("version 1", Profile::Exchange2019, |it| it.facts.version = 1, &[Reason::NotVersion3]),
        (
            "a root nobody trusts",
            Profile::Exchange2019,
            |it| it.chain = ChainStatus::Untrusted,
            &[Reason::ChainUntrusted],
        ),
        ("revoked", Profile::Exchange2019, |it| it.chain = ChainStatus::Revoked, &[Reason::Revoked]),
        (
            "self-signed, which no root has to trust",
            Profile::Exchange2019,
            |it| (it.facts.self_signed, it.chain) = (true, ChainStatus::Untrusted),
            &[],
        ),
        ("expired, 2007", Profile::Exchange2007, EXPIRED, &[Reason::Expired]),
        ("expired, 2010", Profile::Exchange2010, EXPIRED, &[Reason::Expired]),
        ("expired, 2013", Profile::Exchange2013, EXPIRED, &[]),
        ("not yet valid, 2010", Profile::Exchange2010, NOT_YET, &[Reason::NotYetValid]),
        ("not yet valid, 2019", Profile::Exchange2019, NOT_YET, &[]),
        (
            "everything at once: each reason is named",
            Profile::Exchange2010,
            |it| {
                only_in(it, "EX01", &[]);
                (it.services, it.private_key) = (Services::NONE, PrivateKey::Missing);
                (it.facts.not_after, it.facts.version) = (in_hours(-1), 1);
                it.chain = ChainStatus::Revoked;
            },
            &[
                Reason::NameDiffers,
                Reason::SmtpNotAssigned,
                Reason::PrivateKeyMissing,
                Reason::Expired,
                Reason::NotVersion3,
                Reason::Revoked,
            ],
        ),
    ];
    for (about, profile, change, expected) in all {
        let selection = judged(&connector_fqdn(FQDN), profile, change);
        assert_eq!(reasons(&selection), expected, "{about}");
        assert_eq!(selection.offered().is_none(), !expected.is_empty(), "{about}");
    }
}

#[test]
fn a_certificate_that_is_pinned_is_refused_for_its_issuer_or_subject_and_never_for_its_names() {
    let other = "CN=Contoso Issuing CA G1, O=Contoso";
    let all: [(&str, SearchKey, &[Reason]); 6] = [
        ("both equal", pin(ISSUER, SUBJECT), &[]),
        ("another issuer", pin(other, SUBJECT), &[Reason::IssuerDiffers]),
        ("another subject", pin(ISSUER, "CN=EX01"), &[Reason::SubjectDiffers]),
        ("both other", pin(other, "CN=EX01"), &[Reason::IssuerDiffers, Reason::SubjectDiffers]),
        (
            "the same names in another order",
            pin(ISSUER, "O=Contoso, CN=mail.contoso.com"),
            &[Reason::SubjectDiffers],
        ),
        ("a name as if it were a pin", pin("*", FQDN), &[Reason::IssuerDiffers, Reason::SubjectDiffers]),
    ];
    for (about, key, expected) in all {
        let selection = judged(&key, Profile::Exchange2019, |certificate| only_in(certificate, "EX01", &[]));
        assert_eq!(reasons(&selection), expected, "{about}");
    }
}

/// RFC 5280 section 4.1.2.5: Valid-to belongs to the time of validity, all of its second.
#[test]
fn a_certificate_is_valid_through_the_last_second_that_it_names() {
    let expired = |nanoseconds: i32, not_after: i64| {
        let now = now() + jiff::SignedDuration::new(0, nanoseconds);
        let mut certificate = fitting("mail");
        certificate.facts.not_after = self::now() + jiff::SignedDuration::from_secs(not_after);
        let rules = Profile::Exchange2010.rules();
        selected(&[certificate], &connector_fqdn(FQDN), &rules, now).0.chosen.is_none()
    };
    assert!(!expired(0, 0));
    assert!(!expired(999_999_999, 0));
    assert!(expired(0, -1));
}

#[test]
fn an_empty_store_withholds() {
    let (found, selection) = selected(&[], &connector_fqdn(FQDN), &Profile::Exchange2019.rules(), now());
    assert_eq!((found.chosen, selection.outcome), (None, Outcome::Withheld));
}

#[test]
fn an_expired_certificate_that_is_offered_says_so() {
    let selection = judged(&connector_fqdn(FQDN), Profile::Exchange2019, EXPIRED);
    assert!(selection.offered().unwrap().expired);
    assert!(!judged(&connector_fqdn(FQDN), Profile::Exchange2019, |_| {}).offered().unwrap().expired);
}

/// The three accounts of what becomes of a certificate that fits and is not enabled for SMTP.
#[test]
fn without_smtp_a_certificate_is_withheld_or_fails_or_does_where_it_is_pinned() {
    let mut certificate = fitting("mail");
    certificate.services = Services::IIS;
    for (answer, key, is_chosen, fails) in [
        (SmtpNotAssigned::Withheld, connector_fqdn(FQDN), false, false),
        (SmtpNotAssigned::Withheld, pin(ISSUER, SUBJECT), false, false),
        (SmtpNotAssigned::HandshakeFails, connector_fqdn(FQDN), true, true),
        (SmtpNotAssigned::HandshakeFails, pin(ISSUER, SUBJECT), true, true),
        (SmtpNotAssigned::PinSuffices, connector_fqdn(FQDN), false, false),
        (SmtpNotAssigned::PinSuffices, pin(ISSUER, SUBJECT), true, false),
    ] {
        let rules = RuleOverrides { smtp_not_assigned: Some(answer), ..RuleOverrides::default() };
        let rules = rules.over(Profile::Exchange2019);
        let (found, selection) = selected(std::slice::from_ref(&certificate), &key, &rules, now());
        assert_eq!((found.chosen.is_some(), found.handshake_fails), (is_chosen, fails), "{answer:?}, {key}");
        let cited = selection.rules[0];
        assert_eq!((selection.rules.len(), cited.rule), (1, "smtp_not_assigned"), "{answer:?}, {key}");
    }
}

/// The article passes over a certificate whose chain is not valid; the Exchange Team's account does not.
#[test]
fn a_self_signed_certificate_stands_in_for_one_whose_chain_is_not_valid_by_one_account_only() {
    let mut lame = fitting("lame");
    let mut self_signed = fitting("self-signed");
    (self_signed.facts.self_signed, self_signed.services) = (true, Services::SMTP);
    let chosen = |store: &[StoredCertificate], answer| {
        let rules = RuleOverrides { chain_not_valid: Some(answer), ..RuleOverrides::default() };
        let rules = rules.over(Profile::Exchange2019);
        let (found, selection) = selected(store, &connector_fqdn(FQDN), &rules, now());
        (found.chosen, reasons_at(&selection, 1), selection.rules)
    };
    for chain in [ChainStatus::Untrusted, ChainStatus::Revoked] {
        lame.chain = chain;
        let store = [lame.clone(), self_signed.clone()];
        let (found, reasons, rules) = chosen(&store, ChainNotValid::PassedOver);
        assert_eq!((found.as_deref(), reasons), (Some("self-signed"), vec![]));
        assert_eq!((rules.len(), rules[0].rule, rules[0].answer), (1, "chain_not_valid", "passed-over"));
        assert!(rules[0].source.contains("step 9"));
        let (found, reasons, rules) = chosen(&store, ChainNotValid::Withheld);
        assert_eq!((found, reasons), (None, vec![Reason::StandsInForNone]));
        assert_eq!((rules.len(), rules[0].rule, rules[0].answer), (1, "chain_not_valid", "withheld"));
        assert!(rules[0].source.contains("Exchange Team"));
    }
    // Nothing is held against it where the other one lacks more than a valid chain.
    lame.services = Services::IIS;
    let (found, reasons, rules) = chosen(&[lame, self_signed], ChainNotValid::Withheld);
    assert_eq!((found.as_deref(), reasons), (Some("self-signed"), vec![]));
    assert!(rules.iter().all(|rule| rule.rule != "chain_not_valid"));
}

/// Rules that played no part would bury the one that did.
#[test]
fn only_the_rules_that_met_a_certificate_with_the_name_are_cited() {
    let cited = |profile, change: Change| -> Vec<String> {
        let rules = judged(&connector_fqdn(FQDN), profile, change).rules;
        rules.iter().map(|rule| format!("{} = {}", rule.rule, rule.answer)).collect()
    };
    assert!(cited(Profile::Exchange2019, |_| {}).is_empty());
    assert_eq!(cited(Profile::Exchange2010, EXPIRED), ["expired = withheld"]);
    assert_eq!(cited(Profile::Exchange2019, EXPIRED), ["expired = offered"]);
    assert_eq!(cited(Profile::Exchange2010, NOT_YET), ["not_yet_valid = withheld"]);
    let no_smtp: Change = |certificate| certificate.services = Services::IIS;
    assert_eq!(cited(Profile::Exchange2019, no_smtp), ["smtp_not_assigned = withheld"]);
    let another: Change = |certificate| {
        only_in(certificate, "EX01", &[]);
        certificate.facts.not_after = in_hours(-1);
        certificate.services = Services::NONE;
    };
    assert!(cited(Profile::Exchange2010, another).is_empty());
    let pair = [fitting("one"), fitting("two")];
    let (_, selection) = selected(&pair, &connector_fqdn(FQDN), &Profile::Exchange2019.rules(), now());
    assert_eq!(selection.rules.len(), 1);
    assert_eq!(selection.rules[0].rule, "several_match");
    assert!(selection.rules[0].source.contains("inbound STARTTLS certificates selection"));
}

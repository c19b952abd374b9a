//! Every combination of what the rule reads.

use starttls_lab::internal::exchange::{
    ChainNotValid, ChainStatus, Dates, Precedence, PrivateKey, Profile, Rules, SearchKey, Services,
    SeveralMatch, SmtpNotAssigned, StoredCertificate, Verdict,
};

use super::oracle::expected;
use super::world::{FQDN, ISSUER, SUBJECT, connector_fqdn, fitting, in_hours, now, pin, selected};

/// Common names and DNS names; which of them covers what, the oracle finds out for itself.
const NAMES: [(&[&str], &[&str]); 8] = [
    (&[FQDN], &[]),
    (&["EX01"], &["EX01", FQDN]),
    (&["EX01"], &["MAIL.Contoso.com"]),
    (&["*.contoso.com"], &["*.contoso.com", "contoso.com"]),
    (&["*.contoso.com"], &[FQDN]),
    (&["EX01"], &["EX01", "EX01.contoso.com"]),
    (&["contoso.com"], &["contoso.com", "*.mail.contoso.com", "m*.contoso.com"]),
    (&[], &[]),
];

/// Valid from and to, in hours from now; zero is the very second.
const VALIDITY: [(i64, i64); 5] = [(-720, 720), (0, 720), (-720, 0), (-720, -1), (1, 720)];

/// Every single certificate that differs in anything the rule reads.
pub(crate) fn singles() -> Vec<StoredCertificate> {
    let mut all = Vec::new();
    for (common_names, dns_names) in NAMES {
        for services in [Services::SMTP, Services::IIS.and(Services::SMTP), Services::IIS, Services::NONE] {
            for (from, to) in VALIDITY {
                for private_key in [PrivateKey::Present, PrivateKey::Missing, PrivateKey::Unreadable] {
                    for (self_signed, chain) in [
                        (false, ChainStatus::Valid),
                        (false, ChainStatus::Untrusted),
                        (false, ChainStatus::Revoked),
                        (true, ChainStatus::Valid),
                        (true, ChainStatus::Untrusted),
                        (true, ChainStatus::Revoked),
                    ] {
                        for version in [3, 1] {
                            let mut certificate = fitting("only");
                            let facts = &mut certificate.facts;
                            facts.common_names = common_names.iter().map(ToString::to_string).collect();
                            facts.dns_names = dns_names.iter().map(ToString::to_string).collect();
                            (facts.not_before, facts.not_after) = (in_hours(from), in_hours(to));
                            (facts.self_signed, facts.version) = (self_signed, version);
                            if self_signed {
                                facts.issuer.clone_from(&facts.subject);
                            }
                            (certificate.services, certificate.private_key) = (services, private_key);
                            certificate.chain = chain;
                            all.push(certificate);
                        }
                    }
                }
            }
        }
    }
    all
}

/// What is searched for: names that are there, are not, or are covered; pins that are and are not.
pub(crate) fn keys() -> Vec<SearchKey> {
    vec![
        connector_fqdn(FQDN),
        SearchKey::ComputerFqdn("EX01.contoso.com".parse().unwrap()),
        connector_fqdn("EX01"),
        connector_fqdn("a.mail.contoso.com"),
        pin(ISSUER, SUBJECT),
        pin("CN=Contoso Issuing CA G1, O=Contoso", SUBJECT),
        pin(ISSUER, "CN=other.contoso.com"),
        pin(SUBJECT, SUBJECT),
    ]
}

/// Every answer to the contradicted questions that the selection asks.
fn all_rules() -> Vec<Rules> {
    let mut all = Vec::new();
    for expired in [Dates::Withheld, Dates::Offered] {
        for not_yet_valid in [Dates::Withheld, Dates::Offered] {
            for smtp_not_assigned in [SmtpNotAssigned::Withheld, SmtpNotAssigned::HandshakeFails] {
                for several_match in [SeveralMatch::NewestValidFrom, SeveralMatch::LatestValidTo] {
                    for chain_not_valid in [ChainNotValid::PassedOver, ChainNotValid::Withheld] {
                        let rest = Profile::Exchange2019.rules();
                        all.push(Rules {
                            expired,
                            not_yet_valid,
                            smtp_not_assigned,
                            several_match,
                            chain_not_valid,
                            ..rest
                        });
                    }
                }
            }
        }
    }
    all
}

/// The three accounts of SMTP differ by what is searched for, so every key is held against each of them.
#[test]
fn a_missing_smtp_service_is_judged_as_each_account_has_it_for_every_key() {
    let mut certificates = singles();
    certificates.retain(|certificate| {
        certificate.private_key == PrivateKey::Present && certificate.chain == ChainStatus::Valid
    });
    for smtp_not_assigned in
        [SmtpNotAssigned::Withheld, SmtpNotAssigned::HandshakeFails, SmtpNotAssigned::PinSuffices]
    {
        let rules = Rules { smtp_not_assigned, ..Profile::Exchange2019.rules() };
        for certificate in &certificates {
            let store = std::slice::from_ref(certificate);
            for key in keys() {
                let (found, _) = selected(store, &key, &rules, now());
                assert_eq!(found, expected(store, &key, &rules, now()), "{rules:?}, {key}\n{certificate:#?}");
            }
        }
    }
}

#[test]
fn one_certificate_alone_is_judged_as_the_documented_steps_judge_it() {
    let (mut offered, mut withheld) = (0, 0);
    for certificate in singles() {
        let store = [certificate];
        for key in keys() {
            for profile in Profile::ALL {
                let (found, _) = selected(&store, &key, &profile.rules(), now());
                let expected = expected(&store, &key, &profile.rules(), now());
                assert_eq!(found, expected, "{profile}, {key:?}\n{:#?}", store[0]);
                *if found.chosen.is_some() { &mut offered } else { &mut withheld } += 1;
            }
        }
    }
    // A product in which everything is refused would prove nothing.
    assert!(offered > 1_000 && withheld > 100_000, "{offered} offered, {withheld} withheld");
}

/// Certificates that differ in what decides who goes first, and some that are out of the race.
fn rivals(label: &str) -> Vec<StoredCertificate> {
    let mut all = Vec::new();
    for (names, services, chain) in [
        (FQDN, Services::SMTP, ChainStatus::Valid),
        (FQDN, Services::SMTP, ChainStatus::Revoked),
        ("*.contoso.com", Services::SMTP, ChainStatus::Valid),
        (FQDN, Services::IIS, ChainStatus::Valid),
        ("EX01.contoso.com", Services::SMTP, ChainStatus::Valid),
    ] {
        for self_signed in [false, true] {
            for from in [-720, -24, 1] {
                for to in [-1, 720, 1440] {
                    let mut certificate = fitting(label);
                    certificate.facts.common_names = vec![names.to_owned()];
                    certificate.facts.dns_names = Vec::new();
                    certificate.facts.self_signed = self_signed;
                    certificate.facts.not_before = in_hours(from.min(to - 1));
                    certificate.facts.not_after = in_hours(to);
                    (certificate.services, certificate.chain) = (services, chain);
                    all.push(certificate);
                }
            }
        }
    }
    all
}

#[test]
fn of_two_certificates_the_one_goes_first_that_the_documented_steps_put_first() {
    let key = connector_fqdn(FQDN);
    let mut seen = std::collections::BTreeMap::new();
    for first in rivals("first") {
        for second in rivals("second") {
            let store = [first.clone(), second];
            for rules in all_rules() {
                let (found, selection) = selected(&store, &key, &rules, now());
                let expected = expected(&store, &key, &rules, now());
                assert_eq!(found, expected, "{rules:?}\n{store:#?}");
                for candidate in selection.candidates {
                    if let Verdict::Beaten { because, .. } = candidate.verdict {
                        *seen.entry(format!("{because:?}")).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    // Every precedence was met, so none of them went untested.
    let all = [
        Precedence::ExactBeforeWildcard,
        Precedence::FiledFirst,
        Precedence::LaterValidTo,
        Precedence::NewerValidFrom,
        Precedence::PkiBeforeSelfSigned,
    ];
    let met: Vec<_> = seen.keys().cloned().collect();
    assert_eq!(met, all.map(|precedence| format!("{precedence:?}")));
}

/// Choosing must not depend on where in the store a certificate stands, equals apart.
#[test]
fn the_order_of_filing_decides_between_equals_only() {
    let key = connector_fqdn(FQDN);
    let rules = Profile::Exchange2019.rules();
    for first in rivals("first") {
        for second in rivals("second") {
            let one = selected(&[first.clone(), second.clone()], &key, &rules, now());
            let other = selected(&[second, first.clone()], &key, &rules, now());
            let equals = one.1.candidates.iter().any(|candidate| {
                matches!(candidate.verdict, Verdict::Beaten { because: Precedence::FiledFirst, .. })
            });
            assert_eq!(one.0.chosen == other.0.chosen, !equals, "{:#?}", one.1);
        }
    }
}

//! The documented steps once more, as a person would follow them with a pencil.
//!
//! Source: "inbound STARTTLS certificates selection", steps 6 to 9, with the contradicted points
//! settled by [`Rules`]. Slow, plain, and written without looking at how the crate does it.

use jiff::Timestamp;
use starttls_lab::internal::exchange::{
    ChainNotValid, ChainStatus, Dates, PrivateKey, Rules, SearchKey, Services, SeveralMatch, SmtpNotAssigned,
    StoredCertificate,
};

use super::world::Found;

pub(crate) fn expected(store: &[StoredCertificate], key: &SearchKey, rules: &Rules, now: Timestamp) -> Found {
    let mut left: Vec<&StoredCertificate> = store.iter().collect();

    // Step 6: those that match the search key.
    left.retain(|certificate| carries(certificate, key));

    // Step 7: version 3, a private key, the SMTP service.
    left.retain(|certificate| certificate.facts.version >= 3);
    left.retain(|certificate| certificate.private_key == PrivateKey::Present);
    let pinned = matches!(key, SearchKey::Pin(_));
    if rules.smtp_not_assigned == SmtpNotAssigned::Withheld
        || (rules.smtp_not_assigned == SmtpNotAssigned::PinSuffices && !pinned)
    {
        left.retain(|certificate| certificate.services.contains(Services::SMTP));
    }

    // Dates, where the version takes them for a condition and not for a warning.
    if rules.expired == Dates::Withheld {
        left.retain(|certificate| now.as_second() <= certificate.facts.not_after.as_second());
    }
    if rules.not_yet_valid == Dates::Withheld {
        left.retain(|certificate| certificate.facts.not_before <= now);
    }

    // Step 9 b: a certificate of an authority has to be valid; a self-signed one has no chain. By the
    // Exchange Team's account one that is not valid leaves no room for a self-signed one.
    let valid = |certificate: &&StoredCertificate| {
        certificate.facts.self_signed || certificate.chain == ChainStatus::Valid
    };
    let all_are_valid = left.iter().all(valid);
    left.retain(valid);
    if rules.chain_not_valid == ChainNotValid::Withheld && !all_are_valid {
        left.retain(|certificate| !certificate.facts.self_signed);
    }

    let not_eligible = store
        .iter()
        .filter(|certificate| !left.iter().any(|good| good.label == certificate.label))
        .map(|certificate| certificate.label.clone())
        .collect();

    // Step 9 a: the best date first. A stable sort, so that of equals the first filed stays first.
    left.sort_by_key(|certificate| match rules.several_match {
        SeveralMatch::NewestValidFrom => -certificate.facts.not_before.as_second(),
        SeveralMatch::LatestValidTo => -certificate.facts.not_after.as_second(),
    });

    // The name itself before a wildcard; of those, steps 9 b and c: an authority's, else a self-signed.
    let mut chosen = None;
    for exact in [true, false] {
        for self_signed in [false, true] {
            let wanted = |certificate: &&StoredCertificate| {
                carries_exactly(certificate, key) == exact && certificate.facts.self_signed == self_signed
            };
            chosen = chosen.or_else(|| left.iter().copied().find(wanted));
        }
    }

    Found {
        chosen: chosen.map(|certificate| certificate.label.clone()),
        // Step 9 i.
        expired: chosen.is_some_and(|certificate| now.as_second() > certificate.facts.not_after.as_second()),
        // The note under step 7.
        handshake_fails: rules.smtp_not_assigned == SmtpNotAssigned::HandshakeFails
            && chosen.is_some_and(|certificate| !certificate.services.contains(Services::SMTP)),
        not_eligible,
    }
}

fn carries(certificate: &StoredCertificate, key: &SearchKey) -> bool {
    carries_exactly(certificate, key) || name_of(key).is_some_and(|name| any_wildcard(certificate, name))
}

fn carries_exactly(certificate: &StoredCertificate, key: &SearchKey) -> bool {
    match key {
        SearchKey::Pin(pin) => {
            pin.issuer.as_ref() == certificate.facts.issuer
                && pin.subject.as_ref() == certificate.facts.subject
        }
        SearchKey::ConnectorFqdn(name) | SearchKey::ComputerFqdn(name) => {
            let name = name.as_str().to_lowercase();
            every_name(certificate).any(|presented| presented.to_lowercase() == name)
        }
    }
}

fn name_of(key: &SearchKey) -> Option<&str> {
    match key {
        SearchKey::Pin(_) => None,
        SearchKey::ConnectorFqdn(name) | SearchKey::ComputerFqdn(name) => Some(name.as_str()),
    }
}

/// A star in place of the first label, and all other labels equal.
fn any_wildcard(certificate: &StoredCertificate, name: &str) -> bool {
    let labels: Vec<String> = name.to_lowercase().split('.').map(str::to_owned).collect();
    every_name(certificate).any(|presented| {
        let presented: Vec<String> = presented.to_lowercase().split('.').map(str::to_owned).collect();
        presented.len() == labels.len()
            && presented.len() > 1
            && presented[0] == "*"
            && presented[1..] == labels[1..]
    })
}

fn every_name(certificate: &StoredCertificate) -> impl Iterator<Item = &String> {
    certificate.facts.common_names.iter().chain(&certificate.facts.dns_names)
}

//! Verdicts and causes as sentences.

use jiff::Timestamp;

use super::Starttls;
use crate::exchange::{
    Computer, EventKind, Outcome, Reason, ReceiveConnector, SearchKey, Selection, StoredCertificate,
    TlsCertificateName, Verdict,
};

/// Returns the state of STARTTLS, for programs and as a sentence.
pub(super) fn verdict(
    selection: &Selection,
    computer: &Computer,
    events: &[u16],
    now: Timestamp,
) -> (Starttls, String) {
    let offered = match &selection.outcome {
        Outcome::NotConfigured => {
            return (Starttls::Silent, "STARTTLS is NOT offered, and nothing is logged".to_owned());
        }
        Outcome::Withheld => {
            return (
                Starttls::Withheld,
                format!("STARTTLS is NOT offered (event {})", EventKind::NoCertificateForStarttls.id()),
            );
        }
        Outcome::Offered(offered) => offered,
    };
    let presented = computer.store.find(offered.thumbprint);
    let early = presented.is_some_and(|stored| stored.facts.is_not_yet_valid(now));
    let trouble = if offered.handshake_fails {
        "but the handshake will fail"
    } else if offered.expired {
        "but its certificate has expired"
    } else if early {
        "but its certificate is not yet valid"
    } else if !events.is_empty() {
        "but its certificate expires soon"
    } else {
        return (Starttls::Offered, "STARTTLS is offered".to_owned());
    };
    let ids: Vec<String> = events.iter().map(|event| format!("event {event}")).collect();
    let logged = if ids.is_empty() { "nothing is logged".to_owned() } else { ids.join(", ") };
    (Starttls::OfferedInTrouble, format!("STARTTLS is offered, {trouble} ({logged})"))
}

/// Returns the cause of that state.
pub(super) fn cause(
    selection: &Selection,
    connector: &ReceiveConnector,
    computer: &Computer,
    now: Timestamp,
) -> String {
    match &selection.outcome {
        Outcome::NotConfigured => format!(
            "Tls is not in AuthMechanism, which holds {}: no certificate is looked for",
            connector.auth_mechanism
        ),
        Outcome::Withheld => why_withheld(selection, computer),
        Outcome::Offered(offered) => {
            let Some(presented) = computer.store.find(offered.thumbprint) else {
                return format!("{} is presented", offered.thumbprint);
            };
            let mut cause = format!("{} is presented", named(presented));
            if offered.handshake_fails {
                cause.push_str(", though it is not enabled for SMTP: its key cannot be read");
            }
            if presented.facts.is_not_yet_valid(now) {
                cause.push_str(&format!(", valid from {}", day(presented.facts.not_before)));
            } else {
                cause.push_str(&format!(", valid to {}", day(presented.facts.not_after)));
            }
            cause
        }
    }
}

/// Returns the cause in a few words, for a table; empty where nothing is wrong.
pub(super) fn brief(
    selection: &Selection,
    computer: &Computer,
    starttls: Starttls,
    now: Timestamp,
) -> String {
    let naming = [Reason::NameDiffers, Reason::IssuerDiffers, Reason::SubjectDiffers];
    let words = match &selection.outcome {
        Outcome::NotConfigured => "Tls is not in AuthMechanism",
        Outcome::Withheld => {
            let against = selection.candidates.iter().find_map(|candidate| match &candidate.verdict {
                Verdict::NotEligible { reasons } if !reasons.iter().any(|it| naming.contains(it)) => {
                    reasons.first()
                }
                Verdict::NotEligible { .. }
                | Verdict::Chosen
                | Verdict::Beaten { .. }
                | Verdict::NotLookedAt => None,
            });
            match (against, &selection.key) {
                (Some(reason), _) => return format!("its certificate {}", reason.as_words()),
                (None, _) if computer.store.iter().next().is_none() => "the store is empty",
                (None, SearchKey::Pin(_)) => "no certificate fits the pin",
                (None, SearchKey::ConnectorFqdn(fqdn) | SearchKey::ComputerFqdn(fqdn)) => {
                    return format!("no certificate names {fqdn}");
                }
            }
        }
        Outcome::Offered(offered) => {
            let presented = computer.store.find(offered.thumbprint);
            if offered.handshake_fails {
                "the certificate's key cannot be used"
            } else if offered.expired {
                "the certificate has expired"
            } else if presented.is_some_and(|stored| stored.facts.is_not_yet_valid(now)) {
                "the certificate is not yet valid"
            } else if starttls == Starttls::OfferedInTrouble {
                "the certificate expires soon"
            } else if presented.is_some_and(|stored| stored.facts.self_signed) {
                "the certificate is self-signed"
            } else {
                ""
            }
        }
    };
    words.to_owned()
}

fn why_withheld(selection: &Selection, computer: &Computer) -> String {
    let naming = [Reason::NameDiffers, Reason::IssuerDiffers, Reason::SubjectDiffers];
    let fits_by_name = computer.store.iter().zip(&selection.candidates).filter_map(|(stored, candidate)| {
        match &candidate.verdict {
            Verdict::NotEligible { reasons } if !reasons.iter().any(|reason| naming.contains(reason)) => {
                Some(format!("{} fits, but {}", named(stored), all(reasons)))
            }
            _ => None,
        }
    });
    let fits: Vec<String> = fits_by_name.collect();
    if !fits.is_empty() {
        return fits.join("; ");
    }
    if computer.store.iter().next().is_none() {
        return "there is no certificate in the store".to_owned();
    }
    match &selection.key {
        SearchKey::Pin(pin) => no_pinned(pin, computer),
        key => format!("no certificate in the store carries {key}, the {}", key.origin()),
    }
}

fn no_pinned(pin: &TlsCertificateName, computer: &Computer) -> String {
    let none = "no certificate in the store has the issuer and subject that the connector is pinned to";
    let by = |same: fn(&TlsCertificateName, &StoredCertificate) -> bool| {
        computer.store.iter().find(|stored| same(pin, stored))
    };
    if let Some(stored) = by(|pin, stored| *pin.subject == *stored.facts.subject) {
        let part = first_difference(&stored.facts.issuer, &pin.issuer);
        return format!("{none}; {} differs in the issuer: {part}", named(stored));
    }
    if let Some(stored) = by(|pin, stored| *pin.issuer == *stored.facts.issuer) {
        let part = first_difference(&stored.facts.subject, &pin.subject);
        return format!("{none}; {} differs in the subject: {part}", named(stored));
    }
    if let Some(stored) = by(|pin, stored| pin.names(&stored.facts.subject, &stored.facts.issuer)) {
        return format!("{none}; they are those of {}, in each other's place", named(stored));
    }
    none.to_owned()
}

/// Returns the first part of a certificate's name that a pin has otherwise, and what the pin has there.
fn first_difference(own: &str, pinned: &str) -> String {
    let (own, pinned): (Vec<&str>, Vec<&str>) = (own.split(", ").collect(), pinned.split(", ").collect());
    let alike = own.iter().zip(&pinned).take_while(|(own, pinned)| own == pinned).count();
    match (own.get(alike), pinned.get(alike)) {
        (Some(own), Some(pinned)) => format!("{own}, where the pin has {pinned}"),
        (Some(own), None) => format!("{own}, which the pin lacks"),
        (None, Some(pinned)) => format!("the pin has {pinned} besides"),
        (None, None) => "its spaces".to_owned(),
    }
}

/// Returns the verdict on one certificate.
pub(super) fn on_certificate(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Chosen => "chosen: STARTTLS presents it".to_owned(),
        Verdict::Beaten { by, because } => format!("would do, but {by} {}", because.as_words()),
        Verdict::NotEligible { reasons } => format!("not used: {}", all(reasons)),
        Verdict::NotLookedAt => "not looked at: Tls is not in AuthMechanism".to_owned(),
    }
}

/// Returns a certificate by subject and label.
pub(super) fn named(stored: &StoredCertificate) -> String {
    format!("{} ({})", stored.facts.subject, stored.label)
}

pub(super) fn day(instant: Timestamp) -> String {
    instant.to_string().chars().take(10).collect()
}

fn all(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.as_words()).collect::<Vec<_>>().join(", and ")
}

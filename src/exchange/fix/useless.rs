//! The advice in the events' own texts, where following it would change nothing.

use jiff::Timestamp;
use serde::Serialize;

use super::change::{Change, Overwrite};
use super::holding;
use super::issue::self_signed_helps;
use super::propose::Case;
use super::state::{Health, called};
use crate::exchange::{Computer, EventKind, Offered, Outcome, Reason, ReceiveConnector, SearchKey, Services};

/// Advice that would change nothing here, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Useless {
    /// The advice in the event's text.
    pub advice: String,
    /// Why it would change nothing.
    pub why: Vec<String>,
}

/// Returns the useless advice in the events for `connector`, each piece tried on the model.
///
/// The text of 12014 advises `Enable-ExchangeCertificate`, that of 12016 `New-ExchangeCertificate`.
pub fn useless_advice(computer: &Computer, connector: &ReceiveConnector, now: Timestamp) -> Vec<Useless> {
    let computer = &holding(computer, connector);
    let case = Case::new(computer, connector, now);
    match case.selection.outcome {
        Outcome::Withheld => enabling(&case).into_iter().collect(),
        Outcome::Offered(Offered { expired: true, .. }) => making_a_new_one(&case).into_iter().collect(),
        Outcome::NotConfigured | Outcome::Offered(_) => Vec::new(),
    }
}

fn enabling(case: &Case<'_>) -> Option<Useless> {
    let helps = |thumbprint| {
        let step = Change::EnableForSmtp { thumbprint, overwrite: Overwrite::No };
        case.health_after(&[step]) > Health::NotOffered
    };
    if case.computer.store.iter().any(|stored| helps(stored.facts.thumbprint)) {
        return None;
    }
    let mut why: Vec<String> = case
        .judged()
        .map(|(stored, reasons)| {
            let smtp = if stored.services.contains(Services::SMTP) {
                "is enabled for SMTP already"
            } else {
                "would then be enabled for SMTP"
            };
            let rest = reasons.iter().filter(|reason| **reason != Reason::SmtpNotAssigned);
            let rest: Vec<&str> = rest.map(|reason| reason.as_words()).collect();
            format!("{} {smtp}, and still {}", called(stored), rest.join(", and "))
        })
        .collect();
    if why.is_empty() {
        why.push("there is no certificate in the store to enable".to_owned());
    }
    Some(Useless {
        advice: format!(
            "Enable-ExchangeCertificate -Services SMTP, as event {} advises",
            EventKind::NoCertificateForStarttls.id()
        ),
        why,
    })
}

fn making_a_new_one(case: &Case<'_>) -> Option<Useless> {
    if matches!(case.selection.key, SearchKey::Pin(_)) || self_signed_helps(case) {
        return None;
    }
    let advice = format!(
        "New-ExchangeCertificate for a self-signed certificate, as event {} advises",
        EventKind::StarttlsCertificateExpired.id()
    );
    let why = "the expired certificate of an authority goes before every self-signed one".to_owned();
    Some(Useless { advice, why: vec![why] })
}

//! The state of STARTTLS on a connector, so that before and after can be compared.

use jiff::Timestamp;

use crate::exchange::{
    Computer, EventKind, InternalTransport, Offered, Outcome, ReceiveConnector, StoredCertificate,
    select_for, selection_events, wants_anonymous_tls,
};

/// The health of STARTTLS on a connector; the greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    /// STARTTLS is not offered.
    NotOffered,
    /// It is offered, and the certificate is one that peers have to refuse or that cannot be used.
    Broken,
    /// All is well, and will end soon.
    ExpiresSoon,
    /// All is well in Exchange's eyes, with a certificate that no sender trusts who verifies.
    SelfSigned,
    /// Nothing to fix.
    Good,
}

/// The state of STARTTLS on one connector at one instant.
pub(super) struct State<'a> {
    pub(super) health: Health,
    pub(super) outcome: Outcome,
    pub(super) presented: Option<&'a StoredCertificate>,
    pub(super) events: Vec<u16>,
    not_yet_valid: bool,
}

impl<'a> State<'a> {
    pub(super) fn of(connector: &ReceiveConnector, computer: &'a Computer, now: Timestamp) -> Self {
        let selection = select_for(connector, computer, now);
        let presented = selection.offered().and_then(|offered| computer.store.find(offered.thumbprint));
        let events: Vec<u16> = selection_events(&selection, connector, computer, now)
            .iter()
            .map(|event| event.event_id)
            .collect();
        let not_yet_valid = presented.is_some_and(|stored| stored.facts.is_not_yet_valid(now));
        let health = match selection.outcome {
            Outcome::NotConfigured | Outcome::Withheld => Health::NotOffered,
            Outcome::Offered(Offered { expired: true, .. } | Offered { handshake_fails: true, .. }) => {
                Health::Broken
            }
            Outcome::Offered(_) if not_yet_valid => Health::Broken,
            Outcome::Offered(_) if !events.is_empty() => Health::ExpiresSoon,
            Outcome::Offered(_) if presented.is_some_and(|stored| stored.facts.self_signed) => {
                Health::SelfSigned
            }
            Outcome::Offered(_) => Health::Good,
        };
        Self { health, outcome: selection.outcome, presented, events, not_yet_valid }
    }

    /// The state as the predicate of a sentence that starts with STARTTLS.
    pub(super) fn in_words(&self) -> String {
        let offered = match &self.outcome {
            Outcome::NotConfigured => {
                return "not offered, and nothing logged: Tls is not in AuthMechanism".to_owned();
            }
            Outcome::Withheld => {
                return format!("not offered, event {}", EventKind::NoCertificateForStarttls.id());
            }
            Outcome::Offered(offered) => offered,
        };
        let mut words = match self.presented {
            Some(stored) => format!("offered with {}", called(stored)),
            None => format!("offered with {}", offered.thumbprint),
        };
        if self.not_yet_valid {
            words.push_str(", which is not yet valid");
        }
        if offered.handshake_fails {
            words.push_str(", and the handshake fails");
        }
        for event in &self.events {
            words.push_str(&format!(", event {event}"));
        }
        words
    }
}

/// A certificate by its subject and by what the lab calls it.
pub(super) fn called(stored: &StoredCertificate) -> String {
    let bare = stored.facts.subject.strip_prefix("CN=").unwrap_or(&stored.facts.subject);
    if bare == stored.label {
        return stored.facts.subject.clone();
    }
    format!("{} ({})", stored.facts.subject, stored.label)
}

/// Describes what becomes of X-ANONYMOUSTLS on a connector, as the predicate of a sentence.
pub(super) fn anonymous_tls(connector: &ReceiveConnector, computer: &Computer, now: Timestamp) -> String {
    if !wants_anonymous_tls(connector) {
        return "not offered".to_owned();
    }
    let internal = InternalTransport::of(computer);
    let mut words = match internal.certificate() {
        Some(stored) => format!("offered with {}", called(stored)),
        None => "not offered".to_owned(),
    };
    if let Some(event) = internal.event(now) {
        words.push_str(&format!(", event {}", event.event_id));
    }
    words
}

//! The TLS behavior of a connector at one instant.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::exchange::{
    ClientCertificate, ClientSelection, Computer, EXPIRES_SOON, InternalTransport, Outcome, ReceiveConnector,
    SendConnector, StoredCertificate, select_for, selection_events, wants_anonymous_tls,
};

/// A connector, with the purpose for which it offers or presents a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connector {
    /// The name of its computer.
    pub computer: String,
    /// Its name.
    pub name: String,
    /// The purpose of the certificate.
    pub kind: Kind,
}

/// The purpose of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// STARTTLS of a receive connector.
    Receive,
    /// X-ANONYMOUSTLS of a receive connector.
    Anonymous,
    /// The client certificate of a Send connector.
    Send,
}

/// The behavior of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The connector.
    pub connector: Connector,
    /// The label of the certificate; `None` where there is none to offer or present.
    pub with: Option<String>,
    /// The state of TLS.
    pub health: Health,
    /// The numbers of the events that are logged.
    pub events: Vec<u16>,
    /// The behavior in words, as a cell of a table.
    pub words: String,
}

/// The state of TLS on a connector; the greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// There is no TLS, or nothing can be sent.
    None,
    /// There is TLS, but verifying clients refuse it, or no handshake succeeds.
    Broken,
    /// There is TLS.
    Good,
}

impl Connector {
    pub(super) fn new(computer: &Computer, name: &str, kind: Kind) -> Self {
        Self { computer: computer.name.clone(), name: name.to_owned(), kind }
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Receive => "",
            Kind::Anonymous => " (X-ANONYMOUSTLS)",
            Kind::Send => " (sending)",
        };
        write!(f, "{}\\{}{what}", self.computer, self.name)
    }
}

/// Returns the behavior of every connector of every computer at `now`. Connectors that are disabled, and
/// those that never use TLS, are left out.
pub fn offers(computers: &[Arc<Computer>], now: Timestamp) -> Vec<Offer> {
    let each = computers.iter().flat_map(|computer| {
        let receiving = computer.receive_connectors.iter().filter(|it| it.enabled);
        let receiving = receiving.flat_map(|it| [starttls(it, computer, now), anonymous(it, computer, now)]);
        let sending = computer.send_connectors.iter().filter(|it| it.enabled);
        let sending = sending.map(|it| sends(it, computer, now));
        receiving.chain(sending).flatten().collect::<Vec<_>>()
    });
    each.collect()
}

fn starttls(connector: &ReceiveConnector, computer: &Computer, now: Timestamp) -> Option<Offer> {
    let selection = select_for(connector, computer, now);
    let events = selection_events(&selection, connector, computer, now);
    let events: Vec<u16> = events.iter().map(|event| event.event_id).collect();
    let of = Connector::new(computer, &connector.name, Kind::Receive);
    match selection.outcome {
        Outcome::NotConfigured => None,
        Outcome::Withheld => Some(none(of, events, "no STARTTLS")),
        Outcome::Offered(offered) => {
            let stored = computer.store.find(offered.thumbprint)?;
            let trouble = offered.handshake_fails.then_some("no key to read");
            Some(with(of, stored, trouble, events, now))
        }
    }
}

fn anonymous(connector: &ReceiveConnector, computer: &Computer, now: Timestamp) -> Option<Offer> {
    if !wants_anonymous_tls(connector) {
        return None;
    }
    let internal = InternalTransport::of(computer);
    let events: Vec<u16> = internal.event(now).iter().map(|event| event.event_id).collect();
    let of = Connector::new(computer, &connector.name, Kind::Anonymous);
    Some(match internal.certificate() {
        Some(stored) => with(of, stored, None, events, now),
        None => none(of, events, "no X-ANONYMOUSTLS"),
    })
}

fn sends(connector: &SendConnector, computer: &Computer, now: Timestamp) -> Option<Offer> {
    let selection = ClientSelection::of(connector, computer, now);
    let events: Vec<u16> = selection.event(connector).iter().map(|event| event.event_id).collect();
    let of = Connector::new(computer, &connector.name, Kind::Send);
    if connector.ignore_starttls {
        return None;
    }
    let chosen = |trouble| {
        let stored = selection.chosen(computer)?;
        Some(with(of.clone(), stored, trouble, events.clone(), now))
    };
    match selection.certificate {
        ClientCertificate::Presented(_) => chosen(None),
        ClientCertificate::NoCredentials(_) => chosen(Some("NoCredentials")),
        ClientCertificate::UnknownCredentials(_) => chosen(Some("UnknownCredentials")),
        ClientCertificate::PinExpired(_) => chosen(Some("EXPIRED, and nothing is sent over TLS (454 4.7.5)")),
        ClientCertificate::PinNotFound => {
            Some(none(of.clone(), events.clone(), "nothing is sent over TLS (454 4.7.5)"))
        }
        // A server requires no certificate of a client, so this connector sends nevertheless.
        ClientCertificate::NotFound => {
            let none = none(of.clone(), events.clone(), "no certificate of its own");
            Some(Offer { health: Health::Good, ..none })
        }
    }
}

fn none(connector: Connector, events: Vec<u16>, words: &str) -> Offer {
    let words = format!("{words}{}", numbers(&events));
    Offer { connector, with: None, health: Health::None, events, words }
}

fn with(
    connector: Connector,
    stored: &StoredCertificate,
    trouble: Option<&str>,
    events: Vec<u16>,
    now: Timestamp,
) -> Offer {
    let state = if trouble.is_some() {
        trouble
    } else if stored.facts.has_expired(now) {
        Some("EXPIRED")
    } else if stored.facts.is_not_yet_valid(now) {
        Some("not yet valid")
    } else {
        None
    };
    let ends_soon = state.is_none() && stored.facts.not_after.duration_since(now) < EXPIRES_SOON;
    let shown = state.or_else(|| ends_soon.then_some("ends soon"));
    let shown = shown.map(|state| format!(", {state}")).unwrap_or_default();
    let words = format!("{}{shown}{}", stored.label, numbers(&events));
    let health = if state.is_some() { Health::Broken } else { Health::Good };
    Offer { connector, with: Some(stored.label.clone()), health, events, words }
}

fn numbers(events: &[u16]) -> String {
    let numbers: Vec<String> = events.iter().map(ToString::to_string).collect();
    if numbers.is_empty() { String::new() } else { format!(" ({})", numbers.join(", ")) }
}

//! The effect of a change on each connector: what it offers, presents and logs, before and after.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::{
    ClientCertificate, ClientSelection, Computer, InternalTransport, Outcome, ReceiveConnector,
    SendConnector, StoredCertificate, select_for, selection_events, wants_anonymous_tls,
};
use crate::name::covers;

/// The difference that a change makes to one purpose of TLS on one connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectorChange {
    /// The identity of the connector, such as `EX01\Default EX01`.
    pub connector: String,
    /// The purpose of the certificate.
    pub purpose: Purpose,
    /// The state before the change; `None` for a new connector.
    pub before: Option<ConnectorState>,
    /// The state after the change; `None` for a connector that was removed.
    pub after: Option<ConnectorState>,
}

/// The purposes for which connectors use certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Purpose {
    /// STARTTLS of a receive connector.
    #[serde(rename = "STARTTLS")]
    StartTls,
    /// X-ANONYMOUSTLS of a receive connector.
    #[serde(rename = "X-ANONYMOUSTLS")]
    AnonymousTls,
    /// The client certificate of a Send connector.
    #[serde(rename = "client certificate")]
    ClientCertificate,
}

/// The state of TLS on a connector, for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectorState {
    /// True if it is offered, or a certificate is presented.
    pub offered: bool,
    /// The state in words.
    pub words: String,
    /// The numbers of the events that a session logs.
    pub events: Vec<u16>,
    /// The consequence for those who send to the connector; empty where there is none.
    pub senders: String,
}

/// The state of TLS on a receive connector, for both of its purposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReceiveState {
    pub(super) starttls: ConnectorState,
    /// `None` where nothing asks for X-ANONYMOUSTLS.
    pub(super) anonymous_tls: Option<ConnectorState>,
}

impl ReceiveState {
    /// Returns the state of a connector of this computer at `now`.
    pub(super) fn of(connector: &ReceiveConnector, computer: &Computer, now: Timestamp) -> Self {
        let starttls = starttls(connector, computer, now);
        Self { starttls, anonymous_tls: anonymous_tls(connector, computer, now) }
    }

    /// Returns the numbers of the events that a session logs.
    pub(super) fn events(&self) -> impl Iterator<Item = u16> {
        let anonymous = self.anonymous_tls.iter().flat_map(|state| &state.events);
        self.starttls.events.iter().chain(anonymous).copied()
    }
}

/// A connector with its state.
pub(super) type States = Vec<(String, Purpose, ConnectorState)>;

impl Purpose {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "STARTTLS",
            Self::AnonymousTls => "X-ANONYMOUSTLS",
            Self::ClientCertificate => "client certificate",
        }
    }
}

/// Returns the states of all connectors of all computers.
pub(super) fn states(computers: &[Arc<Computer>], now: Timestamp) -> States {
    let each = computers.iter().flat_map(|computer| {
        let receiving = computer.receive_connectors.iter().flat_map(move |it| {
            let identity = format!("{}\\{}", computer.name, it.name);
            let ReceiveState { starttls, anonymous_tls } = ReceiveState::of(it, computer, now);
            let anonymous = anonymous_tls.map(|state| (identity.clone(), Purpose::AnonymousTls, state));
            std::iter::once((identity, Purpose::StartTls, starttls)).chain(anonymous)
        });
        let sending = computer.send_connectors.iter().map(move |it| {
            let identity = format!("{}\\{}", computer.name, it.name);
            (identity, Purpose::ClientCertificate, client_certificate(it, computer, now))
        });
        receiving.chain(sending)
    });
    each.collect()
}

/// Returns the connectors whose states differ.
pub(super) fn connector_changes(before: &States, after: &States) -> Vec<ConnectorChange> {
    let find = |list: &States, connector: &str, purpose: Purpose| {
        let found = list.iter().find(|(known, of, _)| known == connector && *of == purpose);
        found.map(|(_, _, state)| state.clone())
    };
    let gone = before.iter().filter(|(connector, purpose, _)| find(after, connector, *purpose).is_none());
    let all = after.iter().chain(gone).map(|(connector, purpose, _)| ConnectorChange {
        connector: connector.clone(),
        purpose: *purpose,
        before: find(before, connector, *purpose),
        after: find(after, connector, *purpose),
    });
    all.filter(|change| change.before != change.after).collect()
}

fn state(offered: bool, words: impl Into<String>, events: Vec<u16>, senders: &str) -> ConnectorState {
    ConnectorState { offered, words: words.into(), events, senders: senders.to_owned() }
}

const IN_CLEAR: &str = "opportunistic senders deliver in clear, and senders that require TLS do not deliver";

fn starttls(connector: &ReceiveConnector, computer: &Computer, now: Timestamp) -> ConnectorState {
    if !connector.enabled {
        return state(false, "the connector is disabled", Vec::new(), "nobody delivers here");
    }
    let fqdn = computer.fqdn_of(connector);
    let selection = select_for(connector, computer, now);
    let events = selection_events(&selection, connector, computer, now);
    let events: Vec<u16> = events.iter().map(|event| event.event_id).collect();
    let key = &selection.key;
    match &selection.outcome {
        Outcome::NotConfigured => {
            state(false, format!("{fqdn}: off, Tls is not in AuthMechanism"), events, IN_CLEAR)
        }
        Outcome::Withheld => {
            state(false, format!("{fqdn}: withheld, nothing in the store fits {key}"), events, IN_CLEAR)
        }
        Outcome::Offered(offered) => {
            let Some(stored) = computer.store.find(offered.thumbprint) else {
                return state(true, format!("{fqdn}: offered"), events, "");
            };
            let words = format!("{fqdn}: offered with {}", named(stored));
            if offered.handshake_fails {
                return state(true, words + ", and the handshake fails", events, "no sender gets TLS");
            }
            state(true, words + dated(stored, now), events, &verifying(stored, fqdn.as_str(), now))
        }
    }
}

/// Returns the opinion of senders that verify and dial the name that the connector answers with.
fn verifying(stored: &StoredCertificate, fqdn: &str, now: Timestamp) -> String {
    let facts = &stored.facts;
    let covered = |names: &[String]| names.iter().any(|name| covers(name, fqdn).is_some());
    let mut doubts = Vec::new();
    if facts.has_expired(now) {
        doubts.push("it has expired".to_owned());
    }
    if facts.is_not_yet_valid(now) {
        doubts.push("it is not yet valid".to_owned());
    }
    if facts.self_signed {
        doubts.push("it is self-signed".to_owned());
    }
    let certificate = stored.material.as_ref().map(|material| &material.certificate);
    if certificate.is_some_and(|certificate| !certificate.is_for_servers()) {
        doubts.push("its extendedKeyUsage lacks serverAuth".to_owned());
    }
    if !covered(&facts.dns_names) && covered(&facts.common_names) {
        doubts.push(format!("it carries {fqdn} in the subject only"));
    } else if !covered(&facts.dns_names) {
        doubts.push(format!("it does not carry {fqdn}"));
    }
    if doubts.is_empty() {
        // The first part of the issuer's name tells who it is; a comma in quotes is none that separates.
        let short = facts.issuer.split(", ").next().filter(|_| !facts.issuer.contains('"'));
        return format!("senders that verify accept it if they trust {}", short.unwrap_or(&facts.issuer));
    }
    format!("senders that verify the name {fqdn} refuse it: {}", doubts.join(", "))
}

fn anonymous_tls(
    connector: &ReceiveConnector,
    computer: &Computer,
    now: Timestamp,
) -> Option<ConnectorState> {
    if !wants_anonymous_tls(connector) || !connector.enabled {
        return None;
    }
    let internal = InternalTransport::of(computer);
    let events = internal.event(now).iter().map(|event| event.event_id).collect();
    Some(match internal.certificate() {
        Some(stored) => {
            state(true, format!("offered with {}{}", named(stored), dated(stored, now)), events, "")
        }
        None => state(false, "withheld", events, ""),
    })
}

fn client_certificate(connector: &SendConnector, computer: &Computer, now: Timestamp) -> ConnectorState {
    if !connector.enabled {
        return state(false, "the connector is disabled", Vec::new(), "");
    }
    let selection = ClientSelection::of(connector, computer, now);
    let events: Vec<u16> = selection.event(connector).iter().map(|event| event.event_id).collect();
    let name = selection.chosen(computer).map(named).unwrap_or_default();
    let key = &selection.selection.key;
    if connector.ignore_starttls {
        return state(false, "presents none: IgnoreSTARTTLS leaves STARTTLS alone", events, "");
    }
    match selection.certificate {
        ClientCertificate::Presented(_) => state(true, format!("presents {name}"), events, ""),
        ClientCertificate::NoCredentials(_) => state(
            false,
            format!("TLS fails with NoCredentials: the key of {name} cannot be used"),
            events,
            "",
        ),
        ClientCertificate::UnknownCredentials(_) => {
            let words = format!("TLS fails with UnknownCredentials: {name} is not enabled for SMTP");
            state(false, words, events, "")
        }
        ClientCertificate::PinNotFound => state(
            false,
            format!("nothing is sent over TLS (454 4.7.5): nothing in the store fits {key}"),
            events,
            "",
        ),
        ClientCertificate::PinExpired(_) => {
            state(false, format!("nothing is sent over TLS (454 4.7.5): {name} has expired"), events, "")
        }
        ClientCertificate::NotFound => state(
            false,
            format!("presents none, and TLS goes on: nothing in the store fits {key}"),
            events,
            "",
        ),
    }
}

fn named(stored: &StoredCertificate) -> String {
    let subject = &stored.facts.subject;
    if subject.strip_prefix("CN=") == Some(&stored.label) {
        subject.clone()
    } else {
        format!("{subject} ({})", stored.label)
    }
}

fn dated(stored: &StoredCertificate, now: Timestamp) -> &'static str {
    if stored.facts.has_expired(now) {
        ", which has expired"
    } else if stored.facts.is_not_yet_valid(now) {
        ", which is not yet valid"
    } else {
        ""
    }
}

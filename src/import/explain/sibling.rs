//! The other events of transport that concern certificates and TLS.

use serde::Serialize;
use serde_json::Value;

use crate::exchange::{EventKind, EventMeaning};
use crate::import::event::FoundEvent;

/// The meaning of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sibling {
    /// A sentence that states what happened.
    pub says: String,
    /// The affected function: STARTTLS, or mail between Exchange servers.
    pub touches: &'static str,
    /// The commands to run.
    pub run: Vec<String>,
    /// The value of the event's own advice.
    pub worth: &'static str,
}

/// Returns the meaning of an event other than 12014.
pub(super) fn sibling(event: &FoundEvent) -> Sibling {
    let known = EventKind::ALL.into_iter().find(|kind| u32::from(kind.id()) == event.event_id);
    let meaning = known.map_or_else(|| not_logged(event.event_id), EventKind::meaning);
    let value = |name: &str| match event.values.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Null) | None => (name == "hours").then(|| "?".to_owned()),
        Some(value) => Some(value.to_string()),
    };
    Sibling {
        says: meaning.statement(value),
        touches: meaning.touches,
        run: meaning.commands(value),
        worth: meaning.advice,
    }
}

/// Returns the meaning of an event that the lab does not log.
const fn not_logged(event_id: u32) -> EventMeaning {
    match event_id {
        1003 => EventMeaning {
            says: "a receive connector is set up wrongly, and its change is ignored: {description}",
            touches: EventMeaning::STARTTLS,
            run: &[
                "Get-ReceiveConnector | fl Identity, Bindings, RemoteIPRanges, AuthMechanism, TlsCertificateName",
            ],
            advice: "",
        },
        1036 => EventMeaning {
            says: "a server at {peer} presented a certificate that the directory does not know ({certificate})",
            touches: EventMeaning::BETWEEN_SERVERS,
            run: &[
                "Test-EdgeSynchronization",
                "Get-TransportService | fl Name, InternalTransportCertificateThumbprint",
            ],
            advice: "After the Edge's or Hub's default certificate was replaced, the Edge has to be subscribed anew.",
        },
        11012 => EventMeaning {
            says: "the domain {domain} is on the domain-secured list and sent to {connector} without TLS",
            touches: "Domain Security",
            run: &["Get-TransportConfig | fl TLSReceiveDomainSecureList, TLSSendDomainSecureList"],
            advice: "Before the other side is called: event 12014 on this server would mean that it was never offered TLS.",
        },
        11015 => EventMeaning {
            says: "the domain {domain} presented at {connector} a certificate without its domain name",
            touches: "Domain Security",
            run: &["Get-TransportConfig | fl TLSReceiveDomainSecureList"],
            advice: "",
        },
        11022 => EventMeaning {
            says: "the certificate for {domain} failed at {connector} with {status}",
            touches: "TlsDomainCapabilities, hybrid mail flow",
            run: &[
                "Get-ReceiveConnector \"<SERVER>\\{connector}\" | fl TlsDomainCapabilities, TlsCertificateName",
            ],
            advice: "With SubjectMismatch the wrong certificate was presented; with revocation errors this server cannot reach the lists.",
        },
        _ => EventMeaning {
            says: "an event of transport that is not explained here",
            touches: EventMeaning::STARTTLS,
            run: &[],
            advice: "",
        },
    }
}

//! What a receive connector offers to a connection.

use std::sync::Arc;

use jiff::Timestamp;

use crate::exchange::{
    Computer, Event, InternalTransport, ReceiveConnector, StoredCertificate, select_for, selection_events,
    wants_anonymous_tls,
};
use crate::session::TlsVerb;

/// A receive connector with the certificates that it has at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a> {
    pub(super) computer: &'a Arc<Computer>,
    pub(super) connector: &'a Arc<ReceiveConnector>,
    pub(super) starttls: Option<Offer<'a>>,
    pub(super) anonymous_tls: Option<Offer<'a>>,
}

/// A certificate that TLS is offered with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer<'a> {
    pub(super) stored: &'a StoredCertificate,
    /// Whether a handshake with it can succeed.
    pub(super) usable: bool,
}

impl<'a> Side<'a> {
    pub(super) fn of(
        computer: &'a Arc<Computer>,
        connector: &'a Arc<ReceiveConnector>,
        now: Timestamp,
    ) -> Self {
        let starttls = select_for(connector, computer, now).offered().and_then(|offered| {
            let stored = computer.store.find(offered.thumbprint)?;
            Some(Offer { stored, usable: !offered.handshake_fails && stored.material.is_some() })
        });
        let internal = wants_anonymous_tls(connector).then(|| InternalTransport::of(computer));
        let anonymous_tls = internal
            .and_then(|internal| internal.certificate())
            .map(|stored| Offer { stored, usable: stored.material.is_some() });
        Self { computer, connector, starttls, anonymous_tls }
    }

    pub(super) fn offer(&self, verb: TlsVerb) -> Option<Offer<'a>> {
        match verb {
            TlsVerb::StartTls => self.starttls,
            TlsVerb::XAnonymousTls => self.anonymous_tls,
        }
    }

    /// What loading the certificates logs about the connector.
    pub(super) fn events(&self, now: Timestamp) -> Vec<Event> {
        selection_events(&select_for(self.connector, self.computer, now), self.connector, self.computer, now)
    }
}

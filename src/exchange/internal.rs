//! The other certificate: the one for X-ANONYMOUSTLS, found by thumbprint and not by name.

use jiff::Timestamp;

use super::computer::Computer;
use super::event::Event;
use super::flags::{AuthMechanism, Services};
use super::profile::InternalCertificateGone;
use super::receive_connector::ReceiveConnector;
use super::store::StoredCertificate;
use super::{EXPIRES_SOON, hours_left};
use crate::pki::Thumbprint;

/// The state of the internal transport certificate.
///
/// Source: inbound anonymous TLS certificates selection, steps 3 to 5; events 12023 and 12024 for the
/// fall-back, by [`InternalCertificateGone`].
#[derive(Clone, Debug)]
pub enum InternalTransport<'a> {
    /// The attribute is empty: X-ANONYMOUSTLS is not offered, event 12012.
    NotPublished,
    /// No certificate of that thumbprint can be loaded from the store, and nothing stands in: event 12013.
    Gone(Thumbprint),
    /// Another one stands in, event 12023.
    StandIn(Thumbprint, &'a StoredCertificate),
    /// One made on the spot stands in, event 12024.
    Ephemeral(Thumbprint, &'a StoredCertificate),
    /// It is there; where it has expired it is used all the same, with event 12015.
    Found(&'a StoredCertificate),
}

impl<'a> InternalTransport<'a> {
    /// Looks the certificate up on `computer`. A certificate whose key is missing or cannot be read is not
    /// found: it cannot be loaded, which is what event 12013 says. That the event counts for it is inferred
    /// from its text; the selection (step 4) tells of a certificate that is not in the store.
    pub fn of(computer: &'a Computer) -> Self {
        let Some(thumbprint) = computer.internal_transport_certificate else {
            return Self::NotPublished;
        };
        let found = computer.store.find(thumbprint);
        if let Some(stored) = found.filter(|stored| stored.private_key.is_usable()) {
            return Self::Found(stored);
        }
        if computer.rules.internal_certificate_gone == InternalCertificateGone::Withheld {
            return Self::Gone(thumbprint);
        }
        let fits = |stored: &&StoredCertificate| {
            let named = stored.facts.covers(computer.fqdn.as_str()).is_some();
            named && stored.services.contains(Services::SMTP) && stored.private_key.is_usable()
        };
        match (computer.store.iter().find(fits), computer.ephemeral.as_deref()) {
            (Some(stored), _) => Self::StandIn(thumbprint, stored),
            (None, Some(ephemeral)) => Self::Ephemeral(thumbprint, ephemeral),
            (None, None) => Self::Gone(thumbprint),
        }
    }

    /// The certificate that X-ANONYMOUSTLS is offered with.
    pub fn certificate(&self) -> Option<&'a StoredCertificate> {
        match self {
            Self::NotPublished | Self::Gone(_) => None,
            Self::StandIn(_, stored) | Self::Ephemeral(_, stored) | Self::Found(stored) => Some(stored),
        }
    }

    /// Returns the event that is logged when the transport service starts or a session loads the certificate.
    pub fn event(&self, now: Timestamp) -> Option<Event> {
        match self {
            Self::NotPublished => Some(Event::internal_certificate_not_published()),
            Self::Gone(thumbprint) => Some(Event::internal_certificate_gone(*thumbprint)),
            Self::StandIn(thumbprint, stored) => {
                Some(Event::internal_certificate_replaced(*thumbprint, stored.facts.thumbprint))
            }
            Self::Ephemeral(thumbprint, stored) => {
                Some(Event::internal_certificate_ephemeral(*thumbprint, stored.facts.thumbprint))
            }
            Self::Found(stored) if stored.facts.has_expired(now) => {
                Some(Event::internal_certificate_expired(stored.facts.thumbprint))
            }
            Self::Found(stored) => {
                let hours = hours_left(stored.facts.not_after, now);
                let soon = hours < EXPIRES_SOON.as_hours();
                soon.then(|| Event::internal_certificate_expires_soon(stored.facts.thumbprint, hours))
            }
        }
    }
}

/// Returns whether `connector` would offer X-ANONYMOUSTLS if there is a certificate for it.
pub fn wants_anonymous_tls(connector: &ReceiveConnector) -> bool {
    connector.allows(AuthMechanism::EXCHANGE_SERVER) && !connector.suppress_x_anonymous_tls
}

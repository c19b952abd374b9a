//! Which certificate a Send connector presents, by the same rule that withholds STARTTLS on the other side.

use jiff::Timestamp;

use super::computer::Computer;
use super::event::Event;
use super::select::{Reason, SearchKey, Selection, Verdict, select};
use super::send_connector::SendConnector;
use super::store::StoredCertificate;
use crate::pki::Thumbprint;

/// The certificate a Send connector presents, or why it presents none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSelection {
    /// The selection in the store of the connector's own computer.
    pub selection: Selection,
    /// The consequence for a client.
    pub certificate: ClientCertificate,
}

/// The outcome of the selection for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// This one, where the next hop asks for it.
    Presented(Thumbprint),
    /// It is named, and its key is missing or cannot be read: `TLS negotiation failed with error
    /// NoCredentials` (KB 4495258).
    NoCredentials(Thumbprint),
    /// It is named, and not enabled for SMTP: `... error UnknownCredentials` (KB 4051498).
    UnknownCredentials(Thumbprint),
    /// The pin names nothing: event 12014, and 454 4.7.5 before anything is sent.
    PinNotFound,
    /// The pin names a certificate that has expired: 454 4.7.5 as well.
    ///
    /// Administrators report it from 2013 and later, where the pin came in; no page of Microsoft's was found
    /// that says it of sending. It holds for these profiles whatever they do with an expired certificate on the
    /// other side, where STARTTLS goes on with event 12016. Which event is logged no source says, and none is.
    PinExpired(Thumbprint),
    /// Nothing carries the name: event 12014. That TLS goes on without a certificate of one's own is
    /// inferred; a server does not need one.
    NotFound,
}

impl SearchKey {
    /// Returns the key that a Send connector on `computer` searches for: its pin, else its FQDN, else the
    /// computer's.
    ///
    /// Sources: TechNet bb510128 ("Receive connector or Send connector") and the seed; the order is
    /// inferred from that of the other side.
    pub fn of_send(connector: &SendConnector, computer: &Computer) -> Self {
        Self::first_of(connector.tls_certificate_name.0.as_ref(), connector.fqdn.0.as_ref(), computer)
    }
}

impl ClientSelection {
    /// Selects the certificate that `connector` presents from the store of `computer` at `now`.
    pub fn of(connector: &SendConnector, computer: &Computer, now: Timestamp) -> Self {
        let key = SearchKey::of_send(connector, computer);
        let selection = select(&computer.store, key, &computer.rules, now);
        let certificate = match selection.offered() {
            Some(offered) if offered.handshake_fails => {
                ClientCertificate::UnknownCredentials(offered.thumbprint)
            }
            Some(offered) if offered.expired && matches!(selection.key, SearchKey::Pin(_)) => {
                ClientCertificate::PinExpired(offered.thumbprint)
            }
            Some(offered) => ClientCertificate::Presented(offered.thumbprint),
            None => unusable(&selection),
        };
        Self { selection, certificate }
    }

    /// The event that the selection is logged with, where it found nothing.
    pub fn event(&self, connector: &SendConnector) -> Option<Event> {
        let missed = matches!(self.certificate, ClientCertificate::PinNotFound | ClientCertificate::NotFound);
        missed.then(|| Event::no_certificate_for_starttls(&self.selection.key.to_string(), &connector.name))
    }

    /// The certificate that was chosen, whether or not it can be used.
    pub fn chosen<'a>(&self, computer: &'a Computer) -> Option<&'a StoredCertificate> {
        match self.certificate {
            ClientCertificate::Presented(thumbprint)
            | ClientCertificate::NoCredentials(thumbprint)
            | ClientCertificate::PinExpired(thumbprint)
            | ClientCertificate::UnknownCredentials(thumbprint) => computer.store.find(thumbprint),
            ClientCertificate::PinNotFound | ClientCertificate::NotFound => None,
        }
    }
}

/// A client does not withhold anything: a certificate that is named and lacks only its key or its
/// service is taken, and the handshake fails with it.
fn unusable(selection: &Selection) -> ClientCertificate {
    let only = |allowed: &[Reason]| {
        selection.candidates.iter().find_map(|candidate| match &candidate.verdict {
            Verdict::NotEligible { reasons } if reasons.iter().all(|reason| allowed.contains(reason)) => {
                Some(candidate.thumbprint)
            }
            _ => None,
        })
    };
    let keys = [Reason::PrivateKeyMissing, Reason::PrivateKeyUnreadable, Reason::SmtpNotAssigned];
    if let Some(thumbprint) = only(&[Reason::SmtpNotAssigned]) {
        ClientCertificate::UnknownCredentials(thumbprint)
    } else if let Some(thumbprint) = only(&keys) {
        ClientCertificate::NoCredentials(thumbprint)
    } else if matches!(selection.key, SearchKey::Pin(_)) {
        ClientCertificate::PinNotFound
    } else {
        ClientCertificate::NotFound
    }
}

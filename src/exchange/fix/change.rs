//! The effect of a cmdlet on a computer, as a function from one computer to the next.

use std::sync::Arc;

use crate::exchange::{
    CertificateStore, ChainStatus, Computer, PrivateKey, ReceiveConnector, ReceiveConnectorParameters,
    Services, StoredCertificate,
};
use crate::pki::Thumbprint;

/// One change to a computer's configuration.
#[derive(Clone, Debug)]
pub enum Change {
    /// `Set-ReceiveConnector`; what the parameters leave out stays as it is.
    SetReceiveConnector {
        /// The connector's name.
        connector: String,
        /// The parameters that are set.
        parameters: Box<ReceiveConnectorParameters>,
    },
    /// `New-ReceiveConnector`.
    NewReceiveConnector(Box<ReceiveConnector>),
    /// `New-ExchangeCertificate`, or `Import-ExchangeCertificate` and `Enable-ExchangeCertificate`.
    FileCertificate {
        /// The certificate; where it is only imagined, it has no material.
        certificate: Box<StoredCertificate>,
        /// The answer to the prompt.
        overwrite: Overwrite,
    },
    /// `Enable-ExchangeCertificate -Services SMTP`: adds the service, and the transport service gets to
    /// read the key.
    EnableForSmtp {
        /// The certificate.
        thumbprint: Thumbprint,
        /// The answer to the prompt.
        overwrite: Overwrite,
    },
    /// The private key is imported, repaired, or made readable.
    RestoreKey(Thumbprint),
    /// The missing intermediates or the root are installed.
    TrustChain(Thumbprint),
    /// `Remove-ExchangeCertificate`.
    RemoveCertificate(Thumbprint),
}

/// The answer to "Overwrite the existing default SMTP certificate?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// The internal transport certificate becomes this one: X-ANONYMOUSTLS presents it, and an Edge
    /// subscription has to be made again (KB 2989382).
    Yes,
    /// The internal transport certificate stays; for STARTTLS that is enough.
    No,
}

impl Change {
    /// Returns whether the change can affect a connector of this name.
    pub(super) fn affects(&self, name: &str) -> bool {
        match self {
            Self::SetReceiveConnector { connector, .. } => connector.eq_ignore_ascii_case(name),
            Self::NewReceiveConnector(connector) => connector.name.eq_ignore_ascii_case(name),
            Self::FileCertificate { .. }
            | Self::EnableForSmtp { .. }
            | Self::RestoreKey(_)
            | Self::TrustChain(_)
            | Self::RemoveCertificate(_) => true,
        }
    }

    /// The computer after the change. What does not exist there cannot be changed and is passed over.
    #[must_use]
    pub fn apply(&self, computer: &Computer) -> Computer {
        let mut after = computer.clone();
        match self {
            Self::SetReceiveConnector { connector, parameters } => {
                let named = |known: &&mut Arc<ReceiveConnector>| known.name.eq_ignore_ascii_case(connector);
                if let Some(known) = after.receive_connectors.iter_mut().find(named) {
                    parameters.apply_to(Arc::make_mut(known));
                }
            }
            Self::NewReceiveConnector(connector) => {
                after.receive_connectors.push(Arc::new((**connector).clone()));
            }
            Self::FileCertificate { certificate, overwrite } => {
                after.store.add((**certificate).clone());
                publish(&mut after, certificate.facts.thumbprint, *overwrite);
            }
            Self::EnableForSmtp { thumbprint, overwrite } => {
                on(&mut after, *thumbprint, |stored| {
                    stored.services = stored.services.and(Services::SMTP);
                    if stored.private_key == PrivateKey::Unreadable {
                        stored.private_key = PrivateKey::Present;
                    }
                });
                publish(&mut after, *thumbprint, *overwrite);
            }
            Self::RestoreKey(thumbprint) => {
                on(&mut after, *thumbprint, |stored| stored.private_key = PrivateKey::Present);
            }
            Self::TrustChain(thumbprint) => {
                on(&mut after, *thumbprint, |stored| stored.chain = ChainStatus::Valid);
            }
            Self::RemoveCertificate(thumbprint) => {
                let mut store = CertificateStore::default();
                let kept = computer.store.iter().filter(|stored| stored.facts.thumbprint != *thumbprint);
                kept.cloned().for_each(|stored| store.add(stored));
                after.store = store;
            }
        }
        after
    }
}

/// The computer after all of `changes`, in their order.
#[must_use]
pub fn apply_all(changes: &[Change], computer: &Computer) -> Computer {
    changes.iter().fold(computer.clone(), |computer, change| change.apply(&computer))
}

fn on(computer: &mut Computer, thumbprint: Thumbprint, change: impl FnOnce(&mut StoredCertificate)) {
    if let Some(stored) = computer.store.iter_mut().find(|stored| stored.facts.thumbprint == thumbprint) {
        change(stored);
    }
}

/// Makes the certificate the internal transport certificate: on Yes, and without a question where none
/// is published and it carries the server's FQDN (the remedy of event 12012).
fn publish(computer: &mut Computer, thumbprint: Thumbprint, overwrite: Overwrite) {
    let Some(stored) = computer.store.find(thumbprint) else {
        return;
    };
    let of_server = stored.facts.covers(computer.fqdn.as_str()).is_some();
    let unpublished = computer.internal_transport_certificate.is_none();
    if stored.services.contains(Services::SMTP) && (overwrite == Overwrite::Yes || (unpublished && of_server))
    {
        computer.internal_transport_certificate = Some(thumbprint);
    }
}

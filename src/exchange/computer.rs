//! A computer: its names, its role, its store, and the connectors that run on it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client_access::ClientCertificateNames;
use super::profile::{Profile, Rules};
use super::receive_connector::{ReceiveConnector, TransportRole};
use super::send_connector::SendConnector;
use super::send_values::PSCredential;
use super::store::{CertificateFacts, CertificateStore};
use super::subscription::EdgeSubscription;
use crate::name::Fqdn;
use crate::pki::Thumbprint;

/// The role of a computer in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Edge Transport, in the perimeter and outside the domain.
    Edge,
    /// Hub Transport of 2007 and 2010.
    HubTransport,
    /// Mailbox of 2013 and later, with the front end on it.
    Mailbox,
}

/// One computer of the lab.
#[derive(Clone, Debug)]
pub struct Computer {
    /// The NetBIOS name, such as `MAILGATE`.
    pub name: String,
    /// The physical FQDN, which a connector with a blank FQDN falls back to.
    pub fqdn: Fqdn,
    /// The role of the computer.
    pub role: Role,
    /// The Exchange version that it runs.
    pub profile: Profile,
    /// The rules by which that Exchange settles what the sources contradict.
    pub rules: Rules,
    /// Its *Personal* store.
    pub store: CertificateStore,
    /// The attribute `msExchServerInternalTLSCert`, which
    /// `Get-TransportService` shows as `InternalTransportCertificateThumbprint`.
    pub internal_transport_certificate: Option<Thumbprint>,
    /// The stand-in where the internal transport certificate is not in the store (event 12024).
    pub ephemeral: Option<Arc<super::store::StoredCertificate>>,
    /// Its receive connectors.
    pub receive_connectors: Vec<Arc<ReceiveConnector>>,
    /// The Send connectors that run on it.
    pub send_connectors: Vec<Arc<SendConnector>>,
    /// The names by which the services for mail clients find their certificates.
    pub client_certificate_names: ClientCertificateNames,
    /// The domains it takes mail for from anonymous peers; empty for all, because a lab delivers nowhere else.
    pub accepted_domains: Vec<Fqdn>,
    /// The users that may log on, with their passwords. If empty, any user may log on with any password.
    pub users: Vec<PSCredential>,
    /// The organization it belongs to; an Edge belongs to the one it is subscribed to.
    pub organization: String,
    /// Of an Edge: the server inside the organization that it is subscribed to.
    pub subscribed_to: Option<String>,
    /// Of a server inside the organization: the Edges that are subscribed to it.
    pub edge_subscriptions: Vec<EdgeSubscription>,
}

impl Computer {
    /// A computer with the rules of its profile, on which there is nothing yet.
    pub fn new(name: impl Into<String>, fqdn: Fqdn, role: Role, profile: Profile) -> Self {
        Self {
            name: name.into(),
            fqdn,
            role,
            profile,
            rules: profile.rules(),
            store: CertificateStore::default(),
            internal_transport_certificate: None,
            ephemeral: None,
            receive_connectors: Vec::new(),
            send_connectors: Vec::new(),
            client_certificate_names: ClientCertificateNames::default(),
            accepted_domains: Vec::new(),
            users: Vec::new(),
            organization: String::new(),
            subscribed_to: None,
            edge_subscriptions: Vec::new(),
        }
    }

    /// The FQDN a connector answers with.
    pub fn fqdn_of<'a>(&'a self, connector: &'a ReceiveConnector) -> &'a Fqdn {
        connector.fqdn.0.as_ref().unwrap_or(&self.fqdn)
    }

    /// The connector called `name`, letter case aside.
    pub fn receive_connector(&self, name: &str) -> Option<&Arc<ReceiveConnector>> {
        self.receive_connectors.iter().find(|connector| connector.name.eq_ignore_ascii_case(name))
    }

    /// The FQDN a Send connector introduces itself with.
    pub fn send_fqdn_of<'a>(&'a self, connector: &'a SendConnector) -> &'a Fqdn {
        connector.fqdn.0.as_ref().unwrap_or(&self.fqdn)
    }

    /// The Send connector called `name`, letter case aside.
    pub fn send_connector(&self, name: &str) -> Option<&Arc<SendConnector>> {
        self.send_connectors.iter().find(|connector| connector.name.eq_ignore_ascii_case(name))
    }

    /// The Send connector that takes mail for `domain`: the closest address space, then the cheapest.
    pub fn send_connector_for(&self, domain: &str) -> Option<&Arc<SendConnector>> {
        let enabled = self.send_connectors.iter().filter(|connector| connector.enabled);
        let fitting = enabled.filter_map(|it| Some((it.fit(domain, &self.accepted_domains)?, it)));
        // Of several that fit alike the first; `max_by_key` would take the last.
        fitting.rev().max_by_key(|(fit, _)| *fit).map(|(_, connector)| connector)
    }

    /// The connector that takes a connection to `local` (a binding) from `peer`.
    ///
    /// Of the connectors bound to that address the one with the most specific matching range takes
    /// it (receive connectors page, "Receive connector remote addresses").
    pub fn connector_for(&self, local: SocketAddr, peer: IpAddr) -> Option<&Arc<ReceiveConnector>> {
        let bound = |connector: &&Arc<ReceiveConnector>| {
            connector.enabled
                && connector.bindings.iter().any(|binding| binding.covers(super::Binding(local)))
        };
        let candidates = self.receive_connectors.iter().filter(bound);
        candidates
            .filter_map(|connector| Some((connector.best_range_for(peer)?, connector)))
            .min_by_key(|(span, _)| *span)
            .map(|(_, connector)| connector)
    }

    /// The receive connectors that are pinned to a certificate of this issuer and subject.
    pub fn pinned_to<'a>(
        &'a self,
        certificate: &'a CertificateFacts,
    ) -> impl Iterator<Item = &'a ReceiveConnector> {
        self.receive_connectors.iter().map(|connector| &**connector).filter(|connector| {
            let pin = connector.tls_certificate_name.0.as_ref();
            pin.is_some_and(|pin| pin.names(&certificate.issuer, &certificate.subject))
        })
    }

    /// The Send connectors that are pinned to a certificate of this issuer and subject.
    pub fn send_pinned_to<'a>(
        &'a self,
        certificate: &'a CertificateFacts,
    ) -> impl Iterator<Item = &'a SendConnector> {
        self.send_connectors.iter().map(|connector| &**connector).filter(|connector| {
            let pin = connector.tls_certificate_name.0.as_ref();
            pin.is_some_and(|pin| pin.names(&certificate.issuer, &certificate.subject))
        })
    }

    /// Returns whether `Remove-ExchangeCertificate` refuses to remove the certificate because something uses
    /// it.
    pub fn is_in_use(&self, certificate: &CertificateFacts) -> bool {
        self.internal_transport_certificate == Some(certificate.thumbprint)
            || self.pinned_to(certificate).next().is_some()
            || self.send_pinned_to(certificate).next().is_some()
    }

    /// Returns the computer's name in the event log. An Edge stands outside the domain and shows its host
    /// label (the seed's `mailgate`), the others show their FQDN.
    pub fn event_log_name(&self) -> &str {
        match self.role {
            Role::Edge => self.fqdn.host_label(),
            Role::HubTransport | Role::Mailbox => self.fqdn.as_str(),
        }
    }

    /// The event source of the service that runs `connector`.
    pub fn event_source(&self, connector: Option<&ReceiveConnector>) -> &'static str {
        match connector.map(|connector| connector.transport_role) {
            Some(TransportRole::FrontendTransport) => "MSExchangeFrontEndTransport",
            _ => "MSExchangeTransport",
        }
    }
}

impl Role {
    /// The name used in lab files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::HubTransport => "hub-transport",
            Self::Mailbox => "mailbox",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

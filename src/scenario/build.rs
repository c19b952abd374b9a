//! Builds computers that can run from a resolved scenario: issues the certificates and fills the stores.

use std::net::IpAddr;
use std::sync::Arc;

use super::certificate_spec::CertificateSpec;
use super::issuer::{Issuer, Keys};
use super::locate::ScenarioError;
use super::resolve::{EPHEMERAL, Internal, Resolved, Store, Wrong, label};
use super::spec::ComputerSpec;
use crate::exchange::{Computer, EdgeSubscription, Services, StoredCertificate};
use crate::pki::{PkiError, Thumbprint};
use crate::session::fault::FaultRule;

/// A computer that is ready to run, and the loopback address it runs on.
#[derive(Clone, Debug)]
pub struct Built {
    /// The computer.
    pub computer: Arc<Computer>,
    /// The loopback address that its connectors listen on.
    pub address: IpAddr,
    /// The faults that its connectors produce on purpose.
    pub faults: Vec<FaultRule>,
}

impl Resolved<'_> {
    /// Builds the computers, with certificates from `issuer`.
    ///
    /// # Errors
    ///
    /// Fails at the first certificate that cannot be issued, with line and caret. Nothing is left half built.
    pub fn build(&self, issuer: &mut Issuer, keys: Keys<'_>) -> Result<Vec<Built>, ScenarioError> {
        self.computers_with_certificates(issuer, keys).map_err(|wrong| self.text.error(wrong))
    }

    fn computers_with_certificates(&self, issuer: &mut Issuer, keys: Keys<'_>) -> Result<Vec<Built>, Wrong> {
        let mut built = Vec::new();
        let resolved = self.computers.iter().zip(&self.stores);
        for (index, (spec, (computer, store))) in self.text.scenario.computer.iter().zip(resolved).enumerate()
        {
            let computer = with_certificates(spec, Computer::clone(computer), store, issuer, keys)
                .map_err(|wrong| wrong.in_item("computer", index))?;
            built.push(Built {
                computer: Arc::new(computer),
                address: spec.address,
                faults: store.faults.clone(),
            });
        }
        for (edge, server) in &self.subscriptions {
            let Some(edge) = built.get(*edge).map(|built| Arc::clone(&built.computer)) else { continue };
            let Some(server) = built.get_mut(*server) else { continue };
            Arc::make_mut(&mut server.computer).edge_subscriptions.push(EdgeSubscription {
                edge: edge.name.clone(),
                send_connectors: edge.send_connectors.clone(),
                edge_certificate: edge.internal_transport_certificate,
            });
        }
        Ok(built)
    }
}

fn with_certificates(
    spec: &ComputerSpec,
    mut computer: Computer,
    Store { labels, internal, .. }: &Store,
    issuer: &mut Issuer,
    keys: Keys<'_>,
) -> Result<Computer, Wrong> {
    for (index, (certificate, label)) in spec.certificate.iter().zip(labels).enumerate() {
        let stored = stored(&spec.name, certificate, label, issuer, keys);
        computer.store.add(stored.map_err(|wrong| wrong.in_item("certificate", index))?);
    }
    computer.internal_transport_certificate = match internal {
        Internal::Usual => usual_internal_certificate(&computer),
        Internal::Unpublished => None,
        Internal::Labelled(label) => {
            computer.store.iter().find(|it| it.label == *label).map(|it| it.facts.thumbprint)
        }
        Internal::Thumbprint(thumbprint) => Some(*thumbprint),
    };
    stand_in(&mut computer, issuer, keys).map_err(|error| Wrong::new(error.to_string()))?;
    Ok(computer)
}

/// Makes the certificate that stands in for the internal transport certificate where that cannot be loaded.
pub(super) fn stand_in(computer: &mut Computer, issuer: &mut Issuer, keys: Keys<'_>) -> Result<(), PkiError> {
    let loads =
        |thumbprint| computer.store.find(thumbprint).is_some_and(|stored| stored.private_key.is_usable());
    if computer.internal_transport_certificate.is_some_and(|thumbprint| !loads(thumbprint)) {
        let (facts, material) = issuer.ephemeral(&computer.name, computer.fqdn.as_str(), keys)?;
        computer.ephemeral = Some(Arc::new(StoredCertificate {
            label: EPHEMERAL.to_owned(),
            facts,
            services: Services::SMTP,
            private_key: Default::default(),
            chain: Default::default(),
            material: Some(material),
        }));
    }
    Ok(())
}

fn usual_internal_certificate(computer: &Computer) -> Option<Thumbprint> {
    let fits = |stored: &&StoredCertificate| {
        let named = stored.facts.covers(computer.fqdn.as_str()).is_some();
        named && stored.services.contains(Services::SMTP)
    };
    computer.store.iter().find(fits).map(|stored| stored.facts.thumbprint)
}

/// Issues a certificate for the store of the computer of this name. Does not add it to the store.
///
/// # Errors
///
/// Describes what is wrong with the certificate's description.
pub fn issue(
    computer: &str,
    spec: &CertificateSpec,
    issuer: &mut Issuer,
    keys: Keys<'_>,
) -> Result<StoredCertificate, ScenarioError> {
    let label = label(spec, &[], computer);
    let stored = label.and_then(|label| stored(computer, spec, &label, issuer, keys));
    stored.map_err(|wrong| ScenarioError::whole("the certificate", wrong.message))
}

fn stored(
    computer: &str,
    spec: &CertificateSpec,
    label: &str,
    issuer: &mut Issuer,
    keys: Keys<'_>,
) -> Result<StoredCertificate, Wrong> {
    let issued = issuer.certificate(computer, spec, keys);
    let (facts, material) = issued.map_err(|refused| Wrong::at(refused.key, refused.message))?;
    Ok(StoredCertificate {
        label: label.to_owned(),
        facts,
        services: spec.services,
        private_key: spec.private_key,
        chain: spec.chain,
        material: Some(material),
    })
}

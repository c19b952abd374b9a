//! The dry run of a certificate renewal, computed from the model: what each connector does before, during and
//! after the replacement, which settings still refer to the old certificate, and on which day it would break.
//!
//! No port is opened. The steps are the cmdlets that an administrator types, run on copies of the computers;
//! [`select_for`](crate::exchange::select_for) and related functions give the effect of each step.

mod offer;
mod steps;
mod timeline;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::exchange::{CertificateFacts, Computer, Services, StoredCertificate, TlsCertificateName};
use crate::pki::Thumbprint;

pub use offer::{Connector, Health, Kind, Offer, offers};
pub use timeline::{Change, timeline};

/// A renewal that is planned.
#[derive(Clone, Debug)]
pub struct Renewal<'a> {
    /// The lab's computers.
    pub computers: &'a [Arc<Computer>],
    /// The computer whose certificate is renewed.
    pub on: &'a str,
    /// The certificate that is replaced.
    pub old: Thumbprint,
    /// The new certificate, as it is after its import: enabled for nothing.
    pub new: StoredCertificate,
    /// The services that it will be enabled for.
    pub services: Services,
    /// True if the question about the default SMTP certificate is answered with Yes.
    pub overwrite: bool,
    /// The time of the renewal.
    pub now: Timestamp,
}

/// The result of a renewal.
#[derive(Clone, Debug, Serialize)]
pub struct Renewed {
    /// The certificate that is replaced.
    pub old: CertificateFacts,
    /// The new certificate.
    pub new: CertificateFacts,
    /// The steps; the first is the state before anything is done.
    pub steps: Vec<Step>,
    /// The changes over time if nothing is done.
    pub without_action: Vec<Change>,
    /// The changes over time after the last step.
    pub afterwards: Vec<Change>,
    /// The connectors whose TlsCertificateName does not name the new certificate.
    pub stale_pins: Vec<StalePin>,
    /// The services that the old certificate is enabled for and the new one will not be.
    pub services_lost: Services,
    /// The names that only the old certificate carries.
    pub names_lost: Vec<String>,
    /// Edge subscriptions that were made with another internal transport certificate than the Edge has in the
    /// end.
    pub subscriptions_broken: Vec<String>,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The action.
    pub title: &'static str,
    /// The command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The reason why the Shell refuses it; nothing has changed then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The behavior of every connector after the step.
    pub offers: Vec<Offer>,
}

/// A connector that still asks for the old certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StalePin {
    /// The connector.
    pub connector: Connector,
    /// The pin.
    pub pinned_to: String,
    /// The command that pins it to the new one.
    pub command: String,
}

/// The reason why the dry run of a renewal is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewalError {
    /// There is no such computer.
    #[error("there is no computer `{0}`")]
    NoComputer(String),
    /// The old certificate is not in its store.
    #[error("{computer} has no certificate {thumbprint}")]
    NoCertificate {
        /// The computer.
        computer: String,
        /// The certificate.
        thumbprint: Thumbprint,
    },
    /// The new certificate is the old one.
    #[error("{0} is in the store already; a renewal needs another certificate")]
    Same(Thumbprint),
}

/// Performs a dry run of a renewal.
///
/// # Errors
///
/// If there is nothing to renew, or nothing to renew it with.
pub fn renewed(renewal: &Renewal<'_>) -> Result<Renewed, RenewalError> {
    let computers = renewal.computers;
    let computer = computers.iter().find(|it| it.name.eq_ignore_ascii_case(renewal.on));
    let computer = computer.ok_or_else(|| RenewalError::NoComputer(renewal.on.to_owned()))?;
    let Some(old) = computer.store.find(renewal.old) else {
        return Err(RenewalError::NoCertificate { computer: computer.name.clone(), thumbprint: renewal.old });
    };
    let new = &renewal.new.facts;
    if computer.store.find(new.thumbprint).is_some() {
        return Err(RenewalError::Same(new.thumbprint));
    }
    let (steps, end) = steps::steps(renewal, computer);
    let names_lost = old.facts.names().into_iter().filter(|name| !carries(new, name));
    Ok(Renewed {
        without_action: timeline(computers, renewal.now),
        afterwards: timeline(&end, renewal.now),
        stale_pins: stale_pins(computer, &old.facts, new),
        services_lost: old.services.without(renewal.services),
        names_lost: names_lost.map(str::to_owned).collect(),
        subscriptions_broken: broken_subscriptions(&end),
        old: old.facts.clone(),
        new: new.clone(),
        steps,
    })
}

impl Step {
    /// Returns whether the step is not one of the exchange, but what would be if the old certificate went in spite
    /// of a refusal.
    pub fn is_hypothetical(&self) -> bool {
        self.title == steps::GONE
    }
}

impl Renewed {
    /// Returns the behavior of a connector after the exchange.
    pub fn after(&self, connector: &Connector) -> Option<&Offer> {
        let done = self.steps.iter().rfind(|step| !step.is_hypothetical())?;
        done.offers.iter().find(|offer| offer.connector == *connector)
    }

    /// Returns the connectors that do worse after the last step than before the first, each with its behavior
    /// then.
    pub fn worse(&self) -> Vec<&Offer> {
        let (Some(first), Some(last)) = (self.steps.first(), self.steps.last()) else { return Vec::new() };
        let worse = |after: &&Offer| {
            first.offers.iter().any(|it| it.connector == after.connector && after.health < it.health)
        };
        last.offers.iter().filter(worse).collect()
    }

    /// Returns the connectors that have no TLS, or a certificate that verifying senders refuse, before
    /// anything is done.
    pub fn broken_already(&self) -> Vec<&Offer> {
        let first = self.steps.first().map(|step| step.offers.as_slice()).unwrap_or_default();
        first.iter().filter(|offer| offer.health < Health::Good).collect()
    }

    /// Returns the steps that the Shell refuses.
    pub fn refused(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.refused.is_some())
    }

    /// Returns whether the replacement loses nothing.
    pub fn is_smooth(&self) -> bool {
        self.worse().is_empty()
            && self.refused().next().is_none()
            && self.services_lost.is_empty()
            && self.stale_pins.is_empty()
            && self.subscriptions_broken.is_empty()
    }

    /// Returns the first day on which something breaks if nothing is done.
    pub fn breaks(&self) -> Option<&Change> {
        self.without_action.iter().find(|change| change.is_worse())
    }

    /// Returns the first day on which something breaks after the replacement.
    pub fn breaks_again(&self) -> Option<&Change> {
        self.afterwards.iter().find(|change| change.is_worse())
    }
}

fn carries(facts: &CertificateFacts, name: &str) -> bool {
    facts.names().iter().any(|own| own.eq_ignore_ascii_case(name) || crate::name::covers(own, name).is_some())
}

/// Returns the stale pins. A pin holds names and no thumbprint: it is stale if issuer or subject differ.
fn stale_pins(computer: &Computer, old: &CertificateFacts, new: &CertificateFacts) -> Vec<StalePin> {
    let pin = TlsCertificateName { issuer: old.issuer.as_str().into(), subject: old.subject.as_str().into() };
    if pin.names(&new.issuer, &new.subject) {
        return Vec::new();
    }
    let command = |cmdlet: &str, identity: &str| {
        format!(
            "$cert = Get-ExchangeCertificate -Thumbprint {}; {cmdlet} \"{identity}\" -TlsCertificateName \"<I>$($cert.Issuer)<S>$($cert.Subject)\"",
            new.thumbprint
        )
    };
    let receiving = computer.pinned_to(old).map(|connector| {
        let connector = Connector::new(computer, &connector.name, Kind::Receive);
        let command = command("Set-ReceiveConnector", &format!("{}\\{}", computer.name, connector.name));
        StalePin { connector, pinned_to: pin.to_string(), command }
    });
    let sending = computer.send_pinned_to(old).map(|connector| {
        let command = command("Set-SendConnector", &connector.name);
        let connector = Connector::new(computer, &connector.name, Kind::Send);
        StalePin { connector, pinned_to: pin.to_string(), command }
    });
    receiving.chain(sending).collect()
}

/// Returns the broken subscriptions. EdgeSync trusts an Edge by the certificate that it was subscribed with
/// (KB 2989382, event 10104).
fn broken_subscriptions(computers: &[Arc<Computer>]) -> Vec<String> {
    let subscriptions = computers.iter().flat_map(|inside| &inside.edge_subscriptions);
    let broken = subscriptions.filter(|subscription| {
        let edge = computers.iter().find(|it| it.name.eq_ignore_ascii_case(&subscription.edge));
        edge.is_some_and(|edge| edge.internal_transport_certificate != subscription.edge_certificate)
    });
    broken.map(|subscription| subscription.edge.clone()).collect()
}

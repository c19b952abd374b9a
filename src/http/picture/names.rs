//! The five names of a connector, and which of them disagree.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::exchange::{Computer, Outcome, ReceiveConnector, StoredCertificate, select_for};
use crate::lab::Plan;
use crate::name::Fqdn;
use crate::observe::SessionSummary;

/// One of the five names.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct NameView {
    /// Its number in the drawing of the five names.
    pub(super) number: u8,
    /// The kind of name.
    pub(super) what: &'static str,
    /// The name itself; nothing where the lab does not know it.
    pub(super) value: Option<String>,
    /// True if it is compared with the certificate's names, and they differ.
    pub(super) disagrees: bool,
}

/// Returns the names of a connector: its FQDN, those of the certificates, the host that senders dial, the domain
/// of the recipients, and the name that the last client asked for (SNI).
pub(super) fn names(
    plan: &Plan,
    computer: &Computer,
    connector: &ReceiveConnector,
    sessions: &[Arc<SessionSummary>],
) -> Vec<NameView> {
    let selection = select_for(connector, computer, plan.clock.now());
    let withheld = selection.outcome == Outcome::Withheld;
    let presented = selection.offered().and_then(|offered| computer.store.find(offered.thumbprint));
    let covered = |name: &str, by: &StoredCertificate| by.facts.covers(name).is_some();
    // A certificate that is not presented is compared with nothing.
    let differs = |name: &Option<String>| {
        name.as_deref().zip(presented).is_some_and(|(name, certificate)| !covered(name, certificate))
    };
    let of_certificates = match presented {
        Some(presented) => presented.facts.names().join(", "),
        None => {
            let mut names: Vec<&str> = computer.store.iter().flat_map(|it| it.facts.names()).collect();
            names.sort_unstable();
            names.dedup();
            names.join(", ")
        }
    };
    let zone = &plan.zone;
    let leads_here = |host: &Fqdn| {
        *host == computer.fqdn || zone.hosts.get(host).is_some_and(|to| to.contains(&computer.name))
    };
    let exchanger = zone.mx.iter().find_map(|(domain, hosts)| {
        let host = hosts.iter().find(|host| leads_here(host))?;
        Some((domain.to_string(), host.to_string()))
    });
    let domain = exchanger.as_ref().map(|(domain, _)| domain.clone());
    let domain = domain.or_else(|| computer.accepted_domains.first().map(ToString::to_string));
    let mut senders = plan.senders.iter().filter(|sender| {
        sender.to.as_ref().is_some_and(|(on, name)| *on == computer.name && *name == connector.name)
    });
    let sender = senders.find(|sender| sender.dials.is_some());
    let domain = domain.or_else(|| sender.and_then(|sender| sender.rcpt_to.domain()).map(str::to_owned));
    let host = exchanger.map(|(_, host)| host).or_else(|| sender.and_then(|sender| sender.dials.clone()));
    let here = sessions
        .iter()
        .rev()
        .filter(|it| !it.sends() && it.computer() == computer.name && it.connector() == connector.name);
    let asked = here.filter_map(|it| it.tls.as_ref()?.facts.server_name.clone()).next();
    let name = |number, what, value: Option<String>, disagrees| NameView { number, what, value, disagrees };
    let of_certificates = Some(of_certificates).filter(|names| !names.is_empty());
    let of_presented = presented.is_some() && (differs(&host) || differs(&asked));
    vec![
        name(1, "connector FQDN", Some(computer.fqdn_of(connector).to_string()), withheld),
        name(2, "certificate names", of_certificates, withheld || of_presented),
        name(3, "next hop or MX host", host.clone(), differs(&host)),
        name(4, "recipient domain", domain, false),
        name(5, "SNI of the last client", asked.clone(), differs(&asked)),
    ]
}

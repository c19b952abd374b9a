//! The usual senders to a connector, for a lab that has none of its own.

use std::sync::Arc;

use jiff::Timestamp;

use super::target::Callers;
use crate::exchange::{AuthMechanism, Computer, PermissionGroups, ReceiveConnector, select_for};
use crate::lab::LabError;
use crate::name::{Fqdn, covers};
use crate::scenario::{LogonSpec, Sender, SenderKind};
use crate::session::send::SenderPolicy;
use crate::smtp::{Address, ReversePath};
use crate::wire::Network;

/// The receive connector whose senders are wanted, and the names that the verifying ones dial.
#[derive(Debug, Default)]
pub(super) struct Usual {
    /// The connector, computer and name; `None` for no usual senders.
    connector: Option<(String, String)>,
    /// The names that the connector has answered with.
    dials: Vec<Fqdn>,
}

impl Usual {
    /// Wants the senders to the connector of this identity, `SERVER\Name`.
    pub(super) fn new(identity: &str) -> Self {
        let connector = identity.split_once('\\').map(|(computer, name)| (computer.into(), name.into()));
        Self { connector, dials: Vec::new() }
    }

    /// Notes the name that the connector answers with on these computers at `now`, and that of a pinned certificate, by which senders outside know
    /// the server.
    pub(super) fn note_name(&mut self, computers: &[Arc<Computer>], now: Timestamp) {
        let Some((computer, name)) = &self.connector else { return };
        for found in computers.iter().filter(|known| known.name.eq_ignore_ascii_case(computer)) {
            let Some(connector) = found.receive_connector(name) else { continue };
            let fqdn = found.fqdn_of(connector).clone();
            let pinned = pinned_name(connector, found, &fqdn, now);
            for fqdn in std::iter::once(fqdn).chain(pinned) {
                if !self.dials.contains(&fqdn) {
                    self.dials.push(fqdn);
                }
            }
        }
    }

    /// Returns the identity of the connector as these computers spell it.
    pub(super) fn identity(&self, computers: &[Arc<Computer>]) -> Option<String> {
        let (computer, name) = self.connector.as_ref()?;
        let computer = computers.iter().find(|known| known.name.eq_ignore_ascii_case(computer))?;
        Some(format!("{}\\{}", computer.name, computer.receive_connector(name)?.name))
    }

    /// Returns `senders` with the usual ones to the connector on these computers, unless some of `senders` come
    /// to it already, or nobody of their kind may submit there.
    pub(super) fn beside(
        &self,
        senders: &[Sender],
        computers: &[Arc<Computer>],
        network: &Network,
    ) -> Result<Vec<Sender>, LabError> {
        let mut all = senders.to_vec();
        let Some((computer, name)) = &self.connector else { return Ok(all) };
        let comes = |sender: &Sender| {
            sender
                .to
                .as_ref()
                .is_some_and(|(its, to)| its.eq_ignore_ascii_case(computer) && to.eq_ignore_ascii_case(name))
        };
        if all.iter().any(comes) {
            return Ok(all);
        }
        let found = computers.iter().find(|known| known.name.eq_ignore_ascii_case(computer));
        let Some((computer, connector)) = found.and_then(|it| Some((it, it.receive_connector(name)?))) else {
            return Ok(all);
        };
        for sender in self.senders(computer, connector, network)? {
            if all.iter().all(|known| !known.name.eq_ignore_ascii_case(&sender.name)) {
                all.push(sender);
            }
        }
        Ok(all)
    }

    /// Returns whether a sender of this name is one of those that were added.
    pub(super) fn adds(&self, name: &str) -> bool {
        self.dials.iter().any(|fqdn| verifying(fqdn) == name)
    }

    fn senders(
        &self,
        computer: &Computer,
        connector: &ReceiveConnector,
        network: &Network,
    ) -> Result<Vec<Sender>, LabError> {
        let way = Callers::of(computer, network).ways(connector).next();
        let (Some((_, from)), Some(logon)) = (way, logon(computer, connector)) else {
            return Ok(Vec::new());
        };
        let Some(first) = self.dials.first() else { return Ok(Vec::new()) };
        let own = [("may", "opportunistic".to_owned(), first), ("encrypt", "requires TLS".to_owned(), first)];
        let verifying = self.dials.iter().map(|fqdn| ("verify", verifying(fqdn), fqdn));
        let mut senders = Vec::new();
        for (policy, name, dials) in own.into_iter().chain(verifying) {
            let Some(policy) = SenderPolicy::named(policy) else { continue };
            senders.push(Sender {
                name,
                kind: SenderKind::Policy(Box::new(policy)),
                to: Some((computer.name.clone(), connector.name.clone())),
                dials: Some(dials.to_string()),
                helo: (&fixed("sender.example")?).into(),
                from,
                mail_from: ReversePath::Address(address("stranger@sender.example")?),
                rcpt_to: address(&format!("postmaster@{}", recipient_domain(computer, dials)))?,
                logon: logon.clone(),
                trusts_lab: true,
            });
        }
        Ok(senders)
    }
}

/// Returns the first host name of the certificate that a pinned connector presents, where it is not that of the connector.
fn pinned_name(
    connector: &ReceiveConnector,
    computer: &Computer,
    fqdn: &Fqdn,
    now: Timestamp,
) -> Option<Fqdn> {
    connector.tls_certificate_name.0.as_ref()?;
    let selection = select_for(connector, computer, now);
    let presented = computer.store.find(selection.offered()?.thumbprint)?;
    let names = presented.facts.names();
    if names.iter().any(|name| covers(name, fqdn.as_str()).is_some()) {
        return None;
    }
    let mut hosts = names.iter().filter_map(|name| name.parse::<Fqdn>().ok());
    hosts.find(|host| host.as_str().contains('.'))
}

/// Returns the name of the sender that verifies this name.
fn verifying(fqdn: &Fqdn) -> String {
    format!("verifies {fqdn}")
}

/// Returns the logon of a sender: none where anybody may submit, the first user where only users may, and no
/// answer where neither may.
fn logon(computer: &Computer, connector: &ReceiveConnector) -> Option<Option<LogonSpec>> {
    let group = |group| connector.permission_groups.contains(group);
    if group(PermissionGroups::ANONYMOUS_USERS) || connector.allows(AuthMechanism::EXTERNAL_AUTHORITATIVE) {
        return Some(None);
    }
    group(PermissionGroups::EXCHANGE_USERS).then(|| {
        let known = computer.users.first().map(|user| (user.user.clone(), user.password.clone()));
        let (user, password) = known.unwrap_or_else(|| ("user".to_owned(), "password".to_owned()));
        Some(LogonSpec { user, password })
    })
}

fn recipient_domain(computer: &Computer, dials: &Fqdn) -> String {
    let parent = dials.as_str().split_once('.').map_or(dials.as_str(), |(_, parent)| parent);
    computer.accepted_domains.first().map_or_else(|| parent.to_owned(), ToString::to_string)
}

fn fixed(name: &str) -> Result<Fqdn, LabError> {
    name.parse().map_err(|error| LabError::Unobserved(format!("{name}: {error}")))
}

fn address(text: &str) -> Result<Address, LabError> {
    text.parse().map_err(|error| LabError::Unobserved(format!("{text}: {error}")))
}

//! The senders to a lab, with every default resolved.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::names::{called, computer_of, missing};
use super::repair::{LogonSpec, SenderChange, SenderSpec};
use super::resolve::Wrong;
use super::spec::Scenario;
use crate::exchange::{Computer, ReceiveConnector, Zone};
use crate::name::Fqdn;
use crate::session::send::{Expect, Queue, SenderPolicy, Trust};
use crate::smtp::{Address, HelloName, ReversePath};

/// A sender of one message to the lab.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The name in expectations and tables.
    pub name: String,
    /// The kind of sender.
    pub kind: SenderKind,
    /// The receive connector it connects to, computer and name; `None` for a sender that goes to the computers
    /// of the host that it dials, and for a Send connector that follows the lab's hosts and MX records.
    pub to: Option<(String, String)>,
    /// The host name or address it dials; `None` for a Send connector that has no `to`.
    pub dials: Option<String>,
    /// The name in the HELO of a sender outside the lab; a Send connector uses its FQDN.
    pub helo: HelloName,
    /// The loopback address it comes from.
    pub from: IpAddr,
    /// The message's reverse-path.
    pub mail_from: ReversePath,
    /// The message's recipient.
    pub rcpt_to: Address,
    /// The user and password it logs on with.
    pub logon: Option<LogonSpec>,
    /// True if it trusts the lab's root.
    pub trusts_lab: bool,
}

/// The kind of a sender.
#[derive(Clone, Debug)]
pub enum SenderKind {
    /// A sender outside the lab that follows this policy.
    Policy(Box<SenderPolicy>),
    /// A Send connector of a computer of the lab.
    Connector {
        /// The computer.
        computer: String,
        /// The connector.
        connector: String,
    },
}

impl Sender {
    /// Applies a change on the sender's own side.
    pub(super) fn change(&mut self, change: &SenderChange) {
        if let Some(host) = &change.dials {
            self.dials = Some(host.clone());
        }
        self.trusts_lab = change.trusts_lab.unwrap_or(self.trusts_lab);
    }

    /// Checks that a change can be made to the sender.
    pub(super) fn check_change(&self, change: &SenderChange) -> Result<(), Wrong> {
        match &change.dials {
            Some(host) if self.dials.is_none() => {
                let name = &self.name;
                let message = format!("the lab's hosts and MX records say what {name} dials, not {host}");
                Err(Wrong::at("dials", message))
            }
            Some(host) => check_host(host),
            None if change.trusts_lab.is_none() => {
                Err(Wrong::new("this changes nothing; write dials = \"...\", or trusts_lab = true"))
            }
            None => Ok(()),
        }
    }
}

/// Resolves every sender of a scenario with these computers.
pub(super) fn senders(
    scenario: &Scenario,
    computers: &[Arc<Computer>],
    zone: &Zone,
) -> Result<Vec<Sender>, Wrong> {
    let mut settled: Vec<Sender> = Vec::new();
    for (index, spec) in scenario.sender.iter().enumerate() {
        let wrong = |wrong: Wrong| wrong.in_item("sender", index);
        let known_as = scenario.entry.as_ref().and_then(|entry| entry.host.as_deref());
        let sender = sender(spec, known_as, computers, zone).map_err(wrong)?;
        if settled.iter().any(|other| other.name.eq_ignore_ascii_case(&sender.name)) {
            let key = if spec.name.is_some() { "name" } else { "policy" };
            let message = format!("another sender is called `{}` already; give this one a name", sender.name);
            return Err(wrong(Wrong::at(key, message)));
        }
        settled.push(sender);
    }
    Ok(settled)
}

/// Resolves one sender. `known_as` is the name by which clients know the server, if it differs from the name
/// that the connector answers with.
fn sender(
    spec: &SenderSpec,
    known_as: Option<&str>,
    computers: &[Arc<Computer>],
    zone: &Zone,
) -> Result<Sender, Wrong> {
    let (kind, own_name) = kind(spec, computers)?;
    if spec.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Wrong::at(
            "name",
            "a name is something to be called by; leave the key away for its policy",
        ));
    }
    if matches!(kind, SenderKind::Connector { .. }) && spec.logon.is_some() {
        let message = "a Send connector logs on with its own authentication_credential; write it there";
        return Err(Wrong::at("logon", message));
    }
    let pool = pool(spec, &kind, computers, zone)?;
    let target = if pool.is_some() { None } else { target(spec, &kind, computers)? };
    if pool.is_none() && target.is_none() && spec.dials.is_some() {
        let message =
            "the lab's hosts and MX records say what this connector dials; give to = 'SERVER\\Name' as well";
        return Err(Wrong::at("dials", message));
    }
    let home = match &kind {
        SenderKind::Policy(_) => None,
        SenderKind::Connector { computer, .. } => zone.addresses.get(computer).copied(),
    };
    let from = spec.from.or(home).unwrap_or(Ipv4Addr::LOCALHOST.into());
    if !from.is_loopback() {
        return Err(Wrong::at("from", format!("{from} is no loopback address, such as 127.0.0.2")));
    }
    if let Some((computer, connector)) = target {
        answers(computer, connector, from)?;
    }
    let dials = target.map(|(computer, connector)| {
        let known = spec.dials.as_deref().or(known_as).map(str::to_owned);
        known.unwrap_or_else(|| computer.fqdn_of(connector).to_string())
    });
    let dials = dials.or_else(|| pool.as_ref().map(|(host, _)| host.clone()));
    if let Some(host) = &dials {
        check_host(host)?;
    }
    let mail_from = match spec.mail_from.as_deref() {
        Some("" | "<>") => ReversePath::Null,
        text => {
            let address = text.unwrap_or("stranger@sender.example").parse();
            ReversePath::Address(address.map_err(|error| Wrong::at("mail_from", format!("{error}")))?)
        }
    };
    let helo = helo(&mail_from).map_err(|why| Wrong::at("mail_from", why))?;
    let rcpt_to = match (&spec.rcpt_to, target, &kind) {
        (Some(address), ..) => address.clone(),
        (None, Some((computer, _)), _) => postmaster(computer, dials.as_deref().unwrap_or_default()),
        (None, None, _) => match &pool {
            Some((host, computer)) => postmaster(computer, host),
            None => {
                let message = "say whom the message is for, so that the way can be found: rcpt_to = \"user@contoso.com\"";
                return Err(Wrong::new(message));
            }
        },
    };
    let rcpt_to: Address = rcpt_to.parse().map_err(|error| Wrong::at("rcpt_to", format!("{error}")))?;
    if rcpt_to.domain().is_none() {
        return Err(Wrong::at("rcpt_to", format!("{rcpt_to} has no domain")));
    }
    Ok(Sender {
        name: spec.name.clone().unwrap_or(own_name),
        kind,
        to: target.map(|(computer, connector)| (computer.name.clone(), connector.name.clone())),
        dials,
        helo,
        from,
        mail_from,
        rcpt_to,
        logon: spec.logon.clone(),
        trusts_lab: spec.trusts_lab.unwrap_or(true),
    })
}

fn kind(spec: &SenderSpec, computers: &[Arc<Computer>]) -> Result<(SenderKind, String), Wrong> {
    match (&spec.policy, &spec.connector) {
        (Some(name), None) => {
            let policy =
                name.parse::<SenderPolicy>().map_err(|error| Wrong::at("policy", error.to_string()))?;
            Ok((SenderKind::Policy(Box::new(adjusted(policy, spec)?)), name.clone()))
        }
        (None, Some(_)) if spec.tls_domain.is_some() => {
            Err(Wrong::at("tls_domain", "a Send connector has a tls_domain of its own; write it there"))
        }
        (None, Some(_)) if spec.queue.is_some() => {
            Err(Wrong::at("queue", "a Send connector has the queue of its computer; leave the key away"))
        }
        (None, Some(identity)) => {
            let (computer, name) =
                computer_of(identity, computers).map_err(|why| Wrong::at("connector", why))?;
            let Some(connector) = computer.send_connector(name) else {
                let known = computer.send_connectors.iter().map(|connector| connector.name.as_str());
                return Err(Wrong::at("connector", missing("Send connector", name, computer, known)));
            };
            let (computer, connector) = (computer.name.clone(), connector.name.clone());
            Ok((SenderKind::Connector { computer, connector: connector.clone() }, connector))
        }
        (Some(_), Some(_)) => Err(Wrong::at(
            "policy",
            "a sender is either a built-in one (policy) or a Send connector, not both",
        )),
        (None, None) => Err(Wrong::new(
            "this sender is nobody yet; write policy = \"may\", or connector = 'SERVER\\Name' for a Send connector",
        )),
    }
}

/// Returns the policy with what the file says of this one sender.
fn adjusted(mut policy: SenderPolicy, spec: &SenderSpec) -> Result<SenderPolicy, Wrong> {
    if let Some(domain) = &spec.tls_domain {
        let Trust::Name(Expect::TlsDomain(expected)) = &mut policy.trust else {
            let message = format!("{} compares no TlsDomain; exchange-domain-validation does", policy.name);
            return Err(Wrong::at("tls_domain", message));
        };
        let domain = domain.parse().map_err(|error| Wrong::at("tls_domain", format!("{error}")))?;
        *expected = Some(domain);
    }
    match (spec.queue, policy.queue) {
        (Some(false), _) => policy.queue = Queue::Nobody,
        (Some(true), Queue::Nobody) => policy.queue = Queue::Server,
        (Some(true), Queue::Server | Queue::Exchange(_)) | (None, _) => {}
    }
    Ok(policy)
}

/// Returns the host name that a built-in sender goes to in place of a connector, with the first computer that it
/// leads to.
fn pool<'a>(
    spec: &SenderSpec,
    kind: &SenderKind,
    computers: &'a [Arc<Computer>],
    zone: &Zone,
) -> Result<Option<(String, &'a Computer)>, Wrong> {
    let (Some(host), SenderKind::Policy(_)) = (spec.to.as_deref(), kind) else { return Ok(None) };
    if host.contains('\\') {
        return Ok(None);
    }
    if spec.dials.is_some() {
        return Err(Wrong::at("dials", format!("it dials {host}, which `to` says; leave the key away")));
    }
    let first = zone.resolve(host, computers).into_iter().find_map(|name| Some(called(&name, computers)?.1));
    match first {
        Some(first) => Ok(Some((host.to_owned(), first))),
        None => {
            let message = format!(
                "`{host}` is neither 'SERVER\\Name of the connector' nor a host name that leads to a computer of this lab"
            );
            Err(Wrong::at("to", message))
        }
    }
}

fn target<'a>(
    spec: &SenderSpec,
    kind: &SenderKind,
    computers: &'a [Arc<Computer>],
) -> Result<Option<(&'a Computer, &'a ReceiveConnector)>, Wrong> {
    let Some(identity) = &spec.to else {
        if matches!(kind, SenderKind::Connector { .. }) {
            return Ok(None);
        }
        let mut all = computers.iter().flat_map(|computer| {
            computer.receive_connectors.iter().map(move |connector| (&**computer, &**connector))
        });
        return match all.next() {
            Some(first) => Ok(Some(first)),
            None => Err(Wrong::new("there is no receive connector that it could come to")),
        };
    };
    let (computer, name) = computer_of(identity, computers).map_err(|why| Wrong::at("to", why))?;
    match computer.receive_connector(name) {
        Some(connector) => Ok(Some((computer, connector))),
        None => {
            let known = computer.receive_connectors.iter().map(|connector| connector.name.as_str());
            Err(Wrong::at("to", missing("receive connector", name, computer, known)))
        }
    }
}

/// Checks that the connector answers this address. A peer meets the connector with the closest range,
/// regardless of the one it intended.
fn answers(computer: &Computer, connector: &ReceiveConnector, from: IpAddr) -> Result<(), Wrong> {
    let Some(binding) = connector.loopback_binding(from) else {
        let other = if from.is_ipv4() { "::1" } else { "127.0.0.1" };
        let message =
            format!("{} has no binding that {from} could reach; give from = \"{other}\"", connector.name);
        return Err(Wrong::at("to", message));
    };
    match computer.connector_for(binding.0, from) {
        Some(found) if found.name != connector.name => {
            let message = format!(
                "from {from}, {binding} of {} is answered by `{}`, whose RemoteIPRanges are closer; give from = an address that `{}` answers",
                computer.name, found.name, connector.name
            );
            Err(Wrong::at("to", message))
        }
        // Nothing answers at a disabled connector, and that may be the point of the scenario.
        _ => Ok(()),
    }
}

fn check_host(text: &str) -> Result<(), Wrong> {
    if text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() || text.parse::<Fqdn>().is_ok() {
        Ok(())
    } else {
        Err(Wrong::at("dials", format!("`{text}` is neither a host name nor an address")))
    }
}

/// Returns the name of a server that sends mail for this address.
fn helo(from: &ReversePath) -> Result<HelloName, String> {
    let domain = from.address().and_then(Address::domain).unwrap_or("sender.example");
    let ascii = domain.parse::<Fqdn>().map(|name| name.to_string());
    let name = ascii.unwrap_or_else(|_| domain.to_owned());
    name.parse().map_err(|_| format!("`{domain}` is no name to introduce oneself with"))
}

fn postmaster(computer: &Computer, dialled: &str) -> String {
    let parent = |host: &str| match host.split_once('.') {
        Some((_, parent)) if parent.contains('.') => parent.to_owned(),
        _ => host.to_owned(),
    };
    let own = computer.accepted_domains.first().map(ToString::to_string);
    let literal = dialled.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let host = if literal { computer.fqdn.as_str() } else { dialled };
    format!("postmaster@{}", own.unwrap_or_else(|| parent(host)))
}

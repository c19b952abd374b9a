//! Send connectors as the organization has them: by name, regardless of the computer that they run on.

use std::sync::Arc;

use super::connector::exists;
use super::error::{Span, Wrong};
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout};
use crate::exchange::parameters::Values;
use crate::exchange::{Profile, Role, SendConnector};

/// The place where a Send connector is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// On the computer that it runs on.
    On(usize),
    /// Inside, for the Edge that it runs on: the server, and which of its subscriptions.
    For(usize, usize),
}

/// A Send connector, and all the places where it is kept.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) connector: Arc<SendConnector>,
    pub(super) kept: Vec<Kept>,
}

impl Run<'_> {
    /// The Send connectors that can be seen from here; what several servers have alike is one connector.
    pub(super) fn send_connectors(&self) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        for kept in self.places() {
            for connector in self.kept(kept) {
                match all.iter_mut().find(|found| *found.connector == **connector) {
                    Some(found) => found.kept.push(kept),
                    None => all.push(Found { connector: Arc::clone(connector), kept: vec![kept] }),
                }
            }
        }
        all
    }

    /// The Send connector of this name.
    pub(super) fn send_connector(&self, name: &str, span: Span) -> Result<Found, Wrong> {
        let all = self.send_connectors();
        let called: Vec<&Found> =
            all.iter().filter(|found| found.connector.name.eq_ignore_ascii_case(name)).collect();
        match called.as_slice() {
            [only] => Ok(Found::clone(only)),
            [] => {
                let hint = if name.contains('\\') {
                    " It belongs to the organization and goes by its name alone, without a server."
                } else {
                    ""
                };
                let names: Vec<String> =
                    all.iter().map(|found| format!("'{}'", found.connector.name)).collect();
                let server = self.computer(self.here).map_or("", |computer| &computer.name);
                let wrong = format!(
                    "The operation couldn't be performed because object '{name}' couldn't be found on '{server}'.{hint} There are: {}",
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                );
                Err(Wrong::not_found(span, wrong))
            }
            several => {
                let each = several.iter().map(|found| self.sources_of(found).join(" and "));
                let wrong = format!(
                    "The operation couldn't be performed because '{name}' matches multiple entries: one on {}",
                    each.collect::<Vec<_>>().join(", one on ")
                );
                Err(Wrong::not_found(span, wrong))
            }
        }
    }

    /// The places that `-SourceTransportServers` names: servers that are reached from here, and the Edges
    /// that are subscribed to them.
    pub(super) fn sources(&self, names: &[String], span: Span) -> Result<Vec<Kept>, Wrong> {
        let mut sources = Vec::new();
        for name in names {
            let edge = self.edge(name).filter(|at| *at != self.here).and_then(|at| self.computer(at));
            let subscription = self.places().into_iter().find(|kept| match kept {
                Kept::On(_) => false,
                Kept::For(..) => edge.is_some_and(|edge| self.source(*kept) == edge.name),
            });
            let source = match subscription {
                Some(subscription) => subscription,
                None => Kept::On(self.server(name, span)?),
            };
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        if sources.is_empty() {
            Err(Wrong::argument(span, "-SourceTransportServers names at least one server"))
        } else {
            Ok(sources)
        }
    }

    /// Changes the Send connectors that are kept in one place.
    pub(super) fn change_kept(&mut self, kept: Kept, change: impl FnOnce(&mut Vec<Arc<SendConnector>>)) {
        match kept {
            Kept::On(at) => self.change(at, |computer| change(&mut computer.send_connectors)),
            Kept::For(at, nth) => self.change(at, |computer| {
                if let Some(subscription) = computer.edge_subscriptions.get_mut(nth) {
                    change(&mut subscription.send_connectors);
                }
            }),
        }
    }

    /// The role and the version of what runs a connector that is kept there.
    ///
    /// The older of an Edge and the server inside counts: that a parameter is refused which the Edge does
    /// not know is inferred.
    pub(super) fn runs(&self, kept: Kept) -> Option<(Role, Profile)> {
        match kept {
            Kept::On(at) => self.computer(at).map(|computer| (computer.role, computer.profile)),
            Kept::For(at, _) => {
                let edge = self.edge(&self.source(kept)).and_then(|at| self.computer(at));
                let inside = self.computer(at)?.profile;
                Some((Role::Edge, edge.map_or(inside, |edge| edge.profile.min(inside))))
            }
        }
    }

    /// A connector as the cmdlet hands it on.
    pub(super) fn shown(&self, found: &Found) -> Value {
        let Found { connector, .. } = found;
        let mut all = Values::of(|values| connector.show(values));
        all.retain(|(name, _)| exists(SendConnector::PARAMETERS, name, self.profile()));
        let hosts: Vec<String> = connector.smart_hosts.iter().map(ToString::to_string).collect();
        let sources = self.sources_of(found).into_iter().map(Value::Text).collect();
        all.push(("SmartHostsString", Value::Text(hosts.join(","))));
        all.push(("SourceTransportServers", Value::List(sources)));
        all.push(("Name", Value::text(&connector.name)));
        all.push(("Identity", Value::text(&connector.name)));
        all.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name));
        Object::value(all, LAYOUT, &connector.name)
    }

    /// Every place where a Send connector may be kept, as far as it can be seen from here.
    fn places(&self) -> Vec<Kept> {
        let reachable = self.reachable();
        let subscriptions = |at: usize| {
            let count = self.computer(at).map_or(0, |computer| computer.edge_subscriptions.len());
            (0..count).map(move |nth| Kept::For(at, nth))
        };
        let copies: Vec<Kept> = reachable.iter().copied().flat_map(subscriptions).collect();
        reachable.into_iter().map(Kept::On).chain(copies).collect()
    }

    fn kept(&self, kept: Kept) -> &[Arc<SendConnector>] {
        let connectors = match kept {
            Kept::On(at) => self.computer(at).map(|computer| &computer.send_connectors),
            Kept::For(at, nth) => self
                .computer(at)
                .and_then(|computer| computer.edge_subscriptions.get(nth))
                .map(|subscription| &subscription.send_connectors),
        };
        connectors.map(Vec::as_slice).unwrap_or_default()
    }

    fn sources_of(&self, found: &Found) -> Vec<String> {
        found.kept.iter().map(|kept| self.source(*kept)).collect()
    }

    /// The name of the computer that runs what is kept there.
    fn source(&self, kept: Kept) -> String {
        let name = match kept {
            Kept::On(at) => self.computer(at).map(|computer| &computer.name),
            Kept::For(at, nth) => self
                .computer(at)
                .and_then(|computer| computer.edge_subscriptions.get(nth))
                .map(|subscription| &subscription.edge),
        };
        name.cloned().unwrap_or_default()
    }
}

/// The columns are inferred from those of receive connectors.
const LAYOUT: Layout = Layout::Table {
    columns: &[Column::of("Identity"), Column::of("AddressSpaces"), Column::of("Enabled")],
    hidden: &[],
};

/// The order of `Get-SendConnector | Format-List` in an export that comes with the tests of CSS-Exchange.
const ORDER: &[&str] = &[
    "DNSRoutingEnabled",
    "TlsDomain",
    "TlsAuthLevel",
    "SmartHosts",
    "Port",
    "ConnectionInactivityTimeOut",
    "ForceHELO",
    "IgnoreSTARTTLS",
    "Fqdn",
    "TlsCertificateName",
    "RequireTLS",
    "Enabled",
    "ProtocolLoggingLevel",
    "SmartHostAuthMechanism",
    "AuthenticationCredential",
    "DomainSecureEnabled",
    "SmtpMaxMessagesPerConnection",
    "SmartHostsString",
    "AddressSpaces",
    "SourceTransportServers",
    "Name",
    "Identity",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_its_place_in_the_order() {
        for parameter in SendConnector::PARAMETERS {
            assert!(ORDER.contains(&parameter.name), "{}", parameter.name);
        }
    }
}

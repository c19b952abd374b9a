//! The routing of mail for a domain from a computer: by its Send connectors, and never out of the lab.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::computer::{Computer, Role};
use super::send_connector::{SendConnector, SendUsage};
use super::send_values::SmartHost;
use crate::name::Fqdn;

/// The lab's name service: which host names lead to which computers. It knows nothing outside the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Computers by host name, a pool with several; a computer's own FQDN and name need not be listed.
    pub hosts: BTreeMap<Fqdn, Vec<String>>,
    /// Mail exchangers by domain, the preferred first.
    pub mx: BTreeMap<Fqdn, Vec<Fqdn>>,
    /// The loopback address that each computer lives on.
    pub addresses: BTreeMap<String, IpAddr>,
}

/// A computer that is next on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The computer's name.
    pub computer: String,
    /// The name by which it is reached, which its certificate may be measured by.
    pub host: String,
    /// The domain or smart host that led there.
    pub next_hop: String,
}

/// The route of mail for a domain.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// It is delivered here.
    Here,
    /// It goes on over this Send connector.
    Over {
        /// The connector.
        connector: Arc<SendConnector>,
        /// The computers to try, in this order; a pool begins with another one each time.
        hops: Vec<Hop>,
    },
    /// It stays in the queue, because its next hop is not in the lab.
    Nowhere {
        /// The connector, where there is one.
        connector: Option<Arc<SendConnector>>,
        /// Why.
        why: String,
    },
}

impl Zone {
    /// The computers that a host name or an address in brackets leads to.
    pub fn resolve(&self, host: &str, computers: &[Arc<Computer>]) -> Vec<String> {
        let bare = host.trim_matches(['[', ']']);
        if let Ok(address) = bare.parse::<IpAddr>() {
            let living = self.addresses.iter().filter(|(_, known)| **known == address);
            return living.map(|(computer, _)| computer.clone()).collect();
        }
        if let Some((_, pool)) = self.hosts.iter().find(|(name, _)| **name == *host) {
            return pool.clone();
        }
        let called =
            |computer: &&Arc<Computer>| computer.fqdn == *host || computer.name.eq_ignore_ascii_case(host);
        computers.iter().filter(called).map(|computer| computer.name.clone()).collect()
    }

    /// The mail exchangers of a domain; without an MX record the domain itself (RFC 5321 section 5.1).
    fn exchangers(&self, domain: &str) -> Vec<String> {
        match self.mx.iter().find(|(known, _)| **known == *domain) {
            Some((_, hosts)) => hosts.iter().map(ToString::to_string).collect(),
            None => vec![domain.to_owned()],
        }
    }
}

/// Returns the route that `computer` uses for mail to `domain`.
///
/// A server keeps what is addressed to an accepted domain of its organization, or everything where none is
/// given; an Edge keeps nothing that a connector takes. Mail for elsewhere goes over the server's own Send
/// connectors, else to a subscribed Edge that has one for it (Edge Subscriptions page).
pub fn route(computer: &Computer, domain: &str, computers: &[Arc<Computer>], zone: &Zone) -> Route {
    let accepted = &computer.accepted_domains;
    let ours = accepted.is_empty() || accepted.iter().any(|own| *own == *domain);
    if computer.role != Role::Edge && ours {
        return Route::Here;
    }
    if let Some(connector) = computer.send_connector_for(domain) {
        return over(connector, computer, domain, computers, zone);
    }
    let through = computer.edge_subscriptions.iter().filter(|subscription| {
        let fits = |it: &&Arc<SendConnector>| it.enabled && it.fit(domain, accepted).is_some();
        subscription.send_connectors.iter().any(|it| fits(&it))
    });
    let hops: Vec<Hop> = through
        .filter_map(|subscription| computers.iter().find(|known| known.name == subscription.edge))
        .map(|edge| Hop {
            computer: edge.name.clone(),
            host: edge.fqdn.to_string(),
            next_hop: edge.fqdn.to_string(),
        })
        .collect();
    match (hops.is_empty(), ours || accepted.is_empty()) {
        (false, _) => Route::Over { connector: Arc::new(SendConnector::intra_organization()), hops },
        (true, true) => Route::Here,
        (true, false) => Route::Nowhere {
            connector: None,
            why: format!("no Send connector of {} takes mail for {domain}", computer.name),
        },
    }
}

/// The way that `connector` on `computer` takes with mail for `domain`.
pub fn over(
    connector: &Arc<SendConnector>,
    computer: &Computer,
    domain: &str,
    computers: &[Arc<Computer>],
    zone: &Zone,
) -> Route {
    let mut names: Vec<String> = Vec::new();
    if connector.dns_routing_enabled {
        names.extend(zone.exchangers(domain));
    } else {
        for host in &connector.smart_hosts {
            match host {
                SmartHost::Subscribed => names.extend(inside(computer, computers)),
                SmartHost::Name(name) => names.push(name.to_string()),
                SmartHost::Address(address) => names.push(format!("[{address}]")),
            }
        }
    }
    let mut hops = Vec::new();
    for name in &names {
        let next_hop = if connector.dns_routing_enabled { domain } else { name };
        let found = zone.resolve(name, computers).into_iter().filter(|found| *found != computer.name);
        hops.extend(found.map(|found| Hop {
            computer: found,
            host: name.clone(),
            next_hop: next_hop.to_owned(),
        }));
    }
    if hops.is_empty() {
        Route::Nowhere {
            connector: Some(Arc::clone(connector)),
            why: format!(
                "{} leads to no other computer of this lab, and the lab connects to nothing outside itself",
                if names.is_empty() { domain.to_owned() } else { names.join(", ") }
            ),
        }
    } else {
        Route::Over { connector: Arc::clone(connector), hops }
    }
}

/// The servers of the site that an Edge is subscribed to, which is what `--` stands for.
fn inside(edge: &Computer, computers: &[Arc<Computer>]) -> Vec<String> {
    let servers = computers.iter().filter(|it| it.role != Role::Edge && it.organization == edge.organization);
    servers.map(|server| server.fqdn.to_string()).collect()
}

impl SendConnector {
    /// The connector that nobody sees and every server has: to the other servers of its organization, over
    /// X-ANONYMOUSTLS (receive and Send connector pages, "Implicit Send connectors").
    pub fn intra_organization() -> Self {
        let mut connector =
            Self::new("Intra-Organization SMTP Send Connector".to_owned(), SendUsage::EdgeSyncInbound);
        connector.smart_hosts = Vec::new();
        connector
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{AddressSpace, EdgeSubscription, Profile};

    fn computer(name: &str, role: Role, organization: &str) -> Computer {
        let fqdn = format!("{name}.{organization}.test").parse().unwrap();
        Computer {
            accepted_domains: vec![format!("{organization}.test").parse().unwrap()],
            organization: organization.to_owned(),
            ..Computer::new(name, fqdn, role, Profile::Exchange2010)
        }
    }

    /// An Edge with its two connectors, the Hub it is subscribed to, and a pool of two at a partner's.
    fn organisation() -> (Vec<Arc<Computer>>, Zone) {
        let mut edge = computer("EDGE", Role::Edge, "contoso");
        edge.subscribed_to = Some("HUB".to_owned());
        let outward = SendConnector::new("EdgeSync - S to Internet".into(), SendUsage::EdgeSyncToInternet);
        let inbound = SendConnector::new("EdgeSync - Inbound to S".into(), SendUsage::EdgeSyncInbound);
        edge.send_connectors = vec![Arc::new(outward), Arc::new(inbound)];
        let mut hub = computer("HUB", Role::HubTransport, "contoso");
        hub.edge_subscriptions = vec![EdgeSubscription {
            edge: edge.name.clone(),
            send_connectors: edge.send_connectors.clone(),
            edge_certificate: None,
        }];
        let partners = ["FE1", "FE2"].map(|name| Arc::new(computer(name, Role::Edge, "fabrikam")));
        let zone = Zone {
            hosts: BTreeMap::from([("mx.fabrikam.test".parse().unwrap(), vec!["FE1".into(), "FE2".into()])]),
            mx: BTreeMap::from([(
                "fabrikam.test".parse().unwrap(),
                vec!["mx.fabrikam.test".parse().unwrap()],
            )]),
            addresses: BTreeMap::from([("HUB".to_owned(), "127.0.0.9".parse().unwrap())]),
        };
        let mut computers = vec![Arc::new(edge), Arc::new(hub)];
        computers.extend(partners);
        (computers, zone)
    }

    fn way(from: usize, domain: &str) -> (Option<String>, Vec<String>) {
        let (computers, zone) = organisation();
        match route(&computers[from], domain, &computers, &zone) {
            Route::Here => (None, Vec::new()),
            Route::Over { connector, hops } => {
                (Some(connector.name.clone()), hops.into_iter().map(|hop| hop.computer).collect())
            }
            Route::Nowhere { why, .. } => (Some(why), Vec::new()),
        }
    }

    #[test]
    fn an_edge_hands_mail_for_the_organisation_to_its_hub() {
        assert_eq!(way(0, "contoso.test"), (Some("EdgeSync - Inbound to S".into()), vec!["HUB".into()]));
        assert_eq!(way(1, "CONTOSO.test"), (None, vec![]));
    }

    #[test]
    fn mail_for_elsewhere_leaves_a_hub_by_its_edge_and_the_edge_by_mx() {
        let (connector, hops) = way(1, "fabrikam.test");
        assert_eq!(connector.as_deref(), Some("Intra-Organization SMTP Send Connector"));
        assert_eq!(hops, ["EDGE"]);
        let (connector, hops) = way(0, "fabrikam.test");
        assert_eq!(connector.as_deref(), Some("EdgeSync - S to Internet"));
        assert_eq!(hops, ["FE1", "FE2"]);
    }

    #[test]
    fn what_is_not_in_the_lab_stays_where_it_is() {
        let (why, hops) = way(0, "elsewhere.test");
        assert!(why.unwrap().contains("elsewhere.test leads to no other computer"));
        assert!(hops.is_empty());
        let (why, _) = way(2, "contoso.test");
        assert!(why.unwrap().contains("no Send connector of FE1"));
    }

    #[test]
    fn a_smart_host_may_be_a_name_or_an_address() {
        let (computers, zone) = organisation();
        for (host, found) in [("hub.contoso.test", "HUB"), ("[127.0.0.9]", "HUB"), ("edge", "EDGE")] {
            assert_eq!(zone.resolve(host, &computers), [found]);
        }
        assert!(zone.resolve("nobody.test", &computers).is_empty());
        let space: AddressSpace = "*".parse().unwrap();
        assert_eq!(SendConnector::intra_organization().address_spaces[0].cost, space.cost);
    }
}

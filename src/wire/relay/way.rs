//! The sockets between two computers of a lab.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::PoisonError;

use super::super::{Endpoint, Listening};
use crate::exchange::{Computer, Hop, SendConnector, Zone, in_family_of};

/// The two ends of a message's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sockets {
    /// The address that the sending computer lives on.
    pub(super) from: IpAddr,
    /// The socket that the next computer listens on.
    pub(super) to: SocketAddr,
}

/// Returns the way from `computer` to `hop`; `None` if no socket of the hop listens for that port.
///
/// Only sockets of the lab are returned. Of several, the one wins that has a connector for the address the
/// sender comes from, and is of its address family.
pub(super) fn between(
    computer: &Computer,
    hop: &Computer,
    port: u16,
    zone: &Zone,
    listening: &Listening,
) -> Option<Sockets> {
    let home = |of: &Computer| zone.addresses.get(&of.name).copied().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let (here, there) = (home(computer), home(hop));
    let listening = listening.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |endpoint: &&Endpoint| endpoint.computer == hop.name && endpoint.binding.0.port() == port;
    let ways = listening.iter().map(|(endpoint, _)| endpoint).filter(fits).map(|endpoint| {
        let ip = endpoint.address.ip();
        let from = in_family_of(ip, here);
        let ip = if ip.is_unspecified() { in_family_of(ip, there) } else { ip };
        let answered = hop.connector_for(endpoint.binding.0, from).is_some();
        (answered, from == here, Sockets { from, to: SocketAddr::new(ip, endpoint.address.port()) })
    });
    // Of several that are alike the first; `max_by_key` would take the last.
    ways.rev().max_by_key(|(answered, own, _)| (*answered, *own)).map(|(.., sockets)| sockets)
}

/// Returns the order in which the computers of a next hop are tried at this turn: each pool begins with
/// another one. The members of a pool share a name, or are the smart hosts of one connector.
pub(super) fn in_turn(connector: &SendConnector, mut hops: Vec<Hop>, turn: usize) -> Vec<Hop> {
    let same_pool = |one: &Hop, other: &Hop| !connector.dns_routing_enabled || one.host == other.host;
    for pool in hops.chunk_by_mut(same_pool) {
        let first = turn.checked_rem(pool.len()).unwrap_or(0);
        pool.rotate_left(first);
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::SendUsage;

    fn order(usage: SendUsage, turn: usize) -> String {
        let hop = |(computer, host): (&str, &str)| Hop {
            computer: computer.to_owned(),
            host: host.to_owned(),
            next_hop: "b.test".to_owned(),
        };
        let hops = [("1", "mx1"), ("2", "mx1"), ("3", "mx2"), ("4", "mx2"), ("5", "mx2")].map(hop);
        let connector = SendConnector::new("x".to_owned(), usage);
        in_turn(&connector, hops.to_vec(), turn).into_iter().map(|hop| hop.computer).collect()
    }

    #[test]
    fn a_pool_rotates_and_the_preferred_exchanger_stays_the_first() {
        let orders: Vec<_> = (0..4).map(|turn| order(SendUsage::Custom, turn)).collect();
        assert_eq!(orders, ["12345", "21453", "12534", "21345"]);
    }

    #[test]
    fn smart_hosts_are_one_pool() {
        assert_eq!(order(SendUsage::EdgeSyncInbound, 3), "45123");
    }
}

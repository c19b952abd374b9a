//! The socket at which a connector is reached, and the address to come from.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::exchange::{Binding, Computer, ReceiveConnector};
use crate::wire::{Endpoint, Network};

/// The target of a probe that a connector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectorTarget {
    /// The socket.
    pub(super) address: SocketAddr,
    /// The address to connect from.
    pub(super) from: IpAddr,
}

/// The addresses that clients of one computer can come from.
#[derive(Debug)]
pub(super) struct Callers<'a> {
    computer: &'a Computer,
    addresses: Vec<IpAddr>,
}

impl<'a> Callers<'a> {
    /// Returns addresses that include one for every connector that answers any: the beginning and the end of
    /// each range, and the addresses just outside of it. Over sockets a client can come from loopback only, so
    /// those of loopback are the first.
    pub(super) fn of(computer: &'a Computer, network: &Network) -> Self {
        let ranges = computer.receive_connectors.iter().flat_map(|connector| &connector.remote_ip_ranges);
        let (mut near, mut far) = (vec![FIRST], Vec::new());
        for range in ranges {
            match range.ends() {
                (IpAddr::V4(low), IpAddr::V4(high)) => {
                    let (low, high) = (low.to_bits(), high.to_bits());
                    let edges = [low, high, low.saturating_sub(1), high.saturating_add(1)];
                    near.extend(edges.map(|bits| bits.clamp(FIRST, LAST)));
                    far.extend(edges.map(|bits| IpAddr::V4(bits.into())));
                }
                (IpAddr::V6(low), IpAddr::V6(high)) => {
                    let (low, high) = (low.to_bits(), high.to_bits());
                    let edges = [low, high, low.saturating_sub(1), high.saturating_add(1)];
                    far.extend(edges.map(|bits| IpAddr::V6(bits.into())));
                }
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
            }
        }
        let near = near.into_iter().map(|bits| IpAddr::V4(bits.into())).chain([Ipv6Addr::LOCALHOST.into()]);
        let mut known = HashSet::new();
        let mut addresses: Vec<IpAddr> = match network {
            Network::Sockets => near.collect(),
            Network::Memory(_) => near.chain(far).collect(),
        };
        addresses.retain(|address| known.insert(*address));
        Self { computer, addresses }
    }

    /// Returns the ways in which `connector` of this computer answers, by its bindings.
    pub(super) fn ways(&self, connector: &ReceiveConnector) -> impl Iterator<Item = (Binding, IpAddr)> {
        let mut bindings = connector.bindings.clone();
        bindings.sort_by_key(|binding| binding.0.is_ipv6());
        bindings.into_iter().filter_map(|binding| {
            let answered = |caller: &IpAddr| {
                // Most addresses are in no range of the connector, which is seen without looking at the others.
                caller.is_ipv4() == binding.0.is_ipv4()
                    && connector.best_range_for(*caller).is_some()
                    && self
                        .computer
                        .connector_for(binding.0, *caller)
                        .is_some_and(|met| met.name == connector.name)
            };
            Some((binding, self.addresses.iter().copied().find(answered)?))
        })
    }

    /// Returns the first target at which `connector` of this computer answers; `None` if it answers no client
    /// that could come.
    pub(super) fn target(
        &self,
        connector: &ReceiveConnector,
        endpoints: &[Endpoint],
    ) -> Option<ConnectorTarget> {
        self.ways(connector).find_map(|(binding, from)| {
            let here = |it: &&Endpoint| it.computer == self.computer.name && it.binding == binding;
            let Endpoint { address, .. } = *endpoints.iter().find(here)?;
            Some(ConnectorTarget { address, from })
        })
    }
}

const FIRST: u32 = Ipv4Addr::LOCALHOST.to_bits();
const LAST: u32 = Ipv4Addr::new(127, 255, 255, 254).to_bits();

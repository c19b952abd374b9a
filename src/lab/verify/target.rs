//! The socket at which a connector is reached, and the address to come from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::exchange::{Computer, IpRange, ReceiveConnector};
use crate::wire::{Endpoint, Network};

/// The target of a probe that a connector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectorTarget {
    /// The socket.
    pub(super) address: SocketAddr,
    /// The address to connect from.
    pub(super) from: IpAddr,
}

/// Returns the first target at which `connector` answers, by its bindings; `None` if it answers no client
/// that could come over `network`.
pub(super) fn target_of(
    connector: &ReceiveConnector,
    computer: &Computer,
    endpoints: &[Endpoint],
    network: &Network,
) -> Option<ConnectorTarget> {
    let mut bindings = connector.bindings.clone();
    bindings.sort_by_key(|binding| binding.0.is_ipv6());
    let callers = callers(computer, network);
    bindings.into_iter().find_map(|binding| {
        let Endpoint { address, .. } = *endpoints
            .iter()
            .find(|endpoint| endpoint.computer == computer.name && endpoint.binding == binding)?;
        let answered = |caller: &IpAddr| {
            let met = computer.connector_for(binding.0, *caller);
            caller.is_ipv4() == binding.0.is_ipv4() && met.is_some_and(|met| met.name == connector.name)
        };
        callers.iter().copied().find(answered).map(|from| ConnectorTarget { address, from })
    })
}

/// Returns addresses that include one for every connector that answers any: the beginning and the end of each
/// range, and the addresses just outside of it. Over sockets a client can come from loopback only, so those
/// of loopback are the first.
fn callers(computer: &Computer, network: &Network) -> Vec<IpAddr> {
    let ranges = computer.receive_connectors.iter().flat_map(|connector| &connector.remote_ip_ranges);
    let (mut near, mut far) = (vec![FIRST], Vec::new());
    for (low, high) in ranges.filter_map(|range| ends(*range)) {
        match (low, high) {
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
    match network {
        Network::Sockets => near.collect(),
        Network::Memory(_) => near.chain(far).collect(),
    }
}

const FIRST: u32 = Ipv4Addr::LOCALHOST.to_bits();
const LAST: u32 = Ipv4Addr::new(127, 255, 255, 254).to_bits();

/// Returns the ends of a range, which is written `low-high` or as one address.
fn ends(range: IpRange) -> Option<(IpAddr, IpAddr)> {
    let text = range.to_string();
    let (low, high) = text.split_once('-').unwrap_or((&text, &text));
    Some((low.parse().ok()?, high.parse().ok()?))
}

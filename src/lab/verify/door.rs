//! Through which socket, and from which address of loopback, a connector is met.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::exchange::{Computer, IpRange, ReceiveConnector};
use crate::wire::Endpoint;

/// Where one knocks to be answered by a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Door {
    /// The socket.
    pub(super) address: SocketAddr,
    /// Where one has to come from.
    pub(super) from: IpAddr,
}

/// The first door at which `connector` answers, by its bindings; `None` where it answers nobody on
/// loopback.
pub(super) fn door_to(
    connector: &ReceiveConnector,
    computer: &Computer,
    endpoints: &[Endpoint],
) -> Option<Door> {
    let mut bindings = connector.bindings.clone();
    bindings.sort_by_key(|binding| binding.0.is_ipv6());
    let callers = callers(computer);
    bindings.into_iter().find_map(|binding| {
        let Endpoint { address, .. } = *endpoints
            .iter()
            .find(|endpoint| endpoint.computer == computer.name && endpoint.binding == binding)?;
        let answered = |caller: &IpAddr| {
            let met = computer.connector_for(binding.0, *caller);
            caller.is_ipv4() == binding.0.is_ipv4() && met.is_some_and(|met| met.name == connector.name)
        };
        callers.iter().copied().find(answered).map(|from| Door { address, from })
    })
}

/// Addresses of loopback among which is one for every connector that answers any: where a range begins
/// and ends, and what lies just outside of it.
fn callers(computer: &Computer) -> Vec<IpAddr> {
    let ranges = computer.receive_connectors.iter().flat_map(|connector| &connector.remote_ip_ranges);
    let mut bits = vec![FIRST];
    for (low, high) in ranges.filter_map(|range| ends(*range)) {
        bits.extend(
            [low, high, low.saturating_sub(1), high.saturating_add(1)].map(|it| it.clamp(FIRST, LAST)),
        );
    }
    let v4 = bits.into_iter().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    v4.chain([IpAddr::V6(Ipv6Addr::LOCALHOST)]).collect()
}

const FIRST: u32 = Ipv4Addr::LOCALHOST.to_bits();
const LAST: u32 = Ipv4Addr::new(127, 255, 255, 254).to_bits();

/// The ends of a range of IPv4 addresses, which is written `low-high` or as one address.
fn ends(range: IpRange) -> Option<(u32, u32)> {
    let text = range.to_string();
    let (low, high) = text.split_once('-').unwrap_or((&text, &text));
    let bits = |text: &str| text.parse().ok().map(Ipv4Addr::to_bits);
    Some((bits(low)?, bits(high)?))
}

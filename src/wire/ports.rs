//! The sockets on loopback that stand for the bindings of Exchange.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::exchange::{Binding, Computer};

/// The mapping of the bindings' ports to ports of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Port 25 becomes 1025, 587 becomes 1587; ports from 1024 on stay.
    #[default]
    OffsetPrivileged,
    /// Every binding gets a free port of its own. Connectors that share a binding share its port.
    Free,
    /// The only binding gets this port.
    Only(u16),
}

/// One port was asked for, and the lab has several bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--port {port} is one port, and this lab has {bindings} bindings; use --port 0")]
pub struct PortsError {
    /// The port.
    pub port: u16,
    /// The number of bindings.
    pub bindings: usize,
}

/// A socket that a lab wants to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The computer's name.
    pub computer: String,
    /// The binding, as the connector has it.
    pub binding: Binding,
    /// The address to bind; port 0 for a free one.
    pub address: SocketAddr,
}

/// Returns the sockets for all enabled connectors of these computers, each computer with the address it lives
/// on.
///
/// # Errors
///
/// [`PortsError`] if one port was asked for and there are several bindings.
pub fn wanted<'a>(
    computers: impl Iterator<Item = (&'a Computer, IpAddr)>,
    ports: Ports,
) -> Result<Vec<Wanted>, PortsError> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for (computer, home) in computers {
        let enabled = computer.receive_connectors.iter().filter(|connector| connector.enabled);
        let mut bindings: Vec<_> = enabled.flat_map(|connector| &connector.bindings).collect();
        bindings.sort_by_key(|binding| binding.0.is_ipv6());
        for binding in bindings {
            let mine = wanted.iter().filter(|known| known.computer == computer.name);
            // Beyond loopback there is one address, and it stands for both families.
            let same = |known: &Wanted| {
                let port = known.binding.0.port() == binding.0.port();
                known.binding == *binding || (port && !home.is_loopback())
            };
            if mine.into_iter().any(same) {
                continue;
            }
            let ip = address_for(*binding, home);
            let mut address = SocketAddr::new(ip, port_for(*binding, ports));
            while address.port() != 0 && wanted.iter().any(|known| known.address == address) {
                address.set_port(address.port().checked_add(1000).unwrap_or(0));
            }
            wanted.push(Wanted { computer: computer.name.clone(), binding: *binding, address });
        }
    }
    // A binding for IPv6 beside the same one for IPv4 counts as one port where one is asked for.
    let v4 = wanted.iter().filter(|wanted| wanted.address.is_ipv4()).count();
    match ports {
        Ports::Only(port) if v4.max(1) > 1 || wanted.len() > 2 => {
            Err(PortsError { port, bindings: wanted.len() })
        }
        _ => Ok(wanted),
    }
}

fn port_for(binding: Binding, ports: Ports) -> u16 {
    match (ports, binding.0.port()) {
        (Ports::Free, _) => 0,
        (Ports::Only(port), _) => port,
        (Ports::OffsetPrivileged, port @ ..1024) => port + 1000,
        (Ports::OffsetPrivileged, port) => port,
    }
}

fn address_for(binding: Binding, home: IpAddr) -> IpAddr {
    match (binding.0.is_ipv4(), home) {
        (true, IpAddr::V6(home)) if home.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        (false, IpAddr::V4(home)) if home.is_loopback() => Ipv6Addr::LOCALHOST.into(),
        (_, home) => home,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(text: &str) -> Binding {
        text.parse().unwrap()
    }

    #[test]
    fn low_ports_move_up_by_a_thousand_and_high_ones_stay() {
        assert_eq!(port_for(binding("0.0.0.0:25"), Ports::OffsetPrivileged), 1025);
        assert_eq!(port_for(binding("0.0.0.0:587"), Ports::OffsetPrivileged), 1587);
        assert_eq!(port_for(binding("0.0.0.0:2525"), Ports::OffsetPrivileged), 2525);
        assert_eq!(port_for(binding("0.0.0.0:25"), Ports::Free), 0);
    }

    #[test]
    fn a_binding_keeps_its_family_on_loopback() {
        let home = Ipv4Addr::new(127, 0, 0, 2).into();
        assert_eq!(address_for(binding("192.168.1.5:25"), home), home);
        assert_eq!(address_for(binding("[::]:25"), home), Ipv6Addr::LOCALHOST);
        assert_eq!(address_for(binding("0.0.0.0:25"), Ipv6Addr::LOCALHOST.into()), Ipv4Addr::LOCALHOST);
    }

    fn computer(bindings: &str) -> std::sync::Arc<Computer> {
        let file = format!(
            "title = \"x\"\n[[computer]]\nname = \"EX01\"\nfqdn = \"ex01.example.com\"\nrole = \"mailbox\"\n\
             profile = \"exchange-2019\"\n[[computer.receive_connector]]\nname = \"A\"\nbindings = [{bindings}]\n"
        );
        let text = crate::scenario::ScenarioText::parse(&file, "test").unwrap();
        let mut issuer =
            crate::scenario::Issuer::open(jiff::Timestamp::UNIX_EPOCH, &mut crate::pki::KeyPair::generate)
                .unwrap();
        text.build(&mut issuer, &mut crate::pki::KeyPair::generate).unwrap().remove(0).computer
    }

    fn addresses(bindings: &str, home: &str, ports: Ports) -> Vec<String> {
        let computer = computer(bindings);
        let wanted = wanted([(&*computer, home.parse().unwrap())].into_iter(), ports).unwrap();
        wanted.iter().map(|wanted| wanted.address.to_string()).collect()
    }

    #[test]
    fn both_families_have_a_socket_on_loopback_and_share_one_beyond_it() {
        let both = "\"[::]:25\", \"0.0.0.0:25\"";
        assert_eq!(addresses(both, "127.0.0.1", Ports::OffsetPrivileged), ["127.0.0.1:1025", "[::1]:1025"]);
        assert_eq!(addresses(both, "0.0.0.0", Ports::OffsetPrivileged), ["0.0.0.0:1025"]);
        assert_eq!(addresses(both, "127.0.0.1", Ports::Only(2025)), ["127.0.0.1:2025", "[::1]:2025"]);
    }

    #[test]
    fn two_addresses_of_a_computer_with_one_port_get_two_ports() {
        let two = "\"192.168.1.5:25\", \"192.168.1.6:25\"";
        assert_eq!(
            addresses(two, "127.0.0.1", Ports::OffsetPrivileged),
            ["127.0.0.1:1025", "127.0.0.1:2025"]
        );
        assert_eq!(addresses(two, "127.0.0.1", Ports::Free), ["127.0.0.1:0", "127.0.0.1:0"]);
    }
}

//! A separate address for each entry, because programs remember failures by address.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use crate::cli::output::{self, Failure};
use crate::wire::Ports;

/// The addresses that entries listen on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spots {
    /// True if each entry has an address of its own.
    pub(super) own: bool,
    ports: Ports,
}

/// The address that one entry listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) address: IpAddr,
    pub(super) ports: Ports,
}

impl Spots {
    /// Detects whether this machine has more than one loopback address, as Linux has and macOS has not, and
    /// reports it where there is only one. `at_once` is true if several entries listen at a time.
    pub(super) fn find(port: Option<u16>, at_once: bool) -> Result<Self, Failure> {
        let ports = port.filter(|port| *port > 0).map_or(Ports::Free, Ports::Only);
        let own = TcpListener::bind((nth(0), 0)).is_ok();
        match ports {
            Ports::Only(port) if !own && at_once => Err(Failure::usage(format!(
                "--port {port}: this machine has one loopback address, where several entries cannot share a \
                 port; leave --port away, or --jobs"
            ))),
            _ => {
                if !own {
                    output::remark(
                        "this machine has one loopback address, so entries differ by their ports only; a \
                         program that remembers failures by address may mix them up",
                    );
                }
                Ok(Self { own, ports })
            }
        }
    }

    /// Returns whether the labs of several entries can be open at the same time.
    pub(super) fn are_apart(&self) -> bool {
        self.own || !matches!(self.ports, Ports::Only(_))
    }

    /// Returns the address for the entry with this number, counted from 0.
    pub(super) fn at(&self, number: usize) -> Spot {
        let address = if self.own { nth(number) } else { Ipv4Addr::LOCALHOST };
        Spot { address: address.into(), ports: self.ports }
    }
}

/// Returns 127.77.0.1, 127.77.0.2 and so on. These never change, so that they can stand in a program's
/// configuration.
fn nth(number: usize) -> Ipv4Addr {
    const IN_A_ROW: usize = 250;
    let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, 77, byte(number / IN_A_ROW), byte(number % IN_A_ROW + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_has_an_address_of_its_own() {
        let addresses: std::collections::BTreeSet<_> = (0..1000).map(nth).collect();
        assert_eq!(addresses.len(), 1000);
        assert_eq!(nth(0).to_string(), "127.77.0.1");
        assert_eq!(nth(250).to_string(), "127.77.1.1");
        assert!(addresses.iter().all(Ipv4Addr::is_loopback));
    }
}

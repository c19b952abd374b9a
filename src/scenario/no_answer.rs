//! The reasons why nobody answers a sender, from the lab file's fault to the address that was dialed.

use std::net::{IpAddr, SocketAddr};

/// The reason why nobody answers a sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The Send connector is disabled.
    #[error("the Send connector {0} is disabled")]
    Disabled(String),
    /// The lab file does not name the sender's destination.
    #[error("it does not say where it goes")]
    NoDestination,
    /// The lab file's destination does not exist.
    #[error("{computer} has no receive connector {connector}")]
    NoConnector {
        /// The computer.
        computer: String,
        /// The connector.
        connector: String,
    },
    /// The lab gives the computer no address.
    #[error("{0} has no address in this lab")]
    NoAddress(String),
    /// The message is at its destination.
    #[error("it stays where it is")]
    StaysHere,
    /// No route leads to a computer of the lab.
    #[error("{0}")]
    Nowhere(String),
    /// The connector listens on nothing that the sender could reach.
    #[error("{connector} has no binding that {from} could reach")]
    OutOfReach {
        /// The connector.
        connector: String,
        /// The sender's address.
        from: IpAddr,
    },
    /// No connector serves the sender there.
    #[error("nobody answers {from} at {address} of {computer}")]
    Nobody {
        /// The sender's address.
        from: IpAddr,
        /// The address that was dialed.
        address: SocketAddr,
        /// The computer there.
        computer: String,
    },
}

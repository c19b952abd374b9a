//! The trace of a handshake, which lasts even if the handshake does not end.

use std::sync::Arc;

use crate::session::{ClientHelloFacts, InjectedFault};

/// A trace of a handshake while it is in progress, so that the facts are not lost if the future is dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HandshakeTrace {
    /// The client's offer, as soon as its ClientHello is complete.
    pub client_hello: Option<Arc<ClientHelloFacts>>,
    /// The number of bytes that have come of a ClientHello that is not complete.
    pub partial_hello: usize,
    /// The faults that the lab has injected, in order.
    pub injected: Vec<InjectedFault>,
}

//! The lab's own computers, by the sockets that they call each other from.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::exchange::Computer;

/// The computers of the lab that are at the other end of a connection.
///
/// One server of the lab recognizes another by this. A client outside the lab cannot connect from a socket
/// that is listed here, because the socket is in use for as long as it is listed.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<HashMap<SocketAddr, Arc<Computer>>>);

/// A socket that a computer calls from; it is forgotten when this is dropped.
#[derive(Debug)]
pub(super) struct Call {
    calls: Arc<Calls>,
    from: SocketAddr,
}

impl Calls {
    /// Notes that `computer` calls from this socket.
    pub(super) fn begin(self: &Arc<Self>, from: SocketAddr, computer: &Arc<Computer>) -> Call {
        let from = canonical(from);
        self.lock().insert(from, Arc::clone(computer));
        Call { calls: Arc::clone(self), from }
    }

    /// Returns the computer that calls from this socket.
    pub(super) fn caller(&self, from: SocketAddr) -> Option<Arc<Computer>> {
        self.lock().get(&canonical(from)).cloned()
    }

    // Nothing is left half changed under this lock, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arc<Computer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.from);
    }
}

/// Returns the socket with an IPv4 address if the peer came over IPv4, even over an IPv6 socket.
fn canonical(socket: SocketAddr) -> SocketAddr {
    SocketAddr::new(socket.ip().to_canonical(), socket.port())
}

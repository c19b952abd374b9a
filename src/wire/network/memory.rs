//! A network in memory: its listeners, and the ports that are in use.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::pipe::Pipe;

/// The maximum number of connections that wait to be accepted; further ones are refused.
pub(super) const BACKLOG: usize = 1024;

/// The first of the ephemeral ports (RFC 6335 section 6).
pub(super) const FIRST_FREE_PORT: u16 = 49_152;

/// A network in memory. Every address exists on it; clones are the same network.
///
/// Ports are assigned one after the other, so a lab that does the same has the same ports.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    listening: HashMap<SocketAddr, mpsc::Sender<Pipe>>,
    /// The sockets that connections come from.
    calling: HashSet<SocketAddr>,
    /// The number of ports that have been assigned.
    given: u16,
}

/// A socket that listens; connections that wait to be accepted when it is dropped are reset.
#[derive(Debug)]
pub(in super::super) struct Listener {
    memory: Memory,
    address: SocketAddr,
    waiting: mpsc::Receiver<Pipe>,
}

/// A socket that will connect.
#[derive(Debug)]
pub(in super::super) struct Socket(Port);

/// A port that is taken; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Port {
    memory: Memory,
    address: SocketAddr,
}

impl Memory {
    pub(super) fn bind(&self, mut address: SocketAddr) -> io::Result<Listener> {
        let mut state = self.lock();
        if address.port() == 0 {
            address = state.free(address.ip())?;
        } else if state.listening.keys().any(|other| overlap(*other, address)) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (connections, waiting) = mpsc::channel(BACKLOG);
        state.listening.insert(address, connections);
        Ok(Listener { memory: self.clone(), address, waiting })
    }

    pub(super) fn socket(&self, from: Option<IpAddr>, to: SocketAddr) -> io::Result<Socket> {
        let loopback =
            || if to.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { IpAddr::from(Ipv6Addr::LOCALHOST) };
        let from = from.unwrap_or_else(loopback);
        if from.is_ipv4() != to.is_ipv4() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let address = self.lock().free(from)?;
        Ok(Socket(self.port(address)))
    }

    /// Connects to `to` from an address of loopback, as a client outside the lab does.
    ///
    /// # Errors
    ///
    /// Nothing listens there, or no port is free.
    pub fn connect(
        &self,
        to: SocketAddr,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
        self.socket(None, to)?.connect(to)
    }

    /// Takes this port.
    pub(super) fn port(&self, address: SocketAddr) -> Port {
        self.lock().calling.insert(address);
        Port { memory: self.clone(), address }
    }

    // Nothing is left half changed under this lock, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the next port of `ip` that nothing has taken.
    fn free(&mut self, ip: IpAddr) -> io::Result<SocketAddr> {
        let ports = u16::MAX - FIRST_FREE_PORT + 1;
        for _ in 0..ports {
            let address = SocketAddr::new(ip, FIRST_FREE_PORT + self.given);
            self.given = (self.given + 1) % ports;
            let taken = self.calling.contains(&address)
                || self.listening.keys().any(|other| overlap(*other, address));
            if !taken {
                return Ok(address);
            }
        }
        Err(io::ErrorKind::AddrNotAvailable.into())
    }

    /// Returns the listener for connections to `to`.
    fn listener(&self, to: SocketAddr) -> Option<mpsc::Sender<Pipe>> {
        let any = match to {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let found = self.listening.get(&to).or_else(|| self.listening.get(&SocketAddr::new(any, to.port())));
        found.cloned()
    }
}

/// Returns whether two sockets cannot both listen.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.is_ipv4() == other.is_ipv4() && same
}

impl Listener {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn accept(&mut self) -> io::Result<Pipe> {
        // The network holds the other end for as long as this listens.
        self.waiting.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.memory.lock().listening.remove(&self.address);
        self.waiting.close();
        while let Ok(mut waiting) = self.waiting.try_recv() {
            waiting.reset_when_dropped();
        }
    }
}

impl Socket {
    pub(super) fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub(super) fn connect(self, to: SocketAddr) -> io::Result<Pipe> {
        let listener = self.0.memory.lock().listener(to);
        let listener = listener.ok_or(io::ErrorKind::ConnectionRefused)?;
        let (here, there) = Pipe::pair(self.0, to);
        match listener.try_send(there) {
            Ok(()) => Ok(here),
            Err(_) => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

impl Port {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.memory.lock().calling.remove(&self.address);
    }
}

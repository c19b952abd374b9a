//! The server: binds, accepts, and drives sessions over a network; the sender, which connects; and the relay,
//! by which mail goes on from one computer of the lab to the next.
//!
//! The network is the machine's, or one in memory ([`Network`]); nothing else here knows which.

mod budget;
mod calls;
mod connection;
mod fault;
mod fault_tls;
mod handshake;
mod network;
mod outbound;
mod ports;
mod prepared;
mod reading;
mod recent_events;
mod relay;
mod send;
mod state;
mod stream;
mod talk;
#[cfg(test)]
mod tests;

pub use network::{Memory, Network, listen};
pub use outbound::{reach, resolve};
pub use ports::{Ports, PortsError, Wanted, wanted};
pub use send::Sender;
pub use state::{DeclaredFault, LabState};

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exchange::Binding;
use crate::journal::{Connector, Record, SessionContext, SessionId, Stranger};
use crate::pki::Certificate;
use crate::session::fault::Conversation;
use crate::session::{ReceiveSession, Setting};
use budget::Budget;
use connection::{Connection, Shared};
use network::{Listener, NetStream};
use reading::LINE_READ;
use relay::Relay;
use stream::{Stream, Transport};

/// A socket that listens for one binding of one computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The computer's name.
    pub computer: String,
    /// The binding, as the connector has it.
    pub binding: Binding,
    /// The address that the lab really listens on.
    pub address: SocketAddr,
}

/// An error: a socket could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {binding} of {computer}: {error}{}", hint(.error))]
pub struct BindError {
    computer: String,
    binding: Binding,
    address: SocketAddr,
    error: io::Error,
}

/// Returns whether the machine lacks the address, or the whole address family (97 is Linux's EAFNOSUPPORT,
/// for which there is no `ErrorKind`).
fn has_no_ipv6(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(97)
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; something else listens there, perhaps another lab: try --port 0",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need root: try --port 0",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    }
}

/// Sockets that are bound and not yet served.
#[derive(Debug)]
pub struct Bound(Vec<(Endpoint, Listener)>);

/// The listening side of a lab.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    sessions: Arc<AtomicU64>,
    tasks: TaskTracker,
    listening: Arc<Listening>,
}

/// The sockets that are listened on, each with the token that ends it.
type Listening = Mutex<Vec<(Endpoint, CancellationToken)>>;

impl Server {
    /// Returns a server for `live` that keeps at most `content` bytes of content under way, and every message
    /// on the computer that accepted it.
    pub fn new(live: Arc<LabState>, content: u64) -> Self {
        Self::build(live, content, None)
    }

    /// Like `new`, with a relay: messages go on to the next computer of the lab. Its senders trust `roots`.
    pub fn relaying(live: Arc<LabState>, content: u64, roots: Vec<Certificate>) -> Self {
        Self::build(live, content, Some(roots))
    }

    fn build(live: Arc<LabState>, content: u64, roots: Option<Vec<Certificate>>) -> Self {
        let (sessions, listening) = (Arc::<AtomicU64>::default(), Arc::<Listening>::default());
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let relay = roots.map(|roots| {
            let (live, sessions, listening) =
                (Arc::clone(&live), Arc::clone(&sessions), Arc::clone(&listening));
            Arc::new(Relay::new(live, sessions, listening, roots, tasks.clone(), shutdown.clone()))
        });
        let shared = Shared { live, shutdown, content: Budget::new(content), relay };
        Self { shared: Arc::new(shared), sessions, tasks, listening }
    }

    /// Binds everything that is wanted and not listened on yet, or nothing.
    ///
    /// A binding of IPv6 is left out where the machine has none; `Ok` says what was bound.
    ///
    /// # Errors
    ///
    /// The first socket that could not be bound.
    pub async fn bind(&self, wanted: &[Wanted]) -> Result<Bound, BindError> {
        let known = self.endpoints();
        let mut bound = Vec::new();
        for Wanted { computer, binding, address } in wanted {
            if known.iter().any(|endpoint| endpoint.computer == *computer && endpoint.binding == *binding) {
                continue;
            }
            let listener = match self.shared.live.network().bind(*address).await {
                Err(error) if address.is_ipv6() && has_no_ipv6(&error) => {
                    tracing::warn!(%binding, computer, "this machine has no IPv6; the binding is left out");
                    continue;
                }
                result => result,
            };
            let listening = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
            let (computer, binding) = (computer.clone(), *binding);
            match listening {
                Ok((address, listener)) => bound.push((Endpoint { computer, binding, address }, listener)),
                Err(error) => return Err(BindError { computer, binding, address: *address, error }),
            }
        }
        Ok(Bound(bound))
    }

    /// Takes connections on what was bound.
    pub fn serve(&self, bound: Bound) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, mut listener) in bound.0 {
            let endpoint = Arc::new(endpoint);
            let stop = self.shared.shutdown.child_token();
            listening.push((Endpoint::clone(&endpoint), stop.clone()));
            let (shared, sessions) = (Arc::clone(&self.shared), Arc::clone(&self.sessions));
            let tasks = self.tasks.clone();
            self.tasks.spawn(async move {
                stop.run_until_cancelled(accept(&mut listener, &endpoint, &shared, &sessions, &tasks)).await;
            });
        }
    }

    /// Stops listening where nothing is wanted any more; open conversations go on.
    pub fn keep_only(&self, wanted: &[Wanted]) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.retain(|(endpoint, stop)| {
            let keep = wanted
                .iter()
                .any(|wanted| wanted.computer == endpoint.computer && wanted.binding == endpoint.binding);
            if !keep {
                stop.cancel();
            }
            keep
        });
    }

    /// Returns the counter that numbers the lab's conversations, those that it begins itself included.
    pub(crate) fn sessions(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sessions)
    }

    /// Returns the sockets that the lab listens on.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.iter().map(|(endpoint, _)| endpoint.clone()).collect()
    }

    /// Stops listening and waits at most `patience` for conversations to end by themselves.
    ///
    /// Returns whether all have ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.keep_only(&[]);
        self.tasks.close();
        self.shared.live.clock().timeout(patience, pin!(self.tasks.wait())).await.is_ok()
    }

    /// Stops listening, sends every peer a 421 reply, and waits at most `grace` for conversations to end.
    ///
    /// Returns whether all have ended.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.shared.shutdown.cancel();
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.tasks.close();
        self.shared.live.clock().timeout(grace, pin!(self.tasks.wait())).await.is_ok()
    }
}

/// The time to wait if the machine has run out of something that a connection needs.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

async fn accept(
    listener: &mut Listener,
    endpoint: &Arc<Endpoint>,
    shared: &Arc<Shared>,
    sessions: &AtomicU64,
    tasks: &TaskTracker,
) {
    let mut causes = BTreeSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                let session = SessionId(sessions.fetch_add(1, Ordering::SeqCst) + 1);
                let (endpoint, shared) = (Arc::clone(endpoint), Arc::clone(shared));
                tasks.spawn(connection(stream, remote, session, endpoint, shared));
            }
            Err(error) => {
                // Once for each cause, or a shortage would fill the disk with messages about it.
                if causes.insert(error.to_string()) {
                    tracing::warn!(%error, address = %endpoint.address, "no connection can be taken for now");
                }
                shared.live.clock().sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

/// No `async fn`: that would keep its arguments twice, for as long as the connection lasts.
#[expect(clippy::manual_async_fn, reason = "half the memory")]
fn connection(
    stream: NetStream,
    remote: SocketAddr,
    session: SessionId,
    endpoint: Arc<Endpoint>,
    shared: Arc<Shared>,
) -> impl Future<Output = ()> {
    async move {
        // A socket that listens on one address is known to be reached by it.
        let local = match endpoint.address {
            one if !one.ip().is_unspecified() => one,
            // A peer that is gone before the address was read cannot be recorded.
            _ => match stream.local_addr() {
                Ok(local) => local,
                Err(_) => return,
            },
        };
        let early = said_already(&stream);
        let way = Way { session, endpoint, local, remote };
        converse(stream, early, way, &shared).await;
    }
}

/// Returns what a peer has sent by now, up to as much as is read where lines are due.
fn said_already(stream: &NetStream) -> BytesMut {
    let mut said = BytesMut::new();
    // Nearly always nothing, for which a small buffer will do.
    let mut piece = [0; 256];
    loop {
        let read = stream.read_now(&mut piece);
        said.extend_from_slice(&piece[..read]);
        if read < piece.len() || said.len() >= LINE_READ {
            return said;
        }
    }
}

/// The binding and the addresses by which a peer came.
struct Way {
    session: SessionId,
    endpoint: Arc<Endpoint>,
    local: SocketAddr,
    remote: SocketAddr,
}

/// Holds one conversation from the banner to the end; `early` came before the banner left.
///
/// No `async fn`: that would keep its arguments twice, for as long as the connection lasts.
#[expect(clippy::manual_async_fn, reason = "half the memory")]
fn converse<IO: Stream>(stream: IO, early: BytesMut, way: Way, shared: &Shared) -> impl Future<Output = ()> {
    async move {
        // Its fields stay where they are; variables of their own would take as much again.
        let Way { session, endpoint, local, remote } = &way;
        let (session, local, remote) = (*session, *local, *remote);
        let peer = remote.ip().to_canonical();
        let Some(side) = shared.live.side_for(&endpoint.computer, endpoint.binding, peer) else {
            let record = Record::NoConnector(Box::new(Stranger { local, remote }));
            shared.live.journal().append(shared.live.clock().now(), None, record);
            return connection::say_and_close(shared.live.clock(), stream, &ReceiveSession::no_connector())
                .await;
        };
        let caller = shared.live.calls().caller(remote);
        let place = Arc::new(SessionContext {
            session,
            computer: Arc::clone(&side.computer),
            connector: Connector::Receive(Arc::clone(&side.connector)),
            local,
            remote,
            peer: caller.map(|caller| caller.name.clone()),
        });
        tracing::debug!(%session, %remote, connector = side.connector.name, "connected");
        connection::begin(shared, &place);
        shared.live.log_events(&side);
        let already = early.len();
        let conversation = Connection::new(shared, &side, &place, early);
        let connected = match side.counters.connect(&side.connector, peer) {
            Ok(connected) => connected,
            Err(limit) => {
                return conversation
                    .turn_away(stream, ReceiveSession::turn_away(&side.connector, limit))
                    .await;
            }
        };
        let setting = Setting {
            computer: Arc::clone(&side.computer),
            connector: Arc::clone(&side.connector),
            local,
            peer: remote,
            starttls: side.starttls.is_some(),
            anonymous_tls: side.anonymous_tls.is_some(),
            counters: Arc::clone(&side.counters),
        };
        let now = shared.live.clock().now();
        let faults = side.faults.as_ref().map(|table| table.connect(peer));
        let (session, first) = Conversation::open(Arc::new(setting), faults, already, now);
        conversation.hold(Transport::Left(stream), session, first).await;
        tracing::debug!(session = %place.session, "ended");
        drop(connected);
    }
}

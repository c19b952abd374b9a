//! A connection in memory.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::memory::Port;

/// The maximum number of bytes under way in one direction; a write beyond that waits for the reader.
pub(super) const CAPACITY: usize = 64 * 1024;

/// One end of a connection in memory.
///
/// It behaves as TCP on Linux does: what was sent before the end or a reset is still read; an end that is
/// dropped with unread bytes resets the connection; and the first write to an end that is gone succeeds.
#[derive(Debug)]
pub(in super::super) struct Pipe {
    local: SocketAddr,
    peer: SocketAddr,
    incoming: Arc<Flow>,
    outgoing: Arc<Flow>,
    resets: bool,
    /// The caller's port, which is taken until both ends are gone.
    _port: Arc<Port>,
}

/// The bytes in one direction.
#[derive(Debug, Default)]
struct Flow(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bytes: BytesMut,
    end: Option<End>,
    /// True if the reading end is gone.
    unread: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The state of a direction behind its last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The writer has shut its side down.
    Finished,
    /// The writer found its reader gone.
    Broken,
    /// The connection was reset by the other end.
    Reset,
}

impl Pipe {
    /// Returns both ends of a connection from `port` to `to`, the caller's first.
    pub(super) fn pair(port: Port, to: SocketAddr) -> (Self, Self) {
        let (there, back) = (Arc::<Flow>::default(), Arc::<Flow>::default());
        let (local, port) = (port.address(), Arc::new(port));
        let end = |local, peer, incoming: &Arc<Flow>, outgoing: &Arc<Flow>| Self {
            local,
            peer,
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            resets: false,
            _port: Arc::clone(&port),
        };
        (end(local, to, &back, &there), end(to, local, &there, &back))
    }

    /// Returns the address of this end.
    pub(super) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns the address of the other end.
    pub(super) fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Reads what is there by now.
    pub(super) fn read_now(&self, buffer: &mut [u8]) -> usize {
        self.incoming.lock().take(buffer)
    }

    /// Lets the connection be reset when this end is dropped.
    pub(super) fn reset_when_dropped(&mut self) {
        self.resets = true;
    }
}

impl Flow {
    // Nothing is left half changed under this lock, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let taken = self.bytes.len().min(buffer.len());
        self.bytes.copy_to_slice(&mut buffer[..taken]);
        if self.bytes.is_empty() {
            // A connection that says nothing needs no buffer.
            self.bytes = BytesMut::new();
        }
        self.wake_writer();
        taken
    }

    fn end(&mut self, end: End) {
        self.end.get_or_insert(end);
        self.wake_writer();
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut flow = self.incoming.lock();
        if !flow.bytes.is_empty() {
            let taken = flow.take(buffer.initialize_unfilled());
            buffer.advance(taken);
            return Poll::Ready(Ok(()));
        }
        match flow.end {
            Some(End::Finished | End::Broken) => Poll::Ready(Ok(())),
            Some(End::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            None => {
                flow.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut flow = self.outgoing.lock();
        match flow.end {
            Some(End::Finished | End::Broken) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(End::Reset) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            None => {}
        }
        if flow.unread {
            flow.end = Some(End::Broken);
            return Poll::Ready(Ok(bytes.len()));
        }
        let room = CAPACITY.saturating_sub(flow.bytes.len());
        if room == 0 && !bytes.is_empty() {
            flow.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let written = bytes.len().min(room);
        flow.bytes.extend_from_slice(&bytes[..written]);
        if let Some(reader) = flow.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.lock().end(End::Finished);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let resets = {
            let mut incoming = self.incoming.lock();
            let resets = self.resets || !incoming.bytes.is_empty();
            incoming.unread = true;
            incoming.bytes = BytesMut::new();
            if resets {
                incoming.end = Some(End::Reset);
            }
            incoming.wake_writer();
            resets
        };
        self.outgoing.lock().end(if resets { End::Reset } else { End::Finished });
    }
}

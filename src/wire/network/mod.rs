//! The network that connections go over: sockets of this machine, or pipes in memory.
//!
//! Everything above this module is the same for both. The pipes behave as TCP does where a session can tell:
//! each has its own pair of addresses, is bounded, is closed in one direction at a time, and can be reset.

mod memory;
mod pipe;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::pair;

pub use memory::Memory;
use pipe::Pipe;

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A network that a lab listens and connects on.
#[derive(Clone, Debug, Default)]
pub enum Network {
    /// The machine's own network.
    #[default]
    Sockets,
    /// A network in memory, which no other process can reach.
    Memory(Memory),
}

impl Network {
    /// Returns a new network in memory.
    pub fn in_memory() -> Self {
        Self::Memory(Memory::default())
    }

    /// Listens on `address`; port 0 stands for a free one.
    pub(super) async fn bind(&self, address: SocketAddr) -> io::Result<Listener> {
        match self {
            Self::Sockets => TcpListener::bind(address).await.map(Listener::Tcp),
            Self::Memory(memory) => memory.bind(address).map(Listener::Memory),
        }
    }

    /// Returns a socket that can connect to `to`, bound to `from` if that is given.
    pub(super) fn socket(&self, from: Option<IpAddr>, to: SocketAddr) -> io::Result<Socket> {
        match self {
            Self::Sockets => {
                let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
                if let Some(from) = from {
                    socket.bind((from, 0).into())?;
                }
                Ok(Socket::Tcp(socket))
            }
            Self::Memory(memory) => memory.socket(from, to).map(Socket::Memory),
        }
    }
}

/// Returns a socket that listens, for a protocol other than SMTP.
///
/// # Errors
///
/// The operating system's error.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// A socket that listens.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Memory(memory::Listener),
}

impl Listener {
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr(),
            Self::Memory(listener) => Ok(listener.address()),
        }
    }

    /// Returns the next connection and the address that it comes from.
    pub(super) async fn accept(&mut self) -> io::Result<(NetStream, SocketAddr)> {
        match self {
            Self::Tcp(listener) => {
                listener.accept().await.map(|(stream, peer)| (NetStream::tcp(stream), peer))
            }
            Self::Memory(listener) => {
                let pipe = listener.accept().await?;
                let peer = pipe.peer_addr();
                Ok((NetStream::pipe(pipe), peer))
            }
        }
    }
}

/// A socket before it is connected.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpSocket),
    Memory(memory::Socket),
}

impl Socket {
    /// Returns the address that it connects from.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.local_addr(),
            Self::Memory(socket) => Ok(socket.address()),
        }
    }

    pub(super) async fn connect(self, to: SocketAddr) -> io::Result<NetStream> {
        match self {
            Self::Tcp(socket) => socket.connect(to).await.map(NetStream::tcp),
            Self::Memory(socket) => socket.connect(to).map(NetStream::pipe),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) enum NetStream {
    Tcp(TcpStream),
    Pipe(Box<Pipe>),
}

impl NetStream {
    fn tcp(stream: TcpStream) -> Self {
        // A reply leaves at once. If the option cannot be set, it still leaves.
        stream.set_nodelay(true).ok();
        Self::Tcp(stream)
    }

    /// Wraps a pipe, in a box, or every socket would be as big.
    fn pipe(pipe: Pipe) -> Self {
        Self::Pipe(Box::new(pipe))
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr(),
            Self::Pipe(pipe) => Ok(pipe.local_addr()),
        }
    }

    #[cfg(test)]
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr(),
            Self::Pipe(pipe) => Ok(pipe.peer_addr()),
        }
    }

    /// Reads what is there by now; 0 where nothing is, or nothing more will come.
    pub(super) fn read_now(&self, buffer: &mut [u8]) -> usize {
        match self {
            Self::Tcp(stream) => stream.try_read(buffer).unwrap_or(0),
            Self::Pipe(pipe) => pipe.read_now(buffer),
        }
    }

    /// Lets the connection be reset (RST) when the stream is dropped.
    pub(super) fn reset_when_dropped(&mut self) {
        match self {
            // If that fails, the connection is closed in order.
            Self::Tcp(stream) => {
                stream.set_zero_linger().ok();
            }
            Self::Pipe(pipe) => pipe.reset_when_dropped(),
        }
    }
}

impl AsyncRead for NetStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Pipe(pipe) => Pin::new(pipe).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for NetStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Pipe(pipe) => Pin::new(pipe).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Pipe(pipe) => Pin::new(pipe).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Pipe(pipe) => pipe.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Pipe(pipe) => Pin::new(pipe).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Pipe(pipe) => Pin::new(pipe).poll_shutdown(cx),
        }
    }
}

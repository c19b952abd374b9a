//! The operations that faults need of a stream, beside reading and writing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::network::NetStream;
use crate::tls::ServerStream;

/// The transport that bytes go over, below TLS.
pub(super) trait Raw: AsyncRead + AsyncWrite + Unpin + Send {}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Raw for IO {}

/// A stream that can be ended abruptly.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Lets the connection be reset (RST) when the stream is dropped.
    fn reset_when_dropped(&mut self);

    /// Returns whether it is a stream of TLS.
    fn is_tls(&self) -> bool;

    /// Returns the stream beneath TLS, or the stream itself if there is no TLS.
    fn beneath(&mut self) -> &mut dyn Raw;
}

impl Stream for NetStream {
    fn reset_when_dropped(&mut self) {
        NetStream::reset_when_dropped(self);
    }

    fn is_tls(&self) -> bool {
        false
    }

    fn beneath(&mut self) -> &mut dyn Raw {
        self
    }
}

/// A connection in clear or inside TLS: one type for both, so that one conversation goes on from the first to the
/// second in the same place in memory.
pub(super) enum Transport<IO> {
    Clear(IO),
    Secured(Box<ServerStream<IO>>),
}

impl<IO: Stream> Stream for Transport<IO> {
    fn reset_when_dropped(&mut self) {
        match self {
            Self::Clear(io) => io.reset_when_dropped(),
            Self::Secured(io) => io.get_mut().reset_when_dropped(),
        }
    }

    fn is_tls(&self) -> bool {
        matches!(self, Self::Secured(_))
    }

    fn beneath(&mut self) -> &mut dyn Raw {
        match self {
            Self::Clear(io) => io.beneath(),
            Self::Secured(io) => io.get_mut().beneath(),
        }
    }
}

impl<IO: Stream> AsyncRead for Transport<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(io) => Pin::new(io).poll_read(cx, buffer),
            Self::Secured(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl<IO: Stream> AsyncWrite for Transport<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Secured(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(io) => Pin::new(io).poll_flush(cx),
            Self::Secured(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(io) => Pin::new(io).poll_shutdown(cx),
            Self::Secured(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

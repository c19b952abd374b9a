//! The operations that faults need of a stream, beside reading and writing.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::either::Either;

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

/// A connection: to the left in clear, to the right inside TLS. One type for both, so that one conversation goes on
/// from the first to the second in the same place in memory.
pub(super) type Transport<IO> = Either<IO, Box<ServerStream<IO>>>;

impl<IO: Stream> Stream for Transport<IO> {
    fn reset_when_dropped(&mut self) {
        match self {
            Self::Left(io) => io.reset_when_dropped(),
            Self::Right(io) => io.get_mut().reset_when_dropped(),
        }
    }

    fn is_tls(&self) -> bool {
        matches!(self, Self::Right(_))
    }

    fn beneath(&mut self) -> &mut dyn Raw {
        match self {
            Self::Left(io) => io.beneath(),
            Self::Right(io) => io.get_mut().beneath(),
        }
    }
}

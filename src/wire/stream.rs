//! The operations that faults need of a stream, beside reading and writing.

use tokio::io::{AsyncRead, AsyncWrite};

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

impl<IO: Stream> Stream for Box<ServerStream<IO>> {
    fn reset_when_dropped(&mut self) {
        self.get_mut().0.reset_when_dropped();
    }

    fn is_tls(&self) -> bool {
        true
    }

    fn beneath(&mut self) -> &mut dyn Raw {
        self.get_mut().0.beneath()
    }
}

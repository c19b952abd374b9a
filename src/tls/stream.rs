//! A connection that carries plaintext over TLS, as the server of it.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use rustls::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::session::{ServerSession, release};

/// A connection on which the lab is the server and the handshake is done.
///
/// While nothing is under way it takes no memory for buffers; see `tls/session.rs`.
pub struct ServerStream<IO> {
    io: IO,
    session: ServerSession,
    /// An error that comes behind plaintext which was read.
    error: Option<io::Error>,
    is_shut_down: bool,
}

/// The number of bytes that are read at once: a record of the greatest size.
const READ: usize = 5 + (16 << 10) + 256;
/// The number of bytes that are encrypted at once.
const WRITE: usize = 64 << 10;

impl<IO> ServerStream<IO> {
    pub(super) fn new(io: IO, session: ServerSession) -> Self {
        Self { io, session, error: None, is_shut_down: false }
    }

    /// Returns the stream beneath TLS.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ServerStream<IO> {
    /// Reads what has arrived, by way of the stack. Returns whether there was anything.
    fn poll_incoming(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let mut stack = [const { MaybeUninit::uninit() }; READ];
        let mut came = ReadBuf::uninit(&mut stack);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut came))?;
        if came.filled().is_empty() {
            return Poll::Ready(Ok(false));
        }
        let read = self.session.read_from(came.filled_mut(), buffer);
        if !self.session.outgoing.is_empty() {
            // An alert, or the answer to a key update; what does not leave now leaves before the next reply.
            let _ = self.poll_outgoing(cx);
        }
        Poll::Ready(read.map(|()| true).map_err(invalid))
    }

    /// Sends what is ready to be sent.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outgoing = &mut self.session.outgoing;
        while !outgoing.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, outgoing))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => outgoing.advance(sent),
            }
        }
        release(outgoing);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for ServerStream<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(error) = this.error.take() {
            return Poll::Ready(Err(error));
        }
        let before = buffer.filled().len();
        let mut read = this.session.read(buffer).map_err(invalid);
        while read.is_ok() && buffer.filled().len() == before && buffer.remaining() > 0 {
            if this.session.is_closed {
                return Poll::Ready(Ok(()));
            }
            read = match ready!(this.poll_incoming(cx, buffer)) {
                Ok(true) => Ok(()),
                Ok(false) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, NO_CLOSE_NOTIFY)),
                Err(error) => Err(error),
            };
        }
        match read {
            // What came before the error was sent, and is read first.
            Err(error) if buffer.filled().len() > before => this.error = Some(error),
            read => return Poll::Ready(read),
        }
        Poll::Ready(Ok(()))
    }
}

const NO_CLOSE_NOTIFY: &str = "the peer closed the connection without a close_notify";

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ServerStream<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        let bytes = bytes.get(..WRITE).unwrap_or(bytes);
        this.session.write(bytes).map_err(invalid)?;
        match this.poll_outgoing(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // The rest is kept, and leaves with the next write or flush.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !std::mem::replace(&mut this.is_shut_down, true) {
            // Without a session that works there is no close_notify, and the connection ends all the same.
            this.session.close().ok();
        }
        ready!(this.poll_outgoing(cx))?;
        Poll::Ready(match ready!(Pin::new(&mut this.io).poll_shutdown(cx)) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}

impl<IO> fmt::Debug for ServerStream<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerStream").finish_non_exhaustive()
    }
}

fn invalid(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::super::{ClientTls, ServerTls, Versions};
    use crate::clock::Clock;
    use crate::pki::{DistinguishedName, KeyAlgorithm, KeyPair, Template, self_signed};

    #[tokio::test]
    async fn an_idle_connection_holds_no_buffers() {
        let key = KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let subject = DistinguishedName::common_name("mail.example.com");
        let template = Template {
            subject,
            not_before: now,
            not_after: now,
            serial_number: vec![1],
            ..Template::default()
        };
        let certificate = self_signed(&template, &key).unwrap();
        for versions in [Versions::Only12, Versions::Only13] {
            let server = ServerTls::new(std::slice::from_ref(&certificate), &key, versions).unwrap();
            let client = ClientTls::trusting_anything(&Clock::pinned(now), versions).unwrap();
            let (here, there) = duplex(1 << 16);
            let (server, client) =
                tokio::join!(server.accept(here), client.connect("mail.example.com", there));
            let (mut server, mut client) = (server.unwrap().0, client.unwrap().0);
            for line in [&b"EHLO client.example.com\r\n"[..], &[b'x'; 30_000]] {
                client.write_all(line).await.unwrap();
                client.flush().await.unwrap();
                server.read_exact(&mut vec![0; line.len()]).await.unwrap();
                server.write_all(b"250 ok\r\n").await.unwrap();
                server.flush().await.unwrap();
                client.read_exact(&mut [0; 8]).await.unwrap();
            }
            assert_eq!(server.session.kept(), 0, "{versions:?}");
        }
    }
}

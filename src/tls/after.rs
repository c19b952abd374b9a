//! What is done to a stream once TLS is in force.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::{ServerStream, handshake, names};

/// Writes a fatal alert in clear into the middle of the encrypted stream: a receiver takes it for a record that was
/// tampered with.
///
/// # Errors
///
/// The stream does not take it.
pub async fn alert_in_clear<IO>(stream: &mut ServerStream<IO>, alert: u8) -> io::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    stream.flush().await?;
    handshake::write(stream.get_mut().0, &[21, 3, 3, 0, 2, 2, alert]).await
}

/// The stream below TLS, so that it can be ended without close_notify (RFC 8446 section 6.1) or reset. What
/// was said inside TLS has left if it was flushed.
pub fn without_close_notify<IO>(stream: ServerStream<IO>) -> IO {
    stream.into_inner().0
}

/// The alert that the peer sent inside TLS, by its IANA name, where that is what `error` says.
pub fn alert_received(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(names::alert(*alert)),
        _ => None,
    }
}

//! Alerts in clear, which a server sends by itself before rustls answers. There are no keys by then
//! (RFC 8446 section 6).

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::refused::Broken;
use super::trace::HandshakeTrace;
use super::{failure, handshake};
use crate::session::{InjectedFault, TlsFailure, alert_name};

const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// Returns the record of a fatal alert.
pub(super) const fn fatal(alert: u8) -> [u8; 7] {
    record(FATAL, alert)
}

/// Sends a warning and notes it in `trace`.
pub(super) async fn warn<IO: AsyncWrite + Unpin>(
    io: &mut IO,
    alert: u8,
    trace: &mut HandshakeTrace,
) -> Result<(), Broken> {
    send(io, &record(WARNING, alert)).await?;
    trace.injected.push(InjectedFault::Warning { alert });
    Ok(())
}

/// Refuses a client with an alert that is not an injected fault, and closes.
pub(super) async fn refuse<IO>(io: &mut IO, record: &[u8], alert: u8, reason: String) -> Broken
where
    IO: AsyncWrite + Unpin,
{
    // The result does not depend on whether the alert still reaches the client.
    let _ = send(io, record).await;
    let _ = io.shutdown().await;
    TlsFailure::AlertSent { alert: alert_name(alert).into(), reason }.into()
}

pub(super) async fn send<IO: AsyncWrite + Unpin>(io: &mut IO, bytes: &[u8]) -> Result<(), TlsFailure> {
    handshake::write(io, bytes).await.map_err(|error| failure::broken(&error))
}

const fn record(level: u8, alert: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, level, alert]
}

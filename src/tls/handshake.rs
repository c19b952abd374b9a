//! The driver of a handshake of rustls over any stream.
//!
//! tokio-rustls could do this too, but it keeps neither the first bytes of a peer that speaks no TLS nor an
//! alert that the stream does not take at once, and it writes a flight record by record.

use std::future::poll_fn;
use std::io::{self, Read};
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::{ConnectionCommon, Error, SideData};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::failure::{self, FirstOctets};
use crate::session::TlsFailure;

/// Runs `session` until the handshake is done and everything that it had to send has left.
///
/// On failure the alert has left too, and the stream is shut down for writing.
pub(super) async fn drive<S, D, IO>(session: &mut S, io: &mut IO) -> Result<(), TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    go_on(session, io, &mut FirstOctets::default()).await
}

/// Like [`drive`], for a session whose first input has been read already; `early` is that input.
pub(super) async fn drive_from<S, D, IO>(session: &mut S, io: &mut IO, early: &[u8]) -> Result<(), TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut first = FirstOctets::default();
    take_in(session, io, early, &mut first).await?;
    go_on(session, io, &mut first).await
}

/// Like [`drive_from`], with the first flight changed by `change`, which is given the original flight.
pub(super) async fn drive_changed<S, D, IO>(
    session: &mut S,
    io: &mut IO,
    early: &[u8],
    change: impl FnOnce(&mut [u8]),
) -> Result<(), TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut first = FirstOctets::default();
    let mut flight = first_flight(session, io, early, &mut first).await?;
    change(&mut flight);
    let sent = write(io, &flight).await;
    sent.map_err(|error| failure::broken(&error))?;
    go_on(session, io, &mut first).await
}

/// Returns the answer of `session` to `early` without sending it. A refusal has been sent.
pub(super) async fn first_flight<S, D, IO>(
    session: &mut S,
    io: &mut IO,
    early: &[u8],
    first: &mut FirstOctets,
) -> Result<Vec<u8>, TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    take_in(session, io, early, first).await?;
    let mut flight = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut flight).map_err(|error| failure::broken(&error))?;
    }
    Ok(flight)
}

async fn take_in<S, D, IO>(
    session: &mut S,
    io: &mut IO,
    mut early: &[u8],
    first: &mut FirstOctets,
) -> Result<(), TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    first.note(early);
    while !early.is_empty() {
        session.read_tls(&mut early).map_err(|error| failure::broken(&error))?;
        judge(session, io, &mut Vec::new(), first).await?;
    }
    Ok(())
}

async fn go_on<S, D, IO>(session: &mut S, io: &mut IO, first: &mut FirstOctets) -> Result<(), TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut flight = Vec::new();
    loop {
        let sent = send(session, io, &mut flight).await;
        if !session.is_handshaking() {
            // A client that has what it wanted may be gone before its ticket is sent. The next read finds
            // that the connection is over.
            return Ok(());
        }
        if let Err(error) = sent {
            let word = parting_word(session, io, first).await;
            return Err(word.unwrap_or_else(|| failure::broken(&error)));
        }
        match receive(session, io, first).await {
            Ok(0) => return Err(TlsFailure::Closed),
            Ok(_) => {}
            Err(error) => return Err(failure::broken(&error)),
        }
        judge(session, io, &mut flight, first).await?;
    }
}

/// Has `session` process its input. An error ends the handshake.
async fn judge<S, D, IO>(
    session: &mut S,
    io: &mut IO,
    flight: &mut Vec<u8>,
    first: &mut FirstOctets,
) -> Result<(), TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let failure = match session.process_new_packets() {
        Ok(state) if state.peer_has_closed() && session.is_handshaking() => TlsFailure::Closed,
        // These are too few bytes for rustls to judge, but enough to know that waiting for more is useless.
        Ok(_) if !first.may_be_tls() => first.not_tls(),
        Ok(_) => return Ok(()),
        Err(error) => {
            // The failure is known. It does not depend on whether the alert still reaches the peer.
            let _ = send(session, io, flight).await;
            failure::of(&error, flight, first)
        }
    };
    let _ = io.shutdown().await;
    Err(failure)
}

/// Sends all that is to be sent in one write, and keeps it in `flight`.
async fn send<S, D, IO>(session: &mut S, io: &mut IO, flight: &mut Vec<u8>) -> io::Result<()>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncWrite + Unpin,
{
    flight.clear();
    while session.wants_write() {
        session.write_tls(flight)?;
    }
    write(io, flight).await
}

/// Sends `bytes` directly, without a session.
pub(super) async fn write<IO: AsyncWrite + Unpin>(io: &mut IO, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    io.write_all(bytes).await?;
    io.flush().await
}

/// Reads what has arrived straight into the buffer of `session`. Returns 0 at the end of the stream.
async fn receive<S, D, IO>(session: &mut S, io: &mut IO, first: &mut FirstOctets) -> io::Result<usize>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + Unpin,
{
    poll_fn(|cx| match session.read_tls(&mut Incoming { io, cx, first }) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    })
    .await
}

/// Returns the alert of a peer that refused and left while the lab was still writing.
async fn parting_word<S, D, IO>(session: &mut S, io: &mut IO, first: &mut FirstOctets) -> Option<TlsFailure>
where
    S: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    IO: AsyncRead + Unpin,
{
    while let Ok(1..) = receive(session, io, first).await {
        if let Err(error) = session.process_new_packets() {
            let refused = matches!(error, Error::AlertReceived(_));
            return refused.then(|| failure::of(&error, &[], first));
        }
    }
    None
}

/// An adapter through which rustls reads a stream. A read of input that is not there yet would block.
struct Incoming<'a, 'b, IO> {
    io: &'a mut IO,
    cx: &'a mut Context<'b>,
    first: &'a mut FirstOctets,
}

impl<IO: AsyncRead + Unpin> Read for Incoming<'_, '_, IO> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.io).poll_read(self.cx, &mut buffer) {
            Poll::Ready(Ok(())) => {
                self.first.note(buffer.filled());
                Ok(buffer.filled().len())
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

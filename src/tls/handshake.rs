//! The driver of a handshake of rustls over any stream.
//!
//! tokio-rustls could do this too, but it keeps neither the first bytes of a peer that speaks no TLS nor an
//! alert that the stream does not take at once, and it writes a flight record by record.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use rustls::{ClientConnection, Error};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::failure::{self, FirstBytes};
use crate::session::TlsFailure;

/// One side of a handshake, as rustls has it.
pub(super) trait Session {
    /// Takes and processes bytes from the peer. Returns whether it has ended the session.
    fn process(&mut self, came: &[u8]) -> Result<bool, SessionError>;

    /// Moves all that is to be sent to the end of `flight`.
    fn take_flight(&mut self, flight: &mut Vec<u8>);

    fn is_handshaking(&self) -> bool;
}

/// An error of rustls.
#[derive(Debug)]
pub(super) enum SessionError {
    /// It ends the session.
    Tls(Error),
    /// Its buffers are full.
    Full(io::Error),
}

impl From<Error> for SessionError {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

impl Session for ClientConnection {
    fn process(&mut self, mut came: &[u8]) -> Result<bool, SessionError> {
        let mut has_closed = false;
        while !came.is_empty() && !has_closed {
            self.read_tls(&mut came).map_err(SessionError::Full)?;
            has_closed = self.process_new_packets()?.peer_has_closed();
        }
        Ok(has_closed)
    }

    fn take_flight(&mut self, flight: &mut Vec<u8>) {
        while self.wants_write() {
            // Writing to a vector cannot fail.
            let _ = self.write_tls(flight);
        }
    }

    fn is_handshaking(&self) -> bool {
        rustls::CommonState::is_handshaking(self)
    }
}

/// Runs `session` until the handshake is done and everything that it had to send has left.
///
/// On failure the alert has left too, and the stream is shut down for writing.
pub(super) async fn drive<S, IO>(session: &mut S, io: &mut IO) -> Result<(), TlsFailure>
where
    S: Session,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    go_on(session, io, &mut FirstBytes::default()).await
}

/// Like [`drive`], for a session whose first input has been read already; `early` is that input.
pub(super) async fn drive_from<S, IO>(session: &mut S, io: &mut IO, early: &[u8]) -> Result<(), TlsFailure>
where
    S: Session,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut first = FirstBytes::default();
    take_in(session, io, early, &mut first).await?;
    go_on(session, io, &mut first).await
}

/// Like [`drive_from`], with the first flight changed by `change`, which is given the original flight.
pub(super) async fn drive_changed<S, IO>(
    session: &mut S,
    io: &mut IO,
    early: &[u8],
    change: impl FnOnce(&mut [u8]),
) -> Result<(), TlsFailure>
where
    S: Session,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut first = FirstBytes::default();
    let mut flight = first_flight(session, io, early, &mut first).await?;
    change(&mut flight);
    let sent = write(io, &flight).await;
    sent.map_err(|error| failure::broken(&error))?;
    go_on(session, io, &mut first).await
}

/// Returns the answer of `session` to `early` without sending it. A refusal has been sent.
pub(super) async fn first_flight<S, IO>(
    session: &mut S,
    io: &mut IO,
    early: &[u8],
    first: &mut FirstBytes,
) -> Result<Vec<u8>, TlsFailure>
where
    S: Session,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    take_in(session, io, early, first).await?;
    let mut flight = Vec::new();
    session.take_flight(&mut flight);
    Ok(flight)
}

async fn take_in<S, IO>(
    session: &mut S,
    io: &mut IO,
    early: &[u8],
    first: &mut FirstBytes,
) -> Result<(), TlsFailure>
where
    S: Session,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    if early.is_empty() {
        return Ok(());
    }
    first.note(early);
    let taken = session.process(early);
    judge(taken, session, io, &mut Vec::new(), first).await
}

async fn go_on<S, IO>(session: &mut S, io: &mut IO, first: &mut FirstBytes) -> Result<(), TlsFailure>
where
    S: Session,
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
            Ok(Some(taken)) => judge(taken, session, io, &mut flight, first).await?,
            Ok(None) => return Err(TlsFailure::Closed),
            Err(error) => return Err(failure::broken(&error)),
        }
    }
}

/// Judges what `session` has made of its input. An error ends the handshake.
async fn judge<S, IO>(
    taken: Result<bool, SessionError>,
    session: &mut S,
    io: &mut IO,
    flight: &mut Vec<u8>,
    first: &mut FirstBytes,
) -> Result<(), TlsFailure>
where
    S: Session,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let failure = match taken {
        Ok(has_closed) if has_closed && session.is_handshaking() => TlsFailure::Closed,
        // These are too few bytes for rustls to judge, but enough to know that waiting for more is useless.
        Ok(_) if !first.may_be_tls() => first.not_tls(),
        Ok(_) => return Ok(()),
        Err(SessionError::Full(error)) => return Err(failure::broken(&error)),
        Err(SessionError::Tls(error)) => {
            // The failure is known. It does not depend on whether the alert still reaches the peer.
            let _ = send(session, io, flight).await;
            failure::of(&error, flight, first)
        }
    };
    let _ = io.shutdown().await;
    Err(failure)
}

/// Sends all that is to be sent in one write, and keeps it in `flight`.
async fn send<S, IO>(session: &mut S, io: &mut IO, flight: &mut Vec<u8>) -> io::Result<()>
where
    S: Session,
    IO: AsyncWrite + Unpin,
{
    flight.clear();
    session.take_flight(flight);
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

/// The number of bytes that are read at once.
const READ: usize = 4096;

/// Reads what has arrived, by way of the stack, and has `session` process it. Returns `None` at the end of the
/// stream.
async fn receive<S, IO>(
    session: &mut S,
    io: &mut IO,
    first: &mut FirstBytes,
) -> io::Result<Option<Result<bool, SessionError>>>
where
    S: Session,
    IO: AsyncRead + Unpin,
{
    poll_fn(|cx| {
        let mut buffer = [const { MaybeUninit::uninit() }; READ];
        let mut came = ReadBuf::uninit(&mut buffer);
        ready!(Pin::new(&mut *io).poll_read(cx, &mut came))?;
        first.note(came.filled());
        Poll::Ready(Ok((!came.filled().is_empty()).then(|| session.process(came.filled()))))
    })
    .await
}

/// Returns the alert of a peer that refused and left while the lab was still writing.
async fn parting_word<S, IO>(session: &mut S, io: &mut IO, first: &mut FirstBytes) -> Option<TlsFailure>
where
    S: Session,
    IO: AsyncRead + Unpin,
{
    while let Ok(Some(taken)) = receive(session, io, first).await {
        match taken {
            Ok(_) => {}
            Err(SessionError::Full(_)) => return None,
            Err(SessionError::Tls(error)) => {
                let refused = matches!(error, Error::AlertReceived(_));
                return refused.then(|| failure::of(&error, &[], first));
            }
        }
    }
    None
}

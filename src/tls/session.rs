//! The server's side of one TLS connection, without a buffer of its own while nothing is under way.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{Error, ServerConfig};
use tokio::io::ReadBuf;

use super::handshake::{Session, SessionError};

/// A session of rustls with the bytes that are on their way through it.
///
/// rustls's own `ServerConnection` keeps 4 KiB for reading as long as a connection lasts. Here an idle
/// connection keeps nothing: each of the buffers below is given back as soon as it is empty.
pub(super) struct ServerSession {
    rustls: UnbufferedServerConnection,
    /// The bytes that have come and are not processed, such as a part of a record. rustls has to be handed them
    /// every time.
    incoming: BytesMut,
    /// The plaintext for which its reader had no room.
    plaintext: BytesMut,
    /// The records that have not left.
    pub(super) outgoing: BytesMut,
    /// True if the peer has sent its close_notify.
    pub(super) is_closed: bool,
    /// True if rustls has given up, and must not be asked any more.
    has_failed: bool,
}

/// The aim of one run of a session.
enum Aim<'a, 'b> {
    /// The handshake.
    Handshake,
    /// Plaintext, as much as fits.
    Read(&'a mut ReadBuf<'b>),
    /// The encryption of this.
    Write(&'a [u8]),
    /// The close_notify.
    Close,
}

impl ServerSession {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        Ok(Self {
            rustls: UnbufferedServerConnection::new(config)?,
            incoming: BytesMut::new(),
            plaintext: BytesMut::new(),
            outgoing: BytesMut::new(),
            is_closed: false,
            has_failed: false,
        })
    }

    /// Returns what was negotiated.
    pub(super) fn state(&self) -> &rustls::CommonState {
        &self.rustls
    }

    /// Fills `buffer` with plaintext, as far as there is any.
    pub(super) fn read(&mut self, buffer: &mut ReadBuf<'_>) -> Result<(), Error> {
        let ready = self.plaintext.len().min(buffer.remaining());
        buffer.put_slice(self.plaintext.get(..ready).unwrap_or_default());
        self.plaintext.advance(ready);
        release(&mut self.plaintext);
        if buffer.remaining() > 0 && (self.has_failed || !self.incoming.is_empty()) {
            return self.read_from(&mut [], buffer);
        }
        Ok(())
    }

    /// Fills `buffer` with the plaintext of `came`, which has just come from the peer. What does not fit, and what
    /// is no whole record, is kept.
    pub(super) fn read_from(&mut self, came: &mut [u8], buffer: &mut ReadBuf<'_>) -> Result<(), Error> {
        self.take_in(came, Aim::Read(buffer))
    }

    /// Encrypts `plaintext` into `outgoing`.
    pub(super) fn write(&mut self, plaintext: &[u8]) -> Result<(), Error> {
        self.take_in(&mut [], Aim::Write(plaintext))
    }

    /// Puts a close_notify into `outgoing`.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.take_in(&mut [], Aim::Close)
    }

    /// Returns the number of bytes that the buffers take.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.incoming.capacity() + self.plaintext.capacity() + self.outgoing.capacity()
    }

    /// Processes `came` behind what was left of earlier bytes.
    fn take_in(&mut self, came: &mut [u8], aim: Aim<'_, '_>) -> Result<(), Error> {
        if self.incoming.is_empty() {
            let (taken, result) = self.run(came, aim);
            self.incoming.extend_from_slice(came.get(taken..).unwrap_or_default());
            return result;
        }
        let mut incoming = std::mem::take(&mut self.incoming);
        incoming.extend_from_slice(came);
        let (taken, result) = self.run(&mut incoming, aim);
        incoming.advance(taken.min(incoming.len()));
        release(&mut incoming);
        self.incoming = incoming;
        result
    }

    /// Runs rustls on `input` until the aim is reached or more has to come. Returns how much of the input is done
    /// with.
    fn run(&mut self, input: &mut [u8], mut aim: Aim<'_, '_>) -> (usize, Result<(), Error>) {
        if self.has_failed {
            return (input.len(), Err(Error::General("the session has failed before".to_owned())));
        }
        let mut taken = 0;
        let result = loop {
            let rest = input.get_mut(taken..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.rustls.process_tls_records(rest);
            let done = match state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.outgoing).err().map(Err),
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    // It is in `outgoing`, which leaves before anything that comes after it.
                    data.done();
                    None
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    let mut full = false;
                    let failed = loop {
                        let record = match traffic.next_record() {
                            None => break None,
                            Some(Err(error)) => break Some(error),
                            Some(Ok(record)) => record,
                        };
                        discard += record.discard;
                        let mut payload = record.payload;
                        if let Aim::Read(buffer) = &mut aim {
                            let (now, later) = payload.split_at(payload.len().min(buffer.remaining()));
                            buffer.put_slice(now);
                            payload = later;
                            full = buffer.remaining() == 0;
                        }
                        self.plaintext.extend_from_slice(payload);
                    };
                    // The handshake is over, and what comes behind it waits for its reader.
                    let enough = full || matches!(aim, Aim::Handshake);
                    failed.map(Err).or(enough.then_some(Ok(())))
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.is_closed = true;
                    None
                }
                Ok(ConnectionState::WriteTraffic(mut traffic)) => Some(match aim {
                    Aim::Handshake | Aim::Read(_) => Ok(()),
                    Aim::Write(plaintext) => encrypt(&mut traffic, plaintext, &mut self.outgoing),
                    Aim::Close => close(&mut traffic, &mut self.outgoing),
                }),
                Ok(ConnectionState::Closed | ConnectionState::BlockedHandshake) => Some(Ok(())),
                // Early data is not offered, and there are no other states today.
                Ok(_) => Some(Err(Error::General("unexpected state of the session".to_owned()))),
                Err(error) => {
                    taken += discard;
                    discard = 0;
                    self.fail(input.get_mut(taken..).unwrap_or_default());
                    Some(Err(error))
                }
            };
            taken += discard;
            if let Some(result) = done {
                break result;
            }
        };
        // Nothing behind a close_notify or an error counts (RFC 8446 section 6.1).
        let over = self.is_closed || result.is_err();
        self.has_failed |= result.is_err();
        (if over { input.len() } else { taken.min(input.len()) }, result)
    }

    /// Puts what rustls has to say about an error into `outgoing`. rustls must not look at its input again, so it is
    /// asked only as long as something is ready.
    fn fail(&mut self, input: &mut [u8]) {
        while self.rustls.wants_write() {
            let Ok(ConnectionState::EncodeTlsData(data)) = self.rustls.process_tls_records(input).state
            else {
                return;
            };
            if encode(data, &mut self.outgoing).is_err() {
                return;
            }
        }
    }
}

impl Session for ServerSession {
    fn process(&mut self, came: &[u8]) -> Result<bool, SessionError> {
        let mut came = BytesMut::from(came);
        self.take_in(&mut came, Aim::Handshake)?;
        Ok(self.is_closed)
    }

    fn take_flight(&mut self, flight: &mut Vec<u8>) {
        flight.extend_from_slice(&self.outgoing);
        self.outgoing = BytesMut::new();
    }

    fn is_handshaking(&self) -> bool {
        self.rustls.is_handshaking()
    }
}

/// Gives a buffer back from which everything was taken.
pub(super) fn release(buffer: &mut BytesMut) {
    if buffer.is_empty() {
        *buffer = BytesMut::new();
    }
}

fn encode<D>(mut data: EncodeTlsData<'_, D>, outgoing: &mut BytesMut) -> Result<(), Error> {
    grow(outgoing, 0, |room| match data.encode(room) {
        Ok(written) => Ok(written),
        Err(EncodeError::InsufficientSize(size)) => Err(Ok(size.required_size)),
        Err(EncodeError::AlreadyEncoded) => Err(Err(Error::General(EncodeError::AlreadyEncoded.to_string()))),
    })
}

/// The most that a record adds to its plaintext, with room for a key update before it (RFC 8446 section 5.2).
const OVERHEAD: usize = 256;

fn encrypt<D>(
    traffic: &mut WriteTraffic<'_, D>,
    plaintext: &[u8],
    outgoing: &mut BytesMut,
) -> Result<(), Error> {
    grow(outgoing, plaintext.len() + OVERHEAD, |room| {
        traffic.encrypt(plaintext, room).map_err(|error| required(&error))
    })
}

fn close<D>(traffic: &mut WriteTraffic<'_, D>, outgoing: &mut BytesMut) -> Result<(), Error> {
    grow(outgoing, OVERHEAD, |room| traffic.queue_close_notify(room).map_err(|error| required(&error)))
}

fn required(error: &EncryptError) -> Result<usize, Error> {
    match error {
        EncryptError::InsufficientSize(size) => Ok(size.required_size),
        EncryptError::EncryptExhausted => Err(Error::EncryptError),
    }
}

/// Has `write` fill room behind `outgoing`: as much as `guess`, or as much as it says that it requires.
fn grow(
    outgoing: &mut BytesMut,
    guess: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Result<usize, Error>>,
) -> Result<(), Error> {
    let before = outgoing.len();
    let mut room = guess;
    loop {
        outgoing.resize(before + room, 0);
        match write(outgoing.get_mut(before..).unwrap_or_default()) {
            Ok(written) => {
                outgoing.truncate(before + written);
                return Ok(());
            }
            Err(Ok(required)) if required > room => room = required,
            Err(failed) => {
                outgoing.truncate(before);
                return Err(failed.err().unwrap_or(Error::EncryptError));
            }
        }
    }
}

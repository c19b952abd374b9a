//! The faults of a handshake: what a lab does to the server's first flight on purpose.

use tokio::io::{AsyncRead, AsyncWrite};

use super::alert::{self, send};
use super::failure::FirstBytes;
use super::hello::Hello;
use super::legacy::Answer;
use super::refused::Broken;
use super::session::ServerSession;
use super::setup::CertificateSet;
use super::trace::HandshakeTrace;
use super::{handshake, legacy};
use crate::session::fault::{Corruption, Cut, CutAfter, FlightAction, LegacyVersion, Then};
use crate::session::{ClientHelloFacts, InjectedFault, TlsFailure};

/// The fault of one handshake; none by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HandshakeFault {
    /// The actions on the server's first flight, in this order.
    pub actions: Vec<FlightAction>,
    /// The way in which the connection ends. If it is `None`, an alert and a cut close the connection, and
    /// after raw bytes and a legacy flight it is the client's turn.
    pub then: Option<Then>,
    /// The bytes of the handshake that have been read already.
    pub early: Vec<u8>,
}

/// The change of the flight with which rustls answers a ClientHello.
#[derive(Clone, Copy)]
pub(super) enum FlightChange {
    /// A byte of it is flipped.
    Corrupt(Corruption),
    /// The handshake ends after its first bytes; if their number is not given, after the ServerHello.
    Cut(Option<u32>),
}

impl HandshakeFault {
    /// Returns whether the connection ends without regard to what the client sends.
    pub(super) fn ends_at_once(&self) -> bool {
        self.actions.is_empty() && self.then.is_some_and(|then| then != Then::Silence)
    }

    /// Applies the fault to a client whose ClientHello is there. If rustls is to answer, it returns what
    /// changes in the answer.
    pub(super) async fn inject<IO>(
        &self,
        certificates: &CertificateSet,
        io: &mut IO,
        hello: &Hello,
        facts: &ClientHelloFacts,
        trace: &mut HandshakeTrace,
    ) -> Result<Option<FlightChange>, Broken>
    where
        IO: AsyncWrite + Unpin,
    {
        let mut change = None;
        for action in &self.actions {
            let (bytes, injected, then) = match action {
                FlightAction::Warning(alert) => {
                    alert::warn(io, *alert, trace).await?;
                    continue;
                }
                FlightAction::Corrupt(corruption) => {
                    change = Some(FlightChange::Corrupt(*corruption));
                    continue;
                }
                FlightAction::Cut(Cut { after: CutAfter::ServerHello, octets }) => {
                    return Ok(Some(FlightChange::Cut(*octets)));
                }
                FlightAction::Cut(Cut { after: CutAfter::ClientHello, .. }) => {
                    let injected = InjectedFault::Cut { after: CutAfter::ClientHello, octets: 0 };
                    (Vec::new(), injected, self.then_or_close())
                }
                FlightAction::Raw(bytes) => {
                    (bytes.to_vec(), InjectedFault::Octets { octets: bytes.len() }, self.then)
                }
                FlightAction::Alert(alert) => {
                    let injected = InjectedFault::Alert { alert: *alert };
                    (alert::fatal(*alert).to_vec(), injected, self.then_or_close())
                }
                FlightAction::Legacy(server) => {
                    let (bytes, injected) = legacy_flight(*server, certificates, io, hello, facts).await?;
                    (bytes, injected, self.then)
                }
            };
            send(io, &bytes).await?;
            return Err(broken(injected, then, hello.behind(), trace));
        }
        match self.then {
            Some(_) => Err(self.end(hello.behind(), trace)),
            None => Ok(change),
        }
    }

    /// Has `session` answer, with the change of its first flight.
    pub(super) async fn answer<IO>(
        &self,
        change: FlightChange,
        session: &mut ServerSession,
        io: &mut IO,
        hello: &Hello,
        trace: &mut HandshakeTrace,
    ) -> Result<(), Broken>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match change {
            FlightChange::Corrupt(corruption) => {
                let flip = |flight: &mut [u8]| {
                    let at = (corruption.octet as usize).min(flight.len().saturating_sub(1));
                    if let Some(flipped) = flight.get_mut(at) {
                        *flipped = !*flipped;
                        trace.injected.push(InjectedFault::Corrupted { octet: at });
                    }
                };
                Ok(handshake::drive_changed(session, io, hello.bytes(), flip).await?)
            }
            FlightChange::Cut(length) => {
                let mut first = FirstBytes::default();
                let flight = handshake::first_flight(session, io, hello.bytes(), &mut first).await?;
                let part = match length {
                    Some(length) => flight.get(..length as usize).unwrap_or(&flight).to_vec(),
                    None => server_hello(&flight),
                };
                send(io, &part).await?;
                let injected = InjectedFault::Cut { after: CutAfter::ServerHello, octets: part.len() };
                Err(broken(injected, self.then_or_close(), &[], trace))
            }
        }
    }

    /// Ends the handshake without any other action; `heard` came behind the ClientHello.
    pub(super) fn end(&self, heard: &[u8], trace: &mut HandshakeTrace) -> Broken {
        let injected = match self.then {
            Some(Then::Close | Then::Fin) => InjectedFault::Close,
            Some(Then::Reset) => InjectedFault::Reset,
            Some(Then::Silence) | None => InjectedFault::Silence,
        };
        broken(injected, self.then, heard, trace)
    }

    fn then_or_close(&self) -> Option<Then> {
        self.then.or(Some(Then::Close))
    }
}

fn broken(injected: InjectedFault, then: Option<Then>, heard: &[u8], trace: &mut HandshakeTrace) -> Broken {
    trace.injected.push(injected.clone());
    let failure = TlsFailure::OnPurpose { fault: injected, client: None };
    Broken { failure, then, heard: heard.to_vec() }
}

/// Returns the first flight of a legacy server, which is not sent yet. If the server refuses the client,
/// sends the refusal.
async fn legacy_flight<IO: AsyncWrite + Unpin>(
    server: LegacyVersion,
    certificates: &CertificateSet,
    io: &mut IO,
    hello: &Hello,
    facts: &ClientHelloFacts,
) -> Result<(Vec<u8>, InjectedFault), Broken> {
    match legacy::answer(server, facts, hello.random(), &certificates.first().certified) {
        Answer::Flight(bytes, injected) => Ok((bytes, injected)),
        Answer::Alert(record, alert, reason) => Err(alert::refuse(io, &record, alert, reason).await),
        Answer::Impossible(reason) => Err(TlsFailure::Unusable { reason }.into()),
    }
}

/// Returns the ServerHello of a flight in a record of its own, as most servers write it. rustls puts all
/// messages of TLS 1.2 into one record.
fn server_hello(flight: &[u8]) -> Vec<u8> {
    let alone = || {
        let (head, rest) = flight.split_at_checked(5)?;
        let [_, _, high, low, ..] = *rest else { return None };
        let length = 4 + u16::from_be_bytes([high, low]);
        let message = rest.get(..usize::from(length))?;
        Some([head.get(..3)?, &length.to_be_bytes(), message].concat())
    };
    alone().unwrap_or_else(|| flight.to_vec())
}

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::DnsName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::failure::{self, FirstOctets};
use super::hello::Hello;
use super::legacy::Answer;
use super::refused::Refused;
use super::session::ServerSession;
use super::setup::{CertificateSet, Choice, Options, ServerIdentity, Setup};
use super::stream::ServerStream;
use super::{TlsSetupError, Versions, handshake, legacy, names};
use crate::pki::{Certificate, KeyPair, Thumbprint};
use crate::session::fault::{Corruption, Cut, CutAfter, FlightAction, LegacyVersion, Then};
use crate::session::{ClientHelloFacts, InjectedFault, TlsFacts, TlsFailure, alert_name};

/// The TLS side of a connector: certificates with their chains and keys, and the versions spoken.
///
/// Built once, used for every connection; clones share it. A certificate is presented as it is: expired, with
/// another name, of X.509 v1, or with a key that is not its own.
#[derive(Clone)]
pub struct ServerTls(Arc<CertificateSet>);

/// A trace of a handshake while it is in progress, so that the facts are not lost if the future is dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HandshakeTrace {
    /// The client's offer, as soon as its ClientHello is complete.
    pub client_hello: Option<Arc<ClientHelloFacts>>,
    /// The number of bytes that have come of a ClientHello that is not complete.
    pub partial_hello: usize,
    /// The faults that the lab has injected, in order.
    pub injected: Vec<InjectedFault>,
}

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

/// The result of a handshake: a stream and what was negotiated, or the failure.
pub type Accepted<IO> = Result<(ServerStream<IO>, TlsFacts), Box<Refused<IO>>>;

impl ServerTls {
    /// Creates a server that presents `chain`, leaf first, and signs with `key`, whether or not it is the
    /// leaf's.
    pub fn new(chain: &[Certificate], key: &KeyPair, versions: Versions) -> Result<Self, TlsSetupError> {
        Ok(Self(Arc::new(CertificateSet::of_one(ServerIdentity::new(
            chain,
            key,
            versions,
            Options::default(),
        )?))))
    }

    /// Creates a server that presents the certificates of `setup`. Each of them needs a configuration of
    /// rustls, so a connector keeps the server for as long as its certificates are the same.
    ///
    /// # Errors
    ///
    /// There is no certificate, or a key or a root cannot be used.
    pub fn with(setup: &Setup<'_>) -> Result<Self, TlsSetupError> {
        Ok(Self(Arc::new(CertificateSet::new(setup)?)))
    }

    /// Returns the leaf that is presented to clients that ask for no name.
    pub fn presented(&self) -> Thumbprint {
        self.0.first().presented
    }

    /// Does the handshake on a stream on which the client speaks next.
    ///
    /// It takes as long as the client does. To set a limit, drop the future. On failure the client has been
    /// sent its alert and the connection is closed.
    pub async fn accept<IO>(&self, io: IO) -> Result<(ServerStream<IO>, TlsFacts), TlsFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let accepted = self.accept_as(&HandshakeFault::default(), io, &mut HandshakeTrace::default()).await;
        accepted.map_err(|refused| refused.failure)
    }

    /// Like [`Self::accept`], with what `fault` does to the handshake; `witness` records its progress.
    ///
    /// # Errors
    ///
    /// The handshake failed; the error holds the stream. If the lab broke the handshake on purpose, that is
    /// done when this returns, and [`Refused::watch`] reads the client's reaction.
    pub async fn accept_as<IO>(
        &self,
        fault: &HandshakeFault,
        mut io: IO,
        witness: &mut HandshakeTrace,
    ) -> Accepted<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match self.shake_hands(fault, &mut io, witness).await {
            Ok((session, face)) => finish(session, face, io, witness),
            Err(Broken { failure, heard, then }) => {
                match then {
                    // There are no keys yet, and so no close_notify.
                    Some(Then::Close | Then::Fin) => drop(io.shutdown().await),
                    Some(Then::Reset | Then::Silence) | None => {}
                }
                Err(Box::new(Refused { failure, then, io, heard }))
            }
        }
    }

    async fn shake_hands<IO>(
        &self,
        fault: &HandshakeFault,
        io: &mut IO,
        witness: &mut HandshakeTrace,
    ) -> Result<(ServerSession, &ServerIdentity), Broken>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if fault.actions.is_empty() && fault.then.is_some_and(|then| then != Then::Silence) {
            return Err(fault.broken(fault.ending(), fault.then, &[], witness));
        }
        let hello = Hello::listen(io, &fault.early, &mut witness.partial_hello).await;
        let hello = hello.map_err(|error| failure::broken(&error))?;
        let facts = hello.facts().map(Arc::new);
        witness.client_hello.clone_from(&facts);
        let Some(facts) = facts else {
            // This is no client for which a fault could be done. rustls reports what is wrong with its input.
            let face = self.0.first();
            let mut session = new_session(face)?;
            handshake::drive_from(&mut session, io, hello.bytes()).await?;
            return Ok((session, face));
        };
        let corruption = self.misbehave(fault, io, &hello, &facts, witness).await?;
        let face = self.choose(io, &facts, witness).await?;
        let session = negotiate(corruption, io, &hello, face, witness).await;
        Ok((session.map_err(|broken| broken.explained(face, &facts))?, face))
    }

    /// Applies `fault` to a client whose ClientHello is there. If the handshake goes on, it returns what is
    /// to be corrupted in the answer.
    async fn misbehave<IO>(
        &self,
        fault: &HandshakeFault,
        io: &mut IO,
        hello: &Hello,
        facts: &ClientHelloFacts,
        witness: &mut HandshakeTrace,
    ) -> Result<Option<Corruption>, Broken>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut corruption = None;
        for action in &fault.actions {
            let closes = fault.then.or(Some(Then::Close));
            let (octets, injected, then) = match action {
                FlightAction::Warning(alert) => {
                    warn(io, *alert, witness).await?;
                    continue;
                }
                FlightAction::Corrupt(it) => {
                    corruption = Some(*it);
                    continue;
                }
                FlightAction::Raw(octets) => {
                    (octets.to_vec(), InjectedFault::Octets { octets: octets.len() }, fault.then)
                }
                FlightAction::Alert(alert) => {
                    (alert_record(FATAL, *alert).to_vec(), InjectedFault::Alert { alert: *alert }, closes)
                }
                FlightAction::Legacy(server) => {
                    let (octets, injected) = self.legacy(*server, io, hello, facts).await?;
                    (octets, injected, fault.then)
                }
                FlightAction::Cut(Cut { after: CutAfter::ClientHello, .. }) => {
                    (Vec::new(), InjectedFault::Cut { after: CutAfter::ClientHello, octets: 0 }, closes)
                }
                FlightAction::Cut(Cut { after: CutAfter::ServerHello, octets }) => {
                    let face = self.choose(io, facts, witness).await?;
                    let part = cut(*octets, io, hello, face).await;
                    let part = part.map_err(|broken| broken.explained(face, facts))?;
                    send(io, &part).await?;
                    let injected = InjectedFault::Cut { after: CutAfter::ServerHello, octets: part.len() };
                    return Err(fault.broken(injected, closes, &[], witness));
                }
            };
            send(io, &octets).await?;
            return Err(fault.broken(injected, then, hello.behind(), witness));
        }
        match fault.then {
            Some(_) => Err(fault.broken(fault.ending(), fault.then, hello.behind(), witness)),
            None => Ok(corruption),
        }
    }

    /// Returns the first flight of a legacy server, which is not sent yet. If the server refuses the client,
    /// sends the refusal.
    async fn legacy<IO: AsyncWrite + Unpin>(
        &self,
        server: LegacyVersion,
        io: &mut IO,
        hello: &Hello,
        facts: &ClientHelloFacts,
    ) -> Result<(Vec<u8>, InjectedFault), Broken> {
        match legacy::answer(server, facts, hello.random(), &self.0.first().certified) {
            Answer::Flight(octets, injected) => Ok((octets, injected)),
            Answer::Alert(record, alert, reason) => Err(refuse(io, &record, alert, reason).await),
            Answer::Impossible(reason) => Err(TlsFailure::Unusable { reason }.into()),
        }
    }

    async fn choose<IO: AsyncWrite + Unpin>(
        &self,
        io: &mut IO,
        facts: &ClientHelloFacts,
        witness: &mut HandshakeTrace,
    ) -> Result<&ServerIdentity, Broken> {
        match self.0.choose(facts) {
            Choice::Present(face) => return Ok(face),
            Choice::Warn(face) => {
                warn(io, UNRECOGNIZED_NAME, witness).await?;
                return Ok(face);
            }
            Choice::Refuse => {}
        }
        let name = facts.server_name.as_deref().unwrap_or_default();
        let reason =
            format!("no certificate is kept for the name `{name}`, which the client asks for by SNI");
        Err(refuse(io, &alert_record(FATAL, UNRECOGNIZED_NAME), UNRECOGNIZED_NAME, reason).await)
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerTls(presents {})", self.presented())
    }
}

/// A broken handshake, before the end of the stream is decided.
struct Broken {
    failure: TlsFailure,
    then: Option<Then>,
    heard: Vec<u8>,
}

impl HandshakeFault {
    /// Returns the end of the connection as an injected fault, for when no other action was done.
    fn ending(&self) -> InjectedFault {
        match self.then {
            Some(Then::Close | Then::Fin) => InjectedFault::Close,
            Some(Then::Reset) => InjectedFault::Reset,
            Some(Then::Silence) | None => InjectedFault::Silence,
        }
    }

    fn broken(
        &self,
        injected: InjectedFault,
        then: Option<Then>,
        heard: &[u8],
        witness: &mut HandshakeTrace,
    ) -> Broken {
        witness.injected.push(injected.clone());
        let failure = TlsFailure::OnPurpose { fault: injected, client: None };
        Broken { failure, then, heard: heard.to_vec() }
    }
}

impl Broken {
    /// Replaces the reason with a plainer one, if the ClientHello holds one.
    fn explained(mut self, face: &ServerIdentity, hello: &ClientHelloFacts) -> Self {
        if let TlsFailure::AlertSent { reason, .. } = &mut self.failure
            && let Some(plainer) = face.misfit(hello)
        {
            *reason = plainer;
        }
        self
    }
}

impl From<TlsFailure> for Broken {
    fn from(failure: TlsFailure) -> Self {
        Self { failure, then: None, heard: Vec::new() }
    }
}

fn new_session(face: &ServerIdentity) -> Result<ServerSession, TlsFailure> {
    ServerSession::new(face.config.clone()).map_err(|error| unusable(&error))
}

/// Returns the stream of a session whose handshake is done.
fn finish<IO>(
    session: ServerSession,
    face: &ServerIdentity,
    io: IO,
    witness: &HandshakeTrace,
) -> Accepted<IO> {
    match facts(&session, face, witness) {
        Some(facts) => Ok((ServerStream::new(io, session), facts)),
        None => {
            let failure = unusable(&"the handshake ended without a result");
            Err(Box::new(Refused { failure, then: None, io, heard: Vec::new() }))
        }
    }
}

fn facts(session: &ServerSession, face: &ServerIdentity, witness: &HandshakeTrace) -> Option<TlsFacts> {
    let state = session.state();
    let chain = state.peer_certificates().unwrap_or_default();
    let client = chain.first();
    // As rustls has it: in lower case, and an address is no name (RFC 6066 section 3).
    let name = witness.client_hello.as_ref().and_then(|hello| hello.server_name.as_deref());
    let name = name.and_then(|name| DnsName::try_from(name).ok());
    Some(TlsFacts {
        version: names::version(state.protocol_version()?)?,
        cipher_suite: names::cipher_suite(state.negotiated_cipher_suite()?.suite()),
        key_exchange: state.negotiated_key_exchange_group().map(|kx| names::group(kx.name())),
        server_name: name.map(|name| name.to_lowercase_owned().as_ref().to_owned()),
        presented: face.presented,
        client_certificate: client.and_then(|der| Certificate::from_der(der.to_vec()).ok()),
        client_certificate_error: face.why_untrusted(chain),
        client_hello: witness.client_hello.clone(),
    })
}

/// Has rustls answer, with a byte of its answer flipped if that is wanted.
async fn negotiate<IO>(
    corruption: Option<Corruption>,
    io: &mut IO,
    hello: &Hello,
    face: &ServerIdentity,
    witness: &mut HandshakeTrace,
) -> Result<ServerSession, Broken>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = new_session(face)?;
    let Some(corruption) = corruption else {
        handshake::drive_from(&mut session, io, hello.bytes()).await?;
        return Ok(session);
    };
    let change = |flight: &mut [u8]| {
        let octet = (corruption.octet as usize).min(flight.len().saturating_sub(1));
        if let Some(flipped) = flight.get_mut(octet) {
            *flipped = !*flipped;
            witness.injected.push(InjectedFault::Corrupted { octet });
        }
    };
    handshake::drive_changed(&mut session, io, hello.bytes(), change).await?;
    Ok(session)
}

/// Returns the first bytes of what rustls answers. If their number is not given, it returns the ServerHello.
async fn cut<IO>(
    octets: Option<u32>,
    io: &mut IO,
    hello: &Hello,
    face: &ServerIdentity,
) -> Result<Vec<u8>, Broken>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = new_session(face)?;
    let mut first = FirstOctets::default();
    let flight = handshake::first_flight(&mut session, io, hello.bytes(), &mut first).await?;
    Ok(match octets {
        Some(octets) => flight.get(..octets as usize).unwrap_or(&flight).to_vec(),
        None => server_hello(&flight),
    })
}

/// Refuses a client with an alert that is not an injected fault, and closes.
async fn refuse<IO: AsyncWrite + Unpin>(io: &mut IO, record: &[u8], alert: u8, reason: String) -> Broken {
    // The result does not depend on whether the alert still reaches the client.
    let _ = send(io, record).await;
    let _ = io.shutdown().await;
    TlsFailure::AlertSent { alert: alert_name(alert).into(), reason }.into()
}

const WARNING: u8 = 1;
const FATAL: u8 = 2;
const UNRECOGNIZED_NAME: u8 = 112;

/// Returns an alert in clear (RFC 8446 section 6). All alerts are in clear until there are keys.
const fn alert_record(level: u8, alert: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, level, alert]
}

async fn warn<IO: AsyncWrite + Unpin>(
    io: &mut IO,
    alert: u8,
    witness: &mut HandshakeTrace,
) -> Result<(), Broken> {
    send(io, &alert_record(WARNING, alert)).await?;
    witness.injected.push(InjectedFault::Warning { alert });
    Ok(())
}

async fn send<IO: AsyncWrite + Unpin>(io: &mut IO, octets: &[u8]) -> Result<(), TlsFailure> {
    handshake::write(io, octets).await.map_err(|error| failure::broken(&error))
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

fn unusable(error: &dyn fmt::Display) -> TlsFailure {
    TlsFailure::Unusable { reason: error.to_string() }
}

use std::fmt;
use std::sync::Arc;

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::failure::{self, FirstOctets};
use super::hello::Hello;
use super::legacy::Answer;
use super::plan::{Act, Plan};
use super::refused::Refused;
use super::setup::{Asking, Choice, Face, Setup, Wardrobe};
use super::{ServerStream, TlsSetupError, Versions, handshake, legacy, names};
use crate::pki::{Certificate, KeyPair, Thumbprint};
use crate::session::fault::{Cut, CutAfter, LegacyVersion, Then};
use crate::session::{ClientHelloFacts, Deed, TlsFacts, TlsFailure, alert_name};

/// The TLS side of a connector: certificates with their chains and keys, and the versions spoken.
///
/// Built once, used for every connection; clones share it. A certificate is presented as it is:
/// expired, of another name, of X.509 v1, with a key that is not its own.
#[derive(Clone)]
pub struct ServerTls(Arc<Wardrobe>);

/// What is known of a handshake while it is under way, so that it is not lost where the future is dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witness {
    /// What the client offered, as soon as its ClientHello is complete.
    pub client_hello: Option<Arc<ClientHelloFacts>>,
    /// What the lab has done on purpose, in order.
    pub deeds: Vec<Deed>,
}

/// How a handshake ends: a stream and what was negotiated, or why not.
pub type Accepted<IO> = Result<(ServerStream<IO>, TlsFacts), Box<Refused<IO>>>;

impl ServerTls {
    /// Presents `chain`, leaf first, and signs with `key`, whether or not it is the leaf's.
    pub fn new(chain: &[Certificate], key: &KeyPair, versions: Versions) -> Result<Self, TlsSetupError> {
        Ok(Self(Arc::new(Wardrobe::of_one(Face::new(chain, key, versions, Asking::default())?))))
    }

    /// Presents the certificates of `setup`. It takes a configuration of rustls for each of them, so a
    /// connector keeps what it gets for as long as its certificates are the same.
    ///
    /// # Errors
    ///
    /// No certificate, a key or a root that cannot be used.
    pub fn with(setup: &Setup<'_>) -> Result<Self, TlsSetupError> {
        Ok(Self(Arc::new(Wardrobe::new(setup)?)))
    }

    /// The leaf that clients are shown that ask for no name.
    pub fn presented(&self) -> Thumbprint {
        self.0.first().presented
    }

    /// Does the handshake on a stream on which the client speaks next.
    ///
    /// It takes as long as the client does; who wants a limit drops the future. On failure the
    /// client has been sent its alert and the connection is closed.
    pub async fn accept<IO>(&self, io: IO) -> Result<(ServerStream<IO>, TlsFacts), TlsFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let accepted = self.accept_as(&Plan::default(), io, &mut Witness::default()).await;
        accepted.map_err(|refused| refused.failure)
    }

    /// The same as `plan` has it, telling `witness` of it as it goes.
    ///
    /// # Errors
    ///
    /// With the stream. Where the lab broke the handshake on purpose, the deed is done when this returns,
    /// and [`Refused::watch`] sees what the client does then.
    pub async fn accept_as<IO>(&self, plan: &Plan, mut io: IO, witness: &mut Witness) -> Accepted<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match self.shake_hands(plan, &mut io, witness).await {
            Ok((session, face)) => self.finish(session, face, io, witness).await,
            Err(Broken { failure, heard, then }) => {
                if then == Some(Then::Close) {
                    let _ = io.shutdown().await;
                }
                Err(Box::new(Refused { failure, then, io, heard }))
            }
        }
    }

    async fn shake_hands<IO>(
        &self,
        plan: &Plan,
        io: &mut IO,
        witness: &mut Witness,
    ) -> Result<(ServerConnection, &Face), Broken>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if plan.act == Act::End {
            let deed = if plan.then == Some(Then::Reset) { Deed::Reset } else { Deed::Close };
            return Err(Broken::on_purpose(deed, plan, &[], witness));
        }
        let hello = Hello::listen(io, &plan.early).await.map_err(|error| failure::broken(&error))?;
        let facts = hello.facts().map(Arc::new);
        witness.client_hello.clone_from(&facts);
        let Some(facts) = facts else {
            // Nobody to misbehave to; rustls says what is wrong with it.
            let face = self.0.first();
            let mut session = new_session(face)?;
            handshake::drive_from(&mut session, io, hello.octets()).await?;
            return Ok((session, face));
        };
        self.answer(plan, io, &hello, &facts, witness).await
    }

    /// Answers a ClientHello that is there, as `plan` has it.
    async fn answer<IO>(
        &self,
        plan: &Plan,
        io: &mut IO,
        hello: &Hello,
        facts: &ClientHelloFacts,
        witness: &mut Witness,
    ) -> Result<(ServerConnection, &Face), Broken>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let instead = match plan.act {
            Act::Legacy(server) => Some(self.legacy(server, io, hello, facts).await?),
            _ => instead(plan),
        };
        if let Some((octets, deed)) = instead {
            send(io, &octets).await?;
            return Err(Broken::on_purpose(deed, plan, hello.behind(), witness));
        }
        let face = self.choose(io, facts, witness).await?;
        let session = self.negotiate(plan, io, hello, face, witness).await;
        Ok((session.map_err(|broken| broken.explained(face, facts))?, face))
    }

    /// Has rustls answer, with what `plan` does to its answer.
    async fn negotiate<IO>(
        &self,
        plan: &Plan,
        io: &mut IO,
        hello: &Hello,
        face: &Face,
        witness: &mut Witness,
    ) -> Result<ServerConnection, Broken>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut session = new_session(face)?;
        match plan.act {
            Act::Cut(cut) => {
                let mut first = FirstOctets::default();
                let flight = handshake::first_flight(&mut session, io, hello.octets(), &mut first).await?;
                let part = match cut.octets {
                    Some(octets) => flight.get(..octets as usize).unwrap_or(&flight).to_vec(),
                    None => server_hello(&flight),
                };
                send(io, &part).await?;
                let deed = Deed::Cut { after: CutAfter::ServerHello, octets: part.len() };
                return Err(Broken::on_purpose(deed, plan, &[], witness));
            }
            Act::Corrupt(corruption) => {
                let change = |flight: &mut [u8]| {
                    let octet = (corruption.octet as usize).min(flight.len().saturating_sub(1));
                    if let Some(flipped) = flight.get_mut(octet) {
                        *flipped = !*flipped;
                        witness.deeds.push(Deed::Corrupted { octet });
                    }
                };
                handshake::drive_changed(&mut session, io, hello.octets(), change).await?;
            }
            Act::Warning(alert) => {
                warn(io, alert, witness).await?;
                handshake::drive_from(&mut session, io, hello.octets()).await?;
            }
            _ => handshake::drive_from(&mut session, io, hello.octets()).await?,
        }
        Ok(session)
    }

    /// The first flight of a server of yesterday, or its refusal.
    async fn legacy<IO: AsyncWrite + Unpin>(
        &self,
        server: LegacyVersion,
        io: &mut IO,
        hello: &Hello,
        facts: &ClientHelloFacts,
    ) -> Result<(Vec<u8>, Deed), Broken> {
        match legacy::answer(server, facts, hello.random(), &self.0.first().certified) {
            Answer::Flight(octets, deed) => Ok((octets, deed)),
            Answer::Alert(record, alert, reason) => Err(refuse(io, &record, alert, reason).await),
            Answer::Impossible(reason) => Err(TlsFailure::Unusable { reason }.into()),
        }
    }

    async fn choose<IO: AsyncWrite + Unpin>(
        &self,
        io: &mut IO,
        facts: &ClientHelloFacts,
        witness: &mut Witness,
    ) -> Result<&Face, Broken> {
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

    async fn finish<IO>(
        &self,
        session: ServerConnection,
        face: &Face,
        io: IO,
        witness: &Witness,
    ) -> Accepted<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let refused = |failure, io| Box::new(Refused { failure, then: None, io, heard: Vec::new() });
        let Some(facts) = facts(&session, face, witness) else {
            return Err(refused(unusable(&"the handshake ended without a result"), io));
        };
        // The way to a `TlsStream` around a session whose handshake is done.
        let acceptor = TlsAcceptor::from(face.config.clone());
        let accept = acceptor.accept_with(io, |fresh| *fresh = session).into_fallible();
        match accept.await {
            Ok(stream) => Ok((stream, facts)),
            Err((error, io)) => Err(refused(failure::broken(&error), io)),
        }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerTls(presents {})", self.presented())
    }
}

/// A handshake that is broken, before it is known what becomes of the stream.
struct Broken {
    failure: TlsFailure,
    then: Option<Then>,
    heard: Vec<u8>,
}

impl Broken {
    fn on_purpose(deed: Deed, plan: &Plan, heard: &[u8], witness: &mut Witness) -> Self {
        witness.deeds.push(deed.clone());
        let failure = TlsFailure::OnPurpose { deed, client: None };
        Self { failure, then: plan.then, heard: heard.to_vec() }
    }

    /// With a plainer reason, where the ClientHello holds one.
    fn explained(mut self, face: &Face, hello: &ClientHelloFacts) -> Self {
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

fn new_session(face: &Face) -> Result<ServerConnection, TlsFailure> {
    ServerConnection::new(face.config.clone()).map_err(|error| unusable(&error))
}

fn facts(session: &ServerConnection, face: &Face, witness: &Witness) -> Option<TlsFacts> {
    let client = session.peer_certificates().and_then(|chain| chain.first());
    Some(TlsFacts {
        version: names::version(session.protocol_version()?)?,
        cipher_suite: names::cipher_suite(session.negotiated_cipher_suite()?.suite()),
        key_exchange: session.negotiated_key_exchange_group().map(|kx| names::group(kx.name())),
        server_name: session.server_name().map(str::to_owned),
        presented: face.presented,
        client_certificate: client.and_then(|der| Certificate::from_der(der.to_vec()).ok()),
        client_hello: witness.client_hello.clone(),
    })
}

/// What leaves in place of everything that a server would say.
fn instead(plan: &Plan) -> Option<(Vec<u8>, Deed)> {
    Some(match &plan.act {
        Act::Silence => (Vec::new(), Deed::Silence),
        Act::Alert(alert) => (alert_record(FATAL, *alert).to_vec(), Deed::Alert { alert: *alert }),
        Act::Octets(octets) => (octets.clone(), Deed::Octets { octets: octets.len() }),
        Act::Cut(Cut { after: CutAfter::ClientHello, .. }) => {
            (Vec::new(), Deed::Cut { after: CutAfter::ClientHello, octets: 0 })
        }
        _ => return None,
    })
}

/// Refuses a client with an alert that is no fault, and closes.
async fn refuse<IO: AsyncWrite + Unpin>(io: &mut IO, record: &[u8], alert: u8, reason: String) -> Broken {
    // Whether the client still hears of it changes nothing about it.
    let _ = send(io, record).await;
    let _ = io.shutdown().await;
    TlsFailure::AlertSent { alert: alert_name(alert).into(), reason }.into()
}

const WARNING: u8 = 1;
const FATAL: u8 = 2;
const UNRECOGNIZED_NAME: u8 = 112;

/// An alert in clear (RFC 8446 section 6), which is how all alerts are until there are keys.
const fn alert_record(level: u8, alert: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, level, alert]
}

async fn warn<IO: AsyncWrite + Unpin>(io: &mut IO, alert: u8, witness: &mut Witness) -> Result<(), Broken> {
    send(io, &alert_record(WARNING, alert)).await?;
    witness.deeds.push(Deed::Warning { alert });
    Ok(())
}

async fn send<IO: AsyncWrite + Unpin>(io: &mut IO, octets: &[u8]) -> Result<(), TlsFailure> {
    handshake::write(io, octets).await.map_err(|error| failure::broken(&error))
}

/// The ServerHello of a flight in a record of its own, as most servers write it; rustls puts all messages of
/// TLS 1.2 into one.
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

//! The TLS side of a connector: which certificate a client is shown, and the handshake with it.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::DnsName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::fault::HandshakeFault;
use super::hello::Hello;
use super::refused::{Broken, Refused};
use super::session::ServerSession;
use super::setup::{CertificateSet, Choice, Options, ServerIdentity, Setup};
use super::stream::ServerStream;
use super::trace::HandshakeTrace;
use super::{TlsSetupError, Versions, alert, failure, handshake, names};
use crate::pki::{Certificate, KeyPair, Thumbprint};
use crate::session::fault::Then;
use crate::session::{ClientHelloFacts, TlsFacts, TlsFailure};

/// The TLS side of a connector: certificates with their chains and keys, and the versions spoken.
///
/// Built once, used for every connection; clones share it. A certificate is presented as it is: expired, with
/// another name, of X.509 v1, or with a key that is not its own.
#[derive(Clone)]
pub struct ServerTls(Arc<CertificateSet>);

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

    /// Like [`Self::accept`], with what `fault` does to the handshake; `trace` records its progress.
    ///
    /// # Errors
    ///
    /// The handshake failed; the error holds the stream. If the lab broke the handshake on purpose, that is
    /// done when this returns, and [`Refused::watch`] reads the client's reaction.
    pub async fn accept_as<IO>(
        &self,
        fault: &HandshakeFault,
        mut io: IO,
        trace: &mut HandshakeTrace,
    ) -> Accepted<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match self.shake_hands(fault, &mut io, trace).await {
            Ok((session, identity)) => finish(session, identity, io, trace),
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
        trace: &mut HandshakeTrace,
    ) -> Result<(ServerSession, &ServerIdentity), Broken>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if fault.ends_at_once() {
            return Err(fault.end(&[], trace));
        }
        let hello = Hello::listen(io, &fault.early, &mut trace.partial_hello).await;
        let hello = hello.map_err(|error| failure::broken(&error))?;
        let facts = hello.facts().map(Arc::new);
        trace.client_hello.clone_from(&facts);
        let Some(facts) = facts else {
            // This is no client for which a fault could be done. rustls reports what is wrong with its input.
            let identity = self.0.first();
            let mut session = new_session(identity)?;
            handshake::drive_from(&mut session, io, hello.bytes()).await?;
            return Ok((session, identity));
        };
        let change = fault.inject(&self.0, io, &hello, &facts, trace).await?;
        let identity = self.choose(io, &facts, trace).await?;
        let mut session = new_session(identity)?;
        let answered = match change {
            Some(change) => fault.answer(change, &mut session, io, &hello, trace).await,
            None => handshake::drive_from(&mut session, io, hello.bytes()).await.map_err(Broken::from),
        };
        answered.map_err(|broken| explained(broken, identity, &facts))?;
        Ok((session, identity))
    }

    /// Returns the certificate that the client is shown; a client that asks for an unknown name is warned or
    /// refused, as the connector is configured.
    async fn choose<IO: AsyncWrite + Unpin>(
        &self,
        io: &mut IO,
        facts: &ClientHelloFacts,
        trace: &mut HandshakeTrace,
    ) -> Result<&ServerIdentity, Broken> {
        match self.0.choose(facts) {
            Choice::Present(identity) => return Ok(identity),
            Choice::Warn(identity) => {
                alert::warn(io, UNRECOGNIZED_NAME, trace).await?;
                return Ok(identity);
            }
            Choice::Refuse => {}
        }
        let name = facts.server_name.as_deref().unwrap_or_default();
        let reason =
            format!("no certificate is kept for the name `{name}`, which the client asks for by SNI");
        Err(alert::refuse(io, &alert::fatal(UNRECOGNIZED_NAME), UNRECOGNIZED_NAME, reason).await)
    }
}

/// The alert for a name that the server has no certificate for (RFC 6066 section 3).
const UNRECOGNIZED_NAME: u8 = 112;

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerTls(presents {})", self.presented())
    }
}

/// Replaces the reason of a failure with a plainer one, if the ClientHello holds one.
fn explained(mut broken: Broken, identity: &ServerIdentity, hello: &ClientHelloFacts) -> Broken {
    if let TlsFailure::AlertSent { reason, .. } = &mut broken.failure
        && let Some(plainer) = identity.misfit(hello)
    {
        *reason = plainer;
    }
    broken
}

fn new_session(identity: &ServerIdentity) -> Result<ServerSession, TlsFailure> {
    ServerSession::new(identity.config.clone()).map_err(|error| unusable(&error))
}

/// Returns the stream of a session whose handshake is done.
fn finish<IO>(
    session: ServerSession,
    identity: &ServerIdentity,
    io: IO,
    trace: &HandshakeTrace,
) -> Accepted<IO> {
    match facts(&session, identity, trace) {
        Some(facts) => Ok((ServerStream::new(io, session), facts)),
        None => {
            let failure = unusable(&"the handshake ended without a result");
            Err(Box::new(Refused { failure, then: None, io, heard: Vec::new() }))
        }
    }
}

fn facts(session: &ServerSession, identity: &ServerIdentity, trace: &HandshakeTrace) -> Option<TlsFacts> {
    let state = session.state();
    let chain = state.peer_certificates().unwrap_or_default();
    let client = chain.first();
    // As rustls has it: in lower case, and an address is no name (RFC 6066 section 3).
    let name = trace.client_hello.as_ref().and_then(|hello| hello.server_name.as_deref());
    let name = name.and_then(|name| DnsName::try_from(name).ok());
    Some(TlsFacts {
        version: names::version(state.protocol_version()?)?,
        cipher_suite: names::cipher_suite(state.negotiated_cipher_suite()?.suite()),
        key_exchange: state.negotiated_key_exchange_group().map(|kx| names::group(kx.name())),
        server_name: name.map(|name| name.to_lowercase_owned().as_ref().to_owned()),
        presented: identity.presented,
        client_certificate: client.and_then(|der| Certificate::from_der(der.to_vec()).ok()),
        client_certificate_error: identity.why_untrusted(chain),
        client_hello: trace.client_hello.clone(),
    })
}

fn unusable(error: &dyn fmt::Display) -> TlsFailure {
    TlsFailure::Unusable { reason: error.to_string() }
}

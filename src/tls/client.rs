//! The TLS side of a client, by which the harness and tests talk to a lab.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::{ClientStream, TlsSetupError, Versions, handshake, names, provider};
use crate::clock::Clock;
use crate::pki::Certificate;
use crate::session::{TlsFailure, TlsVersion};

/// The TLS side of a client: the roots it trusts, and the versions it speaks. Clones share it.
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

/// The number of servers that a client with its own configuration remembers for resumption. It is the default
/// of rustls.
const REMEMBERED_SESSIONS: usize = 256;

/// A handshake that succeeded, as the client saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientFacts {
    /// The version that was negotiated.
    pub version: TlsVersion,
    /// The suite by its IANA name.
    pub cipher_suite: &'static str,
    /// The certificates that the server presented, leaf first. An item that could not be read as a
    /// certificate is left out.
    pub peer_chain: Vec<Certificate>,
    /// True if an earlier session was resumed, so that no certificate was checked.
    pub resumed: bool,
}

/// A reason why there is no TLS with a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFailure {
    /// The server's name is neither a host name nor an IP address.
    #[error("`{0}` is neither a host name nor an IP address")]
    ServerName(String),
    /// The handshake failed. The roles are those of a client: what was received, the server sent.
    #[error("the TLS handshake failed: {0:?}")]
    Handshake(TlsFailure),
}

impl ClientTls {
    /// Creates a client that verifies servers as strictly as webpki does, against `roots`, at the time of
    /// `clock`.
    pub fn trusting(roots: &[Certificate], clock: &Clock, versions: Versions) -> Result<Self, TlsSetupError> {
        let store = root_store(roots)?;
        if store.is_empty() {
            // webpki cannot be configured without any root. Without one, no server is trusted.
            return Self::always(Err(CertificateError::UnknownIssuer), clock, versions);
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(store.into(), provider());
        let verifier = verifier.build().map_err(|error| TlsSetupError::Configuration(error.to_string()))?;
        Self::new(verifier, clock, versions)
    }

    /// Creates a client that accepts any certificate, as opportunistic senders do. The server must still hold
    /// its key.
    pub fn trusting_anything(clock: &Clock, versions: Versions) -> Result<Self, TlsSetupError> {
        Self::always(Ok(()), clock, versions)
    }

    /// Returns the client's configuration for tests that drive rustls themselves. Each configuration starts
    /// without remembered sessions, so that no handshake is shortened by a session of an earlier client.
    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::clone(&self.0);
        config.resumption = Resumption::in_memory_sessions(REMEMBERED_SESSIONS);
        config
    }

    /// Does the handshake for `server_name`, which is also sent as SNI unless it is an IP address.
    pub async fn connect<IO>(
        &self,
        server_name: &str,
        mut io: IO,
    ) -> Result<(ClientStream<IO>, ClientFacts), ConnectFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let unusable = |reason: String| ConnectFailure::Handshake(TlsFailure::Unusable { reason });
        let name = ServerName::try_from(server_name.to_owned());
        let name = name.map_err(|_| ConnectFailure::ServerName(server_name.to_owned()))?;
        let session = ClientConnection::new(self.0.clone(), name.clone());
        let mut session = session.map_err(|error| unusable(error.to_string()))?;
        handshake::drive(&mut session, &mut io).await.map_err(ConnectFailure::Handshake)?;
        let facts =
            facts(&session).ok_or_else(|| unusable("the handshake ended without a result".to_owned()))?;
        let connect = TlsConnector::from(self.0.clone()).connect_with(name, io, |fresh| *fresh = session);
        let stream =
            connect.await.map_err(|error| ConnectFailure::Handshake(super::failure::broken(&error)))?;
        Ok((stream, facts))
    }

    fn always(
        verdict: Result<(), CertificateError>,
        clock: &Clock,
        versions: Versions,
    ) -> Result<Self, TlsSetupError> {
        Self::new(Arc::new(Always { verdict, provider: provider() }), clock, versions)
    }

    fn new(
        verifier: Arc<dyn ServerCertVerifier>,
        clock: &Clock,
        versions: Versions,
    ) -> Result<Self, TlsSetupError> {
        let config = ClientConfig::builder_with_details(provider(), Arc::new(LabTime(clock.clone())))
            .with_protocol_versions(versions.protocols())
            .map_err(|error| TlsSetupError::Configuration(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

fn facts(session: &ClientConnection) -> Option<ClientFacts> {
    let chain = session.peer_certificates().unwrap_or_default();
    Some(ClientFacts {
        version: names::version(session.protocol_version()?)?,
        cipher_suite: names::cipher_suite(session.negotiated_cipher_suite()?.suite()),
        peer_chain: chain.iter().filter_map(|der| Certificate::from_der(der.to_vec()).ok()).collect(),
        resumed: session.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
    })
}

/// Returns those of `roots` that can be trust anchors. A system's store may hold others as well.
pub fn usable_roots(roots: Vec<Certificate>) -> Vec<Certificate> {
    roots.into_iter().filter(|root| root_store(std::slice::from_ref(root)).is_ok()).collect()
}

/// Returns the roots as trust anchors.
pub(super) fn root_store(roots: &[Certificate]) -> Result<RootCertStore, TlsSetupError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.der().to_vec().into()).map_err(|error| TlsSetupError::Root {
            subject: root.subject().to_owned(),
            reason: error.to_string(),
        })?;
    }
    Ok(store)
}

#[derive(Debug)]
pub(super) struct LabTime(pub(super) Clock);

impl TimeProvider for LabTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// A verifier that gives every certificate the same verdict, and checks that the server holds its key.
#[derive(Debug)]
struct Always {
    verdict: Result<(), CertificateError>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Always {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verdict.clone().map_err(Error::from)?;
        Ok(ServerCertVerified::assertion())
    }

    signatures_by_the_provider!();
}

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::{ServerStream, TlsSetupError, Versions, handshake, names, provider, signing};
use crate::pki::{Certificate, KeyPair, Thumbprint};
use crate::session::{TlsFacts, TlsFailure};

/// How many sessions one connector remembers for resumption.
const REMEMBERED_SESSIONS: usize = 64;

/// The TLS side of a connector: a certificate with its chain and key, and the versions spoken.
///
/// Built once, used for every connection; clones share it. The certificate is presented as it is:
/// expired, of another name, of X.509 v1, with a key that is not its own.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    presented: Thumbprint,
}

impl ServerTls {
    /// Presents `chain`, leaf first, and signs with `key`, whether or not it is the leaf's.
    pub fn new(chain: &[Certificate], key: &KeyPair, versions: Versions) -> Result<Self, TlsSetupError> {
        let leaf = chain.first().ok_or(TlsSetupError::NoCertificate)?;
        let provider = provider();
        let key = signing::signing_key(&provider, key)?;
        let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec()));
        let certified = Presented(Arc::new(CertifiedKey::new(chain.collect(), key)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions.protocols())
            .map_err(|error| TlsSetupError::Configuration(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certified));
        // Senders resume (Postfix and Exchange do), so a lab lets them: one ticket a connection,
        // for nobody opens two at once, out of a store of a few KiB. Being stateful it needs no
        // ticket key that would have to be drawn and rotated, and it dies with the certificate.
        config.session_storage = ServerSessionMemoryCache::new(REMEMBERED_SESSIONS);
        config.send_tls13_tickets = 1;
        Ok(Self { config: Arc::new(config), presented: leaf.thumbprint() })
    }

    /// The leaf that clients are shown.
    pub fn presented(&self) -> Thumbprint {
        self.presented
    }

    /// Does the handshake on a stream on which the client speaks next.
    ///
    /// It takes as long as the client does; who wants a limit drops the future. On failure the
    /// client has been sent its alert and the connection is closed.
    pub async fn accept<IO>(&self, mut io: IO) -> Result<(ServerStream<IO>, TlsFacts), TlsFailure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let unusable = |error: &dyn fmt::Display| TlsFailure::Unusable { reason: error.to_string() };
        let mut session = ServerConnection::new(self.config.clone()).map_err(|error| unusable(&error))?;
        handshake::drive(&mut session, &mut io).await?;
        let facts = self.facts(&session).ok_or_else(|| unusable(&"the handshake ended without a result"))?;
        // The way to a `TlsStream` around a session whose handshake is done.
        let acceptor = TlsAcceptor::from(self.config.clone());
        let accept = acceptor.accept_with(io, |fresh| *fresh = session);
        let stream = accept.await.map_err(|error| super::failure::broken(&error))?;
        Ok((stream, facts))
    }

    fn facts(&self, session: &ServerConnection) -> Option<TlsFacts> {
        Some(TlsFacts {
            version: names::version(session.protocol_version()?)?,
            cipher_suite: names::cipher_suite(session.negotiated_cipher_suite()?.suite()),
            key_exchange: session.negotiated_key_exchange_group().map(|kx| names::group(kx.name())),
            server_name: session.server_name().map(str::to_owned),
            presented: self.presented,
            client_certificate: None,
        })
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerTls(presents {})", self.presented)
    }
}

/// Presents one certificate to everybody. rustls's own ways of configuring a certificate refuse
/// what this crate is there to serve: X.509 v1, a foreign key, more than 64 KiB.
#[derive(Debug)]
struct Presented(Arc<CertifiedKey>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

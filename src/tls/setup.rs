//! The certificates of a connector, each as a configuration of rustls, and the choice among them.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{DistinguishedName, Error, ServerConfig, SignatureScheme};

use super::client::{LabTime, root_store};
use super::misfit::misfit;
use super::tickets::Tickets;
use super::{TlsSetupError, Versions, provider, signing};
use crate::clock::Clock;
use crate::exchange::Material;
use crate::pki::{Certificate, KeyPair, Thumbprint};
use crate::session::ClientHelloFacts;
use crate::session::fault::{ClientCertificate, UnknownName};

/// The number of sessions that one connector remembers for resumption.
const REMEMBERED_SESSIONS: usize = 64;

/// The configuration of a connector's TLS side, if it is more than one certificate.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The versions that are spoken.
    pub versions: Versions,
    /// The certificates for clients that ask for no name or for one that is not listed: the first of these
    /// whose key fits the client's signature algorithms, or else the first.
    pub certificates: Vec<&'a Material>,
    /// The certificates for clients that ask for a certain name (SNI, RFC 6066 section 3).
    pub by_name: Vec<(&'a str, &'a Material)>,
    /// The answer to a client that asks for a name that is not listed; if left out, the first of
    /// `certificates` that fits.
    pub unknown_name: Option<UnknownName>,
    /// The request for a client certificate, if there is one.
    pub client_certificate: Option<ClientCertificate>,
    /// The roots that a certificate which is required has to come from, and that decide whether one which is
    /// requested is trusted.
    pub roots: &'a [Certificate],
    /// The number of session tickets that are sent after a handshake of TLS 1.3; if left out, one.
    pub tickets: Option<u8>,
    /// The size of each of them in bytes, at least 32; if left out, the size that rustls gives it.
    pub ticket_size: Option<u16>,
    /// The clock by which a client's certificate has to be valid.
    pub clock: &'a Clock,
}

/// One certificate, ready to be presented.
pub(super) struct ServerIdentity {
    pub(super) config: Arc<ServerConfig>,
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) presented: Thumbprint,
    versions: Versions,
    /// The verifier that decides whether a client's certificate is trusted, if one is asked for.
    trust: Option<Arc<dyn ClientCertVerifier>>,
}

/// The certificates of a server, and the clients that each is for.
pub(super) struct CertificateSet {
    /// The certificates for clients that ask for no listed name; never empty.
    usual: (ServerIdentity, Vec<ServerIdentity>),
    by_name: Vec<(String, ServerIdentity)>,
    unknown_name: Option<UnknownName>,
}

/// The certificate that a client is shown.
pub(super) enum Choice<'a> {
    Present(&'a ServerIdentity),
    /// After a warning that the name is unknown.
    Warn(&'a ServerIdentity),
    /// The name is unknown, and the client is refused.
    Refuse,
}

impl CertificateSet {
    pub(super) fn of_one(identity: ServerIdentity) -> Self {
        Self { usual: (identity, Vec::new()), by_name: Vec::new(), unknown_name: None }
    }

    pub(super) fn new(setup: &Setup<'_>) -> Result<Self, TlsSetupError> {
        let identity = |material: &Material| {
            let chain: Vec<_> =
                std::iter::once(&material.certificate).chain(&material.intermediates).cloned().collect();
            ServerIdentity::new(&chain, &material.key, setup.versions, Options::of(setup)?)
        };
        let mut usual = setup.certificates.iter().map(|material| identity(material));
        let first = usual.next().ok_or(TlsSetupError::NoCertificate)??;
        let others = usual.collect::<Result<_, _>>()?;
        let named = |(name, material): &(&str, &Material)| Ok((plain(name), identity(material)?));
        let by_name = setup.by_name.iter().map(named).collect::<Result<_, _>>()?;
        Ok(Self { usual: (first, others), by_name, unknown_name: setup.unknown_name })
    }

    /// Returns the certificate for clients that ask for no name.
    pub(super) fn first(&self) -> &ServerIdentity {
        &self.usual.0
    }

    pub(super) fn choose(&self, hello: &ClientHelloFacts) -> Choice<'_> {
        let Some(name) = hello.server_name.as_deref() else {
            return Choice::Present(self.fitting(hello));
        };
        let listed = self.by_name.iter().find(|(listed, _)| *listed == plain(name));
        match (listed, self.unknown_name) {
            (Some((_, identity)), _) => Choice::Present(identity),
            (None, None) => Choice::Present(self.fitting(hello)),
            (None, Some(UnknownName::Warn)) => Choice::Warn(self.fitting(hello)),
            (None, Some(UnknownName::Refuse)) => Choice::Refuse,
        }
    }

    fn fitting(&self, hello: &ClientHelloFacts) -> &ServerIdentity {
        let (first, others) = &self.usual;
        if others.is_empty() {
            return first;
        }
        let offered: Vec<_> =
            hello.signature_algorithms.iter().map(|scheme| SignatureScheme::from(*scheme)).collect();
        // Before TLS 1.3 the suite decides on the kind of key as well (RFC 8422 section 2).
        let fits = |identity: &&ServerIdentity| {
            identity.certified.key.choose_scheme(&offered).is_some() && identity.misfit(hello).is_none()
        };
        std::iter::once(first).chain(others).find(fits).unwrap_or(first)
    }
}

impl ServerIdentity {
    /// Creates an identity that presents `chain`, leaf first, and signs with `key`, whether or not it is the
    /// leaf's.
    pub(super) fn new(
        chain: &[Certificate],
        key: &KeyPair,
        versions: Versions,
        options: Options,
    ) -> Result<Self, TlsSetupError> {
        let leaf = chain.first().ok_or(TlsSetupError::NoCertificate)?;
        let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec()));
        let certified = Arc::new(CertifiedKey::new(chain.collect(), signing::signing_key(&provider(), key)?));
        let failed = |error: Error| TlsSetupError::Configuration(error.to_string());
        let builder = match options.time {
            Some(time) => ServerConfig::builder_with_details(provider(), time),
            None => ServerConfig::builder_with_provider(provider()),
        };
        let builder = builder.with_protocol_versions(versions.protocols()).map_err(failed)?;
        let builder = match options.verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Presented(Arc::clone(&certified))));
        // Senders resume (Postfix and Exchange do), so a lab lets them. It gives one ticket for each
        // connection, since no sender opens two at once, and keeps sessions in a store of a few KiB. A
        // stateful store needs no ticket key that would have to be drawn and rotated, and it is dropped with
        // the certificate.
        config.session_storage = ServerSessionMemoryCache::new(REMEMBERED_SESSIONS);
        config.send_tls13_tickets = options.tickets.map_or(1, usize::from);
        if let Some(size) = options.ticket_size {
            config.ticketer = Arc::new(Tickets::of(size, REMEMBERED_SESSIONS));
        }
        let (presented, trust) = (leaf.thumbprint(), options.trust);
        Ok(Self { config: Arc::new(config), certified, presented, versions, trust })
    }

    /// Returns the reason why the roots do not trust what a client has shown, leaf first; `None` if they do,
    /// or if it has shown nothing.
    pub(super) fn why_untrusted(&self, chain: &[CertificateDer<'_>]) -> Option<String> {
        let (leaf, intermediates) = chain.split_first()?;
        let Some(trust) = &self.trust else { return Some("there are no roots to trust".to_owned()) };
        let Some(now) = self.config.time_provider.current_time() else {
            return Some("there is no time to judge it by".to_owned());
        };
        trust.verify_client_cert(leaf, intermediates, now).err().map(|error| error.to_string())
    }

    /// Returns the reason why a client that offers `hello` cannot succeed with this certificate.
    pub(super) fn misfit(&self, hello: &ClientHelloFacts) -> Option<String> {
        misfit(hello, self.config.crypto_provider(), self.versions, self.certified.key.algorithm())
    }
}

/// Returns a name as it is compared: in lower case, without the dot of the root.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The parts of a configuration that not every connector has.
#[derive(Default)]
pub(super) struct Options {
    /// The verifier that asks a client for a certificate.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// The verifier that decides whether the client's certificate is trusted.
    trust: Option<Arc<dyn ClientCertVerifier>>,
    time: Option<Arc<dyn TimeProvider>>,
    tickets: Option<u8>,
    ticket_size: Option<u16>,
}

impl Options {
    fn of(setup: &Setup<'_>) -> Result<Self, TlsSetupError> {
        let tickets = Self { tickets: setup.tickets, ticket_size: setup.ticket_size, ..Self::default() };
        let Some(wanted) = setup.client_certificate else { return Ok(tickets) };
        let roots = Arc::new(root_store(setup.roots)?);
        let strict = || -> Result<Arc<dyn ClientCertVerifier>, TlsSetupError> {
            let built = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider()).build();
            built.map_err(|error| TlsSetupError::Configuration(error.to_string()))
        };
        // webpki cannot be configured without any root.
        let trust = if roots.is_empty() { None } else { Some(strict()?) };
        let verifier = match wanted {
            ClientCertificate::Request => Arc::new(Anything { provider: provider() }),
            ClientCertificate::Require => strict()?,
        };
        let time: Arc<dyn TimeProvider> = Arc::new(LabTime(setup.clock.clone()));
        Ok(Self { verifier: Some(verifier), trust, time: Some(time), ..tickets })
    }
}

/// A resolver that presents one certificate to every client. rustls's own ways of configuring a certificate
/// refuse what this crate is there to serve: X.509 v1, a foreign key, more than 64 KiB.
#[derive(Debug)]
struct Presented(Arc<CertifiedKey>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// A verifier that asks for a certificate, accepts any and does without one. The client must hold its key.
#[derive(Debug)]
struct Anything {
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl ClientCertVerifier for Anything {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    signatures_by_the_provider!();
}

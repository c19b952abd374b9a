//! The TLS side of a mail server that sends. It checks the server's certificate, and goes on or not as it was
//! configured.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::client::{LabTime, root_store};
use super::{ClientStream, TlsSetupError, Versions, handshake, names, provider};
use crate::clock::Clock;
use crate::exchange::Material;
use crate::pki::{Certificate, Thumbprint};
use crate::session::TlsFailure;
use crate::session::send::{Assessment, CertificateProblem, Check, Secured, name_problem, purpose_problem};

/// The TLS side of a sender: the roots it trusts, and the certificate it presents if it is asked for one.
/// Clones share it.
#[derive(Clone)]
pub struct SenderTls {
    config: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
    own: Option<(Thumbprint, Arc<CertifiedKey>)>,
}

/// The reason why there is no TLS with a server, and what was learned about the server until then.
#[derive(Clone, Debug, PartialEq)]
pub struct SenderFailure {
    /// The failure of the handshake. The roles are those of a client: what was received, the server sent.
    pub failure: TlsFailure,
    /// The problem with the certificate, if that was the sender's own reason to end the handshake.
    pub problem: Option<CertificateProblem>,
    /// The certificates that the server had presented until then, leaf first.
    pub presented: Vec<Certificate>,
}

impl SenderTls {
    /// Trusts `roots` at the time of `clock`, and presents `own` to a server that asks for a certificate.
    ///
    /// # Errors
    ///
    /// A root or a key cannot be used.
    pub fn new(
        roots: &[Certificate],
        own: Option<&Material>,
        clock: &Clock,
        versions: Versions,
    ) -> Result<Self, TlsSetupError> {
        let roots = Arc::new(root_store(roots)?);
        let nobody = Arc::new(Judge::new(placeholder(), Arc::clone(&roots)));
        let mut config = ClientConfig::builder_with_details(provider(), Arc::new(LabTime(clock.clone())))
            .with_protocol_versions(versions.protocols())
            .map_err(|error| TlsSetupError::Configuration(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(nobody)
            .with_no_client_auth();
        // A resumed session shows no certificate, and a lab's sender is there to check it.
        config.resumption = Resumption::disabled();
        let own = own.map(|own| Ok((own.certificate.thumbprint(), certified(own)?))).transpose()?;
        Ok(Self { config: Arc::new(config), roots, own })
    }

    /// Does the handshake for `server_name`, which is sent as SNI unless it is an address, and applies
    /// `check` to what the server presents. The session decides whether the result is good enough, unless
    /// `check` demands the decision within the handshake.
    ///
    /// # Errors
    ///
    /// The handshake failed; the server has been sent its alert.
    pub async fn connect<IO>(
        &self,
        server_name: &str,
        check: &Check,
        mut io: IO,
    ) -> Result<(ClientStream<IO>, Secured), Box<SenderFailure>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let judge = Arc::new(Judge::new(check.clone(), Arc::clone(&self.roots)));
        let fails = |failure| Box::new(judge.failure(failure));
        let unusable = |reason: String| fails(TlsFailure::Unusable { reason });
        let asked = Arc::new(AtomicBool::new(false));
        let mut config = (*self.config).clone();
        config.dangerous().set_certificate_verifier(Arc::clone(&judge) as Arc<dyn ServerCertVerifier>);
        if let Some((_, certified)) = &self.own {
            let own = Own { certified: Arc::clone(certified), asked: Arc::clone(&asked) };
            config.client_auth_cert_resolver = Arc::new(own);
        }
        let config = Arc::new(config);
        let name = ServerName::try_from(server_name.to_owned());
        let name =
            name.map_err(|_| unusable(format!("`{server_name}` is neither a host name nor an address")))?;
        let session = ClientConnection::new(Arc::clone(&config), name.clone());
        let mut session = session.map_err(|error| unusable(error.to_string()))?;
        handshake::drive(&mut session, &mut io).await.map_err(fails)?;
        let own = self.own.as_ref().filter(|_| asked.load(Ordering::SeqCst)).map(|(own, _)| *own);
        let sni = matches!(name, ServerName::DnsName(_)).then(|| server_name.to_owned());
        let secured = judge.secured(&session, sni, own);
        let secured = secured.ok_or_else(|| unusable("the handshake ended without a result".to_owned()))?;
        let connect = TlsConnector::from(config).connect_with(name, io, |fresh| *fresh = session);
        let stream = connect.await.map_err(|error| fails(super::failure::broken(&error)))?;
        Ok((stream, secured))
    }
}

impl fmt::Debug for SenderTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SenderTls")
    }
}

/// Returns a check that stands in a configuration until that of a connection replaces it.
fn placeholder() -> Check {
    use crate::session::send::{CommonName, LibraryRules, NamesRead, Proof};
    let (proof, references) = (Proof::ChainAndName, Vec::new());
    let names = NamesRead::All;
    let (common_name, library_rules) = (CommonName::Never, LibraryRules::None);
    Check { proof, references, common_name, names, library_rules, within_handshake: true }
}

fn certified(own: &Material) -> Result<Arc<CertifiedKey>, TlsSetupError> {
    let key = PrivatePkcs8KeyDer::from(own.key.pkcs8_der().to_vec()).into();
    let key = provider().key_provider.load_private_key(key);
    let key = key.map_err(|error| TlsSetupError::Key(error.to_string()))?;
    let chain = std::iter::once(&own.certificate).chain(&own.intermediates);
    let chain = chain.map(|certificate| CertificateDer::from(certificate.der().to_vec()));
    Ok(Arc::new(CertifiedKey::new(chain.collect(), key)))
}

/// A resolver that presents one certificate to any server that asks, whether or not its issuer is among the
/// authorities that the server names.
#[derive(Debug)]
struct Own {
    certified: Arc<CertifiedKey>,
    asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::SeqCst);
        Some(Arc::clone(&self.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A verifier that checks the certificate of one connection and keeps the findings.
#[derive(Debug)]
struct Judge {
    check: Check,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    presented: Vec<Certificate>,
    assessment: Assessment,
}

impl Judge {
    fn new(check: Check, roots: Arc<RootCertStore>) -> Self {
        Self { check, roots, provider: provider(), seen: Mutex::default() }
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failure(&self, failure: TlsFailure) -> SenderFailure {
        let Seen { presented, assessment } = self.seen();
        let ended = self.check.within_handshake && matches!(failure, TlsFailure::AlertSent { .. });
        let problem = assessment.problem(self.check.proof).filter(|_| ended).cloned();
        SenderFailure { failure, problem, presented }
    }

    fn secured(
        &self,
        session: &ClientConnection,
        server_name: Option<String>,
        own: Option<Thumbprint>,
    ) -> Option<Secured> {
        let Seen { presented, assessment } = self.seen();
        Some(Secured {
            version: names::version(session.protocol_version()?)?,
            cipher_suite: names::cipher_suite(session.negotiated_cipher_suite()?.suite()),
            key_exchange: session.negotiated_key_exchange_group().map(|kx| names::group(kx.name())),
            server_name,
            presented,
            assessment,
            own,
        })
    }

    fn chain_error(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(leaf);
        let verified = parsed.and_then(|parsed| {
            verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)
        });
        verified.err()
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ders = std::iter::once(leaf).chain(intermediates);
        let presented: Vec<_> = ders.filter_map(|der| Certificate::from_der(der.to_vec()).ok()).collect();
        let error = self.chain_error(leaf, intermediates, now);
        let assessment = Assessment {
            chain: error
                .as_ref()
                .map(|error| problem_of(error, presented.first(), &self.roots))
                .or_else(|| presented.first().and_then(|leaf| purpose_problem(leaf, &self.check))),
            name: presented.first().and_then(|leaf| name_problem(leaf, &self.check)),
        };
        let refused = self.check.within_handshake && assessment.problem(self.check.proof).is_some();
        let unfit = assessment.chain == Some(CertificateProblem::WrongPurpose);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { presented, assessment };
        match error {
            _ if !refused => Ok(ServerCertVerified::assertion()),
            Some(error) => Err(error),
            None if unfit => Err(CertificateError::InvalidPurpose.into()),
            None => Err(CertificateError::NotValidForName.into()),
        }
    }

    signatures_by_the_provider!();
}

/// Converts webpki's error about a chain to a [`CertificateProblem`].
fn problem_of(error: &Error, leaf: Option<&Certificate>, roots: &RootCertStore) -> CertificateProblem {
    use CertificateError as E;
    let self_signed = leaf.is_some_and(Certificate::is_self_signed);
    let is_root = |leaf: &Certificate| roots.roots.iter().any(|root| has_key_of(leaf, root));
    let Error::InvalidCertificate(error) = error else {
        return CertificateProblem::Invalid { reason: error.to_string() };
    };
    match error {
        E::Expired | E::ExpiredContext { .. } => CertificateProblem::Expired,
        E::NotValidYet | E::NotValidYetContext { .. } => CertificateProblem::NotYetValid,
        E::UnknownIssuer if self_signed => CertificateProblem::SelfSigned,
        E::UnknownIssuer => CertificateProblem::UnknownIssuer,
        E::Revoked => CertificateProblem::Revoked,
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => CertificateProblem::WrongPurpose,
        // webpki refuses an authority's certificate before it looks for the issuer, also one such as
        // `openssl req -x509` makes for a server.
        E::Other(_) if leaf.is_some_and(|leaf| leaf.is_ca() && self_signed && !is_root(leaf)) => {
            CertificateProblem::SelfSigned
        }
        E::Other(_) if leaf.is_some_and(Certificate::is_ca) => CertificateProblem::Invalid {
            reason: "it is an authority's (CA:TRUE), in the place of a server's".to_owned(),
        },
        error => CertificateProblem::Invalid { reason: error.to_string() },
    }
}

/// Returns whether a certificate has the public key of a root.
fn has_key_of(certificate: &Certificate, root: &TrustAnchor<'_>) -> bool {
    let key: &[u8] = root.subject_public_key_info.as_ref();
    !key.is_empty() && certificate.der().windows(key.len()).any(|part| part == key)
}

//! The first flight of legacy servers. This crate does not implement their cryptography, so the handshake
//! ends with ServerHelloDone. Up to there nothing is encrypted, and signatures are made with the real key.

use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, Signer};
use rustls::{NamedGroup, SignatureAlgorithm, SignatureScheme};

use super::groups::{Group, MODP_1024, MODP_2048};
use super::provider;
use crate::session::fault::LegacyVersion;
use crate::session::{ClientHelloFacts, InjectedFault, version_name};

/// The answer of a legacy server: its first flight, or the alert to a client that does not fit.
#[derive(Debug)]
pub(super) enum Answer {
    /// The flight, up to ServerHelloDone.
    Flight(Vec<u8>, InjectedFault),
    /// A fatal alert, and the reason.
    Alert(Vec<u8>, u8, String),
    /// The certificate is not one that such a server can have.
    Impossible(String),
}

const PROTOCOL_VERSION: u8 = 70;
const HANDSHAKE_FAILURE: u8 = 40;
const RENEGOTIATION_INFO: u16 = 0xff01;
const RENEGOTIATION_INFO_SCSV: u16 = 0x00ff;

/// A kind of answer: version, suite and key exchange.
struct Kind {
    version: u16,
    suites: &'static [u16],
    exchange: Exchange,
}

#[derive(Clone, Copy, PartialEq)]
enum Exchange {
    /// RSA: the client encrypts to the certificate's key, so there is no ServerKeyExchange (RFC 5246 section
    /// 7.4.3).
    Rsa,
    /// Ephemeral Diffie-Hellman on P-256 (RFC 8422).
    Ecdhe,
    /// Signed ephemeral Diffie-Hellman over a finite field (RFC 5246 section 7.4.3).
    Dhe(&'static Group),
    /// Like `Dhe`, without certificate and signature.
    Anonymous(&'static Group),
}

/// Returns the answer of `server` to a client whose ClientHello has the contents `hello` and holds
/// `client_random`.
pub(super) fn answer(
    server: LegacyVersion,
    hello: &ClientHelloFacts,
    client_random: &[u8],
    certified: &CertifiedKey,
) -> Answer {
    let is_rsa = certified.key.algorithm() == SignatureAlgorithm::RSA;
    let version = wire_version(server);
    let refuse = |alert: u8, reason: String| {
        let [major, minor] = version.to_be_bytes();
        Answer::Alert(vec![21, major, minor, 0, 2, 2, alert], alert, reason)
    };
    if matches!(server, LegacyVersion::RsaKeyExchange | LegacyVersion::Dhe1024) && !is_rsa {
        return Answer::Impossible(
            "a server with RSA key exchange or DHE needs a certificate with an RSA key, and this one has another"
                .to_owned(),
        );
    }
    if hello.legacy_version < version {
        let (offered, spoken) = (version_name(hello.legacy_version), version_name(version));
        let reason = format!("the client offers at most {offered}, and the lab plays a server of {spoken}");
        return refuse(PROTOCOL_VERSION, reason);
    }
    let fitting = kinds(server, is_rsa).into_iter().find_map(|kind| {
        let suite = kind.suites.iter().copied().find(|suite| hello.cipher_suites.contains(suite))?;
        Some((kind, suite))
    });
    let Some((kind, suite)) = fitting else {
        let reason = "the client offers no suite of the server of yesterday that the lab plays".to_owned();
        return refuse(HANDSHAKE_FAILURE, reason);
    };
    match flight(&kind, suite, hello, client_random, certified) {
        Some(bytes) => Answer::Flight(bytes, InjectedFault::Legacy { server, version, cipher_suite: suite }),
        None => {
            refuse(HANDSHAKE_FAILURE, "the client accepts no signature of the certificate's key".to_owned())
        }
    }
}

const fn wire_version(server: LegacyVersion) -> u16 {
    match server {
        LegacyVersion::Ssl3 => 0x0300,
        LegacyVersion::Tls10 => 0x0301,
        LegacyVersion::Tls11 => 0x0302,
        LegacyVersion::RsaKeyExchange | LegacyVersion::Dhe1024 | LegacyVersion::Anonymous => 0x0303,
    }
}

/// Returns the kinds of answers of a server, the preferred ones first.
fn kinds(server: LegacyVersion, is_rsa: bool) -> Vec<Kind> {
    let kind = |suites, exchange| Kind { version: wire_version(server), suites, exchange };
    let rsa = || kind(&[0x002f, 0x0035, 0x000a, 0x0005, 0x0004], Exchange::Rsa);
    match server {
        LegacyVersion::Ssl3 => vec![rsa()],
        // A server with an ECDSA key cannot answer with a suite that needs RSA. But the version is checked
        // first, and a client that does not offer it is told so.
        LegacyVersion::Tls10 | LegacyVersion::Tls11 => {
            if is_rsa {
                vec![rsa(), kind(&[0xc013, 0xc014, 0xc012], Exchange::Ecdhe)]
            } else {
                vec![kind(&[0xc009, 0xc00a, 0xc008], Exchange::Ecdhe), rsa()]
            }
        }
        LegacyVersion::RsaKeyExchange => {
            vec![kind(&[0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0x000a], Exchange::Rsa)]
        }
        LegacyVersion::Dhe1024 => {
            vec![kind(&[0x009e, 0x009f, 0x0067, 0x006b, 0x0033, 0x0039, 0x0016], Exchange::Dhe(&MODP_1024))]
        }
        LegacyVersion::Anonymous => {
            let suites = &[0x00a6, 0x00a7, 0x006c, 0x006d, 0x0034, 0x003a, 0x001b, 0x0018];
            vec![kind(suites, Exchange::Anonymous(&MODP_2048))]
        }
    }
}

/// Returns ServerHello, Certificate, ServerKeyExchange and ServerHelloDone, as far as the kind has them.
fn flight(
    kind: &Kind,
    suite: u16,
    hello: &ClientHelloFacts,
    client_random: &[u8],
    certified: &CertifiedKey,
) -> Option<Vec<u8>> {
    let provider = provider();
    let mut random = [0; 32];
    provider.secure_random.fill(&mut random).ok()?;
    let mut messages = vec![message(2, &server_hello(kind.version, &random, suite, hello))];
    if !matches!(kind.exchange, Exchange::Anonymous(_)) {
        messages.push(message(11, &certificates(certified)));
    }
    let signed = |params: Vec<u8>| {
        let signer = signer(kind.version, hello, certified)?;
        let input = [client_random, &random, &params].concat();
        let signature = signer.sign(&input).ok()?;
        let algorithm = u16::from(signer.scheme()).to_be_bytes();
        // SignatureAndHashAlgorithm came with TLS 1.2 (RFC 5246 section 4.7).
        let algorithm: &[u8] = if kind.version < 0x0303 { &[] } else { &algorithm };
        Some([&params, algorithm, &vector16(&signature)].concat())
    };
    match kind.exchange {
        Exchange::Rsa => {}
        Exchange::Ecdhe => messages.push(message(12, &signed(on_p256(&provider)?)?)),
        Exchange::Dhe(group) => messages.push(message(12, &signed(group.parameters())?)),
        Exchange::Anonymous(group) => messages.push(message(12, &group.parameters())),
    }
    messages.push(message(14, &[]));
    Some(messages.iter().flat_map(|message| records(kind.version, message)).collect())
}

/// Returns a ServerHello (RFC 5246 section 7.4.1.3). Without renegotiation_info (RFC 5746), current clients
/// break off before they have checked anything else. Legacy servers that are still in service have it.
fn server_hello(version: u16, random: &[u8], suite: u16, hello: &ClientHelloFacts) -> Vec<u8> {
    let no_session = [0];
    let no_compression = [0];
    let mut body =
        [&version.to_be_bytes()[..], random, &no_session, &suite.to_be_bytes(), &no_compression].concat();
    let asked = hello.extensions.contains(&RENEGOTIATION_INFO)
        || hello.cipher_suites.contains(&RENEGOTIATION_INFO_SCSV);
    if asked {
        body.extend([0, 5, 0xff, 0x01, 0, 1, 0]);
    }
    body
}

/// Returns a Certificate message (RFC 5246 section 7.4.2).
fn certificates(certified: &CertifiedKey) -> Vec<u8> {
    let chain: Vec<u8> = certified.cert.iter().flat_map(|der| vector24(der)).collect();
    vector24(&chain)
}

/// Returns the parameters of RFC 8422 section 5.4: the named curve and a fresh point on it.
fn on_p256(provider: &CryptoProvider) -> Option<Vec<u8>> {
    let p256 = provider.kx_groups.iter().find(|kx| kx.name() == NamedGroup::secp256r1)?.start().ok()?;
    let point = p256.pub_key();
    let length = u8::try_from(point.len()).ok()?;
    Some([&[3, 0, 23, length], point].concat())
}

/// Returns the signer. Before TLS 1.2 a signature is over MD5 and SHA-1, which this crate does not make. It
/// is over SHA-256 then, and a client that has accepted the version refuses the signature.
fn signer(version: u16, hello: &ClientHelloFacts, certified: &CertifiedKey) -> Option<Box<dyn Signer>> {
    const BEFORE_TLS_1_2: [SignatureScheme; 4] = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::ED25519,
    ];
    let offered: Vec<_> = hello.signature_algorithms.iter().map(|it| SignatureScheme::from(*it)).collect();
    let schemes = if version < 0x0303 { &BEFORE_TLS_1_2[..] } else { &offered[..] };
    certified.key.choose_scheme(schemes)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &vector24(body)[..]].concat()
}

/// Returns a message in as many records as it takes.
fn records(version: u16, message: &[u8]) -> Vec<u8> {
    let record = |part: &[u8]| [&[22], &version.to_be_bytes()[..], &vector16(part)].concat();
    message.chunks(1 << 14).flat_map(record).collect()
}

/// Returns `bytes` behind their length in two bytes. No input here is longer than that can express.
pub(super) fn vector16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

fn vector24(bytes: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = (bytes.len() as u32).to_be_bytes();
    [&[high, middle, low], bytes].concat()
}

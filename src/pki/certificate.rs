//! A certificate as it is read, and what a connector and its clients ask of it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::attribute::{AttributeType, Value};
use super::bounds::Bounds;
use super::key::bit_length;
use super::{KeyPair, PkiError, Thumbprint, der, dn, pem};

/// A certificate and what it says, read once. Clones share it; two are equal if their DER is.
#[derive(Clone)]
pub struct Certificate(Arc<Described>);

/// The kind and length of a certificate's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// `RSA`, `ECDSA`, `Ed25519`, or the dotted identifier of something else.
    pub algorithm: String,
    /// 0 where the length is not known.
    pub bits: usize,
}

impl Certificate {
    /// Reads a certificate, of any version, however oddly it is encoded.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, PkiError> {
        describe(der.into(), is_self_signed).map(|described| Self(Arc::new(described)))
    }

    /// Reads a certificate that its own key has just signed under its own name.
    pub(super) fn of_its_own_key(der: Vec<u8>) -> Result<Self, PkiError> {
        describe(der, |_| true).map(|described| Self(Arc::new(described)))
    }

    /// Reads the first certificate in `text`.
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        let first = pem::decode(text)?.into_iter().find(|block| is_certificate(block.label));
        let first = first.ok_or_else(|| PkiError::Pem {
            problem: "there is no `-----BEGIN CERTIFICATE-----` in it".to_owned(),
        })?;
        Self::from_der(first.der)
    }

    /// Reads every certificate in `text`, in its order: a server's chain, or a bundle of roots.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, PkiError> {
        let blocks = pem::decode(text)?.into_iter().filter(|block| is_certificate(block.label));
        blocks.map(|block| Self::from_der(block.der)).collect()
    }

    /// The certificate itself.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate in PEM (RFC 7468).
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", self.der())
    }

    /// The name Windows has for it.
    pub fn thumbprint(&self) -> Thumbprint {
        self.0.thumbprint
    }

    /// The subject as Windows writes it, empty if it is empty.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The issuer as Windows writes it.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The serial number's bytes in upper-case hexadecimal, with the sign's zero byte if it has one.
    pub fn serial_number(&self) -> &str {
        &self.0.serial_number
    }

    /// From when it is valid.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// Until when it is valid, this second included (RFC 5280 section 4.1.2.5).
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// The common names of the subject, in the order in which Windows shows them.
    pub fn common_names(&self) -> &[String] {
        &self.0.common_names
    }

    /// The dNSNames of the subject alternative name.
    pub fn dns_names(&self) -> &[String] {
        &self.0.dns_names
    }

    /// The iPAddresses of the subject alternative name.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.0.ip_addresses
    }

    /// Returns whether the subject alternative name holds anything else: mail addresses, URIs, what cannot be read.
    pub fn other_san(&self) -> bool {
        self.0.other_san
    }

    /// Returns whether issuer and subject are the same and the signature is by its own key, as far as the
    /// signature's algorithm can be checked here; where it cannot, the names decide.
    pub fn is_self_signed(&self) -> bool {
        self.0.is_self_signed
    }

    /// The version as people say it: 3 for X.509 v3.
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// The kind and length of its key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// Returns whether its basic constraints say that it is an authority's.
    pub fn is_ca(&self) -> bool {
        self.0.is_ca
    }

    /// Returns whether it may serve as a server's in TLS: its extendedKeyUsage says so, or there is none.
    pub fn is_for_servers(&self) -> bool {
        self.0.bounds.for_servers
    }

    /// Returns whether its keyUsage allows what a server does in a handshake (RFC 5280 section 4.2.1.3), or there is
    /// none.
    pub fn may_be_used_in_handshakes(&self) -> bool {
        self.0.bounds.for_handshakes
    }

    /// Returns whether it was signed over MD5 or SHA-1.
    pub fn has_outdated_signature(&self) -> bool {
        self.0.bounds.outdated_signature
    }

    /// Returns the path length constraint: the number of authorities allowed below it (RFC 5280 section 4.2.1.9).
    pub fn path_length(&self) -> Option<u32> {
        self.0.bounds.path_length
    }

    /// Returns whether its name constraints let it issue for this dNSName (RFC 5280 section 4.2.1.10).
    pub fn permits(&self, name: &str) -> bool {
        self.0.bounds.permits(name)
    }

    /// Returns whether `key` is the private half of its key.
    pub fn public_key_matches(&self, key: &KeyPair) -> bool {
        self.0.public_key_bits == key.public_key_bits()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.thumbprint().hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {:?})", self.thumbprint(), self.subject())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            0 => f.write_str(&self.algorithm),
            bits => write!(f, "{} {bits}", self.algorithm),
        }
    }
}

struct Described {
    der: Vec<u8>,
    thumbprint: Thumbprint,
    subject: String,
    issuer: String,
    serial_number: String,
    not_before: Timestamp,
    not_after: Timestamp,
    common_names: Vec<String>,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    other_san: bool,
    is_self_signed: bool,
    version: u8,
    public_key: PublicKey,
    public_key_bits: Vec<u8>,
    is_ca: bool,
    bounds: Bounds,
}

/// Reads a certificate; `is_self_signed` tells what is not read but calculated.
fn describe(
    der: Vec<u8>,
    is_self_signed: impl FnOnce(&X509Certificate<'_>) -> bool,
) -> Result<Described, PkiError> {
    let refused = |problem: String| PkiError::Certificate { problem };
    let (rest, x509) = X509Certificate::from_der(&der).map_err(|error| refused(error.to_string()))?;
    if !rest.is_empty() {
        return Err(refused(format!("{} bytes follow it", rest.len())));
    }
    let (subject, issuer) = (attributes(x509.subject()), attributes(x509.issuer()));
    let names = AlternativeNames::of(&x509);
    Ok(Described {
        thumbprint: Thumbprint::of(&der),
        subject: dn::windows_form(&subject),
        issuer: dn::windows_form(&issuer),
        serial_number: x509.raw_serial().iter().map(|byte| format!("{byte:02X}")).collect(),
        not_before: timestamp(x509.validity().not_before),
        not_after: timestamp(x509.validity().not_after),
        common_names: common_names(subject),
        dns_names: names.dns,
        ip_addresses: names.ip,
        other_san: names.other,
        is_self_signed: is_self_signed(&x509),
        version: u8::try_from(x509.version().0).map_or(u8::MAX, |version| version.saturating_add(1)),
        public_key: public_key(&x509),
        public_key_bits: x509.public_key().subject_public_key.data.to_vec(),
        bounds: Bounds::of(&x509),
        is_ca: x509.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.value.ca),
        der,
    })
}

fn attributes(name: &X509Name<'_>) -> Vec<Vec<(AttributeType, Value)>> {
    let rdns = name.iter().map(|rdn| {
        let attribute = rdn.iter().map(|attribute| {
            let value = attribute.attr_value();
            let whole = der::write(value.tag().0 as u8, &[value.data]);
            let kind = AttributeType::from_oid(attribute.attr_type().as_bytes());
            (kind, Value::from_der(value.tag().0, value.data, &whole))
        });
        attribute.collect()
    });
    rdns.collect()
}

fn common_names(subject: Vec<Vec<(AttributeType, Value)>>) -> Vec<String> {
    let shown = subject.into_iter().rev().flatten();
    let names = shown.filter(|(kind, _)| kind.is_common_name()).map(|(_, value)| match value {
        Value::Text(text) => text,
        other @ Value::Other(_) => other.to_string(),
    });
    names.collect()
}

#[derive(Default)]
struct AlternativeNames {
    dns: Vec<String>,
    ip: Vec<IpAddr>,
    other: bool,
}

impl AlternativeNames {
    fn of(x509: &X509Certificate<'_>) -> Self {
        let mut names = Self::default();
        for extension in x509.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(san) => {
                    san.general_names.iter().for_each(|name| names.add(name));
                }
                ParsedExtension::ParseError { .. } if extension.oid.as_bytes() == SUBJECT_ALT_NAME => {
                    names.other = true;
                }
                _ => {}
            }
        }
        names
    }

    fn add(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::DNSName(name) => self.dns.push((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match ip_address(bytes) {
                Some(address) => self.ip.push(address),
                None => self.other = true,
            },
            _ => self.other = true,
        }
    }
}

/// 2.5.29.17 (RFC 5280 section 4.2.1.6).
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 29, 17];

fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn timestamp(time: ASN1Time) -> Timestamp {
    let seconds = time.timestamp();
    let nearest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(nearest)
}

fn is_self_signed(x509: &X509Certificate<'_>) -> bool {
    use x509_parser::error::X509Error;
    x509.subject().as_raw() == x509.issuer().as_raw()
        && !matches!(x509.verify_signature(None), Err(X509Error::SignatureVerificationError))
}

fn public_key(x509: &X509Certificate<'_>) -> PublicKey {
    use x509_parser::public_key::PublicKey as Parsed;
    let info = x509.public_key();
    let identifier = info.algorithm.algorithm.as_bytes();
    let (algorithm, bits) = match info.parsed() {
        Ok(Parsed::RSA(rsa)) => ("RSA".to_owned(), bit_length(rsa.modulus)),
        // The point is uncompressed or not; the curve says how long the key is.
        Ok(Parsed::EC(_)) => ("ECDSA".to_owned(), curve_bits(info.algorithm.parameters.as_ref())),
        _ if identifier == ED25519 => ("Ed25519".to_owned(), 256),
        _ => (der::oid_to_text(identifier), 0),
    };
    PublicKey { algorithm, bits }
}

/// 1.3.101.112 (RFC 8410 section 3).
const ED25519: &[u8] = &[0x2b, 101, 112];

/// RFC 5480 section 2.1.1.1: the named curves of TLS.
fn curve_bits(parameters: Option<&x509_parser::der_parser::asn1_rs::Any<'_>>) -> usize {
    match parameters.map(|curve| der::oid_to_text(curve.data)).as_deref() {
        Some("1.2.840.10045.3.1.7") => 256,
        Some("1.3.132.0.34") => 384,
        Some("1.3.132.0.35") => 521,
        _ => 0,
    }
}

/// RFC 7468 section 5.1, and the label that old OpenSSL wrote.
fn is_certificate(label: &str) -> bool {
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE")
}

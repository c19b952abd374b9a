use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::OffsetDateTime;

use super::{Certificate, DistinguishedName, KeyAlgorithm, KeyPair, PkiError, der};

/// What a server certificate is to say. It is issued as it stands, however wrong that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// May be empty (then the SAN is critical, RFC 5280 section 4.1.2.6) and may hold several CNs.
    pub subject: DistinguishedName,
    /// The dNSNames of the SAN: any ASCII; what is not ASCII becomes its A-label (RFC 5890).
    pub dns_names: Vec<String>,
    /// The iPAddresses of the SAN.
    pub ip_addresses: Vec<IpAddr>,
    /// From when it is valid, to the second.
    pub not_before: Timestamp,
    /// Until when it is valid, to the second; may lie before `not_before`.
    pub not_after: Timestamp,
    /// Big-endian; nothing draws one at random, so that a lab can replay.
    pub serial_number: Vec<u8>,
}

/// A certificate authority of a lab: a root, or an intermediate under one. Clones share it.
#[derive(Clone, Debug)]
pub struct Authority(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: KeyPair,
    subject: Vec<u8>,
    certificate: Certificate,
    /// From this authority's certificate up to, but without, the root's.
    chain: Vec<Certificate>,
}

impl Authority {
    /// A root, signed by itself.
    pub fn root(
        key: KeyPair,
        subject: &DistinguishedName,
        not_before: Timestamp,
        not_after: Timestamp,
        serial_number: &[u8],
    ) -> Result<Self, PkiError> {
        let params = authority_params(not_before, not_after, serial_number)?;
        let subject = subject.to_der();
        let certificate = sign(&params, &subject, &key, &subject, &key)?;
        Ok(Self(Arc::new(Inner { key, subject, certificate, chain: Vec::new() })))
    }

    /// An authority below this one.
    pub fn intermediate(
        &self,
        key: KeyPair,
        subject: &DistinguishedName,
        not_before: Timestamp,
        not_after: Timestamp,
        serial_number: &[u8],
    ) -> Result<Self, PkiError> {
        let mut params = authority_params(not_before, not_after, serial_number)?;
        params.use_authority_key_identifier_extension = true;
        let subject = subject.to_der();
        let certificate = sign(&params, &subject, &key, &self.0.subject, &self.0.key)?;
        let chain = std::iter::once(&certificate).chain(&self.0.chain).cloned().collect();
        Ok(Self(Arc::new(Inner { key, subject, certificate, chain })))
    }

    /// A server certificate for `key`, fit for TLS on both sides (mail servers are clients too).
    pub fn issue(&self, template: &Template, key: &KeyPair) -> Result<Certificate, PkiError> {
        let mut params = leaf_params(template, key)?;
        // Python from 3.13 and `openssl verify -x509_strict` refuse a leaf without it.
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        sign(&params, &template.subject.to_der(), key, &self.0.subject, &self.0.key)
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// What a server sends after its leaf: the intermediates, nearest first, without the root.
    pub fn chain(&self) -> &[Certificate] {
        &self.0.chain
    }
}

/// A server certificate signed by its own key, with the extensions of those that Exchange makes at
/// installation: no CA, EKU serverAuth only.
pub fn self_signed(template: &Template, key: &KeyPair) -> Result<Certificate, PkiError> {
    let params = leaf_params(template, key)?;
    let subject = template.subject.to_der();
    sign(&params, &subject, key, &subject, key)
}

fn authority_params(
    not_before: Timestamp,
    not_after: Timestamp,
    serial_number: &[u8],
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    set_frame(&mut params, not_before, not_after, serial_number)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(template: &Template, key: &KeyPair) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    set_frame(&mut params, template.not_before, template.not_after, &template.serial_number)?;
    if template.subject.is_empty() {
        // Tells rcgen to mark the SAN as critical; the name itself is put in by `sign`.
        params.distinguished_name = rcgen::DistinguishedName::new();
    }
    for name in &template.dns_names {
        params.subject_alt_names.push(dns_name(name)?);
    }
    params.subject_alt_names.extend(template.ip_addresses.iter().copied().map(SanType::IpAddress));
    // `CA:FALSE` in so many words, and with it the subject key identifier.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    if matches!(key.algorithm(), KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096) {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    Ok(params)
}

fn set_frame(
    params: &mut CertificateParams,
    not_before: Timestamp,
    not_after: Timestamp,
    serial_number: &[u8],
) -> Result<(), PkiError> {
    params.not_before = date("not_before", not_before)?;
    params.not_after = date("not_after", not_after)?;
    params.serial_number = Some(SerialNumber::from_slice(serial_number));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "");
    Ok(())
}

fn date(field: &'static str, value: Timestamp) -> Result<OffsetDateTime, PkiError> {
    OffsetDateTime::from_unix_timestamp(value.as_second())
        .ok()
        .filter(|date| (0..=9999).contains(&date.year()))
        .ok_or(PkiError::Date { field, value })
}

fn dns_name(name: &str) -> Result<SanType, PkiError> {
    let refused = |problem: String| PkiError::DnsName { name: name.to_owned(), problem };
    let ascii = if name.is_ascii() {
        name.to_owned()
    } else {
        idna::domain_to_ascii(name)
            .map_err(|_| refused("it is not ASCII and has no IDNA form (RFC 5891)".to_owned()))?
    };
    Ok(SanType::DnsName(ascii.try_into().map_err(|error: rcgen::Error| refused(error.to_string()))?))
}

/// Writes everything but the names with rcgen, puts the names in, and signs.
///
/// rcgen keeps a name as a map and so cannot write `CN=a, CN=b` or `DC=contoso, DC=local`.
fn sign(
    params: &CertificateParams,
    subject: &[u8],
    key: &KeyPair,
    issuer_name: &[u8],
    issuer_key: &KeyPair,
) -> Result<Certificate, PkiError> {
    let failed = |error: rcgen::Error| PkiError::Issue { problem: error.to_string() };
    let mut issuer = CertificateParams::default();
    issuer.key_identifier_method = KeyIdMethod::Sha256;
    let issuer = Issuer::new(issuer, Unsigned(issuer_key.signer()));
    let draft = params.signed_by(key.signer(), &issuer).map_err(failed)?;
    let (tbs, algorithm) = with_names(draft.der(), issuer_name, subject).ok_or_else(|| PkiError::Issue {
        problem: "the draft of the certificate has an unexpected shape".to_owned(),
    })?;
    let signature = issuer_key.signer().sign(&tbs).map_err(failed)?;
    let signature = der::write(der::BIT_STRING, &[&[0], &signature]);
    Certificate::from_der(der::write(der::SEQUENCE, &[&tbs, algorithm, &signature]))
}

/// The TBSCertificate of `draft` with other names, and its signature algorithm (RFC 5280 section 4.1).
fn with_names<'a>(draft: &'a [u8], issuer: &[u8], subject: &[u8]) -> Option<(Vec<u8>, &'a [u8])> {
    let (certificate, _) = der::read(draft)?;
    let (tbs, rest) = der::read(certificate.content)?;
    let (algorithm, _) = der::read(rest)?;
    let mut parts: Vec<&[u8]> = der::elements(tbs.content).map(|element| element.whole).collect();
    // version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, extensions
    *parts.get_mut(3)? = issuer;
    *parts.get_mut(5)? = subject;
    Some((der::write(der::SEQUENCE, &parts), algorithm.whole))
}

/// Stands in for a key while a draft is written that nobody will see.
struct Unsigned<'a>(&'a rcgen::KeyPair);

impl PublicKeyData for Unsigned<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl SigningKey for Unsigned<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

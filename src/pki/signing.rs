//! Writing and signing a certificate.

use rcgen::{CertificateParams, Issuer, KeyIdMethod, PublicKeyData, SignatureAlgorithm, SigningKey};

use super::key::Signer;
use super::rsa::Hash;
use super::{Certificate, KeyPair, PkiError, der};

/// In which of its odder ways a certificate is put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    /// As X.509 v1 had it: without extensions and without a number.
    pub(super) v1: bool,
    /// Signed over this hash in place of the one that goes with the key.
    pub(super) hash: Option<Hash>,
}

/// Writes everything but the names with rcgen, puts the names in, and signs.
///
/// rcgen keeps a name as a map and so cannot write `CN=a, CN=b` or `DC=contoso, DC=local`.
pub(super) fn sign(
    params: &CertificateParams,
    (subject, key): (&[u8], &KeyPair),
    (issuer_name, issuer_key): (&[u8], &KeyPair),
    version: Version,
) -> Result<Certificate, PkiError> {
    let mut issuer = CertificateParams::default();
    issuer.key_identifier_method = KeyIdMethod::Sha256;
    let issuer = Issuer::new(issuer, Unsigned(issuer_key.signer()));
    let draft = params.signed_by(key.signer(), &issuer).map_err(failed)?;
    let shape =
        || PkiError::Issue { problem: "the draft of the certificate has an unexpected shape".to_owned() };
    let (certificate, _) = der::read(draft.der()).ok_or_else(shape)?;
    let (tbs, rest) = der::read(certificate.content).ok_or_else(shape)?;
    let (algorithm, _) = der::read(rest).ok_or_else(shape)?;
    let mut parts: Vec<&[u8]> = der::elements(tbs.content).map(|element| element.whole).collect();
    let weak = version.hash.map(Hash::signature_algorithm);
    let algorithm = weak.as_deref().unwrap_or(algorithm.whole);
    // RFC 5280 section 4.1: version, serialNumber, signature, issuer, validity, subject,
    // subjectPublicKeyInfo, extensions
    for (at, part) in [(2, algorithm), (3, issuer_name), (5, subject)] {
        *parts.get_mut(at).ok_or_else(shape)? = part;
    }
    if version.v1 {
        // What is optional stands in context-specific elements, and is left away in version 1.
        parts.retain(|part| part.first().is_none_or(|tag| tag & 0xc0 != 0x80));
    }
    let tbs = der::write(der::SEQUENCE, &parts);
    let signature = match version.hash {
        None => issuer_key.signer().sign(&tbs).map_err(failed)?,
        Some(hash) => issuer_key.sign_with(hash, &tbs)?,
    };
    let certificate = sealed(&tbs, algorithm, &signature);
    if subject == issuer_name && key.is(issuer_key) {
        Certificate::of_its_own_key(certificate)
    } else {
        Certificate::from_der(certificate)
    }
}

/// `SEQUENCE { tbs, algorithm, signature }`, which a certificate and a revocation list are.
pub(super) fn sealed(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    let signature = der::write(der::BIT_STRING, &[&[0], signature]);
    der::write(der::SEQUENCE, &[tbs, algorithm, &signature])
}

pub(super) fn failed(error: impl std::fmt::Display) -> PkiError {
    PkiError::Issue { problem: error.to_string() }
}

/// Stands in for a key while a draft is written that nobody will see.
pub(super) struct Unsigned<'a>(pub(super) &'a Signer);

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

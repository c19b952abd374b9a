//! Private keys: made here, or read from PEM.

use std::fmt;
use std::sync::Arc;

use rcgen::{PublicKeyData, SigningKey};

#[cfg(feature = "aws-lc-rs")]
use super::fresh::FreshKey;
use super::key_algorithm::KeyAlgorithm;
use super::rsa::{Hash, RSA_ENCRYPTION, RsaKey, wrap};
use super::{PkiError, der, pem};

/// A private key and its public half. Clones share one key.
#[derive(Clone)]
pub struct KeyPair(Arc<Inner>);

struct Inner {
    signer: Signer,
    algorithm: KeyAlgorithm,
}

/// Whoever does the signing.
pub(super) enum Signer {
    /// The cryptographic provider.
    Provider(rcgen::KeyPair),
    /// The cryptographic provider, without rcgen.
    #[cfg(feature = "aws-lc-rs")]
    Fresh(FreshKey),
    /// This crate, for a key that no provider takes.
    Own { key: RsaKey, public: Vec<u8>, pkcs8: Vec<u8> },
}

impl KeyPair {
    /// A new key.
    ///
    /// The one place of this crate that asks for randomness; what a signature or a handshake needs
    /// of it, the cryptographic provider draws on its own. With feature `ring` RSA from 2048 bits and P-521
    /// are errors.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, PkiError> {
        let key = match algorithm {
            KeyAlgorithm::Rsa1024 => return Ok(Self::own(RsaKey::generate(1024, &seed()?))),
            #[cfg(feature = "aws-lc-rs")]
            KeyAlgorithm::EcdsaP256 => {
                let signer = Signer::Fresh(FreshKey::generate()?);
                return Ok(Self(Arc::new(Inner { signer, algorithm })));
            }
            #[cfg(not(feature = "aws-lc-rs"))]
            KeyAlgorithm::EcdsaP256 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            KeyAlgorithm::EcdsaP384 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            #[cfg(feature = "aws-lc-rs")]
            KeyAlgorithm::EcdsaP521 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            #[cfg(not(feature = "aws-lc-rs"))]
            KeyAlgorithm::EcdsaP521 => {
                return Err(problem(
                    "this build has the provider `ring`, which has no P-521: \
                     choose ecdsa-p384, or build with feature `aws-lc-rs`",
                ));
            }
            KeyAlgorithm::Ed25519 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519),
            #[cfg(feature = "aws-lc-rs")]
            KeyAlgorithm::Rsa2048 => generate_rsa(rcgen::RsaKeySize::_2048),
            #[cfg(feature = "aws-lc-rs")]
            KeyAlgorithm::Rsa3072 => generate_rsa(rcgen::RsaKeySize::_3072),
            #[cfg(feature = "aws-lc-rs")]
            KeyAlgorithm::Rsa4096 => generate_rsa(rcgen::RsaKeySize::_4096),
            #[cfg(not(feature = "aws-lc-rs"))]
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
                return Err(problem(
                    "this build has the provider `ring`, which cannot make RSA keys: \
                     give a key as PEM, choose ecdsa-p256, or build with feature `aws-lc-rs`",
                ));
            }
        };
        let key = key.map_err(|error| problem(error.to_string()))?;
        Ok(Self::of_the_provider(key, algorithm))
    }

    fn of_the_provider(key: rcgen::KeyPair, algorithm: KeyAlgorithm) -> Self {
        Self(Arc::new(Inner { signer: Signer::Provider(key), algorithm }))
    }

    fn own(key: RsaKey) -> Self {
        let (public, pkcs8) = (key.public_key(), key.to_pkcs8());
        let signer = Signer::Own { key, public, pkcs8 };
        Self(Arc::new(Inner { signer, algorithm: KeyAlgorithm::Rsa1024 }))
    }

    /// The first private key in `text`: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or
    /// SEC 1 (`EC PRIVATE KEY`).
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        let blocks = pem::decode(text)?;
        let block = blocks.into_iter().find(|block| block.label.ends_with("PRIVATE KEY"));
        let block = block.ok_or_else(|| PkiError::Pem {
            problem: "there is no `-----BEGIN PRIVATE KEY-----` in it".to_owned(),
        })?;
        let pkcs8 = match block.label {
            "PRIVATE KEY" => block.der,
            "RSA PRIVATE KEY" if text.contains("Proc-Type: 4,ENCRYPTED") => return Err(encrypted()),
            "RSA PRIVATE KEY" => wrap(RSA_ENCRYPTION, &der::write(der::NULL, &[]), &block.der),
            "EC PRIVATE KEY" => wrap_sec1(&block.der)?,
            "ENCRYPTED PRIVATE KEY" => return Err(encrypted()),
            other => {
                return Err(problem(format!("`{other}` is no kind of key that is read here")));
            }
        };
        Self::from_pkcs8(pkcs8)
    }

    /// The algorithm of the key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    /// The private key as PKCS#8 (RFC 5958).
    pub fn pkcs8_der(&self) -> &[u8] {
        match &self.0.signer {
            Signer::Provider(key) => key.serialized_der(),
            #[cfg(feature = "aws-lc-rs")]
            Signer::Fresh(key) => key.pkcs8(),
            Signer::Own { pkcs8, .. } => pkcs8,
        }
    }

    /// The private key as PKCS#8 in PEM. It is a secret: write it to disk only when asked.
    pub fn to_pem(&self) -> String {
        pem::encode("PRIVATE KEY", self.pkcs8_der())
    }

    /// Returns whether two are clones of one key.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The key itself, where it is one that no cryptographic provider signs with.
    pub fn unprovided(&self) -> Option<&RsaKey> {
        match &self.0.signer {
            Signer::Provider(_) => None,
            #[cfg(feature = "aws-lc-rs")]
            Signer::Fresh(_) => None,
            Signer::Own { key, .. } => Some(key),
        }
    }

    /// A signature over the hash that goes with the key; with RSA by PKCS #1 v1.5.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        self.signer().sign(message).map_err(|error| problem(error.to_string()))
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// A signature over a hash that no provider signs any more.
    pub(super) fn sign_with(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        let key = RsaKey::from_pkcs8(self.pkcs8_der()).ok_or_else(|| {
            problem("only an RSA key signs over SHA-1 and MD5; the authority has to have one")
        })?;
        Ok(key.sign_pkcs1(hash, message))
    }

    /// Returns the content of the BIT STRING of a SubjectPublicKeyInfo.
    pub(super) fn public_key_bits(&self) -> &[u8] {
        self.0.signer.der_bytes()
    }

    fn from_pkcs8(pkcs8: Vec<u8>) -> Result<Self, PkiError> {
        if let Some(key) = RsaKey::from_pkcs8(&pkcs8).filter(|key| key.bits() == 1024) {
            return Ok(Self::own(key));
        }
        let key = rcgen::KeyPair::try_from(pkcs8).map_err(|error| {
            problem(format!("{error}; ECDSA P-256, P-384 and P-521, Ed25519 and RSA from 1024 bits are read"))
        })?;
        let algorithm = match key.algorithm() {
            a if *a == rcgen::PKCS_ECDSA_P256_SHA256 => KeyAlgorithm::EcdsaP256,
            a if *a == rcgen::PKCS_ECDSA_P384_SHA384 => KeyAlgorithm::EcdsaP384,
            #[cfg(feature = "aws-lc-rs")]
            a if *a == rcgen::PKCS_ECDSA_P521_SHA512 => KeyAlgorithm::EcdsaP521,
            a if *a == rcgen::PKCS_ED25519 => KeyAlgorithm::Ed25519,
            a if *a == rcgen::PKCS_RSA_SHA256 => match rsa_bits(key.der_bytes()) {
                2048 => KeyAlgorithm::Rsa2048,
                3072 => KeyAlgorithm::Rsa3072,
                4096 => KeyAlgorithm::Rsa4096,
                bits => {
                    return Err(problem(format!(
                        "RSA with {bits} bits; 1024, 2048, 3072 and 4096 are served"
                    )));
                }
            },
            _ => {
                return Err(problem("of this curve no certificate is served; take P-256 or P-384"));
            }
        };
        Ok(Self::of_the_provider(key, algorithm))
    }
}

impl PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Provider(key) => key.der_bytes(),
            #[cfg(feature = "aws-lc-rs")]
            Self::Fresh(key) => key.public(),
            Self::Own { public, .. } => public,
        }
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::Provider(key) => key.algorithm(),
            #[cfg(feature = "aws-lc-rs")]
            Self::Fresh(_) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::Own { .. } => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Self::Provider(key) => key.sign(message),
            #[cfg(feature = "aws-lc-rs")]
            Self::Fresh(key) => key.sign(message),
            Self::Own { key, .. } => Ok(key.sign_pkcs1_sha256(message)),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({:?}, secret)", self.0.algorithm)
    }
}

/// 1.2.840.10045.2.1 (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

#[cfg(feature = "aws-lc-rs")]
fn generate_rsa(size: rcgen::RsaKeySize) -> Result<rcgen::KeyPair, rcgen::Error> {
    rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)
}

/// 32 bytes that nobody can guess, from the provider: the private key of Ed25519 is nothing else (RFC 8032
/// section 5.1.5).
fn seed() -> Result<Vec<u8>, PkiError> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519);
    let key = key.map_err(|error| problem(error.to_string()))?;
    let private = der::read(key.serialized_der())
        .and_then(|(info, _)| der::elements(info.content).find(|part| part.tag == der::OCTET_STRING))
        .map(|private| private.content.to_vec());
    private.ok_or_else(|| problem("the provider writes keys in a way that is not understood"))
}

/// The curve stands in `[0]` of `ECPrivateKey` (RFC 5915 section 3), where PKCS#8 wants it outside.
fn wrap_sec1(key: &[u8]) -> Result<Vec<u8>, PkiError> {
    let curve = der::read(key)
        .and_then(|(sequence, _)| der::elements(sequence.content).find(|element| element.tag == 0xa0))
        .ok_or_else(|| {
            problem("the EC key does not name its curve; convert it with `openssl pkcs8 -topk8`")
        })?;
    Ok(wrap(EC_PUBLIC_KEY, curve.content, key))
}

/// The length of the modulus of an `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn rsa_bits(public_key: &[u8]) -> usize {
    let modulus = der::read(public_key).and_then(|(sequence, _)| der::read(sequence.content));
    modulus.map_or(0, |(modulus, _)| bit_length(modulus.content))
}

/// Of an unsigned integer in big-endia bytes.
pub(super) fn bit_length(bytes: &[u8]) -> usize {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let top = bytes.get(zeros).map_or(0, |top| top.leading_zeros() as usize);
    (bytes.len() - zeros) * 8 - top
}

fn encrypted() -> PkiError {
    problem("it is encrypted; decrypt it first, for instance with `openssl pkcs8 -in key.pem -out plain.pem`")
}

pub(super) fn problem(problem: impl Into<String>) -> PkiError {
    PkiError::Key { problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.2.840.10045.3.1.7.
    const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

    /// The key within a PKCS#8 wrapping: PKCS#1 of an RSA key, SEC 1 of an EC key.
    fn unwrapped(key: &KeyPair) -> Vec<u8> {
        let (outer, _) = der::read(key.pkcs8_der()).unwrap();
        let inner = der::elements(outer.content).find(|e| e.tag == der::OCTET_STRING);
        inner.unwrap().content.to_vec()
    }

    #[test]
    fn every_algorithm_survives_the_way_through_pem() {
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
            let key = KeyPair::generate(algorithm).unwrap();
            let again = KeyPair::from_pem(&key.to_pem()).unwrap();
            assert_eq!(again.algorithm(), algorithm);
            assert_eq!(again.pkcs8_der(), key.pkcs8_der());
            assert_eq!(again.public_key_bits(), key.public_key_bits());
        }
    }

    #[cfg(feature = "aws-lc-rs")]
    #[test]
    fn an_rsa_key_has_the_length_that_was_asked_for() {
        let key = KeyPair::generate(KeyAlgorithm::Rsa2048).unwrap();
        assert_eq!(KeyPair::from_pem(&key.to_pem()).unwrap().algorithm(), KeyAlgorithm::Rsa2048);
    }

    #[cfg(not(feature = "aws-lc-rs"))]
    #[test]
    fn rsa_without_a_provider_that_makes_it_is_an_error_that_says_what_to_do() {
        let error = KeyPair::generate(KeyAlgorithm::Rsa2048).unwrap_err();
        assert!(error.to_string().contains("aws-lc-rs"), "{error}");
    }

    #[test]
    fn an_ec_key_in_the_older_format_is_read_as_pkcs8() {
        let key = KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let sec1 = unwrapped(&key);
        let curve = der::write(0xa0, &[&der::write(der::OID, &[P256])]);
        let (sequence, _) = der::read(&sec1).unwrap();
        let mut parts: Vec<_> = der::elements(sequence.content).map(|e| e.whole).collect();
        parts.retain(|part| part[0] != 0xa0);
        parts.insert(2, &curve);
        let text = pem::encode("EC PRIVATE KEY", &der::write(der::SEQUENCE, &parts));
        let parameters = pem::encode("EC PARAMETERS", &der::write(der::OID, &[P256]));
        let again = KeyPair::from_pem(&(parameters + &text)).unwrap();
        assert_eq!(again.public_key_bits(), key.public_key_bits());
        assert!(KeyPair::from_pem(&again.to_pem()).is_ok());
    }

    #[cfg(feature = "aws-lc-rs")]
    #[test]
    fn an_rsa_key_in_the_older_format_is_read_as_pkcs8() {
        let key = KeyPair::generate(KeyAlgorithm::Rsa2048).unwrap();
        let again = KeyPair::from_pem(&pem::encode("RSA PRIVATE KEY", &unwrapped(&key))).unwrap();
        assert_eq!(again.algorithm(), KeyAlgorithm::Rsa2048);
        assert_eq!(again.pkcs8_der(), key.pkcs8_der());
    }

    #[test]
    fn what_is_no_usable_key_is_refused_with_what_to_do() {
        let error = |text: &str| KeyPair::from_pem(text).unwrap_err().to_string();
        assert!(error("").contains("BEGIN PRIVATE KEY"));
        assert!(error(&pem::encode("ENCRYPTED PRIVATE KEY", &[1])).contains("openssl pkcs8"));
        assert!(error(&pem::encode("EC PRIVATE KEY", &[1])).contains("curve"));
        assert!(error(&pem::encode("PRIVATE KEY", &[1])).contains("P-256"));
        assert!(error(&pem::encode("DSA PRIVATE KEY", &[1])).contains("DSA"));
    }

    #[test]
    fn a_key_shows_no_secret_and_its_algorithm_has_the_name_of_the_lab_file() {
        let key = KeyPair::generate(KeyAlgorithm::default()).unwrap();
        assert_eq!(format!("{key:?}"), "KeyPair(EcdsaP256, secret)");
        assert_eq!(serde_json::to_string(&KeyAlgorithm::Rsa4096).unwrap(), "\"rsa-4096\"");
    }
}

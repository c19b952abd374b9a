//! Keys on P-256 that are made here, by the cryptographic provider itself.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::PkiError;
use super::key::problem;

/// A key on P-256 that was made here. rcgen writes a key that it makes as PKCS#8, reads it again and checks it, which
/// takes as long as making it.
pub(super) struct FreshKey {
    key: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl FreshKey {
    pub(super) fn generate() -> Result<Self, PkiError> {
        let failed = |_| problem("the cryptographic provider could not make it");
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        let pkcs8 = key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec();
        Ok(Self { key, pkcs8 })
    }

    /// The key as PKCS#8 (RFC 5958).
    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key, an uncompressed point.
    pub(super) fn public(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// A signature over SHA-256 in DER.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.key.sign(&SystemRandom::new(), message);
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| rcgen::Error::RingUnspecified)
    }
}

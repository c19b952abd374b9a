//! Keys that sign in a handshake: those that sign in one way only, the one kind that no provider accepts, and the
//! provider's.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use super::TlsSetupError;
use crate::pki::{KeyAlgorithm, KeyPair, RsaKey};

/// Returns the signing key of rustls for `key`.
pub(super) fn signing_key(
    provider: &CryptoProvider,
    key: &KeyPair,
) -> Result<Arc<dyn SigningKey>, TlsSetupError> {
    let scheme = match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => SignatureScheme::ECDSA_NISTP256_SHA256,
        KeyAlgorithm::EcdsaP384 => SignatureScheme::ECDSA_NISTP384_SHA384,
        KeyAlgorithm::EcdsaP521 => SignatureScheme::ECDSA_NISTP521_SHA512,
        KeyAlgorithm::Ed25519 => SignatureScheme::ED25519,
        KeyAlgorithm::Rsa1024 | KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            return rsa(provider, key);
        }
    };
    Ok(Arc::new(OneWay { key: key.clone(), scheme }))
}

fn rsa(provider: &CryptoProvider, key: &KeyPair) -> Result<Arc<dyn SigningKey>, TlsSetupError> {
    if let Some(key) = key.unprovided() {
        return Ok(Arc::new(Unprovided(Arc::new(key.clone()))));
    }
    let key = PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()).into();
    provider.key_provider.load_private_key(key).map_err(|error| TlsSetupError::Key(error.to_string()))
}

/// A key that signs in one way: of an elliptic curve. It signs by itself, because rustls would read it again from its
/// PKCS#8 form and check it, which takes longer than to issue a certificate.
#[derive(Clone, Debug)]
struct OneWay {
    key: KeyPair,
    scheme: SignatureScheme,
}

impl SigningKey for OneWay {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&self.scheme).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.scheme {
            SignatureScheme::ED25519 => SignatureAlgorithm::ED25519,
            _ => SignatureAlgorithm::ECDSA,
        }
    }
}

impl Signer for OneWay {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.key.sign(message).map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// An RSA key of 1024 bits. A signature of RSASSA-PSS over SHA-512 would not fit into it.
#[derive(Debug)]
struct Unprovided(Arc<RsaKey>);

impl SigningKey for Unprovided {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let ours = [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];
        let scheme = ours.into_iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(UnprovidedSigner { key: Arc::clone(&self.0), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct UnprovidedSigner {
    key: Arc<RsaKey>,
    scheme: SignatureScheme,
}

impl Signer for UnprovidedSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match self.scheme {
            SignatureScheme::RSA_PSS_SHA256 => self.key.sign_pss_sha256(message),
            _ => self.key.sign_pkcs1_sha256(message),
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

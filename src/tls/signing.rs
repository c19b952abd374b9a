//! Keys that sign in a handshake: the provider's, and the one kind that no provider accepts.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use super::TlsSetupError;
use crate::pki::{KeyPair, RsaKey};

/// Returns the signing key of rustls for `key`.
pub(super) fn signing_key(
    provider: &CryptoProvider,
    key: &KeyPair,
) -> Result<Arc<dyn SigningKey>, TlsSetupError> {
    if let Some(key) = key.unprovided() {
        return Ok(Arc::new(Unprovided(Arc::new(key.clone()))));
    }
    let key = PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()).into();
    provider.key_provider.load_private_key(key).map_err(|error| TlsSetupError::Key(error.to_string()))
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

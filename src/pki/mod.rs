//! Certificates: making keys, issuing, and describing what is in a certificate.
//!
//! A lab issues everything it presents on the spot, from an [`Authority`] that is new at every
//! start. What a test needs to be wrong (dates, names, several common names, an empty subject) is
//! a [`Template`] handed in as it is; nothing here corrects it. Certificates from elsewhere are
//! read as Windows shows them, whatever their encoding.

mod attribute;
mod bounds;
mod certificate;
mod crl;
mod der;
mod dn;
mod error;
#[cfg(feature = "aws-lc-rs")]
mod fresh;
mod issue;
mod jks;
mod key;
mod key_algorithm;
mod pem;
mod pkcs12;
mod rsa;
mod san;
mod shared_keys;
mod signing;
mod template;
mod thumbprint;

pub use certificate::{Certificate, PublicKey};
pub use dn::DistinguishedName;
pub use error::PkiError;
pub use issue::{Authority, self_signed};
pub use jks::trust_store;
pub use key::KeyPair;
pub use key_algorithm::KeyAlgorithm;
pub use pkcs12::pkcs12_trust_store;
pub use rsa::RsaKey;
pub use shared_keys::SharedKeys;
pub use template::{AuthorityTemplate, ExtendedKeyUsage, KeyUsage, SignatureHash, Template};
pub use thumbprint::{ParseThumbprintError, Thumbprint};

//! What servers of yesterday say first. No cryptography stands behind it: it ends with ServerHelloDone.

use rustls::sign::CertifiedKey;

use crate::session::fault::LegacyVersion;
use crate::session::{ClientHelloFacts, Deed, TlsFailure};

/// The first flight of `server` for a client that offers `hello`.
pub(super) fn first_flight(
    _server: LegacyVersion,
    _hello: &ClientHelloFacts,
    _certified: &CertifiedKey,
) -> Result<(Vec<u8>, Deed), TlsFailure> {
    Err(TlsFailure::Unusable { reason: "not yet".to_owned() })
}

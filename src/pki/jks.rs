//! A Java trust store with one certificate.
//!
//! The JKS format is not specified by itself; it is what `sun.security.provider.JavaKeyStore` of OpenJDK
//! reads: numbers in network order, texts behind their length in two bytes, and at the end SHA-1 over the
//! password in UTF-16, a phrase, and everything before.

use jiff::Timestamp;
use sha1::{Digest, Sha1};

use super::Certificate;

/// The password of a trust store. It hides nothing: it is what `keytool` uses by habit.
pub(super) const PASSWORD: &str = "changeit";

/// The alias of the certificate in it.
pub(super) const NAME: &str = "starttls-lab";

/// A trust store of Java's (the JKS kind) with one certificate, as a file's content; its password is
/// `changeit`, and `now` is when the certificate was put in.
pub fn trust_store(certificate: &Certificate, now: Timestamp) -> Vec<u8> {
    const MAGIC: u32 = 0xFEED_FEED;
    const VERSION: u32 = 2;
    const ENTRIES: u32 = 1;
    const TRUSTED_CERTIFICATE: u32 = 2;

    let mut store = Vec::new();
    for number in [MAGIC, VERSION, ENTRIES, TRUSTED_CERTIFICATE] {
        store.extend(number.to_be_bytes());
    }
    text(NAME, &mut store);
    store.extend(now.as_millisecond().to_be_bytes());
    text("X.509", &mut store);
    let der = certificate.der();
    // No certificate of the lab comes near the four gibibytes.
    store.extend(u32::try_from(der.len()).unwrap_or(u32::MAX).to_be_bytes());
    store.extend(der);

    let mut digest = Sha1::new();
    for unit in PASSWORD.encode_utf16() {
        digest.update(unit.to_be_bytes());
    }
    digest.update(b"Mighty Aphrodite");
    digest.update(&store);
    store.extend(digest.finalize());
    store
}

/// A short text of ASCII, which Java's modified UTF-8 writes as it is.
fn text(text: &str, store: &mut Vec<u8>) {
    store.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend(text.as_bytes());
}

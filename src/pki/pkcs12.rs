//! A PKCS#12 file (RFC 7292) with one certificate to trust.
//!
//! It holds no key and nothing in it is encrypted: a certificate is public, and a password that everybody knows
//! hides nothing. The seal is HMAC with SHA-1, because every reader knows it, Java 8 included; Java demands that
//! there is one, and an attribute of its own that says that the certificate is to be trusted.

use sha1::{Digest, Sha1};

use super::jks::{NAME, PASSWORD};
use super::{Certificate, der};

/// 1.2.840.113549.1.7.1, data (RFC 2315 section 14).
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// 1.2.840.113549.1.12.10.1.3, certBag (RFC 7292 section 4.2).
const CERT_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
/// 1.2.840.113549.1.9.22.1, x509Certificate (RFC 7292 section 4.2.3).
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
/// 1.2.840.113549.1.9.20, friendlyName (RFC 2985 section 5.5.1).
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
/// 2.16.840.1.113894.746875.1.1, trustedKeyUsage: `sun.security.pkcs12.PKCS12KeyStore` of OpenJDK takes only
/// certificates that carry it for trusted ones.
const TRUSTED_KEY_USAGE: &[u8] = &[0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1, 1];
/// 2.5.29.37.0, anyExtendedKeyUsage (RFC 5280 section 4.2.1.12).
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0];
/// 1.3.14.3.2.26, SHA-1.
const SHA_1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];

const NULL: u8 = 0x05;
const BMP_STRING: u8 = 0x1e;
const CONTEXT_0: u8 = 0xa0;

/// The iterations of the key derivation; OpenSSL's default.
const ITERATIONS: u16 = 2048;

/// A trust store of the PKCS#12 kind with one certificate, as a file's content, for Java, OpenSSL and whoever else
/// reads it; its password is `changeit`.
pub fn pkcs12_trust_store(certificate: &Certificate) -> Vec<u8> {
    let bag = sequence(&[
        &oid(CERT_BAG),
        &explicit(&sequence(&[&oid(X509_CERTIFICATE), &explicit(&bytes(certificate.der()))])),
        // A SET OF stands in the order of its encodings (X.690 section 11.6), and the shorter one is before.
        &der::write(
            der::SET,
            &[
                &attribute(TRUSTED_KEY_USAGE, &oid(ANY_USAGE)),
                &attribute(FRIENDLY_NAME, &der::write(BMP_STRING, &[&utf16(NAME)])),
            ],
        ),
    ]);
    let safe = sequence(&[&data(&sequence(&[&bag]))]);

    // Whatever it is, it has to be told; that of one certificate is always the same.
    let salt = Sha1::digest(certificate.der());
    let digest = sequence(&[&sequence(&[&oid(SHA_1), &der::write(NULL, &[])]), &bytes(&mac(&safe, &salt))]);
    let iterations = der::write(der::INTEGER, &[&ITERATIONS.to_be_bytes()]);
    let seal = sequence(&[&digest, &bytes(&salt), &iterations]);
    sequence(&[&der::write(der::INTEGER, &[&[3]]), &data(&safe), &seal])
}

/// HMAC with SHA-1 (RFC 2104) under the key that comes of the password.
fn mac(message: &[u8], salt: &[u8]) -> [u8; 20] {
    let key = key(salt);
    let mut block = [0; BLOCK];
    block[..key.len()].copy_from_slice(&key);
    let inner = Sha1::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha1::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

/// RFC 7292 appendix B.2. The key is as long as the digest, so that there is one round of it.
fn key(salt: &[u8]) -> [u8; 20] {
    const FOR_A_MAC: u8 = 3;
    // The password ends in two bytes of zero (appendix B.1).
    let password = utf16(&format!("{PASSWORD}\0"));
    let filled = |bytes: &[u8]| -> Vec<u8> {
        let length = bytes.len().next_multiple_of(BLOCK);
        bytes.iter().copied().cycle().take(length).collect()
    };
    let first = Sha1::new().chain_update([FOR_A_MAC; BLOCK]).chain_update(filled(salt));
    let first = first.chain_update(filled(&password)).finalize();
    (1..ITERATIONS).fold(first, |digest, _| Sha1::digest(digest)).into()
}

/// The block size of SHA-1, in bytes.
const BLOCK: usize = 64;

/// `ContentInfo` of data.
fn data(content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(DATA), &explicit(&bytes(content))])
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &der::write(der::SET, &[value])])
}

fn explicit(element: &[u8]) -> Vec<u8> {
    der::write(CONTEXT_0, &[element])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der::write(der::SEQUENCE, parts)
}

fn bytes(content: &[u8]) -> Vec<u8> {
    der::write(der::OCTET_STRING, &[content])
}

fn oid(content: &[u8]) -> Vec<u8> {
    der::write(der::OID, &[content])
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_what_they_are_said_to_be() {
        for (bytes, text) in [
            (DATA, "1.2.840.113549.1.7.1"),
            (CERT_BAG, "1.2.840.113549.1.12.10.1.3"),
            (X509_CERTIFICATE, "1.2.840.113549.1.9.22.1"),
            (FRIENDLY_NAME, "1.2.840.113549.1.9.20"),
            (TRUSTED_KEY_USAGE, "2.16.840.1.113894.746875.1.1"),
            (ANY_USAGE, "2.5.29.37.0"),
            (SHA_1, "1.3.14.3.2.26"),
        ] {
            assert_eq!(der::oid_to_text(bytes), text);
        }
    }
    /// `openssl kdf -keylen 20 -kdfopt digest:SHA1 -kdfopt hexpass:006300680061006e00670065006900740000
    /// -kdfopt hexsalt:0102030405060708090a0b0c0d0e0f1011121314 -kdfopt iter:2048 -kdfopt id:3 PKCS12KDF`
    #[test]
    fn the_key_is_the_one_that_openssl_makes_of_the_password() {
        let salt: Vec<u8> = (1..=20).collect();
        let by_openssl = [
            0xba, 0x0d, 0xae, 0x3f, 0xe4, 0xfd, 0x44, 0x1e, 0x2e, 0x79, 0x83, 0xc7, 0xcf, 0x94, 0xb0, 0x32,
            0x44, 0xc2, 0x46, 0x91,
        ];
        assert_eq!(key(&salt), by_openssl);
    }
}

//! Certificates as files: PEM, DER and PKCS#12.

use crate::pki::Certificate;

/// A certificate from a file, and whether its private key was in the file.
#[derive(Clone, Debug)]
pub(super) struct Filed {
    pub(super) certificate: Certificate,
    /// True if the key is there; `None` if the file is of a kind that holds no keys.
    pub(super) has_key: Option<bool>,
}

/// The contents of certificate files.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The server certificates, without the chain behind them.
    pub(super) certificates: Vec<Filed>,
    /// Notes for the user.
    pub(super) notes: Vec<String>,
}

/// Reads the certificates in a binary file; `None` if it is not one.
pub(super) fn binary(bytes: &[u8], password: Option<&str>) -> Option<Files> {
    if let Ok(certificate) = Certificate::from_der(bytes.to_vec()) {
        let certificates = vec![Filed { certificate, has_key: None }];
        return Some(Files { certificates, notes: Vec::new() });
    }
    is_pkcs12(bytes).then(|| pkcs12(bytes, password.unwrap_or_default()))
}

/// The reason why a PKCS#12 file has no certificate for a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Pkcs12Error(String);

/// Reads the certificate in a PKCS#12 file, the one with a private key if there are several; `None` if it is no such
/// file.
pub fn certificate_in_pkcs12(
    bytes: &[u8],
    password: Option<&str>,
) -> Option<Result<Certificate, Pkcs12Error>> {
    is_pkcs12(bytes).then(|| {
        let files = pkcs12(bytes, password.unwrap_or_default());
        let first = files.certificates.into_iter().next().map(|filed| filed.certificate);
        first.ok_or_else(|| {
            let notes = files.notes.join("; ");
            Pkcs12Error(if notes.is_empty() { "there is no certificate in it".to_owned() } else { notes })
        })
    })
}

/// Reads the certificates in PEM blocks of a text.
pub(super) fn pem(text: &str) -> Option<Files> {
    if !text.contains("-----BEGIN ") {
        return None;
    }
    let mut files = Files::default();
    let found = Certificate::all_from_pem(text);
    let has_key = text.contains("PRIVATE KEY-----");
    match found {
        Ok(found) => {
            let kept = without_chain(&found, &mut files.notes);
            let filed = |certificate| Filed { certificate, has_key: has_key.then_some(true) };
            files.certificates = kept.into_iter().map(filed).collect();
        }
        Err(error) => files.notes.push(error.to_string()),
    }
    if text.contains("-----BEGIN CERTIFICATE REQUEST") || text.contains("-----BEGIN NEW CERTIFICATE REQUEST")
    {
        files.notes.push("a certificate request is no certificate yet; it is left out".to_owned());
    }
    if has_key {
        files.notes.push("a private key is in the text; it is neither read nor kept".to_owned());
    }
    (!files.certificates.is_empty() || !files.notes.is_empty()).then_some(files)
}

/// Returns the certificates that issue none of the others; the issuers are the chain.
fn without_chain(found: &[Certificate], notes: &mut Vec<String>) -> Vec<Certificate> {
    let issues = |it: &Certificate| {
        it.is_ca() && found.iter().any(|other| other != it && other.issuer() == it.subject())
    };
    let (chain, kept): (Vec<_>, Vec<_>) = found.iter().cloned().partition(issues);
    if !chain.is_empty() {
        let names: Vec<&str> = chain.iter().map(Certificate::subject).collect();
        notes.push(format!("the chain above the certificate is made anew: {}", names.join("; ")));
    }
    kept
}

/// Returns whether the bytes begin like PFX ::= SEQUENCE { version INTEGER (3), ... } (RFC 7292 section 4).
fn is_pkcs12(bytes: &[u8]) -> bool {
    let body = match bytes {
        [0x30, 0x80, rest @ ..] => rest,
        [0x30, length, rest @ ..] if *length < 0x80 => rest,
        [0x30, length, rest @ ..] => rest.get(usize::from(length & 0x7f)..).unwrap_or_default(),
        _ => return false,
    };
    body.starts_with(&[2, 1, 3, 0x30])
}

#[cfg(feature = "pfx")]
fn pkcs12(bytes: &[u8], password: &str) -> Files {
    use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};

    let mut files = Files::default();
    let store = match KeyStore::from_pkcs12(bytes, password, Pkcs12ImportPolicy::Relaxed) {
        Ok(store) => store,
        Err(error) => {
            let hint = if password.is_empty() {
                "give its password with --password-file or in STARTTLS_LAB_PASSWORD"
            } else {
                "the password that was given may be another file's"
            };
            files.notes.push(format!("the PKCS#12 file (.pfx) cannot be read: {error}; {hint}"));
            return files;
        }
    };
    for (_, entry) in store.entries() {
        let (der, has_key) = match entry {
            KeyStoreEntry::PrivateKeyChain(chain) => {
                (chain.certs().first().map(|it| it.as_der().to_vec()), true)
            }
            KeyStoreEntry::Certificate(it) => (Some(it.as_der().to_vec()), false),
            KeyStoreEntry::Secret(_) => (None, false),
        };
        if let Some(Ok(certificate)) = der.map(Certificate::from_der) {
            files.certificates.push(Filed { certificate, has_key: Some(has_key) });
        }
    }
    if files.certificates.iter().any(|filed| filed.has_key == Some(true)) {
        files.certificates.retain(|filed| filed.has_key == Some(true));
        files.notes.push("the private key in the file is neither used nor kept".to_owned());
    }
    files
}

#[cfg(not(feature = "pfx"))]
fn pkcs12(_: &[u8], _: &str) -> Files {
    let note = "it is a PKCS#12 file (.pfx), which this build does not read; \
        give its certificate as PEM (openssl pkcs12 -in FILE -nokeys), or build with feature `pfx`";
    Files { certificates: Vec::new(), notes: vec![note.to_owned()] }
}

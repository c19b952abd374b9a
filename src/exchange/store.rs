//! The certificate store of a computer: what Exchange chooses from.

use std::collections::HashSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flags::Services;
use crate::name::{Coverage, covers};
use crate::pki::{Certificate, KeyPair, Thumbprint};

/// The *Personal* store of a computer, in the order in which certificates were filed.
#[derive(Clone, Debug, Default)]
pub struct CertificateStore(Vec<StoredCertificate>);

impl CertificateStore {
    /// Files a certificate.
    pub fn add(&mut self, certificate: StoredCertificate) {
        self.0.push(certificate);
    }

    /// All certificates.
    pub fn iter(&self) -> std::slice::Iter<'_, StoredCertificate> {
        self.0.iter()
    }

    /// All certificates, to change what Exchange knows of them.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, StoredCertificate> {
        self.0.iter_mut()
    }

    /// The certificate with this thumbprint: the one that it goes by, or else the one that peers see.
    pub fn find(&self, thumbprint: Thumbprint) -> Option<&StoredCertificate> {
        let known = self.0.iter().find(|stored| stored.facts.thumbprint == thumbprint);
        known.or_else(|| self.0.iter().find(|stored| stored.handshake_thumbprint() == Some(thumbprint)))
    }

    /// The first instant after `now` at which one of the certificates begins or ends to be valid,
    /// or comes within `ahead` of its end.
    pub fn next_change(&self, now: Timestamp, ahead: jiff::SignedDuration) -> Option<Timestamp> {
        let dates = self.0.iter().flat_map(|stored| {
            let end = stored.facts.not_after;
            [Some(stored.facts.not_before), Some(end), end.checked_sub(ahead).ok()]
        });
        // Valid-to is the last instant of validity; the change comes with the second after it.
        let after =
            dates.flatten().filter_map(|date| date.checked_add(jiff::SignedDuration::from_secs(1)).ok());
        after.filter(|date| *date > now).min()
    }
}

impl StoredCertificate {
    /// The certificate with its chain and its key, where the transport service can use the key. Nothing is
    /// ever presented without it, whatever it is presented for.
    pub fn presentable(&self) -> Option<&Material> {
        self.material.as_ref().filter(|_| self.private_key.is_usable())
    }
}

impl PrivateKey {
    /// Returns whether the transport service can sign with the key.
    pub const fn is_usable(self) -> bool {
        match self {
            Self::Present => true,
            Self::Missing | Self::Unreadable => false,
        }
    }
}

/// A certificate as the store keeps it: what it says, what Exchange knows of it, and the key.
#[derive(Clone, Debug)]
pub struct StoredCertificate {
    /// The certificate's name in the lab.
    pub label: String,
    /// The facts that the certificate states.
    pub facts: CertificateFacts,
    /// The services that it was enabled for.
    pub services: Services,
    /// The state of its private key for the transport service.
    pub private_key: PrivateKey,
    /// The status that Windows finds when it builds the chain.
    pub chain: ChainStatus,
    /// The certificate itself; a store in memory has none.
    pub material: Option<Material>,
}

impl StoredCertificate {
    /// The thumbprint of what is presented in a handshake, where it is another one than the certificate goes by:
    /// a lab file may declare the thumbprint that an administrator's certificate has.
    pub fn handshake_thumbprint(&self) -> Option<Thumbprint> {
        let presented = self.material.as_ref()?.certificate.thumbprint();
        (presented != self.facts.thumbprint).then_some(presented)
    }

    /// The thumbprint that the certificate goes by, and the one that peers see where it differs, in words.
    pub fn thumbprints(&self) -> String {
        thumbprints(self.facts.thumbprint, self.handshake_thumbprint())
    }
}

/// Returns the thumbprint that a certificate goes by, and the one that peers see where it differs, in words.
pub fn thumbprints(known: Thumbprint, in_handshake: Option<Thumbprint>) -> String {
    match in_handshake {
        Some(seen) => format!("{known} (in the handshake {seen})"),
        None => known.to_string(),
    }
}

/// The material that a server needs to serve a certificate.
#[derive(Clone, Debug)]
pub struct Material {
    /// The certificate.
    pub certificate: Certificate,
    /// The intermediates that are sent with it, nearest first.
    pub intermediates: Vec<Certificate>,
    /// Its key.
    pub key: KeyPair,
}

/// The state of a private key for the transport service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PrivateKey {
    /// It is there and can be read.
    #[default]
    Present,
    /// The certificate was imported without it.
    Missing,
    /// It is there, but NETWORK SERVICE may not read it, or its provider is not supported.
    Unreadable,
}

/// The status that Windows finds when it builds a certificate's chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChainStatus {
    /// The chain ends in a trusted root.
    #[default]
    Valid,
    /// The chain does not end in a trusted root.
    Untrusted,
    /// The certificate was revoked.
    Revoked,
}

/// The facts that the selection reads in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateFacts {
    /// The thumbprint of the certificate: SHA-1 of the DER, or what a lab file declares in its place.
    pub thumbprint: Thumbprint,
    /// The subject as Windows writes it.
    pub subject: String,
    /// The issuer as Windows writes it.
    pub issuer: String,
    /// Upper-case hexadecimal.
    pub serial_number: String,
    /// The common names in the subject.
    pub common_names: Vec<String>,
    /// The DNS names among the subject alternative names.
    pub dns_names: Vec<String>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid to, the last instant included (RFC 5280 section 4.1.2.5).
    pub not_after: Timestamp,
    /// The X.509 version, 3 for all that is current.
    pub version: u8,
    /// True if it was signed with its own key.
    pub self_signed: bool,
}

impl CertificateFacts {
    /// Every name the certificate carries, once each: `CertificateDomains` as the cmdlet shows it.
    pub fn names(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        self.all_names().filter(|name| known.insert(name.to_ascii_lowercase())).collect()
    }

    /// Returns the best way in which one of the names covers `host`; `None` if none does.
    pub fn covers(&self, host: &str) -> Option<Coverage> {
        self.all_names().filter_map(|name| covers(name, host)).min()
    }

    /// Returns every name as often as it stands there.
    fn all_names(&self) -> impl Iterator<Item = &str> {
        self.dns_names.iter().chain(&self.common_names).map(String::as_str)
    }

    /// Returns whether Valid-to lies before `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now.as_second() > self.not_after.as_second()
    }

    /// Returns whether Valid-from lies after `now`.
    pub fn is_not_yet_valid(&self, now: Timestamp) -> bool {
        now < self.not_before
    }
}

impl From<&Certificate> for CertificateFacts {
    fn from(certificate: &Certificate) -> Self {
        Self {
            thumbprint: certificate.thumbprint(),
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer().to_owned(),
            serial_number: certificate.serial_number().to_owned(),
            common_names: certificate.common_names().to_vec(),
            dns_names: certificate.dns_names().to_vec(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            version: certificate.version(),
            self_signed: certificate.is_self_signed(),
        }
    }
}

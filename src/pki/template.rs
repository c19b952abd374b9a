//! The fields of a certificate before it is issued.

use std::net::IpAddr;

use jiff::Timestamp;
use rcgen::{ExtendedKeyUsagePurpose, GeneralSubtree, KeyUsagePurpose, NameConstraints};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DistinguishedName;
use super::rsa::Hash;
use super::signing::Version;

/// A server certificate before it is issued. It is issued as it stands, however wrong that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// May be empty (then the SAN is critical, RFC 5280 section 4.1.2.6) and may hold several CNs.
    pub subject: DistinguishedName,
    /// The dNSNames of the SAN: any ASCII; what is not ASCII becomes its A-label (RFC 5890).
    pub dns_names: Vec<String>,
    /// Further dNSNames, written in UTF-8 as they stand, which RFC 5280 section 4.2.1.6 forbids.
    pub raw_dns_names: Vec<String>,
    /// The iPAddresses of the SAN.
    pub ip_addresses: Vec<IpAddr>,
    /// The rfc822Names of the SAN.
    pub email_addresses: Vec<String>,
    /// The uniformResourceIdentifiers of the SAN.
    pub uris: Vec<String>,
    /// The SRVNames of the SAN (RFC 4985), such as `_submission.lab.test`.
    pub srv_names: Vec<String>,
    /// From when it is valid, to the second.
    pub not_before: Timestamp,
    /// Until when it is valid, to the second; may lie before `not_before`.
    pub not_after: Timestamp,
    /// Big-endian; nothing draws one at random, so that a lab can replay.
    pub serial_number: Vec<u8>,
    /// True if it says of itself that it is an authority's.
    pub ca: bool,
    /// The keyUsage in place of the usual; empty for none.
    pub key_usages: Option<Vec<KeyUsage>>,
    /// The extendedKeyUsage in place of the usual; empty for none.
    pub extended_key_usages: Option<Vec<ExtendedKeyUsage>>,
    /// True if the authorityKeyIdentifier is left away, which RFC 5280 section 4.2.1.1 forbids.
    pub no_authority_key_identifier: bool,
    /// The CRL distribution point (RFC 5280 section 4.2.1.13).
    pub crl_distribution_points: Vec<String>,
    /// True if it is of X.509 v1, which has no extensions at all.
    pub v1: bool,
    /// The digest that its authority signs over.
    pub signature: SignatureHash,
}

/// The certificate of an authority before it is issued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorityTemplate {
    /// Its name.
    pub subject: DistinguishedName,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// Big-endian.
    pub serial_number: Vec<u8>,
    /// The path length constraint: the number of authorities allowed below it (RFC 5280 section 4.2.1.9).
    pub path_length: Option<u8>,
    /// The domains it may name (RFC 5280 section 4.2.1.10).
    pub permitted_names: Vec<String>,
    /// The domains it may not name.
    pub excluded_names: Vec<String>,
}

/// The digest that a signature is made over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureHash {
    /// The hash that goes with the key of the authority: SHA-256, and SHA-384 or SHA-512 on the larger curves.
    #[default]
    Usual,
    /// SHA-1, with RSA.
    Sha1,
    /// MD5, with RSA.
    Md5,
}

/// A purpose of a key (RFC 5280 section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeyUsage {
    /// Signatures, as TLS with ephemeral keys needs them.
    DigitalSignature,
    /// Signatures that are to last; contentCommitment in newer texts.
    NonRepudiation,
    /// The encryption of keys, as RSA key exchange needs it.
    KeyEncipherment,
    /// The encryption of anything else.
    DataEncipherment,
    /// Diffie-Hellman with the key itself.
    KeyAgreement,
    /// Signatures on certificates.
    KeyCertSign,
    /// Signatures on revocation lists.
    #[serde(rename = "cRLSign")]
    CrlSign,
}

/// A purpose of a certificate (RFC 5280 section 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExtendedKeyUsage {
    /// A server in TLS.
    ServerAuth,
    /// A client in TLS.
    ClientAuth,
    /// Signatures on programs.
    CodeSigning,
    /// Signatures in mail.
    EmailProtection,
    /// Signatures on times.
    TimeStamping,
    /// Signatures on answers of OCSP.
    #[serde(rename = "OCSPSigning")]
    OcspSigning,
    /// Anything.
    AnyExtendedKeyUsage,
}

impl Template {
    pub(super) fn version(&self) -> Version {
        let hash = match self.signature {
            SignatureHash::Usual => None,
            SignatureHash::Sha1 => Some(Hash::Sha1),
            SignatureHash::Md5 => Some(Hash::Md5),
        };
        Version { v1: self.v1, hash }
    }
}

impl AuthorityTemplate {
    pub(super) fn new(
        subject: &DistinguishedName,
        not_before: Timestamp,
        not_after: Timestamp,
        serial_number: &[u8],
    ) -> Self {
        let (subject, serial_number) = (subject.clone(), serial_number.to_vec());
        Self { subject, not_before, not_after, serial_number, ..Self::default() }
    }

    pub(super) fn name_constraints(&self) -> Option<NameConstraints> {
        let trees = |names: &[String]| names.iter().cloned().map(GeneralSubtree::DnsName).collect();
        let none = self.permitted_names.is_empty() && self.excluded_names.is_empty();
        (!none).then(|| NameConstraints {
            permitted_subtrees: trees(&self.permitted_names),
            excluded_subtrees: trees(&self.excluded_names),
        })
    }
}

impl KeyUsage {
    pub(super) const fn purpose(self) -> KeyUsagePurpose {
        match self {
            Self::DigitalSignature => KeyUsagePurpose::DigitalSignature,
            Self::NonRepudiation => KeyUsagePurpose::ContentCommitment,
            Self::KeyEncipherment => KeyUsagePurpose::KeyEncipherment,
            Self::DataEncipherment => KeyUsagePurpose::DataEncipherment,
            Self::KeyAgreement => KeyUsagePurpose::KeyAgreement,
            Self::KeyCertSign => KeyUsagePurpose::KeyCertSign,
            Self::CrlSign => KeyUsagePurpose::CrlSign,
        }
    }
}

impl ExtendedKeyUsage {
    pub(super) const fn purpose(self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
            Self::ClientAuth => ExtendedKeyUsagePurpose::ClientAuth,
            Self::CodeSigning => ExtendedKeyUsagePurpose::CodeSigning,
            Self::EmailProtection => ExtendedKeyUsagePurpose::EmailProtection,
            Self::TimeStamping => ExtendedKeyUsagePurpose::TimeStamping,
            Self::OcspSigning => ExtendedKeyUsagePurpose::OcspSigning,
            Self::AnyExtendedKeyUsage => ExtendedKeyUsagePurpose::Any,
        }
    }
}

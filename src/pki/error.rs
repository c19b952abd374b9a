//! The errors of keys and certificates.

use jiff::Timestamp;

/// Why a key, a name or a certificate could not be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkiError {
    /// A distinguished name could not be read.
    #[error("distinguished name `{text}`, column {column}: {problem}")]
    DistinguishedName {
        /// The input.
        text: String,
        /// The position of the error, in characters from 1.
        column: usize,
        /// The error there, and what would be right.
        problem: String,
    },
    /// A name cannot be written into a certificate as a dNSName.
    #[error("`{name}` cannot be a DNS name in a certificate: {problem}")]
    DnsName {
        /// The name as it was given.
        name: String,
        /// Why.
        problem: String,
    },
    /// A date that X.509 cannot express (RFC 5280 section 4.1.2.5: four digits for the year).
    #[error("{field} is {value}: a certificate can only hold the years 0000 to 9999")]
    Date {
        /// `not_before` or `not_after`.
        field: &'static str,
        /// The date as it was given.
        value: Timestamp,
    },
    /// PEM text that does not hold what was looked for.
    #[error("PEM: {problem}")]
    Pem {
        /// The error, and what would be right.
        problem: String,
    },
    /// Bytes that are no certificate.
    #[error("not an X.509 certificate: {problem}")]
    Certificate {
        /// The decoder's error.
        problem: String,
    },
    /// A private key that cannot be made or used.
    #[error("private key: {problem}")]
    Key {
        /// The error, and what would be right.
        problem: String,
    },
    /// The signature or the encoding of a new certificate failed.
    #[error("the certificate could not be issued: {problem}")]
    Issue {
        /// The error of the library below.
        problem: String,
    },
}

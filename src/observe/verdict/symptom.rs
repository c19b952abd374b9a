//! The symptom that a client meets, which determines its error text.

use serde::Serialize;

use super::texts::{ErrorText, texts};

/// A symptom that a client meets, which determines its error text: a class of fault as seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// STARTTLS is not offered.
    NotOffered,
    /// STARTTLS is refused.
    Refused,
    /// Mail is refused as long as there is no TLS.
    TlsDemanded,
    /// The certificate has its name in the subject only.
    CommonNameOnly,
    /// The TLSA records or the signatures in DNS do not fit.
    DnsPolicy,
    /// The certificate names a different host.
    NameMismatch,
    /// The certificate, or one above it, has expired.
    Expired,
    /// The certificate, or one above it, is not valid yet.
    NotYetValid,
    /// The certificate is signed with its own key.
    SelfSigned,
    /// The issuer is unknown, or an intermediate is missing.
    UnknownAuthority,
    /// The certificate was not issued for servers.
    WrongPurpose,
    /// The certificate was revoked, or its revocation status cannot be found out.
    Revoked,
    /// The key or the signature is too weak.
    TooWeak,
    /// The signature in the handshake does not fit the certificate.
    BadSignature,
    /// The server sends the alert handshake_failure: both sides have nothing in common.
    HandshakeFailure,
    /// Both sides have no version of TLS in common.
    ProtocolVersion,
    /// The sender has no version of TLS that it may offer.
    OwnVersions,
    /// The server lacks secure renegotiation (RFC 5746), which the sender requires.
    LegacyRenegotiation,
    /// The server sends the alert unrecognized_name.
    UnrecognizedName,
    /// The server demands a client certificate.
    ClientCertificate,
    /// Clear text comes after the 220, or TLS is spoken to a port that does not support it.
    ClearText,
    /// The connection ends, and the text does not say at which step.
    ConnectionLost,
    /// The connection is closed after the 220.
    Closed,
    /// The server falls silent.
    Silent,
    /// The connection is closed after the handshake.
    ClosedAfterHandshake,
    /// A device on the network path masks STARTTLS.
    Masked,
    /// The server cannot use the private key of its certificate.
    ServerKey,
    /// The sender cannot use its own certificate.
    OwnCertificate,
    /// The sender's own certificate is not enabled for SMTP.
    OwnService,
    /// The sender is pinned to a certificate that it does not have.
    OwnPin,
    /// The receiver finds no connector for the sender's certificate or address.
    NotAttributed,
    /// TLS fails, and the text does not say why.
    TlsFailed,
    /// The certificate is refused, and the text does not say why.
    CertificateRefused,
    /// The server's side of a certificate that a client refuses.
    RefusedByClient,
    /// The handshake ends with an alert that is about neither the certificate nor the versions.
    OtherAlert,
    /// TLS is used whatever the certificate is.
    Unverified,
    /// A queue reports a failed connection where TLS may have failed.
    QueueMisleads,
    /// Mail is refused for lack of permission, with or without TLS.
    Permission,
}

impl Symptom {
    /// All symptoms, in the order in which a client can meet them.
    pub const ALL: [Self; 38] = [
        Self::NotOffered,
        Self::Masked,
        Self::Refused,
        Self::TlsDemanded,
        Self::TlsFailed,
        Self::ConnectionLost,
        Self::Closed,
        Self::Silent,
        Self::ClearText,
        Self::HandshakeFailure,
        Self::ProtocolVersion,
        Self::OwnVersions,
        Self::LegacyRenegotiation,
        Self::UnrecognizedName,
        Self::OtherAlert,
        Self::CertificateRefused,
        Self::CommonNameOnly,
        Self::DnsPolicy,
        Self::NameMismatch,
        Self::Expired,
        Self::NotYetValid,
        Self::SelfSigned,
        Self::UnknownAuthority,
        Self::WrongPurpose,
        Self::Revoked,
        Self::TooWeak,
        Self::BadSignature,
        Self::ClientCertificate,
        Self::ClosedAfterHandshake,
        Self::RefusedByClient,
        Self::ServerKey,
        Self::OwnCertificate,
        Self::OwnService,
        Self::OwnPin,
        Self::Unverified,
        Self::QueueMisleads,
        Self::NotAttributed,
        Self::Permission,
    ];

    /// Returns the symptom as a sentence without its end.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotOffered => "STARTTLS is not offered",
            Self::Masked => "Something on the way masks STARTTLS",
            Self::Refused => "STARTTLS is refused",
            Self::TlsDemanded => "Mail is refused as long as there is no TLS",
            Self::ConnectionLost => "The connection ends, and the text does not say at which step",
            Self::Closed => "The connection is closed after the 220 to STARTTLS",
            Self::Silent => "Nothing comes any more",
            Self::ClearText => "Clear text comes where TLS is due",
            Self::HandshakeFailure => {
                "Both sides have no suite or parameter in common (alert handshake_failure)"
            }
            Self::ProtocolVersion => "No version of TLS is spoken on both sides",
            Self::OwnVersions => "The sender has no version of TLS that it may offer",
            Self::LegacyRenegotiation => "The server lacks secure renegotiation (RFC 5746)",
            Self::UnrecognizedName => "The server sends the alert unrecognized_name",
            Self::CommonNameOnly => "The certificate has its name in the subject only",
            Self::DnsPolicy => "What DNS publishes (DANE, DNSSEC) does not fit",
            Self::NameMismatch => "The certificate names another host",
            Self::Expired => "The certificate, or one above it, has expired",
            Self::NotYetValid => "The certificate, or one above it, is not valid yet",
            Self::SelfSigned => "The certificate is self-signed",
            Self::UnknownAuthority => "The authority is not trusted, or an intermediate is missing",
            Self::WrongPurpose => "The certificate was not issued for servers",
            Self::Revoked => "The certificate was revoked, or whether it was cannot be found out",
            Self::TooWeak => "The key or the signature of the certificate is too weak",
            Self::BadSignature => "The private key does not belong to the certificate",
            Self::ClientCertificate => "The server demands a certificate of the client",
            Self::ClosedAfterHandshake => "The connection is closed after the handshake",
            Self::ServerKey => "The server cannot use the private key of its certificate",
            Self::OwnCertificate => "The sender cannot use the private key of its own certificate",
            Self::OwnService => "The sender's own certificate is not enabled for SMTP",
            Self::OwnPin => "The sender is pinned to a certificate that it does not have",
            Self::TlsFailed => "TLS fails, and the text does not say why",
            Self::CertificateRefused => "The certificate is refused, and the text does not say why",
            Self::RefusedByClient => "What a server prints when a client refuses its certificate",
            Self::OtherAlert => {
                "The handshake ends with another alert, or with a record that cannot be decrypted"
            }
            Self::Unverified => "TLS is used, whatever the certificate is",
            Self::QueueMisleads => "A queue reports a failed connection, and TLS may have failed",
            Self::Permission => "Mail is refused for lack of permission, and not for TLS",
            Self::NotAttributed => "The receiver assigns the sender to no connector or tenant",
        }
    }

    /// Returns the error texts that programs print for it.
    pub fn error_texts(self) -> Vec<ErrorText> {
        texts().iter().filter(|(symptom, _)| *symptom == self).map(|(_, text)| *text).collect()
    }

    /// Returns the symptom as JSON and lab files have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOffered => "not-offered",
            Self::Masked => "masked",
            Self::Refused => "refused",
            Self::TlsDemanded => "tls-demanded",
            Self::ConnectionLost => "connection-lost",
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::ClearText => "clear-text",
            Self::HandshakeFailure => "handshake-failure",
            Self::ProtocolVersion => "protocol-version",
            Self::OwnVersions => "own-versions",
            Self::LegacyRenegotiation => "legacy-renegotiation",
            Self::UnrecognizedName => "unrecognized-name",
            Self::CommonNameOnly => "common-name-only",
            Self::DnsPolicy => "dns-policy",
            Self::NameMismatch => "name-mismatch",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::SelfSigned => "self-signed",
            Self::UnknownAuthority => "unknown-authority",
            Self::WrongPurpose => "wrong-purpose",
            Self::Revoked => "revoked",
            Self::TooWeak => "too-weak",
            Self::BadSignature => "bad-signature",
            Self::ClientCertificate => "client-certificate",
            Self::ClosedAfterHandshake => "closed-after-handshake",
            Self::ServerKey => "server-key",
            Self::OwnCertificate => "own-certificate",
            Self::OwnService => "own-service",
            Self::OwnPin => "own-pin",
            Self::NotAttributed => "not-attributed",
            Self::TlsFailed => "tls-failed",
            Self::CertificateRefused => "certificate-refused",
            Self::RefusedByClient => "refused-by-client",
            Self::OtherAlert => "other-alert",
            Self::Unverified => "unverified",
            Self::QueueMisleads => "queue-misleads",
            Self::Permission => "permission",
        }
    }
}

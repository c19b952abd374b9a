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
    /// The server sends the alert unrecognized_name.
    UnrecognizedName,
    /// The server demands a client certificate.
    ClientCertificate,
    /// Clear text comes after the 220, or TLS is spoken to a port that does not support it.
    ClearText,
    /// The connection is closed after the 220.
    Closed,
    /// The server falls silent.
    Silent,
    /// The connection is closed after the handshake.
    ClosedAfterHandshake,
    /// A device on the network path masks STARTTLS.
    Masked,
    /// The sender cannot use its own certificate.
    OwnCertificate,
    /// The receiver finds no connector for the sender's certificate or address.
    NotAttributed,
}

impl Symptom {
    /// All symptoms, in the order in which a client can meet them.
    pub const ALL: [Self; 23] = [
        Self::NotOffered,
        Self::Masked,
        Self::Refused,
        Self::TlsDemanded,
        Self::Closed,
        Self::Silent,
        Self::ClearText,
        Self::HandshakeFailure,
        Self::ProtocolVersion,
        Self::UnrecognizedName,
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
        Self::OwnCertificate,
        Self::NotAttributed,
    ];

    /// Returns the symptom as a sentence without its end.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotOffered => "STARTTLS is not offered",
            Self::Masked => "Something on the way masks STARTTLS",
            Self::Refused => "STARTTLS is refused",
            Self::TlsDemanded => "Mail is refused as long as there is no TLS",
            Self::Closed => "The connection is closed after the 220 to STARTTLS",
            Self::Silent => "Nothing comes any more",
            Self::ClearText => "Clear text comes where TLS is due",
            Self::HandshakeFailure => "The server sends the alert handshake_failure",
            Self::ProtocolVersion => "No version of TLS is spoken on both sides",
            Self::UnrecognizedName => "The server sends the alert unrecognized_name",
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
            Self::OwnCertificate => "The sender cannot use its own certificate",
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
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::ClearText => "clear-text",
            Self::HandshakeFailure => "handshake-failure",
            Self::ProtocolVersion => "protocol-version",
            Self::UnrecognizedName => "unrecognized-name",
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
            Self::OwnCertificate => "own-certificate",
            Self::NotAttributed => "not-attributed",
        }
    }
}

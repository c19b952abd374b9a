//! By what error texts a client's user finds what the lab has seen, and the other way round.

use serde::Serialize;

/// What a client meets, by which its error text is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// The certificate names somebody else.
    NameMismatch,
    /// The certificate has expired.
    Expired,
    /// The issuer is unknown, or an intermediate is missing.
    UnknownAuthority,
    /// The certificate was not issued for servers.
    WrongPurpose,
    /// STARTTLS is not offered.
    NotOffered,
    /// STARTTLS is refused.
    Refused,
    /// The server sends the alert handshake_failure.
    HandshakeFailure,
    /// Clear text comes after the 220.
    ClearText,
    /// The connection is closed after the 220.
    Closed,
}

/// What a program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorText {
    /// Which program, or which library below it.
    pub client: &'static str,
    /// What it says, or the part of it that stays the same.
    pub text: &'static str,
}

const fn says(client: &'static str, text: &'static str) -> ErrorText {
    ErrorText { client, text }
}

impl Symptom {
    /// What programs say then: Postfix 3.10, Exim 4.98 with GnuTLS, programs with OpenSSL 3, Go 1.24,
    /// rustls 0.23 and Java 17, each as it was seen to say it.
    pub const fn error_texts(self) -> &'static [ErrorText] {
        match self {
            Self::NameMismatch => {
                const {
                    &[
                        says("Postfix", "Server certificate not verified"),
                        says("Postfix", "num=62:hostname mismatch"),
                        says("Exim", "TLS session: (certificate verification failed)"),
                        says("OpenSSL", "Hostname mismatch, certificate is not valid for"),
                        says("Go", "certificate is valid for"),
                        says("rustls", "NotValidForName"),
                        says("Java", "Can't verify identity of server"),
                        says(
                            "Exchange",
                            "450 4.7.320 Certificate validation failed [Message=SubjectMismatch]",
                        ),
                    ]
                }
            }
            Self::Expired => {
                const {
                    &[
                        says("Postfix", "certificate has expired"),
                        says("Exim", "certificate invalid"),
                        says("OpenSSL", "certificate has expired"),
                        says("Go", "certificate has expired or is not yet valid"),
                        says("rustls", "Expired"),
                        says("Java", "CertificateExpiredException: NotAfter"),
                    ]
                }
            }
            Self::UnknownAuthority => {
                const {
                    &[
                        says("Postfix", "untrusted issuer"),
                        says("Exim", "certificate invalid"),
                        says("OpenSSL", "unable to get local issuer certificate"),
                        says("Go", "certificate signed by unknown authority"),
                        says("rustls", "UnknownIssuer"),
                        says("Java", "unable to find valid certification path"),
                    ]
                }
            }
            Self::WrongPurpose => {
                const {
                    &[
                        says("Postfix", "not designated for use as a server certificate"),
                        says("OpenSSL", "unsuitable certificate purpose"),
                        says("Go", "incompatible key usage"),
                        says("rustls", "InvalidPurpose"),
                        says("Java", "Extended key usage does not permit"),
                    ]
                }
            }
            Self::NotOffered => {
                const {
                    &[
                        says("Postfix", "TLS is required, but was not offered by host"),
                        says("Exim", "a TLS session is required, but the server did not offer TLS support"),
                        says("smtplib", "STARTTLS extension not supported by server."),
                        says("curl", "(64) STARTTLS not supported."),
                        says("lettre", "STARTTLS is not supported on this server"),
                        says("Java", "STARTTLS is required but host does not support STARTTLS"),
                        says("Exchange", "451 5.7.3 STARTTLS is required to send mail"),
                    ]
                }
            }
            Self::Refused => {
                const {
                    &[
                        says("Postfix", "refused to start TLS:"),
                        says("Exim", "after STARTTLS:"),
                        says("curl", "(64) STARTTLS denied, code"),
                    ]
                }
            }
            Self::HandshakeFailure => {
                const {
                    &[
                        says("Postfix", "Cannot start TLS: handshake failure"),
                        says("Exim", "rxd alert: Handshake failed"),
                        says("OpenSSL", "ssl/tls alert handshake failure"),
                        says("Go", "remote error: tls: handshake failure"),
                        says("rustls", "AlertReceived(HandshakeFailure)"),
                        says("Java", "Received fatal alert: handshake_failure"),
                    ]
                }
            }
            Self::ClearText => {
                const {
                    &[
                        says("Postfix", "wrong version number"),
                        says("Exim", "An unexpected TLS packet was received"),
                        says("OpenSSL", "wrong version number"),
                        says("Go", "first record does not look like a TLS handshake"),
                        says("rustls", "InvalidContentType"),
                        says("Java", "Remote host terminated the handshake"),
                    ]
                }
            }
            Self::Closed => {
                const {
                    &[
                        says("Postfix", "Cannot start TLS: handshake failure"),
                        says("Exim", "non-properly terminated"),
                        says("OpenSSL", "UNEXPECTED_EOF_WHILE_READING"),
                        says("curl", "(35) Send failure: Broken pipe"),
                        says("Go", "EOF"),
                        says("Java", "SSL peer shut down incorrectly"),
                    ]
                }
            }
        }
    }
}

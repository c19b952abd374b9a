//! The ways in which an attempt ends: a closed set of outcomes, each with what decided it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::check::CertificateProblem;
use super::task::Secured;
use crate::session::{TlsFailure, TlsVerb};
use crate::smtp::{Address, Reply};

/// One attempt to deliver a message, after it has ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The reason for the outcome.
    pub reason: Reason,
    /// The result type of RFC 8460 section 4.3 for the failure of TLS, if one fits. A message that was sent
    /// in clear for want of TLS has one too.
    pub result_type: Option<ResultType>,
    /// The TLS it went through.
    pub tls: Option<Arc<Secured>>,
    /// The recipients that were refused while others were accepted.
    pub refused: Vec<(Address, Reply)>,
    /// The number of the message in its connection, from 1.
    pub message: u32,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The server accepted the message, encrypted.
    DeliveredOverTls {
        /// True if the certificate proved what the sender demands of one; false where it demands nothing.
        authenticated: bool,
    },
    /// The server accepted the message, unencrypted.
    DeliveredInClear,
    /// It stays in the queue for another attempt.
    Deferred,
    /// It goes back to its sender; from a sender without a queue, as an error.
    Bounced,
}

/// The reason for an attempt's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "because", content = "detail", rename_all = "kebab-case")]
pub enum Reason {
    /// The server's reply decided.
    Reply {
        /// The stage that it was the reply to.
        at: SendStage,
        /// The server's reply.
        reply: Reply,
    },
    /// The server does not offer TLS, and the sender requires it.
    NotOffered {
        /// The verb that was not offered.
        #[serde(serialize_with = "as_text")]
        verb: TlsVerb,
    },
    /// The handshake failed. The roles are those of a client: what was received, the server sent.
    Handshake(TlsFailure),
    /// The sender's own certificate could not be used; the server is not to blame.
    OwnCertificate(super::task::Credentials),
    /// The server's certificate does not prove what the sender demands.
    Certificate(CertificateProblem),
    /// The server does not offer AUTH LOGIN, and the sender does not send without a logon.
    LogonNotOffered,
    /// The server refused the logon.
    LogonRefused {
        /// The server's reply.
        reply: Reply,
    },
    /// The server closed the connection.
    Closed {
        /// The stage whose answer was due.
        at: SendStage,
    },
    /// The server was silent for too long.
    TimedOut {
        /// The stage whose answer was due.
        at: SendStage,
    },
    /// The connection broke.
    Broken {
        /// The stage whose answer was due.
        at: SendStage,
        /// The operating system's name for the error.
        why: String,
    },
    /// The server sent something that is no SMTP.
    NotSmtp {
        /// The stage whose answer was due.
        at: SendStage,
    },
    /// There was no connection at all.
    NoConnection {
        /// The reason.
        why: String,
    },
    /// The message was in the queue for too long.
    Expired,
}

/// The stage of a sending session: what the sender has sent last and wants an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SendStage {
    /// Nothing yet: the banner.
    Banner,
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// STARTTLS or X-ANONYMOUSTLS.
    StartTls,
    /// AUTH LOGIN.
    Auth,
    /// The user's name, in answer to a challenge.
    Username,
    /// The password, in answer to a challenge.
    Password,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The content.
    Content,
    /// RSET, between two messages.
    Rset,
    /// QUIT.
    Quit,
}

/// The result types of RFC 8460 section 4.3 that a sender without DANE and MTA-STS can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultType {
    /// STARTTLS is not offered, or refused.
    StarttlsNotSupported,
    /// The certificate names another host.
    CertificateHostMismatch,
    /// It has expired.
    CertificateExpired,
    /// It is not trusted.
    CertificateNotTrusted,
    /// Anything else, such as a handshake that failed.
    ValidationFailure,
}

impl Outcome {
    /// Returns whether the server has the message.
    pub const fn is_delivered(self) -> bool {
        matches!(self, Self::DeliveredOverTls { .. } | Self::DeliveredInClear)
    }

    /// Returns the outcome in two or three words.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::DeliveredOverTls { authenticated: true } => "delivered over TLS, authenticated",
            Self::DeliveredOverTls { authenticated: false } => "delivered over TLS, not authenticated",
            Self::DeliveredInClear => "delivered in clear",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
        }
    }
}

impl SendStage {
    /// Returns the stage as the end of `in answer to`.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::Banner => "the connection",
            Self::Ehlo => "EHLO",
            Self::Helo => "HELO",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH LOGIN",
            Self::Username => "the user name",
            Self::Password => "the password",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Content => "the content",
            Self::Rset => "RSET",
            Self::Quit => "QUIT",
        }
    }
}

impl ResultType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::StarttlsNotSupported,
        Self::CertificateHostMismatch,
        Self::CertificateExpired,
        Self::CertificateNotTrusted,
        Self::ValidationFailure,
    ];

    /// Returns the result type as RFC 8460 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StarttlsNotSupported => "starttls-not-supported",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::ValidationFailure => "validation-failure",
        }
    }
}

fn as_text<S: Serializer>(verb: &TlsVerb, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(verb.as_str())
}

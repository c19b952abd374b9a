//! How an attempt ends: a closed set, with what decided it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::check::CertificateProblem;
use super::task::Secured;
use crate::session::{TlsFailure, TlsVerb};
use crate::smtp::{Address, Reply};

/// One attempt to deliver a message, after it has ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What decided that.
    pub reason: Reason,
    /// The word of RFC 8460 section 4.3 for what TLS failed with, where one fits; a message that was sent
    /// in clear for want of TLS has one too.
    pub result_type: Option<ResultType>,
    /// The TLS it went through.
    pub tls: Option<Arc<Secured>>,
    /// The recipients that were refused while others were taken.
    pub refused: Vec<(Address, Reply)>,
    /// Which message of its connection it was about, from 1.
    pub message: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The server took the message, encrypted.
    DeliveredOverTls {
        /// True if the certificate proved what the sender demands of one; false where it demands nothing.
        authenticated: bool,
    },
    /// The server took the message, for everybody on the way to read.
    DeliveredInClear,
    /// It stays in the queue for another attempt.
    Deferred,
    /// It goes back to whoever sent it; from a sender without a queue, as an error.
    Bounced,
}

/// What decided how an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "because", content = "detail", rename_all = "kebab-case")]
pub enum Reason {
    /// What the server answered.
    Reply {
        /// To what.
        at: SendStage,
        /// With what.
        reply: Reply,
    },
    /// The server does not offer TLS, and the sender requires it.
    NotOffered {
        /// What was not offered.
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
        /// With what.
        reply: Reply,
    },
    /// The server closed the connection.
    Closed {
        /// When this was due.
        at: SendStage,
    },
    /// The server was silent for too long.
    TimedOut {
        /// When this was due.
        at: SendStage,
    },
    /// The connection broke.
    Broken {
        /// When this was due.
        at: SendStage,
        /// The operating system's word for it.
        why: String,
    },
    /// What came was no SMTP.
    NotSmtp {
        /// When this was due.
        at: SendStage,
    },
    /// There was no connection at all.
    NoConnection {
        /// Why not.
        why: String,
    },
    /// The message was in the queue for too long.
    Expired,
}

/// What a sender had said last, and wants an answer to.
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
    /// The certificate names somebody else.
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

    /// The outcome in two or three words.
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
    /// The stage as the end of `in answer to`.
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

    /// The word as RFC 8460 writes it.
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

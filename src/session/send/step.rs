//! The inputs of a sending session, and its answers.

use bytes::Bytes;

use super::check::{CertificateProblem, Check};
use super::outcome::Attempt;
use super::task::Credentials;
use crate::exchange::Event;
use crate::session::{TlsFailure, TlsVerb};
use crate::smtp::Reply;

/// An input to a sending session.
#[derive(Clone, Debug)]
pub enum SendInput {
    /// A reply came.
    Reply(Reply),
    /// The server sent something that is no reply where one was due.
    NotSmtp,
    /// The handshake failed. A handshake that succeeded is reported by
    /// [`SendSession::secure`](super::SendSession::secure).
    HandshakeFailed {
        /// The failure.
        failure: TlsFailure,
        /// The problem with the certificate, if that was the sender's reason to end the handshake.
        problem: Option<CertificateProblem>,
    },
    /// The server closed the connection.
    Closed,
    /// The server was silent for too long.
    TimedOut,
    /// The connection broke, with the operating system's name for the error.
    Broken(String),
}

/// The answer to one input.
#[derive(Clone, Debug)]
pub struct SendStep {
    /// The facts to note before anything is sent.
    pub facts: Vec<SendFact>,
    /// The bytes to send.
    pub say: Option<Said>,
    /// The input to wait for.
    pub next: SendNext,
}

/// The bytes that a sender sends, line ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A command.
    Command(Bytes),
    /// The content with the dot that ends it.
    Content(Bytes),
    /// An answer to an AUTH challenge.
    Secret(Secret),
}

/// Bytes that are sent and not stored anywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Bytes);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The input that a session waits for.
#[derive(Clone, Debug)]
pub enum SendNext {
    /// A reply.
    Reply,
    /// A TLS handshake; input that is buffered in clear is discarded.
    Handshake(Box<Handshake>),
    /// Nothing: close the connection. The attempt is that of the last message that this connection
    /// decided on; those before it are [`SendFact::Attempt`]s.
    Done(Box<Attempt>),
}

/// A handshake to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The verb that began it.
    pub verb: TlsVerb,
    /// The name to ask for (SNI).
    pub server_name: String,
    /// The check of the certificate.
    pub check: Check,
}

/// A fact about a sending session beside its commands and replies.
#[derive(Clone, Debug)]
pub enum SendFact {
    /// An event for the Application log.
    Event(Event),
    /// The sender could not use a certificate of its own, so that no handshake took place.
    OwnCertificate {
        /// The verb that would have begun the handshake.
        verb: TlsVerb,
        /// The problem with the certificate.
        credentials: Credentials,
    },
    /// A logon succeeded or failed.
    Logon {
        /// The user.
        user: String,
        /// The mechanism.
        mechanism: &'static str,
        /// True if it succeeded.
        succeeded: bool,
    },
    /// The attempt of a message ended that is not the last one that this conversation decides on.
    Attempt(Box<Attempt>),
}

impl SendStep {
    pub(super) fn wait() -> Self {
        Self { facts: Vec::new(), say: None, next: SendNext::Reply }
    }

    pub(super) fn done(attempt: Box<Attempt>) -> Self {
        Self { next: SendNext::Done(attempt), ..Self::wait() }
    }
}

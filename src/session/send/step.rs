//! What a sending session is told, and what it answers.

use bytes::Bytes;

use super::check::{CertificateProblem, Check};
use super::outcome::Attempt;
use super::task::Credentials;
use crate::exchange::Event;
use crate::session::{TlsFailure, TlsVerb};
use crate::smtp::Reply;

/// What a session is told.
#[derive(Clone, Debug)]
pub enum SendInput {
    /// A reply came.
    Reply(Reply),
    /// What came where a reply was due is none.
    NotSmtp,
    /// The handshake failed; that it succeeded is told by [`SendSession::secure`](super::SendSession::secure).
    HandshakeFailed {
        /// How.
        failure: TlsFailure,
        /// What was wrong with the certificate, where that was the sender's reason to end it.
        problem: Option<CertificateProblem>,
    },
    /// The server closed the connection.
    Closed,
    /// The server was silent for too long.
    TimedOut,
    /// The connection broke, in the operating system's word.
    Broken(String),
}

/// The answer to one input.
#[derive(Clone, Debug)]
pub struct SendStep {
    /// What to write down before anything is sent.
    pub facts: Vec<SendFact>,
    /// What to send.
    pub say: Option<Said>,
    /// What to wait for.
    pub next: SendNext,
}

/// What a sender says, its line ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A command.
    Command(Bytes),
    /// The content with the dot that ends it.
    Content(Bytes),
    /// An answer to an AUTH challenge.
    Secret(Secret),
}

/// Octets that are sent and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Bytes);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a session waits for.
#[derive(Clone, Debug)]
pub enum SendNext {
    /// A reply.
    Reply,
    /// A TLS handshake; what is buffered in clear is thrown away.
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
    /// What to look for in the certificate.
    pub check: Check,
}

/// Something that happened beside commands and replies.
#[derive(Clone, Debug)]
pub enum SendFact {
    /// Something for the Application log.
    Event(Event),
    /// The sender could not use a certificate of its own, so that no handshake took place.
    OwnCertificate {
        /// The verb that would have begun the handshake.
        verb: TlsVerb,
        /// What is wrong with it.
        credentials: Credentials,
    },
    /// A logon succeeded or failed.
    Logon {
        /// Who.
        user: String,
        /// By which mechanism.
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

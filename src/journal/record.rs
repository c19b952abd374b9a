//! One line of the journal.

use std::fmt;
use std::net::SocketAddr;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use super::sending::{NoTls, Tls};
use super::tracking::Tracking;
use crate::exchange::{
    CertificateFacts, Computer, Event, ProtocolLoggingLevel, ReceiveConnector, SendConnector,
};
use crate::session::fault::Fired;
use crate::session::send::Attempt;
use crate::session::{Anomaly, ClientHelloFacts, LimitReached, MessageFacts, TlsFacts, TlsFailure, TlsVerb};
use bytes::Bytes;
use jiff::Timestamp;

/// A numbered entry of the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// The time at which it happened, by the lab's clock.
    pub time: Timestamp,
    /// The conversation in which it happened; `None` if it happened outside of one.
    pub place: Option<Arc<SessionContext>>,
    /// The record of what happened.
    pub record: Record,
}

/// A conversation that entries belong to.
#[derive(Clone, Debug)]
pub struct SessionContext {
    /// Its number in the lab.
    pub session: SessionId,
    /// The computer, as it was when the conversation began.
    pub computer: Arc<Computer>,
    /// The connector, as it was when the conversation began.
    pub connector: Connector,
    /// The lab's end: of a conversation that it receives, the address the peer connected to. Port 0 while
    /// the lab is only trying to connect.
    pub local: SocketAddr,
    /// The peer's end.
    pub remote: SocketAddr,
    /// The peer's name, where it is a computer of this lab.
    pub peer: Option<String>,
}

// A `SessionContext` is never changed, so it is intact after a caught panic. The compiler cannot know this
// because of the keys of certificates, which are behind `dyn`.
impl RefUnwindSafe for SessionContext {}

/// The connector of a conversation, which determines the lab's side of it.
#[derive(Clone, Debug)]
pub enum Connector {
    /// The lab receives.
    Receive(Arc<ReceiveConnector>),
    /// The lab sends.
    Send(Arc<SendConnector>),
}

impl Connector {
    /// Returns the connector's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Receive(connector) => &connector.name,
            Self::Send(connector) => &connector.name,
        }
    }

    /// Returns whether the lab sends.
    pub const fn sends(&self) -> bool {
        matches!(self, Self::Send(_))
    }

    /// Returns whether the conversation is in the protocol log.
    pub fn is_logged(&self) -> bool {
        let level = match self {
            Self::Receive(connector) => connector.protocol_logging_level,
            Self::Send(connector) => connector.protocol_logging_level,
        };
        level == ProtocolLoggingLevel::Verbose
    }
}

/// The number of a conversation; shown as the sixteen hexadecimal digits of Exchange's protocol log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", 0x08D0_0000_0000_0000_u64.wrapping_add(self.0))
    }
}

/// A record of one thing that happened.
#[derive(Clone, Debug)]
pub enum Record {
    /// Something was written to a computer's Application log.
    Event(Arc<Logged>),
    /// The lab tries to connect to the peer.
    Connecting,
    /// A connection was taken or, where the lab sends, made.
    Connected,
    /// A reply or, where the lab sends, a command is about to be sent: the whole of it, as it goes over
    /// the wire.
    Sent(Bytes),
    /// A command line or, where the lab sends, a line of a reply came, without its ending.
    Received(Arc<[u8]>),
    /// The answer to an AUTH challenge came; it is not kept.
    ReceivedSecret,
    /// The answer to an AUTH challenge is about to be sent; it is not kept.
    SentSecret,
    /// Content came or, where the lab sends, left: so many bytes of it.
    Content(u64),
    /// A TLS handshake succeeded.
    TlsEstablished(Arc<Handshake>),
    /// A TLS handshake failed.
    TlsFailed(Arc<FailedHandshake>),
    /// A TLS handshake of a conversation in which the lab sends succeeded.
    Secured(Arc<Tls>),
    /// A TLS handshake of a conversation in which the lab sends failed, or never began.
    NotSecured(Arc<NoTls>),
    /// An attempt to deliver a message ended.
    Attempt(Arc<Attempt>),
    /// The lab did something wrong on purpose.
    Fault(Box<Fired>),
    /// The peer did something odd.
    Anomaly(Anomaly),
    /// A logon succeeded or failed.
    Logon(Box<Logon>),
    /// The peer was rejected by a connection limit.
    LimitReached(LimitReached),
    /// A message was taken; the message itself is kept apart from the entries.
    Message(Arc<MessageFacts>),
    /// The fate of a message after it was taken; it belongs to no conversation.
    Tracking(Box<Tracking>),
    /// The connection ended.
    Disconnected(Ending),
    /// No connector's RemoteIPRanges hold the peer; it was told that the service is not active.
    NoConnector(Box<Stranger>),
    /// The lab's configuration changed; it counts from the next connection.
    Changed {
        /// The description of the change.
        what: String,
    },
    /// A change was refused, and nothing changed.
    ChangeRefused {
        /// The reason, with what would be right.
        why: String,
    },
}

/// A logon; in a box, because most entries are smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logon {
    /// The user.
    pub user: String,
    /// By which mechanism.
    pub mechanism: &'static str,
    /// True if it succeeded.
    pub succeeded: bool,
}

/// A peer that no connector answers; in a box, because most entries are smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// The address the peer connected to.
    pub local: SocketAddr,
    /// The peer.
    pub remote: SocketAddr,
}

/// An event as it stands in the log of a computer.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The event.
    pub event: Event,
    /// The computer whose log it is, by its name in the lab.
    pub server: String,
    /// The same computer, as the log shows it.
    pub computer: String,
    /// `MSExchangeTransport` or `MSExchangeFrontEndTransport`.
    pub source: &'static str,
    /// The connector that it is about.
    pub connector: Option<String>,
}

/// A handshake that succeeded.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The verb it began with.
    pub verb: TlsVerb,
    /// The parameters that were negotiated.
    pub facts: Arc<TlsFacts>,
    /// The certificate that was presented.
    pub certificate: Arc<CertificateFacts>,
}

/// A handshake that failed.
#[derive(Clone, Debug)]
pub struct FailedHandshake {
    /// The verb it began with.
    pub verb: TlsVerb,
    /// The failure.
    pub failure: TlsFailure,
    /// The certificate that was presented, or would have been.
    pub certificate: Option<Arc<CertificateFacts>>,
    /// The client's offer, if it had arrived.
    pub client_hello: Option<Arc<ClientHelloFacts>>,
    /// The number of bytes that had come of a ClientHello that was not complete.
    pub partial_hello: usize,
}

impl FailedHandshake {
    /// Returns whether the certificate went out to the client before the handshake failed. It is not known
    /// for a handshake that the lab refused or broke on purpose.
    pub fn certificate_was_sent(&self) -> bool {
        let by_client = match self.failure {
            TlsFailure::AlertReceived { .. }
            | TlsFailure::Closed
            | TlsFailure::Broken { .. }
            | TlsFailure::TimedOut => true,
            TlsFailure::AlertSent { .. }
            | TlsFailure::NotTls { .. }
            | TlsFailure::OnPurpose { .. }
            | TlsFailure::Unusable { .. } => false,
        };
        by_client && self.client_hello.is_some()
    }
}

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The lab closed it.
    Local,
    /// The peer closed it.
    Remote,
    /// It broke; the string is the operating system's word for it.
    Broken(String),
}

impl Record {
    /// Returns the word that names the record in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Sent(_) | Self::SentSecret => "sent",
            Self::Received(_) | Self::ReceivedSecret => "received",
            Self::Content(_) => "content",
            Self::TlsEstablished(_) | Self::TlsFailed(_) | Self::Secured(_) | Self::NotSecured(_) => "tls",
            Self::Attempt(_) => "attempt",
            Self::Fault(_) => "misconduct",
            Self::Anomaly(_) => "oddity",
            Self::Logon(_) => "logon",
            Self::LimitReached(_) => "limit_reached",
            Self::Message(_) => "message",
            Self::Tracking(_) => "tracking",
            Self::Disconnected(_) => "disconnected",
            Self::NoConnector(_) => "no_connector",
            Self::Changed { .. } => "changed",
            Self::ChangeRefused { .. } => "change_refused",
        }
    }

    /// Returns the approximate number of bytes that the record keeps on the heap.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Sent(bytes) => bytes.len(),
            Self::Received(line) => line.len(),
            Self::Event(logged) => 256 + logged.event.parameters.iter().map(String::len).sum::<usize>(),
            Self::TlsEstablished(handshake) => 1024 + handshake.facts.weight(),
            Self::TlsFailed(handshake) => {
                1024 + handshake.client_hello.as_ref().map_or(0, |hello| hello.weight())
            }
            Self::Attempt(_) => 1536,
            Self::Secured(_) | Self::NotSecured(_) => 4096,
            Self::Message(message) => message.weight(),
            Self::Tracking(tracking) => tracking.weight(),
            Self::Logon(logon) => size_of::<Logon>() + logon.user.len(),
            Self::Changed { what } => what.len(),
            Self::ChangeRefused { why } => why.len(),
            Self::Anomaly(Anomaly::PipelinedBehindStartTls { lines, .. }) => {
                lines.iter().map(|line| line.len() + 24).sum()
            }
            _ => 0,
        }
    }
}

/// The placeholder for a secret in every view, as in Exchange's protocol log.
pub const SECRET: &str = "<authentication response>";

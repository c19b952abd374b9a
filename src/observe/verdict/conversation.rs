//! The audit of one conversation.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::handshake::HandshakeAudit;
use super::inside::Injected;
use super::leak::{Leak, Said};

/// The number of anomalies that are told of a conversation, and of commands that nothing explains. Nobody reads
/// more, and a client can cause them without end.
pub(super) const SENTENCES: usize = 64;

/// A client's behavior in one conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversation {
    /// The conversation's number, as the protocol log shows it.
    pub session: String,
    /// The time at which it began.
    pub began: Timestamp,
    /// The time at which it ended; `None` while it is under way.
    pub ended: Option<Timestamp>,
    /// The offer of STARTTLS, the request and the answer.
    pub starttls: StartTls,
    /// The handshake, if one began; in a box, because most of what is kept of sessions has none.
    pub handshake: Option<Box<HandshakeAudit>>,
    /// The client's leaks: the parts that it said in clear, each once.
    pub leaks: Vec<Leak>,
    /// The parts that it said over TLS.
    pub said_over_tls: BTreeSet<Said>,
    /// The number of messages that were accepted in clear.
    pub messages_in_clear: u64,
    /// The number of messages that were accepted over TLS.
    pub messages_over_tls: u64,
    /// The end of the conversation.
    pub parting: CloseReason,
    /// The side whose turn it was at the end.
    pub turn: Turn,
    /// The faults that the lab produced on purpose, each rule once.
    #[serde(rename = "misconduct")]
    pub faults: Vec<String>,
    /// The anomalies, in sentences.
    pub oddities: Vec<String>,
    /// True if a ClientHello came where a command was due.
    pub client_hello_in_clear: bool,
    /// True if something in clear from the lab followed the 220 to STARTTLS.
    pub clear_text_after_go_ahead: bool,
    /// The replies in clear that followed the 220 to STARTTLS in one write with it.
    pub injected: Option<Injected>,
    /// The client's actions inside TLS that no reply there explains, in sentences. A client that takes an
    /// injected reply for one from inside TLS is seen by them, and one that acts without awaiting replies does
    /// the same.
    pub unexplained: Vec<String>,
    /// True if the client said a command other than QUIT inside TLS.
    #[serde(skip)]
    pub went_on_inside: bool,
    /// The client's use inside TLS of capabilities that EHLO had offered in clear, in a sentence.
    pub stale_capabilities: Option<String>,
}

/// The course of STARTTLS in clear (RFC 3207 section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StartTls {
    /// True if the reply to EHLO offered it; `None` if the client did not ask by EHLO.
    pub offered: Option<bool>,
    /// True if the client asked for it.
    pub asked: bool,
    /// The first line of the answer.
    pub answer: Option<String>,
}

/// The way in which a conversation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseReason {
    /// The client said QUIT.
    Quit,
    /// The client closed the connection without QUIT.
    Vanished,
    /// The connection broke; the operating system's message for it.
    Broke(String),
    /// The lab closed it.
    ByLab,
    /// It has not ended.
    Open,
}

/// The side whose turn it was last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// The lab was to speak.
    Lab,
    /// The client was to speak.
    Client,
    /// A handshake was due or under way.
    Handshake,
}

impl StartTls {
    /// Returns whether the answer was 220.
    pub fn is_granted(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.starts_with("220"))
    }
}

impl Conversation {
    /// Returns whether the client wanted TLS and did not get it.
    pub fn tls_failed(&self) -> bool {
        match &self.handshake {
            Some(handshake) => handshake.reaction.is_failure(),
            None => self.starttls.asked && self.parting != CloseReason::Open,
        }
    }

    /// Returns whether the client asked for TLS and delivered no message over it, whatever failed.
    pub fn came_to_nothing(&self) -> bool {
        self.tls_failed() || (self.starttls.asked && self.messages_over_tls == 0 && self.ended.is_some())
    }

    /// Returns whether a handshake was begun, or at least granted.
    pub fn reached_handshake(&self) -> bool {
        self.handshake.is_some() || self.starttls.is_granted()
    }
}

//! The facts that a session notes for the journal.

use std::sync::Arc;

use serde::Serialize;

use super::fault::Fired;
use super::message::Message;
use super::setting::LimitReached;
use crate::exchange::Event;

/// A fact about a session beside its commands and replies.
#[derive(Clone, Debug)]
pub enum Fact {
    /// An event for the Application log.
    Event(Event),
    /// A fault that the lab does on purpose.
    Fault(Fired),
    /// An act that a well-behaved client would avoid.
    Anomaly(Anomaly),
    /// A logon succeeded.
    LoggedOn {
        /// The user.
        user: String,
        /// The mechanism.
        mechanism: &'static str,
    },
    /// A logon failed.
    LogonFailed {
        /// The user that the client named.
        user: String,
        /// The mechanism.
        mechanism: &'static str,
    },
    /// The peer was rejected because of a connection limit.
    LimitReached(LimitReached),
    /// A message was taken.
    Message(Arc<Message>),
}

/// An irregularity in a client's behavior. The connector answers it as the RFC or Exchange says, and the
/// journal notes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "oddity", rename_all = "snake_case")]
pub enum Anomaly {
    /// Bytes came before the banner left (RFC 5321 section 3.1).
    TalkedBeforeBanner {
        /// The number of bytes that were there when the banner left.
        octets: usize,
    },
    /// A command line ended in LF alone (RFC 5321 section 2.3.8).
    BareLineFeedAfterCommand,
    /// A command line held NUL.
    NulInCommand,
    /// A command line was longer than the line-length limit (RFC 5321 section 4.5.3.1.4).
    OverlongCommand {
        /// The longest line that is accepted, in bytes.
        limit: usize,
    },
    /// Bytes stood behind STARTTLS in clear, or behind the 220 to it where the lab is the client (RFC 3207
    /// section 4.2).
    PipelinedBehindStartTls {
        /// The number of bytes.
        octets: usize,
        /// The lines among them, secrets masked and the number of lines bounded.
        lines: Vec<String>,
        /// True if the lab keeps them and executes them inside TLS, as a vulnerable server does; otherwise
        /// they are discarded.
        executed: bool,
    },
    /// The client went on before the reply to its EHLO had left. EHLO has to be the last command of a group
    /// (RFC 2920 section 3.1).
    DidNotAwaitEhloReply {
        /// The number of bytes that had come by then; 0 if the client had closed the connection.
        octets: usize,
    },
    /// A TLS ClientHello came where a command was due: the client takes the port for implicit TLS, or
    /// started TLS without being told to go ahead.
    ClientHelloInClear,
    /// The content held line feeds without carriage return (RFC 5321 section 2.3.8).
    BareLineFeedInContent {
        /// The number of them.
        count: u64,
    },
    /// The content held carriage returns without line feed.
    BareCarriageReturnInContent {
        /// The number of them.
        count: u64,
    },
    /// The content held NUL.
    NulInContent {
        /// The number of them.
        count: u64,
    },
    /// The content held a line longer than 998 bytes (RFC 5322 section 2.1.1).
    OverlongLineInContent {
        /// The length of the longest line, in bytes.
        octets: usize,
    },
    /// The content was not 7-bit, and neither BODY nor SMTPUTF8 announced that.
    UnannouncedEightBitContent,
}

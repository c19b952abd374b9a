//! What a session noticed, for the journal.

use std::sync::Arc;

use serde::Serialize;

use super::fault::Fired;
use super::message::Message;
use super::setting::LimitReached;
use crate::exchange::Event;

/// Something that happened in a session beside commands and replies.
#[derive(Clone, Debug)]
pub enum Fact {
    /// Something for the Application log.
    Event(Event),
    /// Something that the lab does wrong on purpose.
    Fault(Fired),
    /// Something a well-behaved client would not do.
    Oddity(Oddity),
    /// A logon succeeded.
    LoggedOn {
        /// Who.
        user: String,
        /// How.
        mechanism: &'static str,
    },
    /// A logon failed.
    LogonFailed {
        /// Who tried.
        user: String,
        /// How.
        mechanism: &'static str,
    },
    /// A connection limit turned the peer away.
    LimitReached(LimitReached),
    /// A message was taken.
    Message(Arc<Message>),
}

/// Conduct that is answered as the RFC or Exchange says, and noted so that nobody overlooks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "oddity", rename_all = "snake_case")]
pub enum Oddity {
    /// Octets came before the banner left (RFC 5321 section 3.1).
    TalkedBeforeBanner {
        /// How many were there when the banner left.
        octets: usize,
    },
    /// A command line ended in LF alone (RFC 5321 section 2.3.8).
    BareLineFeedAfterCommand,
    /// A command line held NUL.
    NulInCommand,
    /// A command line was longer than is taken (RFC 5321 section 4.5.3.1.4).
    OverlongCommand {
        /// How long a line may be.
        limit: usize,
    },
    /// Bytes stood behind STARTTLS in clear, or behind the 220 to it where the lab is the client (RFC 3207
    /// section 4.2).
    PipelinedBehindStartTls {
        /// How many.
        octets: usize,
        /// The lines among them, secrets masked and the number of lines bounded.
        lines: Vec<String>,
        /// Whether the lab keeps them and executes them inside TLS, as a vulnerable server does; otherwise
        /// they are discarded.
        executed: bool,
    },
    /// The client went on before the reply to its EHLO had left. EHLO has to be the last command of a group
    /// (RFC 2920 section 3.1).
    DidNotAwaitEhloReply {
        /// How many bytes had come by then; 0 where it had closed the connection.
        octets: usize,
    },
    /// A TLS ClientHello came where a command was due: the client takes the port for implicit TLS, or
    /// started TLS without being told to go ahead.
    ClientHelloInClear,
    /// The content held line feeds without carriage return (RFC 5321 section 2.3.8).
    BareLineFeedInContent {
        /// How many.
        count: u64,
    },
    /// The content held carriage returns without line feed.
    BareCarriageReturnInContent {
        /// How many.
        count: u64,
    },
    /// The content held NUL.
    NulInContent {
        /// How many.
        count: u64,
    },
    /// The content held a line longer than 998 octets (RFC 5322 section 2.1.1).
    OverlongLineInContent {
        /// The longest, in octets.
        octets: usize,
    },
    /// The content was not 7-bit, and neither BODY nor SMTPUTF8 announced that.
    UnannouncedEightBitContent,
}

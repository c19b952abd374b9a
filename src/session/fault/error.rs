//! The errors of a fault rule by itself, whatever lab it is in.

use super::stage::FaultStage;
use crate::smtp::ReplyError;

/// A reason why a fault rule cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The rule names no action.
    #[error("`do` names no action; write one such as \"close\" or {{ reply = \"454 4.7.0 ...\" }}")]
    NothingToDo,
    /// The action belongs to another stage.
    #[error("`{action}` is something to be done at {places}")]
    Elsewhere {
        /// Its name.
        action: String,
        /// The stages that it belongs to.
        places: String,
    },
    /// An action is wrong by itself.
    #[error("{error}")]
    Action {
        /// Its index in the list, from 0; `None` where there is no list.
        index: Option<usize>,
        /// The error in it.
        error: ActionError,
    },
    /// An action stands behind one that ends the connection.
    #[error("nothing can follow `{0}`, which ends the connection")]
    BehindTheEnd(String),
    /// Both an action and `then` end the connection.
    #[error("`{action}` ends the connection already; leave `then` away")]
    EndsTwice {
        /// The action.
        action: String,
    },
    /// The handshake goes on, so nothing ends the connection in it.
    #[error("with `{0}` the handshake goes on, so it is not the place to end the connection; after-tls is")]
    EndsAHandshakeThatGoesOn(String),
    /// Two actions cannot both be done.
    #[error("`{first}` and `{second}` cannot both be done; keep one of them")]
    Both {
        /// The one that stands first.
        first: String,
        /// The other.
        second: String,
    },
    /// The action is a security hole, and the rule does not set `vulnerable`.
    #[error("`{0}` is a hole in a server's security; write vulnerable = true beside it")]
    Hole(String),
    /// The rule sets `vulnerable`, and none of its actions is a security hole.
    #[error("what is done here is no hole in a server's security; leave vulnerable away")]
    NoHole,
    /// There is no command at the stage.
    #[error("`line` is about a command, and there is none at this stage")]
    NoLine,
    /// There is no command and no content at the stage.
    #[error(
        "`longer_than` is about a command or, at end-of-data, about content, and there is none at this stage"
    )]
    NoLength,
    /// No certificate has been shown when the stage is reached.
    #[error("`client_certificate` is about a handshake that is over, and there is none at {}", .0.as_str())]
    NoCertificateYet(FaultStage),
}

/// An error in one action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The action of this name does not belong to the stage.
    #[error("`{0}` cannot be done at this stage")]
    Elsewhere(String),
    /// The text is no reply.
    #[error("`{text}` is no reply: {error}; for anything else there is `raw`")]
    NoReply {
        /// The text as it was written.
        text: String,
        /// The reason why it is none.
        error: ReplyError,
    },
    /// The text behind `hex:` is not hexadecimal.
    #[error("`{0}` are no pairs of hexadecimal digits")]
    NoBytes(String),
    /// There is no such alert.
    #[error("no alert is called `{name}`; {}", hint(.meant.as_deref()))]
    NoAlert {
        /// The name as it was written.
        name: String,
        /// The name that was probably meant.
        meant: Option<String>,
    },
    /// No end of content is named.
    #[error("name the sequences that end content, such as \"\\n.\\n\"")]
    NoEnds,
    /// More tickets than a lab sends.
    #[error("{0} session tickets are more than a lab sends; write at most 16")]
    TooManyTickets(u8),
    /// A ticket too short to be told from others.
    #[error("a session ticket of {0} bytes is too short to be told from others; write at least 32")]
    TicketTooShort(u16),
}

impl FaultError {
    /// Returns the key of the rule that is wrong, and the index of the wrong item.
    pub fn place(&self) -> (&'static str, Option<usize>) {
        match self {
            Self::Elsewhere { .. } => ("at", None),
            Self::Action { index, .. } => ("do", *index),
            Self::NothingToDo | Self::BehindTheEnd(_) | Self::Both { .. } | Self::Hole(_) => ("do", None),
            Self::EndsTwice { .. } | Self::EndsAHandshakeThatGoesOn(_) => ("then", None),
            Self::NoHole => ("vulnerable", None),
            Self::NoLine | Self::NoLength | Self::NoCertificateYet(_) => ("when", None),
        }
    }
}

fn hint(meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "RFC 8446 section 6 lists them".to_owned(),
    }
}

//! One row of a fault table.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conduct::Conduct;
use super::nth::Nth;
use crate::exchange::IpRange;

/// One row of a connector's fault table: at this stage, do that.
///
/// The first row that fits decides; where none does, the connector does what it always does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The receive connector by its name; left away, every receive connector of the computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The stage of the conversation.
    pub at: FaultStage,
    /// What is done there in place of, or beside, what the connector would do.
    #[serde(rename = "do")]
    pub conduct: Conduct,
    /// What follows; left away, the conversation goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// How often it is done in all; left away, whenever it fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<NonZeroU32>,
    /// For whom.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// Has to be true for conduct that is a hole in a server's security and not merely wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vulnerable: bool,
    /// Whether it is no failure of the run when it was never done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// Where in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultStage {
    /// The connection is taken, and the banner is due.
    Connect,
    /// EHLO came.
    Ehlo,
    /// HELO came.
    Helo,
    /// STARTTLS or X-ANONYMOUSTLS came.
    Starttls,
    /// The 220 has left, and the handshake is due.
    Handshake,
    /// The handshake has succeeded, and nothing has been said inside TLS.
    AfterTls,
    /// AUTH came.
    Auth,
    /// MAIL came.
    Mail,
    /// RCPT came.
    Rcpt,
    /// DATA came.
    Data,
    /// Content is about to come, after the 354.
    Body,
    /// The content is complete, and its reply is due.
    EndOfData,
    /// A chunk of BDAT came, and its reply is due; where it is the last one, this comes before `end-of-data`.
    Bdat,
    /// RSET came.
    Rset,
    /// NOOP, HELP, VRFY, EXPN or something unknown came.
    Other,
    /// QUIT came.
    Quit,
    /// The lab is about to end the connection.
    Close,
}

/// What follows after something was said or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// The connection is closed in order (FIN, and inside TLS close_notify first).
    Close,
    /// The connection is reset (RST).
    Reset,
    /// Nothing is said any more, and whatever comes is read and thrown away.
    Silence,
}

/// For whom a row counts; what is left away is no condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Which of the connections that the connector has taken from the peer's address, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Nth>,
    /// Which time that this connection comes to the stage, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit: Option<Nth>,
    /// The peer's address or range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpRange>,
    /// What the client called itself in EHLO or HELO; `*` stands for anything, as in `*.contoso.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo: Option<String>,
    /// Whether TLS is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// What the command says, letter case aside; `*` stands for anything, as in `RCPT TO:<nobody@*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The command is longer than so many octets, at `end-of-data` the longest line of the content; without
    /// the CRLF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longer_than: Option<u32>,
}

impl When {
    fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

impl Fault {
    /// How the connection ends with it, if it does.
    pub fn ends(&self) -> Option<Then> {
        self.conduct.ends().or(self.then)
    }
}

impl FaultStage {
    /// The stage as a lab file has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Ehlo => "ehlo",
            Self::Helo => "helo",
            Self::Starttls => "starttls",
            Self::Handshake => "handshake",
            Self::AfterTls => "after-tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::EndOfData => "end-of-data",
            Self::Bdat => "bdat",
            Self::Rset => "rset",
            Self::Other => "other",
            Self::Quit => "quit",
            Self::Close => "close",
        }
    }
}

impl Then {
    /// It as a lab file has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Silence => "silence",
        }
    }
}

//! The stages of a session, as values for lab files and as types for Rust.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

impl FaultStage {
    /// Every stage, in the order of a session.
    pub(super) const ALL: [Self; 17] = [
        Self::Connect,
        Self::Ehlo,
        Self::Helo,
        Self::Starttls,
        Self::Handshake,
        Self::AfterTls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::EndOfData,
        Self::Bdat,
        Self::Rset,
        Self::Other,
        Self::Quit,
        Self::Close,
    ];

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

/// A stage as a type, which decides what a [`Fault`](super::Fault) can do there.
pub trait Stage: sealed::Sealed {
    /// The stage as a value.
    const STAGE: FaultStage;
}

/// A stage at which the connector has a reply to give.
pub trait HasReply: Stage {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident = $stage:ident $(: $capability:ident)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl sealed::Sealed for $name {}

        impl Stage for $name {
            const STAGE: FaultStage = FaultStage::$stage;
        }

        $(impl $capability for $name {})?
    )*};
}

stages! {
    /// The stage at which the banner is due.
    Connect = Connect: HasReply;
    /// The stage at which EHLO came.
    Ehlo = Ehlo: HasReply;
    /// The stage at which HELO came.
    Helo = Helo: HasReply;
    /// The stage at which STARTTLS or X-ANONYMOUSTLS came.
    StartTls = Starttls: HasReply;
    /// The stage at which the TLS handshake is due, behind the 220.
    Handshake = Handshake;
    /// The stage after a handshake that succeeded, before anything has been said inside TLS.
    AfterTls = AfterTls;
    /// The stage at which AUTH came.
    Auth = Auth: HasReply;
    /// The stage at which MAIL came.
    Mail = Mail: HasReply;
    /// The stage at which RCPT came.
    Rcpt = Rcpt: HasReply;
    /// The stage at which DATA came.
    Data = Data: HasReply;
    /// The stage at which content is about to come, behind the 354.
    Body = Body;
    /// The stage at which the content is complete and its reply is due.
    EndOfData = EndOfData: HasReply;
    /// The stage at which a chunk of BDAT came and its reply is due.
    Bdat = Bdat: HasReply;
    /// The stage at which RSET came.
    Rset = Rset: HasReply;
    /// The stage at which NOOP, HELP, VRFY, EXPN or an unknown command came.
    Other = Other: HasReply;
    /// The stage at which QUIT came.
    Quit = Quit: HasReply;
    /// The stage at which the lab is about to end the connection.
    Close = Close;
}

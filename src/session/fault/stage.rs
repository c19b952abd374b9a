//! The stages of a session, as values for lab files and as types for Rust.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage as a type, which decides what a [`Fault`](super::Fault) can do there.
pub trait Stage: Copy + sealed::Sealed {
    /// The stage as a value.
    const STAGE: FaultStage;
}

/// A stage at which the connector has a reply to give.
pub trait HasReply: Stage {}

mod sealed {
    pub trait Sealed {}
}

/// Defines the stages as values and as types from one table.
macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident $word:literal $(: $capability:ident)?;)*) => {
        /// A stage of a session.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum FaultStage {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl FaultStage {
            /// Every stage, in the order of a session.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the stage's name in a lab file.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl sealed::Sealed for $name {}

            impl Stage for $name {
                const STAGE: FaultStage = FaultStage::$name;
            }

            $(impl $capability for $name {})?
        )*
    };
}

stages! {
    /// The connection is accepted, and the banner is due.
    Connect "connect": HasReply;
    /// EHLO was received.
    Ehlo "ehlo": HasReply;
    /// HELO was received.
    Helo "helo": HasReply;
    /// STARTTLS or X-ANONYMOUSTLS was received.
    StartTls "starttls": HasReply;
    /// The 220 was sent, and the handshake is due.
    Handshake "handshake";
    /// The handshake has succeeded, and nothing has been sent inside TLS.
    AfterTls "after-tls";
    /// AUTH was received.
    Auth "auth": HasReply;
    /// MAIL was received.
    Mail "mail": HasReply;
    /// RCPT was received.
    Rcpt "rcpt": HasReply;
    /// DATA was received.
    Data "data": HasReply;
    /// The 354 was sent, and the content is expected.
    Body "body";
    /// The content is complete, and its reply is due.
    EndOfData "end-of-data": HasReply;
    /// A BDAT chunk was received, and its reply is due; for the last chunk, this stage comes before
    /// `end-of-data`.
    Bdat "bdat": HasReply;
    /// RSET was received.
    Rset "rset": HasReply;
    /// NOOP, HELP, VRFY, EXPN or an unknown command was received.
    Other "other": HasReply;
    /// QUIT was received.
    Quit "quit": HasReply;
    /// The lab is about to end the connection.
    Close "close";
}

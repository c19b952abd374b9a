//! A fault rule as a lab file and the control API write it: a table of keys that has not been checked yet.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::Actions;
use super::nth::Nth;
use super::stage::FaultStage;
use crate::exchange::IpRange;

/// A fault rule of a connector: the actions at a stage, and the conditions under which they apply.
///
/// The first rule that matches applies; where none does, the connector behaves as usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fault")]
pub struct FaultSpec {
    /// The receive connector by its name; if omitted, every receive connector of the computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The stage of the session.
    pub at: FaultStage,
    /// The actions at that stage, in place of the connector's usual behavior or in addition to it.
    #[serde(rename = "do")]
    pub actions: Actions,
    /// The ending of the session after the actions; if omitted, the session goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// The number of times that the rule fires in all; if omitted, whenever it matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<NonZeroU32>,
    /// The conditions under which the rule applies.
    #[serde(default, skip_serializing_if = "When::is_always")]
    pub when: When,
    /// True to allow an action that is a hole in a server's security and not merely wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vulnerable: bool,
    /// True if the run does not fail when the rule never fires.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// The ending of a session after a fault rule's actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// The connection is closed in order (FIN, and inside TLS close_notify first).
    Close,
    /// The connection is reset (RST).
    Reset,
    /// Nothing more is sent, and whatever arrives is read and discarded.
    Silence,
    /// The connection is ended by FIN alone: inside TLS there is no close_notify (RFC 8446 section 6.1 demands it),
    /// in clear it is the same as close.
    Fin,
}

/// The conditions of a fault rule; all that are given have to be met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// The number of the connection among those that the connector has accepted from the peer's address,
    /// counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Nth>,
    /// The number of times that this connection has come to the stage, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visit: Option<Nth>,
    /// The peer's address or range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpRange>,
    /// The client's name in EHLO or HELO; `*` stands for anything, as in `*.contoso.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo: Option<String>,
    /// True if TLS is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// The command line, regardless of letter case; `*` stands for anything, as in `RCPT TO:<nobody@*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The number of bytes that the command is longer than, without the CRLF; at `end-of-data`, that the
    /// longest line of the content is longer than.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longer_than: Option<u32>,
    /// The certificate that the client has shown in the handshake, where it was asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ShownCertificate>,
}

/// The certificate that a client presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ShownCertificate {
    /// No certificate, also where none was requested or TLS is not in force.
    Absent,
    /// A certificate that the lab's roots do not vouch for, because of its chain, its dates or its purpose.
    Untrusted,
    /// A certificate that carries this name; `*` stands for anything, as in `*.contoso.com`. Whether it is
    /// trusted makes no difference.
    Name(String),
    /// A certificate that does not carry this name.
    OtherName(String),
}

impl When {
    fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

impl FaultSpec {
    /// Returns whether the rule applies to the receive connector of this name.
    pub fn is_for(&self, connector: &str) -> bool {
        self.connector.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(connector))
    }
}

impl Then {
    /// Returns the name in a lab file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Silence => "silence",
            Self::Fin => "fin",
        }
    }
}

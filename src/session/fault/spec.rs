//! A fault rule as a lab file and the control API write it: a table of keys that has not been checked yet.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::Actions;
use super::nth::Nth;
use super::stage::FaultStage;
use crate::exchange::IpRange;

/// One row of a connector's fault table: at this stage, do that.
///
/// The first row that fits decides; where none does, the connector does what it always does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fault")]
pub struct FaultSpec {
    /// The receive connector by its name; left away, every receive connector of the computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The stage of the conversation.
    pub at: FaultStage,
    /// What is done there in place of, or beside, what the connector would do.
    #[serde(rename = "do")]
    pub actions: Actions,
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
    /// True if it is no failure of the run when it was never done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
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
    /// The connection is ended by FIN alone: inside TLS there is no close_notify (RFC 8446 section 6.1 demands it),
    /// in clear it is the same as close.
    Fin,
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
    /// True if TLS is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// What the command says, letter case aside; `*` stands for anything, as in `RCPT TO:<nobody@*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The command is longer than so many octets, at `end-of-data` the longest line of the content; without
    /// the CRLF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longer_than: Option<u32>,
    /// The certificate that the client has shown in the handshake, where it was asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ShownCertificate>,
}

/// What a client has shown of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ShownCertificate {
    /// None, which is also so where nobody asked for one or TLS is not in force.
    Absent,
    /// One that the lab's roots do not vouch for, by its chain, its dates or its purpose.
    Untrusted,
    /// One that carries such a name; `*` stands for anything, as in `*.contoso.com`. Whether it is trusted makes
    /// no difference.
    Name(String),
    /// One that carries no such name.
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

//! The section that turns a lab file into an entry of the fault catalogue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a judge has to know of a lab file whose fault a mail client is to be tried with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntrySpec {
    /// Other names of it, badssl's among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The sections that it is about, such as `RFC 3207 section 4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rfc: Vec<String>,
    /// How it is produced on the wire, in a sentence.
    pub wire: String,
    /// The name by which a client knows the server; left away, the first connector's FQDN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What a client meets here, by which its error text is found: names of the table of error texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<String>,
    /// Which measured clients come to something else than the emulated sender of their class, such as
    /// `o1 clear: exim default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differ: Vec<String>,
    /// What TLS is worth here to somebody who verifies.
    pub tls: ServerTrust,
    /// What becomes of mail here that is sent by the rules.
    #[serde(default, skip_serializing_if = "Acceptance::is_default")]
    pub mail: Acceptance,
}

/// What TLS is worth to somebody who verifies the chain and the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServerTrust {
    /// Everybody can accept it.
    Good,
    /// The chain is good, and the name is another one.
    WrongName,
    /// The chain is not good, whatever the name.
    Untrusted,
    /// Implementations differ, and each has the standards or a reason on its side.
    Disputed,
    /// The handshake may or may not come to its end, as the client's TLS library has it.
    Fragile,
    /// No handshake can succeed, or none is offered.
    None,
}

/// What becomes of mail that is sent by the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// It is taken, in clear and over TLS.
    #[default]
    Always,
    /// It is taken over TLS only.
    OverTls,
    /// It is taken by a client that tries again.
    Later,
    /// It is taken or not, as the client has it.
    Disputed,
    /// It is refused.
    Never,
}

impl Acceptance {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

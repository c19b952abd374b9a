//! The section that turns a lab file into an entry of the fault catalogue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The facts that `judge` needs about a lab file whose fault it tries a mail client with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntrySpec {
    /// Other names of the entry, including badssl's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The RFC sections that it is about, such as `RFC 3207 section 4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rfc: Vec<String>,
    /// The server's behavior on the wire, in a sentence.
    pub wire: String,
    /// The name by which a client knows the server; if omitted, the first connector's FQDN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The symptoms that a client meets here, by which its error text is found: names from the table of error
    /// texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<String>,
    /// The measured clients whose result differs from that of the emulated sender of their class, such as
    /// `o1 clear: exim default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differ: Vec<String>,
    /// The value of TLS with this server to a client that verifies.
    pub tls: ServerTrust,
    /// The server's acceptance of mail from a client that follows the rules.
    #[serde(default, skip_serializing_if = "Acceptance::is_default")]
    pub mail: Acceptance,
}

/// The value of TLS with a server to a client that verifies the chain and the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServerTrust {
    /// Every client can accept it.
    Good,
    /// The chain is good, but the name does not match.
    WrongName,
    /// The chain is not good, whatever the name.
    Untrusted,
    /// Implementations differ, and each has the standards or a reason on its side.
    Disputed,
    /// The handshake may or may not succeed, depending on the client's TLS library.
    Fragile,
    /// No handshake can succeed, or none is offered.
    None,
}

/// A server's acceptance of mail from a client that follows the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// Mail is accepted, in clear and over TLS.
    #[default]
    Always,
    /// Mail is accepted over TLS only.
    OverTls,
    /// Mail is accepted from a client that tries again.
    Later,
    /// Mail is accepted or not, depending on the client.
    Disputed,
    /// Mail is refused.
    Never,
}

impl Acceptance {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

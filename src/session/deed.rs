//! What the lab did to a handshake on purpose, and what the client did then.

use serde::Serialize;

use super::fault::{CutAfter, LegacyVersion};

/// Something that the lab did to a handshake on purpose, as it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// Nothing was answered any more.
    Silence,
    /// The connection was closed.
    Close,
    /// The connection was given back to be reset.
    Reset,
    /// A fatal alert left, in clear.
    Alert {
        /// By its IANA name.
        alert: String,
    },
    /// An alert left as a warning, in clear, and the handshake went on.
    Warning {
        /// By its IANA name.
        alert: String,
    },
    /// These octets, which are no TLS, left in place of the ServerHello.
    Octets {
        /// How many.
        octets: usize,
    },
    /// The server's first flight was cut.
    Cut {
        /// Behind which message.
        after: CutAfter,
        /// How many octets of the flight had left.
        octets: usize,
    },
    /// An octet of the server's first flight left with all its bits flipped.
    Corrupted {
        /// Which, counted from 0.
        octet: usize,
    },
    /// The first flight of a server of yesterday left, up to ServerHelloDone.
    Legacy {
        /// What it speaks.
        server: LegacyVersion,
        /// The version in its ServerHello.
        version: String,
        /// The suite in its ServerHello.
        cipher_suite: String,
    },
}

/// What a client did once the lab had broken a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reaction", rename_all = "snake_case")]
pub enum Reaction {
    /// It sent an alert in clear.
    Alert {
        /// By its IANA name.
        alert: String,
    },
    /// It sent an alert that only the keys of the handshake could read.
    EncryptedAlert,
    /// It went on with the handshake, as if nothing was wrong.
    WentOn,
    /// It went on in clear.
    ClearText {
        /// The first octets, escaped as in a Rust byte string, at most 32 of them.
        first_octets: String,
    },
    /// It closed the connection without a word.
    Closed,
    /// It reset the connection, or the connection broke.
    Broken {
        /// The operating system's word for it.
        reason: String,
    },
}

impl Deed {
    /// The deed, as a part of a sentence: `the lab sent the alert handshake_failure`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Silence => "the lab said nothing".to_owned(),
            Self::Close => "the lab closed the connection".to_owned(),
            Self::Reset => "the lab reset the connection".to_owned(),
            Self::Alert { alert } => format!("the lab sent the alert {alert}"),
            Self::Warning { alert } => format!("the lab sent the alert {alert} as a warning"),
            Self::Octets { octets } => format!("the lab sent {octets} octets that are no TLS"),
            Self::Cut { after: CutAfter::ClientHello, .. } => {
                "the lab broke off after the ClientHello".to_owned()
            }
            Self::Cut { after: CutAfter::ServerHello, octets } => {
                format!("the lab broke off after {octets} octets of its first flight")
            }
            Self::Corrupted { octet } => format!("the lab flipped octet {octet} of its first flight"),
            Self::Legacy { version, cipher_suite, .. } => {
                format!("the lab answered as a server that speaks only {version} with {cipher_suite}")
            }
        }
    }
}

impl Reaction {
    /// The reaction, as a part of a sentence: `the client sent the alert protocol_version`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Alert { alert } => format!("the client sent the alert {alert}"),
            Self::EncryptedAlert => "the client sent an encrypted alert".to_owned(),
            Self::WentOn => "the client went on with the handshake".to_owned(),
            Self::ClearText { first_octets } => {
                format!("the client went on in clear with b\"{first_octets}\"")
            }
            Self::Closed => "the client closed the connection".to_owned(),
            Self::Broken { reason } => format!("the connection broke ({reason})"),
        }
    }
}

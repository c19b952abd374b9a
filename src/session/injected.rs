//! The faults that the lab injected into a handshake, and the client's reaction.

use serde::{Serialize, Serializer};

use super::alert::alert_name;
use super::fault::{CutAfter, LegacyVersion};
use super::hello::{suite_name, version_name};

/// A fault that the lab injected into a handshake, as it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum InjectedFault {
    /// The lab answered nothing any more.
    Silence,
    /// The connection was closed.
    Close,
    /// The connection was given back to be reset.
    Reset,
    /// A fatal alert left, in clear.
    Alert {
        /// The alert's number; shown by its IANA name.
        #[serde(serialize_with = "name_of_alert")]
        alert: u8,
    },
    /// An alert left as a warning, in clear, and the handshake went on.
    Warning {
        /// The alert's number; shown by its IANA name.
        #[serde(serialize_with = "name_of_alert")]
        alert: u8,
    },
    /// Bytes that are no TLS left in place of the ServerHello.
    Octets {
        /// The number of bytes.
        octets: usize,
    },
    /// The server's first flight was cut.
    Cut {
        /// The message behind which it was cut.
        after: CutAfter,
        /// The number of bytes of the flight that had left.
        octets: usize,
    },
    /// A byte of the server's first flight left with all its bits flipped.
    Corrupted {
        /// The index of the byte, counted from 0.
        octet: usize,
    },
    /// The first flight of a legacy server left, up to ServerHelloDone.
    Legacy {
        /// The version or key exchange that it speaks.
        server: LegacyVersion,
        /// The version in its ServerHello; shown by its name.
        #[serde(serialize_with = "name_of_version")]
        version: u16,
        /// The suite in its ServerHello; shown by its IANA name.
        #[serde(serialize_with = "name_of_suite")]
        cipher_suite: u16,
    },
}

/// A client's reaction to a handshake that the lab had broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reaction", rename_all = "snake_case")]
pub enum Reaction {
    /// It sent an alert in clear.
    Alert {
        /// The alert's IANA name.
        alert: String,
    },
    /// It sent an alert that only the keys of the handshake could read.
    EncryptedAlert,
    /// It went on with the handshake as if nothing were wrong.
    WentOn,
    /// It went on in clear.
    ClearText {
        /// The first bytes, escaped as in a Rust byte string, at most 32 of them.
        first_octets: String,
    },
    /// It closed the connection without sending anything.
    Closed,
    /// It reset the connection, or the connection broke.
    Broken {
        /// The operating system's name for the error.
        reason: String,
    },
}

impl InjectedFault {
    /// Returns what was done, as a part of a sentence: `the lab sent the alert handshake_failure`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Silence => "the lab said nothing".to_owned(),
            Self::Close => "the lab closed the connection".to_owned(),
            Self::Reset => "the lab reset the connection".to_owned(),
            Self::Alert { alert } => format!("the lab sent the alert {}", alert_name(*alert)),
            Self::Warning { alert } => {
                format!("the lab sent the alert {} as a warning", alert_name(*alert))
            }
            Self::Octets { octets } => format!("the lab sent {octets} bytes that are no TLS"),
            Self::Cut { after: CutAfter::ClientHello, .. } => {
                "the lab broke off after the ClientHello".to_owned()
            }
            Self::Cut { after: CutAfter::ServerHello, octets } => {
                format!("the lab broke off after {octets} bytes of its first flight")
            }
            Self::Corrupted { octet } => format!("the lab flipped byte {octet} of its first flight"),
            Self::Legacy { version, cipher_suite, .. } => {
                let (version, suite) = (version_name(*version), suite_name(*cipher_suite));
                format!("the lab answered as a server that speaks only {version} with {suite}")
            }
        }
    }
}

impl Reaction {
    /// Returns the reaction, as a part of a sentence: `the client sent the alert protocol_version`.
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

fn name_of_alert<S: Serializer>(alert: &u8, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&alert_name(*alert))
}

fn name_of_version<S: Serializer>(version: &u16, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&version_name(*version))
}

fn name_of_suite<S: Serializer>(suite: &u16, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&suite_name(*suite))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::TlsFailure;

    fn broken(fault: InjectedFault, client: Option<Reaction>) -> serde_json::Value {
        serde_json::to_value(TlsFailure::OnPurpose { fault, client }).unwrap()
    }

    #[test]
    fn an_injected_fault_is_told_with_the_names_that_people_know() {
        let closed = Some(Reaction::Closed);
        assert_eq!(
            broken(InjectedFault::Alert { alert: 40 }, closed),
            json!({
                "failure": "on_purpose",
                "deed": "alert",
                "alert": "handshake_failure",
                "client": { "reaction": "closed" },
            })
        );
        let legacy =
            InjectedFault::Legacy { server: LegacyVersion::Tls10, version: 0x0301, cipher_suite: 0x002f };
        assert_eq!(
            legacy.in_words(),
            "the lab answered as a server that speaks only TLSv1.0 with TLS_RSA_WITH_AES_128_CBC_SHA"
        );
        assert_eq!(
            broken(legacy, None),
            json!({
                "failure": "on_purpose",
                "deed": "legacy",
                "server": "TLSv1",
                "version": "TLSv1.0",
                "cipher_suite": "TLS_RSA_WITH_AES_128_CBC_SHA",
                "client": null,
            })
        );
    }

    #[test]
    fn only_a_client_that_went_on_with_a_server_of_yesterday_has_accepted_it() {
        let legacy =
            InjectedFault::Legacy { server: LegacyVersion::Tls10, version: 0x0301, cipher_suite: 0x002f };
        let accepted = |fault: &InjectedFault, client| {
            TlsFailure::OnPurpose { fault: fault.clone(), client }.legacy_accepted()
        };
        assert!(accepted(&legacy, Some(Reaction::WentOn)));
        assert!(!accepted(&legacy, Some(Reaction::Closed)) && !accepted(&legacy, None));
        assert!(!accepted(&InjectedFault::Silence, Some(Reaction::WentOn)));
    }
}

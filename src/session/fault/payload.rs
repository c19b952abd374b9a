//! The parameters of actions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::ActionError;
use crate::nearest::nearest;
use crate::session::{alert_names, alert_number};

/// Bytes: a text, or hexadecimal digits after `hex:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Octets(pub String);

/// The changes to the connector's list of capabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    /// Keywords that are omitted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Keywords that are masked, such as `XXXXXXXA` for STARTTLS, as Cisco's inspection does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// Keywords that are spelled differently, such as `STARTTLS = "starttls"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub spelled: BTreeMap<String, String>,
    /// Lines that are added at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
}

/// An alert by its IANA name, such as `handshake_failure`, or its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Alert(pub Word);

/// A name, or the number that it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Word {
    /// The number.
    Number(u8),
    /// The name.
    Name(String),
}

/// The point at which a handshake breaks off. `then` says how; if omitted, the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The message after which it breaks off.
    pub after: CutAfter,
    /// With `server-hello`: the number of bytes of the server's first flight that are sent; if omitted, its
    /// ServerHello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub octets: Option<u32>,
}

/// The message after which a handshake breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CutAfter {
    /// The ClientHello was read, and nothing is answered.
    ClientHello,
    /// A part of the server's first flight was sent.
    ServerHello,
}

/// The byte of the server's first flight that is flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Corruption {
    /// The index of the byte, counted from 0; an index beyond the end means the last byte.
    pub octet: u32,
}

/// The only protocol that an outdated server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum LegacyVersion {
    /// SSL 3.0 only (RFC 7568).
    #[serde(rename = "SSLv3")]
    Ssl3,
    /// TLS 1.0 only (RFC 8996).
    #[serde(rename = "TLSv1")]
    Tls10,
    /// TLS 1.1 only (RFC 8996).
    #[serde(rename = "TLSv1.1")]
    Tls11,
    /// TLS 1.2 with RSA key exchange only.
    #[serde(rename = "rsa-kx")]
    RsaKeyExchange,
    /// TLS 1.2 with ephemeral Diffie-Hellman over 1024 bits only.
    #[serde(rename = "dhe-1024")]
    Dhe1024,
    /// TLS 1.2 with anonymous Diffie-Hellman only.
    #[serde(rename = "anonymous")]
    Anonymous,
}

/// TLS settings that differ from the connector's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Posture")] // what the schema has called it from the beginning
pub struct TlsSettings {
    /// The only version that is supported: `TLSv1.2` or `TLSv1.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<crate::session::TlsVersion>,
    /// The request for a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// The certificates that are presented in place of the selected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<Presented>,
    /// The number of session tickets that are sent after a TLS 1.3 handshake, at most 16; 0 for none. If
    /// omitted, one is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 16))]
    pub tickets: Option<u8>,
    /// The size of the ticket in each of them in bytes, from 32 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 32))]
    pub ticket_size: Option<u16>,
}

/// A request for a client certificate (RFC 8446 section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClientCertificate {
    /// The client may send none; whatever it sends is accepted.
    Request,
    /// The client has to send one that the lab's root has signed for client authentication.
    Require,
}

/// The certificates that are presented to different clients, by their labels in the computer's store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Presented {
    /// For a client that asks for no name, or for one that is not listed: the first of these certificates
    /// whose key fits the client's signature algorithms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// For a client that asks for this name (SNI, RFC 6066 section 3).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_name: BTreeMap<String, String>,
    /// The answer to a client that asks for a name that is not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_name: Option<UnknownName>,
}

/// The answer to a client that asks for a name without a certificate (RFC 6066 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownName {
    /// The fatal alert unrecognized_name.
    Refuse,
    /// The alert unrecognized_name as a warning, then the default certificate.
    Warn,
}

impl Alert {
    /// Returns the alert's number.
    ///
    /// # Errors
    ///
    /// No alert has this name. The error says which one was probably meant.
    pub(super) fn number(&self) -> Result<u8, ActionError> {
        let name = match &self.0 {
            Word::Number(number) => return Ok(*number),
            Word::Name(name) => name,
        };
        let meant = || nearest(name, alert_names()).map(str::to_owned);
        alert_number(name).ok_or_else(|| ActionError::NoAlert { name: name.clone(), meant: meant() })
    }
}

impl From<&str> for Alert {
    fn from(name: &str) -> Self {
        Self(Word::Name(name.to_owned()))
    }
}

impl Octets {
    /// Returns the text or the digits that stand for `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.starts_with(HEX) => Self(text.to_owned()),
            Ok(_) | Err(_) => {
                let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
                Self(HEX.to_owned() + &digits.collect::<String>())
            }
        }
    }

    /// Returns the bytes themselves.
    ///
    /// # Errors
    ///
    /// The text behind `hex:` does not consist of pairs of hexadecimal digits.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, ActionError> {
        let Some(digits) = self.0.strip_prefix(HEX) else {
            return Ok(self.0.as_bytes().to_vec());
        };
        let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
        let pair = |pair: &[u8]| {
            let hexadecimal = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            let digits = std::str::from_utf8(pair).ok().filter(|_| hexadecimal)?;
            u8::from_str_radix(digits, 16).ok()
        };
        let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
        bytes.ok_or_else(|| ActionError::NoBytes(self.0.clone()))
    }
}

/// The prefix of hexadecimal digits.
const HEX: &str = "hex:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_a_name_or_a_number() {
        assert_eq!(Alert(Word::Number(40)).number(), Ok(40));
        assert_eq!(Alert(Word::Name("unrecognized_name".to_owned())).number(), Ok(112));
        let wrong = Alert(Word::Name("handshake_failed".to_owned())).number().unwrap_err().to_string();
        assert!(wrong.contains("did you mean `handshake_failure`"), "{wrong}");
    }

    #[test]
    fn bytes_are_a_text_or_hexadecimal_digits() {
        let read = |text: &str| Octets(text.to_owned()).bytes();
        assert_eq!(read("500 no\r\n").unwrap(), b"500 no\r\n");
        assert_eq!(read("hex:15 0303 ff").unwrap(), [0x15, 3, 3, 0xff]);
        for bytes in [&b"500 no\r\n"[..], b"hex:00", b"\x15\xff"] {
            assert_eq!(Octets::of(bytes).bytes().unwrap(), bytes);
        }
        assert!(read("hex:1").is_err() && read("hex:+1").is_err() && read("hex:zz").is_err());
    }
}

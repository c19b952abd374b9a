//! What is done at a stage.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::row::Then;
use crate::exchange::TimeSpan;
use crate::nearest::nearest;
use crate::session::{alert_names, alert_number};

/// What is done at a stage in place of, or beside, what the connector would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conduct {
    /// Nothing is said, and whatever comes is read and thrown away; as [`Then::Silence`].
    Silence,
    /// The connection is closed; as [`Then::Close`].
    Close,
    /// The connection is reset; as [`Then::Reset`].
    Reset,
    /// This reply in place of the connector's; the command is not carried out. Several lines with `\n`.
    Reply(String),
    /// The command is carried out, and these octets are said in place of the connector's reply, as they are.
    Say(String),
    /// These octets are said, as they are, and the command is not carried out.
    Raw(Octets),
    /// The connector's reply with these octets behind it, in one write.
    Append(String),
    /// The connector's reply with these octets in front of it, in one write.
    Prepend(String),
    /// The connector's reply, so much later.
    Delay(TimeSpan),
    /// The connector's reply octet by octet, with so much time before each.
    Trickle(TimeSpan),
    /// The connector's reply with its lines ended by LF alone (RFC 5321 section 2.3.8 forbids it).
    LineFeeds,
    /// At `connect`: the handshake comes first, and the banner inside TLS (RFC 8314 section 3).
    ImplicitTls,
    /// At `ehlo`: another list of capabilities.
    Capabilities(Capabilities),
    /// At `starttls`: what is pipelined behind it in clear is carried out inside TLS. Needs `vulnerable`
    /// (CVE-2011-0411; RFC 3207 section 4.2).
    ExecutePipelined,
    /// At `after-tls`: EHLO, MAIL and RCPT said in clear are not forgotten (RFC 3207 section 4.2 demands it).
    KeepState,
    /// At `body`: content also ends where one of these stands, such as `\n.\n`. Needs `vulnerable`
    /// (CVE-2023-51764 and its kin).
    EndOfData(Vec<String>),
    /// At `handshake`, once the ClientHello is there, a fatal alert in place of the ServerHello; at
    /// `after-tls`, an alert in clear in the middle of the encrypted stream.
    Alert(Alert),
    /// At `handshake`: this alert as a warning, then the handshake as ever.
    Warning(Alert),
    /// At `handshake`: the server's first flight is cut.
    Cut(Cut),
    /// At `handshake`: an octet of the server's first flight is flipped.
    Corrupt(Corruption),
    /// At `handshake`: a server that speaks only an outdated version or key exchange, up to ServerHelloDone.
    Legacy(LegacyVersion),
    /// At `handshake`: how TLS is configured.
    Tls(Posture),
    /// At `close`: no close_notify before the FIN (RFC 8446 section 6.1).
    NoCloseNotify,
}

/// Octets: a text, or hexadecimal digits behind `hex:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Octets(pub String);

/// How a list of capabilities differs from the connector's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    /// Keywords that are left away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Keywords of which a middlebox leaves an `A` behind as many `X`, as Cisco's inspection does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// Keywords that are written otherwise, such as `STARTTLS = "starttls"`.
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

/// Where a handshake breaks off; how, [`Then`] says (close, where it is left away).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Behind which message.
    pub after: CutAfter,
    /// With `server-hello`: how many octets of the server's first flight leave; left away, its ServerHello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub octets: Option<u32>,
}

/// Behind which message a handshake breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CutAfter {
    /// The ClientHello was read, and nothing is answered.
    ClientHello,
    /// A part of the server's first flight has left.
    ServerHello,
}

/// Which octet of the server's first flight is flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Corruption {
    /// Counted from 0; an octet that is not there is the last one.
    pub octet: u32,
}

/// What a server of yesterday speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// How TLS is configured where it is otherwise than the connector has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Posture {
    /// The only version that is spoken: `TLSv1.2` or `TLSv1.3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<crate::session::TlsVersion>,
    /// Whether the client is asked for a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// What is presented in place of the certificate that was selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<Presented>,
}

/// Whether a client has to show a certificate (RFC 8446 section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificate {
    /// It is asked for one, and may have none; whatever it shows is taken.
    Request,
    /// It has to show one that the lab's root has signed for client authentication.
    Require,
}

/// Which certificates are presented to whom, by their labels in the computer's store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Presented {
    /// Whoever asks for no name, or for one that is not listed: the first of these whose key fits the
    /// signature algorithms of the client.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Whoever asks for this name (SNI, RFC 6066 section 3).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_name: BTreeMap<String, String>,
    /// What happens to whoever asks for a name that is not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_name: Option<UnknownName>,
}

/// What is answered to a name that no certificate is kept for (RFC 6066 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownName {
    /// The fatal alert unrecognized_name.
    Refuse,
    /// The alert unrecognized_name as a warning, then the default certificate.
    Warn,
}

impl Conduct {
    /// The way the connection ends where the conduct is nothing but that.
    pub fn ends(&self) -> Option<Then> {
        match self {
            Self::Silence => Some(Then::Silence),
            Self::Close => Some(Then::Close),
            Self::Reset => Some(Then::Reset),
            _ => None,
        }
    }
}

impl Conduct {
    /// It as a lab file has it, without braces.
    pub fn in_words(&self) -> String {
        let written = serde_json::to_value(self).unwrap_or_default();
        match written.as_object().and_then(|object| object.iter().next()) {
            Some((name, value)) => format!("{name} {value}"),
            None => written.as_str().unwrap_or_default().to_owned(),
        }
    }
}

impl Alert {
    /// Its number.
    ///
    /// # Errors
    ///
    /// No alert is called so, with what was probably meant.
    pub fn number(&self) -> Result<u8, String> {
        let name = match &self.0 {
            Word::Number(number) => return Ok(*number),
            Word::Name(name) => name,
        };
        alert_number(name).ok_or_else(|| match nearest(name, alert_names()) {
            Some(meant) => format!("no alert is called `{name}`; did you mean `{meant}`?"),
            None => format!("no alert is called `{name}`; RFC 8446 section 6 lists them"),
        })
    }
}

impl Octets {
    /// The octets themselves.
    ///
    /// # Errors
    ///
    /// What stands behind `hex:` are no pairs of hexadecimal digits.
    pub fn octets(&self) -> Result<Vec<u8>, String> {
        let Some(digits) = self.0.strip_prefix("hex:") else {
            return Ok(self.0.as_bytes().to_vec());
        };
        let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
        let pair = |pair: &[u8]| {
            let hexadecimal = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            let digits = std::str::from_utf8(pair).ok().filter(|_| hexadecimal)?;
            u8::from_str_radix(digits, 16).ok()
        };
        let octets: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
        octets.ok_or_else(|| format!("`{}` are no pairs of hexadecimal digits", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_a_name_or_a_number() {
        assert_eq!(Alert(Word::Number(40)).number(), Ok(40));
        assert_eq!(Alert(Word::Name("unrecognized_name".to_owned())).number(), Ok(112));
        let wrong = Alert(Word::Name("handshake_failed".to_owned())).number().unwrap_err();
        assert!(wrong.contains("did you mean `handshake_failure`"), "{wrong}");
    }

    #[test]
    fn octets_are_a_text_or_hexadecimal_digits() {
        let octets = |text: &str| Octets(text.to_owned()).octets();
        assert_eq!(octets("500 no\r\n").unwrap(), b"500 no\r\n");
        assert_eq!(octets("hex:15 0303 ff").unwrap(), [0x15, 3, 3, 0xff]);
        assert!(octets("hex:1").is_err() && octets("hex:+1").is_err() && octets("hex:zz").is_err());
    }
}

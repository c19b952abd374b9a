//! The task of a sender, and the facts about the TLS over which it was done.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::check::{Assessment, Check};
use super::policy::SenderPolicy;
use crate::pki::{Certificate, Thumbprint};
use crate::session::TlsVersion;
use crate::smtp::{Address, HelloName, MailDate, ReversePath};

/// One attempt to make: the sender, the host to connect to, and the message.
#[derive(Clone, Debug)]
pub struct Task {
    /// The kind of sender.
    pub policy: SenderPolicy,
    /// True if this attempt does not try TLS because it failed in an earlier one.
    pub in_clear: bool,
    /// The name to give in EHLO or HELO.
    pub helo: HelloName,
    /// The host to connect to, by the name that SNI asks for and that the certificate may be checked against.
    pub host: String,
    /// The domain or smart host that led there.
    pub next_hop: String,
    /// The name of the Send connector, for its events.
    pub connector: Option<String>,
    /// The sender's own certificate.
    pub credentials: Credentials,
    /// The message to send.
    pub message: Arc<Outgoing>,
}

/// The state of the sender's own certificate: usable, or the reason why not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// It can be used, or there is none and none is needed.
    #[default]
    Usable,
    /// Its private key cannot be used (KB 4495258).
    NoCredentials,
    /// It is not enabled for SMTP (KB 4051498).
    UnknownCredentials,
    /// The connector's TlsCertificateName names no certificate.
    PinNotFound,
}

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The address that notifications go to.
    pub from: ReversePath,
    /// The recipients, at least one.
    pub to: Vec<Address>,
    /// The content, header and body.
    pub content: Bytes,
}

/// A handshake that succeeded, as the sender saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Secured {
    /// The version that was negotiated.
    pub version: TlsVersion,
    /// The suite by its IANA name.
    pub cipher_suite: &'static str,
    /// The key exchange group by its IANA name.
    pub key_exchange: Option<&'static str>,
    /// The name that was asked for (SNI, RFC 6066 section 3).
    pub server_name: Option<String>,
    /// The certificates that the server presented, leaf first.
    #[serde(serialize_with = "subjects")]
    pub presented: Vec<Certificate>,
    /// The findings about the leaf.
    pub assessment: Assessment,
    /// The sender's own certificate that the server was shown; `None` if it asked for none.
    pub own: Option<Thumbprint>,
}

impl Outgoing {
    /// Returns a small message that names its sender.
    pub fn test(
        from: ReversePath,
        to: Vec<Address>,
        helo: &HelloName,
        subject: &str,
        sender: &str,
        now: Timestamp,
    ) -> Self {
        let author = from.address().map_or_else(|| format!("postmaster@{helo}"), Address::to_string);
        let recipients: Vec<_> = to.iter().map(Address::as_str).collect();
        let recipients = recipients.join(">, <");
        let date = MailDate(now);
        let id = now.as_millisecond();
        let content = format!(
            "From: <{author}>\r\nTo: <{recipients}>\r\nSubject: {subject}\r\nDate: {date}\r\n\
             Message-ID: <{id}@{helo}>\r\n\r\nSent by starttls-lab as {sender}.\r\n"
        );
        Self { from, to, content: content.into() }
    }
}

impl Task {
    /// Returns the domain of the first recipient, which Exchange's DomainValidation uses.
    pub fn recipient_domain(&self) -> &str {
        self.message.to.first().and_then(Address::domain).unwrap_or_default()
    }

    /// Returns the check of the server's certificate.
    pub fn check(&self) -> Check {
        self.policy.check(&self.host, &self.next_hop, self.recipient_domain())
    }
}

fn subjects<S: Serializer>(chain: &[Certificate], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(chain.iter().map(Certificate::subject))
}

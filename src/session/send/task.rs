//! What a sender is to do, and what it learnt of the TLS it did it over.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::check::{Assessment, Check};
use super::policy::SenderPolicy;
use crate::pki::{Certificate, Thumbprint};
use crate::session::TlsVersion;
use crate::smtp::{Address, HelloName, ReversePath};

/// One attempt to make: whom to be, where to go, what to bring.
#[derive(Clone, Debug)]
pub struct Task {
    /// What kind of sender.
    pub policy: SenderPolicy,
    /// True if this attempt leaves TLS alone because an earlier one failed at it.
    pub in_clear: bool,
    /// What to introduce oneself as.
    pub helo: HelloName,
    /// The host that is connected to, by the name the certificate may be measured by and SNI asks for.
    pub host: String,
    /// The domain or smart host that led there.
    pub next_hop: String,
    /// The name of the Send connector, for its events.
    pub connector: Option<String>,
    /// The sender's own certificate.
    pub credentials: Credentials,
    /// What to bring.
    pub message: Arc<Outgoing>,
}

/// Whether the sender's own certificate can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// It can, or there is none and none is needed.
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
    /// Where notifications go.
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
    /// What the server presented, leaf first.
    #[serde(serialize_with = "subjects")]
    pub presented: Vec<Certificate>,
    /// What is right or wrong with it.
    pub assessment: Assessment,
    /// The certificate of one's own that the server was shown; `None` where it asked for none.
    pub own: Option<Thumbprint>,
}

impl Task {
    /// The domain of the first recipient, by which Exchange's DomainValidation goes.
    pub fn recipient_domain(&self) -> &str {
        self.message.to.first().and_then(Address::domain).unwrap_or_default()
    }

    /// How the server's certificate is measured.
    pub fn check(&self) -> Check {
        self.policy.check(&self.host, &self.next_hop, self.recipient_domain())
    }
}

fn subjects<S: Serializer>(chain: &[Certificate], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(chain.iter().map(Certificate::subject))
}

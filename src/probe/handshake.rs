//! The outcome of a handshake, as it is saved and read again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pki::Certificate;
use crate::session::send::{CertificateProblem, Secured};
use crate::session::{TlsFailure, TlsVersion};
use crate::tls::{FirstFlight, SenderFailure};

/// The change that was made on a connection after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Offer {
    /// TLS 1.3 alone was offered.
    #[serde(rename = "TLSv1.3")]
    Tls13,
    /// TLS 1.2 alone was offered.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// At most TLS 1.1 was offered, with the suites of its time.
    #[serde(rename = "TLSv1.1")]
    Tls11,
    /// At most TLS 1.0 was offered, with the suites of its time.
    #[serde(rename = "TLSv1.0")]
    Tls10,
    /// TLS 1.2 was offered with suites and key exchanges that are outdated as well.
    #[serde(rename = "old-suites")]
    OldSuites,
    /// No name was asked for (SNI).
    #[serde(rename = "no-sni")]
    NoName,
    /// STARTTLS was sent although it is not listed.
    #[serde(rename = "starttls-not-listed")]
    Unlisted,
}

/// A connection on which one thing was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The change.
    pub offer: Offer,
    /// The outcome.
    pub result: Handshake,
}

/// The outcome of a handshake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Handshake {
    /// It was completed, with any certificate.
    Established(Established),
    /// The server chose a version and a suite, and more was not tried.
    Answered(Answered),
    /// It failed.
    Failed(FailedHandshake),
    /// The session did not get as far as the handshake.
    NotReached {
        /// The predicate of a sentence that starts with the server.
        why: String,
    },
}

/// A handshake that was completed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Established {
    /// The version that was negotiated.
    pub version: TlsVersion,
    /// The suite by its IANA name.
    pub cipher_suite: String,
    /// The key exchange group by its IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_exchange: Option<String>,
    /// The certificates that were presented, leaf first.
    pub chain: Vec<Presented>,
    /// The problem of the chain, regardless of the name, for a client that has the roots of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_problem: Option<CertificateProblem>,
}

/// A first flight that was read and not answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The version that the server chose.
    pub version: String,
    /// The suite by its IANA name.
    pub cipher_suite: String,
    /// The certificates that were presented, leaf first.
    pub chain: Vec<Presented>,
    /// True if the server asked for a certificate of the client.
    pub asks_for_certificate: bool,
}

/// A handshake that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedHandshake {
    /// The kind of the failure.
    pub how: FailureKind,
    /// The alert's name, the first bytes, or the reason, depending on the kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The certificates that had been presented by then, leaf first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Presented>,
}

/// The kind of a handshake failure, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The server sent an alert.
    AlertReceived,
    /// The prober could not continue with what the server sent.
    NotAccepted,
    /// The answer was not TLS.
    NotTls,
    /// The server closed the connection.
    Closed,
    /// The connection broke.
    Broken,
    /// The server did not answer in time.
    TimedOut,
    /// The prober could not even begin, or the answer could not be read.
    Unusable,
}

impl Handshake {
    /// Returns the certificates that were presented, leaf first.
    pub fn chain(&self) -> &[Presented] {
        match self {
            Self::Established(it) => &it.chain,
            Self::Answered(it) => &it.chain,
            Self::Failed(it) => &it.chain,
            Self::NotReached { .. } => &[],
        }
    }

    /// Returns the handshake, if it was completed.
    pub fn established(&self) -> Option<&Established> {
        match self {
            Self::Established(established) => Some(established),
            Self::Answered(_) | Self::Failed(_) | Self::NotReached { .. } => None,
        }
    }

    /// Returns whether the server accepted what was offered.
    pub fn is_taken(&self) -> bool {
        match self {
            Self::Established(_) | Self::Answered(_) => true,
            Self::Failed(_) | Self::NotReached { .. } => false,
        }
    }
}

impl From<Secured> for Established {
    fn from(secured: Secured) -> Self {
        Self {
            version: secured.version,
            cipher_suite: secured.cipher_suite.to_owned(),
            key_exchange: secured.key_exchange.map(str::to_owned),
            chain: secured.presented.into_iter().map(Presented).collect(),
            chain_problem: secured.assessment.chain,
        }
    }
}

impl From<FirstFlight> for Answered {
    fn from(flight: FirstFlight) -> Self {
        let FirstFlight { version, cipher_suite, chain, asks_for_certificate } = flight;
        let chain = chain.into_iter().map(Presented).collect();
        Self { version, cipher_suite, chain, asks_for_certificate }
    }
}

impl From<SenderFailure> for FailedHandshake {
    fn from(failed: SenderFailure) -> Self {
        let chain = failed.presented.into_iter().map(Presented).collect();
        Self { chain, ..failed.failure.into() }
    }
}

impl From<TlsFailure> for FailedHandshake {
    fn from(failure: TlsFailure) -> Self {
        let (how, detail) = match failure {
            TlsFailure::AlertReceived { alert } => (FailureKind::AlertReceived, alert),
            TlsFailure::AlertSent { reason, .. } => (FailureKind::NotAccepted, reason),
            TlsFailure::NotTls { first_octets } => (FailureKind::NotTls, first_octets),
            TlsFailure::Closed => (FailureKind::Closed, String::new()),
            TlsFailure::Broken { reason } => (FailureKind::Broken, reason),
            TlsFailure::TimedOut => (FailureKind::TimedOut, String::new()),
            TlsFailure::Unusable { reason } => (FailureKind::Unusable, reason),
            // Only a server of the lab breaks a handshake on purpose, and this code is a client.
            TlsFailure::OnPurpose { .. } => (FailureKind::Unusable, String::new()),
        };
        Self { how, detail, chain: Vec::new() }
    }
}

impl FailedHandshake {
    /// Returns the failure as a sending session receives it.
    pub(super) fn to_failure(&self) -> TlsFailure {
        let detail = self.detail.clone();
        match self.how {
            FailureKind::AlertReceived => TlsFailure::AlertReceived { alert: detail },
            FailureKind::NotAccepted => {
                TlsFailure::AlertSent { alert: "handshake_failure".to_owned(), reason: detail }
            }
            FailureKind::NotTls => TlsFailure::NotTls { first_octets: detail },
            FailureKind::Closed => TlsFailure::Closed,
            FailureKind::Broken => TlsFailure::Broken { reason: detail },
            FailureKind::TimedOut => TlsFailure::TimedOut,
            FailureKind::Unusable => TlsFailure::Unusable { reason: detail },
        }
    }

    /// Returns the predicate of a sentence that starts with the server.
    pub fn in_words(&self) -> String {
        match self.how {
            FailureKind::AlertReceived => format!("refuses the handshake with the alert {}", self.detail),
            FailureKind::NotAccepted => {
                format!("sends what a client cannot go on with: {}", self.detail)
            }
            FailureKind::NotTls => format!("answers the ClientHello with `{}`, which is no TLS", self.detail),
            FailureKind::Closed => "closes the connection during the handshake".to_owned(),
            FailureKind::Broken => format!("breaks the connection during the handshake ({})", self.detail),
            FailureKind::TimedOut => "does not complete the handshake in time".to_owned(),
            FailureKind::Unusable => self.detail.clone(),
        }
    }
}

/// A certificate that a server presented. It is saved as DER, with its fields in readable form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented(pub Certificate);

impl Serialize for Presented {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(certificate) = self;
        let mut map = to.serialize_struct("Presented", 9)?;
        map.serialize_field("subject", certificate.subject())?;
        map.serialize_field("issuer", certificate.issuer())?;
        map.serialize_field("dns_names", certificate.dns_names())?;
        map.serialize_field("ip_addresses", certificate.ip_addresses())?;
        map.serialize_field("not_before", &certificate.not_before())?;
        map.serialize_field("not_after", &certificate.not_after())?;
        map.serialize_field("public_key", &certificate.public_key().to_string())?;
        map.serialize_field("thumbprint", &certificate.thumbprint())?;
        map.serialize_field("der", &STANDARD.encode(certificate.der()))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Presented {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        /// The saved form, of which only the DER is read: the other fields are taken from the certificate.
        #[derive(Deserialize)]
        struct Saved {
            der: String,
        }
        let Saved { der } = Saved::deserialize(from)?;
        let der = STANDARD.decode(der).map_err(D::Error::custom)?;
        Certificate::from_der(der).map(Self).map_err(D::Error::custom)
    }
}

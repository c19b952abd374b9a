//! The facts about one TLS handshake, independent of rustls. The module `tls` (layer 5) fills them in from
//! rustls.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hello::{ClientHelloFacts, TLS_1_2};
use super::injected::{InjectedFault, Reaction};
use crate::pki::{Certificate, Thumbprint};

/// A protocol version that a handshake ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

impl TlsVersion {
    /// Returns `TLSv1.2` or `TLSv1.3`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

/// A handshake that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TlsFacts {
    /// The version that was negotiated.
    pub version: TlsVersion,
    /// The suite by its IANA name, such as `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: &'static str,
    /// The key exchange group by its IANA name, such as `x25519` or `secp256r1`.
    pub key_exchange: Option<&'static str>,
    /// The name the client asked for (SNI, RFC 6066 section 3); many mail servers send none.
    pub server_name: Option<String>,
    /// The leaf certificate that the lab presented.
    pub presented: Thumbprint,
    /// The leaf the client presented, when it was asked for one.
    #[serde(serialize_with = "subject_only")]
    pub client_certificate: Option<Certificate>,
    /// The reason why that certificate is not trusted by the lab's roots; `None` if it is, or if there is
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate_error: Option<String>,
    /// The client's offer. The journal shows it beside these facts, once for each handshake.
    #[serde(skip)]
    pub client_hello: Option<Arc<ClientHelloFacts>>,
}

impl TlsFacts {
    /// Returns the approximate number of bytes that the facts keep on the heap.
    pub fn weight(&self) -> usize {
        let certificate = self.client_certificate.as_ref();
        let certificate = certificate.map_or(0, |it| 1024 + it.der().len() + it.dns_names().len() * 64);
        let name = self.server_name.as_ref().map_or(0, String::len);
        self.client_hello.as_ref().map_or(0, |hello| hello.weight()) + certificate + name
    }
}

/// The failure of a handshake. The peer's behavior is recorded; it is never an error of the lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "failure", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TlsFailure {
    /// The client refused with an alert (RFC 8446 section 6.2); `alert` is its IANA name.
    AlertReceived {
        /// The alert's name, such as `unknown_ca`, `bad_certificate`, `certificate_expired`.
        alert: String,
    },
    /// The lab refused, with an alert of this name, for this reason.
    AlertSent {
        /// The alert's name, such as `protocol_version`, `handshake_failure`.
        alert: String,
        /// The problem with what the client sent or offered, in a sentence.
        reason: String,
    },
    /// The client sent something that is no TLS record instead of a ClientHello.
    NotTls {
        /// The first bytes, escaped as in a Rust byte string, at most 32 of them.
        first_octets: String,
    },
    /// The client closed the connection in the middle of the handshake.
    Closed,
    /// The connection broke.
    Broken {
        /// The operating system's name for the error, such as `connection reset`.
        reason: String,
    },
    /// The client fell silent in the middle of the handshake.
    TimedOut,
    /// The lab broke it on purpose.
    OnPurpose {
        /// The fault that the lab injected.
        #[serde(flatten)]
        fault: InjectedFault,
        /// The client's reaction; `None` if there was none for as long as the lab watched.
        client: Option<Reaction>,
    },
    /// The lab could not use the certificate it was configured with.
    Unusable {
        /// The reason, in a sentence.
        reason: String,
    },
}

impl TlsFailure {
    /// Returns whether a client went on with a server that speaks only an outdated version or key exchange. A
    /// lab cannot complete such a handshake, but the client would have. A client that only complains of the
    /// signature has accepted the version as well: before TLS 1.2 the signature is over SHA-1, which the lab
    /// does not make.
    pub fn legacy_accepted(&self) -> bool {
        match self {
            Self::OnPurpose { fault: InjectedFault::Legacy { version, .. }, client: Some(client) } => {
                match client {
                    Reaction::WentOn => true,
                    Reaction::Alert { alert } => *version < TLS_1_2 && alert == "decrypt_error",
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

fn subject_only<S: serde::Serializer>(certificate: &Option<Certificate>, to: S) -> Result<S::Ok, S::Error> {
    match certificate {
        Some(certificate) => to.serialize_some(certificate.subject()),
        None => to.serialize_none(),
    }
}

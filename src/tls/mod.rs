//! The conversion of certificates to rustls configurations, and of rustls's results to this crate's types.
//!
//! This is the only module that names rustls and tokio-rustls. The cryptographic provider is handed to each
//! configuration; nothing is installed for the process, so two labs, or a lab and the program under test, do
//! not affect each other.

/// The part that all verifiers share: a peer's signatures, checked by `self.provider`.
macro_rules! signatures_by_the_provider {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signature: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signature: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    };
}

mod alert;
mod client;
mod failure;
mod fault;
mod first_flight;
mod groups;
mod handshake;
mod hello;
mod legacy;
mod misfit;
mod names;
mod refused;
mod sender;
mod server;
mod session;
mod setup;
mod signing;
mod stream;
mod tickets;
mod trace;

use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};

pub use client::{ClientFacts, ClientTls, ConnectFailure, usable_roots};
pub use fault::HandshakeFault;
pub use first_flight::{FirstFlight, OldVersion, first_flight};
pub use refused::Refused;
pub use sender::{SenderFailure, SenderTls};
pub use server::{Accepted, ServerTls};
pub use setup::Setup;
pub use stream::ServerStream;
pub use trace::HandshakeTrace;

/// A connection on which the lab is the client and the handshake is done.
pub type ClientStream<IO> = tokio_rustls::client::TlsStream<IO>;

/// The client configuration of rustls 0.23, for tests whose client uses rustls itself.
pub type ClientConfig = rustls::ClientConfig;

/// The versions of TLS that are spoken. Handshakes below 1.2 cannot be completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Versions {
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
    /// TLS 1.2 only, as Exchange on Windows Server before 2022.
    Only12,
    /// TLS 1.3 only.
    Only13,
}

/// A reason why a certificate, a key or a root cannot be used for TLS at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsSetupError {
    /// A server needs a certificate.
    #[error("there is no certificate to present")]
    NoCertificate,
    /// The provider refused the private key.
    #[error("the private key cannot be used for TLS: {0}")]
    Key(String),
    /// A root cannot be a trust anchor of rustls.
    #[error("`{subject}` cannot be trusted as a root: {reason}")]
    Root {
        /// The certificate's subject.
        subject: String,
        /// The error of rustls.
        reason: String,
    },
    /// Provider and versions do not go together; no certificate is to blame.
    #[error("TLS cannot be configured: {0}")]
    Configuration(String),
}

impl Versions {
    /// Returns whether the version with this number on the wire is among them.
    fn speak(self, version: u16) -> bool {
        self.protocols().iter().any(|protocol| u16::from(protocol.version) == version)
    }

    fn protocols(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::Both => &BOTH,
            Self::Only12 => &BOTH[1..],
            Self::Only13 => &BOTH[..1],
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

//! How a handshake would end, from the certificate that is offered.
//!
//! The order of faults is that of webpki: the dates of a certificate are looked at before anybody asks who
//! issued it, and a self-signed one is an unknown issuer that signed itself (`tls::SenderTls` says so too).

use std::sync::Arc;

use jiff::Timestamp;

use super::side::Offer;
use crate::exchange::{Material, StoredCertificate};
use crate::scenario::ROOT_SUBJECT;
use crate::session::send::{Assessment, CertificateProblem, Handshake, Secured, SendInput, name_problem};
use crate::session::{TlsFacts, TlsFailure, TlsVersion};

/// What the lab's two sides of TLS agree on.
const VERSION: TlsVersion = TlsVersion::Tls13;
const CIPHER_SUITE: &str = "TLS_AES_256_GCM_SHA384";
const KEY_EXCHANGE: Option<&str> = Some("x25519");

/// What each side knows of a handshake that succeeded.
pub(super) struct BothSides {
    pub(super) sender: Arc<Secured>,
    pub(super) receiver: Arc<TlsFacts>,
}

/// How a handshake with the certificate in `offer` ends at `now` for a sender that trusts the lab's root or
/// not; the error is what the sending session is told.
pub(super) fn predict(
    handshake: &Handshake,
    offer: Option<Offer<'_>>,
    trusts_lab: bool,
    now: Timestamp,
) -> Result<BothSides, SendInput> {
    let usable = offer.filter(|offer| offer.usable).map(|offer| offer.stored);
    let Some((stored, material)) = usable.and_then(|stored| Some((stored, stored.material.as_ref()?))) else {
        // The receiving side gives up without an alert.
        return Err(SendInput::HandshakeFailed { failure: TlsFailure::Closed, problem: None });
    };
    let Handshake { check, server_name, .. } = handshake;
    let assessment = Assessment {
        chain: chain_problem(stored, material, trusts_lab, now),
        name: name_problem(&material.certificate, check),
    };
    if let Some(problem) = assessment.problem(check.proof).filter(|_| check.within_handshake) {
        let failure = TlsFailure::AlertSent { alert: alert(problem).to_owned(), reason: problem.in_words() };
        return Err(SendInput::HandshakeFailed { failure, problem: Some(problem.clone()) });
    }
    let is_name = server_name.parse::<std::net::IpAddr>().is_err();
    let server_name = is_name.then(|| server_name.clone());
    let presented = std::iter::once(&material.certificate).chain(&material.intermediates);
    let sender = Secured {
        version: VERSION,
        cipher_suite: CIPHER_SUITE,
        key_exchange: KEY_EXCHANGE,
        server_name: server_name.clone(),
        presented: presented.cloned().collect(),
        assessment,
        // The lab's connectors ask no client for a certificate.
        own: None,
    };
    let receiver = TlsFacts {
        version: VERSION,
        cipher_suite: CIPHER_SUITE,
        key_exchange: KEY_EXCHANGE,
        server_name,
        presented: stored.facts.thumbprint,
        client_certificate: None,
        client_hello: None,
    };
    Ok(BothSides { sender: Arc::new(sender), receiver: Arc::new(receiver) })
}

fn chain_problem(
    stored: &StoredCertificate,
    material: &Material,
    trusts_lab: bool,
    now: Timestamp,
) -> Option<CertificateProblem> {
    if stored.facts.is_not_yet_valid(now) {
        Some(CertificateProblem::NotYetValid)
    } else if stored.facts.has_expired(now) {
        Some(CertificateProblem::Expired)
    } else if stored.facts.self_signed {
        Some(CertificateProblem::SelfSigned)
    } else if !trusts_lab || !leads_to_the_lab(material) {
        Some(CertificateProblem::UnknownIssuer)
    } else {
        None
    }
}

/// Whether the chain that is sent ends below the lab's root; what Windows on the server makes of it is the
/// server's own affair.
fn leads_to_the_lab(material: &Material) -> bool {
    material.intermediates.last().unwrap_or(&material.certificate).issuer() == ROOT_SUBJECT
}

/// The alert that ends a handshake over this problem (RFC 8446 section 6.2).
const fn alert(problem: &CertificateProblem) -> &'static str {
    match problem {
        CertificateProblem::Expired | CertificateProblem::NotYetValid => "certificate_expired",
        CertificateProblem::SelfSigned | CertificateProblem::UnknownIssuer => "unknown_ca",
        CertificateProblem::Revoked => "certificate_revoked",
        CertificateProblem::WrongPurpose => "unsupported_certificate",
        CertificateProblem::HostMismatch { .. } | CertificateProblem::Invalid { .. } => "bad_certificate",
    }
}

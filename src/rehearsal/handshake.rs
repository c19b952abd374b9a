//! How a handshake would end, from the certificate that is offered.
//!
//! The order of faults is that of webpki: the dates of a certificate are looked at before anybody asks who
//! issued it, and a self-signed one is an unknown issuer that signed itself (`tls::SenderTls` says so too).

use std::sync::Arc;

use jiff::Timestamp;

use super::side::Offer;
use crate::exchange::{Material, StoredCertificate};
use crate::scenario::ROOT_SUBJECT;
use crate::session::send::{
    Assessment, CertificateProblem, Handshake, Secured, SendInput, name_problem, purpose_problem,
};
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
    if let Some((alert, reason)) = unfinished(material) {
        let failure = TlsFailure::AlertSent { alert: alert.to_owned(), reason: reason.to_owned() };
        return Err(SendInput::HandshakeFailed { failure, problem: None });
    }
    let assessment = Assessment {
        chain: chain_problem(stored, material, trusts_lab, now)
            .or_else(|| purpose_problem(&material.certificate, check)),
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
    } else if !material.certificate.is_for_servers() {
        Some(CertificateProblem::WrongPurpose)
    } else if stored.facts.self_signed {
        Some(CertificateProblem::SelfSigned)
    } else if !trusts_lab || !leads_to_the_lab(material) {
        Some(CertificateProblem::UnknownIssuer)
    } else if material.intermediates.iter().any(|above| now.as_second() > above.not_after().as_second()) {
        Some(CertificateProblem::Expired)
    } else {
        flaw(material).map(|reason| CertificateProblem::Invalid { reason: reason.to_owned() })
    }
}

/// What rustls cannot get over in a certificate, whether or not anybody verifies it: the alert it sends, and
/// why.
fn unfinished(material: &Material) -> Option<(&'static str, &'static str)> {
    let Material { certificate, key, .. } = material;
    let weak = certificate.public_key().algorithm == "RSA" && certificate.public_key().bits < 2048;
    if certificate.der().len() > LONGEST_MESSAGE {
        Some(("decode_error", "the certificate is longer than a handshake message may be"))
    } else if weak {
        Some(("decrypt_error", "a signature with so short a key cannot be checked"))
    } else if !certificate.public_key_matches(key) {
        Some(("decrypt_error", "the handshake was signed with another key"))
    } else {
        None
    }
}

/// What webpki takes exception to in a chain that leads to the lab.
fn flaw(material: &Material) -> Option<&'static str> {
    let Material { certificate, intermediates, .. } = material;
    let names = certificate.dns_names();
    if intermediates.len() > MOST_INTERMEDIATES {
        Some("there are too many authorities in the chain")
    } else if certificate.has_outdated_signature() {
        Some("the signature is of a kind that is not checked any more")
    } else if intermediates.iter().any(|above| names.iter().any(|name| !above.permits(name))) {
        Some("the names are not those for which an authority may issue")
    } else if intermediates
        .iter()
        .zip(0..)
        .any(|(above, below)| above.path_length().is_some_and(|it| it < below))
    {
        Some("there are more authorities than one of them allows")
    } else {
        None
    }
}

/// rustls's bound on a handshake message.
const LONGEST_MESSAGE: usize = 0xffff;
/// webpki's bound on a chain.
const MOST_INTERMEDIATES: usize = 6;

/// Whether the chain that is sent ends below the lab's root; what Windows on the server makes of it is the
/// server's own affair, and in which order it is sent makes no difference.
fn leads_to_the_lab(material: &Material) -> bool {
    let chain = std::iter::once(&material.certificate).chain(&material.intermediates);
    chain.into_iter().any(|certificate| certificate.issuer() == ROOT_SUBJECT)
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

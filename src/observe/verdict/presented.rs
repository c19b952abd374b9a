//! The certificate that the lab itself presented, measured by the rules of a verifying client.

use jiff::Timestamp;
use serde::Serialize;

use super::Measure;
use crate::exchange::{CertificateFacts, ChainStatus, Material, StoredCertificate};
use crate::journal::record::{Connector, SessionContext};
use crate::name::covers;
use crate::pki::Thumbprint;
use crate::session::send::CertificateProblem;

/// A certificate that was presented, and the problems that a verifying client has to find.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Presented {
    /// The leaf certificate.
    pub certificate: CertificateFacts,
    /// Its thumbprint in the handshake, where the lab file declares another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_thumbprint: Option<Thumbprint>,
    /// The name that a client had to expect.
    pub expected_name: String,
    /// The problems of the chain and the dates, and then of the name (RFC 9525 section 6).
    pub problems: Vec<CertificateProblem>,
    /// Properties that some implementations accept and others do not, in sentences.
    pub notes: Vec<String>,
}

impl Presented {
    pub(super) fn of(
        certificate: &CertificateFacts,
        asked: Option<&str>,
        place: &SessionContext,
        now: Timestamp,
        measure: Measure<'_>,
    ) -> Self {
        let expected_name = measure.host.map_or_else(|| own_name(place), str::to_owned);
        let stored = place.computer.store.find(certificate.thumbprint);
        let mut problems: Vec<_> =
            chain_problem(certificate, stored, now, measure.root).into_iter().collect();
        let mut notes = Vec::new();
        if !certificate.dns_names.iter().any(|name| covers(name, &expected_name).is_some()) {
            let common = certificate.common_names.iter().any(|name| covers(name, &expected_name).is_some());
            if common {
                notes.push(format!(
                    "only the common name is {expected_name}; RFC 9525 does not count it, and some \
                     implementations do (RFC 6125 section 6.4.4)"
                ));
            }
            let no_dns_name = certificate.dns_names.is_empty();
            problems.push(CertificateProblem::HostMismatch {
                expected: vec![expected_name.clone()],
                presented: certificate.dns_names.clone(),
                uncounted: certificate.common_names.iter().filter(|_| no_dns_name).cloned().collect(),
            });
        }
        if let Some(asked) = asked.filter(|asked| !asked.eq_ignore_ascii_case(&expected_name)) {
            notes.push(format!("the client asked for {asked}, and {expected_name} was to be expected"));
        }
        if certificate.version < 3 {
            notes.push(format!("it is of X.509 version {}", certificate.version));
        }
        let handshake_thumbprint = stored.and_then(StoredCertificate::handshake_thumbprint);
        Self { certificate: certificate.clone(), handshake_thumbprint, expected_name, problems, notes }
    }

    /// Returns the problem that a client that verifies everything finds first.
    pub fn problem(&self) -> Option<&CertificateProblem> {
        self.problems.first()
    }
}

fn own_name(place: &SessionContext) -> String {
    match &place.connector {
        Connector::Receive(connector) => place.computer.fqdn_of(connector).to_string(),
        Connector::Send(connector) => connector.name.clone(),
    }
}

fn chain_problem(
    leaf: &CertificateFacts,
    stored: Option<&StoredCertificate>,
    now: Timestamp,
    root: Option<&str>,
) -> Option<CertificateProblem> {
    if let Some(problem) = dates(leaf.not_before, leaf.not_after, now) {
        return Some(problem);
    }
    if leaf.self_signed {
        return Some(CertificateProblem::SelfSigned);
    }
    match stored.map(|stored| stored.chain) {
        Some(ChainStatus::Untrusted) => return Some(CertificateProblem::UnknownIssuer),
        Some(ChainStatus::Revoked) => return Some(CertificateProblem::Revoked),
        Some(ChainStatus::Valid) | None => {}
    }
    let material = stored.and_then(|stored| stored.material.as_ref())?;
    sent_problem(material, now, root?)
}

/// Returns the problem of the intermediates that are sent: one is missing, or one is out of date. Their order
/// does not matter (RFC 8446 section 4.4.2).
fn sent_problem(material: &Material, now: Timestamp, root: &str) -> Option<CertificateProblem> {
    let mut issuer = material.certificate.issuer();
    // A chain is no longer than what was sent, so that a loop ends.
    for _ in 0..=material.intermediates.len() {
        if issuer == root {
            return None;
        }
        let Some(next) = material.intermediates.iter().find(|it| it.subject() == issuer) else { break };
        if let Some(problem) = dates(next.not_before(), next.not_after(), now) {
            return Some(problem);
        }
        issuer = next.issuer();
    }
    Some(CertificateProblem::UnknownIssuer)
}

/// Returns the problem of the dates. The last instant of validity is included (RFC 5280 section 4.1.2.5).
fn dates(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> Option<CertificateProblem> {
    if now > not_after {
        Some(CertificateProblem::Expired)
    } else if now < not_before {
        Some(CertificateProblem::NotYetValid)
    } else {
        None
    }
}

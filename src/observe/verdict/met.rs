//! The problem that a client met in a conversation, either seen or inferred.

use super::conversation::{CloseReason, Conversation};
use super::handshake::{HandshakeAudit, Reaction};
use super::symptom::Symptom;
use crate::session::InjectedFault;
use crate::session::send::{CertificateProblem, ResultType};

/// The problem that a client met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Met {
    /// The result type of RFC 8460 section 4.3 for it.
    pub(super) result: Option<ResultType>,
    pub(super) symptom: Option<Symptom>,
    /// The basis of the inference, and what else fits; `None` if the problem was seen.
    pub(super) inferred: Option<String>,
}

impl Met {
    fn seen(result: ResultType, symptom: Option<Symptom>) -> Option<Self> {
        Some(Self { result: Some(result), symptom, inferred: None })
    }

    /// Infers the problem from the certificate: the lab presented one that has a problem, and the client
    /// left. `fits` is another possible reason.
    fn inferred(problem: &CertificateProblem, fits: &str) -> Option<Self> {
        let inferred = format!(
            "inferred from the certificate that the lab presented, which {}; {fits}",
            problem.in_words()
        );
        Some(Self {
            result: Some(problem.result_type()),
            symptom: symptom_of(problem),
            inferred: Some(inferred),
        })
    }
}

/// Returns the problem that a client met in a conversation without success; `None` if nothing of TLS went
/// wrong, or nothing shows that it did.
pub(super) fn met(conversation: &Conversation) -> Option<Met> {
    if let Some(handshake) = &conversation.handshake {
        return in_handshake(handshake, conversation);
    }
    let starttls = &conversation.starttls;
    match (starttls.asked, starttls.offered) {
        (true, _) if starttls.is_granted() => {
            Met::seen(ResultType::ValidationFailure, after_go_ahead(conversation))
        }
        (true, _) if starttls.answer.is_none() => {
            let symptom = match conversation.parting {
                CloseReason::ByLab => Some(Symptom::Closed),
                CloseReason::Quit | CloseReason::Vanished | CloseReason::Broke(_) | CloseReason::Open => None,
            };
            Met::seen(ResultType::StarttlsNotSupported, symptom)
        }
        (true, _) => Met::seen(ResultType::StarttlsNotSupported, Some(Symptom::Refused)),
        (false, Some(false)) => Met::seen(ResultType::StarttlsNotSupported, Some(Symptom::NotOffered)),
        (false, _) => None,
    }
}

fn in_handshake(handshake: &HandshakeAudit, conversation: &Conversation) -> Option<Met> {
    let presented = handshake.presented.as_ref().filter(|_| handshake.certificate_sent);
    let problem = presented.and_then(|presented| presented.problem());
    let unknown = || Met::seen(ResultType::ValidationFailure, None);
    match &handshake.reaction {
        Reaction::Accepted => None,
        // A later action of the lab against the client is not a matter of TLS (RFC 8460 has no result type
        // for it).
        Reaction::Completed => {
            let by_lab = conversation.parting == CloseReason::ByLab && !conversation.faults.is_empty();
            by_lab.then(|| Met { symptom: Some(Symptom::ClosedAfterHandshake), ..Met::default() })
        }
        Reaction::LeftAfter => Met::inferred(
            problem?,
            "the client left right after the handshake without a word, which a probe does as well that wants no \
             more than the handshake",
        ),
        Reaction::Refused { alert } => refused(alert, problem),
        Reaction::ClosedDuring | Reaction::Broke { .. } => match problem {
            Some(problem) => Met::inferred(
                problem,
                "the client gave no reason, so one that shares no version or suite, one that was stopped, and a \
                 connection that broke fit as well",
            ),
            None => unknown(),
        },
        Reaction::RefusedByLab { alert, .. } if alert == "handshake_failure" => {
            Met::seen(ResultType::ValidationFailure, Some(Symptom::HandshakeFailure))
        }
        Reaction::RefusedByLab { alert, .. } if alert == "protocol_version" => {
            Met::seen(ResultType::ValidationFailure, Some(Symptom::ProtocolVersion))
        }
        Reaction::RefusedByLab { alert, .. } if alert == "certificate_required" => {
            Met::seen(ResultType::ValidationFailure, Some(Symptom::ClientCertificate))
        }
        Reaction::OnPurpose { fault, .. } => {
            Met::seen(ResultType::ValidationFailure, symptom_of_fault(fault))
        }
        Reaction::FellSilent | Reaction::NoTls | Reaction::RefusedByLab { .. } | Reaction::Unusable => {
            Met::seen(ResultType::ValidationFailure, after_go_ahead(conversation))
        }
    }
}

/// Returns the problem of a client that refused with an alert. Some alerts say what is wrong, some say only
/// that something is wrong with the certificate, and the others have nothing to do with it (RFC 8446 section
/// 6.2).
fn refused(alert: &str, problem: Option<&CertificateProblem>) -> Option<Met> {
    let not_trusted = ResultType::CertificateNotTrusted;
    match (alert, problem) {
        ("unknown_ca", Some(CertificateProblem::SelfSigned)) => {
            Met::seen(not_trusted, Some(Symptom::SelfSigned))
        }
        ("unknown_ca", _) => Met::seen(not_trusted, Some(Symptom::UnknownAuthority)),
        ("certificate_expired", Some(CertificateProblem::NotYetValid)) => {
            Met::seen(CertificateProblem::NotYetValid.result_type(), Some(Symptom::NotYetValid))
        }
        ("certificate_expired", _) => Met::seen(ResultType::CertificateExpired, Some(Symptom::Expired)),
        ("certificate_revoked", _) => Met::seen(not_trusted, Some(Symptom::Revoked)),
        ("unsupported_certificate" | "bad_certificate" | "certificate_unknown" | "access_denied", Some(problem)) => {
            Met::inferred(problem, &format!("the alert {alert} itself does not say what the client did not accept"))
        }
        ("unsupported_certificate", None) => Some(Met {
            result: Some(not_trusted),
            symptom: Some(Symptom::WrongPurpose),
            inferred: Some(
                "inferred from the alert unsupported_certificate, which says that the purpose of the certificate, \
                 its key or its signature is of a kind that the client does not take"
                    .to_owned(),
            ),
        }),
        ("decrypt_error", _) => Met::seen(ResultType::ValidationFailure, Some(Symptom::BadSignature)),
        ("protocol_version", _) => Met::seen(ResultType::ValidationFailure, Some(Symptom::ProtocolVersion)),
        (_, _) => Met::seen(ResultType::ValidationFailure, None),
    }
}

/// Returns the problem that a client met after the 220 without a handshake.
pub(super) fn after_go_ahead(conversation: &Conversation) -> Option<Symptom> {
    if conversation.clear_text_after_go_ahead {
        return Some(Symptom::ClearText);
    }
    match conversation.parting {
        CloseReason::ByLab => Some(Symptom::Closed),
        CloseReason::Quit | CloseReason::Vanished | CloseReason::Broke(_) | CloseReason::Open => None,
    }
}

/// The alert handshake_failure (RFC 8446 section 6, RFC 6066 section 3).
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;
const UNRECOGNIZED_NAME: u8 = 112;

const fn symptom_of_fault(fault: &InjectedFault) -> Option<Symptom> {
    match fault {
        InjectedFault::Alert { alert: HANDSHAKE_FAILURE } => Some(Symptom::HandshakeFailure),
        InjectedFault::Alert { alert: UNRECOGNIZED_NAME } => Some(Symptom::UnrecognizedName),
        InjectedFault::Alert { alert: PROTOCOL_VERSION } | InjectedFault::Legacy { .. } => {
            Some(Symptom::ProtocolVersion)
        }
        InjectedFault::Octets { .. } => Some(Symptom::ClearText),
        InjectedFault::Close | InjectedFault::Reset | InjectedFault::Cut { .. } => Some(Symptom::Closed),
        InjectedFault::Silence => Some(Symptom::Silent),
        InjectedFault::Alert { .. } | InjectedFault::Warning { .. } | InjectedFault::Corrupted { .. } => None,
    }
}

const fn symptom_of(problem: &CertificateProblem) -> Option<Symptom> {
    match problem {
        CertificateProblem::HostMismatch { .. } => Some(Symptom::NameMismatch),
        CertificateProblem::Expired => Some(Symptom::Expired),
        CertificateProblem::NotYetValid => Some(Symptom::NotYetValid),
        CertificateProblem::SelfSigned => Some(Symptom::SelfSigned),
        CertificateProblem::UnknownIssuer => Some(Symptom::UnknownAuthority),
        CertificateProblem::WrongPurpose => Some(Symptom::WrongPurpose),
        CertificateProblem::Revoked => Some(Symptom::Revoked),
        CertificateProblem::Invalid { .. } => None,
    }
}

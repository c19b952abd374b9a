//! The records of TLS where the lab sends, and the end of an attempt in one sentence.

use std::sync::Arc;

use serde::Serialize;

use super::shown::printable;
use crate::exchange::CertificateFacts;
use crate::session::send::{Attempt, CertificateProblem, Credentials, Outcome, Reason, ResultType, Secured};
use crate::session::{TlsFailure, TlsVerb};

/// A handshake that succeeded.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The verb it began with.
    pub verb: TlsVerb,
    /// The parameters that were negotiated, and the certificates that were presented.
    pub facts: Arc<Secured>,
    /// The certificate that the lab would present.
    pub own: Option<CertificateFacts>,
}

/// A handshake that failed, or that the lab could not begin.
#[derive(Clone, Debug)]
pub struct NoTls {
    /// The verb it began with.
    pub verb: TlsVerb,
    /// Why.
    pub why: WhyNoTls,
    /// The certificates that the server had presented until then, leaf first.
    pub presented: Vec<CertificateFacts>,
    /// The certificate that the lab would present.
    pub own: Option<CertificateFacts>,
}

/// The reason why there is no TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNoTls {
    /// The handshake failed. The roles are those of a client: what was received, the server sent.
    Handshake(TlsFailure),
    /// The lab's own certificate cannot be used.
    OwnCertificate(Credentials),
}

/// Describes how an attempt to reach `host` ended and why, in one sentence without control characters for a
/// terminal.
pub fn attempt_sentence(attempt: &Attempt, host: &str) -> String {
    let host = safe(host);
    let tls = attempt.tls.as_ref().map(|tls| format!(" ({})", tls.version.as_str())).unwrap_or_default();
    let word = attempt.result_type.map(|word| format!(" [{}]", word.as_str())).unwrap_or_default();
    match attempt.outcome {
        Outcome::DeliveredOverTls { authenticated: true } => {
            format!("Delivered over TLS{tls}; {host} is authenticated.")
        }
        Outcome::DeliveredOverTls { authenticated: false } => {
            let doubt = attempt.tls.as_ref().and_then(|tls| {
                tls.assessment
                    .chain
                    .as_ref()
                    .or(tls.assessment.name.as_ref())
                    .map(CertificateProblem::in_words)
            });
            let doubt = doubt.map(|doubt| format!(" (its certificate {})", safe(&doubt)));
            let doubt = doubt.unwrap_or_default();
            format!("Delivered over TLS{tls}; {host} did not have to prove who it is{doubt}.")
        }
        Outcome::DeliveredInClear => {
            let why = match attempt.result_type {
                Some(ResultType::StarttlsNotSupported) => ": there was no STARTTLS to be had",
                Some(_) => ": an earlier attempt had failed at TLS",
                None => "",
            };
            format!("Delivered in clear, for everybody on the way to read{why}.{word}")
        }
        Outcome::Deferred => format!("Deferred: {}.{word}", reason(&attempt.reason, &host)),
        Outcome::Bounced => format!("Bounced: {}.{word}", reason(&attempt.reason, &host)),
    }
}

fn reason(reason: &Reason, host: &str) -> String {
    match reason {
        Reason::Reply { at, reply } => {
            let reply = safe(&reply.to_string().replace('\n', " / "));
            format!("{host} answered {} with {reply}", at.as_words())
        }
        Reason::NotOffered { verb } => {
            format!("{host} does not offer {}, and TLS is required", verb.as_str())
        }
        Reason::Handshake(failure) => handshake(failure, host),
        Reason::OwnCertificate(credentials) => own_certificate(*credentials).to_owned(),
        Reason::Certificate(problem) => format!("the certificate of {host} {}", safe(&problem.in_words())),
        Reason::LogonNotOffered => format!("{host} does not offer AUTH LOGIN, and a logon is required"),
        Reason::LogonRefused { reply } => {
            let reply = safe(&reply.to_string().replace('\n', " / "));
            format!("{host} refused the logon with {reply}")
        }
        Reason::Closed { at } => format!("{host} closed the connection in answer to {}", at.as_words()),
        Reason::TimedOut { at } => format!("{host} was silent for too long in answer to {}", at.as_words()),
        Reason::Broken { at, why } => {
            format!("the connection broke in answer to {} ({})", at.as_words(), safe(why))
        }
        Reason::NotSmtp { at } => format!("{host} answered {} with something that is no SMTP", at.as_words()),
        Reason::NoConnection { why } => format!("no connection to {host} ({})", safe(why)),
        Reason::Expired => "it was in the queue for too long".to_owned(),
    }
}

/// Describes how a handshake failed, from the client's side.
pub(super) fn handshake(failure: &TlsFailure, host: &str) -> String {
    match failure {
        TlsFailure::AlertReceived { alert } => {
            format!("{host} refused the handshake with alert {}", safe(alert))
        }
        TlsFailure::AlertSent { alert, reason } => {
            format!("the handshake was refused with alert {} ({})", safe(alert), safe(reason))
        }
        TlsFailure::NotTls { first_octets } => {
            format!("{host} went on in clear after its 220, with b\"{}\"", safe(first_octets))
        }
        TlsFailure::Closed => format!("{host} closed the connection in the handshake"),
        TlsFailure::Broken { reason } => format!("the connection broke in the handshake ({})", safe(reason)),
        TlsFailure::TimedOut => format!("{host} fell silent in the handshake"),
        TlsFailure::OnPurpose { fault, .. } => safe(&fault.in_words()),
        TlsFailure::Unusable { reason } => format!("TLS could not begin here ({})", safe(reason)),
    }
}

/// Describes what is wrong with the lab's own certificate.
pub(super) const fn own_certificate(credentials: Credentials) -> &'static str {
    match credentials {
        Credentials::Usable => "nothing is wrong with the certificate",
        Credentials::NoCredentials => "the private key of the connector's own certificate cannot be used",
        Credentials::UnknownCredentials => "the connector's own certificate is not enabled for SMTP",
        Credentials::PinNotFound => {
            "the connector's TlsCertificateName names no valid certificate in the store"
        }
    }
}

fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

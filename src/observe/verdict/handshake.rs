//! What a client did in a handshake and right after it.

use std::sync::Arc;

use serde::Serialize;

use super::presented::Presented;
use crate::session::{ClientHelloFacts, InjectedFault, Reaction as AfterFault, TlsFailure};

/// One handshake: what was presented, and what the client did about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HandshakeAudit {
    /// `STARTTLS` or `X-ANONYMOUSTLS`.
    pub verb: &'static str,
    /// The version that was negotiated.
    pub version: Option<&'static str>,
    /// The name that the client asked for (SNI, RFC 6066 section 3).
    pub server_name: Option<String>,
    /// What the client had offered.
    pub client_hello: Option<Arc<ClientHelloFacts>>,
    /// What was presented, or would have been.
    pub presented: Option<Presented>,
    /// Whether the certificate went out to the client. Before it has, it cannot be the reason for anything.
    pub certificate_sent: bool,
    /// What the client did.
    pub reaction: Reaction,
}

/// What a client did about a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reaction", rename_all = "kebab-case")]
pub enum Reaction {
    /// It went on inside TLS.
    Accepted,
    /// It completed the handshake. What it thinks of the certificate was not seen: the lab acted first, or
    /// nothing has been said inside TLS so far.
    Completed,
    /// It completed the handshake and left without a word inside TLS. Clients do so that look at the
    /// certificate afterwards and refuse it, and probes that want no more than the handshake.
    LeftAfter,
    /// It refused with an alert (RFC 8446 section 6.2).
    Refused {
        /// The alert's IANA name.
        alert: String,
    },
    /// It closed the connection in the middle of the handshake.
    ClosedDuring,
    /// The connection broke in the handshake.
    Broke {
        /// The operating system's word for it.
        reason: String,
    },
    /// It fell silent in the handshake.
    FellSilent,
    /// What it sent was no TLS.
    NoTls,
    /// The lab refused, because nothing that the client offers can succeed here.
    RefusedByLab {
        /// The alert's IANA name.
        alert: String,
        /// What was wrong with what the client offers.
        reason: String,
    },
    /// The lab broke the handshake on purpose.
    OnPurpose {
        /// What the lab did.
        #[serde(rename = "deed")]
        fault: InjectedFault,
        /// What the client did then; `None` for nothing.
        client: Option<AfterFault>,
    },
    /// The lab could not use its own certificate.
    Unusable,
}

impl Reaction {
    pub(super) fn to(failure: &TlsFailure) -> Self {
        match failure.clone() {
            TlsFailure::AlertReceived { alert } => Self::Refused { alert },
            TlsFailure::AlertSent { alert, reason } => Self::RefusedByLab { alert, reason },
            TlsFailure::NotTls { .. } => Self::NoTls,
            TlsFailure::Closed => Self::ClosedDuring,
            TlsFailure::Broken { reason } => Self::Broke { reason },
            TlsFailure::TimedOut => Self::FellSilent,
            TlsFailure::OnPurpose { fault, client } => Self::OnPurpose { fault, client },
            TlsFailure::Unusable { .. } => Self::Unusable,
        }
    }

    /// Whether the client was left without TLS.
    pub const fn is_failure(&self) -> bool {
        !matches!(self, Self::Accepted | Self::Completed)
    }

    /// Whether it was the client that ended the handshake or left right after it; a certificate that it does
    /// not accept is one of the reasons for that.
    pub const fn is_the_clients(&self) -> bool {
        matches!(self, Self::LeftAfter | Self::Refused { .. } | Self::ClosedDuring | Self::Broke { .. })
    }

    /// Whether the client went on with a server that speaks only what is outdated.
    pub const fn accepted_legacy(&self) -> bool {
        matches!(
            self,
            Self::OnPurpose { fault: InjectedFault::Legacy { .. }, client: Some(AfterFault::WentOn) }
        )
    }

    /// The reaction as a sentence without its subject; where the lab broke the handshake, a whole one.
    pub fn in_words(&self) -> String {
        match self {
            Self::Accepted => "accepted it".to_owned(),
            Self::Completed => "completed the handshake and said nothing inside TLS".to_owned(),
            Self::LeftAfter => "completed the handshake and left without a word".to_owned(),
            Self::Refused { alert } => format!("refused with alert {alert}"),
            Self::ClosedDuring => "closed the connection during the handshake".to_owned(),
            Self::Broke { reason } => format!("was gone during the handshake ({reason})"),
            Self::FellSilent => "fell silent during the handshake".to_owned(),
            Self::NoTls => "sent something that is no TLS".to_owned(),
            Self::RefusedByLab { alert, reason } => {
                format!("could not succeed: {reason} (alert {alert} from the lab)")
            }
            Self::OnPurpose { fault, client } => {
                let client = client
                    .as_ref()
                    .map_or_else(|| "the client said nothing".to_owned(), AfterFault::in_words);
                format!("{}, and {client}", fault.in_words())
            }
            Self::Unusable => "found that the lab cannot use its certificate".to_owned(),
        }
    }
}

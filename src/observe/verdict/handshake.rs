//! A client's behavior in a handshake and right after it.

use std::sync::Arc;

use serde::Serialize;

use super::presented::Presented;
use crate::session::{ClientHelloFacts, InjectedFault, Reaction as AfterFault, TlsFailure};

/// One handshake: the certificate that was presented, and the client's reaction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HandshakeAudit {
    /// `STARTTLS` or `X-ANONYMOUSTLS`.
    pub verb: &'static str,
    /// The version that was negotiated.
    pub version: Option<&'static str>,
    /// The name that the client asked for (SNI, RFC 6066 section 3).
    pub server_name: Option<String>,
    /// The client's offer.
    pub client_hello: Option<Arc<ClientHelloFacts>>,
    /// The number of bytes that came of a ClientHello that was not complete.
    pub partial_hello: usize,
    /// The certificate that was presented, or would have been.
    pub presented: Option<Presented>,
    /// True if the certificate was sent to the client. Before that, it cannot be the reason for anything.
    pub certificate_sent: bool,
    /// The client's reaction.
    pub reaction: Reaction,
}

/// A client's reaction to a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reaction", rename_all = "kebab-case")]
pub enum Reaction {
    /// The client went on inside TLS.
    Accepted,
    /// The client completed the handshake. Its opinion of the certificate was not seen: the lab acted first,
    /// or nothing has been said inside TLS so far.
    Completed,
    /// The client completed the handshake and left without a command inside TLS. Clients do so that check the
    /// certificate afterwards and refuse it, and so do probes that want only the handshake.
    LeftAfter,
    /// The client refused with an alert (RFC 8446 section 6.2).
    Refused {
        /// The alert's IANA name.
        alert: String,
    },
    /// The client closed the connection in the middle of the handshake.
    ClosedDuring,
    /// The connection broke in the handshake.
    Broke {
        /// The operating system's message for it.
        reason: String,
    },
    /// The client fell silent in the handshake.
    FellSilent,
    /// The client sent something that is not TLS.
    NoTls,
    /// The lab refused, because nothing that the client offers can succeed here.
    RefusedByLab {
        /// The alert's IANA name.
        alert: String,
        /// The problem with the client's offer.
        reason: String,
    },
    /// The lab broke the handshake on purpose.
    OnPurpose {
        /// The fault that the lab produced.
        #[serde(rename = "deed")]
        fault: InjectedFault,
        /// The client's next action; `None` if there was none.
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

    /// Returns whether the client was left without TLS.
    pub const fn is_failure(&self) -> bool {
        !matches!(self, Self::Accepted | Self::Completed)
    }

    /// Returns whether the client ended the handshake or left right after it. A certificate that it does not
    /// accept is one of the possible reasons.
    pub const fn is_the_clients(&self) -> bool {
        matches!(self, Self::LeftAfter | Self::Refused { .. } | Self::ClosedDuring | Self::Broke { .. })
    }

    /// Returns whether the client went on with a server that supports only outdated versions.
    pub const fn accepted_legacy(&self) -> bool {
        matches!(
            self,
            Self::OnPurpose { fault: InjectedFault::Legacy { .. }, client: Some(AfterFault::WentOn) }
        )
    }

    /// Returns the reaction as a sentence without its subject; if the lab broke the handshake, as a whole
    /// sentence.
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

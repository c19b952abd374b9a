//! The meaning of each event in a sentence or two, beside its own words.

use crate::exchange::EventKind;

/// Returns what an event means for whoever reads it, and whether its own advice is good.
pub const fn meaning(kind: EventKind) -> &'static str {
    match kind {
        EventKind::NoCertificateForStarttls => {
            "No certificate in the computer's store may be used for the name that this connector looks for, so it \
             does not offer STARTTLS. Senders that do not insist on TLS deliver in clear; those that insist do not \
             deliver."
        }
        EventKind::StarttlsCertificateExpired => {
            "The certificate that STARTTLS presents has expired. Senders that verify refuse it; a new self-signed \
             one, which the event advises, they refuse as well."
        }
        EventKind::StarttlsCertificateExpiresSoon => {
            "The certificate that STARTTLS presents expires soon. Renew it at its authority; a connector that is \
             pinned to it finds the new one only if issuer and subject stay the same."
        }
        EventKind::InternalCertificateNotPublished => {
            "No internal transport certificate is published for this server, so Exchange servers do not find \
             X-ANONYMOUSTLS here. STARTTLS is not affected."
        }
        EventKind::InternalCertificateGone => {
            "The internal transport certificate that is published is not in the store. Mail between Exchange servers \
             is affected, STARTTLS is not."
        }
        EventKind::InternalCertificateExpired => {
            "The internal transport certificate has expired and is still used. Mail between Exchange servers is \
             affected, STARTTLS is not."
        }
        EventKind::InternalCertificateExpiresSoon => {
            "The internal transport certificate expires soon. After it is replaced, an Edge server has to be \
             subscribed anew."
        }
        EventKind::RemoteInternalCertificateExpired => {
            "The internal transport certificate of another Exchange server has expired. It is replaced on that server."
        }
        EventKind::InternalCertificateReplaced => {
            "The internal transport certificate cannot be loaded, and another certificate of the store stands in for it."
        }
        EventKind::InternalCertificateEphemeral => {
            "The internal transport certificate cannot be loaded, and one that was made on the spot stands in for it. \
             No other server trusts that one."
        }
        EventKind::EdgeCertificateNotMatched => {
            "The Edge server presents another certificate than the one it was subscribed with. Subscribe it anew."
        }
        EventKind::TooManyFailedLogons => {
            "A client failed to log on too often and was disconnected. No certificate is involved."
        }
        EventKind::TlsRequiredButNotAvailable => {
            "The connector requires TLS and cannot offer it, so nobody can submit mail to it. Look for event 12014."
        }
        EventKind::LogonFailed => "A logon failed. No certificate is involved.",
        EventKind::SendTlsRequired => {
            "A Send connector requires TLS, and the next hop did not provide it. The mail stays in the queue."
        }
        EventKind::OutboundAuthenticationFailed => {
            "A Send connector could not log on at the next hop. The mail stays in the queue."
        }
    }
}

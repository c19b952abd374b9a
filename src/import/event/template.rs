//! The texts by which events are recognized, with the names of the filled-in values.

use crate::exchange::EventKind;

/// An event's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) event_id: u32,
    /// Its symbolic name in the message file, if a source documents it.
    pub(super) symbol: Option<&'static str>,
    /// Its usual level.
    pub(super) level: &'static str,
    /// The text, with `%1` and so on.
    pub(super) text: &'static str,
    /// The names of `%1`, `%2` and so on, in the order of the numbers.
    pub(super) slots: &'static [&'static str],
    /// True if it is not the event's own text but the name of a monitoring rule.
    pub(super) alias: bool,
}

/// Returns every text, the longer of two that begin alike first.
pub(super) fn templates() -> Vec<Template> {
    let own = EventKind::ALL.into_iter().rev().map(|kind| Template {
        event_id: u32::from(kind.id()),
        symbol: symbol(kind),
        level: kind.level().as_str(),
        text: kind.template(),
        slots: kind.slots(),
        alias: false,
    });
    own.chain(OTHERS.iter().copied()).chain(ALIASES.iter().map(alias)).collect()
}

/// Returns the symbolic name. Source: the pages of the TechNet event library (Exchange 14.0).
const fn symbol(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::SendTlsRequired => "SmtpSendTLSRequiredFailed",
        EventKind::OutboundAuthenticationFailed => "SmtpSendOutboundAuthenticationFailed",
        EventKind::EdgeCertificateNotMatched => "FailedDirectTrustMatch",
        EventKind::InternalCertificateNotPublished => "InternalTransportCertificateMissingInAD",
        EventKind::InternalCertificateGone => "CannotLoadInternalTransportCertificateFromStore",
        EventKind::NoCertificateForStarttls => "CannotLoadSTARTTLSCertificateFromStore",
        EventKind::InternalCertificateExpired => "InternalTransportCertificateExpired",
        EventKind::StarttlsCertificateExpired => "STARTTLSCertificateExpired",
        EventKind::InternalCertificateExpiresSoon => "InternalTransportCertificateExpiresSoon",
        EventKind::StarttlsCertificateExpiresSoon => "STARTTLSCertificateExpiresSoon",
        EventKind::RemoteInternalCertificateExpired => "RemoteInternalTransportCertificateExpired",
        EventKind::InternalCertificateEphemeral => {
            "CannotLoadInternalTransportCertificateFallbackEphemeralCertificate"
        }
        EventKind::TooManyFailedLogons
        | EventKind::TlsRequiredButNotAvailable
        | EventKind::LogonFailed
        | EventKind::InternalCertificateReplaced => return None,
    })
}

const fn other(
    event_id: u32,
    symbol: Option<&'static str>,
    level: &'static str,
    text: &'static str,
    slots: &'static [&'static str],
) -> Template {
    Template { event_id, symbol, level, text, slots, alias: false }
}

/// Events that the lab does not log. Sources: TechNet ff980980, ff982887, ff983493, ff985053, hh994900.
const OTHERS: &[Template] = &[
    other(
        1003,
        None,
        "Error",
        "The configuration of one of the SMTP Receive connectors is invalid. The configuration change will be ignored. The description of the configuration error is: %1.",
        &["description"],
    ),
    // The text without its thumbprint, as monitoring and blogs shorten it.
    other(
        12015,
        Some("InternalTransportCertificateExpired"),
        "Warning",
        "An internal transport certificate expired.",
        &["thumbprint"],
    ),
    other(
        1036,
        Some("SmtpReceiveDirectTrustFailed"),
        "Error",
        "Inbound direct trust authentication failed for certificate %1. The source IP address of the server that tried to authenticate to Microsoft Exchange is [%2]. Make sure EdgeSync is running properly.",
        &["certificate", "peer"],
    ),
    other(
        11012,
        Some("MessageNotAuthenticatedTlsNotStarted"),
        "Error",
        "A message from domain-secured domain '%1' on connector '%2' could not be authenticated because the server did not use Transport Layer Security (TLS). Contact the administrator for %1 to resolve the problem, or remove the domain from the domain-secured list.",
        &["domain", "connector"],
    ),
    other(
        11015,
        Some("TlsDomainClientCertificateSubjectMismatch"),
        "Error",
        "A message from domain-secured domain '%1' on connector '%2' failed to authenticate because the Transport Layer Security (TLS) certificate does not contain the domain name. Contact the administrator of %1 to resolve the problem, or remove the domain from the domain-secured list.",
        &["domain", "connector"],
    ),
    other(
        11022,
        Some("TlsDomainCapabilitiesCertificateValidationFailure"),
        "Error",
        "Failed to confirm domain capabilities '%1' on connector '%2' because validation of the Transport Layer Security (TLS) certificate failed with status '%3'. Contact the administrator of '%4' to resolve the problem, or remove the domain from the TlsDomainCapabilities list of the Receive connector.",
        &["domain", "connector", "status", "domain"],
    ),
];

fn alias((event_id, text): &(u32, &'static str)) -> Template {
    Template { alias: true, ..other(*event_id, None, "Error", text, &[]) }
}

/// Names of the rules of the Exchange management packs, which are often pasted in place of the event.
const ALIASES: &[(u32, &str)] = &[
    (12012, "The internal TLS certificate for this server is missing."),
    (12013, "Exchange couldn't find a certificate in the personal store on the local computer."),
    (12016, "The STARTTLS certificate has expired. The certificate must be renewed to resume mail flow."),
    (
        12017,
        "The internal transport certificate will expire soon. The certificate should be rolled over to maintain mail flow.",
    ),
];

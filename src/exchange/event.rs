//! The events that transport writes to the Application log, word for word.
//!
//! Texts come from the TechNet event pages, the seed and observed logs. A text that was not found in a
//! source is not written: 12020 to 12022 and 12025 onwards are never logged.

use jiff::Timestamp;
use serde::Serialize;

use super::computer::Computer;
use super::receive_connector::ReceiveConnector;
use super::select::{Outcome, Selection};
use super::{EXPIRES_SOON, hours_left};
use crate::pki::Thumbprint;

/// An event as it was decided; who logged it and when is the journal's to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Which event it is.
    #[serde(skip)]
    pub kind: EventKind,
    /// Its number.
    pub event_id: u16,
    /// Its level.
    pub level: Level,
    /// Its task category.
    pub category: Category,
    /// The insertion strings, in the order of `%1`, `%2`, ...
    pub parameters: Vec<String>,
}

/// An event that transport or EdgeSync logs. Its number, level, category and text stand here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// No certificate for STARTTLS. Source: the seed; for a pin Black Marble (2016).
    NoCertificateForStarttls,
    /// The certificate for STARTTLS has expired. Source: TechNet ff983405.
    StarttlsCertificateExpired,
    /// The certificate for STARTTLS expires soon. Source: TechNet ff982351.
    StarttlsCertificateExpiresSoon,
    /// No internal transport certificate is published. Source: TechNet ff984391.
    InternalCertificateNotPublished,
    /// The internal transport certificate is not in the store. Source: TechNet ff985435.
    InternalCertificateGone,
    /// The internal transport certificate has expired. Source: TechNet ff981561.
    InternalCertificateExpired,
    /// The internal transport certificate expires soon. Source: TechNet ff985092.
    InternalCertificateExpiresSoon,
    /// The peer's internal transport certificate has expired. Source: TechNet ff980723.
    RemoteInternalCertificateExpired,
    /// Another certificate stands in for the internal one.
    InternalCertificateReplaced,
    /// An ephemeral certificate stands in for the internal one. Source: TechNet ff983190.
    InternalCertificateEphemeral,
    /// The Edge presents another certificate than it was subscribed with. Source: TechNet ff985467.
    EdgeCertificateNotMatched,
    /// Too many failed logons. Source: TechNet hh994900.
    TooManyFailedLogons,
    /// TLS is demanded before MAIL, and there is none to be had. Source: TechNet bb217382.
    TlsRequiredButNotAvailable,
    /// A failed logon. Source: an observed log of 2016.
    LogonFailed,
    /// TLS is required by a Send connector and not to be had. Source: TechNet ff982694.
    SendTlsRequired,
    /// The logon at the next hop failed. Source: TechNet ff982082.
    OutboundAuthenticationFailed,
}

/// The subject of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// A connector, whose name is among the insertion strings.
    Connector,
    /// The computer as a whole.
    Computer,
}

impl EventKind {
    /// Every event, by ascending number.
    pub const ALL: [Self; 16] = [
        Self::TooManyFailedLogons,
        Self::TlsRequiredButNotAvailable,
        Self::LogonFailed,
        Self::SendTlsRequired,
        Self::OutboundAuthenticationFailed,
        Self::EdgeCertificateNotMatched,
        Self::InternalCertificateNotPublished,
        Self::InternalCertificateGone,
        Self::NoCertificateForStarttls,
        Self::InternalCertificateExpired,
        Self::StarttlsCertificateExpired,
        Self::InternalCertificateExpiresSoon,
        Self::StarttlsCertificateExpiresSoon,
        Self::RemoteInternalCertificateExpired,
        Self::InternalCertificateReplaced,
        Self::InternalCertificateEphemeral,
    ];

    /// The number, the level and the text; `%1` and so on stand for the insertion strings.
    const fn row(self) -> (u16, Level, &'static str) {
        match self {
            Self::NoCertificateForStarttls => (12014, Level::Error, NO_CERTIFICATE_FOR_STARTTLS),
            Self::StarttlsCertificateExpired => (12016, Level::Error, STARTTLS_CERTIFICATE_EXPIRED),
            Self::StarttlsCertificateExpiresSoon => {
                (12018, Level::Warning, STARTTLS_CERTIFICATE_EXPIRES_SOON)
            }
            Self::InternalCertificateNotPublished => {
                (12012, Level::Error, INTERNAL_CERTIFICATE_NOT_PUBLISHED)
            }
            Self::InternalCertificateGone => (12013, Level::Error, INTERNAL_CERTIFICATE_GONE),
            Self::InternalCertificateExpired => (12015, Level::Warning, INTERNAL_CERTIFICATE_EXPIRED),
            Self::InternalCertificateExpiresSoon => {
                (12017, Level::Warning, INTERNAL_CERTIFICATE_EXPIRES_SOON)
            }
            Self::RemoteInternalCertificateExpired => {
                (12019, Level::Information, REMOTE_INTERNAL_CERTIFICATE_EXPIRED)
            }
            Self::InternalCertificateReplaced => (12023, Level::Warning, INTERNAL_CERTIFICATE_REPLACED),
            Self::InternalCertificateEphemeral => (12024, Level::Information, INTERNAL_CERTIFICATE_EPHEMERAL),
            Self::EdgeCertificateNotMatched => (10104, Level::Warning, EDGE_CERTIFICATE_NOT_MATCHED),
            Self::TooManyFailedLogons => (1012, Level::Warning, TOO_MANY_FAILED_LOGONS),
            Self::TlsRequiredButNotAvailable => (1032, Level::Error, TLS_REQUIRED_BUT_NOT_AVAILABLE),
            Self::LogonFailed => (1035, Level::Warning, LOGON_FAILED),
            Self::SendTlsRequired => (2015, Level::Error, SEND_TLS_REQUIRED),
            Self::OutboundAuthenticationFailed => (2017, Level::Error, OUTBOUND_AUTHENTICATION_FAILED),
        }
    }

    /// The number.
    pub const fn id(self) -> u16 {
        self.row().0
    }

    /// The level; where the sources disagree, the observed one.
    pub const fn level(self) -> Level {
        self.row().1
    }

    /// Its text, with `%1`, `%2` and so on where the insertion strings go.
    pub const fn template(self) -> &'static str {
        self.row().2
    }

    /// The task category.
    pub const fn category(self) -> Category {
        match self {
            Self::TooManyFailedLogons | Self::TlsRequiredButNotAvailable | Self::LogonFailed => {
                Category::SmtpReceive
            }
            Self::SendTlsRequired | Self::OutboundAuthenticationFailed => Category::SmtpSend,
            Self::EdgeCertificateNotMatched => Category::Synchronization,
            Self::NoCertificateForStarttls
            | Self::StarttlsCertificateExpired
            | Self::StarttlsCertificateExpiresSoon
            | Self::InternalCertificateNotPublished
            | Self::InternalCertificateGone
            | Self::InternalCertificateExpired
            | Self::InternalCertificateExpiresSoon
            | Self::RemoteInternalCertificateExpired
            | Self::InternalCertificateReplaced
            | Self::InternalCertificateEphemeral => Category::TransportService,
        }
    }

    /// Returns the subject of the event.
    pub const fn subject(self) -> EventSubject {
        match self {
            Self::NoCertificateForStarttls
            | Self::StarttlsCertificateExpired
            | Self::StarttlsCertificateExpiresSoon
            | Self::TooManyFailedLogons
            | Self::TlsRequiredButNotAvailable
            | Self::LogonFailed
            | Self::SendTlsRequired
            | Self::OutboundAuthenticationFailed => EventSubject::Connector,
            Self::InternalCertificateNotPublished
            | Self::InternalCertificateGone
            | Self::InternalCertificateExpired
            | Self::InternalCertificateExpiresSoon
            | Self::RemoteInternalCertificateExpired
            | Self::InternalCertificateReplaced
            | Self::InternalCertificateEphemeral
            | Self::EdgeCertificateNotMatched => EventSubject::Computer,
        }
    }

    /// The qualifiers of the number, where they are known: those of 12014 are derived, the others were not found.
    pub const fn qualifiers(self) -> Option<u16> {
        match self {
            Self::NoCertificateForStarttls => Some(0xC004),
            Self::StarttlsCertificateExpired
            | Self::StarttlsCertificateExpiresSoon
            | Self::InternalCertificateNotPublished
            | Self::InternalCertificateGone
            | Self::InternalCertificateExpired
            | Self::InternalCertificateExpiresSoon
            | Self::RemoteInternalCertificateExpired
            | Self::InternalCertificateReplaced
            | Self::InternalCertificateEphemeral
            | Self::EdgeCertificateNotMatched
            | Self::TooManyFailedLogons
            | Self::TlsRequiredButNotAvailable
            | Self::LogonFailed
            | Self::SendTlsRequired
            | Self::OutboundAuthenticationFailed => None,
        }
    }

    /// The instance number, of the qualifiers and the number.
    pub fn instance_id(self) -> Option<u32> {
        self.qualifiers().map(|qualifiers| u32::from(qualifiers) << 16 | u32::from(self.id()))
    }
}

/// The level of an event; where the sources disagree, the observed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Level {
    /// 2 in the event XML.
    Error,
    /// 3 in the event XML.
    Warning,
    /// 4 in the event XML.
    Information,
}

/// The task category of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Category {
    /// Task 1.
    SmtpReceive,
    /// Task 2; its number follows from its place in the list of categories and was not seen.
    SmtpSend,
    /// Task 12.
    TransportService,
    /// Of the source `MSExchange EdgeSync`; its number was not seen, and 1 is inferred.
    Synchronization,
}

impl Level {
    /// The number in the event XML.
    pub const fn number(self) -> u8 {
        match self {
            Self::Error => 2,
            Self::Warning => 3,
            Self::Information => 4,
        }
    }

    /// The word in Event Viewer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Information => "Information",
        }
    }
}

impl Category {
    /// The number of the task in the event XML.
    pub const fn task(self) -> u8 {
        match self {
            Self::SmtpReceive => 1,
            Self::SmtpSend => 2,
            Self::TransportService => 12,
            Self::Synchronization => 1,
        }
    }

    /// The word in Event Viewer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SmtpReceive => "SmtpReceive",
            Self::SmtpSend => "SmtpSend",
            Self::TransportService => "TransportService",
            Self::Synchronization => "Synchronization",
        }
    }
}

impl Event {
    /// The text of the event with its insertion strings in place.
    pub fn message(&self) -> String {
        self.fill(self.kind.template())
    }

    /// The first sentence of the text, which says what happened; what to do about it follows.
    pub fn first_sentence(&self) -> String {
        // Sought in the template: a name that is filled in may hold a full stop and a space.
        let template = self.kind.template();
        self.fill(template.split_once(". ").map_or(template, |(first, _)| first))
    }

    fn fill(&self, template: &str) -> String {
        let mut message = String::with_capacity(template.len() + 64);
        let mut rest = template;
        while let Some(at) = rest.find('%') {
            let (before, slot) = rest.split_at(at);
            message.push_str(before);
            let index = slot.as_bytes().get(1).map_or(0, |digit| usize::from(digit.wrapping_sub(b'1')));
            match self.parameters.get(index) {
                Some(parameter) => message.push_str(parameter),
                None => message.push_str(slot.get(..2).unwrap_or(slot)),
            }
            rest = slot.get(2..).unwrap_or_default();
        }
        message.push_str(rest);
        message
    }

    fn new(kind: EventKind, parameters: Vec<String>) -> Self {
        let (event_id, level, category) = (kind.id(), kind.level(), kind.category());
        Self { kind, event_id, level, category, parameters }
    }

    /// The source that logs it on `computer`, about a receive connector where there is one.
    pub fn source(&self, computer: &Computer, connector: Option<&ReceiveConnector>) -> &'static str {
        match self.category {
            // The event source of the Microsoft Exchange EdgeSync service (TechNet ff985467).
            Category::Synchronization => "MSExchange EdgeSync",
            Category::SmtpReceive | Category::SmtpSend | Category::TransportService => {
                computer.event_source(connector)
            }
        }
    }

    /// 12014: no certificate for STARTTLS. Source: the seed; for a pin Black Marble (2016), which shows
    /// the pin in both places.
    pub fn no_certificate_for_starttls(key: &str, connector: &str) -> Self {
        let parameters = vec![key.to_owned(), connector.to_owned(), key.to_owned()];
        Self::new(EventKind::NoCertificateForStarttls, parameters)
    }

    /// 12016: the certificate for STARTTLS has expired. Source: TechNet ff983405.
    pub fn starttls_certificate_expired(fqdn: &str) -> Self {
        Self::new(EventKind::StarttlsCertificateExpired, vec![fqdn.to_owned()])
    }

    /// 12018: the certificate for STARTTLS expires soon. Source: TechNet ff982351.
    pub fn starttls_certificate_expires_soon(subject: &str, thumbprint: Thumbprint, hours: i64) -> Self {
        let parameters = vec![subject.to_owned(), thumbprint.to_string(), hours.to_string()];
        Self::new(EventKind::StarttlsCertificateExpiresSoon, parameters)
    }

    /// 12012: no internal transport certificate is published. Source: TechNet ff984391.
    pub fn internal_certificate_not_published() -> Self {
        Self::new(EventKind::InternalCertificateNotPublished, Vec::new())
    }

    /// 12013: the internal transport certificate is not in the store. Source: TechNet ff985435.
    pub fn internal_certificate_gone(thumbprint: Thumbprint) -> Self {
        Self::new(EventKind::InternalCertificateGone, vec![thumbprint.to_string()])
    }

    /// 12015: the internal transport certificate has expired. Source: TechNet ff981561.
    pub fn internal_certificate_expired(thumbprint: Thumbprint) -> Self {
        Self::new(EventKind::InternalCertificateExpired, vec![thumbprint.to_string()])
    }

    /// 12017: the internal transport certificate expires soon. Source: TechNet ff985092.
    pub fn internal_certificate_expires_soon(thumbprint: Thumbprint, hours: i64) -> Self {
        Self::new(EventKind::InternalCertificateExpiresSoon, vec![thumbprint.to_string(), hours.to_string()])
    }

    /// 12019: the peer's internal transport certificate has expired. Source: TechNet ff980723.
    pub fn remote_internal_certificate_expired(subject: &str) -> Self {
        Self::new(EventKind::RemoteInternalCertificateExpired, vec![subject.to_owned()])
    }

    /// 12023: another certificate stands in for the internal one. The text is that of 12013 with the
    /// ending of 12024; no page of its own was found.
    pub fn internal_certificate_replaced(thumbprint: Thumbprint, by: Thumbprint) -> Self {
        let parameters = vec![thumbprint.to_string(), by.to_string()];
        Self::new(EventKind::InternalCertificateReplaced, parameters)
    }

    /// 12024: an ephemeral certificate stands in for the internal one. Source: TechNet ff983190.
    pub fn internal_certificate_ephemeral(thumbprint: Thumbprint, by: Thumbprint) -> Self {
        let parameters = vec![thumbprint.to_string(), by.to_string()];
        Self::new(EventKind::InternalCertificateEphemeral, parameters)
    }

    /// 10104 of `MSExchange EdgeSync`: the Edge presents another certificate than it was subscribed with.
    /// Source: TechNet ff985467.
    pub fn edge_certificate_not_matched(edge: &str) -> Self {
        Self::new(EventKind::EdgeCertificateNotMatched, vec![edge.to_owned()])
    }

    /// 1012: too many failed logons. Source: TechNet hh994900.
    pub fn too_many_failed_logons(connector: &str, limit: u32, peer: &str) -> Self {
        let parameters = vec![connector.to_owned(), limit.to_string(), peer.to_owned()];
        Self::new(EventKind::TooManyFailedLogons, parameters)
    }

    /// 1032: TLS is demanded before MAIL, and there is none to be had. Source: the management pack rule
    /// of TechNet bb217382; the event's own text was not found.
    pub fn tls_required_but_not_available() -> Self {
        Self::new(EventKind::TlsRequiredButNotAvailable, Vec::new())
    }

    /// 1035: a failed logon. Source: an observed log of 2016.
    pub fn logon_failed(error: &str, connector: &str, mechanism: &str, peer: &str) -> Self {
        let parameters = [error, connector, mechanism, peer].map(str::to_owned).to_vec();
        Self::new(EventKind::LogonFailed, parameters)
    }

    /// 2015: TLS is required and not to be had. Source: TechNet ff982694.
    pub fn send_tls_required(connector: &str, domain: &str, server: &str) -> Self {
        let parameters = [connector, domain, server].map(str::to_owned).to_vec();
        Self::new(EventKind::SendTlsRequired, parameters)
    }

    /// 2017: the logon at the next hop failed. Source: TechNet ff982082. The one published record with its
    /// values is about ExchangeAuth (LogonDenied, and an SPN for the target); for AUTH LOGIN the mechanism
    /// is written as in event 1035, and that the target is the host's name is inferred.
    pub fn outbound_authentication_failed(
        error: &str,
        connector: &str,
        mechanism: &str,
        target: &str,
    ) -> Self {
        let parameters = [error, connector, mechanism, target].map(str::to_owned).to_vec();
        Self::new(EventKind::OutboundAuthenticationFailed, parameters)
    }
}

/// Returns the events that are logged when `connector` loads its certificate: at service start and for each
/// session.
pub fn selection_events(
    selection: &Selection,
    connector: &ReceiveConnector,
    computer: &Computer,
    now: Timestamp,
) -> Vec<Event> {
    let key = selection.key.to_string();
    let offered = match &selection.outcome {
        Outcome::NotConfigured => return Vec::new(),
        Outcome::Withheld => return vec![Event::no_certificate_for_starttls(&key, &connector.name)],
        Outcome::Offered(offered) => offered,
    };
    if offered.expired {
        return vec![Event::starttls_certificate_expired(&key)];
    }
    let Some(stored) = computer.store.find(offered.thumbprint) else {
        return Vec::new();
    };
    let hours = hours_left(stored.facts.not_after, now);
    if hours >= EXPIRES_SOON.as_hours() {
        return Vec::new();
    }
    let subject = stored.facts.common_names.first().unwrap_or(&stored.facts.subject);
    vec![Event::starttls_certificate_expires_soon(subject, offered.thumbprint, hours)]
}

const INTERNAL_CERTIFICATE_EXPIRED: &str = "An internal transport certificate expired. Thumbprint:%1";

const INTERNAL_CERTIFICATE_EXPIRES_SOON: &str =
    "An internal transport certificate will expire soon. Thumbprint:%1, hours remaining: %2";

const REMOTE_INTERNAL_CERTIFICATE_EXPIRED: &str =
    "The remote internal transport certificate expired. Certificate subject: %1.";

const EDGE_CERTIFICATE_NOT_MATCHED: &str =
    "Microsoft Exchange couldn't match certificate when contacting %1. The connection was stopped.";

const NO_CERTIFICATE_FOR_STARTTLS: &str = "Microsoft Exchange could not find a certificate that contains the domain name %1 in the personal store on the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector %2 with a FQDN parameter of %3. If the connector's FQDN is not specified, the computer's FQDN is used. Verify the connector configuration and the installed certificates to make sure that there is a certificate with a domain name for that FQDN. If this certificate exists, run Enable-ExchangeCertificate -Services SMTP to make sure that the Microsoft Exchange Transport service has access to the certificate key.";

const STARTTLS_CERTIFICATE_EXPIRED: &str = "There is no valid SMTP Transport Layer Security (TLS) certificate for the FQDN of %1. The existing certificate for that FQDN has expired. The continued use of that FQDN will cause mail flow problems. A new certificate that contains the FQDN of %1 should be installed on this server as soon as possible. You can create a new certificate by using the New-ExchangeCertificate task.";

const STARTTLS_CERTIFICATE_EXPIRES_SOON: &str = "The STARTTLS certificate will expire soon: subject: %1, thumbprint: %2, hours remaining: %3. Run the New-ExchangeCertificate cmdlet to create a new certificate.";

const INTERNAL_CERTIFICATE_NOT_PUBLISHED: &str = "The internal transport certificate that is used for SMTP authentication by Microsoft Exchange could not be read from Active Directory. The certificate may be missing. If an existing certificate that matches the fully qualified domain name (FQDN) of the server is already installed, run the Enable-ExchangeCertificate cmdlet to publish this certificate to Active Directory. If a certificate for the FQDN of the server is not installed, create a certificate by running the New-ExchangeCertificate cmdlet for the FQDN of the server.";

/// 12013, 12023 and 12024 begin alike; `services` is how the option is spelled.
macro_rules! not_loaded {
    ($services:literal, $meanwhile:literal) => {
        concat!(
            "Microsoft Exchange could not load the certificate with thumbprint of %1 from the personal store on the local computer. This certificate was configured for authentication with other Exchange servers. Mail flow to other Exchange servers could be affected by this error. If the certificate with this thumbprint still exists in the personal store, run Enable-ExchangeCertificate %1 ",
            $services,
            " SMTP to resolve the issue. If the certificate does not exist in the personal store, restore it from backup by using the Import-ExchangeCertificate cmdlet, or create a new certificate for the FQDN or the server enabled for SMTP by running the following command: New-ExchangeCertificate -DomainName serverfqdn -Services SMTP.",
            $meanwhile
        )
    };
}

const INTERNAL_CERTIFICATE_GONE: &str = not_loaded!("-Services", "");

const INTERNAL_CERTIFICATE_REPLACED: &str =
    not_loaded!("-Services", " Meanwhile, the certificate with thumbprint %2 is being used.");

const INTERNAL_CERTIFICATE_EPHEMERAL: &str = not_loaded!(
    "-services",
    " Meanwhile, an ephemeral, self-signed certificate with thumbprint %2 is being used."
);

const TOO_MANY_FAILED_LOGONS: &str = "Receive connector %1: Authentication failures have exceeded the maximum of %2 for the connection from %3. Disconnecting.";

const TLS_REQUIRED_BUT_NOT_AVAILABLE: &str = "The Receive connector requires TLS before the MailFrom command can be run. However, the connector is not configured to accept TLS. Check the authentication setting of this connector.";

const LOGON_FAILED: &str = "Inbound authentication failed with error %1 for Receive connector %2. The authentication mechanism is %3. The source IP address of the client who tried to authenticate to Microsoft Exchange is [%4].";

const SEND_TLS_REQUIRED: &str = "Send connector %1 couldn't connect to remote domain %2. The send connector requires Transport Layer Security (TLS) authentication, but is unable to establish TLS with the receiving server for the remote domain. Check this connector's authentication setting and the EHLO response from the remote server %3.";

const OUTBOUND_AUTHENTICATION_FAILED: &str = "Outbound authentication failed with error %1 for Send connector %2. The authentication mechanism is %3. The target is %4.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insertion_strings_stand_where_the_text_says() {
        let event = Event::no_certificate_for_starttls(
            "mail.expta.com",
            "Default internal receive connector MAILGATE",
        );
        let message = event.message();
        assert!(message.starts_with("Microsoft Exchange could not find a certificate that contains the domain name mail.expta.com in the personal store"));
        assert!(message.contains("for the connector Default internal receive connector MAILGATE with a FQDN parameter of mail.expta.com. If"));
        assert!(message.ends_with("has access to the certificate key.") && !message.contains('%'));
    }

    #[test]
    fn a_missing_internal_certificate_has_one_beginning_and_three_endings() {
        let (gone, used) = (Thumbprint::of(b"gone"), Thumbprint::of(b"used"));
        let texts = [
            Event::internal_certificate_gone(gone),
            Event::internal_certificate_replaced(gone, used),
            Event::internal_certificate_ephemeral(gone, used),
        ]
        .map(|event| event.message());
        let start =
            format!("Microsoft Exchange could not load the certificate with thumbprint of {gone} from");
        assert!(texts.iter().all(|text| text.starts_with(&start)), "{texts:#?}");
        assert!(texts[0].ends_with("New-ExchangeCertificate -DomainName serverfqdn -Services SMTP."));
        assert!(
            texts[1].ends_with(&format!("Meanwhile, the certificate with thumbprint {used} is being used."))
        );
        assert!(texts[2].contains(&format!("Enable-ExchangeCertificate {gone} -services SMTP to resolve")));
        assert!(
            texts[2].ends_with(&format!("self-signed certificate with thumbprint {used} is being used."))
        );
    }
}

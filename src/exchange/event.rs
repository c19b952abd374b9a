//! The events that transport writes to the Application log, with their insertion strings.

use jiff::Timestamp;
use serde::Serialize;

use super::computer::Computer;
use super::event_kind::{Category, EventKind, Level};
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

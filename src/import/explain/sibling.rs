//! The other events of transport that concern certificates and TLS.

use serde::Serialize;

use crate::import::event::FoundEvent;

/// The meaning of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sibling {
    /// A sentence that states what happened.
    pub says: String,
    /// The affected function: STARTTLS, or mail between Exchange servers.
    pub touches: &'static str,
    /// The commands to run.
    pub run: Vec<String>,
    /// The value of the event's own advice.
    pub worth: &'static str,
}

const BETWEEN: &str = "X-ANONYMOUSTLS, mail between Exchange servers; STARTTLS for others is not touched";
const STARTTLS: &str = "STARTTLS";

/// Returns the meaning of an event other than 12014.
pub(super) fn sibling(event: &FoundEvent) -> Sibling {
    let value =
        |name: &str| event.value(name).filter(|value| !value.is_empty()).unwrap_or("<not told>").to_owned();
    let number = |name: &str| {
        event
            .values
            .get(name)
            .map_or_else(|| "?".to_owned(), |value| value.to_string().trim_matches('"').to_owned())
    };
    let thumbprint = value("thumbprint");
    let published = "Get-TransportService | fl Name, InternalTransportCertificateThumbprint".to_owned();
    let listed = format!("Get-ExchangeCertificate {thumbprint} | fl Subject, NotAfter, Services");
    let (says, touches, run, worth) = match event.event_id {
        1003 => (format!("a receive connector is set up wrongly, and its change is ignored: {}", value("description")), STARTTLS, vec!["Get-ReceiveConnector | fl Identity, Bindings, RemoteIPRanges, AuthMechanism, TlsCertificateName".to_owned()], ""),
        1012 => (format!("{} failed to log on at {} too often, and was disconnected", value("peer"), value("connector")), "logons; no certificate is at fault", vec![], ""),
        1032 => ("a receive connector requires TLS and cannot offer it, so that nobody can send there".to_owned(), STARTTLS, vec!["Get-ReceiveConnector | ? RequireTLS | fl Identity, AuthMechanism, Fqdn, TlsCertificateName".to_owned(), "Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} -MaxEvents 5 | fl".to_owned()], "The event speaks of the authentication setting; where Tls is in AuthMechanism already, look for event 12014."),
        1035 => (format!("a logon from {} failed at {} ({}, {})", value("peer"), value("connector"), value("mechanism"), value("error")), "logons; no certificate is at fault", vec![], ""),
        1036 => (format!("a server at {} presented a certificate that the directory does not know ({})", value("peer"), value("certificate")), BETWEEN, vec!["Test-EdgeSynchronization".to_owned(), published], "After the Edge's or Hub's default certificate was replaced, the Edge has to be subscribed anew."),
        2015 => (format!("the Send connector {} requires TLS and got none from {} for {}", value("connector"), value("server"), value("domain")), "sending; the fault is the other side's, or this connector's demand", vec![format!("Get-SendConnector \"{}\" | fl RequireTLS, TlsAuthLevel, TlsDomain, IgnoreSTARTTLS, Fqdn, TlsCertificateName", value("connector")), format!("telnet {} 25, then EHLO: is STARTTLS in the reply?", value("server"))], ""),
        2017 => (format!("the Send connector {} could not log on at {} ({}, {})", value("connector"), value("target"), value("mechanism"), value("error")), "logons; no certificate is at fault", vec![], ""),
        10104 => (format!("EdgeSync met another certificate on {} than the one it was subscribed with", value("server")), BETWEEN, vec!["Test-EdgeSynchronization".to_owned(), "New-EdgeSubscription (on the Edge), then import the file on the Hub".to_owned()], "The default certificate of the Edge was replaced after the subscription; subscribe it anew."),
        11012 => (format!("{} is on the domain-secured list and sent to {} without TLS", value("domain"), value("connector")), "Domain Security", vec!["Get-TransportConfig | fl TLSReceiveDomainSecureList, TLSSendDomainSecureList".to_owned()], "Before the other side is called: event 12014 on this server would mean that it was never offered TLS."),
        11015 => (format!("{} presented at {} a certificate without its domain name", value("domain"), value("connector")), "Domain Security", vec!["Get-TransportConfig | fl TLSReceiveDomainSecureList".to_owned()], ""),
        11022 => (format!("the certificate for {} failed at {} with {}", value("domain"), value("connector"), value("status")), "TlsDomainCapabilities, hybrid mail flow", vec![format!("Get-ReceiveConnector \"<SERVER>\\{}\" | fl TlsDomainCapabilities, TlsCertificateName", value("connector"))], "With SubjectMismatch the wrong certificate was presented; with revocation errors this server cannot reach the lists."),
        12012 => ("no internal transport certificate is published for this server".to_owned(), BETWEEN, vec![published, "Get-ExchangeCertificate | fl Thumbprint, Subject, Services, NotAfter".to_owned()], "The advice is right: Enable-ExchangeCertificate <thumbprint> -Services SMTP publishes one (here answer Yes), else New-ExchangeCertificate."),
        12013 => (format!("the internal transport certificate {thumbprint} is not in this server's store"), BETWEEN, vec![published, listed], "The advice is right: import it again, or New-ExchangeCertificate; an Edge subscription has to be made anew afterwards."),
        12015 => (format!("the internal transport certificate {thumbprint} has expired"), BETWEEN, vec![published, listed], "It is still used. New-ExchangeCertificate without parameters makes a new one (answer Yes); an Edge has to be subscribed anew."),
        12016 => (format!("the certificate for {} has expired; later versions still offer STARTTLS with it, and a sender that verifies refuses it", value("fqdn")), STARTTLS, vec![format!("Get-ExchangeCertificate -DomainName {} | fl Subject, NotAfter, Services, Thumbprint", value("fqdn"))], "New-ExchangeCertificate makes a self-signed one, which outside senders that verify refuse as well; renew the one of the authority, enable it for SMTP, and mind connectors that pin the old one."),
        12017 => (format!("the internal transport certificate {thumbprint} expires in {} hours", number("hours")), BETWEEN, vec![published, listed], "New-ExchangeCertificate without parameters makes a new one (answer Yes); an Edge has to be subscribed anew."),
        12018 => (format!("the certificate of {} expires in {} hours", value("subject"), number("hours")), STARTTLS, vec![listed, "Get-ReceiveConnector | ? TlsCertificateName | fl Identity, TlsCertificateName".to_owned()], "Renew it at its authority rather than with New-ExchangeCertificate; a pin survives only where issuer and subject stay the same."),
        12019 => (format!("another server's internal transport certificate ({}) has expired", value("subject")), BETWEEN, vec![], "It is fixed on that server."),
        12023 | 12024 => (format!("the internal transport certificate {thumbprint} is not in this server's store; another one stands in for it"), BETWEEN, vec![published, listed], "The advice is right: import it again, or New-ExchangeCertificate."),
        12014 => ("a receive or Send connector found no certificate (name of a monitoring rule, without the connector)".to_owned(), STARTTLS, vec!["Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} -MaxEvents 5 | fl".to_owned()], ""),
        _ => ("an event of transport that is not explained here".to_owned(), STARTTLS, vec![], ""),
    };
    let untold = |text: &String| text.contains("<not told>");
    let says = says.replace(" <not told>", "").replace(" ()", "");
    Sibling { says, touches, run: run.into_iter().filter(|command| !untold(command)).collect(), worth }
}

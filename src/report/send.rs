//! One Send connector: the certificate it would present, its demands on the next hop, and the server that
//! edits it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::connector::{names_in_store, of_certificate, of_event};
use super::layout::Page;
use super::words::{named, on_certificate};
use super::{CertificateReport, EventReport, table};
use crate::exchange::{
    ClientCertificate, ClientSelection, Computer, EventKind, InternalTransport, SearchKey, SendConnector,
    SendFix, Trial, Verdict, send_fixes_in,
};
use crate::scenario::Tried;

/// The findings about one Send connector.
#[derive(Clone, Debug, Serialize)]
pub struct SendConnectorReport {
    /// Its identity, `SERVER\Name`.
    pub identity: String,
    /// The certificate that it presents, as a sentence without its full stop.
    pub verdict: String,
    /// False if what was pasted does not decide the certificate, because certificates or connectors are lacking.
    pub known: bool,
    /// The cause, as a sentence without its full stop.
    pub cause: String,
    /// True if it sends mail.
    pub enabled: bool,
    /// The name it introduces itself with.
    pub fqdn: String,
    /// The destinations of its mail, and the way there.
    pub way: String,
    /// Its demands on the next hop's TLS.
    pub demands: String,
    /// The server whose Shell edits it.
    pub edited_on: String,
    /// The key that is searched for in the store of its own computer.
    pub search_key: String,
    /// The origin of the key.
    pub search_key_origin: &'static str,
    /// The names that the certificates in the store carry.
    pub names_in_store: Vec<String>,
    /// Every certificate in the store, and the verdict on it.
    pub certificates: Vec<CertificateReport>,
    /// The events that would be logged.
    pub events: Vec<EventReport>,
    /// Other things worth knowing.
    pub notes: Vec<String>,
    /// The fixes that let it present a certificate, best first.
    pub fixes: Vec<SendFix>,
    /// Fixes that would help but that the Shell refuses.
    pub refused: Vec<SendFix>,
    /// The effects of the fixes, in their order, up to the last that was tried; `None` for a fix that was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Option<Tried>>,
}

pub(super) fn report(
    lab: &[Arc<Computer>],
    computer: &Computer,
    connector: &SendConnector,
    now: Timestamp,
) -> SendConnectorReport {
    let found = ClientSelection::of(connector, computer, now);
    let certificates = computer.store.iter().zip(&found.selection.candidates);
    let (verdict, cause) = words(&found, connector, computer);
    let internal =
        connector.uses_anonymous_tls().then(|| InternalTransport::of(computer).event(now)).flatten();
    let events = found.event(connector).into_iter().chain(internal);
    let (refused, fixes) = send_fixes_in(lab, computer, connector, now)
        .into_iter()
        .partition(|fix| matches!(fix.trial, Trial::Refused(_)));
    SendConnectorReport {
        known: true,
        identity: format!("{}\\{}", computer.name, connector.name),
        verdict: if connector.enabled {
            verdict
        } else {
            format!("the connector is disabled and sends nothing; if it were enabled: {verdict}")
        },
        cause,
        enabled: connector.enabled,
        fqdn: computer.send_fqdn_of(connector).to_string(),
        way: way(connector),
        demands: demands(connector),
        edited_on: edited_on(computer),
        search_key: found.selection.key.to_string(),
        search_key_origin: found.selection.key.origin(),
        names_in_store: names_in_store(computer),
        certificates: certificates
            .map(|(stored, on)| CertificateReport {
                words: of_candidate(&on.verdict, found.certificate),
                ..of_certificate(stored, on, &found.selection.key)
            })
            .collect(),
        events: events.map(|event| of_event(&event, computer, None)).collect(),
        notes: notes(&found, connector, computer),
        fixes,
        refused,
        effects: Vec::new(),
    }
}

/// Renders the report for people.
pub(super) fn render(report: &SendConnectorReport) -> String {
    let mut page = Page::default();
    page.text(0, "", &format!("{}: {}", report.identity, report.verdict));
    let store = if report.names_in_store.is_empty() { "nothing" } else { &report.names_in_store.join(", ") };
    page.text(2, "looked for ", &format!("{}; the store has: {store}", report.search_key));
    page.text(2, "cause      ", &report.cause);
    if let Some(fix) = report.fixes.first() {
        page.text(2, "fix        ", &fix.title);
    }
    page.text(2, "sends      ", &report.way);
    page.text(2, "demands    ", &report.demands);
    page.text(2, "edited on  ", &report.edited_on);
    table::certificates(&mut page, &report.certificates, report.search_key.starts_with("<I>"));
    if !report.notes.is_empty() {
        page.section("Notes");
        report.notes.iter().for_each(|note| page.text(4, "", note));
    }
    for (at, fix) in report.fixes.iter().enumerate() {
        page.section(&format!("Fix {}: {}", at + 1, fix.title));
        page.line(4, &format!("on {}", fix.on));
        fix.commands.iter().for_each(|command| page.line(6, command));
        table::untried(&mut page, &fix.trial);
        page.text(4, "", &format!("it then presents {}", fix.presents));
        if let Some(warning) = &fix.warning {
            page.text(4, "warning: ", warning);
        }
    }
    for fix in &report.refused {
        table::refused(&mut page, &fix.title, &fix.commands, &fix.trial);
    }
    page.section("Events");
    if report.events.is_empty() {
        page.line(4, "none");
    }
    for event in &report.events {
        page.line(4, &format!("{} {:?}, {}", event.event_id, event.level, event.source));
        page.text(6, "", &event.message);
    }
    page.finish()
}

fn words(found: &ClientSelection, connector: &SendConnector, computer: &Computer) -> (String, String) {
    let key = &found.selection.key;
    let chosen = found.chosen(computer).map(named).unwrap_or_default();
    let over = if connector.uses_anonymous_tls() { " for STARTTLS" } else { "" };
    let event = EventKind::NoCertificateForStarttls.id();
    // What becomes of mail where the certificate cannot be used.
    let stuck = |why: &str, code: &str| {
        if connector.ignore_starttls {
            format!("{why}, and mail goes in clear: IgnoreSTARTTLS leaves STARTTLS alone")
        } else {
            format!("{why}, and mail stays in the queue where the next hop offers STARTTLS{code}")
        }
    };
    let (verdict, cause) = match found.certificate {
        ClientCertificate::Presented(_) => (
            if connector.ignore_starttls {
                "presents no certificate: IgnoreSTARTTLS leaves STARTTLS alone".to_owned()
            } else {
                format!("presents {chosen}{over} where it is asked for a certificate")
            },
            format!("{chosen} carries {key}, the {}", key.origin()),
        ),
        ClientCertificate::NoCredentials(_) => (
            stuck("its certificate cannot be used (NoCredentials)", ""),
            format!("the private key of {chosen} is missing or cannot be read (KB 4495258)"),
        ),
        ClientCertificate::UnknownCredentials(_) => (
            stuck("its certificate cannot be used (UnknownCredentials)", ""),
            format!("{chosen} is not enabled for SMTP (KB 4051498)"),
        ),
        ClientCertificate::PinExpired(_) => (
            stuck("the certificate that it is pinned to has expired", " (454 4.7.5)"),
            format!(
                "{chosen} is what TlsCertificateName names, and its Valid to has passed; profile {} sends nothing over TLS then, as administrators report from 2013 on (inferred: no page of Microsoft's was found)",
                computer.profile
            ),
        ),
        ClientCertificate::PinNotFound => (
            stuck(&format!("finds no certificate (event {event})"), " (454 4.7.5)"),
            "no certificate in the store has the issuer and subject that it is pinned to".to_owned(),
        ),
        ClientCertificate::NotFound => (
            format!("finds no certificate to present{over} (event {event})"),
            format!("no certificate in the store of {} carries {key}, the {}", computer.name, key.origin()),
        ),
    };
    (verdict, cause)
}

/// Returns the verdict on one certificate of the store. A client that has chosen a certificate need not be able
/// to present it.
fn of_candidate(verdict: &Verdict, chosen: ClientCertificate) -> String {
    if *verdict != Verdict::Chosen {
        return on_certificate(verdict);
    }
    let words = match chosen {
        ClientCertificate::PinExpired(_) => "named by the pin, and not presented: it has expired",
        ClientCertificate::UnknownCredentials(_) => {
            "chosen, and not presented: TLS fails, because it is not enabled for SMTP"
        }
        ClientCertificate::NoCredentials(_) => {
            "chosen, and not presented: TLS fails, because its private key cannot be used"
        }
        ClientCertificate::Presented(_) | ClientCertificate::PinNotFound | ClientCertificate::NotFound => {
            "chosen: presented where the next hop asks for a certificate"
        }
    };
    words.to_owned()
}

fn way(connector: &SendConnector) -> String {
    let spaces: Vec<_> = connector.address_spaces.iter().map(ToString::to_string).collect();
    let hops = if connector.dns_routing_enabled {
        "by MX records".to_owned()
    } else {
        let hosts: Vec<_> = connector.smart_hosts.iter().map(ToString::to_string).collect();
        format!("to smart host {}", hosts.join(", "))
    };
    format!("{} {hops}, port {}", spaces.join(", "), connector.port)
}

fn demands(connector: &SendConnector) -> String {
    if connector.uses_anonymous_tls() {
        return "X-ANONYMOUSTLS, with the internal transport certificate of its computer; without it, 451 5.7.3"
            .to_owned();
    }
    match (connector.ignore_starttls, connector.require_tls, connector.tls_auth_level.0) {
        (true, ..) => "nothing: IgnoreSTARTTLS leaves STARTTLS alone".to_owned(),
        (_, false, _) => "nothing: TLS if STARTTLS is offered, else in clear".to_owned(),
        (_, true, None) => "TLS; any certificate will do".to_owned(),
        (_, true, Some(level)) => {
            let domain = connector.tls_domain.0.as_ref().map(|domain| format!(" for {domain}"));
            format!("TLS with {level}{}", domain.unwrap_or_default())
        }
    }
}

fn edited_on(computer: &Computer) -> String {
    match &computer.subscribed_to {
        Some(inside) => format!(
            "{inside}, and reaches {} with Start-EdgeSynchronization; the Edge's copy is read-only",
            computer.name
        ),
        None => computer.name.clone(),
    }
}

fn notes(found: &ClientSelection, connector: &SendConnector, computer: &Computer) -> Vec<String> {
    let mut notes = Vec::new();
    let missed = found.event(connector).is_some();
    if missed && connector.uses_anonymous_tls() {
        notes.push(
            "Mail goes on all the same: between Exchange servers it goes over X-ANONYMOUSTLS, which does not look for a name."
                .to_owned(),
        );
    }
    if missed && computer.subscribed_to.is_some() {
        notes.push(format!(
            "The certificate has to be in the store of {}, where the connector runs; the name of a certificate that only the Hub has changes nothing.",
            computer.name
        ));
    }
    if let ClientCertificate::PinExpired(_) = found.certificate {
        notes.push(
            "A certificate that the same issuer renews for the same subject is found by the pin as it is, once it is enabled for SMTP."
                .to_owned(),
        );
    }
    if let SearchKey::Pin(_) = found.selection.key {
        notes.push(format!(
            "The connector is pinned: there is no fall-back to its FQDN {} (KB 2989382).",
            computer.send_fqdn_of(connector)
        ));
    }
    notes
}

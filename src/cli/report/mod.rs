//! The `check` report: what each connector would do about STARTTLS, why, and what mends it.
//!
//! Everything in it is a reading of the model; nothing is listened to and nothing is sent.

mod connector;
pub(super) mod layout;
mod list;
mod opinion;
pub mod proof;
mod send;
mod table;
mod words;

pub use send::SendConnectorReport;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::exchange::{Computer, Fix, Level, Profile, ReceiveConnector, Role, RuleInForce, Useless, Verdict};
use crate::name::Coverage;
use crate::pki::Thumbprint;
use crate::scenario::Built;
use crate::session::fault::FaultRule;

/// What `check` found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The instant it holds for.
    pub at: Timestamp,
    /// Every receive connector, in the order of the lab file.
    pub connectors: Vec<ConnectorReport>,
    /// Every Send connector, in the order of the lab file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub send_connectors: Vec<SendConnectorReport>,
}

/// What there is to say about one receive connector.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorReport {
    /// `SERVER\Name`, as the cmdlets take it.
    pub identity: String,
    /// What becomes of STARTTLS, for programs.
    pub starttls: Starttls,
    /// What becomes of STARTTLS, as a sentence without its end.
    pub verdict: String,
    /// Why, as a sentence without its end.
    pub cause: String,
    /// The role of its server.
    pub role: Role,
    /// The version its server plays.
    pub profile: Profile,
    /// Whether it takes connections.
    pub enabled: bool,
    /// Where it listens.
    pub bindings: Vec<String>,
    /// What is looked for in the store.
    pub search_key: String,
    /// Whether that is a certificate's issuer and subject, not a name.
    pub pinned: bool,
    /// Where it came from.
    pub search_key_origin: &'static str,
    /// The names that the certificates in the store carry.
    pub names_in_store: Vec<String>,
    /// Every certificate in the store, and the verdict on it.
    pub certificates: Vec<CertificateReport>,
    /// The contradicted rules that decided something here.
    pub rules: Vec<RuleApplied>,
    /// The reply to EHLO, line by line.
    pub ehlo: Vec<String>,
    /// The reply to the EHLO after STARTTLS; empty where there is no STARTTLS.
    pub ehlo_inside_tls: Vec<String>,
    /// What would be logged.
    pub events: Vec<EventReport>,
    /// Why nothing is logged although STARTTLS is missing.
    pub silence: Option<String>,
    /// What becomes of X-ANONYMOUSTLS.
    pub anonymous_tls: AnonymousTls,
    /// What senders that verify make of the certificate.
    pub senders: Vec<Opinion>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// Advice in the events' texts that would change nothing here.
    pub useless: Vec<Useless>,
    /// What fixes it, best first.
    pub fixes: Vec<Fix>,
    /// What would, and what the Shell refuses.
    pub refused: Vec<Fix>,
    /// What lets senders in that do not use STARTTLS, where RequireTLS keeps them out.
    pub without_tls: Option<Fix>,
}

/// What becomes of STARTTLS on a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Starttls {
    /// It is offered, and nothing is wrong with the certificate in Exchange's eyes.
    Offered,
    /// It is offered, and the certificate has expired, ends soon, is not yet valid, or cannot be used.
    OfferedInTrouble,
    /// It is not offered, and event 12014 says so.
    Withheld,
    /// It is not offered, and nothing is logged.
    Silent,
}

/// A certificate in the store.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateReport {
    /// What the lab calls it.
    pub label: String,
    /// Its subject as Windows writes it.
    pub subject: String,
    /// Its issuer as Windows writes it.
    pub issuer: String,
    /// Whether it was signed with its own key.
    pub self_signed: bool,
    /// The names it carries.
    pub names: Vec<NameReport>,
    /// The thumbprint that it goes by.
    pub thumbprint: Thumbprint,
    /// The thumbprint of what is presented in a handshake, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_thumbprint: Option<Thumbprint>,
    /// What it is enabled for, as the letters of `Get-ExchangeCertificate`.
    pub services: String,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid to.
    pub not_after: Timestamp,
    /// The verdict, for programs.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The verdict in words.
    pub words: String,
}

/// A name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameReport {
    /// The name.
    pub name: String,
    /// Whether it stands among the subject alternative names; else it is the subject's common name only.
    pub in_san: bool,
    /// How it covers the name that is looked for; nothing where it does not.
    pub covers: Option<Coverage>,
}

/// A contradicted rule as it was applied.
#[derive(Clone, Debug, Serialize)]
pub struct RuleApplied {
    /// The rule, the answer and its source.
    #[serde(flatten)]
    pub rule: RuleInForce,
    /// Who settled it: the profile, or the lab file.
    pub settled_by: String,
}

/// An event that would be logged.
#[derive(Clone, Debug, Serialize)]
pub struct EventReport {
    /// Its number.
    pub event_id: u16,
    /// Its level.
    pub level: Level,
    /// Its source.
    pub source: &'static str,
    /// Its whole text.
    pub message: String,
}

/// What becomes of X-ANONYMOUSTLS, the other way into TLS, which only Exchange servers use.
#[derive(Clone, Debug, Serialize)]
pub struct AnonymousTls {
    /// Whether it is offered.
    pub offered: bool,
    /// With which certificate, or why not.
    pub because: String,
}

/// What senders that verify make of the certificate, or of its absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opinion {
    /// The case by its short name, such as `exact-san` or `cn-only`.
    pub case: &'static str,
    /// What follows from it.
    pub words: String,
}

/// Checks every connector of every computer.
pub fn check(computers: &[Built], now: Timestamp) -> Report {
    let lab: Vec<Arc<Computer>> = computers.iter().map(|built| Arc::clone(&built.computer)).collect();
    let lab = lab.as_slice();
    let connectors = computers.iter().flat_map(|built| {
        let computer: &Computer = &built.computer;
        computer.receive_connectors.iter().map(move |connector| {
            let connector: &ReceiveConnector = connector;
            let mut report = connector::report(lab, computer, connector, now);
            report.notes.extend(faults(&built.faults, connector));
            report
        })
    });
    let send_connectors = computers.iter().flat_map(|built| {
        let computer: &Computer = &built.computer;
        computer.send_connectors.iter().map(move |connector| send::report(lab, computer, connector, now))
    });
    Report { at: now, connectors: connectors.collect(), send_connectors: send_connectors.collect() }
}

/// What the connector does wrong on purpose, a sentence each.
fn faults(rules: &[FaultRule], connector: &ReceiveConnector) -> Vec<String> {
    let numbered = rules.iter().enumerate().filter(|(_, rule)| rule.spec().is_for(&connector.name));
    let each = numbered.map(|(index, rule)| {
        let (at, actions) = (rule.spec().at.as_str(), rule.spec().actions.in_words());
        format!("fault {}: on purpose, at {at}: {actions}", index + 1)
    });
    each.collect()
}

impl Report {
    /// For reading: the verdict and its cause first, then what stands behind them.
    pub fn table(&self) -> String {
        let receiving = self.connectors.iter().map(table::render);
        let all = self.overview().into_iter().chain(receiving);
        all.chain(self.send_connectors.iter().map(send::render)).collect::<Vec<_>>().join("\n")
    }

    /// One line for each connector of either kind, where there are several.
    fn overview(&self) -> Option<String> {
        let receiving = self.connectors.iter().map(|it| ("receive", &it.identity, &it.verdict));
        let sending = self.send_connectors.iter().map(|it| ("send", &it.identity, &it.verdict));
        let mut page = layout::Page::default();
        let all: Vec<_> = receiving.chain(sending).collect();
        all.iter().for_each(|(kind, identity, verdict)| {
            page.text(0, &format!("{kind:7}  "), &format!("{identity}: {verdict}"));
        });
        (all.len() > 1).then(|| page.finish())
    }

    /// As PowerShell's `Format-List` shows objects: `Name : value`.
    pub fn list(&self) -> String {
        let receiving = self.connectors.iter().map(list::render);
        receiving.chain(self.send_connectors.iter().map(list::render_send)).collect::<Vec<_>>().join("\n")
    }

    /// For programs.
    pub fn json(&self) -> String {
        // Only a map with keys that are no strings could fail, and there is no map in a report.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

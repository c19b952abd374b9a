//! The `check` report: the STARTTLS behavior of each connector, its cause, and its fixes.
//!
//! All of it is read from the model; no socket is opened and nothing is sent.

mod causes;
mod connector;
pub mod layout;
mod list;
mod opinion;
mod paint;
pub mod proof;
mod screen;
mod send;
mod table;
mod words;

pub use causes::{Cause, CauseReport, SharedFix};
pub use paint::Colors;
pub use screen::{Lacking, Screen};
pub use send::SendConnectorReport;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::exchange::{
    Computer, Fix, Level, Profile, ReceiveConnector, Role, RuleInForce, Useless, Verdict, thumbprints,
};
use crate::name::Coverage;
use crate::pki::Thumbprint;
use crate::scenario::{Built, Tried};
use crate::session::fault::FaultRule;

/// The findings of `check`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The instant that the report holds for.
    pub at: Timestamp,
    /// Every receive connector, in the order of the lab file.
    pub connectors: Vec<ConnectorReport>,
    /// Every Send connector, in the order of the lab file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub send_connectors: Vec<SendConnectorReport>,
}

/// The findings about one receive connector.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectorReport {
    /// Its identity, `SERVER\Name`, as the cmdlets take it.
    pub identity: String,
    /// The state of STARTTLS, for programs.
    pub starttls: Starttls,
    /// False if what was pasted does not decide the state, because certificates or connectors are lacking.
    pub known: bool,
    /// The state of STARTTLS, as a sentence without its full stop.
    pub verdict: String,
    /// The cause, as a sentence without its full stop.
    pub cause: String,
    /// The cause in a few words; empty where nothing is wrong.
    pub cause_in_brief: String,
    /// The role of its server.
    pub role: Role,
    /// The Exchange version that its server emulates.
    pub profile: Profile,
    /// True if it accepts connections.
    pub enabled: bool,
    /// The addresses and ports that it listens on.
    pub bindings: Vec<String>,
    /// The key that is searched for in the store.
    pub search_key: String,
    /// True if the key is a certificate's issuer and subject rather than a name.
    pub pinned: bool,
    /// The origin of the key.
    pub search_key_origin: &'static str,
    /// The names that the certificates in the store carry.
    pub names_in_store: Vec<String>,
    /// Every certificate in the store, and the verdict on it.
    pub certificates: Vec<CertificateReport>,
    /// The contradicted rules that affected the result here.
    pub rules: Vec<RuleApplied>,
    /// The reply to EHLO, line by line.
    pub ehlo: Vec<String>,
    /// The reply to the EHLO after STARTTLS; empty where there is no STARTTLS.
    pub ehlo_inside_tls: Vec<String>,
    /// The events that would be logged.
    pub events: Vec<EventReport>,
    /// The reason why nothing is logged although STARTTLS is missing.
    pub silence: Option<String>,
    /// The state of X-ANONYMOUSTLS.
    pub anonymous_tls: AnonymousTls,
    /// The opinions of verifying senders on the certificate.
    pub senders: Vec<Opinion>,
    /// Other things worth knowing.
    pub notes: Vec<String>,
    /// Advice in the events' texts that would change nothing here.
    pub useless: Vec<Useless>,
    /// The fixes, best first.
    pub fixes: Vec<Fix>,
    /// Fixes that would help but that the Shell refuses.
    pub refused: Vec<Fix>,
    /// The fix that admits senders without STARTTLS, where RequireTLS keeps them out.
    pub without_tls: Option<Fix>,
    /// The effects of the fixes on connectors and senders, in the order of the fixes, up to the last that was
    /// tried (`lab::Trials::fixes`); `None` for a fix that was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Option<Tried>>,
}

/// The state of STARTTLS on a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Starttls {
    /// It is offered, and nothing is wrong with the certificate by Exchange's rules.
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
    /// Its label in the lab.
    pub label: String,
    /// Its subject as Windows writes it.
    pub subject: String,
    /// Its issuer as Windows writes it.
    pub issuer: String,
    /// True if it is signed with its own key.
    pub self_signed: bool,
    /// The names that it carries.
    pub names: Vec<NameReport>,
    /// The thumbprint by which it is identified.
    pub thumbprint: Thumbprint,
    /// The thumbprint of the certificate that is presented in a handshake, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_thumbprint: Option<Thumbprint>,
    /// The services that it is enabled for, as the letters of `Get-ExchangeCertificate`.
    pub services: String,
    /// The start of its validity.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// The verdict, for programs.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The verdict in words.
    pub words: String,
}

impl CertificateReport {
    /// Returns the thumbprint, and the one that is seen in a handshake where it differs.
    fn thumbprints(&self) -> String {
        thumbprints(self.thumbprint, self.handshake_thumbprint)
    }
}

/// A name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameReport {
    /// The name.
    pub name: String,
    /// True if it is a subject alternative name, false if it is only the subject's common name.
    pub in_san: bool,
    /// The way in which it covers the name that is searched for; `None` where it does not.
    pub covers: Option<Coverage>,
}

/// A contradicted rule as it was applied.
#[derive(Clone, Debug, Serialize)]
pub struct RuleApplied {
    /// The rule, the answer and its source.
    #[serde(flatten)]
    pub rule: RuleInForce,
    /// The place where it was decided: the profile, or the lab file.
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
    /// Its meaning, in a sentence or two.
    pub means: String,
    /// The advice in its text that would change nothing here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub useless: Vec<Useless>,
}

/// The state of X-ANONYMOUSTLS, the other way into TLS, which only Exchange servers use.
#[derive(Clone, Debug, Serialize)]
pub struct AnonymousTls {
    /// True if it is offered.
    pub offered: bool,
    /// The certificate that it is offered with, or the reason why it is not offered.
    pub because: String,
}

/// The opinion of verifying senders on the certificate, or on its absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opinion {
    /// The short name of the case, such as `exact-san` or `cn-only`.
    pub case: &'static str,
    /// The consequence of the case.
    pub words: String,
}

/// Checks every connector of every computer.
pub fn check(computers: &[Built], now: Timestamp) -> Report {
    check_only(computers, now, |_, _| true)
}

/// Checks the connectors for which `wanted` says so, by computer and name, among all the others.
pub fn check_only(computers: &[Built], now: Timestamp, wanted: impl Fn(&str, &str) -> bool) -> Report {
    let wanted = &wanted;
    let lab: Vec<Arc<Computer>> = computers.iter().map(|built| Arc::clone(&built.computer)).collect();
    let lab = lab.as_slice();
    let connectors = computers.iter().flat_map(|built| {
        let computer: &Computer = &built.computer;
        let receiving = computer.receive_connectors.iter();
        let receiving = receiving.filter(move |connector| wanted(&computer.name, &connector.name));
        receiving.map(move |connector| {
            let connector: &ReceiveConnector = connector;
            let mut report = connector::report(lab, computer, connector, now);
            report.notes.extend(faults(&built.faults, connector));
            report
        })
    });
    let send_connectors = computers.iter().flat_map(|built| {
        let computer: &Computer = &built.computer;
        let sending = computer.send_connectors.iter();
        let sending = sending.filter(move |connector| wanted(&computer.name, &connector.name));
        sending.map(move |connector| send::report(lab, computer, connector, now))
    });
    Report { at: now, connectors: connectors.collect(), send_connectors: send_connectors.collect() }
}

/// Returns the faults that the connector commits on purpose, a sentence each.
fn faults(rules: &[FaultRule], connector: &ReceiveConnector) -> Vec<String> {
    let numbered = rules.iter().enumerate().filter(|(_, rule)| rule.spec().is_for(&connector.name));
    let each = numbered.map(|(index, rule)| {
        let (at, actions) = (rule.spec().at.as_str(), rule.spec().actions.in_words());
        format!("fault {}: on purpose, at {at}: {actions}", index + 1)
    });
    each.collect()
}

impl Report {
    /// Returns the report for people: the verdict and its cause first, then the details.
    pub fn table(&self) -> String {
        let receiving = self.connectors.iter().map(table::render);
        let all = self.overview().into_iter().chain(receiving);
        all.chain(self.send_connectors.iter().map(send::render)).collect::<Vec<_>>().join("\n")
    }

    /// Returns one line for each connector of either kind, where there are several.
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

    /// Returns the report as PowerShell's `Format-List` shows objects: `Name : value`.
    pub fn list(&self) -> String {
        let receiving = self.connectors.iter().map(list::render);
        receiving.chain(self.send_connectors.iter().map(list::render_send)).collect::<Vec<_>>().join("\n")
    }
}

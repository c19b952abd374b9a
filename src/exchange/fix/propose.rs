//! Proposals for a connector, read off the verdicts of a selection. The model decides whether a proposal
//! helps.

use std::cell::OnceCell;
use std::sync::Arc;

use jiff::Timestamp;

use super::change::{Change, Overwrite, apply_all};
use super::state::{Health, State, anonymous_tls, called};
use super::trial::{OR, Typed};
use super::{console, issue, name, shell};
use crate::exchange::{
    AuthMechanism, Computer, InternalTransport, Nullable, Outcome, PrivateKey, Reason, ReceiveConnector,
    ReceiveConnectorParameters, SearchKey, Selection, Services, StoredCertificate, Verdict, fqdn_guard,
    select_for,
};
use crate::name::covers;
use crate::pki::Thumbprint;

/// One thing that could be done.
pub(super) struct Proposal {
    pub(super) rank: Rank,
    pub(super) title: String,
    pub(super) steps: Vec<Change>,
    pub(super) commands: Vec<String>,
    pub(super) clicks: Vec<String>,
    pub(super) refused: Option<String>,
}

/// The rank of a proposal, best first: proposals that require and move least come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Repair,
    Fqdn,
    Pin,
    ClearPin,
    Beside,
    WithoutExchangeServer,
    Authority,
    SelfSigned,
    Remove,
    WithoutRequireTls,
    Refused,
}

impl Rank {
    /// Returns whether the proposal turns from the certificate that was searched for to another one.
    pub(super) fn goes_elsewhere(self) -> bool {
        matches!(
            self,
            Self::Fqdn
                | Self::Pin
                | Self::ClearPin
                | Self::Beside
                | Self::WithoutExchangeServer
                | Self::Refused
        )
    }
}

/// A connector on a computer, and what the selection said of it.
pub(super) struct Case<'a> {
    pub(super) computer: &'a Computer,
    pub(super) connector: &'a ReceiveConnector,
    pub(super) selection: Selection,
    pub(super) health: Health,
    pub(super) now: Timestamp,
    /// The states of all connectors of the computer, which every fix is compared with.
    standings: OnceCell<Vec<Standing>>,
}

/// The state of one connector before a fix.
pub(super) struct Standing {
    pub(super) health: Health,
    /// The state of STARTTLS and of X-ANONYMOUSTLS, each as the predicate of a sentence.
    pub(super) starttls: String,
    pub(super) anonymous_tls: String,
}

impl<'a> Case<'a> {
    pub(super) fn new(computer: &'a Computer, connector: &'a ReceiveConnector, now: Timestamp) -> Self {
        let selection = select_for(connector, computer, now);
        let health = State::of(connector, computer, now).health;
        Self { computer, connector, selection, health, now, standings: OnceCell::new() }
    }

    /// Returns every connector of the computer with its state.
    pub(super) fn standings(&self) -> impl Iterator<Item = (&'a ReceiveConnector, &Standing)> {
        let (computer, now) = (self.computer, self.now);
        let standing = |connector: &Arc<ReceiveConnector>| {
            let state = State::of(connector, computer, now);
            let anonymous_tls = anonymous_tls(connector, computer, now);
            Standing { health: state.health, starttls: state.in_words(), anonymous_tls }
        };
        let all = computer.receive_connectors.iter();
        let standings = self.standings.get_or_init(|| all.clone().map(standing).collect());
        all.map(|connector| &**connector).zip(standings)
    }

    /// Every certificate with the reasons against it.
    pub(super) fn judged(&self) -> impl Iterator<Item = (&'a StoredCertificate, &[Reason])> {
        let verdicts = self.selection.candidates.iter().map(|candidate| reasons_of(&candidate.verdict));
        self.computer.store.iter().zip(verdicts)
    }

    /// Returns whether the certificate that was searched for is there but has a defect. It is then to be
    /// fixed or renewed before the connector is turned to another one.
    pub(super) fn ailing(&self) -> bool {
        let elsewhere = [Reason::NameDiffers, Reason::IssuerDiffers, Reason::SubjectDiffers];
        let searched = self.selection.outcome != Outcome::NotConfigured;
        searched && self.judged().any(|(_, against)| !against.iter().any(|reason| elsewhere.contains(reason)))
    }

    /// The name that is searched for, where it is one.
    pub(super) fn wanted(&self) -> Option<&str> {
        match &self.selection.key {
            SearchKey::Pin(_) => None,
            SearchKey::ConnectorFqdn(fqdn) | SearchKey::ComputerFqdn(fqdn) => Some(fqdn.as_str()),
        }
    }

    pub(super) fn set(&self, parameters: ReceiveConnectorParameters) -> Change {
        let connector = self.connector.name.clone();
        Change::SetReceiveConnector { connector, parameters: Box::new(parameters) }
    }

    /// Sets parameters with `Set-ReceiveConnector -parameter value`: the change, the command, and what the title
    /// says besides. Where the connector has an FQDN that no cmdlet would have set, every other change of it is
    /// refused, so the FQDN is set back with it.
    pub(super) fn set_by(
        &self,
        mut parameters: ReceiveConnectorParameters,
        parameter: &str,
        value: impl std::fmt::Display,
    ) -> (Change, String, String) {
        let mut command = shell::set(self.computer, self.connector, parameter, value);
        let mut after = self.connector.clone();
        parameters.apply_to(&mut after);
        let mut besides = String::new();
        if parameters.fqdn.is_none() && fqdn_guard(&after, self.computer).is_some() {
            let own = &self.computer.fqdn;
            command.push_str(&format!(" -Fqdn {own}"));
            besides = format!(", and the FQDN back to {own}, which the cmdlet insists on");
            parameters.fqdn = Some(Nullable(Some(own.clone())));
        }
        (self.set(parameters), command, besides)
    }

    pub(super) fn health_after(&self, steps: &[Change]) -> Health {
        let after = apply_all(steps, self.computer);
        let connector = after.receive_connector(target(steps, self.connector));
        connector.map_or(Health::NotOffered, |connector| State::of(connector, &after, self.now).health)
    }

    /// `steps`, and after them the removal of each certificate that is still chosen and cannot serve, as
    /// far as the cmdlet would remove it.
    pub(super) fn and_remove_what_stands_before(&self, mut steps: Vec<Change>) -> Vec<Change> {
        for _ in self.computer.store.iter() {
            let after = apply_all(&steps, self.computer);
            let Some(connector) = after.receive_connector(&self.connector.name) else {
                break;
            };
            let state = State::of(connector, &after, self.now);
            match state.presented {
                Some(presented) if state.health == Health::Broken && !after.is_in_use(&presented.facts) => {
                    steps.push(Change::RemoveCertificate(presented.facts.thumbprint));
                }
                _ => break,
            }
        }
        steps
    }

    /// The right answer where the cmdlet asks about the default certificate. It is No, unless the internal
    /// transport certificate itself needs replacing and this one carries the server's name.
    pub(super) fn overwrite(&self, thumbprint: Thumbprint, names: &[&str]) -> Overwrite {
        let ails = InternalTransport::of(self.computer).event(self.now).is_some();
        let of_server = names.iter().any(|name| covers(name, self.computer.fqdn.as_str()).is_some());
        if ails && of_server && self.asks(thumbprint) { Overwrite::Yes } else { Overwrite::No }
    }

    /// The line that says what to answer, where the cmdlet asks at all.
    pub(super) fn answer(&self, thumbprint: Thumbprint, overwrite: Overwrite) -> Option<String> {
        self.asks(thumbprint).then(|| shell::answer(overwrite == Overwrite::Yes))
    }

    fn asks(&self, thumbprint: Thumbprint) -> bool {
        self.computer.internal_transport_certificate.is_some_and(|internal| internal != thumbprint)
    }
}

fn reasons_of(verdict: &Verdict) -> &[Reason] {
    match verdict {
        Verdict::NotEligible { reasons } => reasons,
        Verdict::Chosen | Verdict::Beaten { .. } | Verdict::NotLookedAt => &[],
    }
}

/// The connector that is to offer STARTTLS after `steps`: a new one where there is one.
pub(super) fn target<'a>(steps: &'a [Change], connector: &'a ReceiveConnector) -> &'a str {
    let made = steps.iter().find_map(|step| match step {
        Change::NewReceiveConnector(made) => Some(made.name.as_str()),
        _ => None,
    });
    made.unwrap_or(&connector.name)
}

/// Everything that could be done for `case`, in no order.
pub(super) fn proposals(case: &Case<'_>) -> Vec<Proposal> {
    if case.selection.outcome == Outcome::NotConfigured {
        return with_tls_first(case);
    }
    if case.health == Health::SelfSigned {
        return name::public_instead(case);
    }
    let mut proposals: Vec<Proposal> =
        case.judged().filter_map(|(stored, reasons)| repair(case, stored, reasons)).collect();
    match &case.selection.key {
        SearchKey::Pin(pin) => proposals.extend(name::for_pinned(case, pin)),
        SearchKey::ConnectorFqdn(_) | SearchKey::ComputerFqdn(_) => proposals.extend(name::for_named(case)),
    }
    proposals.extend(issue::new_certificates(case));
    proposals.extend(remove(case));
    proposals
}

/// `Tls` has to be in AuthMechanism before anything else can count.
fn with_tls_first(case: &Case<'_>) -> Vec<Proposal> {
    let flags = case.connector.auth_mechanism.and(AuthMechanism::TLS);
    let parameters =
        ReceiveConnectorParameters { auth_mechanism: Some(flags), ..ReceiveConnectorParameters::default() };
    let (change, command, besides) = case.set_by(parameters, "AuthMechanism", flags);
    let first = || Proposal {
        rank: Rank::Repair,
        title: format!("Put Tls into AuthMechanism{besides}"),
        steps: vec![change.clone()],
        commands: vec![command.clone()],
        clicks: console::connector(
            case.computer,
            case.connector,
            console::Page::Authentication,
            "check Transport Layer Security (TLS)",
        ),
        refused: None,
    };
    let after = apply_all(&first().steps, case.computer);
    let Some(connector) = after.receive_connector(&case.connector.name) else {
        return Vec::new();
    };
    let then = Case::new(&after, connector, case.now);
    if then.health >= Health::ExpiresSoon {
        return vec![first()];
    }
    proposals(&then).into_iter().map(|second| first().then(second)).collect()
}

impl Proposal {
    pub(super) fn then(mut self, second: Self) -> Self {
        let mut title = second.title;
        // "Enable ..." in the middle of a sentence; the product's own names keep their capital.
        if let Some(head) = title.get_mut(..1) {
            head.make_ascii_lowercase();
        }
        self.rank = second.rank;
        self.title = format!("{}; then {title}", self.title);
        self.steps.extend(second.steps);
        self.commands.extend(second.commands);
        self.clicks.extend(second.clicks);
        self.refused = second.refused;
        self
    }
}

/// Fixes a certificate that carries what is searched for, where it can be fixed.
pub(super) fn repair(case: &Case<'_>, stored: &StoredCertificate, reasons: &[Reason]) -> Option<Proposal> {
    let mendable = [
        Reason::SmtpNotAssigned,
        Reason::PrivateKeyMissing,
        Reason::PrivateKeyUnreadable,
        Reason::ChainUntrusted,
    ];
    let smtp = !stored.services.contains(Services::SMTP);
    let unused = reasons.is_empty() && !smtp;
    if unused || !reasons.iter().all(|reason| mendable.contains(reason)) {
        return None;
    }
    let (computer, facts, called) = (case.computer, &stored.facts, called(stored));
    let mut titles = Vec::new();
    let (mut steps, mut commands, mut clicks) = (Vec::new(), Vec::new(), Vec::new());
    if reasons.contains(&Reason::ChainUntrusted) {
        titles.push(format!("install the authorities above {called}"));
        steps.push(Change::TrustChain(facts.thumbprint));
        commands.push("certutil -addstore Root C:\\root.cer".to_owned());
        commands.push("certutil -addstore CA C:\\intermediate.cer".to_owned());
        clicks.extend(console::windows(
            "Trusted Root and Intermediate Certification Authorities",
            "All Tasks, Import: the root; the intermediates",
        ));
    }
    match stored.private_key {
        PrivateKey::Present => {}
        PrivateKey::Missing => {
            titles.push(format!("import {called} again, with its private key"));
            steps.push(Change::RestoreKey(facts.thumbprint));
            commands.push(shell::import(computer, Typed::PFX, true));
            commands.push(format!("{OR}where the key is still on this computer:"));
            commands.push(format!("certutil -repairstore my {}", facts.thumbprint));
            clicks.extend(console::windows("Personal", "All Tasks, Import: the PFX with the key"));
        }
        PrivateKey::Unreadable => {
            titles.push(format!("let the transport service read the private key of {called}"));
            clicks.extend(console::windows(
                "Personal",
                "the certificate, All Tasks, Manage Private Keys: NETWORK SERVICE, Read",
            ));
        }
    }
    let overwrite = case.overwrite(facts.thumbprint, &facts.names());
    if smtp {
        let certificate = if titles.is_empty() { called.as_str() } else { "it" };
        titles.push(format!("enable {certificate} for SMTP"));
        clicks.extend(console::certificates(
            computer,
            "the certificate, Assign Services to Certificate: Simple Mail Transfer Protocol",
            "the certificate, Edit, services: SMTP",
        ));
    }
    if smtp || stored.private_key != PrivateKey::Present {
        steps.push(Change::EnableForSmtp { thumbprint: facts.thumbprint, overwrite });
        commands.push(shell::enable(computer, facts.thumbprint));
        commands.extend(case.answer(facts.thumbprint, overwrite));
    }
    let mut title = titles.join(", then ");
    if let Some(head) = title.get_mut(..1) {
        head.make_ascii_uppercase();
    }
    Some(Proposal { rank: Rank::Repair, title, steps, commands, clicks, refused: None })
}

/// Turns RequireTLS off, and with it the level that only goes with it.
pub(super) fn without_require_tls(case: &Case<'_>) -> Proposal {
    let parameters =
        ReceiveConnectorParameters { require_tls: Some(false), ..ReceiveConnectorParameters::default() };
    let (change, command, besides) = case.set_by(parameters, "RequireTLS", "$false");
    Proposal {
        rank: Rank::WithoutRequireTls,
        title: format!("Offer TLS and do not require it: turn RequireTLS off{besides}"),
        steps: vec![change],
        commands: vec![command],
        clicks: console::require_tls(case.computer, case.connector),
        refused: None,
    }
}

/// Takes away what is chosen and cannot serve, so that the next one is chosen.
fn remove(case: &Case<'_>) -> Option<Proposal> {
    let steps = case.and_remove_what_stands_before(Vec::new());
    let gone: Vec<Thumbprint> = removed(&steps).collect();
    let titles: Vec<String> =
        gone.iter().filter_map(|thumbprint| case.computer.store.find(*thumbprint)).map(called).collect();
    if gone.is_empty() {
        return None;
    }
    Some(Proposal {
        rank: Rank::Remove,
        title: format!("Remove {}, so that the next certificate is chosen", titles.join(" and ")),
        steps,
        commands: gone.iter().map(|thumbprint| shell::remove(case.computer, *thumbprint)).collect(),
        clicks: console::certificates(case.computer, "the certificate, Remove", "the certificate, Delete"),
        refused: None,
    })
}

pub(super) fn removed(steps: &[Change]) -> impl Iterator<Item = Thumbprint> + '_ {
    steps.iter().filter_map(|step| match step {
        Change::RemoveCertificate(thumbprint) => Some(*thumbprint),
        _ => None,
    })
}

/// Returns whether the reason against a certificate is its name, not a defect.
pub(super) const fn is_about_naming(reason: Reason) -> bool {
    matches!(reason, Reason::NameDiffers | Reason::IssuerDiffers | Reason::SubjectDiffers)
}

/// Parameters that set the FQDN and nothing else.
pub(super) fn fqdn_only(fqdn: crate::name::Fqdn) -> ReceiveConnectorParameters {
    ReceiveConnectorParameters { fqdn: Some(Nullable(Some(fqdn))), ..ReceiveConnectorParameters::default() }
}

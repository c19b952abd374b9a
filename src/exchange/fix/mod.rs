//! Fixes for a connector's STARTTLS, and advice that does not help.
//!
//! Every fix is tried on a copy before it is offered: what it changes and what it leaves is read off the model,
//! a fix that does not help is not offered, and its commands are run in the Shell on a copy of the lab.

mod change;
mod console;
mod effect;
mod issue;
mod name;
mod propose;
mod send;
mod set;
mod shell;
mod state;
mod trial;
mod useless;

pub use change::{Change, Overwrite, apply_all};
pub use send::{SendFix, send_fixes, send_fixes_in};
pub use set::SetConnector;
pub use trial::{Trial, Typed};
pub use useless::{Useless, useless_advice};

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::computer::Computer;
use super::receive_connector::ReceiveConnector;
use super::store::StoredCertificate;
use effect::Effect;
use propose::{Case, Proposal, proposals};
use state::Health;
use trial::try_commands;

/// One way to get STARTTLS for a connector.
#[derive(Clone, Debug, Serialize)]
pub struct Fix {
    /// The fix in one line.
    pub title: String,
    /// As typed in the Exchange Management Shell; lines with `#` are for the reader.
    pub commands: Vec<String>,
    /// The way through the management console, or why there is none.
    pub clicks: Vec<String>,
    /// The things that would be different afterwards.
    pub changes: Vec<String>,
    /// The things that would stay as they are.
    pub leaves: Vec<String>,
    /// The cmdlet's message, if it would refuse.
    pub refused: Option<String>,
    /// The result of running the commands in the Shell on a copy of the lab.
    #[serde(flatten)]
    pub trial: Trial,
    /// The commands as they are typed, with the answers to their questions.
    #[serde(skip)]
    pub typed: Typed,
    /// The change itself.
    #[serde(skip)]
    pub steps: Vec<Change>,
    /// The connector that offers STARTTLS afterwards; another one only where one is made for it.
    pub connector: String,
}

impl Fix {
    /// The computer after the fix.
    #[must_use]
    pub fn apply(&self, computer: &Computer) -> Computer {
        apply_all(&self.steps, computer)
    }
}

/// The ways to get STARTTLS for `connector` on `computer`, best first; none where nothing is wrong.
///
/// Fixes that the cmdlets would refuse stand last, because everybody tries them first. The commands have been
/// run in the Shell on a copy of a lab that has this computer only.
pub fn fixes(computer: &Computer, connector: &ReceiveConnector, now: Timestamp) -> Vec<Fix> {
    fixes_in(&[Arc::new(computer.clone())], computer, connector, now)
}

/// Like [`fixes`], on a computer of a lab that has other computers as well.
pub fn fixes_in(
    lab: &[Arc<Computer>],
    computer: &Computer,
    connector: &ReceiveConnector,
    now: Timestamp,
) -> Vec<Fix> {
    let computer = Arc::new(holding(computer, connector));
    let lab = lab_with(lab, &computer);
    let case = Case::new(&computer, connector, now);
    if case.health == Health::Good {
        return Vec::new();
    }
    let helps = |proposal: &Proposal| {
        let after = case.health_after(&proposal.steps);
        after > case.health && after >= Health::ExpiresSoon
    };
    let mut helpful: Vec<Proposal> = proposals(&case).into_iter().filter(helps).collect();
    let ailing = case.ailing();
    helpful.sort_by_key(|proposal| (ailing && proposal.rank.goes_elsewhere(), proposal.rank));
    let mut fixes: Vec<Fix> = helpful.into_iter().map(|proposal| fix(&case, proposal, &lab)).collect();
    fixes.sort_by_key(|fix| fix.refused.is_some());
    fixes
}

/// Returns the fix that admits senders without STARTTLS, where only RequireTLS keeps them out.
pub fn without_require_tls(
    lab: &[Arc<Computer>],
    computer: &Computer,
    connector: &ReceiveConnector,
    now: Timestamp,
) -> Option<Fix> {
    if !connector.require_tls {
        return None;
    }
    let computer = Arc::new(holding(computer, connector));
    let case = Case::new(&computer, connector, now);
    let offered = case.health > Health::NotOffered;
    offered.then(|| fix(&case, propose::without_require_tls(&case), &lab_with(lab, &computer)))
}

/// The lab with this computer in the place of the one of its name.
fn lab_with(lab: &[Arc<Computer>], computer: &Arc<Computer>) -> Vec<Arc<Computer>> {
    let others = lab.iter().filter(|known| !known.name.eq_ignore_ascii_case(&computer.name));
    std::iter::once(computer).chain(others).cloned().collect()
}

fn fix(case: &Case<'_>, proposal: Proposal, lab: &[Arc<Computer>]) -> Fix {
    let effect = Effect::of(case, &proposal.steps);
    let connector = propose::target(&proposal.steps, case.connector).to_owned();
    let file = stand_in(case, &proposal.steps);
    let (trial, typed) = try_commands(lab, &case.computer.name, &proposal.commands, case.now, file.as_ref());
    let refused = match &trial {
        Trial::Refused(words) => Some(words.clone()),
        Trial::Ran | Trial::Untried(_) => proposal.refused,
    };
    Fix {
        title: proposal.title,
        commands: proposal.commands,
        clicks: proposal.clicks,
        changes: effect.changes,
        leaves: effect.leaves,
        refused,
        trial,
        typed,
        steps: proposal.steps,
        connector,
    }
}

/// The certificate that stands in for the file that the commands name.
fn stand_in(case: &Case<'_>, steps: &[Change]) -> Option<StoredCertificate> {
    steps.iter().find_map(|step| match step {
        Change::FileCertificate { certificate, .. } => Some((**certificate).clone()),
        Change::RestoreKey(thumbprint) => case.computer.store.find(*thumbprint).cloned(),
        Change::SetReceiveConnector { .. }
        | Change::NewReceiveConnector(_)
        | Change::EnableForSmtp { .. }
        | Change::TrustChain(_)
        | Change::RemoveCertificate(_) => None,
    })
}

/// The computer with `connector` as it is given, whether or not it was there before.
fn holding(computer: &Computer, connector: &ReceiveConnector) -> Computer {
    let mut holding = computer.clone();
    let same = |known: &&mut Arc<ReceiveConnector>| known.name.eq_ignore_ascii_case(&connector.name);
    match holding.receive_connectors.iter_mut().find(same) {
        Some(known) => *known = Arc::new(connector.clone()),
        None => holding.receive_connectors.push(Arc::new(connector.clone())),
    }
    holding
}

//! What mends a connector's STARTTLS, and what does not.
//!
//! Every way is tried on a copy of the computer before it is offered: what it changes and what it leaves
//! is read off the model, and a way that does not help is not offered.

mod change;
mod console;
mod effect;
mod issue;
mod name;
mod propose;
mod send;
mod shell;
mod state;
mod useless;

pub use change::{Change, Overwrite, apply_all};
pub use send::{SendFix, send_fixes};
pub use useless::{Useless, useless_advice};

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::computer::Computer;
use super::receive_connector::ReceiveConnector;
use effect::Effect;
use propose::{Case, Proposal, proposals};
use state::Health;

/// One way to get STARTTLS for a connector.
#[derive(Clone, Debug, Serialize)]
pub struct Fix {
    /// What to do, in one line.
    pub title: String,
    /// As typed in the Exchange Management Shell; lines with `#` are for the reader.
    pub commands: Vec<String>,
    /// The way through the management console, or why there is none.
    pub clicks: Vec<String>,
    /// What would be different afterwards.
    pub changes: Vec<String>,
    /// What would stay as it is.
    pub leaves: Vec<String>,
    /// What the cmdlet says, where it would refuse.
    pub refused: Option<String>,
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
/// What the cmdlets would refuse stands last, because it is what everybody tries first.
pub fn fixes(computer: &Computer, connector: &ReceiveConnector, now: Timestamp) -> Vec<Fix> {
    let computer = &holding(computer, connector);
    let case = Case::new(computer, connector, now);
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
    helpful.into_iter().map(|proposal| fix(&case, proposal)).collect()
}

fn fix(case: &Case<'_>, proposal: Proposal) -> Fix {
    let effect = Effect::of(case, &proposal.steps);
    let connector = propose::target(&proposal.steps, case.connector).to_owned();
    Fix {
        title: proposal.title,
        commands: proposal.commands,
        clicks: proposal.clicks,
        changes: effect.changes,
        leaves: effect.leaves,
        refused: proposal.refused,
        steps: proposal.steps,
        connector,
    }
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

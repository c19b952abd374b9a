//! The receive connectors that commands touch, found on the model: only they are observed in a trial.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::exchange::{Computer, EventKind, EventSubject, ReceiveConnector};
use crate::lab::connector_change::ReceiveState;

/// The computers of a lab before commands, with the state of each receive connector.
#[derive(Debug)]
pub(super) struct Baseline {
    now: Timestamp,
    computers: Vec<Arc<Computer>>,
    states: HashMap<String, ReceiveState>,
}

/// The connectors of a trial, by identity.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    /// Those whose settings, certificates or events are different after the commands.
    pub(super) connectors: BTreeSet<String>,
    /// One untouched connector for each event about its computer as a whole. It goes on logging the event, also
    /// where the touched ones no longer do.
    pub(super) witnesses: BTreeSet<String>,
}

impl Baseline {
    /// Returns the computers with the states of their connectors at `now`.
    pub(super) fn new(computers: Vec<Arc<Computer>>, now: Timestamp) -> Self {
        let each = computers.iter().flat_map(|computer| states(computer, now)).collect();
        Self { now, states: each, computers }
    }

    /// Returns the computers.
    pub(super) fn computers(&self) -> &[Arc<Computer>] {
        &self.computers
    }

    /// Returns what commands have touched that left the computers like this.
    pub(super) fn touched(&self, after: &[Arc<Computer>]) -> Touched {
        let mut touched = Touched::default();
        for computer in after {
            let before = self.computers.iter().find(|before| before.name == computer.name);
            if before.is_none_or(|before| !Arc::ptr_eq(before, computer)) {
                self.compare(before, computer, &mut touched);
            }
        }
        let gone = self.computers.iter().filter(|it| after.iter().all(|after| after.name != it.name));
        touched.connectors.extend(gone.flat_map(|computer| {
            computer.receive_connectors.iter().map(|connector| identity(computer, connector))
        }));
        touched
    }

    fn compare(&self, before: Option<&Arc<Computer>>, after: &Computer, touched: &mut Touched) {
        let settings: HashMap<&str, &Arc<ReceiveConnector>> = before
            .into_iter()
            .flat_map(|it| &it.receive_connectors)
            .map(|connector| (connector.name.as_str(), connector))
            .collect();
        let mut seen = BTreeSet::new();
        for (connector, (identity, state)) in after.receive_connectors.iter().zip(states(after, self.now)) {
            let same = settings.get(connector.name.as_str()).is_some_and(|it| Arc::ptr_eq(it, connector));
            if same && self.states.get(&identity) == Some(&state) {
                let known = seen.len();
                seen.extend(state.events().filter(|event| is_of_computer(*event)));
                if seen.len() > known {
                    touched.witnesses.insert(identity);
                }
            } else {
                touched.connectors.insert(identity);
            }
        }
        let there = |name: &str| after.receive_connectors.iter().any(|connector| connector.name == name);
        let gone = before.into_iter().flat_map(|it| it.receive_connectors.iter().map(move |gone| (it, gone)));
        let gone = gone.filter(|(_, connector)| !there(&connector.name));
        touched.connectors.extend(gone.map(|(computer, connector)| identity(computer, connector)));
    }
}

/// Returns a computer with those of its receive connectors whose identities are in `kept`.
pub(super) fn reduced(computer: &Arc<Computer>, kept: &BTreeSet<String>) -> Arc<Computer> {
    let is_kept = |connector: &&Arc<ReceiveConnector>| kept.contains(&identity(computer, connector));
    let connectors: Vec<_> = computer.receive_connectors.iter().filter(is_kept).cloned().collect();
    if connectors.len() == computer.receive_connectors.len() {
        return Arc::clone(computer);
    }
    Arc::new(Computer { receive_connectors: connectors, ..Computer::clone(computer) })
}

fn states(computer: &Computer, now: Timestamp) -> impl Iterator<Item = (String, ReceiveState)> {
    let each = computer.receive_connectors.iter();
    each.map(move |it| (identity(computer, it), ReceiveState::of(it, computer, now)))
}

fn identity(computer: &Computer, connector: &ReceiveConnector) -> String {
    format!("{}\\{}", computer.name, connector.name)
}

fn is_of_computer(event: u16) -> bool {
    let kind = EventKind::ALL.into_iter().find(|kind| kind.id() == event);
    kind.is_some_and(|kind| kind.subject() == EventSubject::Computer)
}

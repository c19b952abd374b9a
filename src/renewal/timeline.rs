//! The behavior of connectors over time: every instant at which an offer changes.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::offer::{Offer, offers};
use crate::exchange::{Computer, EXPIRES_SOON};

/// A change that happens without any action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The time of the change.
    pub at: Timestamp,
    /// The connector's behavior before.
    pub before: Offer,
    /// The connector's behavior from then on.
    pub after: Offer,
}

/// The maximum number of instants; no lab has certificates for more, and later changes are not computed.
const MOST_INSTANTS: usize = 2000;

impl Change {
    /// Returns whether the connector does worse from then on.
    pub fn is_worse(&self) -> bool {
        self.after.health < self.before.health
    }
}

/// Returns every change in the behavior of a connector of `computers` after `now`, until the last certificate
/// has expired.
pub fn timeline(computers: &[Arc<Computer>], now: Timestamp) -> Vec<Change> {
    let mut changes = Vec::new();
    let (mut at, mut before) = (now, offers(computers, now));
    for _ in 0..MOST_INSTANTS {
        let next = computers.iter().filter_map(|computer| next_change(computer, at)).min();
        let Some(next) = next else { break };
        let after = offers(computers, next);
        for (old, new) in before.iter().zip(&after) {
            // A countdown of hours changes the text, not the offer.
            if old.words != new.words {
                changes.push(Change { at: next, before: old.clone(), after: new.clone() });
            }
        }
        (at, before) = (next, after);
    }
    changes
}

/// The stand-in for a missing internal transport certificate has dates as well.
fn next_change(computer: &Computer, now: Timestamp) -> Option<Timestamp> {
    let own = computer.store.next_change(now, EXPIRES_SOON);
    let stand_in = computer.ephemeral.as_ref().and_then(|stored| {
        let mut store = crate::exchange::CertificateStore::default();
        store.add((**stored).clone());
        store.next_change(now, EXPIRES_SOON)
    });
    own.into_iter().chain(stand_in).min()
}

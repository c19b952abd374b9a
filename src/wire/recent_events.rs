//! The events that were logged a moment ago, and are not repeated.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::exchange::{Category, Event};

/// The period within which an event about one subject is logged only once.
///
/// Exchange suppresses repetitions per key; that its period is five minutes is the usual one of the
/// event log and was not found in a source of its own.
const PERIOD: SignedDuration = SignedDuration::from_mins(5);

/// The maximum number of different events that are remembered for that; beyond it all are forgotten.
const MOST_REMEMBERED: usize = 4096;

/// The times at which events were last logged.
#[derive(Debug, Default)]
pub(super) struct RecentEvents(HashMap<Key, Timestamp>);

/// A computer, a connector, the number of an event, and its parameters.
type Key = (String, Option<String>, u16, Vec<String>);

impl RecentEvents {
    /// Returns whether an event is to be logged now, and notes that it is.
    pub(super) fn is_due(
        &mut self,
        computer: &str,
        connector: Option<&str>,
        event: &Event,
        now: Timestamp,
    ) -> bool {
        let connector = connector.map(str::to_owned);
        let key = (computer.to_owned(), connector, event.event_id, event.parameters.clone());
        let recent = |last: &Timestamp| now.duration_since(*last) < PERIOD;
        // A failed logon is logged each time, because its repetition matters.
        if event.category == Category::TransportService && self.0.get(&key).is_some_and(recent) {
            return false;
        }
        if self.0.len() >= MOST_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(key, now);
        true
    }
}

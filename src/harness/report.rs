//! The report of a lab that is finished: what it has seen, and whether that was expected.

use std::fmt;

use super::transcript::OnPanic;
use crate::observe::{Checked, EventLogEntry, ReceivedMessage, SessionSummary};

/// The report of a lab. A test that panics while this lives prints the lab's transcript.
#[derive(Debug)]
#[must_use = "a report that nobody asks lets every expectation pass; call `assert`"]
#[non_exhaustive]
pub struct Report {
    /// All conversations, by their beginning; those that did not end were cut off.
    pub sessions: Vec<SessionSummary>,
    /// All messages, in the order in which they were taken.
    pub messages: Vec<ReceivedMessage>,
    /// The Application logs of all computers.
    pub events: Vec<EventLogEntry>,
    /// The expectations of the builder, in their order; then one for every fault rule that has to be done.
    pub expectations: Vec<Checked>,
    /// True if every conversation had ended when the lab was cut off.
    pub all_ended: bool,
    pub(super) on_panic: OnPanic,
}

impl Report {
    /// Returns whether every expectation was met.
    pub fn is_ok(&self) -> bool {
        self.expectations.iter().all(|checked| checked.met)
    }

    /// Fails the test if an expectation was not met.
    ///
    /// # Panics
    ///
    /// An expectation was not met. The message lists every expectation in words, and what there was instead.
    #[track_caller]
    #[expect(clippy::panic, reason = "a test asks for it, and this is how it fails")]
    pub fn assert(&self) {
        if !self.is_ok() {
            panic!("the lab did not see what it should have:\n{self}");
        }
    }

    /// Returns everything that happened, as it is printed when a test fails.
    pub fn transcript(&self) -> String {
        super::transcript::transcript(&self.on_panic.journal, &self.on_panic.observer)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expectations.iter().try_for_each(|checked| writeln!(f, "{checked}"))
    }
}

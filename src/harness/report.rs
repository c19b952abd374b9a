//! What a lab has seen when it is finished, and whether that was expected.

use std::fmt;

use super::condition::Condition;
use super::seen::{EventLogEntry, ReceivedMessage, SessionSummary};
use super::transcript::OnPanic;
use super::wait::{counts, instead};
use super::watcher::{Kind, Watcher};

/// What has to hold at the end.
#[derive(Debug)]
pub(super) enum Expectation {
    Message(Condition<'static, ReceivedMessage>),
    NoMessage(Condition<'static, ReceivedMessage>),
    Session(Condition<'static, SessionSummary>),
    NoSession(Condition<'static, SessionSummary>),
    Event(Condition<'static, EventLogEntry>),
    NoEvent(Condition<'static, EventLogEntry>),
}

/// An expectation, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What was expected, in words, such as `no message in clear`.
    pub expected: String,
    /// Whether it was so.
    pub met: bool,
    /// Where it was not: what there was instead.
    pub instead: String,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.met {
            true => write!(f, "as expected: {}", self.expected),
            false => write!(f, "NOT as expected: {}; {}", self.expected, self.instead),
        }
    }
}

impl Expectation {
    pub(super) fn check(&self, watcher: &Watcher) -> Checked {
        match self {
            Self::Message(condition) => some(watcher, condition),
            Self::NoMessage(condition) => none(watcher, condition),
            Self::Session(condition) => some(watcher, condition),
            Self::NoSession(condition) => none(watcher, condition),
            Self::Event(condition) => some(watcher, condition),
            Self::NoEvent(condition) => none(watcher, condition),
        }
    }
}

fn some<T: Kind>(watcher: &Watcher, condition: &Condition<'_, T>) -> Checked {
    let met = T::since(watcher, 0).iter().any(|item| counts(condition, item));
    let instead = if met { String::new() } else { instead(watcher, condition) };
    Checked { expected: condition.to_string(), met, instead }
}

/// How many of those that should not be are shown.
const SHOWN: usize = 10;

fn none<T: Kind>(watcher: &Watcher, condition: &Condition<'_, T>) -> Checked {
    let all = T::since(watcher, 0);
    // Here one that was cut off in the middle counts as well: it should not have been.
    let unwanted: Vec<_> = all.iter().rev().filter(|item| condition.fits(item)).collect();
    let mut instead = String::new();
    if let count @ 1.. = unwanted.len() {
        let lines: String = unwanted.iter().take(SHOWN).map(|item| format!("\n  {item}")).collect();
        let more = count.checked_sub(SHOWN).filter(|more| *more > 0);
        let more = more.map(|more| format!("\n  and {more} more")).unwrap_or_default();
        instead = format!("there were {count}, newest first:{lines}{more}");
    }
    Checked { expected: format!("no {}", condition.bare()), met: unwanted.is_empty(), instead }
}

/// What a lab has seen. A test that panics while this lives prints the lab's transcript.
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
    /// What the builder was told to expect, in that order; then, for every fault rule that has to be
    /// done, whether it was.
    pub expectations: Vec<Checked>,
    /// Whether every conversation had ended when the lab was cut off.
    pub all_ended: bool,
    pub(super) on_panic: OnPanic,
}

impl Report {
    /// Whether every expectation was met.
    pub fn is_ok(&self) -> bool {
        self.expectations.iter().all(|checked| checked.met)
    }

    /// Fails the test where an expectation was not met.
    ///
    /// # Panics
    ///
    /// Then, with every expectation in words, and what there was instead.
    #[track_caller]
    #[expect(clippy::panic, reason = "a test asks for it, and this is how it fails")]
    pub fn assert(&self) {
        if !self.is_ok() {
            panic!("the lab did not see what it should have:\n{self}");
        }
    }

    /// Everything that happened, as it is printed where a test fails.
    pub fn transcript(&self) -> String {
        super::transcript::transcript(&self.on_panic.journal)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expectations.iter().try_for_each(|checked| writeln!(f, "{checked}"))
    }
}

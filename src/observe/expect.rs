//! The expectations of a lab at its end, compared with the observations.

use std::collections::BTreeSet;
use std::fmt;

use super::condition::{Condition, counts};
use super::counts::Counts;
use super::observer::{Kind, Observer};
use super::seen::{EventLogEntry, ReceivedMessage};
use super::session::SessionSummary;
use super::verdict::Said;

/// A condition that has to hold at the end.
#[derive(Debug)]
pub enum Expectation {
    /// Such a message is accepted.
    Message(Condition<'static, ReceivedMessage>),
    /// No such message is accepted.
    NoMessage(Condition<'static, ReceivedMessage>),
    /// There is such a session.
    Session(Condition<'static, SessionSummary>),
    /// There is no such session, not even an unfinished one.
    NoSession(Condition<'static, SessionSummary>),
    /// Such an event is logged.
    Event(Condition<'static, EventLogEntry>),
    /// No such event is logged.
    NoEvent(Condition<'static, EventLogEntry>),
    /// This many messages are accepted.
    MessageCount(u64),
    /// Every message comes over TLS.
    EveryMessageOverTls {
        /// True if there has to be at least one.
        at_least_one: bool,
    },
    /// An event of this number is logged.
    EventId(u16),
    /// No event of this number is logged.
    NoEventId(u16),
    /// None of these is said in clear, whether or not it is accepted.
    NothingInClear(BTreeSet<Said>),
}

/// An expectation and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The expectation in words, such as `no message in clear`.
    pub expected: String,
    /// True if the expectation was met.
    pub met: bool,
    /// The observation instead, if the expectation was not met.
    pub instead: String,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.met {
            write!(f, "as expected: {}", self.expected)
        } else {
            write!(f, "NOT as expected: {}; {}", self.expected, self.instead)
        }
    }
}

impl Expectation {
    /// Compares the expectation with the observations.
    pub fn check(&self, observer: &Observer) -> Checked {
        match self {
            Self::Message(condition) => some(observer, condition),
            Self::NoMessage(condition) => none(observer, condition),
            Self::Session(condition) => some(observer, condition),
            Self::NoSession(condition) => none(observer, condition),
            Self::Event(condition) => some(observer, condition),
            Self::NoEvent(condition) => none(observer, condition),
            Self::MessageCount(expected) => {
                let there = observer.count(Counts::messages);
                let instead = (there != *expected).then(|| format!("the lab took {there}"));
                checked(format!("messages: {expected}"), instead)
            }
            Self::EveryMessageOverTls { at_least_one } => {
                let (all, in_clear) = observer.count(|counts| (counts.messages(), counts.in_clear));
                let instead = match (all, in_clear) {
                    (0, _) => at_least_one.then(|| "no message came at all".to_owned()),
                    (_, 0) => None,
                    (all, in_clear) => Some(format!("{in_clear} of {all} came in clear")),
                };
                checked("every message over TLS".to_owned(), instead)
            }
            Self::EventId(id) => {
                let instead = observer.count(|counts| {
                    let logged = counts.events.contains_key(id);
                    let events =
                        || format!("it was not logged; the events were {}", counts.events_in_words());
                    (!logged).then(events)
                });
                checked(format!("event {id}"), instead)
            }
            Self::NoEventId(id) => {
                let logged = observer.count(|counts| counts.events.contains_key(id));
                checked(format!("no event {id}"), logged.then(|| "it was logged".to_owned()))
            }
            Self::NothingInClear(parts) => {
                let words: Vec<_> = parts.iter().rev().map(|part| part.as_str()).collect();
                let expected = format!("nothing in clear of {}", words.join(", "));
                checked(expected, leaks(observer, parts))
            }
        }
    }
}

fn checked(expected: String, instead: Option<String>) -> Checked {
    Checked { expected, met: instead.is_none(), instead: instead.unwrap_or_default() }
}

fn some<T: Kind>(observer: &Observer, condition: &Condition<'_, T>) -> Checked {
    let met = observer.candidates(condition).iter().any(|item| counts(condition, item));
    let instead = (!met).then(|| observer.near_misses(condition).to_string());
    checked(condition.to_string(), instead)
}

/// The highest number of unwanted items that are shown.
const SHOWN: usize = 10;

fn none<T: Kind>(observer: &Observer, condition: &Condition<'_, T>) -> Checked {
    // An unfinished one counts here as well: it should not have been there.
    let mut unwanted = observer.candidates(condition);
    unwanted.retain(|item| condition.fits(item));
    let lines = unwanted.iter().rev().map(ToString::to_string);
    checked(format!("no {}", condition.bare()), there_were(lines, unwanted.len()))
}

/// Returns which of `parts` were said in clear, newest first.
fn leaks(observer: &Observer, parts: &BTreeSet<Said>) -> Option<String> {
    let sessions = observer.sessions(0);
    let lines = sessions.iter().rev().filter_map(|session| {
        let leaks: Vec<_> = session.leaks().iter().filter(|leak| parts.contains(&leak.what)).collect();
        let why = leaks.first()?.why;
        let said: Vec<_> = leaks.iter().map(|leak| leak.what.as_str()).collect();
        let peer = session.peer();
        let SessionSummary { session, .. } = &**session;
        Some(format!("session {session} from {peer}: {} in clear {}", said.join(", "), why.in_words()))
    });
    let lines: Vec<_> = lines.collect();
    let count = lines.len();
    there_were(lines.into_iter(), count)
}

fn there_were(lines: impl Iterator<Item = String>, count: usize) -> Option<String> {
    let more = match count.checked_sub(SHOWN) {
        None if count == 0 => return None,
        None | Some(0) => String::new(),
        Some(more) => format!("\n  and {more} more"),
    };
    let lines: String = lines.take(SHOWN).map(|line| format!("\n  {line}")).collect();
    Some(format!("there were {count}, newest first:{lines}{more}"))
}

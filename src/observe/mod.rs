//! The observations of a lab: sessions, messages, events and verdicts, as values that follow the journal.
//!
//! An [`Observer`] reads every [`Entry`](crate::journal::Entry) once, when it is written. The test harness,
//! the control API, `exec`, the counters and the output of `serve` ask it, so nothing else counts or compares
//! again. Its values hold facts, mostly shared ones. Text ([`SessionSummary::outcome`], `Display`, JSON) is
//! made on demand.
//!
//! A [`Condition`] tests a message, a session or an event, and reports why a candidate does not match. Waits
//! wait for one, and an [`Expectation`] expects one. The observer is bounded as the journal is, and
//! [`Observer::dropped`] says how much it has dropped.

mod condition;
mod counts;
mod expect;
mod json;
mod observer;
mod outcome;
mod seen;
mod session;
pub mod verdict;
mod wait;
mod wanted;

pub use condition::{Condition, IntoCondition};
pub use counts::Counts;
pub use expect::{Checked, Expectation};
pub use observer::{Dropped, Observer};
pub use seen::{EventLogEntry, ReceivedMessage};
pub use session::SessionSummary;
pub use wait::{NearMiss, NearMisses};
pub use wanted::{a_message, a_session, an_event, any_event};

pub(crate) use observer::Kind;
pub(crate) use wanted::is_called;

//! What a lab has seen: sessions, messages, events and verdicts, as values that are kept up with the journal.
//!
//! An [`Observer`] reads every [`Entry`](crate::journal::Entry) once, when it is written. The test harness, the
//! control API, `exec`, the counters and what `serve` prints ask it, and nobody counts or compares anew. Its
//! values hold facts, mostly shared ones; text ([`SessionSummary::outcome`], `Display`, JSON) is made when
//! somebody looks.
//!
//! A [`Condition`] says what a message, a session or an event has to be, and how a candidate misses it. It is
//! what waits wait for and what an [`Expectation`] expects. What is kept is bounded as the journal is, and
//! [`Observer::dropped`] says how much has fallen out.

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

//! One conversation as a value: input in, one step out, no I/O. Here is the receiving side; the sending
//! side is in [`send`].
//!
//! A [`ReceiveSession`] is opened with a [`Setting`], is handed [`Input`]s and answers each with exactly one
//! [`Step`]: what to note, what to send, and what to read next. STARTTLS that succeeds makes a *new* session
//! ([`ReceiveSession::secure`]), so nothing of the conversation in clear survives it (RFC 3207 section 4.2).

mod alert;
mod auth;
mod fact;
pub mod fault;
mod hello;
mod injected;
mod message;
mod receive;
mod reply;
pub mod send;
mod setting;
mod tls;
mod transaction;

pub use alert::{alert_name, alert_names, alert_number};
pub use fact::{Anomaly, Fact};
pub use hello::{ClientHelloFacts, TLS_1_2, TLS_1_3, group_name, suite_name, version_name};
pub use injected::{InjectedFault, Reaction};
pub use message::{Message, MessageFacts};
pub use receive::{Input, Next, ReceiveSession, Step, TlsVerb};
#[cfg(feature = "cli")]
pub(crate) use reply::must_start_tls;
pub use setting::{Connected, Counters, LimitReached, Setting};
pub use tls::{TlsFacts, TlsFailure, TlsVersion};

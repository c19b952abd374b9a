//! Faults: deviations that receive connectors make on purpose. A rule states the stage of a session, the
//! actions there, how often they are done and to which clients.
//!
//! A lab file and the control API write a rule as a [`FaultSpec`], Rust builds it as a [`Fault`]; both are
//! data, and nothing in them is left to chance, so that a lab can be repeated. [`FaultSpec::resolve`] makes a
//! [`FaultRule`] of it, whose actions are typed by their stage. A connection looks rules up in its
//! connector's [`FaultTable`]; the [`Conversation`] follows those that are about replies, and each
//! [`Step`](crate::session::Step) carries the actions that are left to the layer that moves the bytes.

mod action;
mod build;
mod conversation;
mod error;
mod interpret;
mod list;
mod nth;
mod payload;
mod resolve;
mod spec;
mod stage;
mod table;
#[cfg(test)]
mod tests;

pub use action::{
    Action, AfterTlsAction, BodyAction, CloseAction, ConnectAction, EhloAction, FlightAction,
    HandshakeAction, ReplyAction, StageActions, StartTlsAction,
};
pub use build::Fault;
pub use conversation::Conversation;
pub use error::{ActionError, FaultError};
pub use interpret::{StepAction, StepActions};
pub use list::Actions;
pub use nth::{Nth, NthError};
pub use payload::{
    Alert, Capabilities, ClientCertificate, Corruption, Cut, CutAfter, LegacyVersion, Octets, Presented,
    TlsSettings, UnknownName, Word,
};
pub use resolve::FaultRule;
pub use spec::{FaultSpec, ShownCertificate, Then, When};
pub use stage::{
    AfterTls, Auth, Bdat, Body, Close, Connect, Data, Ehlo, EndOfData, FaultStage, Handshake, HasReply, Helo,
    Mail, Other, Quit, Rcpt, Rset, Stage, StartTls,
};
pub(crate) use table::is_like;
pub use table::{FaultTable, Faults, Fired};

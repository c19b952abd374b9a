//! Misconduct as rows: where in a conversation, what is done there, how often and to whom.
//!
//! A [`Fault`] is data. It stands in lab files, comes over the control API and is handed to the library in
//! the same shape; nothing in it is left to chance, so that a lab replays.

mod conduct;
mod conversation;
mod nth;
mod row;
mod table;
#[cfg(test)]
mod tests;

pub use conduct::{
    Alert, Capabilities, ClientCertificate, Conduct, Corruption, Cut, CutAfter, LegacyVersion, Octets,
    Posture, Presented, UnknownName, Word,
};
pub use conversation::{Conversation, Twist};
pub use nth::Nth;
pub use row::{Fault, FaultStage, Then, When};
pub(crate) use table::is_like;
pub use table::{FaultTable, Faults, Misconduct};

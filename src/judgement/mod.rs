//! A client's behavior measured against its policy, and the class that it belongs to.
//!
//! A [`Trial`] is the result of one entry of the fault catalogue. [`judge`] decides whether that result is
//! right for a [`Policy`], and [`classify`] infers the kind of client from all trials.

mod class;
mod injected;
mod policy;
mod rule;
mod trial;

pub use class::{Class, Classified, Verifies, classify};
pub use injected::find_taken_replies;
pub use policy::{Policy, UnknownPolicy};
pub use rule::{Judged, Mark, judge};
pub use trial::{Exit, Outcome, Trial};

#[cfg(test)]
mod tests;

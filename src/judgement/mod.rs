//! A client's conduct measured by its policy, and the class that it belongs to.
//!
//! A [`Trial`] is what became of one entry of the fault catalogue; [`judge`] says whether that is right for a
//! [`Policy`], and [`classify`] which kind of client it must be that did all this.

mod class;
mod policy;
mod rule;
mod trial;

pub use class::{Class, Classified, Verifies, classify};
pub use policy::{Policy, UnknownPolicy};
pub use rule::{Judged, Mark, judge};
pub use trial::{Exit, Outcome, Trial};

#[cfg(test)]
mod tests;

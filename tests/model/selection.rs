//! The rule at the centre, against its documented steps written down a second time.
//!
//! - [`rows`]: a table that a person can read: one row, one situation, one reason.
//! - [`product`]: every combination of what the rule reads, compared with [`oracle`].
//! - [`broken`]: a rule that is answered otherwise changes the rows it is about and no others.
//! - [`names`]: which name covers which, with webpki as the strict second opinion.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod broken;
mod names;
mod oracle;
mod product;
mod rows;
mod world;

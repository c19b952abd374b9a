//! The cmdlets on the built-in stories.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod clients;
mod edge;
mod look;
mod mend;
mod pasted;
mod printed;
mod refuse;
mod send;
mod world;

//! The cmdlets on the built-in stories.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "cmdlets/edge.rs"]
mod edge;
#[path = "cmdlets/look.rs"]
mod look;
#[path = "cmdlets/mend.rs"]
mod mend;
#[path = "cmdlets/pasted.rs"]
mod pasted;
#[path = "cmdlets/printed.rs"]
mod printed;
#[path = "cmdlets/refuse.rs"]
mod refuse;
#[path = "cmdlets/send.rs"]
mod send;
#[path = "cmdlets/world.rs"]
mod world;

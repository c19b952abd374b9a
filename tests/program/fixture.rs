//! The program as a fixture of somebody's test: it says when it is ready, ends when it is told or has
//! seen enough, and runs a command against a lab that is there for that command alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

#[cfg(unix)]
mod ends;
mod exec;
#[cfg(unix)]
mod expectations;
#[cfg(unix)]
mod notify;
#[cfg(unix)]
mod recording;
mod serve;
pub(crate) mod support;
#[cfg(unix)]
mod trust;

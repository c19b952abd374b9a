//! The control API: a running lab steered and read over HTTP.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod clock;
mod document;
mod guard;
mod http;
mod mail;
mod page;
mod past;
#[cfg(feature = "cli")]
mod program;
mod schemathesis;
mod steer;
mod support;
mod views;
mod wait;

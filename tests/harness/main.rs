//! The harness, as somebody else's test suite uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

#[path = "../common/blocking.rs"]
mod blocking;

mod clock;
mod examples;
mod in_async_tests;
mod in_blocking_tests;

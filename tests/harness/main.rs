//! The harness, as somebody else's test suite uses it.

#[path = "../common/blocking.rs"]
mod blocking;

mod clock;
mod examples;
mod in_async_tests;
mod in_blocking_tests;

//! The examples in Rust, each run as a program.
#![allow(clippy::unwrap_used, reason = "in a test, that is how to fail")]

#[path = "../../examples/must_not_fall_back.rs"]
mod must_not_fall_back;
#[path = "../../examples/withheld.rs"]
mod withheld;

#[test]
fn withheld_goes_from_clear_to_tls() {
    withheld::main().unwrap();
}

#[test]
fn must_not_fall_back_delivers_nothing() {
    must_not_fall_back::main().unwrap();
}

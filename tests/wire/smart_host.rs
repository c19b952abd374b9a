//! A Send connector and its smart host: the logon, and several messages over one connection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod logon;
mod played;
mod several;
mod wire;

//! The program and its control API, as people and other programs use them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

#[macro_use]
#[path = "../common/edge_and_hub.rs"]
mod edge_and_hub;
#[path = "../common/client.rs"]
mod client;
#[path = "../common/installed.rs"]
mod installed;
#[path = "../common/refusing.rs"]
mod refusing;
#[path = "../common/verify_scenarios.rs"]
mod verify_scenarios;

mod cli;
mod cli_probe;
mod cli_relay;
mod cli_renew;
mod cli_send;
mod cli_verify;
mod console;
mod documents;
mod dry_run;
mod endurance;
mod examples;
mod first_screen;
mod fixture;
mod html;
mod judge;
mod machine;
mod page;
mod progress;
mod promises;
mod shell;
mod signals;

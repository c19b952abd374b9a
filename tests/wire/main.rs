//! What goes over connections: the engine, its servers, senders and relays, TLS, and every scenario and
//! catalogue entry on the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

#[macro_use]
#[path = "../common/edge_and_hub.rs"]
mod edge_and_hub;
#[path = "../common/both.rs"]
mod both;
#[path = "../common/client.rs"]
mod client;
#[path = "../common/handshake_fault.rs"]
mod handshake_fault;
#[path = "../common/installed.rs"]
mod installed;
#[path = "../common/process.rs"]
mod process;
#[path = "../common/refusing.rs"]
mod refusing;
#[path = "../common/verify_scenarios.rs"]
mod verify_scenarios;

mod agree;
mod agree_odd;
mod agree_senders;
mod agree_sides;
mod catalogue;
mod dry_run;
mod entries;
mod entries_openssl;
mod faults_certificate;
mod faults_starttls;
mod interleavings;
mod lab;
mod lab_keys;
mod probe;
mod probe_odd;
mod relay;
mod robust;
mod send_wire;
mod sending_lab;
mod smart_host;
mod tls_handshake;
mod tls_misconduct;
mod verify;

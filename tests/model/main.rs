//! What decides, and never awaits: certificates, selection, cmdlets, fixes, sessions and lab files as values;
//! and the tests that read the repository itself (map, dependencies, tables).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

#[macro_use]
#[path = "../common/edge_and_hub.rs"]
mod edge_and_hub;
#[path = "../common/installed.rs"]
mod installed;

mod attendant;
mod check_advice;
mod check_fixes;
mod check_report;
mod check_send;
mod check_words;
mod clients_table;
mod cmdlets;
mod computers;
mod dependencies;
mod dialogue_player;
mod dialogues;
mod faults_smtp;
mod keywords;
mod map;
mod pki_issue;
mod pki_odd;
mod pki_openssl;
mod scenario_file;
mod scenarios;
mod selection;
mod send_connector;
mod sending;
mod session;
mod shell_page;
mod smtp_oracle;

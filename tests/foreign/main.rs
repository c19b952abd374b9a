//! Foreign clients against the program, over real sockets: what swaks, OpenSSL, curl, Python's
//! smtplib, lettre and a real Postfix do at a connector whose certificate does not fit, and what
//! they do once it fits. None of them shares a line of SMTP or TLS code with the lab (lettre shares
//! rustls, on the other end of the wire). And the lab as a sender, at servers that are not the lab's:
//! Postfix, aiosmtpd, OpenSSL's `s_server`, and a few lines of Python; and as a reader (`probe`) of Postfix, Exim
//! and aiosmtpd.
//!
//! A program that is not installed is skipped and said to be; with `STARTTLS_LAB_REQUIRE_CLIENTS=1`
//! its absence is a failure.

#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what fails in the support of a test is a failed test"
)]

#[path = "../common/handshake_fault.rs"]
mod handshake_fault;
#[path = "../common/installed.rs"]
mod installed;
#[path = "../common/process.rs"]
mod process;

mod curl;
mod handshakes;
mod lettre;
mod openssl;
mod postfix;
mod receivers;
mod smtplib;
mod support;
mod swaks;

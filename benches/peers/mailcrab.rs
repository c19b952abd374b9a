//! A sink on mailcrab's library that keeps its newest 10,000 messages: `mailcrab PORT clear|tls`.
//!
//! mailcrab speaks implicit TLS only, with the `cert.pem` and `key.pem` of its working directory.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

const KEPT: usize = 10_000;

// One thread, as the lab has.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let port = arguments[1].parse().expect("a port");
    let (sender, mut receiver) = broadcast::channel(1024);
    let address = Ipv4Addr::LOCALHOST.into();
    tokio::spawn(mailcrab::mail_server(address, port, sender, arguments[2] == "tls", CancellationToken::new()));
    let mut kept = VecDeque::new();
    loop {
        match receiver.recv().await {
            Ok(message) => kept.push_back(message),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }
}

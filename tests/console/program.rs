//! The control API of the program: where the ready line says, and with a token where there has to be one.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::http::ask;

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_starttls-lab"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ["STARTTLS_LAB_CONTROL", "STARTTLS_LAB_CONTROL_TOKEN"].iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// A program that goes with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn serve_is_steered_where_its_ready_line_says_and_with_its_token() {
    let args = ["serve", "fqdn-mismatch", "--port", "0", "--control", "0", "--control-token", "s3cret"];
    let mut running = Running(program(&args).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let control = ready["control"].as_str().unwrap().strip_prefix("http://").unwrap();
    let address: SocketAddr = control.parse().unwrap();
    ask(address, "GET /api/v1/connectors", "", &[]).await.problem(401);
    let connectors = ask(address, "GET /api/v1/connectors", "", &["Authorization: Bearer s3cret"]).await.ok();
    assert_eq!(connectors[0]["addrs"][0], ready["connectors"][0]["addr"]);
}

#[test]
fn serve_does_not_start_beyond_loopback_without_a_token() {
    for (at, code, words) in [("0.0.0.0:0", 2, "--control-token"), ("nowhere", 2, "127.0.0.1:8025")] {
        let mut running = Running(program(&["serve", "--port", "0", "--control", at]).spawn().unwrap());
        let mut said = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(running.0.wait().unwrap().code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

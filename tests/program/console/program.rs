//! The control API of the program: where the ready line says, and with a token where there has to be one.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::console::http::ask;

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_starttls-lab"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["STARTTLS_LAB_CONTROL", "STARTTLS_LAB_CONTROL_TOKEN", "STARTTLS_LAB_NO_CONTROL"] {
        command.env_remove(name);
    }
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

impl Running {
    /// What the ready line of `serve` says.
    fn serve(command: &mut Command) -> (Self, Value) {
        let mut running = Self(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (running, serde_json::from_str(&line).unwrap())
    }

    /// How many TCP sockets it listens on, as the system says.
    #[cfg(target_os = "linux")]
    fn listening(&self) -> usize {
        const LISTEN: &str = "0A";
        let folder = format!("/proc/{}", self.0.id());
        let files = std::fs::read_dir(format!("{folder}/fd")).unwrap();
        let open: Vec<_> = files
            .filter_map(|file| Some(std::fs::read_link(file.ok()?.path()).ok()?.display().to_string()))
            .collect();
        let sockets = std::fs::read_to_string(format!("{folder}/net/tcp")).unwrap();
        let own = sockets.lines().filter(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.get(3) == Some(&LISTEN) && open.contains(&format!("socket:[{}]", words[9]))
        });
        own.count()
    }
}

#[tokio::test]
async fn serve_is_steered_where_its_ready_line_says_and_with_its_token() {
    let args = ["serve", "fqdn-mismatch", "--port", "0", "--control", "0", "--control-token", "s3cret"];
    let (_running, ready) = Running::serve(&mut program(&args));
    let control = ready["control"].as_str().unwrap().strip_prefix("http://").unwrap();
    let address: SocketAddr = control.parse().unwrap();
    assert_eq!(ready["page"], format!("http://{address}/"));
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

#[test]
fn a_second_lab_has_a_page_at_another_port() {
    let free =
        || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let serve = || Running::serve(&mut program(&["serve", "--port", &free(), "--control-path", "/lab"]));
    let ((_one, one), (_other, other)) = (serve(), serve());
    assert_ne!(one["page"], other["page"]);
    assert_eq!(other["page"], format!("{}/lab/", other["control"].as_str().unwrap()));
}

#[test]
#[cfg(target_os = "linux")]
fn with_no_control_nothing_listens_but_the_connectors() {
    let serve = ["serve", "fqdn-mismatch", "--port", "0"];
    let (open, ready) = Running::serve(&mut program(&serve));
    assert!(ready["control"].is_string(), "{ready}");
    assert_eq!(open.listening(), 2, "the connector and the control API");
    let by_flag = Running::serve(program(&serve).args(["--no-control", "--control", "0"]));
    let by_variable = Running::serve(program(&serve).env("STARTTLS_LAB_NO_CONTROL", "true"));
    for (closed, ready) in [by_flag, by_variable] {
        assert_eq!(ready.get("control"), Some(&Value::Null), "{ready}");
        assert_eq!(ready.get("page"), Some(&Value::Null), "{ready}");
        assert_eq!(ready["connectors"].as_array().unwrap().len(), 1, "{ready}");
        assert_eq!(closed.listening(), 1, "the connector alone");
    }
}

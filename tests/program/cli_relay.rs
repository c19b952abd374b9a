//! `serve` with two computers: what a person reads of mail on its way from one to the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const LAB: &str = edge_and_hub! {
    domain: "contoso.test",
    head: r#"
title = "Edge and Hub"
"#,
    edge: r#"
[[computer.certificate]]
names = ["edge.contoso.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "Default internal receive connector EDGE"
[[computer.send_connector]]
name = "EdgeSync - Inbound to Site"
usage = "EdgeSyncInbound"
protocol_logging_level = "Verbose"
"#,
    hub: r#"
accepted_domains = ["contoso.test"]
[[computer.certificate]]
names = ["hub.contoso.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "Default HUB"
"#,
};

/// A program that is stopped when the test is over, however that ends.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Says every line once the one before was answered.
fn hand_in(address: &str, lines: &[&str]) {
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    let mut answer = String::new();
    let mut answered = |stream: &mut BufReader<TcpStream>| {
        answer.clear();
        while answer.lines().last().is_none_or(|line| line.as_bytes()[3] == b'-') {
            assert!(stream.read_line(&mut answer).unwrap() > 0, "closed after {answer}");
        }
        assert!(answer.starts_with(['2', '3']), "{answer}");
    };
    answered(&mut stream);
    for line in lines {
        write!(stream.get_mut(), "{line}\r\n").unwrap();
        answered(&mut stream);
    }
}

#[test]
fn serve_shows_which_computer_sends_to_which_and_every_line_between_them_once() {
    let dir = tempfile::tempdir().unwrap();
    let (file, logs) = (dir.path().join("lab.toml"), dir.path().join("logs"));
    fs::write(&file, LAB).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_starttls-lab"));
    command.arg("serve").arg(&file).args(["--port", "0", "--log-dir"]).arg(&logs);
    let mut served = Stopped(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut stdout = BufReader::new(served.0.stdout.take().unwrap());
    let mut said = String::new();
    stdout.read_line(&mut said).unwrap();
    let ready: Value = serde_json::from_str(&said).unwrap();
    let address = ready["connectors"][0]["addr"].as_str().unwrap();
    let (mail, rcpt) = ("MAIL FROM:<a@client.example>", "RCPT TO:<b@contoso.test>");
    hand_in(address, &["EHLO client.example", mail, rcpt, "DATA", "Subject: x\r\n\r\nx\r\n.", "QUIT"]);
    while !said.lines().last().is_some_and(|line| line.starts_with(">> EDGE")) {
        assert!(stdout.read_line(&mut said).unwrap() > 0, "it ended: {said}");
    }
    for line in [
        "] -- connecting to HUB (127.0.0.3:",
        ", EDGE\\EdgeSync - Inbound to Site\n",
        "] -- EDGE (127.0.0.2:",
        ">> HUB: message 2 for b@contoso.test delivered to the mailbox\n",
        ">> EDGE: message 1 for b@contoso.test sent to HUB, over EdgeSync - Inbound to Site\n",
    ] {
        assert!(said.contains(line), "{line:?} is missing in {said}");
    }
    assert_eq!(said.matches("C: X-ANONYMOUSTLS\n").count(), 1, "{said}");
    let log = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path());
    let log = log.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("SEND"));
    let log = fs::read_to_string(log.expect("no SmtpSend protocol log")).unwrap();
    assert!(log.contains("EdgeSync - Inbound to Site,") && log.contains(",>,X-ANONYMOUSTLS,"), "{log}");
}

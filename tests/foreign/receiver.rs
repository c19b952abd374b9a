//! The lab as a sender to a server it shares no code with: SMTP in thirty lines of Python, TLS by OpenSSL.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;

use starttls_lab::lab::{Lab, Options};
use starttls_lab::pki::Certificate;
use starttls_lab::scenario::ScenarioText;
use starttls_lab::session::send::{Outcome, Outgoing, ResultType, SenderPolicy, Task};
use starttls_lab::smtp::ReversePath;
use starttls_lab::wire::{Ports, Sender};
use tempfile::TempDir;

use crate::support::{Lines, MAIL_FROM, Program, RCPT_TO};

/// Certificates for the receiver, and a Send connector with one of its own.
const LAB: &str = r#"
title = "A lab that sends"

[[computer]]
name = "MAILGATE"
fqdn = "gate.lab.test"
role = "edge"
profile = "exchange-2019"

[[computer.certificate]]
label = "own"
subject = "CN=gate.lab.test"
names = ["gate.lab.test"]
services = ["SMTP"]

[[computer.certificate]]
label = "good"
names = ["mx.lab.test"]

[[computer.certificate]]
label = "other"
names = ["other.lab.test"]

[[computer.certificate]]
label = "expired"
names = ["mx.lab.test"]
not_before = "-300d"
not_after = "-2d"

[[computer.certificate]]
label = "self-signed"
names = ["mx.lab.test"]
issuer = "self"

[[computer.receive_connector]]
name = "From Internet"

[[computer.send_connector]]
name = "To Partner"
"#;

/// The server, which ends with the value.
struct Receiver {
    child: Child,
    said: Lines,
    address: SocketAddr,
    _directory: TempDir,
}

impl Receiver {
    fn presenting(python: &Program, lab: &Lab, label: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let computers = lab.computers();
        let stored = computers[0].store.iter().find(|stored| stored.label == label).unwrap();
        let material = stored.material.as_ref().unwrap();
        let chain = std::iter::once(&material.certificate).chain(&material.intermediates);
        let chain: String = chain.map(Certificate::to_pem).collect();
        let mut command = python.command();
        command.args(["-c", include_str!("receiver.py")]).arg(write("chain.pem", &chain));
        command.arg(write("key.pem", &material.key.to_pem())).arg(write("ca.pem", &lab.root().to_pem()));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = Lines::of(child.stdout.take().unwrap());
        let port: u16 = said.wait_for("the port", |_| true).parse().unwrap();
        Self { child, said, address: ([127, 0, 0, 1], port).into(), _directory: directory }
    }

    /// What the server says of the next conversation, in one line.
    fn conversation(&mut self) -> String {
        let mut said = Vec::new();
        loop {
            match self.said.wait_for("the end of a conversation", |_| true).as_str() {
                "end" => return said.join("; "),
                line => said.push(line.to_owned()),
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn attempt(sender: &Sender, receiver: &Receiver, policy: &str) -> (Outcome, Option<ResultType>) {
    let task = Task {
        policy: SenderPolicy::named(policy).unwrap(),
        in_clear: false,
        helo: "gate.lab.test".parse().unwrap(),
        host: "mx.lab.test".to_owned(),
        next_hop: "lab.test".to_owned(),
        connector: None,
        credentials: sender.credentials(),
        message: Arc::new(Outgoing {
            from: ReversePath::Address(MAIL_FROM.parse().unwrap()),
            to: vec![RCPT_TO.parse().unwrap()],
            content: "Subject: hello\r\n\r\nfrom the lab\r\n".into(),
        }),
    };
    let attempt = sender.attempt(receiver.address, &Arc::new(task)).await;
    (attempt.outcome, attempt.result_type)
}

#[tokio::test]
async fn senders_end_at_a_foreign_server_as_their_classes_say() {
    let Some(python) = Program::find("python3", "python3") else { return };
    let scenario = ScenarioText::parse(LAB, "sending.toml").unwrap();
    let options = Options { ports: Ports::Free, ..Options::default() };
    let lab = Lab::start(&scenario, options).await.unwrap();
    let sender = lab.sender("MAILGATE", "To Partner").unwrap().unwrap();

    let shown = "tls TLSv1.3 commonName=gate.lab.test";
    for (label, word) in [
        ("good", None),
        ("other", Some(ResultType::CertificateHostMismatch)),
        ("expired", Some(ResultType::CertificateExpired)),
        ("self-signed", Some(ResultType::CertificateNotTrusted)),
    ] {
        let mut receiver = Receiver::presenting(&python, &lab, label);
        let (outcome, _) = attempt(&sender, &receiver, "may").await;
        assert_eq!(outcome, Outcome::DeliveredOverTls { authenticated: false }, "{label}");
        assert_eq!(receiver.conversation(), format!("{shown}; message encrypted 3"), "{label}");

        let (outcome, told) = attempt(&sender, &receiver, "verify").await;
        let expected = match word {
            None => (Outcome::DeliveredOverTls { authenticated: true }, None),
            Some(_) => (Outcome::Deferred, word),
        };
        assert_eq!((outcome, told), expected, "{label}");
        let message = if word.is_none() { "; message encrypted 3" } else { "" };
        assert_eq!(receiver.conversation(), format!("{shown}{message}"), "{label}");

        let (outcome, told) = attempt(&sender, &receiver, "library").await;
        assert_eq!((outcome.is_delivered(), told), (word.is_none(), word), "{label}");
        let said = receiver.conversation();
        assert_eq!(said.contains("message"), word.is_none(), "{label}: {said}");

        let (outcome, _) = attempt(&sender, &receiver, "none").await;
        assert_eq!(outcome, Outcome::DeliveredInClear, "{label}");
        assert_eq!(receiver.conversation(), "message clear 3", "{label}");
    }
}

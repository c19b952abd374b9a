//! SMTP in thirty lines of Python, TLS by OpenSSL: the server that asks for the sender's own certificate.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use starttls_lab::internal::session::send::{Outcome, ResultType};
use tempfile::TempDir;

use super::lab::SendingLab;
use crate::support::{Lines, Program};

/// The server, which ends with the value.
struct Receiver {
    child: Child,
    said: Lines,
    address: SocketAddr,
    _directory: TempDir,
}

impl Receiver {
    fn presenting(python: &Program, lab: &SendingLab, label: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (chain, key) = lab.write_pem(label, directory.path());
        let ca_file = directory.path().join("ca.pem");
        fs::write(&ca_file, lab.root()).unwrap();
        let mut command = python.command();
        command.args(["-c", include_str!("python.py")]).arg(chain).arg(key).arg(ca_file);
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

#[tokio::test]
async fn senders_end_at_a_foreign_server_as_their_classes_say() {
    let Some(python) = Program::find("python3", "python3") else { return };
    let lab = SendingLab::in_real_time().await;

    let shown = "tls TLSv1.3 commonName=gate.lab.test";
    for (label, word) in [
        ("good", None),
        ("other-domain", Some(ResultType::CertificateHostMismatch)),
        ("expired", Some(ResultType::CertificateExpired)),
        ("self-signed", Some(ResultType::CertificateNotTrusted)),
    ] {
        let mut receiver = Receiver::presenting(&python, &lab, label);
        let (outcome, _) = attempt(&lab, "may", &receiver).await;
        assert_eq!(outcome, Outcome::DeliveredOverTls { authenticated: false }, "{label}");
        assert_eq!(receiver.conversation(), format!("{shown}; message encrypted 3"), "{label}");

        let (outcome, told) = attempt(&lab, "verify", &receiver).await;
        let expected = match word {
            None => (Outcome::DeliveredOverTls { authenticated: true }, None),
            Some(_) => (Outcome::Deferred, word),
        };
        assert_eq!((outcome, told), expected, "{label}");
        let message = if word.is_none() { "; message encrypted 3" } else { "" };
        assert_eq!(receiver.conversation(), format!("{shown}{message}"), "{label}");

        let (outcome, told) = attempt(&lab, "library", &receiver).await;
        assert_eq!((outcome.is_delivered(), told), (word.is_none(), word), "{label}");
        let said = receiver.conversation();
        assert_eq!(said.contains("message"), word.is_none(), "{label}: {said}");

        let (outcome, _) = attempt(&lab, "none", &receiver).await;
        assert_eq!(outcome, Outcome::DeliveredInClear, "{label}");
        assert_eq!(receiver.conversation(), "message clear 3", "{label}");
    }
}

async fn attempt(lab: &SendingLab, sender: &str, receiver: &Receiver) -> (Outcome, Option<ResultType>) {
    let attempt = lab.attempt(sender, "hello", receiver.address).await;
    (attempt.outcome, attempt.result_type)
}

//! A lab that sends, and whose authority issues the certificates of the servers it sends to.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::pki::Certificate;
use starttls_lab::internal::probe::{self, Prober};
use starttls_lab::internal::scenario::ScenarioText;
use starttls_lab::internal::session::send::{Attempt, Delivery, NextAttempt, Outgoing, SenderPolicy, Task};
use starttls_lab::internal::smtp::ReversePath;
use starttls_lab::internal::wire::{Ports, Sender};

use super::table::{ATTEMPTS, Made};
use crate::support::{MAIL_FROM, PATIENCE};

/// Certificates for the servers, and a Send connector with one of its own.
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
names = ["mx.lab.test", "lab.test"]

[[computer.certificate]]
label = "other-host"
names = ["other.lab.test"]

[[computer.certificate]]
label = "other-domain"
names = ["mx.other.test"]

[[computer.certificate]]
label = "expired"
names = ["mx.lab.test", "lab.test"]
not_before = "-300d"
not_after = "-2d"

[[computer.certificate]]
label = "self-signed"
names = ["mx.lab.test", "lab.test"]
issuer = "self"

[[computer.receive_connector]]
name = "From Internet"

[[computer.send_connector]]
name = "To Partner"
"#;

/// The host that every server is, by the name the sender knows it by.
pub(super) const HOST: &str = "mx.lab.test";
/// The domain that the messages are for, and the next hop.
pub(super) const DOMAIN: &str = "lab.test";
/// Whom they are for.
pub(super) const RECIPIENT: &str = "administrator@lab.test";

/// The lab, with its Send connector at work.
pub(super) struct SendingLab {
    lab: Engine,
    sender: Sender,
}

impl SendingLab {
    /// A lab whose clock stands still between attempts.
    pub(super) async fn start() -> Self {
        Self::read(&format!("now = \"2031-01-06T09:00:00Z\"\n{LAB}")).await
    }

    /// A lab in the machine's own time, for servers that look at the sender's certificate.
    pub(super) async fn in_real_time() -> Self {
        Self::read(LAB).await
    }

    async fn read(text: &str) -> Self {
        let scenario = ScenarioText::parse(text, "sending.toml").unwrap();
        let options = Options { ports: Ports::Free, ..Options::default() };
        let lab = Engine::start(&scenario, options).await.unwrap();
        let sender = lab.sender("MAILGATE", "To Partner").unwrap().unwrap();
        Self { lab, sender }
    }

    /// The certificate of the authority, as PEM.
    pub(super) fn root(&self) -> String {
        self.lab.root().to_pem()
    }

    /// A reader of servers who trusts the lab's authority, at the lab's time, and looks for [`HOST`].
    pub(super) fn prober(&self) -> Prober {
        let options = probe::Options {
            helo: "gate.lab.test".parse().unwrap(),
            name: Some(HOST.to_owned()),
            domain: None,
            implicit_tls: false,
            patience: PATIENCE,
            once: false,
        };
        Prober::new(options, std::slice::from_ref(self.lab.root()), self.lab.clock()).unwrap()
    }

    /// Writes the chain and the key of the certificate with this label into `directory`.
    pub(super) fn write_pem(&self, label: &str, directory: &Path) -> (PathBuf, PathBuf) {
        let write = |name: &str, text: &str| {
            let path = directory.join(format!("{label}.{name}.pem"));
            fs::write(&path, text).unwrap();
            path
        };
        let computers = self.lab.computers();
        let stored = computers[0].store.iter().find(|stored| stored.label == label).unwrap();
        let material = stored.material.as_ref().unwrap();
        let chain = std::iter::once(&material.certificate).chain(&material.intermediates);
        let chain: String = chain.map(Certificate::to_pem).collect();
        (write("chain", &chain), write("key", &material.key.to_pem()))
    }

    /// Makes one attempt as the built-in sender of this name.
    pub(super) async fn attempt(&self, policy: &str, subject: &str, address: SocketAddr) -> Attempt {
        self.try_once(SenderPolicy::named(policy).unwrap(), false, subject, address).await
    }

    /// Takes a message to `address` until it is delivered, bounced, or deferred often enough to see
    /// that it stays so; calls `afterwards` after each attempt.
    pub(super) async fn deliver(
        &self,
        policy: &str,
        subject: &str,
        address: SocketAddr,
        mut afterwards: impl FnMut(),
    ) -> Vec<Made> {
        let clock = self.lab.clock();
        let policy = SenderPolicy::named(policy).unwrap();
        let start = clock.now();
        let mut delivery = Delivery::new(policy.clone(), start);
        for _ in 0..ATTEMPTS {
            match delivery.next() {
                NextAttempt::Never => break,
                NextAttempt::Now => {}
                NextAttempt::At(due) => clock.advance(due.duration_since(clock.now())),
            }
            let now = clock.now();
            let attempt = self.try_once(policy.clone(), delivery.in_clear(now), subject, address).await;
            afterwards();
            delivery.note(now, attempt);
        }
        let made = delivery.attempts().iter();
        made.map(|made| Made {
            minutes: made.at.duration_since(start).as_mins(),
            outcome: made.attempt.outcome,
            word: made.attempt.result_type,
        })
        .collect()
    }

    async fn try_once(
        &self,
        policy: SenderPolicy,
        in_clear: bool,
        subject: &str,
        address: SocketAddr,
    ) -> Attempt {
        let task = Arc::new(Task {
            policy,
            in_clear,
            helo: "gate.lab.test".parse().unwrap(),
            host: HOST.to_owned(),
            next_hop: DOMAIN.to_owned(),
            connector: None,
            credentials: self.sender.credentials(),
            message: Arc::new(Outgoing {
                from: ReversePath::Address(MAIL_FROM.parse().unwrap()),
                to: vec![RECIPIENT.parse().unwrap()],
                content: format!("Subject: {subject}\r\n\r\nfrom the lab\r\n").into(),
            }),
        });
        let attempt = tokio::time::timeout(PATIENCE, self.sender.attempt(address, &task)).await;
        attempt.expect("the attempt hangs")
    }
}

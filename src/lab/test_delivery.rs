//! A test message: sent at once to one address, as one of the built-in senders, with a journal of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Clock;
use crate::exchange::{Computer, Profile, Role, SendConnector, SendUsage, TimeSpan};
use crate::journal::{Bounds, Journal, attempt_sentence};
use crate::name::Fqdn;
use crate::pki::Certificate;
use crate::session::send::{
    Attempt, Credentials, Delivery, NextAttempt, Outcome, Outgoing, Queue, SenderPolicy, Task, last_error,
};
use crate::smtp::{Address, HelloName, ReversePath};
use crate::tls::TlsSetupError;
use crate::wire::{LabState, Sender};

/// The name of the connector that sends test messages.
const CONNECTOR: &str = "starttls-lab send";

/// A test message and its sender.
#[derive(Clone, Debug)]
pub struct TestMessage {
    /// The kind of sender.
    pub policy: SenderPolicy,
    /// The name that the sender gives in EHLO.
    pub helo: Fqdn,
    /// The time for which the sender waits for a reply.
    pub timeout: TimeSpan,
    /// The name that SNI asks for and that the certificate may be checked against.
    pub host: String,
    /// The domain that is delivered to.
    pub next_hop: String,
    /// The address that notifications go to.
    pub from: ReversePath,
    /// The recipients.
    pub to: Vec<Address>,
    /// The subject of the message.
    pub subject: &'static str,
}

/// The delivery of a test message to one address.
#[derive(Debug)]
pub struct TestDelivery {
    address: SocketAddr,
    task: Task,
    sender: Sender,
    delivery: Delivery,
    clock: Clock,
    journal: Arc<Journal>,
}

/// The result of a test message.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestReport {
    /// Where it was sent to.
    #[schemars(with = "String")]
    pub to: SocketAddr,
    /// The sender's name.
    pub policy: &'static str,
    /// True if the server accepted it.
    pub delivered: bool,
    /// How it was delivered: `verified`, `tls` or `clear`; nothing if it was not.
    pub security: Option<&'static str>,
    /// The result, in a sentence.
    pub sentence: String,
    /// When a server would try again.
    pub next_attempt: Option<String>,
    /// The error that Exchange's queue would show.
    pub queue_error: Option<String>,
    /// The attempts: outcome, reason, TLS.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub attempts: Vec<Attempt>,
}

impl TestDelivery {
    /// Prepares the delivery of `message` to `address`, by a sender that trusts `roots`.
    ///
    /// # Errors
    ///
    /// A root that cannot be used.
    pub fn new(
        message: TestMessage,
        address: SocketAddr,
        roots: &[Certificate],
        clock: Clock,
    ) -> Result<Self, TlsSetupError> {
        let TestMessage { policy, helo: fqdn, timeout, host, next_hop, from, to, subject } = message;
        let helo = HelloName::from(&fqdn);
        let journal = Arc::new(Journal::new(Bounds::default()));
        let computer = Arc::new(Computer::new("SENDER", fqdn, Role::Edge, Profile::Exchange2019));
        let mut connector = SendConnector::new(CONNECTOR.to_owned(), SendUsage::Custom);
        connector.connection_inactivity_time_out = timeout;
        let state = LabState::new(vec![Arc::clone(&computer)], clock.clone(), Arc::clone(&journal));
        let sender = Sender::new(Arc::new(state), computer, Arc::new(connector), roots)?;
        let now = clock.now();
        let delivery = Delivery::new(policy.clone(), now);
        let task = Task {
            in_clear: false,
            host,
            next_hop,
            connector: Some(CONNECTOR.to_owned()),
            credentials: Credentials::Usable,
            message: Arc::new(Outgoing::test(from, to, &helo, subject, policy.name, now)),
            helo,
            policy,
        };
        Ok(Self { address, task, sender, delivery, clock, journal })
    }

    /// Returns the journal of the sender.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Makes every attempt that is due at once, and hands `again` the sentence about each one that another one
    /// follows. An attempt that is due later is not waited for.
    pub async fn run(&mut self, mut again: impl FnMut(&str)) {
        while self.delivery.next() == NextAttempt::Now {
            if let Some(made) = self.delivery.attempts().last() {
                again(&attempt_sentence(&made.attempt, &self.task.host));
            }
            let now = self.clock.now();
            let task = Task { in_clear: self.delivery.in_clear(now), ..self.task.clone() };
            let attempt = self.sender.attempt(self.address, &Arc::new(task)).await;
            self.delivery.note(now, attempt);
        }
    }

    /// Returns the result of the attempts so far; `None` before the first has ended.
    pub fn report(&self) -> Option<TestReport> {
        let Self { address, task, delivery, clock, .. } = self;
        let last = &delivery.attempts().last()?.attempt;
        Some(TestReport {
            to: *address,
            policy: task.policy.name,
            delivered: last.outcome.is_delivered(),
            security: match last.outcome {
                Outcome::DeliveredOverTls { authenticated: true } => Some("verified"),
                Outcome::DeliveredOverTls { authenticated: false } => Some("tls"),
                Outcome::DeliveredInClear => Some("clear"),
                Outcome::Deferred | Outcome::Bounced => None,
            },
            sentence: attempt_sentence(last, &task.host),
            next_attempt: match delivery.next() {
                NextAttempt::At(time) => Some(format!("{time:.0}")),
                NextAttempt::Now | NextAttempt::Never => None,
            },
            queue_error: match task.policy.queue {
                Queue::Exchange(profile) => last_error(profile, last, &task.host, address, clock.now()),
                Queue::Nobody | Queue::Server => None,
            },
            attempts: delivery.attempts().iter().map(|made| made.attempt.clone()).collect(),
        })
    }
}

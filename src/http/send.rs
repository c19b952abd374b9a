//! A test message to a connector of the lab, sent as one of the built-in senders.
//!
//! It goes to the lab's own listeners and nowhere else. The sender keeps a journal of its own, so what the lab
//! records is the conversation as its connector sees it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, json};
use super::input;
use super::limits::{MOST_SENDERS, too_many};
use super::problem::Problem;
use super::{Shared, reachable};
use crate::exchange::{Computer, Profile, Role, SendConnector, SendUsage, TimeSpan};
use crate::journal::{Bounds, Journal, attempt_sentence, transcript_line};
use crate::lab::Listening;
use crate::name::Fqdn;
use crate::observe::is_called;
use crate::session::send::{
    Attempt, BUILT_IN, Credentials, Delivery, NextAttempt, Outcome, Outgoing, Queue, SenderPolicy, Task,
    Trust, Use, last_error,
};
use crate::smtp::{Address, HelloName, ReversePath};
use crate::wire::{LabState, Sender};

/// The name that a test message's sender introduces itself with.
const HELLO: &str = "starttls-lab.test";
/// The time for which a sender waits for a reply, and the limit for the whole delivery.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(60);
/// The maximum number of recipients.
const MOST_RECIPIENTS: usize = 10;

/// A test message. What is omitted is chosen so that the lab accepts the message.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestMessage {
    /// The computer that it is sent to; if omitted, the connector's.
    computer: Option<String>,
    /// The connector that it is sent to, by its name, `SERVER\Name` or FQDN; if omitted, the first that
    /// listens.
    connector: Option<String>,
    /// The kind of sender, by a name of `/api/v1/senders`.
    policy: String,
    /// The sender of the message; empty for the null path.
    from: Option<String>,
    /// The recipients.
    #[serde(default)]
    to: Vec<String>,
    /// The name that the sender connects to and expects in the certificate; if omitted, the connector's FQDN.
    name: Option<Fqdn>,
}

/// The result of a test message.
#[derive(Serialize, JsonSchema)]
pub(super) struct SentView {
    /// The address that it was sent to.
    to: String,
    /// The sender's name.
    policy: &'static str,
    /// True if the lab accepted it.
    delivered: bool,
    /// The security of the delivery: `verified`, `tls` or `clear`; nothing if it was not delivered.
    security: Option<&'static str>,
    /// The result, in a sentence.
    sentence: String,
    /// The time at which a server would try again.
    next_attempt: Option<String>,
    /// The error that Exchange's queue would show.
    queue_error: Option<String>,
    /// The attempts: outcome, reason, TLS.
    attempts: Vec<Value>,
    /// The sessions as the sender saw them, one line for each thing that was sent and done.
    transcript: Vec<String>,
}

/// A kind of sender.
#[derive(Serialize, JsonSchema)]
pub(super) struct SenderView {
    /// Its name.
    name: &'static str,
    /// Other names of it.
    aliases: &'static [&'static str],
    /// A description of its behavior, in one line.
    about: &'static str,
    /// True if it sends over TLS or not at all.
    requires_tls: bool,
    /// True if the certificate has to prove something.
    verifies: bool,
}

pub(super) async fn senders() -> Answer {
    let views = BUILT_IN.iter().map(|it| SenderView {
        name: it.policy.name,
        aliases: it.aliases,
        about: it.about,
        requires_tls: it.policy.tls == Use::Required,
        verifies: it.policy.trust != Trust::Nothing,
    });
    json(&views.collect::<Vec<_>>())
}

pub(super) async fn send(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let message: TestMessage = input::json(body).await?;
    let policy = policy(&message.policy)?;
    let target = target(&shared.lab.connectors(), &message)?;
    let _place =
        shared.senders.try_acquire().map_err(|_| too_many("test messages under way", MOST_SENDERS))?;
    let clock = shared.lab.clock();
    let journal = Arc::new(Journal::new(Bounds::default()));
    let task = task(&shared, &message, policy, &target)?;
    let sender = sender(&shared, &journal)?;
    let address = reachable(target.addr);
    let mut delivery = Delivery::new(task.policy.clone(), clock.now());
    // Only an attempt that is due at once is awaited.
    let trying = async {
        while delivery.next() == NextAttempt::Now {
            let now = clock.now();
            let task = Arc::new(Task { in_clear: delivery.in_clear(now), ..task.clone() });
            let attempt = sender.attempt(address, &task).await;
            delivery.note(now, attempt);
        }
    };
    // By the machine's time: the lab's own may stand still.
    let in_time = tokio::time::timeout(LONGEST, trying).await.is_ok();
    let Some(last) = delivery.attempts().last().map(|made| &made.attempt) else {
        let detail = if in_time { "no attempt was made" } else { "the connector did not answer in time" };
        return Err(Problem::new(axum::http::StatusCode::GATEWAY_TIMEOUT, detail));
    };
    let next_attempt = match delivery.next() {
        NextAttempt::At(time) => Some(format!("{time:.0}")),
        NextAttempt::Now | NextAttempt::Never => None,
    };
    let queue_error = match task.policy.queue {
        Queue::Exchange(profile) => last_error(profile, last, &task.host, &address, clock.now()),
        Queue::Nobody | Queue::Server => None,
    };
    let lines = journal.entries(1);
    let lines = lines.iter().map(transcript_line);
    json(&SentView {
        to: address.to_string(),
        policy: task.policy.name,
        delivered: last.outcome.is_delivered(),
        security: security(last),
        sentence: attempt_sentence(last, &task.host),
        next_attempt,
        queue_error,
        attempts: delivery.attempts().iter().map(|made| serde_json::json!(made.attempt)).collect(),
        transcript: lines.flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect(),
    })
}

fn security(attempt: &Attempt) -> Option<&'static str> {
    match attempt.outcome {
        Outcome::DeliveredOverTls { authenticated: true } => Some("verified"),
        Outcome::DeliveredOverTls { authenticated: false } => Some("tls"),
        Outcome::DeliveredInClear => Some("clear"),
        Outcome::Deferred | Outcome::Bounced => None,
    }
}

fn policy(name: &str) -> Result<SenderPolicy, Problem> {
    SenderPolicy::named(name).ok_or_else(|| {
        let names: Vec<_> = BUILT_IN.iter().map(|it| it.policy.name).collect();
        Problem::refused(format!("there is no sender `{name}`; there are {}", names.join(", ")))
    })
}

/// Returns the connector that a message is sent to.
fn target(listening: &[Listening], message: &TestMessage) -> Result<Listening, Problem> {
    let fits = |it: &&Listening| {
        let names = [it.computer.as_str(), it.name.as_str(), it.fqdn.as_str()];
        message.computer.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&it.computer))
            && message.connector.as_ref().is_none_or(|wanted| is_called(wanted, names))
    };
    listening.iter().find(fits).cloned().ok_or_else(|| {
        let known: Vec<_> = listening.iter().map(|it| format!("{}\\{}", it.computer, it.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Problem::unknown(format!("no such connector listens; those that do: {known}"))
    })
}

fn task(
    shared: &Shared,
    message: &TestMessage,
    policy: SenderPolicy,
    target: &Listening,
) -> Result<Task, Problem> {
    let wrong = |what: &str, text: &str, why: &dyn std::fmt::Display| {
        Problem::refused(format!("`{what}` is `{text}`: {why}"))
    };
    if message.to.len() > MOST_RECIPIENTS {
        return Err(Problem::refused(format!("a test message has {MOST_RECIPIENTS} recipients at most")));
    }
    let usual = [format!("test@{}", domain(shared, target))];
    let to = if message.to.is_empty() { &usual[..] } else { &message.to };
    let to = to.iter().map(|text| text.parse::<Address>().map_err(|error| wrong("to", text, &error)));
    let to = to.collect::<Result<Vec<_>, _>>()?;
    let from = match message.from.as_deref() {
        None => Some("test@sender.example"),
        Some("" | "<>") => None,
        Some(text) => Some(text),
    };
    let from = match from {
        None => ReversePath::Null,
        Some(text) => ReversePath::Address(text.parse().map_err(|error| wrong("from", text, &error))?),
    };
    let helo: HelloName = HELLO.parse().map_err(|error| wrong("EHLO", HELLO, &error))?;
    let next_hop = to.first().and_then(Address::domain).unwrap_or_default().to_owned();
    let name = message.name.as_ref().map(Fqdn::as_str);
    Ok(Task {
        in_clear: false,
        helo,
        host: name.unwrap_or(&target.fqdn).to_owned(),
        next_hop: name.map_or(next_hop, str::to_owned),
        connector: None,
        credentials: Credentials::Usable,
        message: Arc::new(Outgoing {
            content: content(&from, &to, &policy, shared.lab.clock().now()),
            from,
            to,
        }),
        policy,
    })
}

/// Returns a domain that the connector's computer takes mail for.
fn domain(shared: &Shared, target: &Listening) -> String {
    let computers = shared.lab.computers();
    let computer = computers.iter().find(|computer| computer.name == target.computer);
    let accepted = computer.and_then(|computer| computer.accepted_domains.first()).map(ToString::to_string);
    let accepted = accepted.map(|domain| domain.trim_start_matches("*.").to_owned());
    let own = || target.fqdn.split_once('.').map(|(_, domain)| domain).filter(|domain| domain.contains('.'));
    accepted.unwrap_or_else(|| own().unwrap_or("example.com").to_owned())
}

fn sender(shared: &Shared, journal: &Arc<Journal>) -> Result<Sender, Problem> {
    let wrong = |error: &dyn std::fmt::Display| Problem::refused(error.to_string());
    let fqdn = HELLO.parse().map_err(|error| wrong(&error))?;
    let computer = Arc::new(Computer::new("SENDER", fqdn, Role::Edge, Profile::Exchange2019));
    let mut connector = SendConnector::new("test message".to_owned(), SendUsage::Custom);
    connector.connection_inactivity_time_out = TimeSpan(PATIENCE);
    let state = LabState::new(vec![Arc::clone(&computer)], shared.lab.clock().clone(), Arc::clone(journal));
    let roots = [shared.lab.root().clone()];
    Sender::new(Arc::new(state), computer, Arc::new(connector), &roots).map_err(|error| wrong(&error))
}

/// Returns a small message that says what it is.
fn content(from: &ReversePath, to: &[Address], policy: &SenderPolicy, now: Timestamp) -> Bytes {
    let to: Vec<_> = to.iter().map(Address::as_str).collect();
    let from = match from {
        ReversePath::Null => "postmaster@sender.example",
        ReversePath::Address(address) => address.as_str(),
    };
    let date = now.to_zoned(TimeZone::UTC).strftime("%a, %-d %b %Y %H:%M:%S +0000");
    format!(
        "From: <{from}>\r\nTo: <{}>\r\nSubject: A test message\r\nDate: {date}\r\nMessage-ID: <{}@{HELLO}>\r\n\r\n\
         Sent by the page of starttls-lab as `{}`.\r\n",
        to.join(">, <"),
        now.as_microsecond(),
        policy.name,
    )
    .into()
}

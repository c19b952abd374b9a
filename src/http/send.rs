//! A test message to a connector of the lab, sent as one of the built-in senders.
//!
//! It goes to the lab's own listeners and nowhere else. The sender keeps a journal of its own, so what the lab
//! records is the conversation as its connector sees it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, json};
use super::input;
use super::limits::{MOST_SENDERS, too_many};
use super::problem::Problem;
use super::{Shared, reachable};
use crate::exchange::TimeSpan;
use crate::journal::transcript_line;
use crate::lab::{Listening, TestDelivery, TestReport};
use crate::name::Fqdn;
use crate::observe::is_called;
use crate::session::send::{BUILT_IN, Trust, UnknownSender, Use};
use crate::smtp::{Address, ReversePath};

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
    #[serde(flatten)]
    report: TestReport,
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
    let target = target(&shared.lab.connectors(), &message)?;
    let _place =
        shared.senders.try_acquire().map_err(|_| too_many("test messages under way", MOST_SENDERS))?;
    let roots = [shared.lab.root().clone()];
    let message = outgoing(&shared, &message, &target)?;
    let delivery = TestDelivery::new(message, reachable(target.addr), &roots, shared.lab.clock().clone());
    let mut delivery = delivery.map_err(|error| Problem::refused(error.to_string()))?;
    // By the machine's time: the lab's own may stand still.
    let in_time = tokio::time::timeout(LONGEST, delivery.run(|_| ())).await.is_ok();
    let Some(report) = delivery.report() else {
        let detail = if in_time { "no attempt was made" } else { "the connector did not answer in time" };
        return Err(Problem::new(axum::http::StatusCode::GATEWAY_TIMEOUT, detail));
    };
    let lines = delivery.journal().entries(1);
    let lines = lines.iter().map(transcript_line);
    let transcript = lines.flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    json(&SentView { report, transcript })
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

/// Returns the message to send, with what was left away.
fn outgoing(
    shared: &Shared,
    message: &TestMessage,
    target: &Listening,
) -> Result<crate::lab::TestMessage, Problem> {
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
    let next_hop = to.first().and_then(Address::domain).unwrap_or_default().to_owned();
    let name = message.name.as_ref().map(Fqdn::as_str);
    Ok(crate::lab::TestMessage {
        policy: message.policy.parse().map_err(|error: UnknownSender| Problem::refused(error.to_string()))?,
        helo: HELLO.parse().map_err(|error| wrong("EHLO", HELLO, &error))?,
        timeout: TimeSpan(PATIENCE),
        host: name.unwrap_or(&target.fqdn).to_owned(),
        next_hop: name.map_or(next_hop, str::to_owned),
        from,
        to,
        subject: "A test message",
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

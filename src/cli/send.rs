//! `send`: one message to an explicit address, as one of the built-in senders.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::output::{self, Failure};
use super::time::some_time;
use super::{Output, inputs};
use crate::clock::Clock;
use crate::exchange::{Computer, Profile, Role, SendConnector, SendUsage, TimeSpan};
use crate::journal::{Bounds, Entry, Journal, Record, attempt_sentence, transcript_line};
use crate::name::Fqdn;
use crate::pki::Certificate;
use crate::session::send::{
    Attempt, BUILT_IN, Delivery, Expect, NextAttempt, Outgoing, SenderPolicy, Task, Trust, last_error,
};
use crate::session::send::{Credentials, Queue};
use crate::smtp::{Address, HelloName, ReversePath};
use crate::wire::{LabState, Sender};

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = policies())]
pub(super) struct Args {
    /// The server to send to. Nothing but this address is connected to
    #[arg(long, value_name = "HOST:PORT")]
    to: String,
    /// The sender of the message; the empty string for the null path
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// The recipient; may be given several times
    #[arg(long, required = true, value_name = "ADDRESS")]
    rcpt: Vec<Address>,
    /// The kind of sender; --help lists them
    #[arg(long, default_value = "may", value_name = "NAME")]
    policy: String,
    /// The name to expect in the server's certificate, and to ask for; if omitted, the name that the policy
    /// derives from HOST and the recipient's domain
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The roots to trust, such as serve --ca-file writes; without it no certificate is trusted
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The name to send in EHLO
    #[arg(long, default_value = "starttls-lab.test", value_name = "NAME")]
    helo: Fqdn,
    /// The maximum time that the server may be silent
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = some_time)]
    timeout: TimeSpan,
    /// The format of standard output
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// The result, for programs.
#[derive(Serialize)]
struct Report<'a> {
    to: SocketAddr,
    policy: &'a str,
    delivered: bool,
    sentence: &'a str,
    next_attempt: Option<String>,
    queue_error: Option<&'a str>,
    attempts: Vec<&'a Attempt>,
    journal: &'a [Entry],
}

pub(super) fn send(args: &Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    runtime.block_on(deliver(args))
}

async fn deliver(args: &Args) -> Result<(), Failure> {
    let address = resolve(&args.to)?;
    let clock = Clock::system();
    let journal = Arc::new(Journal::new(Bounds::default()));
    let computer = Arc::new(computer(args.helo.clone()));
    let live = LabState::new(vec![Arc::clone(&computer)], clock.clone(), Arc::clone(&journal));
    let connector = Arc::new(connector(args.timeout));
    let sender = Sender::new(Arc::new(live), computer, connector, &roots(args)?);
    let sender = sender.map_err(|error| Failure::usage(format!("--ca-file: {error}")))?;
    if args.output != Output::Json {
        journal.listen(Box::new(|entry| {
            // The result is printed below, by the name that was given.
            if matches!(entry.record, Record::Attempt(_)) {
                return;
            }
            // A reader that closed the pipe does not read any more; the attempt goes on.
            output::text(&format!("{}\n", transcript_line(entry))).ok();
        }));
    }
    let task = task(args, clock.now())?;
    let host = task.host.clone();
    let mut delivery = Delivery::new(task.policy.clone(), clock.now());
    // Only immediate retries are awaited: a person at a keyboard does not want a queue.
    while delivery.next() == NextAttempt::Now {
        let now = clock.now();
        let task = Task { in_clear: delivery.in_clear(now), ..task.clone() };
        let attempt = sender.attempt(address, &Arc::new(task)).await;
        delivery.note(now, attempt);
        if let (NextAttempt::Now, Some(made), false) =
            (delivery.next(), delivery.attempts().last(), args.output == Output::Json)
        {
            let sentence = attempt_sentence(&made.attempt, &host);
            output::text(&format!("\n{sentence} At once, on a new connection:\n\n"))?;
        }
    }
    report(args, address, &task, &delivery, &journal.entries(1), clock.now())
}

fn report(
    args: &Args,
    address: SocketAddr,
    task: &Task,
    delivery: &Delivery,
    journal: &[Entry],
    now: Timestamp,
) -> Result<(), Failure> {
    let Some(last) = delivery.attempts().last() else {
        return Err(Failure::unmet("no attempt was made"));
    };
    let sentence = attempt_sentence(&last.attempt, &task.host);
    let next_attempt = match delivery.next() {
        NextAttempt::At(time) => Some(format!("{time:.0}")),
        NextAttempt::Now | NextAttempt::Never => None,
    };
    let queue_error = match task.policy.queue {
        Queue::Exchange(profile) => last_error(profile, &last.attempt, &task.host, &address, now),
        Queue::Nobody | Queue::Server => None,
    };
    let delivered = last.attempt.outcome.is_delivered();
    if args.output == Output::Json {
        output::json(&Report {
            to: address,
            policy: task.policy.name,
            delivered,
            sentence: &sentence,
            next_attempt,
            queue_error: queue_error.as_deref(),
            attempts: delivery.attempts().iter().map(|made| &made.attempt).collect(),
            journal,
        })?;
    } else {
        let mut text = format!("\n{sentence}\n");
        if let Some(time) = next_attempt {
            text.push_str(&format!("A server would try again at {time}.\n"));
        }
        if let Some(error) = queue_error {
            text.push_str(&format!("Exchange's queue would show this, a consequence: {error}\n"));
        }
        output::text(&text)?;
    }
    if delivered {
        Ok(())
    } else {
        Err(Failure::unmet(format!("the message was not delivered to {address}")))
    }
}

fn task(args: &Args, now: Timestamp) -> Result<Task, Failure> {
    let mut policy = SenderPolicy::named(&args.policy).ok_or_else(|| {
        let names: Vec<_> = BUILT_IN.iter().map(|it| it.policy.name).collect();
        Failure::usage(format!(
            "--policy: there is no sender `{}`; there are {}",
            args.policy,
            names.join(", ")
        ))
    })?;
    let from = match args.from.as_str() {
        "" | "<>" => ReversePath::Null,
        text => {
            let address = text.parse::<Address>();
            ReversePath::Address(address.map_err(|error| Failure::usage(format!("--from {text}: {error}")))?)
        }
    };
    let of_domain = matches!(policy.trust, Trust::Name(Expect::TlsDomain(None)));
    let name = args.name.as_deref().map(|name| dialed(name, of_domain)).transpose()?;
    if let (Trust::Name(Expect::TlsDomain(None)), Some(name)) = (&policy.trust, &name) {
        let domain = name.parse().map_err(|error| Failure::usage(format!("--name: {error}")))?;
        policy.trust = Trust::Name(Expect::TlsDomain(Some(domain)));
    }
    let helo: HelloName = args.helo.as_str().parse().map_err(|_| Failure::usage("--helo: not a name"))?;
    let host = args.to.rsplit_once(':').map_or(args.to.as_str(), |(host, _)| host);
    let host = name.as_deref().unwrap_or(host.trim_matches(['[', ']']));
    let domain = args.rcpt.first().and_then(Address::domain).unwrap_or_default();
    Ok(Task {
        policy,
        in_clear: false,
        helo,
        host: host.trim_start_matches("*.").to_owned(),
        next_hop: name.as_deref().unwrap_or(domain).to_owned(),
        connector: Some(CONNECTOR.to_owned()),
        credentials: Credentials::Usable,
        message: Arc::new(Outgoing { content: content(args, now), from, to: args.rcpt.clone() }),
    })
}

/// Returns the name that a sender expects, in its DNS form: a host name, or an address. Only a policy that
/// expects a whole domain (TlsDomain) takes `*.contoso.com`.
fn dialed(name: &str, of_domain: bool) -> Result<String, Failure> {
    let wildcard = name.strip_prefix("*.");
    if wildcard.is_some() && !of_domain {
        let wrong =
            format!("--name: `{name}` is a wildcard, and a sender dials one host; write mail{}", &name[1..]);
        return Err(Failure::usage(wrong));
    }
    let bare = wildcard.unwrap_or(name);
    if bare.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
        return Ok(bare.trim_matches(['[', ']']).to_owned());
    }
    let host: Fqdn = bare.parse().map_err(|error| Failure::usage(format!("--name: {error}")))?;
    Ok(if wildcard.is_some() { format!("*.{host}") } else { host.to_string() })
}

/// Returns a small message that says what it is.
fn content(args: &Args, now: Timestamp) -> Bytes {
    let to: Vec<_> = args.rcpt.iter().map(Address::as_str).collect();
    let date = now.to_zoned(TimeZone::UTC).strftime("%a, %-d %b %Y %H:%M:%S +0000");
    let from = if args.from.is_empty() { "postmaster" } else { &args.from };
    format!(
        "From: <{from}>\r\nTo: <{}>\r\nSubject: starttls-lab\r\nDate: {date}\r\nMessage-ID: <{}@{}>\r\n\r\n\
         Sent by starttls-lab as `{}`.\r\n",
        to.join(">, <"),
        now.as_millisecond(),
        args.helo,
        args.policy
    )
    .into()
}

fn resolve(to: &str) -> Result<SocketAddr, Failure> {
    let wrong = |problem: &str| Failure::usage(format!("--to {to}: {problem}; write HOST:PORT"));
    let mut addresses = to.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
    addresses.next().ok_or_else(|| wrong("the name has no address"))
}

fn roots(args: &Args) -> Result<Vec<Certificate>, Failure> {
    let Some(path) = &args.ca_file else {
        return Ok(Vec::new());
    };
    let wrong = |problem: String| Failure::usage(format!("--ca-file {}: {problem}", path.display()));
    let text = inputs::text(path, inputs::LONGEST_CERTIFICATES).map_err(|error| wrong(error.to_string()))?;
    let roots = Certificate::all_from_pem(&text).map_err(|error| wrong(error.to_string()))?;
    if roots.is_empty() {
        return Err(wrong("there is no certificate in it".to_owned()));
    }
    Ok(roots)
}

const CONNECTOR: &str = "starttls-lab send";

fn connector(patience: TimeSpan) -> SendConnector {
    let mut connector = SendConnector::new(CONNECTOR.to_owned(), SendUsage::Custom);
    connector.connection_inactivity_time_out = patience;
    connector
}

/// Returns the sending computer: it has a name and no certificate.
fn computer(fqdn: Fqdn) -> Computer {
    Computer::new("LAB", fqdn, Role::Edge, Profile::Exchange2019)
}

/// Returns the senders with their names, for `--help`.
fn policies() -> String {
    let lines = BUILT_IN
        .iter()
        .map(|it| format!("  {} ({})\n      {}", it.policy.name, it.aliases.join(", "), it.about));
    format!("Senders:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

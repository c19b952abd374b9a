//! `send`: one message to an explicit address, as one of the built-in senders.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use serde::Serialize;

use super::output::{self, Failure};
use super::time::some_time;
use super::{Output, inputs};
use crate::clock::Clock;
use crate::exchange::TimeSpan;
use crate::journal::{Entry, Record, transcript_line};
use crate::lab::{TestDelivery, TestMessage, TestReport};
use crate::name::Fqdn;
use crate::pki::Certificate;
use crate::session::send::{BUILT_IN, Expect, SenderPolicy, Trust};
use crate::smtp::{Address, ReversePath};

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
    #[serde(flatten)]
    report: &'a TestReport,
    journal: &'a [Entry],
}

pub(super) fn send(args: &Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    runtime.block_on(deliver(args))
}

async fn deliver(args: &Args) -> Result<(), Failure> {
    let delivery = TestDelivery::new(message(args)?, resolve(&args.to)?, &roots(args)?, Clock::system());
    let mut delivery = delivery.map_err(|error| Failure::usage(format!("--ca-file: {error}")))?;
    let json = args.output == Output::Json;
    if !json {
        delivery.journal().listen(Box::new(|entry| {
            // The result is printed below, by the name that was given.
            if matches!(entry.record, Record::Attempt(_)) {
                return;
            }
            // A reader that closed the pipe does not read any more; the attempt goes on.
            output::text(&format!("{}\n", transcript_line(entry))).ok();
        }));
    }
    // A person at a keyboard does not want a queue.
    let again = |sentence: &str| {
        if !json {
            output::text(&format!("\n{sentence} At once, on a new connection:\n\n")).ok();
        }
    };
    delivery.run(again).await;
    let report = delivery.report().ok_or_else(|| Failure::unmet("no attempt was made"))?;
    if json {
        output::json(&Report { report: &report, journal: &delivery.journal().entries(1) })?;
    } else {
        let TestReport { sentence, next_attempt, queue_error, .. } = &report;
        let mut text = format!("\n{sentence}\n");
        if let Some(time) = next_attempt {
            text.push_str(&format!("A server would try again at {time}.\n"));
        }
        if let Some(error) = queue_error {
            text.push_str(&format!("Exchange's queue would show this, a consequence: {error}\n"));
        }
        output::text(&text)?;
    }
    if report.delivered {
        Ok(())
    } else {
        Err(Failure::unmet(format!("the message was not delivered to {}", report.to)))
    }
}

fn message(args: &Args) -> Result<TestMessage, Failure> {
    let policy = args.policy.parse::<SenderPolicy>();
    let mut policy = policy.map_err(|error| Failure::usage(format!("--policy: {error}")))?;
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
    let host = args.to.rsplit_once(':').map_or(args.to.as_str(), |(host, _)| host);
    let host = name.as_deref().unwrap_or(host.trim_matches(['[', ']']));
    let domain = args.rcpt.first().and_then(Address::domain).unwrap_or_default();
    Ok(TestMessage {
        policy,
        helo: args.helo.clone(),
        timeout: args.timeout,
        host: host.trim_start_matches("*.").to_owned(),
        next_hop: name.as_deref().unwrap_or(domain).to_owned(),
        from,
        to: args.rcpt.clone(),
        subject: "starttls-lab",
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

/// Returns the senders with their names, for `--help`.
fn policies() -> String {
    let lines = BUILT_IN
        .iter()
        .map(|it| format!("  {} ({})\n      {}", it.policy.name, it.aliases.join(", "), it.about));
    format!("Senders:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

//! `probe`: what SMTP servers present, up to the point where mail would be sent.

mod compared;
mod page;
mod roots;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::{self, Failure};
use super::{Output, inputs};
use crate::clock::Clock;
use crate::exchange::TimeSpan;
use crate::name::Fqdn;
use crate::pki::Certificate;
use crate::probe::{
    Drift, Finding, Host, Member, Middlebox, NameMatch, Options, Prober, Run, SenderOutcome, Severity,
    Target, drift, findings, lab_file, middlebox, names, outcomes,
};
use compared::{Compared, compare};

/// Arguments of `probe`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct Args {
    /// The servers: a name (every address of it), or an address; port 25 where none is given
    #[arg(value_name = "HOST[:PORT]", required_unless_present = "outside")]
    hosts: Vec<String>,
    /// The name to ask for (SNI) and to look for in certificates; if omitted, HOST
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The domain of the recipients, for the senders that look for it in certificates
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<Fqdn>,
    /// Start with TLS, without STARTTLS (RFC 8314); port 465 where none is given
    #[arg(long)]
    implicit_tls: bool,
    /// The time-out of each connection, reply and handshake
    #[arg(long, default_value = "20s", value_name = "TIME")]
    timeout: TimeSpan,
    /// Make one connection to each address only; versions of TLS and SNI are not tried one by one then
    #[arg(long)]
    once: bool,
    /// The name to send in EHLO
    #[arg(long, default_value = "starttls-lab.test", value_name = "NAME")]
    helo: Fqdn,
    /// The roots to trust, such as serve --ca-file writes; if omitted, those of this system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Start this lab (a file or a scenario) on loopback, probe it too, and say where it differs from the server
    #[arg(long, value_name = "FILE|NAME")]
    compare: Option<String>,
    /// The receive connector of the lab to compare with, where it has several
    #[arg(long, value_name = "NAME", requires = "compare")]
    connector: Option<String>,
    /// Write a lab file whose connector shows the same as the server, with stand-in certificates
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Write all that was seen to this file, as JSON
    #[arg(long, value_name = "FILE")]
    save_run: Option<PathBuf>,
    /// A run that was saved inside of a network, to say what changes on the way out
    #[arg(long, value_name = "FILE")]
    inside: Option<PathBuf>,
    /// A run that was saved outside, in place of probing now
    #[arg(long, value_name = "FILE", requires = "inside", conflicts_with_all = ["hosts", "compare"])]
    outside: Option<PathBuf>,
    /// With several servers, show each one in full
    #[arg(short, long)]
    verbose: bool,
    /// The format of standard output
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

const HELP: &str = "\
A probe only reads. It sends EHLO, STARTTLS, EHLO again and QUIT; it never sends MAIL, RCPT, DATA or AUTH. To each \
address it makes up to six connections, one after the other: as a sender would, then with one version of TLS at \
a time and without SNI. Apart from `send` it is the only command that connects to addresses outside of loopback, and only to those \
of the servers that are named. MX records are not looked up: name the hosts.

Exit codes: 0 where every class of senders that uses TLS would deliver over TLS; 1 where one would not, where \
servers, a lab or saved runs differ; 2 for wrong usage or a file that cannot be read; 3 where no connection could be \
made to a host. A sender that reads only the first name of a certificate, and one that looks for the recipient's \
domain in it, are shown and do not count.";

/// The result, for programs.
#[derive(Serialize)]
struct Report<'a> {
    as_expected: bool,
    taken: String,
    hosts: Vec<HostReport<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drift: Vec<Drift>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Compared>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on_the_way: Vec<Middlebox>,
}

#[derive(Serialize)]
struct HostReport<'a> {
    target: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unresolved: Option<&'a str>,
    members: Vec<Reading<'a>>,
}

/// A member with everything that was derived from it.
#[derive(Clone, Serialize)]
pub(super) struct Reading<'a> {
    #[serde(skip)]
    pub(super) host: &'a Host,
    #[serde(flatten)]
    pub(super) member: &'a Member,
    pub(super) findings: Vec<Finding>,
    pub(super) names: Vec<NameMatch>,
    pub(super) senders: Vec<SenderOutcome>,
}

/// The conclusions from all members.
struct Probed<'a> {
    run: &'a Run,
    readings: Vec<Reading<'a>>,
    drift: Vec<Drift>,
    compared: Option<Compared>,
    on_the_way: Vec<Middlebox>,
}

pub(super) fn probe(args: &Args) -> Result<(), Failure> {
    let inside = args.inside.as_deref().map(saved).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    let targets = targets(args)?;
    // Wrong usage is reported before the first connection.
    let lab = args.compare.as_deref().map(super::load::load).transpose()?;
    let probed = match &args.outside {
        Some(path) => Ok((saved(path)?, None)),
        None => runtime.block_on(async {
            let roots = roots::roots(args.ca_file.as_deref())?;
            let run = run(args, &targets, &roots).await?;
            let compared = match &lab {
                Some(lab) => Some(compare(args, &run, &lab.text, &roots).await?),
                None => None,
            };
            Ok::<_, Failure>((run, compared))
        }),
    };
    // A resolver that was given up may still be waiting for an answer.
    runtime.shutdown_background();
    let (run, compared) = probed?;
    save(args, &run)?;
    let result = Probed {
        readings: run.members().map(|(host, member)| Reading::new(host, member, &run)).collect(),
        drift: drift(&run),
        compared,
        on_the_way: inside.map(|inside| middlebox(&inside, &run)).unwrap_or_default(),
        run: &run,
    };
    show(args, &result)?;
    result.outcome()
}

async fn run(args: &Args, targets: &[Target], roots: &[Certificate]) -> Result<Run, Failure> {
    let clock = Clock::system();
    let prober = Prober::new(options(args), roots, &clock);
    let prober = prober.map_err(|error| Failure::usage(error.to_string()))?;
    Ok(prober.probe(targets).await)
}

fn options(args: &Args) -> Options {
    Options {
        helo: args.helo.clone(),
        name: args.name.clone(),
        domain: args.domain.as_ref().map(ToString::to_string),
        implicit_tls: args.implicit_tls,
        patience: args.timeout.0,
        once: args.once,
    }
}

fn targets(args: &Args) -> Result<Vec<Target>, Failure> {
    if args.timeout.0.is_zero() {
        return Err(Failure::usage("--timeout: no server answers in no time; write 5s or more"));
    }
    if let Some(name) = &args.name
        && name.parse::<std::net::IpAddr>().is_err()
    {
        name.parse::<Fqdn>().map_err(|error| Failure::usage(format!("--name: {error}")))?;
    }
    let port = if args.implicit_tls { 465 } else { 25 };
    let each = args.hosts.iter().map(|text| Target::parse(text, port));
    each.map(|target| target.map_err(|error| Failure::usage(error.to_string()))).collect()
}

/// The maximum size of a saved run, in bytes.
const LONGEST_RUN: usize = 64 << 20;

fn saved(path: &Path) -> Result<Run, Failure> {
    let wrong = |problem: String| Failure::usage(format!("{}: {problem}", path.display()));
    let text = inputs::text(path, LONGEST_RUN).map_err(|error| wrong(error.to_string()))?;
    Run::from_json(&text).map_err(|error| wrong(error.to_string()))
}

fn save(args: &Args, run: &Run) -> Result<(), Failure> {
    let write = |path: &Path, text: &str| {
        fs::write(path, text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    };
    if let Some(path) = &args.save_run {
        let text = serde_json::to_string_pretty(run).map_err(|error| Failure::usage(error.to_string()))?;
        write(path, &format!("{text}\n"))?;
    }
    if let Some(path) = &args.save {
        let reached = run.members().find(|(_, member)| member.unreachable.is_none());
        let Some((host, member)) = reached else {
            return Err(Failure::not_ready(
                "--save: no connection could be made, so there is nothing to show",
            ));
        };
        let text = lab_file(host, member, run.taken);
        let text = text.map_err(|error| Failure::unmet(format!("--save: {error}")))?;
        write(path, &text)?;
    }
    Ok(())
}

impl<'a> Reading<'a> {
    fn new(host: &'a Host, member: &'a Member, run: &Run) -> Self {
        let leaf = member.visit.handshake.as_ref().and_then(|it| it.chain().first());
        Self {
            host,
            member,
            findings: findings(host, member, run.taken),
            names: leaf.map(|leaf| names(&leaf.0, &host.name)).unwrap_or_default(),
            senders: match member.unreachable {
                Some(_) => Vec::new(),
                None => outcomes(host, &member.visit, run.taken),
            },
        }
    }

    /// Returns whether a sender that uses TLS, and that counts, would not deliver over TLS.
    fn stumbles(&self) -> bool {
        self.senders.iter().any(|sender| sender.counts && !sender.over_tls)
            || self
                .findings
                .iter()
                .any(|finding| finding.severity == Severity::Problem && self.senders.is_empty())
    }
}

impl Probed<'_> {
    fn as_expected(&self) -> bool {
        self.complaint().is_none()
    }

    /// Returns the exit code, with the reason where it is not 0.
    fn outcome(&self) -> Result<(), Failure> {
        if let Some(host) = self.run.hosts.iter().find(|host| host.is_unreachable()) {
            let why = match &host.unresolved {
                Some(why) => why.clone(),
                None => {
                    let each = host
                        .members
                        .iter()
                        .filter_map(|it| Some(format!("{}: {}", it.address, it.unreachable.as_ref()?)));
                    each.collect::<Vec<_>>().join("; ")
                }
            };
            return Err(Failure::not_ready(format!(
                "{} cannot be reached ({})",
                host.target,
                text::safe(&why)
            )));
        }
        match self.complaint() {
            None => Ok(()),
            Some(complaint) => Err(Failure::unmet(text::safe(&complaint))),
        }
    }

    fn complaint(&self) -> Option<String> {
        if !self.on_the_way.is_empty() {
            let changed = self.on_the_way.iter().any(|it| !it.differences.is_empty());
            return changed.then(|| "what is seen outside differs from what is seen inside".to_owned());
        }
        if let Some(compared) = &self.compared {
            let number = compared.differences.len();
            let lab = &compared.lab;
            return (number > 0).then(|| format!("the server differs from {lab} in {number} points"));
        }
        if self.run.hosts.iter().any(Host::is_unreachable) {
            return Some("a host cannot be reached".to_owned());
        }
        let stumbling: Vec<&Reading<'_>> = self.readings.iter().filter(|it| it.stumbles()).collect();
        if let Some(first) = stumbling.first() {
            let who: Vec<&str> = first
                .senders
                .iter()
                .filter(|sender| sender.counts && !sender.over_tls)
                .map(|sender| sender.sender)
                .collect();
            let called = first.host.called(first.member);
            return Some(match who.as_slice() {
                [] => format!("{called} cannot be used"),
                [one] => format!("{one} would not deliver to {called} over TLS"),
                [one, rest @ ..] => {
                    format!(
                        "{one} and {} other classes of senders would not deliver to {called} over TLS",
                        rest.len()
                    )
                }
            });
        }
        (!self.drift.is_empty()).then(|| "the servers are not configured alike".to_owned())
    }
}

fn show(args: &Args, result: &Probed<'_>) -> Result<(), Failure> {
    if args.output != Output::Json {
        return output::text(&page::page(result, args.verbose || args.output == Output::List));
    }
    let mut readings = result.readings.iter();
    let hosts = result.run.hosts.iter().map(|host| HostReport {
        target: &host.target,
        name: &host.name,
        unresolved: host.unresolved.as_deref(),
        members: readings.by_ref().take(host.members.len()).cloned().collect(),
    });
    output::json(&Report {
        hosts: hosts.collect(),
        as_expected: result.as_expected(),
        taken: format!("{:.0}", result.run.taken),
        drift: result.drift.clone(),
        compared: result.compared.clone(),
        on_the_way: result.on_the_way.clone(),
    })
}

//! `judge`: tries a mail client with every entry of the fault catalogue, and judges it.

mod address;
mod daemon;
mod formats;
mod html;
mod process;
mod report;
mod table;
mod trial;
mod turns;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::output::{self, Failure};
use super::progress::Progress;
use super::signals::Signals;
use super::time::some_time;
use crate::exchange::TimeSpan;
use crate::judgement::{Outcome, Policy};
use crate::pki::{KeyAlgorithm, SharedKeys};
use crate::scenario::{CatalogueEntry, chosen, entry};
use address::Spots;
use process::Interrupted;
use report::Report;
use trial::{Plan, Tried};
use turns::{Turns, try_in_turn};

/// Arguments of `judge`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct Args {
    /// The TLS policy that the client is meant to follow: none, may, encrypt, verify or secure, as Postfix
    /// names them. If omitted, nothing counts as right or wrong, and the class of the client is reported
    #[arg(long, env = "STARTTLS_LAB_JUDGE_POLICY", value_name = "POLICY")]
    policy: Option<Policy>,
    /// Only entries with these names, aliases or groups, with * for anything, such as 'tls-*,expired,names'
    #[arg(long, env = "STARTTLS_LAB_JUDGE_ONLY", value_delimiter = ',', value_name = "GLOB")]
    only: Vec<String>,
    /// The number of entries that are tried at a time
    #[arg(long, default_value = "1", value_name = "N")]
    jobs: NonZeroUsize,
    /// The entries that make the run fail: those where the policy was broken, also those where the client is
    /// stricter than the policy, or every entry with a remark
    #[arg(long, env = "STARTTLS_LAB_JUDGE_FAIL_ON", value_enum, default_value_t, value_name = "WHAT")]
    fail_on: FailOn,
    /// Kill the command, with all that it started, after this time, in seconds where no unit is given; 10s if
    /// omitted. With --daemon: the maximum time for which deliveries are collected, 10m if omitted
    #[arg(long, env = "STARTTLS_LAB_JUDGE_TIMEOUT", value_name = "TIME", value_parser = some_time)]
    timeout: Option<TimeSpan>,
    /// The port of every entry, each on its own address; if omitted, a free one for each
    #[arg(long, env = "STARTTLS_LAB_JUDGE_PORT", value_name = "PORT")]
    port: Option<u16>,
    /// The format of standard output
    #[arg(long, env = "STARTTLS_LAB_JUDGE_FORMAT", value_enum, default_value_t)]
    format: Format,
    /// Write a page that a browser shows to this file as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Set the variables by which OpenSSL, curl, Node, Python's requests and Java trust the lab, as
    /// `exec --trust-env` does
    #[arg(long, env = "STARTTLS_LAB_TRUST_ENV")]
    trust_env: bool,
    /// Show the command's output for every entry, and not only where it was wrong
    #[arg(short, long)]
    verbose: bool,
    /// Keep all entries up at once, print their addresses, run the command once if there is one, and collect
    /// deliveries until it is quiet: for programs that work from a queue
    #[arg(long)]
    daemon: bool,
    /// With --daemon: the time without activity that counts as quiet
    #[arg(long, default_value = "5s", requires = "daemon", value_name = "TIME", value_parser = some_time)]
    quiet: TimeSpan,
    /// The command that sends a mail, with its arguments
    #[arg(last = true, required_unless_present = "daemon", value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// The layout of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// For continuous integration
    Junit,
    /// For documents
    Markdown,
}

/// The remarks that make a run fail; each includes the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FailOn {
    /// The policy was broken
    #[default]
    Wrong,
    /// Mail did not arrive that the policy would have allowed
    Stricter,
    /// There is any remark
    Remarks,
}

impl FailOn {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Stricter => "stricter",
            Self::Remarks => "remarks",
        }
    }
}

const HELP: &str = "\
The command is run once for every entry, against a lab of its own. In its arguments these \
words are replaced, and its environment has them, too:
  {host}   SMTP_HOST              the address of the entry; 127.77.x.y, where the machine has such addresses
  {port}   SMTP_PORT              its port
  {ca}     STARTTLS_LAB_CA_FILE   the root certificate to trust, a PEM file
  {name}   STARTTLS_LAB_NAME      the name that the server's certificate has to carry
  {entry}  STARTTLS_LAB_ENTRY     the entry's name

With --daemon the command is run once, its words are those of `baseline`, and STARTTLS_LAB_TARGETS names a \
JSON file with the address, the name and a recipient of each entry.

The first entry is `baseline`, which has no fault: a command that delivers nothing there \
is not tried with the others. The entries `inject-response*` are accompanied by `tls-slow-ehlo`, the same server without the \
injected reply, which shows what the client does because of that reply.

Exit code: 0, or 1 where the policy was broken or --fail-on says so; 2 where usage is wrong or the command does not work; 3 where \
the lab could not listen. A client that hangs, dies by a signal or never comes does not end the run.";

/// The default time limits of a trial and of a whole collection.
const TRIAL: Duration = Duration::from_secs(10);
const COLLECTION: Duration = Duration::from_secs(600);

/// The minimum time limit of the command where nothing is wrong.
const BASELINE_PATIENCE: Duration = Duration::from_secs(30);

/// The entry with which nothing is wrong.
const BASELINE: &str = "baseline";

/// The entry that is the server of the entries whose names begin with [`COMPARED`], and injects nothing. It holds
/// its reply to EHLO inside TLS back for longer than they do, so that a client whose patience ends meanwhile does
/// at the control what it does there.
const CONTROL: &str = "tls-slow-ehlo";
const COMPARED: &str = "inject-response";

pub(super) fn judge(args: &Args) -> Result<(), Failure> {
    let entries = chosen(&args.only).map_err(|error| Failure::usage(error.to_string()))?;
    let entries = with_controls(entries);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    let report = runtime.block_on(async {
        if args.daemon { daemon::collect(args, &entries).await } else { try_all(args, &entries).await }
    });
    // Keys that are being made on another thread are of no use any more.
    runtime.shutdown_background();
    let report = report?;
    // A page that cannot be written does not keep the report from being printed.
    let page = args.html.as_ref().map_or(Ok(()), |path| super::html::write(path, &html::html(&report)));
    output::text(&formats::laid_out(&report, args.format, args.verbose)?)?;
    page?;
    if report.failing().is_empty() { Ok(()) } else { Err(Failure::told(1)) }
}

/// Puts the baseline first, and then the control if an entry is compared with it; each once.
fn with_controls(entries: Vec<&'static CatalogueEntry>) -> Vec<&'static CatalogueEntry> {
    let compared = entries.iter().any(|entry| entry.scenario.name.starts_with(COMPARED));
    let control = entry(CONTROL).filter(|_| compared);
    let rest = entries.into_iter().filter(|entry| {
        let name = entry.scenario.name;
        name != BASELINE && !(compared && name == CONTROL)
    });
    entry(BASELINE).into_iter().chain(control).chain(rest).collect()
}

async fn try_all(args: &Args, entries: &[&'static CatalogueEntry]) -> Result<Report, Failure> {
    let spots = Spots::find(args.port, args.jobs.get() > 1)?;
    let longest = args.timeout.map_or(TRIAL, |TimeSpan(longest)| longest);
    let keys = keys(entries);
    let plan = Arc::new(Plan { command: args.command.clone(), trust_env: args.trust_env, longest, keys });
    let stop = CancellationToken::new();
    stop_at_signals(&stop)?;
    let progress = Progress::of(entries.len(), "entries");
    let turns = Turns::new(args.jobs, !spots.are_apart());
    let mut tried = Vec::new();
    let mut rest = entries.iter().copied().enumerate();
    if let Some((number, first)) = rest.next() {
        // The baseline gets more time, because it shows whether the command works at all.
        let patient = Plan { longest: longest.max(BASELINE_PATIENCE), ..Plan::clone(&plan) };
        let turn = turns.next().await;
        let baseline = trial::run(first, spots.at(number), Arc::new(patient), turn, stop.clone()).await?;
        works(&baseline)?;
        progress.advance(1, first.scenario.name);
        tried.push(baseline);
    }
    let attempt =
        |(number, entry), turn| trial::run(entry, spots.at(number), Arc::clone(&plan), turn, stop.clone());
    let ended = |done: &Tried| progress.advance(1, &done.trial.entry);
    let others = try_in_turn(&turns, rest, attempt, ended, &stop).await?;
    if stop.is_cancelled() {
        return Err(Interrupted.into());
    }
    tried.extend(others);
    Ok(Report::of(args, spots.own, tried))
}

/// Returns the keys of the entries' labs, of which those that take long are made from now on.
fn keys(entries: &[&'static CatalogueEntry]) -> SharedKeys {
    let keys = SharedKeys::default();
    let wanted = KeyAlgorithm::ALL.into_iter().filter(|(name, algorithm)| {
        let name = format!("\"{name}\"");
        algorithm.is_rsa() && entries.iter().any(|entry| entry.scenario.text.contains(&name))
    });
    wanted.for_each(|(_, algorithm)| keys.make_ahead(algorithm));
    keys
}

/// Ends the run on a signal.
fn stop_at_signals(stop: &CancellationToken) -> Result<(), Failure> {
    let (mut signals, stop) = (Signals::new()?, stop.clone());
    tokio::spawn(async move {
        signals.next().await;
        stop.cancel();
    });
    Ok(())
}

/// Checks that the command works. If it does not deliver where nothing is wrong, its failures elsewhere show
/// nothing.
fn works(baseline: &Tried) -> Result<(), Failure> {
    if matches!(baseline.trial.outcome(), Outcome::OverTls | Outcome::InClear) {
        return Ok(());
    }
    let mut lines = vec![format!(
        "the command delivers nothing to `{}`, a server with which nothing is wrong, so it was not tried with \
         the others",
        baseline.trial.entry
    )];
    if baseline.trial.claims_success() {
        lines.push(
            "it says success all the same: if it hands the mail to a program that works from a queue, use --daemon"
                .to_owned(),
        );
    }
    lines.push(format!("command: {}", baseline.command));
    lines.extend(baseline.trial.notes().into_iter().map(|note| format!("note: {note}")));
    lines.extend(baseline.trial.verdicts.iter().map(|verdict| format!("the lab saw: {}", verdict.words)));
    if !baseline.output.is_empty() {
        lines.push(format!("the command said:\n{}", baseline.output.trim_end()));
    }
    Err(Failure::usage(lines.join("\n")))
}

//! `exec`: a lab for the duration of one command, and its result.

mod before;
mod child;
mod environment;
mod expectations;
mod recap;
mod trust;

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::control::ClosedArgs;
use super::load::{self, Loaded};
use super::output::{self, Failure};
use super::planning::plan;
use super::recording::RecordingArgs;
use super::signals::Signals;
use crate::cli::time::some_time;
use crate::exchange::TimeSpan;
use crate::http::{self, ControlApi};
use crate::lab::{Engine, Options};
use crate::wire::Ports;
use child::Outcome;
use expectations::ExpectArgs;
pub(super) use trust::Trust;

/// Arguments of `exec`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct Args {
    /// A lab file, or the name of a scenario
    #[arg(value_name = "FILE|NAME")]
    scenario: String,
    #[command(flatten)]
    expect: ExpectArgs,
    /// Set SSL_CERT_FILE, CURL_CA_BUNDLE, NODE_EXTRA_CA_CERTS, REQUESTS_CA_BUNDLE and JAVA_TOOL_OPTIONS, too,
    /// so that the command trusts the lab without knowing of it
    #[arg(long, env = "STARTTLS_LAB_TRUST_ENV")]
    trust_env: bool,
    #[command(flatten)]
    control: ClosedArgs,
    /// Kill the command, and nothing that it started, after this time, such as 30s
    #[arg(long, env = "STARTTLS_LAB_EXEC_TIMEOUT", value_name = "TIME", value_parser = some_time)]
    timeout: Option<TimeSpan>,
    #[command(flatten)]
    recording: RecordingArgs,
    /// The command to run, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const HELP: &str = "\
The command finds in its environment:
  SMTP_HOST, SMTP_PORT
      where the first connector listens
  STARTTLS_LAB_CA_FILE
      the lab's root certificate, a PEM file that is removed at the end
  STARTTLS_LAB_ADDR_<COMPUTER>_<CONNECTOR>
      HOST:PORT of each connector, in capitals and with _ for everything but A-Z and 0-9;
      if several have the same name, the second ends in _2, and so on
  STARTTLS_LAB_CONTROL_URL
      the control API, over which the lab can be controlled and read while the command runs;
      not with --no-control

With --trust-env curl, requests and Java (which is given a trust store of the JKS kind) trust the lab's root \
and no other; Node trusts it in addition to its own roots, and OpenSSL in addition to the system's folder of roots.

Standard input, output and error are the command's. A summary is printed on standard error at the end. \
SIGINT and SIGTERM are passed on to the command; Ctrl-C at a terminal reaches it by itself.

Exit code: the command's, or 128 and the number of the signal that ended it, or that came before the command was \
run; 127 where there is no such \
command, 126 where it cannot be executed; 1 where it succeeded and an expectation failed, \
or a file of --journal or --log-dir is incomplete. Wrong usage or \
a wrong file is 2, and 3 where the lab could not listen; the command has not run then. What the file says \
under [before] of STARTTLS and the certificate events of receive connectors is expected, too.";

/// The time-out for conversations that the command left open, and the time that they may take to end after
/// the lab has said goodbye.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_millis(1500);

pub(super) fn exec(args: &Args) -> Result<(), Failure> {
    if args.recording.is_to_stdout() {
        return Err(Failure::usage(
            "--journal -: standard output is the command's; name a file for the journal",
        ));
    }
    let loaded = load::load(&args.scenario)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    let ended = runtime.block_on(play(args, &loaded));
    runtime.shutdown_background();
    ended
}

async fn play(args: &Args, loaded: &Loaded) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let plan = match plan(&loaded.text, &mut signals).await? {
        ControlFlow::Continue(plan) => plan,
        ControlFlow::Break(asked) => return Err(Failure::told(asked.exit_code())),
    };
    let options = Options { ports: Ports::Free, ..Options::default() };
    let lab = Arc::new(Engine::start_plan(plan, options).await?);
    let mut unmet = before::differences(&lab, &loaded.text.scenario);
    let recording = args.recording.attach(&lab)?;
    let trust = Trust::create(lab.root())?;

    let console = args.control.open_anywhere(&lab, trust.ca_file()).await?;

    let mut command = command(args, &lab, console.as_ref(), &trust)?;
    let longest = args.timeout.map(|TimeSpan(longest)| longest);
    let outcome = child::run(&mut command, longest, &mut signals).await;

    if outcome.is_ok() {
        lab.observer().quiet(DRAIN_TIMEOUT).await;
    }
    if let Some(console) = console {
        console.close(GRACE).await;
    }
    lab.finish(GRACE).await;
    let recorded = recording.finish(Instant::now() + GRACE);
    let outcome = outcome?;
    let mut told = recap::recap(lab.journal(), lab.observer());
    let mut remark = |line: &str| told.push_str(&format!("starttls-lab: {line}\n"));
    if let Some(time) = args.timeout.filter(|_| outcome.killed) {
        remark(&format!("the command was killed after {time} (--timeout)"));
    }
    unmet.extend(args.expect.unmet(lab.observer()));
    unmet.extend(lab.never_done());
    unmet.extend(recorded.err().map(|failure| failure.to_string()));
    unmet.iter().for_each(|line| remark(line));
    tell(told, &mut signals).await;
    match outcome {
        Outcome { code: 0, .. } if unmet.is_empty() => Ok(()),
        Outcome { code: 0, .. } => Err(Failure::told(1)),
        Outcome { code, .. } => Err(Failure::told(code)),
    }
}

/// Prints a text on standard error. Its reader may be slow; a signal ends the wait.
async fn tell(text: String, signals: &mut Signals) {
    let (told, done) = oneshot::channel::<()>();
    let body = move || {
        output::aside(&text);
        drop(told);
    };
    if thread::Builder::new().name("recap".to_owned()).spawn(body).is_ok() {
        tokio::select! {
            _ = done => {}
            _ = signals.next() => {}
        }
    }
}

/// The variables that make a command trust the lab, beside the options that Java already has.
pub(super) fn trust_variables(trust: &Trust) -> Vec<(&'static str, OsString)> {
    environment::trust(trust, std::env::var_os("JAVA_TOOL_OPTIONS"))
}

/// Returns the command with the environment that points it to the lab.
fn command(
    args: &Args,
    lab: &Engine,
    console: Option<&ControlApi>,
    trust: &Trust,
) -> Result<Command, Failure> {
    let connectors = lab.connectors();
    let Some(first) = connectors.first() else {
        return Err(Failure::usage(format!(
            "no connector of `{}` listens, so there is nothing for a command to talk to",
            args.scenario
        )));
    };
    // clap makes sure that there is one.
    let (program, rest) = args.command.split_first().ok_or_else(|| Failure::usage("no command"))?;
    let mut command = Command::new(program);
    command.args(rest);
    command.env("SMTP_HOST", first.addr.ip().to_string()).env("SMTP_PORT", first.addr.port().to_string());
    command.env("STARTTLS_LAB_CA_FILE", trust.ca_file());
    command.envs(http::addresses(&connectors));
    match console {
        Some(console) => command.env("STARTTLS_LAB_CONTROL_URL", console.url()),
        // The variable of an enclosing lab does not apply to this one.
        None => command.env_remove("STARTTLS_LAB_CONTROL_URL"),
    };
    if args.trust_env {
        command.envs(trust_variables(trust));
    }
    Ok(command)
}

//! `serve`: plays a lab on loopback until it is told to stop.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::load::{self, Loaded};
use super::logs::LogDirectory;
use super::output::{self, Failure};
use super::printer::{Printer, introduction};
use super::quick::QuickArgs;
use super::{Output, watch};
use crate::journal::{Entry, Journal, Record};
use crate::lab::{Lab, Listening, Options};
use crate::wire::Ports;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A lab file, or the name of a story; `fqdn-mismatch` if left away
    #[arg(value_name = "FILE|NAME")]
    scenario: Option<String>,
    #[command(flatten)]
    quick: QuickArgs,
    /// The port to listen on, for a lab with one binding; 0 for a free port for every binding.
    /// Left away, port 25 becomes 1025, 587 becomes 1587, and so on
    #[arg(long, env = "STARTTLS_LAB_PORT", value_name = "PORT")]
    port: Option<u16>,
    /// Listen on this address instead of loopback. The lab takes mail from whoever reaches it
    #[arg(long, env = "STARTTLS_LAB_BIND", value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// Write the lab's root certificate to this file, for clients to trust
    #[arg(long, env = "STARTTLS_LAB_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Write the journal as JSON lines to this file, or with - to standard output
    #[arg(long, env = "STARTTLS_LAB_JOURNAL", value_name = "FILE|-")]
    journal: Option<PathBuf>,
    /// Write what Exchange would write into this directory: the Application log, the SmtpReceive
    /// protocol log, and every message
    #[arg(long, env = "STARTTLS_LAB_LOG_DIR", value_name = "DIR")]
    log_dir: Option<PathBuf>,
    /// How standard output is laid out; json is the journal
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// The first line on standard output.
#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    version: &'static str,
    control: Option<&'a str>,
    connectors: &'a [Listening],
    ca_file: Option<String>,
    pid: u32,
}

/// How long conversations may go on after the lab was told to stop.
const GRACE: Duration = Duration::from_millis(1500);

pub(super) fn serve(args: &Args) -> Result<(), Failure> {
    let loaded = match (args.quick.scenario(args.scenario.as_deref())?, &args.scenario) {
        (Some(text), _) => Loaded { text, word: None, file: None },
        (None, Some(word)) => load::load(word)?,
        (None, None) => load::load("fqdn-mismatch")?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    runtime.block_on(play(args, loaded))
}

async fn play(args: &Args, loaded: Loaded) -> Result<(), Failure> {
    let ports = match args.port {
        None => Ports::ByHabit,
        Some(0) => Ports::Free,
        Some(port) => Ports::Only(port),
    };
    if let Some(bind) = args.bind.filter(|bind| !bind.is_loopback()) {
        tracing::warn!(%bind, "listening beyond loopback: whoever reaches this address can leave mail here");
    }
    let mut stop = Stop::new()?;
    let lab = Lab::start(&loaded.text, Options { ports, bind: args.bind, ..Options::default() }).await?;
    if let Some(path) = &args.ca_file {
        fs::write(path, lab.root().to_pem()).map_err(|error| file_error(path, &error))?;
    }
    let connectors = lab.connectors();
    let ready = Ready {
        event: "ready",
        version: env!("CARGO_PKG_VERSION"),
        control: None,
        connectors: &connectors,
        ca_file: args.ca_file.as_ref().map(|path| path.display().to_string()),
        pid: std::process::id(),
    };
    let ready = serde_json::to_string(&ready).map_err(|error| Failure::usage(error.to_string()))?;
    output::text(&format!("{ready}\n"))?;
    tell(args, &loaded, &lab)?;
    match &loaded.file {
        Some((path, text)) => tokio::select! {
            () = stop.wait() => {}
            () = watch::watch(&lab, path, text.clone()) => {}
        },
        None => stop.wait().await,
    }
    let (entries, messages) = lab.journal().dropped();
    if entries + messages > 0 {
        tracing::warn!(
            entries,
            messages,
            "the journal's bounds were reached; so many of the oldest fell out"
        );
    }
    if !lab.finish(GRACE).await {
        tracing::warn!("some conversations had not ended and were cut off");
    }
    Ok(())
}

/// Connects the journal with everybody who wants to read along.
fn tell(args: &Args, loaded: &Loaded, lab: &Lab) -> Result<(), Failure> {
    let journal = lab.journal();
    if let Some(dir) = &args.log_dir {
        let mut logs = LogDirectory::create(dir).map_err(|error| file_error(dir, &error))?;
        journal.listen(Box::new(move |entry| logs.write(entry)));
    }
    let to_stdout = args.journal.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if let Some(path) = args.journal.as_ref().filter(|_| !to_stdout) {
        let file = File::create(path).map_err(|error| file_error(path, &error))?;
        lines(journal, file);
    }
    if to_stdout || args.output == Output::Json {
        lines(journal, io::stdout());
    } else {
        let word = loaded.word.as_deref();
        let list = args.output == Output::List;
        output::text(&introduction(&loaded.text.scenario.title, &lab.connectors(), word, list))?;
        let mut printer = Printer::default();
        let mut text = String::new();
        journal.listen(Box::new(move |entry| {
            text.push_str(&printer.entry(entry));
            if ends_a_step(&entry.record) {
                // Whoever closed the pipe does not read along any more; the lab goes on.
                output::text(&text).ok();
                text.clear();
            }
        }));
    }
    Ok(())
}

/// Writes every entry as a line of JSON; those of one step together, and before its reply is sent.
fn lines(journal: &Journal, mut to: impl Write + Send + 'static) {
    let mut broken = false;
    let mut lines = Vec::new();
    journal.listen(Box::new(move |entry: &Entry| {
        if broken {
            return;
        }
        let mut written = serde_json::to_writer(&mut lines, entry).map_err(io::Error::from);
        lines.push(b'\n');
        if ends_a_step(&entry.record) {
            written = written.and_then(|()| to.write_all(&lines)).and_then(|()| to.flush());
            lines.clear();
        }
        if let Err(error) = written {
            broken = true;
            tracing::error!(%error, "the journal cannot be written any more");
        }
    }));
}

/// Whether a peer or an operator can know of the entry before the next one is made. What was received
/// is answered, and the answer is an entry of its own.
fn ends_a_step(record: &Record) -> bool {
    !matches!(record, Record::Received(_) | Record::ReceivedSecret | Record::Content(_) | Record::Message(_))
}

fn file_error(path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

/// The signals that end the program in good order.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .map_err(|error| Failure::not_ready(format!("signals: {error}")))?,
        })
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.ok();
    }
}

//! `serve`: runs a lab on loopback until it is told to stop.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::ControlArgs;
use super::ending::EndingArgs;
use super::follow::Layout;
use super::load::{self, Loaded};
use super::notify::notify;
use super::output::{self, Failure};
use super::planning::plan;
use super::printer::introduction;
use super::quick::QuickArgs;
use super::ready::{self, ReadyFile};
use super::recording::{Recording, RecordingArgs, file_error};
use super::signals::Signals;
use super::{Output, watch};
use crate::http::ControlApi;
use crate::lab::{Engine, Options};
use crate::wire::Ports;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A lab file, or the name of a scenario; `fqdn-mismatch` if omitted
    #[arg(value_name = "FILE|NAME", env = "STARTTLS_LAB_SCENARIO")]
    scenario: Option<String>,
    #[command(flatten)]
    quick: QuickArgs,
    /// The port to listen on, for a lab with one binding; 0 for a free port for every binding. If omitted,
    /// port 25 becomes 1025, 587 becomes 1587, and so on
    #[arg(long, env = "STARTTLS_LAB_PORT", value_name = "PORT")]
    port: Option<u16>,
    /// Listen on this address instead of loopback. The lab accepts mail from any client that reaches it
    #[arg(long, env = "STARTTLS_LAB_BIND", value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// Write the lab's root certificate to this file, for clients to trust
    #[arg(long, env = "STARTTLS_LAB_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Write the ready line to this file once every port is open; the file is removed at the end
    #[arg(long, env = "STARTTLS_LAB_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    control: ControlArgs,
    #[command(flatten)]
    ending: EndingArgs,
    #[command(flatten)]
    recording: RecordingArgs,
    /// The format of standard output; json is the journal
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// The time that conversations and answers of the control API may take after the lab was told to stop, and
/// the time limit of the whole shutdown, even where a reader does not read.
const GRACE: Duration = Duration::from_millis(1500);
const ENDING: Duration = Duration::from_millis(1900);
const _: () =
    assert!(GRACE.as_millis() < ENDING.as_millis() && ENDING.as_millis() < 2000, "two seconds are promised");

pub(super) fn serve(args: &Args) -> Result<(), Failure> {
    let loaded = match (args.quick.scenario(args.scenario.as_deref())?, &args.scenario) {
        (Some(text), _) => Loaded { text, word: None, file: None },
        (None, Some(word)) => load::load(word)?,
        (None, None) => load::load("fqdn-mismatch")?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    let ended = runtime.block_on(play(args, loaded));
    // Keys that are being made on another thread are of no use any more.
    runtime.shutdown_background();
    ended
}

/// The file that holds the root certificate of a running lab.
struct RootFile {
    /// The lock on the file, held as long as the lab runs.
    _lock: File,
}

impl RootFile {
    /// Writes the certificate, unless another lab that runs has its own there.
    fn write(path: &Path, pem: &str) -> Result<Self, Failure> {
        let wrong = |error| file_error(path, &error);
        let mut file = File::options().write(true).create(true).truncate(false).open(path).map_err(wrong)?;
        // On Windows nobody could read a locked file.
        if cfg!(unix) && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(Failure::usage(format!(
                "{}: another lab that runs has its root certificate there; name another file",
                path.display()
            )));
        }
        // A device cannot be truncated.
        file.set_len(0).ok();
        file.write_all(pem.as_bytes()).map_err(wrong)?;
        Ok(Self { _lock: file })
    }
}

async fn play(args: &Args, loaded: Loaded) -> Result<(), Failure> {
    let ports = match args.port {
        None => Ports::OffsetPrivileged,
        Some(0) => Ports::Free,
        Some(port) => Ports::Only(port),
    };
    if let Some(bind) = args.bind.filter(|bind| !bind.is_loopback()) {
        tracing::warn!(%bind, "listening beyond loopback: any client that reaches this address can leave mail here");
    }
    let mut signals = Signals::new()?;
    if let Some(path) = &args.ready_file {
        ReadyFile::clear(path)?;
    }
    let options = Options { ports, bind: args.bind, ..Options::default() };
    let ControlFlow::Continue(plan) = plan(&loaded.text, &mut signals).await? else { return Ok(()) };
    let lab = Arc::new(Engine::start_plan(plan, options).await?);
    if let Some(path) = &args.ready_file {
        ReadyFile::check_free(path)?;
    }
    let root = lab.root().to_pem();
    let _root_file = args.ca_file.as_ref().map(|path| RootFile::write(path, &root)).transpose()?;
    let console = args.control.open(&lab, args.ca_file.as_deref(), args.port == Some(0)).await?;
    let line = ready::line(&lab, console.as_ref(), args.ca_file.as_deref())?;
    let mut recording = args.recording.attach(&lab)?;
    output::text(&line)?;
    tell(args, &loaded, &lab, console.as_ref(), &mut recording)?;
    let ready_file = args.ready_file.as_ref().map(|path| ReadyFile::write(path, &line)).transpose()?;
    notify("READY=1");
    let ended = match &loaded.file {
        // A pipe is read once: to read it again would be to wait for a writer.
        Some((path, text)) if path.is_file() => tokio::select! {
            ended = args.ending.wait(&mut signals, lab.observer()) => ended,
            () = watch::watch(&lab, path, text.clone()) => Ok(()),
        },
        _ => args.ending.wait(&mut signals, lab.observer()).await,
    };
    let deadline = Instant::now() + ENDING;
    notify("STOPPING=1");
    drop(ready_file);
    let closed = async {
        if let Some(console) = console {
            console.close(GRACE).await;
        }
    };
    let (all_ended, ()) = tokio::join!(lab.finish(GRACE), closed);
    if !all_ended {
        tracing::warn!("some sessions had not ended and were cut off");
    }
    let (entries, messages) = lab.journal().dropped();
    if entries + messages > 0 {
        tracing::warn!(
            entries,
            messages,
            "the journal's bounds were reached; so many of the oldest fell out"
        );
    }
    let recorded = recording.finish(deadline);
    ended.and(recorded)
}

/// Connects the journal with standard output, after the ready line.
fn tell(
    args: &Args,
    loaded: &Loaded,
    lab: &Engine,
    console: Option<&ControlApi>,
    recording: &mut Recording,
) -> Result<(), Failure> {
    if args.recording.is_to_stdout() || args.output == Output::Json {
        return recording.follow_to_stdout(lab, Layout::Json);
    }
    let word = loaded.word.as_deref();
    let list = args.output == Output::List;
    let page = console.map(ControlApi::page);
    output::text(&introduction(&loaded.text.scenario.title, &lab.connectors(), word, page, list))?;
    recording.follow_to_stdout(lab, Layout::Text)
}

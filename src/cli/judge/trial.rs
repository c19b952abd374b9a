//! One entry: a new lab, the command, and the lab's observations.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::address::Spot;
use super::process::{self, Ended, Interrupted, Words};
use crate::cli::exec::{self, Trust};
use crate::cli::output::Failure;
use crate::journal::{Entry, Record};
use crate::judgement::{Exit, Trial};
use crate::lab::{self, Engine, Options};
use crate::observe::verdict::{Measure, Verdict};
use crate::observe::{Counts, Observer};
use crate::scenario::{Acceptance, CatalogueEntry, EntrySpec, ROOT_SUBJECT, ScenarioText, ServerTrust};

/// The parameters that hold for every entry.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) command: Vec<OsString>,
    pub(super) trust_env: bool,
    pub(super) longest: Duration,
}

/// An entry that a client was tried with.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) group: &'static str,
    pub(super) title: String,
    pub(super) trial: Trial,
    /// The command that was run, with its placeholders replaced.
    pub(super) command: String,
    /// The end of the command's output.
    pub(super) output: String,
}

/// An entry that listens.
pub(super) struct Up {
    pub(super) entry: &'static CatalogueEntry,
    pub(super) title: String,
    pub(super) spec: EntrySpec,
    pub(super) engine: Arc<Engine>,
    pub(super) address: SocketAddr,
    /// The name that a client has to expect.
    pub(super) name: String,
}

/// The time-out for conversations that a command left open, and the time that they may take to end after the
/// lab has said goodbye.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// The time that data from a command may take to be read once the command has ended.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_millis(250);

/// The time between two looks at whether something that the command started still runs.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

const GRACE: Duration = Duration::from_millis(1500);

impl Up {
    /// Starts an entry.
    pub(super) async fn start(entry: &'static CatalogueEntry, spot: Spot) -> Result<Self, Failure> {
        let about = |failure: Failure| failure.about(entry.scenario.name);
        let text = entry.read().map_err(|error| about(error.into()))?;
        let spec = text.scenario.entry.clone().unwrap_or_else(unspecified);
        let title = text.scenario.title.clone();
        let engine = start(&text, spot).await.map_err(about)?;
        let listening = engine.connectors();
        let first = listening.first().ok_or_else(|| about(Failure::usage("no connector listens")))?;
        let name = spec.host.clone().unwrap_or_else(|| first.fqdn.clone());
        Ok(Self { entry, title, spec, address: first.addr, name, engine: Arc::new(engine) })
    }

    /// Returns the lab's observations so far.
    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        let measure = Measure { host: Some(&self.name), root: Some(ROOT_SUBJECT) };
        self.engine.observer().verdicts(0, measure)
    }

    /// Returns whether a client went on after its command had ended: it began a conversation and spoke in it,
    /// or it spoke later than data that was already on its way could have arrived.
    fn was_at_work_after(&self, so_far: u64, ended: Timestamp) -> bool {
        let entries = self.engine.journal().entries(so_far + 1);
        let session = |entry: &Entry| entry.place.as_ref().map(|place| place.session);
        let begun: Vec<_> =
            entries.iter().filter(|it| matches!(it.record, Record::Connected)).filter_map(session).collect();
        entries.iter().any(|entry| {
            let spoke = matches!(entry.record, Record::Received(_) | Record::Message(_));
            let late = entry.time.duration_since(ended) > ON_ITS_WAY;
            spoke && (late || session(entry).is_some_and(|session| begun.contains(&session)))
        })
    }

    /// Ends the entry's lab.
    pub(super) async fn finish(&self) {
        self.engine.finish(GRACE).await;
    }

    /// Returns the result of the entry, with the way in which the client's process ended.
    pub(super) fn trial(&self, exit: Exit, outlived: bool, output: &str) -> Trial {
        let verdicts = self.verdicts();
        let conversations = verdicts.iter().flat_map(|verdict| &verdict.conversations);
        let mut injected = conversations.filter_map(|it| it.injected.as_ref());
        let repeated = injected.find_map(|it| it.repeated_in(output)).map(str::to_owned);
        Trial {
            entry: self.entry.scenario.name.to_owned(),
            tls: self.spec.tls,
            mail: self.spec.mail,
            exit,
            outlived,
            repeated,
            verdicts,
        }
    }
}

/// Runs the command against an entry.
pub(super) async fn run(
    entry: &'static CatalogueEntry,
    spot: Spot,
    plan: &Plan,
    stop: &CancellationToken,
) -> Result<Tried, Failure> {
    let up = Up::start(entry, spot).await?;
    let trust = Trust::create(up.engine.root())?;
    let words = Words {
        host: up.address.ip().to_string(),
        port: up.address.port().to_string(),
        ca: trust.ca_file().display().to_string(),
        name: up.name.clone(),
        entry: entry.scenario.name.to_owned(),
    };
    let shown: Vec<_> =
        plan.command.iter().map(|word| words.put_into(word).to_string_lossy().into_owned()).collect();
    let command_ended = match words.command(&plan.command) {
        Some(mut command) => {
            if plan.trust_env {
                command.envs(exec::trust_variables(&trust));
            }
            process::run(command, plan.longest, stop).await?
        }
        None => Ended::not_run("there is no command"),
    };
    let (ended, so_far) = (up.engine.clock().now(), up.engine.observer().newest());
    let observer = up.engine.observer();
    if command_ended.exit == Exit::Code(0) && observer.count(Counts::messages) == 0 {
        // Another process may do the work.
        let waiting = timeout(plan.longest, work_of_others(observer, &command_ended));
        stop.run_until_cancelled(waiting).await.ok_or(Interrupted)?.ok();
    }
    observer.quiet(DRAIN_TIMEOUT).await;
    let Ended { exit, output, .. } = command_ended;
    let outlived = matches!(exit, Exit::Code(_)) && up.was_at_work_after(so_far, ended);
    up.finish().await;
    Ok(Tried {
        group: entry.group.as_str(),
        title: up.title.clone(),
        trial: up.trial(exit, outlived, &output),
        command: shown.join(" "),
        output,
    })
}

/// Waits until a message has come, as long as something that the command started still runs, or connects soon.
async fn work_of_others(observer: &Observer, command: &Ended) {
    let begun = observer.count(|counts| counts.begun);
    timeout(DRAIN_TIMEOUT, observer.until(|counts| counts.begun > begun)).await.ok();
    while observer.count(Counts::messages) == 0 && command.has_left_something_running().await {
        timeout(LOOK_AGAIN, observer.until(|counts| counts.messages() > 0)).await.ok();
    }
}

/// Starts a lab file on an address that is reserved for it.
async fn start(text: &ScenarioText, spot: Spot) -> Result<Engine, Failure> {
    let mut lab = lab::Plan::new(text)?;
    for built in &mut lab.computers {
        let computer = Arc::make_mut(&mut built.computer);
        for connector in &mut computer.receive_connectors {
            // Loopback has many IPv4 addresses but only one of IPv6, which all entries would share.
            if connector.bindings.iter().any(|binding| binding.0.is_ipv4()) {
                Arc::make_mut(connector).bindings.retain(|binding| binding.0.is_ipv4());
            }
        }
    }
    let options = Options { ports: spot.ports, bind: Some(spot.address), relay: false, ..Options::default() };
    Ok(Engine::start_plan(lab, options).await?)
}

fn unspecified() -> EntrySpec {
    EntrySpec {
        aliases: Vec::new(),
        rfc: Vec::new(),
        wire: String::new(),
        host: None,
        symptoms: Vec::new(),
        differ: Vec::new(),
        tls: ServerTrust::Disputed,
        mail: Acceptance::Always,
    }
}

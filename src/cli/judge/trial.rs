//! One entry: a new lab, the command, and the lab's observations.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::address::Spot;
use super::process::{self, Ended, Interrupted, Words};
use super::turns::Turn;
use crate::cli::exec::{self, Trust};
use crate::cli::output::Failure;
use crate::journal::{Entry, Journal, Record};
use crate::judgement::{Exit, Trial};
use crate::lab::{self, Engine, Options};
use crate::observe::verdict::{Measure, Verdict};
use crate::observe::{Counts, Observer};
use crate::pki::SharedKeys;
use crate::scenario::{Acceptance, CatalogueEntry, EntrySpec, ROOT_SUBJECT, ServerTrust};

/// The parameters that hold for every entry.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) command: Vec<OsString>,
    pub(super) trust_env: bool,
    pub(super) longest: Duration,
    pub(super) keys: SharedKeys,
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
    pub(super) async fn start(
        entry: &'static CatalogueEntry,
        spot: Spot,
        keys: &SharedKeys,
    ) -> Result<Self, Failure> {
        let about = |failure: Failure| failure.about(entry.scenario.name);
        let keys = keys.clone();
        // Keys take a while, in which the labs of other entries are to be watched.
        let made = spawn_blocking(move || {
            let text = entry.read()?;
            let plan = lab::Plan::with_keys(&text, &mut keys.of_a_lab())?;
            Ok::<_, Failure>((text, plan))
        });
        let made = made.await.unwrap_or_else(|panic| resume_unwind(panic.into_panic()));
        let (text, plan) = made.map_err(about)?;
        let spec = text.scenario.entry.clone().unwrap_or_else(unspecified);
        let title = text.scenario.title.clone();
        let engine = start(plan, spot).await.map_err(about)?;
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

/// Runs the command against an entry. The turn passes to the next entry when the command has ended and no session is
/// open; what the client does after that is still seen.
pub(super) async fn run(
    entry: &'static CatalogueEntry,
    spot: Spot,
    plan: Arc<Plan>,
    mut turn: Turn,
    stop: CancellationToken,
) -> Result<Tried, Failure> {
    let started = Up::start(entry, spot, &plan.keys);
    let up = stop.run_until_cancelled(started).await.ok_or(Interrupted)??;
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
            process::run(command, plan.longest, &stop).await?
        }
        None => Ended::not_run("there is no command"),
    };
    let observer = up.engine.observer();
    let end = CommandEnd { time: up.engine.clock().now(), newest: observer.newest() };
    if command_ended.exit == Exit::Code(0) && observer.count(Counts::messages) == 0 {
        // Another process may do the work.
        let waiting = timeout(plan.longest, work_of_others(observer, &command_ended));
        stop.run_until_cancelled(waiting).await.ok_or(Interrupted)?.ok();
    }
    let watched = end.watch(up.engine.journal(), observer, &mut turn);
    let went_on = stop.run_until_cancelled(watched).await.ok_or(Interrupted)?;
    let Ended { exit, output, .. } = command_ended;
    let outlived = matches!(exit, Exit::Code(_)) && went_on;
    up.finish().await;
    Ok(Tried {
        group: entry.group.as_str(),
        title: up.title.clone(),
        trial: up.trial(exit, outlived, &output),
        command: shown.join(" "),
        output,
    })
}

/// The end of a command.
#[derive(Clone, Copy, Debug)]
struct CommandEnd {
    time: Timestamp,
    /// The newest entry of the journal by then.
    newest: u64,
}

impl CommandEnd {
    /// Waits until the lab is quiet, and returns whether the client went on after this. The turn passes to the next
    /// entry as soon as no session is open.
    async fn watch(self, journal: &Journal, observer: &Observer, turn: &mut Turn) -> bool {
        // Where sessions stay open, the lab has to be closed before the next command runs.
        if timeout(DRAIN_TIMEOUT, observer.no_open_session()).await.is_ok() {
            if self.was_followed_by_work(journal) {
                turn.client_goes_on();
            }
            turn.command_has_ended();
            if !observer.is_quiet().await {
                turn.client_goes_on();
                observer.quiet(DRAIN_TIMEOUT).await;
            }
        }
        let went_on = self.was_followed_by_work(journal);
        if went_on {
            turn.client_goes_on();
        }
        went_on
    }

    /// Returns whether a client went on after this: it began a conversation and spoke in it, or it spoke later than
    /// data that was already on its way could have arrived.
    fn was_followed_by_work(self, journal: &Journal) -> bool {
        let entries = journal.entries(self.newest + 1);
        let session = |entry: &Entry| entry.place.as_ref().map(|place| place.session);
        let begun: Vec<_> =
            entries.iter().filter(|it| matches!(it.record, Record::Connected)).filter_map(session).collect();
        entries.iter().any(|entry| {
            let spoke = matches!(entry.record, Record::Received(_) | Record::Message(_));
            let late = entry.time.duration_since(self.time) > ON_ITS_WAY;
            spoke && (late || session(entry).is_some_and(|session| begun.contains(&session)))
        })
    }
}

/// Waits until a message has come, as long as something that the command started still runs, or connects soon.
async fn work_of_others(observer: &Observer, command: &Ended) {
    let begun = observer.count(|counts| counts.begun);
    timeout(DRAIN_TIMEOUT, observer.until(|counts| counts.begun > begun)).await.ok();
    while observer.count(Counts::messages) == 0 && command.has_left_something_running().await {
        timeout(LOOK_AGAIN, observer.until(|counts| counts.messages() > 0)).await.ok();
    }
}

/// Starts a lab on an address that is reserved for it.
async fn start(mut lab: lab::Plan, spot: Spot) -> Result<Engine, Failure> {
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

#[cfg(test)]
mod tests;

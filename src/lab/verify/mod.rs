//! Runs the scenario of a lab file: every stage in a lab of its own, with TLS. [`verify`] does it over sockets;
//! [`dry_run`] does the same in memory, where every address is there and waits take no time.
//!
//! The observations are those that a peer could make: the certificate that was shown in a handshake, the
//! message that arrived, the events that were logged. Two things cannot be seen from outside, and are taken
//! from the lab itself: which certificate a Send connector would present if it were asked for one, and, over
//! sockets, what a receive connector offers whose RemoteIPRanges hold no address of loopback.

mod by_stage;
mod outsider;
mod probe;
mod records;
mod sending;
mod target;
mod touched;
mod trials;
mod usual;

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Engine, LabError, Options, Plan};
use crate::clock::{Clock, DryRun};
use crate::exchange::cmdlet::CausedEvent;
use crate::exchange::{ClientCertificate, ClientSelection, Computer, SendConnector, Zone};
use crate::pki::Thumbprint;
use crate::scenario::{
    Aspect, CommandsSpec, NONE, Observation, Played, Proof, ScenarioText, Sender, Stage, Subject, Value,
};
use crate::session::TlsVerb;
use crate::session::fault::FaultRule;
use crate::wire::{Network, Ports};
use records::Records;
use sending::Senders;
use target::Callers;

pub use trials::Trials;

/// The number of stages of one scenario that run at a time.
const SIDE_BY_SIDE: usize = 4;
/// The maximum duration of one stage, including tarpits and connections that hang.
const LONGEST_STAGE: Duration = Duration::from_secs(300);
/// The time for which conversations may go on after a stage has been observed; by then all have ended.
const GRACE: Duration = Duration::from_secs(2);

/// Runs every stage of a scenario over sockets, and compares what was observed with what its lab file expects.
///
/// Each stage has a lab of its own, on free ports and on a clock that stands at the file's `now`, or at
/// the machine's time, and moves only where a sender waits for its next attempt. `name` is what the
/// proof calls the scenario.
///
/// # Errors
///
/// A lab that could not be started; an observation that could not be made, or that the journal of the lab
/// contradicts.
pub async fn verify(text: &ScenarioText, name: &str) -> Result<Proof, LabError> {
    Plan::new(text)?.verify(name).await
}

/// Like [`verify`], in memory: it opens no socket, and waits take no time. It blocks until it is done.
///
/// # Errors
///
/// As for [`verify`], and a run that cannot come to its end.
pub fn dry_run(text: &ScenarioText, name: &str) -> Result<Proof, LabError> {
    Plan::new(text)?.dry_run(name)
}

impl Plan {
    /// Runs the scenario on copies of this lab, as [`verify`] does.
    ///
    /// # Errors
    ///
    /// As for [`verify`].
    pub async fn verify(&self, name: &str) -> Result<Proof, LabError> {
        self.verify_by_stage(name, |_| {}).await
    }

    /// Like [`Self::verify`]; `ended` is called with each stage as it ends.
    ///
    /// # Errors
    ///
    /// As for [`verify`].
    pub async fn verify_by_stage(&self, name: &str, ended: impl Fn(Stage)) -> Result<Proof, LabError> {
        prove(self.clone(), name, Transport::Sockets, ended).await
    }

    /// Runs the scenario on copies of this lab, as [`dry_run`] does.
    ///
    /// # Errors
    ///
    /// As for [`dry_run`].
    pub fn dry_run(&self, name: &str) -> Result<Proof, LabError> {
        let dry = DryRun::default();
        dry.run(prove(self.clone(), name, Transport::Memory(dry.clone()), |_| {}))?
    }
}

impl Engine {
    /// Returns what a dry run observes on a copy of the lab as it is now. It blocks until it is done.
    ///
    /// # Errors
    ///
    /// As for [`dry_run`].
    pub fn observe(&self) -> Result<Observation, LabError> {
        let plan = self.plan();
        let now = plan.clock.now();
        let dry = DryRun::default();
        let played = dry.run(play(&plan, now, Stage::Before, &Transport::Memory(dry.clone())))??;
        Ok(played.observed)
    }
}

/// The transport that a scenario is run over.
#[derive(Clone, Debug)]
enum Transport {
    Sockets,
    Memory(DryRun),
}

impl Transport {
    fn network(&self) -> Network {
        match self {
            Self::Sockets => Network::Sockets,
            Self::Memory(_) => Network::in_memory(),
        }
    }

    fn clock(&self, now: Timestamp) -> Clock {
        match self {
            Self::Sockets => Clock::pinned(now),
            Self::Memory(dry) => dry.clock(now),
        }
    }

    /// Returns the number of stages that run at a time.
    fn side_by_side(&self) -> usize {
        match self {
            Self::Sockets => SIDE_BY_SIDE,
            // There is nothing to wait for, and only one thread.
            Self::Memory(_) => 1,
        }
    }
}

async fn prove(
    plan: Plan,
    name: &str,
    transport: Transport,
    ended: impl Fn(Stage),
) -> Result<Proof, LabError> {
    // The time at which the certificates were issued; all stages begin at the same instant.
    let now = plan.issuer.start();
    let (plan, places) = (Arc::new(plan), Arc::new(Semaphore::new(transport.side_by_side())));
    let mut playing = JoinSet::new();
    for stage in plan.text.scenario.stages() {
        let (plan, places, transport) = (Arc::clone(&plan), Arc::clone(&places), transport.clone());
        playing.spawn(async move {
            // The semaphore is never closed, so every stage gets a place in the end.
            let _place = places.acquire_owned().await;
            (stage, play(&plan, now, stage, &transport).await)
        });
    }
    // All are waited for, also after a failure: a lab that is left in the middle would go on listening.
    let mut played = BTreeMap::new();
    while let Some(done) = playing.join_next().await {
        let (stage, done) = done.map_err(|error| LabError::Unobserved(error.to_string()))?;
        ended(stage);
        played.insert(stage, done);
    }
    let played = played.into_values().collect::<Result<Vec<_>, _>>()?;
    Ok(Proof::new(name, &plan.text.scenario, played))
}

/// Runs one stage in a copy of the lab, which begins at `now`.
async fn play(plan: &Plan, now: Timestamp, stage: Stage, transport: &Transport) -> Result<Played, LabError> {
    let scenario = &plan.text.scenario;
    let commands = (stage != Stage::Before).then(|| scenario.commands(stage));
    let mut plan = plan.clone();
    plan.senders = scenario.senders_at(stage, &plan.senders);
    for built in plan.computers.iter_mut().filter(|it| !scenario.has_faults_at(stage, &it.computer.name)) {
        built.faults.clear();
    }
    let (senders, zone) = (plan.senders.clone(), plan.zone.clone());
    let played = watch(plan, now, Course::Stage { commands, senders, zone }, transport).await?;
    Ok(Played { stage, ..played })
}

/// The course of what is observed in a lab after its start.
enum Course<'a> {
    /// Commands are run if there are some, and these senders send.
    Stage { commands: Option<Vec<CommandsSpec>>, senders: Vec<Sender>, zone: Zone },
    /// The lab is a part of the one that the senders know, as it was before commands or is after them.
    Part { senders: &'a Senders, after: Option<&'a [CausedEvent]> },
}

/// Starts a lab at `now`, observes it on its course, and ends it.
async fn watch(
    plan: Plan,
    now: Timestamp,
    course: Course<'_>,
    transport: &Transport,
) -> Result<Played, LabError> {
    let mut plan = Plan { clock: transport.clock(now), ..plan };
    // The probes before the senders are to see the configuration, and must not use up a fault rule.
    let faults = plan
        .computers
        .iter_mut()
        .map(|built| (built.computer.name.clone(), std::mem::take(&mut built.faults)));
    let faults: HashMap<_, _> = faults.filter(|(_, rows)| !rows.is_empty()).collect();
    let options =
        Options { ports: Ports::Free, relay: false, network: transport.network(), ..Options::default() };
    let lab = Engine::start_plan(plan, options).await?;
    let limit = lab.clock().stopwatch();
    let played = {
        // If this future is dropped in the middle, nothing goes on listening.
        let _listening = StopListening(&lab);
        limit.timeout(LONGEST_STAGE, pin!(follow(course, &lab, faults))).await
    };
    lab.finish(GRACE).await;
    played.unwrap_or_else(|_| {
        let limit = LONGEST_STAGE.as_secs();
        Err(LabError::Unobserved(format!("a stage did not come to its end within {limit} s")))
    })
}

struct StopListening<'a>(&'a Engine);

impl Drop for StopListening<'_> {
    fn drop(&mut self) {
        self.0.server.keep_only(&[]);
    }
}

async fn follow(
    course: Course<'_>,
    lab: &Engine,
    faults: HashMap<String, Vec<FaultRule>>,
) -> Result<Played, LabError> {
    let mut records = Records::of(lab);
    let (mut screen, mut refused) = (String::new(), None);
    let observed = match course {
        Course::Stage { commands, senders, zone } => {
            if let Some(commands) = commands {
                // The events that the commands themselves cause belong to the stage.
                records.begin_here();
                let typed = lab.run(&commands).await?;
                (screen, refused) = (typed.screen, typed.refused);
                lab.log_start().await;
            }
            let senders = Senders::new(senders, zone, lab.computers());
            observe(lab, &records, &senders, faults).await?
        }
        Course::Part { senders, after } => {
            if let Some(caused) = after {
                records.begin_here();
                caused.iter().cloned().for_each(|event| lab.live.log_caused(event));
                lab.log_start().await;
            }
            observe(lab, &records, senders, faults).await?
        }
    };
    Ok(Played { stage: Stage::Before, screen, refused, observed })
}

/// Probes every connector, lets every sender send, and then reads what was logged meanwhile.
async fn observe(
    lab: &Engine,
    records: &Records,
    senders: &Senders,
    faults: HashMap<String, Vec<FaultRule>>,
) -> Result<Observation, LabError> {
    let (computers, now) = (lab.computers(), lab.clock().now());
    let endpoints = lab.server.endpoints();
    let mut offers = Vec::new();
    for computer in &computers {
        // A connector that is left out of the lab still answers its addresses in the whole one.
        let whole = senders.computers().iter().find(|whole| whole.name == computer.name);
        let callers = Callers::of(whole.unwrap_or(computer), &lab.options.network);
        for connector in &computer.receive_connectors {
            let target = callers.target(connector, &endpoints);
            let offered = |verb| probe::offered(lab, records, computer, connector, target, verb);
            offers.push((offered(TlsVerb::StartTls).await?, offered(TlsVerb::XAnonymousTls).await?));
        }
    }
    let misbehaves = !faults.is_empty();
    lab.live.put_faults(faults);
    let endings = senders.send(lab, records).await?;
    let mut rows = Vec::new();
    let mut offers = offers.into_iter();
    for computer in &computers {
        let subject = Subject::Computer(computer.name.clone());
        rows.push((subject, Aspect::Events, records.events(computer, None)));
        for (connector, (starttls, anonymous)) in computer.receive_connectors.iter().zip(&mut offers) {
            let subject = Subject::ReceiveConnector(format!("{}\\{}", computer.name, connector.name));
            rows.push((subject.clone(), Aspect::Starttls, Value::Certificate(starttls)));
            rows.push((subject.clone(), Aspect::AnonymousTls, Value::Certificate(anonymous)));
            rows.push((subject, Aspect::Events, records.events(computer, Some(&connector.name))));
        }
        for connector in &computer.send_connectors {
            let subject = Subject::SendConnector(format!("{}\\{}", computer.name, connector.name));
            let shown = records.shown_by(computer, connector);
            let presents = shown.map_or_else(
                || presented(computer, connector, now),
                |thumbprint| label(computer, thumbprint),
            );
            rows.push((subject.clone(), Aspect::Presents, Value::Certificate(presents)));
            rows.push((subject, Aspect::Events, records.events(computer, Some(&connector.name))));
        }
    }
    rows.extend(endings);
    if misbehaves {
        let never = lab.never_done();
        let never = if never.is_empty() { NONE.to_owned() } else { never.join("; ") };
        rows.push((Subject::Commands, Aspect::NeverDone, Value::Said(never)));
    }
    Ok(Observation(rows))
}

/// Returns the label of a certificate of this computer, or the thumbprint of any other certificate.
fn label(computer: &Computer, thumbprint: Thumbprint) -> String {
    let ephemeral = computer.ephemeral.as_deref().filter(|it| it.facts.thumbprint == thumbprint);
    let stored = computer.store.find(thumbprint).or(ephemeral);
    stored.map_or_else(|| thumbprint.to_string(), |stored| stored.label.clone())
}

/// Returns the label of the certificate that a Send connector presents at `now` to a server that asks for
/// one, or `none`; the error that follows if it names one that cannot be used.
fn presented(computer: &Computer, connector: &SendConnector, now: Timestamp) -> String {
    if !connector.enabled {
        return NONE.to_owned();
    }
    let selection = ClientSelection::of(connector, computer, now);
    let word = match selection.certificate {
        ClientCertificate::Presented(_) => {
            selection.chosen(computer).map_or(NONE, |stored| stored.label.as_str())
        }
        ClientCertificate::NoCredentials(_) => "NoCredentials",
        ClientCertificate::UnknownCredentials(_) => "UnknownCredentials",
        ClientCertificate::PinNotFound | ClientCertificate::PinExpired(_) | ClientCertificate::NotFound => {
            NONE
        }
    };
    word.to_owned()
}

//! Plays the story of a lab file on the wire: every stage in a lab of its own, over sockets, with TLS.
//!
//! What is observed is what a peer could observe: the certificate that was shown in a handshake, the
//! message that arrived, the events that were logged. The model is asked only where nothing can be seen
//! from outside: which certificate a Send connector would present if it were asked for one, and what a
//! receive connector offers whose RemoteIPRanges hold no address of loopback.

mod door;
mod outsider;
mod probe;
mod records;
mod sending;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Engine, LabError, Options, Paper};
use crate::clock::Clock;
use crate::exchange::Computer;
use crate::pki::Thumbprint;
use crate::rehearsal::presented;
use crate::scenario::{Aspect, NONE, Observation, Played, Proof, ScenarioText, Stage, Subject, Value};
use crate::session::TlsVerb;
use crate::session::fault::FaultRule;
use crate::wire::Ports;
use records::Records;
use sending::Senders;

/// How many stages of one story are played at a time.
const SIDE_BY_SIDE: usize = 4;
/// How long one stage may take; tarpits and connections that hang included.
const LONGEST_STAGE: Duration = Duration::from_secs(300);
/// How long conversations may go on after a stage has been observed; by then all have ended.
const GRACE: Duration = Duration::from_secs(2);

/// Plays every stage of a story and measures what was observed by what its lab file says.
///
/// Each stage has a lab of its own, on free ports and on a clock that stands at the file's `now`, or at
/// the machine's time, and moves only where a sender waits for its next attempt. `name` is what the
/// proof calls the story.
///
/// # Errors
///
/// A lab that could not be started; an observation that could not be made, or that the journal of the lab
/// contradicts.
pub async fn verify(text: &ScenarioText, name: &str) -> Result<Proof, LabError> {
    let now = text.scenario.now.unwrap_or_else(|| Clock::system().now());
    let (shared, places) = (Arc::new(text.clone()), Arc::new(Semaphore::new(SIDE_BY_SIDE)));
    let mut playing = JoinSet::new();
    for stage in text.scenario.stages() {
        let (text, places) = (Arc::clone(&shared), Arc::clone(&places));
        playing.spawn(async move {
            // It is never closed, so there is a place for everybody in the end.
            let _place = places.acquire_owned().await;
            (stage, play(&text, stage, now).await)
        });
    }
    // All are waited for, also after a failure: a lab that is left in the middle would go on listening.
    let mut played = BTreeMap::new();
    while let Some(done) = playing.join_next().await {
        let (stage, done) = done.map_err(|error| LabError::Unobserved(error.to_string()))?;
        played.insert(stage, done);
    }
    let played = played.into_values().collect::<Result<Vec<_>, _>>()?;
    Ok(Proof::new(name, &text.scenario, played))
}

/// Plays one stage in a lab of its own.
async fn play(text: &ScenarioText, stage: Stage, now: Timestamp) -> Result<Played, LabError> {
    let mut paper = Paper::at(text, Clock::pinned(now))?;
    // Whoever knocks before anybody sends is to see the configuration, and use no fault rule up.
    let faults = paper
        .computers
        .iter_mut()
        .map(|built| (built.computer.name.clone(), std::mem::take(&mut built.faults)));
    let faults: HashMap<_, _> = faults.filter(|(_, rows)| !rows.is_empty()).collect();
    let senders = Senders::new(text, &paper)?;
    let lab = Engine::start_paper(paper, Options { ports: Ports::Free, relay: false, ..Options::default() })
        .await?;
    let played = {
        // Whoever drops this in the middle leaves nothing behind that listens.
        let _listening = StopListening(&lab);
        timeout(LONGEST_STAGE, on_the_wire(text, stage, &lab, &senders, faults)).await
    };
    lab.finish(GRACE).await;
    played.unwrap_or_else(|_| {
        let limit = LONGEST_STAGE.as_secs();
        Err(LabError::Unobserved(format!("{stage:?}: it did not come to its end within {limit} s")))
    })
}

struct StopListening<'a>(&'a Engine);

impl Drop for StopListening<'_> {
    fn drop(&mut self) {
        self.0.server.keep_only(&[]);
    }
}

async fn on_the_wire(
    text: &ScenarioText,
    stage: Stage,
    lab: &Engine,
    senders: &Senders,
    faults: HashMap<String, Vec<FaultRule>>,
) -> Result<Played, LabError> {
    let mut records = Records::of(lab);
    let (mut screen, mut refused) = (String::new(), None);
    if stage != Stage::Before {
        // What the commands themselves make a service log belongs to what they come to.
        records.begin_here();
        let typed = lab.run(&text.scenario.commands(stage)).await?;
        (screen, refused) = (typed.screen, typed.refused);
        lab.log_start().await;
    }
    let observed = observe(lab, &records, senders, faults).await?;
    Ok(Played { stage, screen, refused, observed })
}

/// Knocks at every connector, lets everybody send, and then reads what was logged meanwhile.
async fn observe(
    lab: &Engine,
    records: &Records,
    senders: &Senders,
    faults: HashMap<String, Vec<FaultRule>>,
) -> Result<Observation, LabError> {
    let (computers, now) = (lab.computers(), lab.clock().now());
    let mut offers = Vec::new();
    for computer in &computers {
        for connector in &computer.receive_connectors {
            let starttls = probe::offered(lab, records, computer, connector, TlsVerb::StartTls).await?;
            let anonymous = probe::offered(lab, records, computer, connector, TlsVerb::XAnonymousTls).await?;
            offers.push((starttls, anonymous));
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

/// What the lab calls a certificate of this computer; its thumbprint where it is none of its own.
fn label(computer: &Computer, thumbprint: Thumbprint) -> String {
    let ephemeral = computer.ephemeral.as_deref().filter(|it| it.facts.thumbprint == thumbprint);
    let stored = computer.store.find(thumbprint).or(ephemeral);
    stored.map_or_else(|| thumbprint.to_string(), |stored| stored.label.clone())
}

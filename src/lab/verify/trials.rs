//! The effect of commands: a dry run with them beside a dry run without them.
//!
//! The commands are run in the Shell on the computers of the whole lab. What is observed is a lab of the
//! connectors that they touch by the model, and of those that the senders meet; all others are the same before
//! and after.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::sending::Senders;
use super::touched::{Baseline, Touched, reduced};
use super::usual::Usual;
use super::{Course, Transport, watch};
use crate::clock::DryRun;
use crate::exchange::cmdlet::{CausedEvent, LoggedEvent, ShellState};
use crate::exchange::{Computer, Fix, PrivateKey, SendFix, Typed};
use crate::lab::{Engine, LabError, Options, Plan};
use crate::pki::KeyPair;
use crate::scenario::{
    CertificateFileSpec, CommandsSpec, LabShell, Observation, Played, Scenario, ScenarioText, Stage, Subject,
    Tried,
};
use crate::wire::{Network, Ports};

/// Trials of commands on copies of a lab in memory. They open no socket, and block until they are done.
#[derive(Debug)]
pub struct Trials {
    /// The lab without its lab file, which only the Shell reads.
    plan: Plan,
    scenario: Scenario,
    now: Timestamp,
    baseline: Baseline,
    /// The events that the lab logs at its start, which commands can read.
    events: Vec<LoggedEvent>,
    scripts: Vec<Script>,
    /// The results for single scripts, each with its connector.
    known: Vec<(Vec<CommandsSpec>, Option<String>, Tried)>,
}

/// Commands that have been run in the Shell.
#[derive(Clone, Debug)]
struct Script {
    commands: Vec<CommandsSpec>,
    screen: String,
    refused: Option<String>,
    computers: Vec<Arc<Computer>>,
    caused: Vec<CausedEvent>,
    touched: Touched,
    /// The touched connectors before and after, without senders.
    observed: Option<(Observation, Observation)>,
}

impl Plan {
    /// Returns trials on copies of this lab.
    ///
    /// # Errors
    ///
    /// As for [`dry_run`](super::dry_run).
    pub fn trials(&self) -> Result<Trials, LabError> {
        let mut plan = self.clone();
        plan.file_stand_ins();
        let now = DryRun::default().clock(plan.clock.now()).now();
        let computers = plan.computers.iter().map(|built| Arc::clone(&built.computer)).collect();
        let origin = plan.text.origin().to_owned();
        let nothing = ScenarioText::without_text(Scenario::default(), &origin);
        let ScenarioText { scenario, .. } = std::mem::replace(&mut plan.text, nothing);
        let events = logged_at_start(&plan, now)?;
        let baseline = Baseline::new(computers, now);
        Ok(Trials { plan, scenario, now, baseline, events, scripts: Vec::new(), known: Vec::new() })
    }

    /// Adds the files that fixes import, which no lab file has to name.
    fn file_stand_ins(&mut self) {
        for built in &self.computers {
            let keyless =
                built.computer.store.iter().find(|stored| stored.private_key == PrivateKey::Missing);
            let known = self.text.scenario.certificate_file(Typed::PFX).is_some();
            if let (Some(stored), false) = (keyless, known) {
                self.text.scenario.certificate_file.push(CertificateFileSpec {
                    path: Typed::PFX.to_owned(),
                    of: Some(stored.label.clone()),
                    certificate: None,
                });
            }
        }
    }
}

/// Returns the events that the lab logs when it starts at `now`.
fn logged_at_start(plan: &Plan, now: Timestamp) -> Result<Vec<LoggedEvent>, LabError> {
    let dry = DryRun::default();
    let plan = Plan { clock: dry.clock(now), ..plan.clone() };
    let options =
        Options { ports: Ports::Free, relay: false, network: Network::in_memory(), ..Options::default() };
    dry.run(async {
        let lab = Engine::start_plan(plan, options).await?;
        let events = lab.logged_events();
        lab.finish(super::GRACE).await;
        Ok(events)
    })?
}

impl Trials {
    /// Runs commands on a copy of the lab, and compares what is observed before and after.
    ///
    /// The senders are those of the lab. If none of them comes to `connector` (`SERVER\Name`), the usual ones
    /// are added: one that uses TLS if it is offered, one that requires it, and one that verifies the name it
    /// dials, once for each name that the connector answers with before or after.
    ///
    /// # Errors
    ///
    /// As for [`dry_run`](super::dry_run). A refusal by the Shell is no error.
    pub fn commands(
        &mut self,
        commands: &[CommandsSpec],
        connector: Option<&str>,
    ) -> Result<Tried, LabError> {
        let mut all = self.each(&[commands.to_vec()], connector)?;
        all.pop().ok_or_else(|| LabError::Unobserved("nothing was tried".to_owned()))
    }

    /// Like [`Trials::commands`], with the commands of each fix of a receive connector (`SERVER\Name`). A
    /// file that the commands import holds the certificate whose private key is missing.
    ///
    /// # Errors
    ///
    /// As for [`Trials::commands`].
    pub fn fixes<'a>(
        &mut self,
        connector: &str,
        fixes: impl IntoIterator<Item = &'a Fix>,
    ) -> Result<Vec<Tried>, LabError> {
        let on = connector.split_once('\\').map_or(connector, |(computer, _)| computer);
        let each: Vec<_> = fixes.into_iter().map(|fix| vec![CommandsSpec::typed(on, &fix.typed)]).collect();
        self.each(&each, Some(connector))
    }

    /// Like [`Trials::fixes`], for a Send connector.
    ///
    /// # Errors
    ///
    /// As for [`Trials::commands`].
    pub fn send_fix(&mut self, fix: &SendFix) -> Result<Tried, LabError> {
        self.commands(&[CommandsSpec::typed(&fix.on, &fix.typed)], None)
    }

    fn each(
        &mut self,
        scripts: &[Vec<CommandsSpec>],
        connector: Option<&str>,
    ) -> Result<Vec<Tried>, LabError> {
        if let [commands] = scripts {
            let known = self.known.iter().find(|(of, to, _)| of == commands && to.as_deref() == connector);
            if let Some((_, _, tried)) = known {
                return Ok(vec![tried.clone()]);
            }
        }
        let places: Vec<usize> = scripts.iter().map(|commands| self.run(commands)).collect();
        let tried = self.compare(&places, connector)?;
        if let ([commands], [only]) = (scripts, tried.as_slice()) {
            self.known.push((commands.clone(), connector.map(str::to_owned), only.clone()));
        }
        Ok(tried)
    }

    /// Runs commands in the Shell unless they have been, and returns the place of the script.
    fn run(&mut self, commands: &[CommandsSpec]) -> usize {
        if let Some(known) = self.scripts.iter().position(|script| script.commands == commands) {
            return known;
        }
        let mut issuer = self.plan.issuer.clone();
        let shell = LabShell {
            scenario: &self.scenario,
            issuer: &mut issuer,
            keys: &mut KeyPair::generate,
            now: self.now,
            events: &self.events,
            queues: &[],
            state: ShellState::default(),
            made: Vec::new(),
        };
        let run = shell.run_all(commands, self.baseline.computers());
        self.scripts.push(Script {
            commands: commands.to_vec(),
            screen: run.screen,
            refused: run.refused,
            touched: self.baseline.touched(&run.computers),
            computers: run.computers,
            caused: run.logged,
            observed: None,
        });
        self.scripts.len() - 1
    }

    /// Observes the lab before and after scripts that have been run.
    fn compare(&mut self, places: &[usize], connector: Option<&str>) -> Result<Vec<Tried>, LabError> {
        let scripts: Vec<Script> =
            places.iter().filter_map(|place| self.scripts.get(*place).cloned()).collect();
        let mut usual = connector.map(Usual::new).unwrap_or_default();
        usual.note_name(self.baseline.computers(), self.now);
        let mut senders = Vec::new();
        for script in &scripts {
            usual.note_name(&script.computers, self.now);
            senders.push(self.senders(&usual, &script.computers)?);
        }
        let senders_before = self.senders(&usual, self.baseline.computers())?;
        let mut kept: BTreeSet<String> = senders_before.answering(self.now).collect();
        kept.extend(senders.iter().flat_map(|senders| senders.answering(self.now)));
        let own = usual.identity(self.baseline.computers());
        kept.extend(own.clone());
        // Without senders of its own, a lab has only the usual ones, which meet one connector. What else the
        // commands touch is the same for whichever connector they are tried for.
        let shared = if let ([place], [script], Some(own)) = (places, &scripts[..], &own)
            && self.plan.senders.is_empty()
            && !self.has_faults()
            && script.touched.connectors.len() > 1
            && script.touched.connectors.contains(own)
        {
            Some(self.without_senders(*place)?)
        } else {
            None
        };
        if shared.is_none() {
            let touched = scripts.iter().map(|script| &script.touched);
            kept.extend(touched.flat_map(|it| it.connectors.iter().chain(&it.witnesses)).cloned());
        }
        let mut after = Vec::new();
        for (script, senders) in scripts.iter().zip(&senders) {
            after.push(self.observe(&script.computers, &kept, senders, Some(&script.caused))?);
        }
        let mut before = self.observe(self.baseline.computers(), &kept, &senders_before, None)?;
        if let (Some((shared_before, shared_after)), Some(own)) = (shared, own) {
            before = beside(shared_before, before, &own);
            after = after.into_iter().map(|after| beside(shared_after.clone(), after, &own)).collect();
        }
        let compare = |(script, observed): (Script, Observation)| {
            let Script { screen, refused, .. } = script;
            let mut tried = Tried::new(&before, Played { stage: Stage::Before, screen, refused, observed });
            // The usual senders are those of all scripts, and came after some scripts had run.
            tried.senders.retain(|it| it.after.is_some() || !usual.adds(&it.subject.to_string()));
            tried
        };
        Ok(scripts.into_iter().zip(after).map(compare).collect())
    }

    fn has_faults(&self) -> bool {
        self.plan.computers.iter().any(|built| !built.faults.is_empty())
    }

    fn senders(&self, usual: &Usual, computers: &[Arc<Computer>]) -> Result<Senders, LabError> {
        let senders = usual.beside(&self.plan.senders, computers, &Network::in_memory())?;
        Ok(Senders::new(senders, self.plan.zone.clone(), computers.to_vec()))
    }

    /// Observes the connectors that a script touches, before and after it, without senders.
    fn without_senders(&mut self, place: usize) -> Result<(Observation, Observation), LabError> {
        let Some(script) = self.scripts.get(place) else { return Ok(Default::default()) };
        if let Some(observed) = &script.observed {
            return Ok(observed.clone());
        }
        let kept = script.touched.connectors.union(&script.touched.witnesses).cloned().collect();
        let nobody = |of: &[Arc<Computer>]| Senders::new(Vec::new(), self.plan.zone.clone(), of.to_vec());
        let (before, after) = (self.baseline.computers(), &script.computers);
        let observed = (
            self.observe(before, &kept, &nobody(before), None)?,
            self.observe(after, &kept, &nobody(after), Some(&script.caused))?,
        );
        if let Some(script) = self.scripts.get_mut(place) {
            script.observed = Some(observed.clone());
        }
        Ok(observed)
    }

    /// Returns what is observed in a lab of these computers that has the receive connectors in `kept`, or all
    /// of them where fault rules count the sessions of each.
    fn observe(
        &self,
        computers: &[Arc<Computer>],
        kept: &BTreeSet<String>,
        senders: &Senders,
        after: Option<&[CausedEvent]>,
    ) -> Result<Observation, LabError> {
        let mut plan = self.plan.clone();
        let whole = self.has_faults();
        for (built, computer) in plan.computers.iter_mut().zip(computers) {
            built.computer = if whole { Arc::clone(computer) } else { reduced(computer, kept) };
        }
        let dry = DryRun::default();
        let transport = Transport::Memory(dry.clone());
        let played = dry.run(watch(plan, self.now, Course::Part { senders, after }, &transport))??;
        Ok(played.observed)
    }
}

/// Returns what was observed of the touched connectors, with what was observed of the connector `own` and of the
/// senders in a lab of its own.
fn beside(touched: Observation, own: Observation, identity: &str) -> Observation {
    let is_own = |subject: &Subject| matches!(subject, Subject::ReceiveConnector(of) if of == identity);
    let (of_own, others): (Vec<_>, Vec<_>) = own.0.into_iter().partition(|(subject, _, _)| is_own(subject));
    let mut rows = touched.0;
    for (_, aspect, value) in rows.iter_mut().filter(|(subject, _, _)| is_own(subject)) {
        if let Some((_, _, own)) = of_own.iter().find(|(_, of, _)| of == aspect) {
            value.clone_from(own);
        }
    }
    rows.extend(others.into_iter().filter(|(subject, _, _)| matches!(subject, Subject::Sender(_))));
    Observation(rows)
}

impl Engine {
    /// Returns the lab as it is now, to be run on copies.
    pub fn plan(&self) -> Plan {
        let (text, senders, issuer) = {
            let desk = self.desk();
            (desk.text.clone(), desk.senders.clone(), desk.issuer.clone())
        };
        let (clock, zone) = (self.clock().clone(), text.zone());
        Plan { computers: self.as_built(self.computers(), &zone), clock, zone, senders, text, issuer }
    }
}

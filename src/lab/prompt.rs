//! The prompt of a running lab's Exchange Management Shell: what is typed, and what it came to.

use std::sync::Arc;

use super::connector_change::{ConnectorChange, connector_changes, states};
use super::{Engine, LabError};
use crate::exchange::Computer;
use crate::exchange::cmdlet::{CmdletError, ErrorKind, LoggedEvent, Nameable, Prompt};
use crate::pki::KeyPair;
use crate::scenario::{AnswerSpec, CommandsSpec, Issuer, Keys, LabShell, ShellRun};

/// The outcome of what was typed at a prompt.
#[derive(Clone, Debug)]
pub struct Entered {
    /// The text on the screen.
    pub screen: String,
    /// True if something in the lab is different, whether or not a connector shows it.
    pub changed: bool,
    /// The connectors that are different.
    pub changes: Vec<ConnectorChange>,
    /// The ending.
    pub ending: Ending,
}

/// The endings of what was typed.
#[derive(Clone, Debug)]
pub enum Ending {
    /// All of it was done.
    Done,
    /// The Shell refused it. What stands before the refused place took effect.
    Refused(Box<CmdletError>),
    /// A cmdlet asks something that has no answer yet. Nothing has changed.
    Asks(Prompt),
    /// An answer belongs to no question. Nothing has changed.
    Unasked(String),
}

impl Engine {
    /// Runs cmdlets in the Exchange Management Shell of the running lab, each on its computer; what they change
    /// counts from the next connection.
    ///
    /// A command that the Shell refuses is no error: the answer reports it. Commands before the refused line
    /// have been carried out and are not undone.
    ///
    /// # Errors
    ///
    /// A binding that could not be bound. Nothing has changed then.
    pub async fn run(&self, commands: &[CommandsSpec]) -> Result<ShellRun, LabError> {
        Ok(self.run_unless(commands, |_| false).await?.1)
    }

    /// Like [`run`](Self::run), but leaves everything as it is where the result is `unwanted`. Returns the
    /// computers before it as well.
    async fn run_unless(
        &self,
        commands: &[CommandsSpec],
        unwanted: impl Fn(&ShellRun) -> bool,
    ) -> Result<(Vec<Arc<Computer>>, ShellRun), LabError> {
        let changing = Arc::clone(&self.changing).lock_owned().await;
        let (before, events) = (self.computers(), self.logged_events());
        let typed_text: String = commands.iter().map(|it| format!("{}\n{}\n", it.on, it.run)).collect();
        let (text, state, now, made) = {
            let mut desk = self.desk();
            let asked = desk.asked.take().filter(|(of, _)| *of == typed_text);
            let made = asked.map(|(_, made)| made).unwrap_or_default();
            (desk.text.clone(), desk.state.clone(), self.live.clock().now(), made)
        };
        let zone = text.zone();
        let (commands, computers) = (commands.to_vec(), before.clone());
        let run_all = move |issuer: &mut Issuer| {
            let (scenario, keys): (_, Keys<'_>) = (&text.scenario, &mut KeyPair::generate);
            let shell = LabShell { scenario, issuer, keys, now, events: &events, queues: &[], state, made };
            shell.run_all(&commands, &computers)
        };
        let (_changing, typed) = self.work(changing, run_all).await;
        if unwanted(&typed) {
            self.desk().asked = Some((typed_text, typed.made.clone()));
            return Ok((before, typed));
        }
        if before.iter().zip(&typed.computers).any(|(old, new)| !Arc::ptr_eq(old, new)) {
            let built = self.as_built(typed.computers.clone(), &zone);
            self.put_in_place(built, zone).await?;
        }
        self.desk().state.clone_from(&typed.state);
        typed.logged.iter().cloned().for_each(|caused| self.live.log_caused(caused));
        Ok((before, typed))
    }

    /// Runs what a person types at the prompt of the Shell on the computer `on`, with the answers to the
    /// questions that the cmdlets ask. Where an answer is missing, nothing is changed, and the question is
    /// returned.
    ///
    /// # Errors
    ///
    /// A binding that could not be bound. Nothing has changed then.
    pub async fn enter(&self, on: &str, typed: &str, answers: &[AnswerSpec]) -> Result<Entered, LabError> {
        let asks = |error: &CmdletError| matches!(error.kind, ErrorKind::Asked(_));
        self.enter_unless(on, typed, answers, asks).await
    }

    /// Like [`enter`](Self::enter), but a question without an answer is a refusal: what stands before it took
    /// effect.
    ///
    /// # Errors
    ///
    /// A binding that could not be bound. Nothing has changed then.
    pub async fn enter_at_once(
        &self,
        on: &str,
        typed: &str,
        answers: &[AnswerSpec],
    ) -> Result<Entered, LabError> {
        self.enter_unless(on, typed, answers, |_| false).await
    }

    async fn enter_unless(
        &self,
        on: &str,
        typed: &str,
        answers: &[AnswerSpec],
        asks: impl Fn(&CmdletError) -> bool,
    ) -> Result<Entered, LabError> {
        let commands = [CommandsSpec { answers: answers.to_vec(), ..CommandsSpec::new(on, typed) }];
        let now = self.clock().now();
        let unwanted = |run: &ShellRun| run.error.as_ref().is_some_and(&asks);
        let (before, run) = self.run_unless(&commands, unwanted).await?;
        let asked = unwanted(&run);
        let ending = match (run.error, run.refused) {
            (Some(CmdletError { kind: ErrorKind::Asked(prompt), .. }), _) if asked => Ending::Asks(prompt),
            (Some(error), _) => Ending::Refused(Box::new(error)),
            (None, Some(refused)) => Ending::Unasked(refused),
            (None, None) => Ending::Done,
        };
        let (screen, after) = match &ending {
            Ending::Done | Ending::Refused(_) => (run.screen, run.computers),
            Ending::Asks(_) | Ending::Unasked(_) => (String::new(), before.clone()),
        };
        let changed = before.iter().zip(&after).any(|(old, new)| !Arc::ptr_eq(old, new));
        let changes = connector_changes(&states(&before, now), &states(&after, now));
        Ok(Entered { screen, changed, changes, ending })
    }

    /// Returns what the Shell on a computer can name, for completion.
    pub fn nameable(&self, on: &str) -> Nameable {
        Nameable::of(&self.computers(), on, &self.desk().state)
    }

    /// Returns the Application logs of all computers, as far as they are remembered.
    pub(super) fn logged_events(&self) -> Vec<LoggedEvent> {
        let logged = self.observer.events(0).into_iter().map(|entry| LoggedEvent {
            index: entry.seq,
            time: entry.time,
            computer: entry.computer.clone(),
            source: entry.source.to_owned(),
            event: entry.event.clone(),
        });
        logged.collect()
    }
}

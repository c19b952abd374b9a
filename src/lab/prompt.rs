//! The prompt of a running lab's Exchange Management Shell: what is typed, and what it came to.

use std::sync::Arc;

use super::connector_change::{ConnectorChange, connector_changes, states};
use super::{Engine, LabError};
use crate::exchange::cmdlet::{CmdletError, ErrorKind, Nameable, Prompt};
use crate::scenario::{AnswerSpec, CommandsSpec, ShellRun};

/// What was typed at a prompt came to this.
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
        let commands = [CommandsSpec { on: on.to_owned(), run: typed.to_owned(), answers: answers.to_vec() }];
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
}

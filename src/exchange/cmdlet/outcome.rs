//! The outcome of a script.

use std::sync::Arc;

use super::error::CmdletError;
use super::host::{Answer, CausedEvent, Prompt};
use super::state::ShellState;
use super::view::Output;
use crate::exchange::Computer;

/// The outcome of a script.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All computers, the changed ones among them, in the order in which they were given.
    pub computers: Vec<Arc<Computer>>,
    /// The names of the computers that were changed.
    pub changed: Vec<String>,
    /// Everything that stood on the screen, in its order.
    pub transcript: Vec<Entry>,
    /// The first thing that was wrong. What stands before it was done and stays done.
    pub error: Option<CmdletError>,
    /// The events that the cmdlets had services log, in order. Nothing here keeps a log, so the caller that
    /// runs the script writes them down. Cmdlets find them with the next script, once they are in
    /// [`Shell::events`](super::Shell::events).
    pub logged: Vec<CausedEvent>,
    /// The state that the next script finds.
    pub state: ShellState,
}

/// Something on the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The output of a statement.
    Output(Output),
    /// A warning, which PowerShell prints in yellow.
    Warning(String),
    /// A question, and how it was answered.
    Question {
        /// The question.
        prompt: Prompt,
        /// The answer.
        answer: Answer,
    },
}

impl Outcome {
    /// Output and warnings as they stand on the screen after the script; questions are answered by then.
    pub fn screen(&self) -> String {
        let mut screen = String::new();
        for entry in &self.transcript {
            match entry {
                Entry::Output(output) => screen.push_str(&output.to_string()),
                Entry::Warning(warning) => screen.push_str(&format!("WARNING: {warning}\n")),
                Entry::Question { .. } => {}
            }
        }
        screen
    }
}

//! Carrying a script out: on copies, so that what fails half-way has changed nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::bind::Bound;
use super::error::{CmdletError, ErrorKind, Span, Wrong};
use super::known;
use super::outside::{Answer, CausedEvent, LoggedEvent, Outside, Prompt, Question, Wanted};
use super::signature::Verb;
use super::syntax::{Command, Script, Stage, Statement};
use super::value::Value;
use super::view::{Output, View};
use crate::exchange::{Computer, Event, Profile};

/// An Exchange Management Shell on one of the computers, at one instant.
#[derive(Clone, Debug)]
pub struct Shell<'a> {
    /// All computers of the lab. From a server of an organisation the cmdlets reach its other servers and
    /// those of no other organisation; an Edge stands outside and reaches nobody, and nobody reaches it.
    pub computers: &'a [Arc<Computer>],
    /// The name of the computer that the Shell runs on.
    pub here: &'a str,
    /// What time it is.
    pub now: Timestamp,
    /// What the Application logs hold.
    pub events: &'a [LoggedEvent],
    /// What earlier scripts left behind.
    pub memory: Memory,
}

/// What a Shell remembers from one script to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) files: BTreeMap<String, Value>,
    /// Certificates that were requested and have not come yet, each with its computer.
    pub(super) requests: Vec<(String, Wanted)>,
}

/// What a script did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All computers, the changed ones among them, in the order in which they were given.
    pub computers: Vec<Arc<Computer>>,
    /// The names of the computers that were changed.
    pub changed: Vec<String>,
    /// What the statements put out.
    pub output: Vec<Output>,
    /// What PowerShell would print in yellow.
    pub warnings: Vec<String>,
    /// The questions that were asked, and the answers.
    pub answered: Vec<(Prompt, Answer)>,
    /// The events that the cmdlets had services log, in order; nothing here keeps a log, so whoever runs the
    /// script writes them down. Cmdlets find them with the next script, once they are in [`Shell::events`].
    pub logged: Vec<CausedEvent>,
    /// What the next script finds.
    pub memory: Memory,
}

impl Shell<'_> {
    /// Carries `script` out, all of it or nothing.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with line and caret. PowerShell would keep what the statements
    /// before it did; here a script that fails has changed nothing, so it can be mended and run again.
    pub fn run(&self, script: &str, outside: &mut dyn Outside) -> Result<Outcome, CmdletError> {
        let parsed: Script = script.parse()?;
        let known = || self.computers.iter().map(|computer| computer.name.as_str());
        let here = known().position(|name| name.eq_ignore_ascii_case(self.here)).ok_or_else(|| {
            let names: Vec<&str> = known().collect();
            let wrong = format!("no computer is called `{}`; there are: {}", self.here, names.join(", "));
            Wrong::not_found(Span::default(), wrong).in_script(script)
        })?;
        let mut run = Run {
            computers: self.computers.to_vec(),
            here,
            now: self.now,
            events: self.events,
            memory: self.memory.clone(),
            outside,
            output: Vec::new(),
            warnings: Vec::new(),
            answered: Vec::new(),
            logged: Vec::new(),
            what_if: false,
        };
        run.top_level(&parsed).map_err(|wrong| wrong.in_script(script))?;
        let pairs = self.computers.iter().zip(&run.computers);
        let changed = pairs.filter(|(old, new)| !Arc::ptr_eq(old, new)).map(|(old, _)| old.name.clone());
        Ok(Outcome {
            changed: changed.collect(),
            computers: run.computers,
            output: run.output,
            warnings: run.warnings,
            answered: run.answered,
            logged: run.logged,
            memory: run.memory,
        })
    }
}

impl Memory {
    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(&name.to_lowercase())
    }

    /// Sets a variable.
    pub fn set_variable(&mut self, name: &str, value: Value) {
        self.variables.insert(name.to_lowercase(), value);
    }
}

impl Outcome {
    /// Everything that stands on the screen after the script.
    pub fn screen(&self) -> String {
        let warnings = self.warnings.iter().map(|warning| format!("WARNING: {warning}\n"));
        warnings.chain(self.output.iter().map(ToString::to_string)).collect()
    }
}

/// What a variable may hold: more than any store of certificates comes to as text.
const HEAVIEST: usize = 1 << 20;

/// A script on its way.
pub(super) struct Run<'a> {
    pub(super) computers: Vec<Arc<Computer>>,
    pub(super) here: usize,
    pub(super) now: Timestamp,
    pub(super) events: &'a [LoggedEvent],
    pub(super) memory: Memory,
    pub(super) outside: &'a mut dyn Outside,
    output: Vec<Output>,
    warnings: Vec<String>,
    answered: Vec<(Prompt, Answer)>,
    logged: Vec<CausedEvent>,
    /// Whether everything is only tried, and nobody is asked.
    what_if: bool,
}

/// What goes from one stage of a pipeline to the next.
#[derive(Default)]
pub(super) struct Piped {
    pub(super) values: Vec<Value>,
    pub(super) view: View,
}

impl Run<'_> {
    fn top_level(&mut self, script: &Script) -> Result<(), Wrong> {
        for statement in &script.0 {
            let Piped { values, view } = self.pipeline(&statement.pipeline.0)?;
            match &statement.variable {
                Some(name) => self.assign(name, values, statement)?,
                None if values.is_empty() => {}
                None => self.output.push(Output { values, view }),
            }
        }
        Ok(())
    }

    /// The values of all statements in parentheses.
    pub(super) fn values_of(&mut self, script: &Script) -> Result<Vec<Value>, Wrong> {
        let mut all = Vec::new();
        for statement in &script.0 {
            let Piped { values, .. } = self.pipeline(&statement.pipeline.0)?;
            match &statement.variable {
                Some(name) => self.assign(name, values, statement)?,
                None => all.extend(values),
            }
        }
        Ok(all)
    }

    /// Sets a variable. `$a = "$a$a"` doubles with every line, so there is a bound.
    fn assign(&mut self, name: &str, values: Vec<Value>, statement: &Statement) -> Result<(), Wrong> {
        let value = Value::of(values);
        if value.weight() > HEAVIEST {
            let span = statement.pipeline.0.first().map_or(Span::default(), Stage::span);
            let wrong = format!("${name} would hold more than {HEAVIEST} characters and items");
            return Err(Wrong::argument(span, wrong));
        }
        self.memory.set_variable(name, value);
        Ok(())
    }

    fn pipeline(&mut self, stages: &[Stage]) -> Result<Piped, Wrong> {
        let mut piped: Option<Piped> = None;
        for stage in stages {
            piped = Some(match stage {
                Stage::Value(value) => {
                    let values = self.expression(value)?.each();
                    Piped { values, view: View::Default }
                }
                Stage::Command(command) => self.command(command, piped)?,
            });
        }
        Ok(piped.unwrap_or_default())
    }

    fn command(&mut self, command: &Command, input: Option<Piped>) -> Result<Piped, Wrong> {
        let cmdlet = known::cmdlet(&command.name, command.span, self.profile())?;
        if input.as_ref().is_some_and(|piped| piped.view != View::Default) {
            let wrong =
                "after Format-List and Format-Table nothing can follow; filter and select before them";
            return Err(Wrong::argument(command.span, wrong));
        }
        let values = |input: Option<Piped>| input.map(|piped| piped.values).unwrap_or_default();
        let (work, takes) = match cmdlet.verb {
            Verb::Raw(work) => return work(self, command, values(input)),
            Verb::Shape(work) => {
                let bound = Bound::new(self, cmdlet, command)?;
                return work(self, &bound, values(input));
            }
            Verb::Model(work, takes) => (work, takes),
        };
        let bound = Bound::new(self, cmdlet, command)?;
        let all = match (input, takes) {
            (None, _) => vec![bound],
            (Some(input), Some((parameter, property))) => {
                // `Get-... | Set-...` works wherever the object came from, so no version stands in the way.
                let parameter = cmdlet.all_parameters().find(|known| known.name == parameter);
                let handed_on = |value: Value| match &value {
                    Value::Object(object) => object.property(property).cloned().unwrap_or(value),
                    _ => value,
                };
                let each = input.values.into_iter().filter_map(|value| Some((parameter?, handed_on(value))));
                each.map(|(parameter, value)| bound.clone().with_input(parameter, value)).collect()
            }
            (Some(_), None) => {
                let wrong = format!("{} takes nothing from a pipeline", cmdlet.name);
                return Err(Wrong::argument(command.span, wrong));
            }
        };
        let mut made = Vec::new();
        for bound in all {
            if bound.switch("WhatIf") {
                self.only_try(work, &bound)?;
            } else {
                made.extend(work(self, &bound)?);
            }
        }
        Ok(Piped { values: made, view: View::Default })
    }

    /// Does it, says so, and takes it back.
    fn only_try(
        &mut self,
        work: fn(&mut Self, &Bound) -> Result<Vec<Value>, Wrong>,
        bound: &Bound,
    ) -> Result<(), Wrong> {
        let (computers, memory) = (self.computers.clone(), self.memory.clone());
        self.what_if = true;
        let tried = work(self, bound);
        self.what_if = false;
        (self.computers, self.memory) = (computers, memory);
        tried?;
        let said = format!("What if: {} would succeed; nothing was changed.", bound.cmdlet);
        self.output.push(Output { values: vec![Value::Text(said)], view: View::Default });
        Ok(())
    }

    /// Whether everything is taken back afterwards.
    pub(super) fn only_trying(&self) -> bool {
        self.what_if
    }

    /// Has a service on a computer log an event; what is only tried is not logged.
    pub(super) fn log(&mut self, at: usize, source: &'static str, event: Event) {
        let computer = self.computer(at).filter(|_| !self.what_if).map(|computer| computer.name.clone());
        self.logged.extend(computer.map(|computer| CausedEvent { computer, source, event }));
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// Asks, and stops the script where nobody answers.
    pub(super) fn ask(&mut self, question: Question, text: String, span: Span) -> Result<Answer, Wrong> {
        if self.what_if {
            return Ok(Answer::Yes);
        }
        let prompt = Prompt { question, text };
        let Some(answer) = self.outside.answer(&prompt) else {
            let wrong = format!("{}\nit asks, and nobody answered", prompt.text);
            return Err(Wrong::new(ErrorKind::Asked(prompt), span, wrong));
        };
        self.answered.push((prompt, answer));
        Ok(answer)
    }

    /// The Exchange of the computer that the Shell runs on.
    pub(super) fn profile(&self) -> Profile {
        self.computer(self.here).map_or(Profile::Exchange2019, |computer| computer.profile)
    }

    pub(super) fn computer(&self, at: usize) -> Option<&Computer> {
        self.computers.get(at).map(AsRef::as_ref)
    }

    /// A computer, to change it.
    pub(super) fn change(&mut self, at: usize, change: impl FnOnce(&mut Computer)) {
        if let Some(computer) = self.computers.get_mut(at) {
            change(Arc::make_mut(computer));
        }
    }
}

//! A script on its way: copies of the computers, what stands on the screen, and the limits of the work.

use std::sync::Arc;

use jiff::Timestamp;

use super::bind::Bound;
use super::error::{ErrorKind, Span, Wrong};
use super::host::{Answer, CausedEvent, LoggedEvent, MailQueue, Prompt, Question, ShellHost};
use super::outcome::{Entry, Outcome};
use super::state::ShellState;
use super::syntax::Script;
use super::value::Value;
use super::view::{Output, View};
use crate::exchange::{Computer, Event, Profile};

/// An Exchange Management Shell on one of the computers, at one instant.
#[derive(Clone, Debug)]
pub struct Shell<'a> {
    /// All computers of the lab. From a server of an organization the cmdlets reach its other servers and
    /// those of no other organization; an Edge stands outside and reaches nobody, and nobody reaches it.
    pub computers: &'a [Arc<Computer>],
    /// The name of the computer that the Shell runs on.
    pub here: &'a str,
    /// The current time.
    pub now: Timestamp,
    /// The events in the Application logs.
    pub events: &'a [LoggedEvent],
    /// The queues that are not empty.
    pub queues: &'a [MailQueue],
    /// The state that earlier scripts left behind.
    pub state: ShellState,
}

impl Shell<'_> {
    /// Carries `script` out, statement by statement, up to the first that fails. What was done before it
    /// stays done, as in PowerShell, and nothing behind it is tried.
    pub fn run(&self, script: &str, host: &mut dyn ShellHost) -> Outcome {
        let known = || self.computers.iter().map(|computer| computer.name.as_str());
        let here = known().position(|name| name.eq_ignore_ascii_case(self.here));
        let mut run = Run {
            computers: self.computers.to_vec(),
            here: here.unwrap_or_default(),
            now: self.now,
            events: self.events,
            queues: self.queues,
            state: self.state.clone(),
            host,
            current: Vec::new(),
            regex: None,
            steps: 0,
            depth: 0,
            transcript: Vec::new(),
            logged: Vec::new(),
            what_if: false,
        };
        let wrong = if here.is_some() {
            let (statements, wrong) = Script::read(script);
            run.top_level(&statements).err().or(wrong)
        } else {
            let names: Vec<&str> = known().collect();
            let wrong = format!("no computer is called `{}`; there are: {}", self.here, names.join(", "));
            Some(Wrong::not_found(Span::default(), wrong))
        };
        let pairs = self.computers.iter().zip(&run.computers);
        let changed = pairs.filter(|(old, new)| !Arc::ptr_eq(old, new)).map(|(old, _)| old.name.clone());
        let changed: Vec<String> = changed.collect();
        let error = wrong.map(|wrong| {
            let mut error = wrong.in_script(script);
            error.kept = !changed.is_empty();
            error
        });
        Outcome {
            changed,
            computers: run.computers,
            transcript: run.transcript,
            error,
            logged: run.logged,
            state: run.state,
        }
    }
}

/// The limit on the size of a value: more than any store of certificates comes to as text.
pub(super) const HEAVIEST: usize = 1 << 20;

/// The limit on the values that a script may calculate: more than any guide needs, and done within seconds.
const MOST_STEPS: usize = 500_000;

/// The limit on the depth of nested blocks.
const DEEPEST: usize = 24;

/// The limit on the depth of nested lists.
const DEEPEST_VALUE: usize = 24;

/// A script on its way.
pub(super) struct Run<'a> {
    pub(super) computers: Vec<Arc<Computer>>,
    pub(super) here: usize,
    pub(super) now: Timestamp,
    pub(super) events: &'a [LoggedEvent],
    pub(super) queues: &'a [MailQueue],
    pub(super) state: ShellState,
    pub(super) host: &'a mut dyn ShellHost,
    /// The values of `$_`, the innermost last.
    pub(super) current: Vec<Value>,
    /// The regular expression that was used last.
    pub(super) regex: Option<(String, bool, regex::Regex)>,
    steps: usize,
    depth: usize,
    transcript: Vec<Entry>,
    logged: Vec<CausedEvent>,
    /// True in a dry run (`-WhatIf`): every change is only tried, and no question is asked.
    what_if: bool,
}

impl Run<'_> {
    /// Sets a variable. `$a = "$a$a"` doubles with every line, so there is a bound.
    pub(super) fn assign(&mut self, name: &str, value: Value, span: Span) -> Result<(), Wrong> {
        self.held(&value, span)
            .map_err(|wrong| Wrong { message: format!("${name}: {}", wrong.message), ..wrong })?;
        if self.state.set_variable(name, value) { Ok(()) } else { Err(kept_too_much(span)) }
    }

    /// Counts what a value holds as work, and fails where it holds more than is kept.
    pub(super) fn held(&mut self, value: &Value, span: Span) -> Result<(), Wrong> {
        let weight = value.weight();
        self.step(weight / 16, span)?;
        if weight > HEAVIEST {
            let wrong = format!("it would hold more than {HEAVIEST} characters and items");
            return Err(Wrong::argument(span, wrong));
        }
        if value.depth() > DEEPEST_VALUE {
            let wrong = format!("more than {DEEPEST_VALUE} lists would stand one inside the other");
            return Err(Wrong::argument(span, wrong));
        }
        Ok(())
    }

    /// Counts work. A script comes to an end, whatever it loops over.
    pub(super) fn step(&mut self, steps: usize, span: Span) -> Result<(), Wrong> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MOST_STEPS {
            let wrong = format!("the script calculates more than {MOST_STEPS} values");
            return Err(Wrong::argument(span, wrong));
        }
        Ok(())
    }

    /// Runs a block for one value, which it finds as `$_`, and returns its output.
    pub(super) fn block(&mut self, block: &Script, value: Value, span: Span) -> Result<Vec<Value>, Wrong> {
        self.step(1, span)?;
        if self.depth == DEEPEST {
            return Err(Wrong::argument(span, format!("blocks run more than {DEEPEST} deep")));
        }
        self.depth += 1;
        self.current.push(value);
        let values = self.values_of(block);
        self.current.pop();
        self.depth -= 1;
        values
    }

    /// Does it, says so, and takes it back.
    pub(super) fn only_try(
        &mut self,
        work: fn(&mut Self, &Bound) -> Result<Vec<Value>, Wrong>,
        bound: &Bound,
    ) -> Result<(), Wrong> {
        let (computers, state) = (self.computers.clone(), self.state.clone());
        self.what_if = true;
        let tried = work(self, bound);
        self.what_if = false;
        (self.computers, self.state) = (computers, state);
        tried?;
        let said = format!("What if: {} would succeed; nothing was changed.", bound.cmdlet);
        self.put_out(vec![Value::Text(said)], View::Default);
        Ok(())
    }

    /// Returns whether all changes are undone afterwards.
    pub(super) fn only_trying(&self) -> bool {
        self.what_if
    }

    /// Has a service on a computer log an event; what is only tried is not logged.
    pub(super) fn log(&mut self, at: usize, event: Event) {
        let computer = self.computer(at).filter(|_| !self.what_if).map(|computer| computer.name.clone());
        self.logged.extend(computer.map(|computer| CausedEvent { computer, event }));
    }

    /// Puts values on the screen at once.
    pub(super) fn put_out(&mut self, values: Vec<Value>, view: View) {
        if !values.is_empty() {
            self.transcript.push(Entry::Output(Output { values, view }));
        }
    }

    /// Warns, once of the same thing.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        let warning = Entry::Warning(warning.into());
        // The whole screen is looked through, which is work as well.
        self.steps = self.steps.saturating_add(self.transcript.len() / 32);
        if !self.transcript.contains(&warning) {
            self.transcript.push(warning);
        }
    }

    /// Puts a text on the screen at once.
    pub(super) fn say(&mut self, text: String) {
        self.put_out(vec![Value::Text(text)], View::Default);
    }

    /// Asks, and stops the script where nobody answers.
    pub(super) fn ask(&mut self, question: Question, text: String, span: Span) -> Result<Answer, Wrong> {
        if self.what_if {
            return Ok(Answer::Yes);
        }
        let prompt = Prompt { question, text };
        let Some(answer) = self.host.answer(&prompt) else {
            let wrong = format!("{}\nit asks, and nobody answered", prompt.text);
            return Err(Wrong::new(ErrorKind::Asked(prompt), span, wrong));
        };
        self.transcript.push(Entry::Question { prompt, answer });
        Ok(answer)
    }

    /// Keeps what a cmdlet writes into a file: a lab writes no files of its users.
    pub(super) fn write_file(&mut self, path: &str, content: Value, span: Span) -> Result<(), Wrong> {
        const MOST_FILES: usize = 256;
        self.held(&content, span)?;
        if self.state.files.len() >= MOST_FILES && !self.state.files.contains_key(&path.to_lowercase()) {
            return Err(Wrong::refused(span, format!("at most {MOST_FILES} files are kept here")));
        }
        if self.state.set_file(path, content) { Ok(()) } else { Err(kept_too_much(span)) }
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

fn kept_too_much(span: Span) -> Wrong {
    let most = super::state::HEAVIEST_STATE;
    let wrong =
        format!("variables and files here hold {most} characters and items at most; set some to $null");
    Wrong::refused(span, wrong)
}

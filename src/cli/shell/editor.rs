//! The line editor: history and completion at a terminal.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::config::{Behavior, BellStyle, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, ExternalPrinter, Helper};

use super::history::MOST;
use super::lab::Lab;
use crate::cli::output::Failure;
use crate::exchange::cmdlet::{Suggestion, complete};

/// The editor of a terminal.
pub(super) struct Terminal(Editor<Completes, MemHistory>);

/// The result of reading a line at the terminal.
pub(super) enum Typed {
    /// A line.
    Line(String),
    /// Ctrl-C: the line is dropped.
    Dropped,
    /// Ctrl-D, or the end of the terminal.
    End,
}

/// The place that the Shell is at, for completion.
#[derive(Default)]
pub(super) struct Place {
    /// The server whose Shell it is.
    pub(super) server: String,
    /// The lines before this one that belong to the same input.
    pub(super) pending: String,
    /// True while a cmdlet asks something.
    pub(super) asking: bool,
}

struct Completes {
    lab: Rc<Lab>,
    place: Rc<RefCell<Place>>,
}

impl Terminal {
    /// Takes over the terminal; with `beside_input`, the one that standard input is not.
    pub(super) fn new(lab: Rc<Lab>, place: Rc<RefCell<Place>>, beside_input: bool) -> Result<Self, Failure> {
        let wrong = |error: ReadlineError| Failure::usage(format!("the terminal: {error}"));
        let config = Config::builder()
            .max_history_size(MOST)
            .map_err(wrong)?
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            .behavior(if beside_input { Behavior::PreferTerm } else { Behavior::Stdio })
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).map_err(wrong)?;
        editor.set_helper(Some(Completes { lab, place }));
        Ok(Self(editor))
    }

    /// Returns what prints above the line that is being typed; `None` where the terminal has no way to do that.
    pub(super) fn printer(&mut self) -> Option<impl ExternalPrinter + Send + 'static> {
        self.0.create_external_printer().ok()
    }

    /// Reads a line.
    pub(super) fn read(&mut self, prompt: &str) -> Result<Typed, Failure> {
        match self.0.readline(prompt) {
            Ok(line) => Ok(Typed::Line(line)),
            Err(ReadlineError::Interrupted) => Ok(Typed::Dropped),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(Failure::usage(format!("the terminal: {error}"))),
        }
    }

    /// Adds an input to the history.
    pub(super) fn remember(&mut self, input: &str) {
        // A history in memory takes everything.
        self.0.add_history_entry(input).ok();
    }
}

impl Completer for Completes {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let place = self.place.borrow();
        if place.asking {
            return Ok((cursor, Vec::new()));
        }
        let before = place.pending.len();
        let input = format!("{}{line}", place.pending);
        let known = self.lab.nameable(&place.server);
        let completion = complete(&input, before + cursor, &known);
        // What begins in an earlier line is not completed: that line is no longer edited.
        let Some(start) = completion.start.checked_sub(before) else { return Ok((cursor, Vec::new())) };
        let few = completion.suggestions.len() <= FEW;
        Ok((start, completion.suggestions.into_iter().map(|it| pair(it, few)).collect()))
    }
}

/// The maximum number of suggestions that are shown with what each of them is; a longer list is for looking through.
const FEW: usize = 8;

/// The length of a thumbprint, which says nothing by itself.
const THUMBPRINT: usize = 40;

fn pair(suggestion: Suggestion, few: bool) -> Pair {
    let Suggestion { text, about } = suggestion;
    let described = !about.is_empty() && (few || text.len() >= THUMBPRINT);
    let display = if described { format!("{text}  {about}") } else { text.clone() };
    Pair { display, replacement: text }
}

impl Hinter for Completes {
    type Hint = String;
}

impl Highlighter for Completes {
    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }
}

impl Validator for Completes {}

impl Helper for Completes {}

//! The first screen of `check`: for one connector what is wrong, the commands that fix it, and what they change for
//! whom, in 24 lines of 80 characters; for several connectors a table, and after it each cause once.

mod block;
mod cause;
mod effect;
mod open;
mod rows;
mod table;

pub use open::Lacking;

use super::Report;
use super::causes::Cause;
use super::paint::{Colors, Style};
use super::proof::{self, Count};
use crate::scenario::{Proof, Stage};
use block::Block;
use cause::Depth;
use rows::Rows;

/// The number of lines of a terminal, without the one of the prompt.
const LINES: usize = 23;
/// The number of lines for several connectors, where they can be had for less detail.
const LINES_OF_SEVERAL: usize = 29;
/// The number of characters of its lines.
const WIDTH: usize = 80;
/// The width of the names of rows.
const HEAD: usize = 9;
/// The limit on the expectations that are listed as not met.
const MOST_DIFFERENCES: usize = 4;

/// The limit on the notes about the input.
const MOST_NOTES: usize = 2;

/// The first screen of a report.
#[derive(Clone, Copy, Debug)]
pub struct Screen<'a> {
    /// The description of the input, in one line.
    pub input: &'a str,
    /// True if the input was pasted, so that there is no lab file.
    pub pasted: bool,
    /// True if the names of the servers are known, and not assumed.
    pub named: bool,
    /// The arguments of the command line that name the input, to be repeated in a command.
    pub files: &'a str,
    /// Text about what was pasted beside the exports, or what they do not settle.
    pub beside: &'a str,
    /// Notes on the input.
    pub notes: &'a [String],
    /// The assumptions where the input leaves a question open, as the answers `"ID=VALUE"` that would say the same.
    pub assumed: &'a [String],
    /// The half that was not pasted, if what was pasted does not decide anything.
    pub lacking: Option<Lacking>,
    /// The report, with the effects of the fixes of a single connector as far as they were tried.
    pub report: &'a Report,
    /// The causes of the report, with the effects of their fixes, for several connectors.
    pub causes: &'a [Cause],
    /// The dry run of the scenario, where it has anything to run.
    pub dry_run: Option<&'a Proof>,
    /// The colors of the terminal.
    pub colors: Colors,
}

impl Screen<'_> {
    /// Returns the text.
    pub fn text(&self) -> String {
        let mut screen = self.head();
        let tail = self.tail();
        match self.lacking {
            Some(Lacking::Certificates) => {
                open::without_certificates(&mut screen, self.report, self.files, self.named);
            }
            Some(Lacking::Connectors) => {
                open::without_connectors(&mut screen, self.report, self.files, self.named);
            }
            None => self.connectors(&mut screen, &tail),
        }
        screen.gap();
        screen.append(&tail);
        screen.finish()
    }

    fn connectors(&self, screen: &mut Rows, tail: &Rows) {
        // An empty line stands above the tail.
        let below = tail.height() + 1;
        match Block::all(self.report).as_slice() {
            [only] => {
                let room = LINES.saturating_sub(screen.height() + below);
                let mut rows = only.fitting(room, self.colors);
                if !only.is_wrong() {
                    self.senders(&mut rows);
                }
                screen.append(&rows);
            }
            blocks => {
                table::table(screen, blocks, self.causes);
                self.internal_certificates(screen);
                let room = LINES_OF_SEVERAL.saturating_sub(screen.height() + below);
                for rows in self.causes_in(room) {
                    screen.gap();
                    screen.append(&rows);
                }
            }
        }
    }

    /// Writes what is logged about internal transport certificates, once for each computer.
    fn internal_certificates(&self, screen: &mut Rows) {
        let mut known = Vec::new();
        for report in &self.report.connectors {
            let computer = report.identity.split('\\').next().unwrap_or_default();
            for event in report.about_the_internal_certificate() {
                let line = format!("on {computer}: {event}");
                if !known.contains(&line) {
                    known.push(line);
                }
            }
        }
        if !known.is_empty() {
            screen.gap();
        }
        known.iter().for_each(|line| screen.text("event", HEAD, None, line));
    }

    /// Returns each cause, with as much detail as fits into this number of lines; the first ones have more.
    fn causes_in(&self, room: usize) -> Vec<Rows> {
        let rows = |at: usize, depth: Depth| cause::rows(self.report, self.causes, at, depth, self.colors);
        let mut all: Vec<Rows> = Vec::new();
        // An empty line stands above each.
        let height = |all: &[Rows]| all.iter().map(|rows| rows.height() + 1).sum::<usize>();
        let mut even = Depth::Whole;
        for depth in Depth::ALL {
            even = depth;
            all = (0..self.causes.len()).map(|at| rows(at, depth)).collect();
            if height(&all) <= room {
                break;
            }
        }
        for at in 0..all.len() {
            for depth in Depth::ALL.into_iter().filter(|depth| *depth < even) {
                let richer = rows(at, depth);
                let left = height(&all) - all.get(at).map_or(0, Rows::height);
                if let Some(place) = all.get_mut(at).filter(|_| left + richer.height() <= room) {
                    *place = richer;
                    break;
                }
            }
        }
        all
    }

    fn head(&self) -> Rows {
        let mut head = Rows::new(self.colors);
        if self.pasted {
            head.text("", 0, None, self.input);
        } else {
            head.cells(&[(self.input, usize::MAX, None)]);
        }
        if !self.beside.is_empty() {
            head.gap();
            self.beside.lines().for_each(|line| head.line(line));
        }
        head.gap();
        self.notes.iter().take(MOST_NOTES).for_each(|note| head.text("note", HEAD, None, note));
        if !self.assumed.is_empty() {
            let answers: Vec<&str> = self.assumed.iter().map(String::as_str).collect();
            let hint = "(--answer ID=VALUE says otherwise, --full has the questions)";
            head.text("assumed", HEAD, None, &format!("{} {hint}", answers.join(" ")));
        }
        head.gap();
        head
    }

    /// Writes what becomes of the messages of the scenario's senders.
    fn senders(&self, rows: &mut Rows) {
        let before = self.dry_run.and_then(|proof| proof.stages.iter().find(|it| it.stage == Stage::Before));
        let lines = before.map(|stage| effect::endings(&stage.rows)).unwrap_or_default();
        if !lines.is_empty() {
            rows.text("senders", HEAD, None, &lines.join("; "));
        }
    }

    /// Returns whether the scenario's expectations are met, and where there is more to see.
    fn tail(&self) -> Rows {
        let mut rows = Rows::new(self.colors);
        let hint = "--full: every certificate, fix and event, EHLO, the dry run";
        let Some(proof) = self.dry_run else {
            rows.text("", 0, Some(Style::Faint), hint);
            return rows;
        };
        let verdict = format!("dry run {}", proof::verdict(proof));
        let verdict = if self.pasted { verdict.replace("the file says", "was pasted") } else { verdict };
        if Count::of(proof).unmet == 0 {
            rows.text("", 0, Some(Style::Faint), &format!("{verdict}; --full shows all"));
        } else {
            rows.text("", 0, Some(Style::Bad), &verdict);
            for line in proof::differences(proof).iter().take(MOST_DIFFERENCES) {
                rows.text("", HEAD, None, line);
            }
            rows.text("", 0, Some(Style::Faint), hint);
        }
        rows
    }
}

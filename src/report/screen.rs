//! The first screen of `check`: for one connector what is wrong, the commands that fix it, and what they change for
//! whom, in 24 lines of 80 characters; for several connectors a table before that.

mod block;
mod effect;
mod rows;
mod table;

use super::Report;
use super::paint::{Colors, Style};
use super::proof::{self, Count};
use crate::scenario::{Proof, Stage};
use block::Block;
use rows::Rows;

/// The number of lines of a terminal, without the one of the prompt.
const LINES: usize = 23;
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
    /// Text about what was pasted beside the exports, or what they do not settle.
    pub beside: &'a str,
    /// Notes on the input.
    pub notes: &'a [String],
    /// The assumptions where the input leaves a question open, as the answers `"ID=VALUE"` that would say the same.
    pub assumed: &'a [String],
    /// The report, with the effects of the fixes as far as they were tried.
    pub report: &'a Report,
    /// The dry run of the scenario, where it has anything to run.
    pub dry_run: Option<&'a Proof>,
    /// The colors of the terminal.
    pub colors: Colors,
}

impl Screen<'_> {
    /// Returns the text.
    pub fn text(&self) -> String {
        let blocks = Block::all(self.report);
        let mut screen = self.head();
        let tail = self.tail();
        match blocks.as_slice() {
            [only] => {
                // An empty line stands below it.
                let room = LINES.saturating_sub(screen.height() + tail.height() + 1);
                let mut rows = only.fitting(true, room, self.colors);
                if !only.is_wrong() {
                    self.senders(&mut rows);
                }
                screen.append(&rows);
            }
            blocks => {
                table::table(&mut screen, blocks);
                let wrong: Vec<&Block<'_>> = blocks.iter().filter(|block| block.is_wrong()).collect();
                for (at, block) in wrong.iter().enumerate() {
                    let same = |known: &&&Block<'_>| known.has_the_fix_of(block);
                    if wrong.iter().take(at).any(|known| same(&known)) {
                        continue;
                    }
                    screen.gap();
                    let mut rows = block.fitting(false, LINES, self.colors);
                    let also: Vec<&str> =
                        wrong.iter().skip(at + 1).filter(same).map(|known| known.identity()).collect();
                    if !also.is_empty() {
                        rows.text("also for", HEAD, None, &effect::few(&also));
                    }
                    screen.append(&rows);
                }
            }
        }
        screen.gap();
        screen.append(&tail);
        screen.finish()
    }

    fn head(&self) -> Rows {
        let mut head = Rows::new(self.colors);
        head.cells(&[(self.input, usize::MAX, None)]);
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

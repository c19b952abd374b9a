//! The first screen of `check`: for one connector what is wrong, the commands that fix it, and what they change for
//! whom, in 24 lines of 80 characters; for several connectors a table before that.

mod block;
mod effect;
mod rows;
mod table;

use super::Report;
use super::paint::{Colors, Style};
use super::proof::{self, Count};
use crate::scenario::Proof;
use block::{Block, Detail};
use rows::Rows;

/// The number of lines of a terminal.
const LINES: usize = 24;
/// The number of characters of its lines.
const WIDTH: usize = 80;

/// The first screen of a report.
#[derive(Clone, Copy, Debug)]
pub struct Screen<'a> {
    /// The description of the input, in one line.
    pub input: &'a str,
    /// Text about the input that the connectors do not show: open questions, and what was pasted beside the exports.
    pub beside: &'a str,
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
        let mut head = Rows::new(self.colors);
        head.text("", 0, None, self.input);
        head.gap();
        for line in self.beside.lines() {
            head.line(line);
        }
        head.gap();
        let mut tail = Rows::new(self.colors);
        self.dry_run(&mut tail);
        tail.gap();
        tail.text(
            "",
            0,
            Some(Style::Faint),
            "--full shows each certificate with its reason, every fix, EHLO, the events and the dry run.",
        );
        let blocks = Block::all(self.report);
        let several = blocks.len() > 1;
        if several {
            table::table(&mut head, &blocks);
            head.gap();
        }
        let mut shown: Vec<&Block<'_>> = Vec::new();
        let mut text = head.finish();
        for block in blocks.iter().filter(|block| !several || block.is_wrong()) {
            let mut rows = Rows::new(self.colors);
            match shown.iter().find(|known| known.has_the_fix_of(block)) {
                Some(known) => block.refer_to(known, &mut rows),
                None => {
                    let room = LINES.saturating_sub(1 + text.lines().count().min(3) + tail.height());
                    rows = block.fitting(if several { Detail::Short } else { Detail::Whole }, room, self.colors);
                    shown.push(block);
                }
            }
            rows.gap();
            text.push_str(&rows.finish());
        }
        text + &tail.finish()
    }

    /// Writes whether the scenario's expectations are met.
    fn dry_run(&self, rows: &mut Rows) {
        let Some(proof) = self.dry_run else { return };
        let Count { unmet, .. } = Count::of(proof);
        let style = if unmet == 0 { None } else { Some(Style::Bad) };
        let verdict = proof::verdict(proof);
        rows.text("dry run", HEAD, style, &verdict);
        for line in proof::differences(proof).iter().take(MOST_DIFFERENCES) {
            rows.text("", HEAD, None, line);
        }
    }
}

/// The width of the names of rows.
const HEAD: usize = 9;
/// The limit on the expectations that are listed as not met.
const MOST_DIFFERENCES: usize = 4;

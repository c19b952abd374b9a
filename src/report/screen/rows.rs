//! Rows of text with a name in front, no wider than the terminal.

use super::WIDTH;
use crate::journal::safe_text;
use crate::report::layout::wrap;
use crate::report::paint::{Colors, Style};

/// Rows that know how many lines of a terminal they take.
#[derive(Debug)]
pub(super) struct Rows {
    colors: Colors,
    /// True if there are no empty lines.
    tight: bool,
    text: String,
    height: usize,
}

impl Rows {
    pub(super) fn new(colors: Colors) -> Self {
        Self { colors, tight: false, text: String::new(), height: 0 }
    }

    /// Returns rows without empty lines between them.
    pub(super) fn tight(colors: Colors) -> Self {
        Self { tight: true, ..Self::new(colors) }
    }

    /// Adds text broken at spaces, after a name of this width.
    pub(super) fn text(&mut self, name: &str, width: usize, style: Option<Style>, text: &str) {
        for (at, line) in wrap(&safe_text(text), WIDTH.saturating_sub(width)).iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            let padding = " ".repeat(width.saturating_sub(name.chars().count()));
            let line = style.map_or_else(|| line.clone(), |style| self.colors.paint(style, line));
            let name = self.colors.paint(Style::Faint, name);
            self.add(&format!("{name}{padding}{line}"), WIDTH);
        }
    }

    /// Adds a line of cells. A cell is cut at its width, and all at the end of the line.
    pub(super) fn cells(&mut self, cells: &[(&str, usize, Option<Style>)]) {
        let (mut line, mut taken) = (String::new(), 0);
        for (text, width, style) in cells {
            let text = safe_text(text);
            let width = (*width).min(WIDTH.saturating_sub(taken));
            let cut: String = match text.chars().count() {
                long if long > width => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
                _ => text.into_owned(),
            };
            let padding = " ".repeat(width.saturating_sub(cut.chars().count()));
            line.push_str(&style.map_or_else(|| cut.clone(), |style| self.colors.paint(style, &cut)));
            line.push_str(&padding);
            taken += width;
        }
        self.add(&line, taken);
    }

    /// Adds a command. It is not broken, because it is copied.
    pub(super) fn command(&mut self, command: &str) {
        let command = safe_text(command);
        let width = INDENT + command.chars().count();
        let command = self.colors.paint(Style::Command, &command);
        self.add(&format!("{}{command}", " ".repeat(INDENT)), width);
    }

    /// Adds an empty line, unless the last one is empty.
    pub(super) fn gap(&mut self) {
        if !self.tight && self.height > 0 && !self.text.ends_with("\n\n") {
            self.add("", 0);
        }
    }

    /// Adds other rows.
    pub(super) fn append(&mut self, rows: &Self) {
        self.text.push_str(&rows.text);
        self.height += rows.height;
    }

    /// Returns the number of lines of a terminal.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Adds a line as it is.
    pub(super) fn line(&mut self, line: &str) {
        let line = safe_text(line);
        self.add(&line, line.chars().count());
    }

    fn add(&mut self, line: &str, width: usize) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
        self.height += width.div_ceil(WIDTH).max(1);
    }
}

/// The indentation of commands.
const INDENT: usize = 2;

//! Lines of text of a readable length.

use crate::journal::safe_text;

/// The maximum length of a line.
pub(super) const WIDTH: usize = 100;

/// Text that grows line by line.
#[derive(Default)]
pub struct Page(String);

impl Page {
    /// Adds a line unbroken: commands have to survive being copied.
    pub fn line(&mut self, indent: usize, text: &str) {
        self.0.push_str(&" ".repeat(indent));
        self.0.push_str(&safe_text(text));
        self.0.push('\n');
    }

    /// Adds text broken at spaces. `head` stands in front, and the following lines are aligned behind it.
    pub fn text(&mut self, indent: usize, head: &str, text: &str) {
        let hanging = indent + head.chars().count();
        let mut lines = wrap(text, WIDTH.saturating_sub(hanging)).into_iter();
        self.line(indent, format!("{head}{}", lines.next().unwrap_or_default()).trim_end());
        for line in lines {
            self.line(hanging, &line);
        }
    }

    /// Adds a section's name, with an empty line before it.
    pub fn section(&mut self, name: &str) {
        self.0.push('\n');
        self.text(2, "", name);
    }

    /// Returns the text.
    pub fn finish(self) -> String {
        self.0
    }
}

/// Returns rows with columns as wide as their widest cell; the last column is not padded.
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Breaks `text` at spaces into lines of at most `width` characters; a longer word has a line to itself.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_stay_whole() {
        assert_eq!(wrap("a bb  ccc\ndddddddd e", 5), ["a bb", "ccc", "dddddddd", "e"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn a_cell_is_as_wide_as_the_widest_above_and_below() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        assert_eq!(columns(&[row(&["a", "b"]), row(&["ccc", "d"])]), ["a    b", "ccc  d"]);
    }
}

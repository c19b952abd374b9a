//! Errors in a lab file, shown with line and caret.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// An error in a lab file: what is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    origin: String,
    place: Option<Place>,
    message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    /// The line as it is shown, and the number of its characters before the caret.
    text: String,
    indent: usize,
    width: usize,
}

/// The maximum number of characters of a line that are shown on either side of an error, and of a message.
const MOST_BESIDE: usize = 400;
const LONGEST_MESSAGE: usize = 4000;

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else {
            return write!(f, "{}: {}", self.origin, self.message);
        };
        let Place { line, column, text, indent, width } = place;
        let gutter = " ".repeat(line.to_string().len());
        let indent: String = text.chars().take(*indent).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "{}:{line}:{column}: {}", self.origin, self.message)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{line} | {text}")?;
        write!(f, "{gutter} | {indent}{}", "^".repeat(*width))
    }
}

impl ScenarioError {
    /// Returns an error about the lab file as a whole.
    pub(super) fn whole(origin: &str, message: impl Into<String>) -> Self {
        Self { origin: origin.to_owned(), place: None, message: cut(message.into()) }
    }

    /// Returns an error about these bytes of `text`.
    pub(super) fn at(origin: &str, text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let start = floor(text, span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_text = text[line_start..].lines().next().unwrap_or_default();
        let end = floor(text, span.end.min(line_start + line_text.len())).max(start);
        let (before_it, behind_it) = line_text.split_at((start - line_start).min(line_text.len()));
        let shown_before = last(before_it, MOST_BESIDE);
        let shown_behind: String = behind_it.chars().take(MOST_BESIDE).collect();
        let cut_before = if shown_before.len() < before_it.len() { "..." } else { "" };
        let cut_behind = if shown_behind.len() < behind_it.len() { "..." } else { "" };
        let place = Place {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            indent: cut_before.len() + shown_before.chars().count(),
            width: text[start..end].chars().take(MOST_BESIDE).count().max(1),
            text: format!("{cut_before}{shown_before}{shown_behind}{cut_behind}"),
        };
        Self { origin: origin.to_owned(), place: Some(place), message: cut(message.into()) }
    }

    /// Returns the line that the error is about, counted from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.line)
    }

    /// Returns what is wrong, without the position.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Returns the last `count` characters of `text`.
fn last(text: &str, count: usize) -> &str {
    let first = text.char_indices().rev().take(count).last();
    first.map_or("", |(at, _)| &text[at..])
}

/// Returns the message without most of a value that is as long as the file.
fn cut(message: String) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}...", &message[..end]),
        None => message,
    }
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A step of the path to a value in a lab file.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Key(&'static str),
    Name(String),
    Index(usize),
}

/// Returns the byte range of the value at `path`, or of the nearest enclosing value that is written in the
/// file.
pub(super) fn span_of(text: &str, path: &[Step]) -> Option<Range<usize>> {
    let table = DeTable::parse(text).ok()?;
    let mut span = table.span();
    let mut value: Option<&DeValue<'_>> = None;
    for (depth, step) in path.iter().enumerate() {
        let found = match (step, value) {
            (Step::Key(key), None) if depth == 0 => table.get_ref().get(*key),
            (Step::Name(name), Some(DeValue::Table(table))) => table.get(name.as_str()),
            (Step::Key(key), Some(DeValue::Table(table))) => table.get(*key),
            (Step::Index(at), Some(DeValue::Array(array))) => array.get(*at),
            _ => None,
        };
        let Some(found) = found else { break };
        span = found.span();
        value = Some(found.get_ref());
    }
    Some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_without_end_the_part_beside_the_error_is_shown() {
        let long = format!("title = \"x\"\n{}=\u{e9}{}", "k".repeat(1 << 20), "v".repeat(1 << 20));
        let at = long.find('\u{e9}').unwrap();
        let error = ScenarioError::at("lab.toml", &long, &(at..long.len()), "v".repeat(1 << 20));
        let shown = error.to_string();
        assert!(shown.len() < 8_000, "{}", shown.len());
        assert!(shown.starts_with("lab.toml:2:1048578: vvv"), "{shown}");
        let lines: Vec<_> = shown.lines().collect();
        assert!(lines[2].starts_with("2 | ...kkk") && lines[2].ends_with("vvv..."), "{}", lines[2]);
        let column = lines[2].chars().position(|it| it == '\u{e9}');
        assert_eq!(column, lines[3].chars().position(|it| it == '^'), "{shown}");
    }

    const FILE: &str =
        "title = \"x\"\n[[computer]]\nname = \"A\"\n[[computer.receive_connector]]\nfqdn = \"bad name\"\n";

    #[test]
    fn an_error_shows_file_line_and_caret() {
        let path = [
            Step::Key("computer"),
            Step::Index(0),
            Step::Key("receive_connector"),
            Step::Index(0),
            Step::Key("fqdn"),
        ];
        let span = span_of(FILE, &path).unwrap();
        let error = ScenarioError::at("lab.toml", FILE, &span, "not an FQDN");
        assert_eq!(
            error.to_string(),
            "lab.toml:5:8: not an FQDN\n  |\n5 | fqdn = \"bad name\"\n  |        ^^^^^^^^^^"
        );
        assert_eq!(error.line(), Some(5));
    }

    #[test]
    fn a_missing_key_points_at_the_table_it_is_missing_from() {
        let path = [Step::Key("computer"), Step::Index(0), Step::Key("fqdn")];
        let error = ScenarioError::at("lab.toml", FILE, &span_of(FILE, &path).unwrap(), "fqdn is missing");
        assert_eq!(error.line(), Some(2));
    }

    #[test]
    fn a_span_inside_of_a_letter_or_behind_the_end_does_not_panic() {
        let text = "ü = \"ö\"";
        for start in 0..12 {
            for end in 0..12 {
                let _ = ScenarioError::at("x", text, &(start..end), "m").to_string();
            }
        }
    }
}

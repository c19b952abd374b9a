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
    text: String,
    width: usize,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else {
            return write!(f, "{}: {}", self.origin, self.message);
        };
        let Place { line, column, text, width } = place;
        let gutter = " ".repeat(line.to_string().len());
        let indent: String =
            text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "{}:{line}:{column}: {}", self.origin, self.message)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{line} | {text}")?;
        write!(f, "{gutter} | {indent}{}", "^".repeat(*width))
    }
}

impl ScenarioError {
    /// Returns an error about the lab file as a whole.
    pub(super) fn whole(origin: &str, message: impl Into<String>) -> Self {
        Self { origin: origin.to_owned(), place: None, message: message.into() }
    }

    /// Returns an error about these bytes of `text`.
    pub(super) fn at(origin: &str, text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let start = floor(text, span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_text = text[line_start..].lines().next().unwrap_or_default();
        let end = floor(text, span.end.min(line_start + line_text.len())).max(start);
        let place = Place {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: line_text.to_owned(),
            width: text[start..end].chars().count().max(1),
        };
        Self { origin: origin.to_owned(), place: Some(place), message: message.into() }
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

//! Errors in a script, shown with the line and a caret.

use std::fmt;

use super::host::Prompt;

/// Why a script was not carried out to its end. What stands before the line took effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CmdletError {
    /// The kind of error.
    pub kind: ErrorKind,
    /// The error in the cmdlet's own words where they are known, and what would be right.
    pub message: String,
    /// The line it is about, from 1.
    pub line: usize,
    /// The column in that line, from 1, in characters.
    pub column: usize,
    /// True if the statements before the error changed something, which stays changed.
    pub kept: bool,
    text: String,
    width: usize,
}

/// The note in an error about the lines before it, where they changed something.
pub const KEPT: &str = "what stands before it took effect and stays so; nothing behind it was run";

/// The kinds of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is no PowerShell, or none that is supported here.
    Syntax,
    /// A cmdlet, parameter, variable or property of that name does not exist.
    UnknownName,
    /// An argument is not what the parameter takes.
    Argument,
    /// The object that the cmdlet is told to work on does not exist.
    NotFound,
    /// The cmdlet refuses.
    Refused,
    /// The cmdlet asks something, and nobody was there to answer.
    Asked(Prompt),
}

/// Bytes of the script.
///
/// The position of a thing does not change what it says, so any two spans are equal. That lets a script be
/// compared with the one that is read back from its printed form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// An error and its position, before it is known in which text.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) span: Span,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl Wrong {
    pub(super) fn new(kind: ErrorKind, span: Span, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), span }
    }

    pub(super) fn syntax(span: Span, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Syntax, span, message)
    }

    pub(super) fn argument(span: Span, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Argument, span, message)
    }

    pub(super) fn unknown(span: Span, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::UnknownName, span, message)
    }

    pub(super) fn not_found(span: Span, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, span, message)
    }

    pub(super) fn refused(span: Span, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, span, message)
    }

    /// Finds the place in the script.
    pub(super) fn in_script(self, script: &str) -> CmdletError {
        let at = |at: usize| (0..=at.min(script.len())).rev().find(|at| script.is_char_boundary(*at));
        let start = at(self.span.start).unwrap_or(0);
        let before = &script[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let text = script[line_start..].lines().next().unwrap_or_default().to_owned();
        let end = at(self.span.end.min(line_start + text.len())).unwrap_or(start).max(start);
        CmdletError {
            kind: self.kind,
            message: self.message,
            line: before.matches('\n').count() + 1,
            column: script[line_start..start].chars().count() + 1,
            kept: false,
            width: script[start..end].chars().count().max(1),
            text,
        }
    }
}

impl CmdletError {
    /// Returns the error in the layout of the Exchange Management Shell.
    pub fn at_prompt(&self) -> String {
        let Self { message, line, column, text, width, .. } = self;
        let tab = |c| if c == '\t' { '\t' } else { ' ' };
        let indent: String = text.chars().take(column - 1).map(tab).collect();
        format!("{message}\nAt line:{line} char:{column}\n+ {text}\n+ {indent}{}\n", "~".repeat(*width))
    }
}

impl fmt::Display for CmdletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, line, column, text, width, kept, .. } = self;
        let gutter = " ".repeat(line.to_string().len());
        let tab = |c| if c == '\t' { '\t' } else { ' ' };
        let indent: String = text.chars().take(column - 1).map(tab).collect();
        writeln!(f, "{line}:{column}: {message}")?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{line} | {text}")?;
        write!(f, "{gutter} | {indent}{}", "^".repeat(*width))?;
        if *kept {
            write!(f, "\n{KEPT}")?;
        }
        Ok(())
    }
}

/// `known`, what `wrong` was probably meant to be first, and no more than fits a line or two.
pub(super) fn nearest_first<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let known = by_distance(wrong, known);
    let shown: Vec<&str> = known.iter().take(SHOWN).map(|(_, name)| *name).collect();
    match known.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Those of `known` that `wrong` was probably meant to be, the likeliest first.
pub(super) fn near<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const SHOWN: usize = 5;
    let tolerance = (wrong.chars().count() / 4).min(4);
    let near = by_distance(wrong, known).into_iter().filter(|(far, _)| *far <= tolerance);
    near.map(|(_, name)| name).take(SHOWN).collect()
}

fn by_distance<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    // A name of a hundred letters is no slip of the pen, and the distance grows with both lengths.
    let wrong: String = wrong.chars().take(100).collect::<String>().to_ascii_lowercase();
    let mut known: Vec<(usize, &str)> =
        known.map(|name| (distance(&wrong, &name.to_ascii_lowercase()), name)).collect();
    known.sort_unstable();
    known
}

/// Returns the number of letters that have to change (Levenshtein). A name that begins with `wrong`
/// is near.
fn distance(wrong: &str, name: &str) -> usize {
    if !wrong.is_empty() && name.starts_with(wrong) {
        return 1;
    }
    let name: Vec<char> = name.chars().collect();
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (i, x) in wrong.chars().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (cell, y) in row.iter_mut().skip(1).zip(&name) {
            let changed = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_points_at_the_bytes_whatever_stands_before_them() {
        let script = "Get-A\n\t\u{fc}ber -B";
        let wrong = Wrong::syntax(Span { start: 12, end: 14 }, "no").in_script(script);
        assert_eq!(wrong.to_string(), "2:6: no\n  |\n2 | \t\u{fc}ber -B\n  | \t    ^^");
        let shown = "no\nAt line:2 char:6\n+ \t\u{fc}ber -B\n+ \t    ~~\n";
        assert_eq!(wrong.at_prompt(), shown);
    }

    #[test]
    fn the_nearest_name_stands_first() {
        let known = ["RequireTLS", "Fqdn", "Banner"];
        assert!(nearest_first("fqnd", known.into_iter()).starts_with("Fqdn, "));
        assert!(nearest_first("req", known.into_iter()).starts_with("RequireTLS, "));
        let many: Vec<String> = (0..10).map(|n| format!("Name{n}")).collect();
        assert!(nearest_first("x", many.iter().map(String::as_str)).ends_with(" and 2 more"));
    }
}

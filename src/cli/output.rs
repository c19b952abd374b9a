//! Results on standard output, failures on standard error with an exit code.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::journal::{safe_json, safe_text};
use crate::lab::LabError;
use crate::scenario::ScenarioError;

/// A failure: the reason why the program ends with an exit code other than 0.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// An expectation failed: 1.
    pub(super) fn unmet(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// Wrong usage or a wrong file: 2.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// Could not bind, or not ready in time: 3.
    pub(super) fn not_ready(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }

    /// Puts the name of the failure's subject in front of its message.
    pub(super) fn about(self, name: &str) -> Self {
        Self { message: format!("{name}: {}", self.message), ..self }
    }

    /// A command that could not be run: 127 where it does not exist, 126 where it cannot be executed.
    pub(super) fn not_run(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An exit code whose reason has already been printed.
    pub(super) fn told(code: u8) -> Self {
        Self { code, message: String::new() }
    }

    /// Prints the reason, and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            remark(&self.message);
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Bind(error) => Self::not_ready(error.to_string()),
            LabError::Unobserved(why) => Self::unmet(why),
            error => Self::usage(error.to_string()),
        }
    }
}

/// Prints a line on standard error.
pub(super) fn remark(line: &str) {
    // Where standard error is closed there is nowhere left to report to.
    writeln!(io::stderr(), "starttls-lab: {}", safe_text(line)).ok();
}

/// Prints a text on standard error, for verbs whose standard output belongs to another program.
pub(super) fn aside(text: &str) {
    // Where standard error is closed there is nowhere left to report to.
    io::stderr().write_all(safe_text(text).as_bytes()).ok();
}

/// Prints a text in which nothing but colors controls a terminal.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    verbatim(&safe(text))
}

/// Returns the text without anything that controls a terminal, reorders or hides text, but with its colors (ECMA-48
/// SGR).
fn safe(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut safe = safe_text(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let parameters = part.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count();
        let is_color = part.as_bytes().get(parameters) == Some(&b'm');
        safe.push_str(if is_color { "\u{1b}[" } else { "\\u{1b}[" });
        safe.push_str(&safe_text(part));
    }
    safe
}

/// Prints a text as it is.
pub(super) fn verbatim(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        // A reader that closed the pipe has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::usage(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a value as indented JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| Failure::usage(error.to_string()))?;
    text(&format!("{}\n", safe_json(json)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_colors_reaches_a_terminal() {
        let colored = "\u{1b}[1;31mNOT\u{1b}[0m offered\n\tx";
        assert_eq!(safe(colored), colored);
        assert_eq!(safe("a\u{1b}[2Jb\u{1b}]0;c\u{7}"), "a\\u{1b}[2Jb\\u{1b}]0;c\\u{7}");
        assert_eq!(safe("\u{202e}\u{9b}31m\u{7f}"), "\\u{202e}\\u{9b}31m\\u{7f}");
    }
}

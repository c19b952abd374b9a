//! The inputs of a session, and the file that keeps them where somebody asks for it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::output::Failure;
use crate::cli::recording::file_error;

/// The maximum number of inputs.
pub(super) const MOST: usize = 1000;

/// The maximum size of a history file.
const LONGEST_FILE: u64 = 4 << 20;

/// The inputs of a session, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    inputs: VecDeque<String>,
    /// The number of inputs of this session.
    typed: usize,
    file: Option<PathBuf>,
}

impl History {
    /// Reads the inputs of earlier sessions from a file, if it exists.
    pub(super) fn open(file: Option<&Path>) -> Result<Self, Failure> {
        let mut history = Self { file: file.map(Path::to_owned), ..Self::default() };
        let Some(path) = file else { return Ok(history) };
        let mut text = String::new();
        match File::open(path).and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(path, &error)),
            _ => {
                // A line end inside of an input has a backtick before it, as PSReadLine writes it.
                let inputs = text.replace("`\n", "\u{0}");
                let inputs = inputs.lines().map(|line| line.replace('\u{0}', "\n"));
                inputs.for_each(|input| history.push(input));
                Ok(history)
            }
        }
    }

    /// Returns all inputs, the oldest first.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(String::as_str)
    }

    /// Adds an input of this session.
    pub(super) fn add(&mut self, input: &str) {
        self.typed += 1;
        self.push(input.to_owned());
    }

    fn push(&mut self, input: String) {
        if self.inputs.len() == MOST {
            self.inputs.pop_front();
        }
        self.inputs.push_back(input);
    }

    /// Returns the inputs of this session as `Get-History` lists them.
    pub(super) fn listed(&self) -> String {
        let shown = self.typed.min(self.inputs.len());
        let mut text = "\n  Id CommandLine\n  -- -----------\n".to_owned();
        let last = self.inputs.iter().skip(self.inputs.len() - shown);
        for (id, input) in (self.typed - shown + 1..).zip(last) {
            text.push_str(&format!("{id:>4} {}\n", input.replace('\n', "...")));
        }
        text.push('\n');
        text
    }

    /// Writes the file; inputs that may hold a password are left out, as PSReadLine leaves them out.
    pub(super) fn close(&self) -> Result<(), Failure> {
        let Some(path) = &self.file else { return Ok(()) };
        let secret = |input: &&String| {
            let lower = input.to_ascii_lowercase();
            ["password", "asplaintext", "token", "secret", "credential"]
                .iter()
                .any(|word| lower.contains(word))
        };
        let kept = self.inputs.iter().filter(|input| !secret(input));
        let text: String = kept.map(|input| format!("{}\n", input.replace('\n', "`\n"))).collect();
        let written = File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| file_error(path, &error))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what fails in a test is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_bounded_and_comes_back_from_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history");
        let mut history = History::open(Some(&path)).unwrap();
        (0..MOST).for_each(|number| history.add(&format!("Get-Date {number}")));
        history.add("Get-ReceiveConnector |\nfl");
        history.add("ConvertTo-SecureString -AsPlainText -Force hunter2");
        assert_eq!(history.inputs().count(), MOST);
        assert!(history.listed().ends_with(
            "1001 Get-ReceiveConnector |...fl\n1002 ConvertTo-SecureString -AsPlainText -Force hunter2\n\n"
        ));
        history.close().unwrap();
        let again = History::open(Some(&path)).unwrap();
        assert_eq!(again.inputs().last(), Some("Get-ReceiveConnector |\nfl"));
        assert!(again.listed().ends_with("-----------\n\n"));
    }
}

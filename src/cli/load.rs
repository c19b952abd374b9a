//! Loads the scenario that an argument names.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::scenario::{SCENARIOS, ScenarioText, built_in, suggest_built_in};

/// The maximum size of a lab file, in bytes.
const LONGEST_FILE: u64 = 4 << 20;

/// The scenario that a FILE or NAME stands for.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) text: ScenarioText,
    /// The FILE or NAME itself, where one was given.
    pub(super) word: Option<String>,
    /// The path of the file, where it is a file.
    pub(super) file: Option<(PathBuf, String)>,
}

/// Reads a scenario or an entry of the fault catalogue by name, or else a file.
pub(super) fn load(word: &str) -> Result<Loaded, Failure> {
    if let Some(scenario) = built_in(word) {
        let text = ScenarioText::parse(scenario.text, &format!("scenario {}", scenario.name))?;
        return Ok(Loaded { text, word: Some(word.to_owned()), file: None });
    }
    let path = Path::new(word);
    if !path.exists() {
        return Err(Failure::usage(unknown(word)));
    }
    let text = read(path)?;
    let parsed = ScenarioText::parse(&text, word)?;
    Ok(Loaded { text: parsed, word: Some(word.to_owned()), file: Some((path.to_owned(), text)) })
}

/// Reads a lab file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    read_from(File::open(path), path)
}

/// Reads a lab file that has been opened.
pub(super) fn read_from(file: io::Result<File>, path: &Path) -> Result<String, Failure> {
    let wrong = |problem: &str| Failure::usage(format!("{}: {problem}", path.display()));
    let file = file.map_err(|error| wrong(&error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error.to_string()))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(wrong("longer than 4 MiB, which no lab file is"));
    }
    decoded(bytes).map_err(|problem| wrong(&problem.to_string()))
}

/// The reason why bytes are no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoText {
    /// The BOM is that of UTF-16, and what follows is not.
    #[error("neither UTF-16, as its first two bytes say, nor UTF-8")]
    Utf16,
    /// The first line that is not UTF-8.
    #[error("line {0} is not UTF-8; save the file as UTF-8 text")]
    Utf8(usize),
}

/// Reads a file's text. Windows PowerShell writes UTF-16 where its output is redirected, and marks it with a
/// BOM.
///
/// # Errors
///
/// The bytes are neither UTF-8 nor UTF-16 with a BOM.
pub(super) fn decoded(bytes: Vec<u8>) -> Result<String, NoText> {
    if let Some(utf16) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        let units = utf16.chunks(2).map(|pair| u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        return text.map_err(|_| NoText::Utf16);
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|o| **o == b'\n').count();
        NoText::Utf8(line)
    })
}

/// Returns the message about an argument that stands for nothing.
pub(super) fn unknown(word: &str) -> String {
    let hint = match suggest_built_in(word) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => format!(
            "; the scenarios are: {}",
            SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ")
        ),
    };
    format!("there is neither a file nor a scenario called `{word}`{hint}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what fails in a test is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_windows_powershell_redirected_is_read() {
        let text = "title = \"h\u{e9}llo \u{1f511}\"\r\n";
        let utf16 = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(utf16).unwrap(), text);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(decoded(vec![0xFF, 0xFE, 0x00, 0xD8]).unwrap_err().to_string().contains("UTF-16"));
        assert!(decoded(b"a\nb\xFF".to_vec()).unwrap_err().to_string().contains("line 2 is not UTF-8"));
    }
}

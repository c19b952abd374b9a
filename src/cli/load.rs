//! From a word on the command line to a scenario.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::scenario::{STORIES, ScenarioText, built_in, suggest_built_in};

/// No lab file is longer than this, in octets.
const LONGEST_FILE: u64 = 4 << 20;

/// What a FILE or NAME stands for.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) text: ScenarioText,
    /// The FILE or NAME itself, where there was one.
    pub(super) word: Option<String>,
    /// The file, where it is one.
    pub(super) file: Option<(PathBuf, String)>,
}

/// Reads a story or an entry of the fault catalogue by name, or else a file.
pub(super) fn load(word: &str) -> Result<Loaded, Failure> {
    if let Some(story) = built_in(word) {
        let text = ScenarioText::parse(story.text, &format!("story {}", story.name))?;
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
    let wrong = |problem: &str| Failure::usage(format!("{}: {problem}", path.display()));
    let file = File::open(path).map_err(|error| wrong(&error.to_string()))?;
    let mut octets = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut octets).map_err(|error| wrong(&error.to_string()))?;
    if octets.len() as u64 > LONGEST_FILE {
        return Err(wrong("longer than 4 MiB, which no lab file is"));
    }
    String::from_utf8(octets).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|o| **o == b'\n').count();
        wrong(&format!("line {line} is not UTF-8; save the file as UTF-8 text"))
    })
}

/// What to say of a word that stands for nothing.
pub(super) fn unknown(word: &str) -> String {
    let hint = match suggest_built_in(word) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => format!(
            "; the stories are: {}",
            STORIES.iter().map(|story| story.name).collect::<Vec<_>>().join(", ")
        ),
    };
    format!("there is neither a file nor a story called `{word}`{hint}")
}

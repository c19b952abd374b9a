//! Resolves arguments to what they stand for: files, standard input, scenarios, or the text itself.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::import::{Answers, Input, LONGEST_INPUT, answer, is_known_error};
use crate::scenario::built_in;

/// Reads every argument: `-` is standard input, the name of a file is the file, the name of a scenario is the
/// scenario. Without arguments it reads standard input.
pub(super) fn gather(words: &[String]) -> Result<Vec<Input>, Failure> {
    if words.is_empty() {
        return Ok(vec![standard_input()?]);
    }
    words.iter().map(|word| one(word)).collect()
}

fn one(word: &str) -> Result<Input, Failure> {
    if word == "-" {
        return standard_input();
    }
    let path = Path::new(word);
    if let Some(scenario) = built_in(word).filter(|_| !path.is_file()) {
        return Ok(Input {
            name: format!("scenario {}", scenario.name),
            bytes: scenario.text.as_bytes().to_vec(),
        });
    }
    if path.exists() {
        let wrong = |error: io::Error| Failure::usage(format!("{word}: {error}"));
        let file = File::open(path).map_err(wrong)?;
        return Ok(Input { name: word.to_owned(), bytes: read(file).map_err(wrong)? });
    }
    // An argument that neither is a file nor looks like one is the text itself.
    if word.contains([' ', '<', '\n']) || is_known_error(word) {
        return Ok(Input { name: "the text".to_owned(), bytes: word.as_bytes().to_vec() });
    }
    Err(Failure::usage(super::load::unknown(word)))
}

fn standard_input() -> Result<Input, Failure> {
    let bytes =
        read(io::stdin().lock()).map_err(|error| Failure::usage(format!("standard input: {error}")))?;
    Ok(Input { name: "standard input".to_owned(), bytes })
}

/// Reads a file that is given by name. A device or a pipe has no length that could be looked at first, so the
/// bytes are counted.
///
/// # Errors
///
/// The operating system's error, or that there are more than `longest` bytes.
pub(super) fn bytes(path: &Path, longest: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(longest as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > longest {
        return Err(io::Error::other(format!("longer than {} KiB, which no such file is", longest >> 10)));
    }
    Ok(bytes)
}

/// Like [`bytes`], for text in UTF-8.
pub(super) fn text(path: &Path, longest: usize) -> io::Result<String> {
    String::from_utf8(bytes(path, longest)?).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// The maximum size of certificates in a file, in bytes: many times the roots of a whole system.
pub(super) const LONGEST_CERTIFICATES: usize = 16 << 20;

/// The maximum size of a file with a password.
const LONGEST_PASSWORD: usize = 64 << 10;

/// One byte more than the limit, so that the reader notices an input that is too long.
fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST_INPUT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Parses the answers to an import's questions.
pub(super) fn answers(given: &[String]) -> Result<Answers, Failure> {
    let each = given.iter().map(|text| answer(text).map_err(|error| Failure::usage(error.to_string())));
    each.collect()
}

/// The password of PKCS#12 files. It is used to read them, and neither kept nor printed.
#[derive(Debug, clap::Args)]
pub(super) struct PasswordArgs {
    /// A file whose first line is the password of a PKCS#12 file (.pfx)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The password itself; better in the environment, as arguments can be seen by others on this computer
    #[arg(long, env = "STARTTLS_LAB_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    password: Option<Secret>,
}

/// A text that no output shows.
#[derive(Clone)]
struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl PasswordArgs {
    /// Returns the password, if there is one; that of a file goes before the other.
    pub(super) fn read(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.password_file else {
            return Ok(self.password.as_ref().map(|secret| secret.0.clone()));
        };
        let text = text(path, LONGEST_PASSWORD)
            .map_err(|error| Failure::usage(format!("--password-file {}: {error}", path.display())))?;
        Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
    }
}

//! The errors that sending programs print when TLS fails, and their meaning for the server that they
//! connected to.

mod meaning;
mod texts;

use serde::Serialize;

use super::text::folded;
pub use meaning::{Meaning, Side};
use texts::known;

/// A recognized error of a sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SenderError {
    /// Its meaning.
    pub meaning: Meaning,
    /// The program that prints it.
    pub sender: String,
    /// The part of the text by which it was recognized.
    pub text: String,
    /// The side that is at fault.
    pub side: Side,
    /// Entries of the fault catalogue and scenarios that produce this error.
    pub entries: Vec<&'static str>,
    /// The name that was asked for, if the text contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<String>,
    /// The name in the certificate, if the text contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presented: Option<String>,
    #[serde(skip)]
    from: usize,
    #[serde(skip)]
    to: usize,
}

/// The maximum number of matches for one text; a log repeats itself.
const MOST_OF_ONE: usize = 20;

/// Returns every known error of a sender in `text`, the most telling first.
///
/// This is the only function that looks texts up, in the table of the verdicts and of `docs/faults.md`.
pub(super) fn look_up(text: &str) -> Vec<SenderError> {
    let flat = folded(text);
    let lower = flat.to_ascii_lowercase();
    let mut found: Vec<SenderError> = Vec::new();
    for text in known() {
        let mut from = 0;
        for _ in 0..MOST_OF_ONE {
            let Some((start, end)) = span(&lower, &text.pattern, from) else { break };
            if !text.is_exit_code() || is_announced(&lower, start) {
                found.push(error(&flat, start, end, &text.clients, text.meaning));
            }
            from = end.max(from + 1);
        }
    }
    // A longer text says more than a shorter one within it.
    let spans: Vec<(usize, usize)> = found.iter().map(|it| (it.from, it.to)).collect();
    let inside = |it: &SenderError| {
        spans.iter().any(|(from, to)| *from <= it.from && it.to <= *to && to - from > it.to - it.from)
    };
    found.retain(|it| !inside(it));
    found.sort_by_key(|it| it.from);
    // One text may have several meanings; the first table that contains it decides.
    found.dedup_by_key(|it| (it.from, it.to));
    let mut once: Vec<SenderError> = Vec::new();
    for it in found {
        if !once.iter().any(|known| known.meaning == it.meaning) {
            once.push(it);
        }
    }
    // Texts that do not say which of several causes it was give way to texts that do.
    if once.iter().any(|it| it.meaning.is_about_certificate()) {
        once.retain(|it| it.meaning != Meaning::NameOrChain);
    }
    let vague = |it: &SenderError| {
        matches!(it.meaning, Meaning::TlsFailed | Meaning::ConnectionLost | Meaning::QueueMisleads)
    };
    if once.len() > 1 {
        once.retain(|it| it.meaning != Meaning::Unverified);
    }
    if once.iter().any(|it| !vague(it)) {
        once.retain(|it| !matches!(it.meaning, Meaning::TlsFailed | Meaning::ConnectionLost));
    }
    let specific =
        once.iter().any(|it| !matches!(it.meaning, Meaning::QueueMisleads | Meaning::HandshakeFailed));
    if specific {
        once.retain(|it| it.meaning != Meaning::QueueMisleads);
    }
    once
}

/// Returns whether what stands before `start` announces an exit code: nothing, or a word such as `curl:`.
fn is_announced(lower: &str, start: usize) -> bool {
    let before = lower.get(..start).unwrap_or_default().trim_end();
    before.is_empty() || ["curl", "curl:", "code", "error", "exit"].iter().any(|word| before.ends_with(word))
}

/// Returns whether `text` contains a known error of a sender.
pub fn is_known_error(text: &str) -> bool {
    !look_up(text).is_empty()
}

/// Returns the error for a keyword that a middlebox has overwritten.
pub(super) fn middlebox() -> Vec<SenderError> {
    vec![error("250 XXXXXXXA", 0, 12, "what lies in the path, such as a Cisco ASA", Meaning::Middlebox)]
}

fn error(flat: &str, from: usize, to: usize, client: &str, meaning: Meaning) -> SenderError {
    let text = flat.get(from..to).unwrap_or_default().to_owned();
    let around = flat.get(from..).unwrap_or_default();
    let of_names = matches!(meaning, Meaning::NameMismatch | Meaning::NameOrChain | Meaning::ChainUntrusted);
    SenderError {
        meaning,
        sender: client.to_owned(),
        text,
        side: meaning.side(),
        entries: meaning.entries().to_vec(),
        asked_for: of_names.then(|| asked_for(around, flat)).flatten(),
        presented: of_names.then(|| presented(around, flat)).flatten(),
        from,
        to,
    }
}

/// Returns the name against which the sender checked the certificate.
fn asked_for(around: &str, flat: &str) -> Option<String> {
    let behind = |text: &str, mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        let end = rest.find([' ', ',', '\'', '"', ']', '}', ')']).unwrap_or(rest.len());
        let name = rest.get(..end)?.trim_end_matches(['.', ':', ';']);
        (!name.is_empty()).then(|| name.to_owned())
    };
    let marks = [
        "Expected Subject: ",
        "matching IP address ",
        "IP: ",
        "Host: ",
        "identity of server ",
        "{FQDN=",
        "certificate is not valid for '",
        "not valid for name \"",
        "expected CN=`",
        "target host name '",
        "hostname \"",
        " H=\"",
    ];
    let go = around.contains("certificate is valid for").then(|| behind(around, ", not ")).flatten();
    go.or_else(|| marks.into_iter().find_map(|mark| behind(flat, mark)))
}

/// Returns the name in the certificate, as the sender's text has it.
fn presented(around: &str, flat: &str) -> Option<String> {
    if let Some((_, rest)) = flat.split_once("Presented Subject: ") {
        return rest.split(". ").next().map(|name| name.trim().to_owned());
    }
    let (_, rest) = around.split_once("certificate is valid for ")?;
    rest.split(", not ").next().map(|names| names.trim().to_owned())
}

/// Returns the range of a pattern, in which `*` stands for up to two hundred letters.
fn span(text: &str, pattern: &str, from: usize) -> Option<(usize, usize)> {
    let (first, others) = match pattern.split_once('*') {
        Some((first, others)) => (first, Some(others)),
        None => (pattern, None),
    };
    let mut from = from;
    loop {
        let start = text.get(from..)?.find(first)? + from;
        let end = start + first.len();
        // A text that begins with a letter or digit is a word of its own.
        let before = text.get(..start)?.chars().next_back();
        let joined =
            before.is_some_and(char::is_alphanumeric) && first.starts_with(|c: char| c.is_alphanumeric());
        let rest = match others {
            None => Some(end),
            Some(others) => behind(text, others, end),
        };
        match rest {
            Some(end) if !joined => return Some((start, end)),
            _ => from = end,
        }
    }
}

/// Returns the end of the other parts of a pattern, each near the one before.
fn behind(text: &str, others: &str, from: usize) -> Option<usize> {
    let mut end = from;
    for part in others.split('*') {
        let rest = text.get(end..text.floor_char_boundary(end + 200 + part.len()))?;
        end += rest.find(part)? + part.len();
    }
    Some(end)
}

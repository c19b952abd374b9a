//! What sending programs say when TLS does not come about, and what that means for the server they say it of.

mod meaning;
mod texts;

use serde::Serialize;

use super::text::folded;
pub use meaning::{Meaning, Side};
use texts::known;

/// A sender's words, recognized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SenderError {
    /// What it means.
    pub meaning: Meaning,
    /// Who says it.
    pub sender: String,
    /// The part of the text by which it was recognized.
    pub text: String,
    /// On whose side the fault is.
    pub side: Side,
    /// Entries of the fault catalogue and scenarios that produce these words.
    pub entries: Vec<&'static str>,
    /// The name that was asked for, where the words tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<String>,
    /// Whom the certificate names, where the words tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presented: Option<String>,
    #[serde(skip)]
    from: usize,
    #[serde(skip)]
    to: usize,
}

/// So often one text is looked for; a log repeats itself.
const MOST_OF_ONE: usize = 20;

/// Everything in `text` that a sender is known to say, the most telling first.
///
/// This is the one place that looks words up; the table of the verdicts is one of its sources.
pub(super) fn look_up(text: &str) -> Vec<SenderError> {
    let flat = folded(text);
    let lower = flat.to_ascii_lowercase();
    let mut found: Vec<SenderError> = Vec::new();
    for (pattern, client, meaning) in known() {
        let pattern = pattern.to_ascii_lowercase();
        let mut from = 0;
        for _ in 0..MOST_OF_ONE {
            let Some((start, end)) = span(&lower, &pattern, from) else { break };
            found.push(error(&flat, start, end, client, meaning));
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
    // One text may stand for several things; the first table that has it decides.
    found.dedup_by_key(|it| (it.from, it.to));
    let mut once: Vec<SenderError> = Vec::new();
    for it in found {
        if !once.iter().any(|known| known.meaning == it.meaning) {
            once.push(it);
        }
    }
    // Words that do not say which of several things it was give way to words that do.
    let tells = |it: &SenderError| {
        matches!(it.meaning, Meaning::NameMismatch | Meaning::ChainUntrusted | Meaning::Expired)
    };
    if once.iter().any(tells) {
        once.retain(|it| it.meaning != Meaning::NameOrChain);
    }
    let specific =
        once.iter().any(|it| !matches!(it.meaning, Meaning::QueueMisleads | Meaning::HandshakeFailed));
    if specific {
        once.retain(|it| it.meaning != Meaning::QueueMisleads);
    }
    once
}

/// What a keyword that was overwritten on the way means.
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

/// The name that the sender measured the certificate by.
fn asked_for(around: &str, flat: &str) -> Option<String> {
    let behind = |text: &str, mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        let end = rest.find([' ', ',', '\'', '"', ']', '}', ')']).unwrap_or(rest.len());
        let name = rest.get(..end)?.trim_end_matches(['.', ':', ';']);
        (!name.is_empty()).then(|| name.to_owned())
    };
    let marks =
        ["Expected Subject: ", "matching IP address ", "IP: ", "Host: ", "identity of server ", "{FQDN="];
    let go = around.contains("certificate is valid for").then(|| behind(around, ", not ")).flatten();
    go.or_else(|| marks.into_iter().find_map(|mark| behind(flat, mark)))
}

/// Whom the certificate names, in the words of the sender.
fn presented(around: &str, flat: &str) -> Option<String> {
    if let Some((_, rest)) = flat.split_once("Presented Subject: ") {
        return rest.split(". ").next().map(|name| name.trim().to_owned());
    }
    let (_, rest) = around.split_once("certificate is valid for ")?;
    rest.split(", not ").next().map(|names| names.trim().to_owned())
}

/// Where a pattern stands, in which `*` stands for up to two hundred letters.
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

/// Where the other parts of a pattern end, each near the one before.
fn behind(text: &str, others: &str, from: usize) -> Option<usize> {
    let mut end = from;
    for part in others.split('*') {
        let rest = text.get(end..text.floor_char_boundary(end + 200 + part.len()))?;
        end += rest.find(part)? + part.len();
    }
    Some(end)
}

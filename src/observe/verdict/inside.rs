//! What a client does inside TLS that only replies in clear can explain: replies that were injected behind the
//! 220, and capabilities from before the handshake (RFC 3207 section 4.2: it has to discard both).

use bytes::Bytes;
use serde::Serialize;

use super::conversation::SENTENCES;
use crate::journal::shown::printable;
use crate::smtp::Verb;

/// Replies that followed the 220 to STARTTLS in clear, and the client's use of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Injected {
    /// The lines behind the 220.
    pub lines: Vec<String>,
    /// True if the first of them occurs in no other reply of the lab, so that a client that repeats it has it
    /// from there.
    pub distinct: bool,
    /// The proof that the client took them for replies from inside TLS; `None` if there is none. A conversation
    /// alone never proves it: `judge` compares it with one in which nothing was injected.
    pub taken: Option<String>,
    /// The effect that was seen where nothing proves that they were taken; `None` if there was none.
    /// `judge` finds it in the same comparison.
    pub effect: Option<String>,
}

impl Injected {
    /// Returns the replies behind the first one in `reply`, if there are any.
    pub(super) fn behind(reply: &[u8]) -> Option<Self> {
        let mut lines = reply.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        // The reply ends with the line that has no hyphen behind its code (RFC 5321 section 4.2.1).
        lines.by_ref().find(|line| line.get(3) != Some(&b'-'))?;
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).map(printable).collect();
        (!lines.is_empty()).then_some(Self { lines, distinct: true, taken: None, effect: None })
    }

    /// Compares the injected lines with a reply that the lab sent before or afterwards.
    pub(super) fn compare(&mut self, reply: &[u8]) {
        let first = self.lines.first().map(String::as_str).unwrap_or_default();
        self.distinct &= !printable(reply).contains(first);
    }

    /// Returns the injected line that the client's `output` repeats, if it can have it from nowhere else.
    pub fn repeated_in(&self, output: &str) -> Option<&str> {
        self.lines.first().map(String::as_str).filter(|line| self.distinct && output.contains(line))
    }
}

/// The commands of a client inside TLS, as far as they show which replies it uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside {
    /// The reply to EHLO in clear; empty if there is none. Its keywords are read when a command uses them.
    clear: Bytes,
    /// The reply inside TLS; `None` as long as no EHLO was accepted there.
    secure: Option<Bytes>,
    /// True if EHLO was said inside TLS at all.
    asked: bool,
    /// True if a command other than QUIT was said inside TLS.
    went_on: bool,
    /// The intermediate reply that the client has not followed up yet.
    pending: Option<Pending>,
    /// The commands that no reply inside TLS explains, in sentences.
    unexplained: Vec<String>,
    /// The evidence that capabilities from before the handshake were used.
    stale: Option<String>,
}

/// An intermediate reply, after which it is the client's turn to send what it announced (RFC 5321 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// The 354 to DATA.
    Content,
    /// The 334 to AUTH.
    Answer,
}

impl Inside {
    /// Processes a reply inside TLS.
    pub(super) fn replied(&mut self, reply: &[u8]) {
        self.pending = match reply.get(..3) {
            Some(b"354") => Some(Pending::Content),
            Some(b"334") => Some(Pending::Answer),
            _ => None,
        };
    }

    /// Records that the client sent what an intermediate reply asked for.
    pub(super) fn followed_up(&mut self) {
        self.pending = None;
    }

    /// Records that the client ended the connection.
    pub(super) fn left(&mut self) {
        match self.pending.take() {
            Some(Pending::Content) => {
                self.unexplained("it left after the 354 to its DATA without a message".to_owned());
            }
            Some(Pending::Answer) => {
                self.unexplained("it left after the 334 to its AUTH without an answer".to_owned());
            }
            None => {}
        }
    }

    /// Returns whether a command other than QUIT was said.
    pub(super) const fn went_on(&self) -> bool {
        self.went_on
    }

    /// Processes a reply to EHLO.
    pub(super) fn hello(&mut self, reply: &Bytes, established: bool) {
        if established {
            self.secure = Some(reply.clone());
        } else {
            self.clear = reply.clone();
        }
    }

    /// Records that the client went on before the reply to its EHLO inside TLS had left, or closed (`bytes`
    /// is 0), which is no sign of anything.
    pub(super) fn did_not_wait(&mut self, bytes: usize) {
        if bytes > 0 {
            self.unexplained("it went on before the reply to its EHLO inside TLS had left".to_owned());
        }
    }

    /// Processes a command line inside TLS.
    pub(super) fn said(&mut self, line: &[u8]) {
        let verb = Verb::of(line);
        self.went_on |= verb != Some(Verb::Quit);
        self.pending = None;
        match (verb, &self.secure) {
            (Some(Verb::Ehlo), _) => self.asked = true,
            (Some(Verb::Helo), Some(_)) => {
                self.unexplained("it said HELO after its EHLO inside TLS had been accepted".to_owned());
            }
            (Some(Verb::Auth), _) => self.said_auth(&printable(line)),
            (Some(Verb::Mail), None) => {
                if let Some(parameter) = offered_parameter(&printable(line), &keywords(&self.clear)) {
                    self.used(&format!("MAIL with {parameter}"));
                }
            }
            (Some(Verb::Bdat), None) => self.used("BDAT"),
            _ => {}
        }
    }

    fn said_auth(&mut self, line: &str) {
        let mechanism = line.split_ascii_whitespace().nth(1).unwrap_or_default().to_ascii_uppercase();
        let offers = |reply: &[u8]| offers_mechanism(&keywords(reply), &mechanism);
        match &self.secure {
            Some(secure) if !mechanism.is_empty() && !offers(secure) => {
                self.unexplained(format!("it said AUTH {mechanism}, which no reply inside TLS offers"));
            }
            None if offers(&self.clear) => self.used(&format!("AUTH {mechanism}")),
            Some(_) | None => {}
        }
    }

    fn unexplained(&mut self, what: String) {
        if self.unexplained.len() < SENTENCES && !self.unexplained.contains(&what) {
            self.unexplained.push(what);
        }
    }

    fn used(&mut self, what: &str) {
        let why = if self.asked { "its EHLO inside TLS was refused" } else { "it said no EHLO inside TLS" };
        self.stale.get_or_insert_with(|| {
            format!(
                "it said {what} inside TLS, which only EHLO in clear had offered: {why} (RFC 3207 section 4.2: what \
                 was learnt before TLS has to be discarded)"
            )
        });
    }

    /// Returns what no reply inside TLS explains, in sentences.
    pub(super) fn all_unexplained(&self) -> &[String] {
        &self.unexplained
    }

    pub(super) fn stale(&self) -> Option<String> {
        self.stale.clone()
    }
}

/// Returns the keywords of a reply to EHLO, in upper case.
fn keywords(reply: &[u8]) -> Vec<String> {
    let lines = reply.split(|byte| *byte == b'\n').skip(1).filter_map(|line| line.get(4..));
    lines.map(|it| String::from_utf8_lossy(it.trim_ascii()).to_ascii_uppercase()).collect()
}

/// Returns whether AUTH with this mechanism is among the keywords (RFC 4954 section 3; some write `AUTH=`).
fn offers_mechanism(keywords: &[String], mechanism: &str) -> bool {
    let lists =
        keywords.iter().filter_map(|it| it.strip_prefix("AUTH ").or_else(|| it.strip_prefix("AUTH=")));
    lists.flat_map(str::split_ascii_whitespace).any(|known| known == mechanism)
}

/// Returns the parameter of MAIL that the keywords allow, if the line has one.
fn offered_parameter(line: &str, keywords: &[String]) -> Option<&'static str> {
    const PARAMETERS: [(&str, &str); 6] = [
        ("SIZE", "SIZE"),
        ("BODY", "8BITMIME"),
        ("SMTPUTF8", "SMTPUTF8"),
        ("RET", "DSN"),
        ("ENVID", "DSN"),
        ("REQUIRETLS", "REQUIRETLS"),
    ];
    let words: Vec<_> = line.split_ascii_whitespace().skip(1).map(str::to_ascii_uppercase).collect();
    let said = |parameter: &str| words.iter().any(|word| word.split('=').next() == Some(parameter));
    let offered = |keyword: &str| keywords.iter().any(|it| it.split(' ').next() == Some(keyword));
    PARAMETERS.into_iter().find(|(parameter, keyword)| said(parameter) && offered(keyword)).map(|(it, _)| it)
}

//! Data from the wire in a form that is safe to show.

use std::borrow::Cow;
use std::fmt::{self, Display as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use super::foreign_logon;
use super::record::{Record, SECRET, SessionContext};
use crate::smtp::Verb;

/// Returns a command line without the secret that may stand in it: the initial response of AUTH (RFC 4954
/// section 4) and X-EXPS, which for PLAIN is name and password. Malformed spellings count, such as
/// `AUTH=PLAIN ...`, `XAUTH PLAIN ...` and `NOOP AUTH PLAIN ...`, and so do logons of other protocols.
pub fn without_secret(line: &[u8]) -> Cow<'_, [u8]> {
    logon(line).map_or(Cow::Borrowed(line), |logon| logon.masked(line))
}

/// Returns whether a line sets out to log on, however it is spelled.
pub(crate) fn is_auth(line: &[u8]) -> bool {
    logon(line).is_some()
}

/// A line that sets out to log on.
struct Logon {
    /// The line, where it is shown without its NULs.
    plain: Option<Vec<u8>>,
    /// The part of the line that may be shown; a secret may follow.
    shown: usize,
}

impl Logon {
    fn masked(self, line: &[u8]) -> Cow<'_, [u8]> {
        let text = self.plain.as_deref().unwrap_or(line);
        let (shown, hidden) = text.split_at_checked(self.shown).unwrap_or((text, &[]));
        if hidden.trim_ascii().is_empty() {
            return self.plain.map_or(Cow::Borrowed(line), Cow::Owned);
        }
        let mut masked = shown.trim_ascii_end().to_vec();
        masked.push(b' ');
        masked.extend_from_slice(SECRET.as_bytes());
        Cow::Owned(masked)
    }
}

/// Returns how a line sets out to log on, however it is spelled; `None` if it does not.
fn logon(line: &[u8]) -> Option<Logon> {
    let plain = match without_nul(line) {
        Cow::Borrowed(_) => None,
        Cow::Owned(plain) => Some(plain),
    };
    let text = plain.as_deref().unwrap_or(line);
    let shown = match auth_word(text) {
        Some(word) => {
            let argument = Argument::at(text, word);
            if argument.is_named() { argument.end() } else { argument.start }
        }
        None => foreign_logon::end(text)?,
    };
    Some(Logon { plain, shown })
}

/// Returns the line without NULs, which no command holds and which could stand within its words. One that stands
/// between them, as in `AUTH PLAIN\0user\0password`, goes as a blank.
fn without_nul(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&0) {
        return Cow::Borrowed(line);
    }
    let removed: Vec<u8> = line.iter().copied().filter(|octet| *octet != 0).collect();
    let blanks: Vec<u8> = line.iter().map(|octet| if *octet == 0 { b' ' } else { *octet }).collect();
    if auth_word(&blanks).is_some() { blanks.into() } else { removed.into() }
}

/// The first word behind AUTH, and what follows it.
struct Argument<'a> {
    start: usize,
    word: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Argument<'a> {
    /// Returns the argument of AUTH, which ends at `word`.
    fn at(line: &'a [u8], word: usize) -> Self {
        let behind = line.get(word..).unwrap_or_default();
        let gap = behind.iter().take_while(|byte| is_separator(byte)).count();
        let behind = behind.get(gap..).unwrap_or_default();
        let length = behind.iter().take_while(|byte| is_mechanism_letter(byte)).count();
        let (word_behind, rest) = behind.split_at(length);
        Self { start: word + gap, word: word_behind, rest }
    }

    fn end(&self) -> usize {
        self.start + self.word.len()
    }

    /// Returns whether the word names a mechanism, and is no secret.
    fn is_named(&self) -> bool {
        is_usual_mechanism(self.word) || (may_be_mechanism(self.word) && !self.rest.starts_with(b"="))
    }
}

/// The words that log on: AUTH in all its spellings, and Exchange's own.
const LOGON: [&[u8]; 3] = [b"AUTH", b"X-EXPS", b"XEXPS"];

/// Returns the position where AUTH or X-EXPS ends, if a line begins with one of them, or has one of them further
/// on with a usual mechanism and something behind it.
fn auth_word(line: &[u8]) -> Option<usize> {
    let mut first = line.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    let word = line.get(first..)?;
    // AUTH, X-EXPS, XAUTH, ...: nearly no other command begins like these.
    if matches!(word, [b'A' | b'a' | b'X' | b'x', ..]) {
        let prefix = [&b"X-"[..], b"X"].into_iter().find(|prefix| {
            let behind = word.get(prefix.len()..).unwrap_or_default();
            begins(word, prefix) && begins(behind, b"AUTH")
        });
        first += prefix.map_or(0, <[u8]>::len);
        if let Some(end) = logon_end(line, first) {
            return Some(end);
        }
    }
    // Each word is found by a letter of it that is rare, as every line is searched several times.
    let letters = memchr::memchr3_iter(b'u', b'U', b'-', line.get(first..)?);
    letters.filter_map(|at| logon_end(line, (first + at).checked_sub(1)?)).find(|end| {
        let argument = Argument::at(line, *end);
        is_usual_mechanism(argument.word) && argument.rest.iter().any(|byte| !is_separator(byte))
    })
}

/// Returns the position where the word AUTH or X-EXPS that begins at `at` ends, if there is one.
fn logon_end(line: &[u8], at: usize) -> Option<usize> {
    let word = line.get(at..)?;
    let found = LOGON.into_iter().find(|logon| begins(word, logon))?;
    // AUTHENTICATE is IMAP's command.
    let more = word.get(found.len()..)?.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    Some(at + found.len() + more)
}

fn begins(line: &[u8], word: &[u8]) -> bool {
    line.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word))
}

/// A filter for what may be a secret in a conversation, line by line.
///
/// A client whose AUTH is refused may still send the rest of its dialogue. From then on, lines that are no
/// command are not kept until a command comes.
#[derive(Debug, Default)]
pub struct Secrets {
    after_auth: bool,
    /// The first word of the line before, if it may be a secret and a reply may repeat it.
    word: Vec<u8>,
}

impl Secrets {
    /// Returns the record of a line that came. `expected` is true if it answers a challenge.
    pub fn received(&mut self, line: &Arc<[u8]>, expected: bool) -> Record {
        self.word.clear();
        if expected {
            self.after_auth = true;
            return Record::ReceivedSecret;
        }
        let logon = logon(line);
        if logon.is_some() {
            self.after_auth = true;
        } else if Verb::of(line).is_some() {
            self.after_auth = false;
        } else if self.after_auth && !line.is_empty() {
            self.keep_word(line);
            return Record::ReceivedSecret;
        }
        match logon.map_or(Cow::Borrowed(&line[..]), |logon| logon.masked(line)) {
            Cow::Borrowed(_) => Record::Received(Arc::clone(line)),
            Cow::Owned(masked) => {
                // A word that is shown is no secret in a reply, either.
                if !masked.starts_with(first_word(line)) {
                    self.keep_word(line);
                }
                Record::Received(masked.into())
            }
        }
    }

    /// Returns the record of a reply, which may repeat what was no command.
    pub fn sent(&mut self, reply: Bytes) -> Record {
        let word = std::mem::take(&mut self.word);
        let found = (1..=word.len()).rev().find_map(|length| {
            let quoted = [b"'", word.get(..length)?].concat();
            memchr::memmem::find(&reply, &quoted).map(|at| (at + 1, length))
        });
        let Some((at, length)) = found else { return Record::Sent(reply) };
        let (before, behind) = reply.split_at(at);
        Record::Sent([before, SECRET.as_bytes(), behind.get(length..).unwrap_or_default()].concat().into())
    }

    fn keep_word(&mut self, line: &[u8]) {
        self.word.extend_from_slice(first_word(line).trim_ascii_start());
    }
}

/// Returns the first word of a line, with the blanks before it.
fn first_word(line: &[u8]) -> &[u8] {
    let blanks = line.len() - line.trim_ascii_start().len();
    let word = line.get(blanks..).unwrap_or_default();
    let length = word.iter().take_while(|byte| !is_blank(byte)).count();
    line.get(..blanks + length).unwrap_or_default()
}

/// Returns the sender of a message; the null path as SMTP writes it.
pub fn sender_in_words(sender: &str) -> &str {
    if sender.is_empty() { "<>" } else { sender }
}

/// Returns the first few of a message's recipients, and how many more there are.
pub fn recipients_in_words<'a>(recipients: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 3;
    let more = recipients.len().saturating_sub(SHOWN);
    let mut shown: Vec<Cow<'_, str>> = recipients.take(SHOWN).map(Cow::from).collect();
    if more > 0 {
        shown.push(format!("{more} more").into());
    }
    shown.join(", ")
}

/// Returns bytes as text that is safe for a terminal: invalid UTF-8 as `\xNN`, and characters that control,
/// reorder or hide text as Rust escapes them. A backslash stays as it is, so this cannot be read back.
pub(crate) fn printable(octets: &[u8]) -> String {
    Printable(octets).to_string()
}

/// The text that [`printable`] returns, for a place where a `String` is not needed.
pub(crate) struct Printable<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = plain(self.0) {
            return f.write_str(text);
        }
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match u8::try_from(character) {
                    Ok(byte) if byte.is_ascii_control() => byte.escape_ascii().fmt(f)?,
                    _ if is_unsafe(character) => character.escape_unicode().fmt(f)?,
                    _ => f.write_char(character)?,
                }
            }
            chunk.invalid().escape_ascii().fmt(f)?;
        }
        Ok(())
    }
}

/// Returns the text that `octets` are, if all of them are characters of ASCII that are shown.
pub(super) fn plain(octets: &[u8]) -> Option<&str> {
    // The greatest of a number of bytes is found many at a time; a loop with a way out would take them one by one.
    let furthest = octets.iter().fold(0, |furthest: u8, byte| furthest.max(byte.wrapping_sub(b' ')));
    if furthest <= b'~' - b' ' { str::from_utf8(octets).ok() } else { None }
}

/// Returns JSON that is safe for a terminal, without characters that reorder text, and that reads back as the
/// same value. `serde_json` escapes only what is below a blank.
pub fn safe_json(json: String) -> String {
    if plain(json.as_bytes()).is_some() || !json.chars().any(is_unsafe) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        // Unsafe characters occur in strings only; a line break is part of the layout.
        if is_unsafe(character) && !matches!(character, '\n' | '\t') {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Returns text with its line ends and tabs in which nothing controls a terminal, reorders or hides text. A lab file
/// may come from anybody, so its names do not reach a terminal as they are.
pub fn safe_text(text: &str) -> Cow<'_, str> {
    let is_bad = |character: char| is_unsafe(character) && !matches!(character, '\n' | '\t');
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_bad(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Returns text of several lines that is safe for a terminal.
pub(crate) fn printable_lines(text: &str) -> String {
    let lines: Vec<_> =
        text.split('\n').map(|line| printable(line.trim_end_matches('\r').as_bytes())).collect();
    lines.join("\n")
}

/// Returns one end of a connection; a peer that came over IPv4 has an IPv4 address, even on an IPv6 socket.
pub(crate) fn endpoint(address: SocketAddr) -> impl fmt::Display {
    let (ip, port) = (address.ip().to_canonical(), address.port());
    fmt::from_fn(move |f| match ip {
        IpAddr::V4(ip) => write_endpoint(ip, port, f),
        IpAddr::V6(_) => SocketAddr::new(ip, port).fmt(f),
    })
}

/// Writes what stands in every other line of a log, without the machinery of formatting.
fn write_endpoint(ip: Ipv4Addr, port: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0; "255.255.255.255:65535".len()];
    let mut end = 0;
    let [a, b, c, d] = ip.octets().map(u16::from);
    for (number, behind) in [(a, Some(b'.')), (b, Some(b'.')), (c, Some(b'.')), (d, Some(b':')), (port, None)]
    {
        for scale in [10_000, 1000, 100, 10, 1] {
            if number >= scale || scale == 1 {
                text[end] = b'0' + (number / scale % 10) as u8;
                end += 1;
            }
        }
        if let Some(behind) = behind {
            text[end] = behind;
            end += 1;
        }
    }
    f.write_str(str::from_utf8(&text[..end]).unwrap_or_default())
}

/// Returns the other end of a conversation, with the name of the computer if it is one of the lab.
pub(crate) fn far_end(place: &SessionContext) -> impl fmt::Display {
    fmt::from_fn(|f| {
        let remote = endpoint(place.remote);
        match &place.peer {
            Some(name) => write!(f, "{name} ({remote})"),
            None => remote.fmt(f),
        }
    })
}

/// Returns whether a character is a control of ISO 6429, or one with which Unicode reorders text (UAX 9),
/// ends lines or takes no space.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Returns whether a byte can separate AUTH and a mechanism, in malformed spellings, too.
fn is_separator(byte: &u8) -> bool {
    byte.is_ascii_whitespace()
        || byte.is_ascii_control()
        || matches!(byte, b'=' | b':' | b',' | b';' | b'"' | b'\'')
}

fn is_mechanism_letter(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')
}

/// Returns whether a word has the form of a mechanism's name (RFC 4422 section 3.1), which hardly any secret has.
fn may_be_mechanism(word: &[u8]) -> bool {
    word.len() <= 20 && !word.iter().any(u8::is_ascii_lowercase)
}

/// Returns whether a word is the name of a mechanism that clients use, in whatever letters.
fn is_usual_mechanism(word: &[u8]) -> bool {
    const USUAL: [&str; 12] = [
        "plain",
        "login",
        "cram-md5",
        "digest-md5",
        "scram-sha-1",
        "scram-sha-256",
        "ntlm",
        "gssapi",
        "xoauth2",
        "oauthbearer",
        "external",
        "anonymous",
    ];
    USUAL.iter().any(|usual| word.eq_ignore_ascii_case(usual.as_bytes()))
}

#[cfg(test)]
mod tests;

//! Plays written conversations, over whatever carries bytes.
//!
//! A dialogue is a file: a head in TOML that names the lab, `---`, and then what passes over the wire.
//!
//! ```text
//! C: EHLO client.example       the client sends a line; lines that follow each other leave together
//! C| MAIL FROM:<a@b>\n         the client sends these bytes and no line ending
//! S: 250 2.1.0 Sender OK       the server says a line; `...` at the end: the rest is not compared,
//!                              and `*` stands for anything
//! S| 250                       a whole reply of this code, whose words do not matter here
//! S= 250 ok\n                  the server says exactly these bytes
//! !! nul-in-command            an oddity was noted
//! ** 12014 ...                 an event was logged, with its insertion strings
//! ++ message 1 with ESMTP ...  something else was written down
//! == TLS                       the client starts its handshake
//! == closed                    the server has closed
//! # a comment
//! ```
//!
//! In what the client sends, and behind `S=`, `\r`, `\n`, `\0`, `\\` and `\xNN` are bytes, and `\{text*9}` is the text
//! nine times. Notes stand before the reply of their step, because they are written down before it is
//! sent; all of them have to be there, and so has everything that the server says.

mod account;
mod bare;
mod folder;
mod script;
mod setup;
mod socket;

pub(crate) use bare::Bare;
pub(crate) use folder::{Folder, over_a_socket};
pub(crate) use script::{Dialogue, What};
pub(crate) use setup::Stage;
pub(crate) use socket::Socket;

use script::matches;

/// What carries a dialogue: nothing but the session itself, or a socket.
pub(crate) trait Wire {
    /// Sends bytes; into how many pieces they fall on their way is the wire's business.
    fn send(&mut self, bytes: &[u8]);

    /// The next line that the server says, without its ending; `None` where none comes.
    fn line(&mut self) -> Option<String>;

    /// The next so many bytes that the server says; fewer where no more come.
    fn bytes(&mut self, count: usize) -> Vec<u8>;

    /// Whether the server has closed of its own accord. Nothing may be sent after this was asked.
    fn is_closed(&mut self) -> bool;

    /// Does the client's part of a handshake.
    fn upgrade_tls(&mut self);

    /// The next note, in the words of a dialogue; it is waited for where that takes time.
    fn note(&mut self) -> Option<String>;

    /// The next note, if it was written down already.
    fn note_so_far(&mut self) -> Option<String>;
}

/// Into which pieces what the client sends falls on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Each flight arrives as it left.
    Nowhere,
    /// So many bytes arrive at a time.
    Every(usize),
    /// One flight arrives in two pieces.
    Once { flight: usize, at: usize },
}

impl Cut {
    /// The pieces of the flight of this number.
    fn pieces(self, flight: usize, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let whole = bytes.len();
        let (first, then) = match self {
            Self::Every(size) => (size.min(whole), size),
            Self::Once { flight: cut, at } if cut == flight => (at, whole),
            Self::Nowhere | Self::Once { .. } => (whole, whole),
        };
        let (first, rest) = bytes.split_at(first);
        std::iter::once(first).chain(rest.chunks(then))
    }
}

/// Where a dialogue went otherwise than it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Plays `dialogue` over `wire` up to the first difference.
pub(crate) fn play(dialogue: &Dialogue, wire: &mut impl Wire) -> Result<(), Difference> {
    for item in &dialogue.items {
        let different = |what: String| Err(Difference { line: item.line, what });
        match &item.what {
            What::Send(bytes) => {
                if let Some(note) = wire.note_so_far() {
                    return different(format!("before this, `{note}` was noted and is not written"));
                }
                wire.send(bytes);
            }
            What::Say(expected) => match wire.line() {
                Some(said) if matches(expected, &said) => {}
                Some(said) => return different(format!("the server says `{said}`, not `{expected}`")),
                None => return different(format!("the server says nothing, not `{expected}`")),
            },
            What::SayAny(code) => loop {
                match wire.line() {
                    Some(said) if !said.starts_with(code) => {
                        return different(format!("the server says `{said}`, not {code}"));
                    }
                    Some(said) if said[code.len()..].starts_with('-') => {}
                    Some(_) => break,
                    None => return different(format!("the server says nothing, not {code}")),
                }
            },
            What::SayExactly(expected) => {
                let said = wire.bytes(expected.len());
                if said != *expected {
                    let (said, expected) = (said.escape_ascii(), expected.escape_ascii());
                    return different(format!("the server says `{said}`, not `{expected}`"));
                }
            }
            What::Note(expected) => match wire.note() {
                Some(note) if matches(expected, &note) => {}
                Some(note) => return different(format!("`{note}` was noted, not `{expected}`")),
                None => return different(format!("nothing was noted, not even `{expected}`")),
            },
            What::Tls => wire.upgrade_tls(),
            What::Closed => {
                if let Some(said) = wire.line() {
                    return different(format!("the server says `{said}` before it closes"));
                }
                if !wire.is_closed() {
                    return different("the server has not closed".to_owned());
                }
            }
        }
    }
    let at_the_end = |what: String| Err(Difference { line: dialogue.last_line(), what });
    let closes = matches!(dialogue.items.last().map(|item| &item.what), Some(What::Closed));
    let is_closed = wire.is_closed();
    if let Some(note) = wire.note_so_far() {
        return at_the_end(format!("`{note}` was noted and is not written"));
    }
    if !closes && is_closed {
        return at_the_end("the server has closed and `== closed` is not written".to_owned());
    }
    match wire.line() {
        Some(said) if !closes => at_the_end(format!("the server says `{said}`, which is not written")),
        _ => Ok(()),
    }
}

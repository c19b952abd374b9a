//! Plays written conversations, over whatever carries octets.
//!
//! A dialogue is a file: a head in TOML that names the lab, `---`, and then what passes over the wire.
//!
//! ```text
//! C: EHLO client.example       the client sends a line; lines that follow each other leave together
//! C| MAIL FROM:<a@b>\n         the client sends these octets and no line ending
//! S: 250 2.1.0 Sender OK       the server says a line; `...` at the end: the rest is not compared,
//!                              and `*` stands for anything
//! S| 250                       a whole reply of this code, whose words do not matter here
//! !! nul-in-command            an oddity was noted
//! ** 12014 ...                 an event was logged, with its insertion strings
//! ++ message 1 with ESMTP ...  something else was written down
//! == TLS                       the client starts its handshake
//! == closed                    the server has closed
//! # a comment
//! ```
//!
//! In what the client sends, `\r`, `\n`, `\0`, `\\` and `\xNN` are octets, and `\{text*9}` is the text
//! nine times. Notes stand before the reply of their step, because they are written down before it is
//! sent; all of them have to be there, and so has everything that the server says.

mod bare;
mod script;
mod setup;

pub(crate) use bare::{Bare, Cut};
pub(crate) use script::{Dialogue, What};
pub(crate) use setup::Stage;

use std::collections::VecDeque;

use script::matches;

/// What carries a dialogue: the bare session here, a socket elsewhere.
pub(crate) trait Wire {
    /// Sends octets; into how many pieces they fall on their way is the wire's business.
    fn send(&mut self, octets: &[u8]);

    /// The next line that the server says, without its ending; `None` once it has closed or, where
    /// that can be known, says nothing more for now.
    fn line(&mut self) -> Option<String>;

    /// Whether the server has closed.
    fn is_closed(&mut self) -> bool;

    /// Does the client's part of a handshake.
    fn upgrade_tls(&mut self);

    /// What was written down since this was asked last, in the words of a dialogue.
    fn notes(&mut self) -> Vec<String>;
}

/// Where a dialogue went otherwise than it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Plays `dialogue` over `wire` up to the first difference.
pub(crate) fn play(dialogue: &Dialogue, wire: &mut impl Wire) -> Result<(), Difference> {
    let mut notes = VecDeque::new();
    for item in &dialogue.items {
        let different = |what: String| Err(Difference { line: item.line, what });
        match &item.what {
            What::Send(octets) => {
                notes.extend(wire.notes());
                if let Some(note) = notes.front() {
                    return different(format!("before this, `{note}` was noted and is not written"));
                }
                wire.send(octets);
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
            What::Note(expected) => {
                notes.extend(wire.notes());
                match notes.pop_front() {
                    Some(note) if matches(expected, &note) => {}
                    Some(note) => return different(format!("`{note}` was noted, not `{expected}`")),
                    None => return different(format!("nothing was noted, not even `{expected}`")),
                }
            }
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
    notes.extend(wire.notes());
    if let Some(note) = notes.front() {
        return at_the_end(format!("`{note}` was noted and is not written"));
    }
    let closes = matches!(dialogue.items.last().map(|item| &item.what), Some(What::Closed));
    if !closes && wire.is_closed() {
        return at_the_end("the server has closed and `== closed` is not written".to_owned());
    }
    match wire.line() {
        Some(said) if !closes => at_the_end(format!("the server says `{said}`, which is not written")),
        _ => Ok(()),
    }
}

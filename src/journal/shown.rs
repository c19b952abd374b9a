//! What came over the wire, fit to be shown.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::record::{Place, SECRET};
use crate::smtp::Verb;

/// A command line without the secret that may stand in it: the initial response of AUTH (RFC 4954
/// section 4) and X-EXPS, which for PLAIN is name and password.
pub fn without_secret(line: &[u8]) -> Cow<'_, [u8]> {
    /// The longest name of a mechanism (RFC 4422 section 3.1).
    const LONGEST: usize = 20;

    let (Some(Verb::Auth | Verb::XExps), Some(space)) = (Verb::of(line), line.iter().position(is_blank))
    else {
        return Cow::Borrowed(line);
    };
    let start =
        line.iter().skip(space).position(|octet| !is_blank(octet)).map_or(line.len(), |at| space + at);
    let length = line.iter().skip(start).take_while(|octet| is_mechanism(octet)).count();
    let (shown, rest) = line.split_at(if length > LONGEST { start } else { start + length });
    if rest.trim_ascii().is_empty() {
        return Cow::Borrowed(line);
    }
    let mut masked = shown.trim_ascii_end().to_vec();
    masked.push(b' ');
    masked.extend_from_slice(SECRET.as_bytes());
    Cow::Owned(masked)
}

/// The sender of a message; the null path as SMTP writes it.
pub fn sender_in_words(sender: &str) -> &str {
    if sender.is_empty() { "<>" } else { sender }
}

/// The first few of a message's recipients, and how many more there are.
pub fn recipients_in_words(recipients: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = recipients.iter().take(SHOWN).cloned().collect();
    if let Some(more @ 1..) = recipients.len().checked_sub(SHOWN) {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

/// Octets as text that cannot do anything to a terminal: what is no UTF-8 as `\xNN`, and what controls,
/// reorders or hides text as Rust escapes it. A backslash stays as it is, so this cannot be read back.
pub(crate) fn printable(octets: &[u8]) -> String {
    let mut shown = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            match u8::try_from(character) {
                Ok(octet) if octet.is_ascii_control() => shown.extend(octet.escape_ascii().map(char::from)),
                _ if is_unsafe(character) => shown.extend(character.escape_unicode()),
                _ => shown.push(character),
            }
        }
        shown.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    shown
}

/// One end of a connection; a peer that came over IPv4 has an IPv4 address, whatever the socket was.
pub(crate) fn endpoint(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The other end of a conversation, with the name of the computer where it is one of the lab.
pub(crate) fn far_end(place: &Place) -> String {
    let remote = endpoint(place.remote);
    match &place.peer {
        Some(name) => format!("{name} ({remote})"),
        None => remote.to_string(),
    }
}

/// Controls of ISO 6429, and what Unicode has to turn the order of text around (UAX 9), to end lines and
/// to take no room.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn is_blank(octet: &u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn is_mechanism(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        String::from_utf8(without_secret(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn the_initial_response_of_auth_is_not_shown() {
        assert_eq!(masked("AUTH PLAIN AGEAYg=="), "AUTH PLAIN <authentication response>");
        assert_eq!(masked("auth  login\tYQ=="), "auth  login <authentication response>");
        assert_eq!(masked("X-EXPS NTLM TlRMTVNTUA=="), "X-EXPS NTLM <authentication response>");
        assert_eq!(masked("AUTH PLAIN\0a\0b"), "AUTH PLAIN <authentication response>");
    }

    #[test]
    fn what_is_too_long_for_a_mechanism_may_be_a_secret() {
        assert_eq!(masked("AUTH AGFsaWNlAHNlY3JldHNlY3JldA"), "AUTH <authentication response>");
        assert_eq!(masked("AUTH SCRAM-SHA-256"), "AUTH SCRAM-SHA-256");
    }

    #[test]
    fn a_line_that_was_masked_is_not_masked_again() {
        let once = masked("AUTH PLAIN AGEAYg==");
        assert_eq!(masked(&once), once);
    }

    #[test]
    fn other_commands_are_shown_whole() {
        for line in
            ["AUTH", "AUTH LOGIN", "AUTH LOGIN ", "MAIL FROM:<a@example.com> AUTH=<>", "EHLO auth x", ""]
        {
            assert_eq!(masked(line), line);
        }
    }

    #[test]
    fn nothing_from_the_wire_reaches_the_terminal_raw() {
        assert_eq!(printable(b"\x1b[2J\r\n\0\x7fk\xc3\xb6ln"), "\\x1b[2J\\r\\n\\x00\\x7fköln");
        assert_eq!(printable(b"a\xffb\xc3"), "a\\xffb\\xc3");
        assert_eq!(printable("\u{9b}31m\u{202e}\u{200b}".as_bytes()), "\\u{9b}31m\\u{202e}\\u{200b}");
        assert_eq!(printable("CONTOSO\\anna 用户".as_bytes()), "CONTOSO\\anna 用户");
    }
}

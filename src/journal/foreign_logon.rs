//! Logons of other protocols, which clients send to an SMTP port that they take for another: POP3's PASS, IMAP's
//! LOGIN, and the header fields of HTTP proxies.

use crate::smtp::Verb;

/// Returns the position behind which a line holds a secret, if it is a logon of another protocol.
pub(super) fn end(line: &[u8]) -> Option<usize> {
    // Whatever begins with a verb of SMTP is none, and nearly every line does.
    if Verb::of(line).is_some() {
        return None;
    }
    let (start, first) = word(line, 0)?;
    let behind_first = start + first.len();
    // RFC 1939 section 7; RFC 9110 sections 11.6.2 and 11.7.1.
    if is(first, b"PASS") || is(first, b"Proxy-Authorization:") || is(first, b"Authorization:") {
        return Some(behind_first);
    }
    // RFC 3501 section 6.2.3, behind a tag; some leave the tag out.
    if is(first, b"LOGIN") {
        return Some(behind_first);
    }
    let (start, second) = word(line, behind_first)?;
    is(second, b"LOGIN").then_some(start + second.len())
}

/// Returns the first word at or behind `from`, with its position.
fn word(line: &[u8], from: usize) -> Option<(usize, &[u8])> {
    let rest = line.get(from..)?;
    let gap = rest.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let rest = rest.get(gap..)?;
    let length = rest.iter().take_while(|octet| !octet.is_ascii_whitespace()).count();
    let word = rest.get(..length).filter(|word| !word.is_empty())?;
    Some((from + gap, word))
}

fn is(word: &[u8], known: &[u8]) -> bool {
    word.eq_ignore_ascii_case(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_another_protocol_begins_behind_its_command() {
        for (line, shown) in [
            ("PASS hunter2", "PASS"),
            ("pass hunter2", "pass"),
            ("a1 LOGIN user hunter2", "a1 LOGIN"),
            ("LOGIN user hunter2", "LOGIN"),
            ("Proxy-Authorization: Basic AGEAYg==", "Proxy-Authorization:"),
        ] {
            let end = end(line.as_bytes());
            assert_eq!(end.and_then(|end| line.get(..end)), Some(shown), "{line}");
        }
        for line in ["", "PASSWORD", "VRFY LOGIN x", "NOOP LOGIN x", "USER anna", "MAIL FROM:<a@b> LOGIN"] {
            assert_eq!(end(line.as_bytes()), None, "{line}");
        }
    }
}

//! A dialogue as it is written.

use super::account::is_note;
use super::setup::Setup;

/// A written conversation.
#[derive(Debug)]
pub(crate) struct Dialogue {
    pub(crate) name: String,
    pub(crate) setup: Setup,
    pub(crate) items: Vec<Item>,
}

/// One entry, and the line of the file it begins on.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) line: usize,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    Send(Vec<u8>),
    Say(String),
    SayAny(String),
    SayExactly(Vec<u8>),
    Note(String),
    Tls,
    Closed,
}

impl Dialogue {
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let (head, script) =
            text.split_once("\n---\n").unwrap_or_else(|| panic!("{name}: no `---` after the head"));
        let setup = toml::from_str(head).unwrap_or_else(|error| panic!("{name}: {error}"));
        let first = head.lines().count() + 2;
        let mut items: Vec<Item> = Vec::new();
        for (index, text) in script.lines().enumerate() {
            let line = first + index;
            let what = match what(text) {
                Ok(Some(what)) => what,
                Ok(None) => continue,
                Err(problem) => panic!("{name}:{line}: {problem}: {text}"),
            };
            match (items.last_mut().map(|item| &mut item.what), what) {
                (Some(What::Send(flight)), What::Send(bytes)) => flight.extend(bytes),
                (_, what) => items.push(Item { line, what }),
            }
        }
        Self { name: name.to_owned(), setup, items }
    }

    /// What the client sends at a time, in order.
    pub(crate) fn flights(&self) -> impl Iterator<Item = &[u8]> {
        self.items.iter().filter_map(|item| match &item.what {
            What::Send(bytes) => Some(&bytes[..]),
            _ => None,
        })
    }

    /// How many bytes the client sends without having waited for the banner.
    pub(crate) fn early(&self) -> usize {
        match self.items.iter().find(|item| !matches!(item.what, What::Note(_))) {
            Some(Item { what: What::Send(bytes), .. }) => bytes.len(),
            _ => 0,
        }
    }

    pub(crate) fn last_line(&self) -> usize {
        self.items.last().map_or(0, |item| item.line)
    }
}

fn what(line: &str) -> Result<Option<What>, String> {
    let rest = |mark: &str| line.strip_prefix(mark).map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
    if line.is_empty() || line.starts_with('#') {
        Ok(None)
    } else if let Some(text) = rest("C:") {
        let mut bytes = bytes(text)?;
        bytes.extend_from_slice(b"\r\n");
        Ok(Some(What::Send(bytes)))
    } else if let Some(text) = rest("C|") {
        bytes(text).map(|bytes| Some(What::Send(bytes)))
    } else if let Some(text) = rest("S:") {
        Ok(Some(What::Say(text.to_owned())))
    } else if let Some(code) = rest("S|") {
        Ok(Some(What::SayAny(code.to_owned())))
    } else if let Some(text) = rest("S=") {
        bytes(text).map(|bytes| Some(What::SayExactly(bytes)))
    } else if is_note(line) {
        Ok(Some(What::Note(line.to_owned())))
    } else {
        match line {
            "== TLS" => Ok(Some(What::Tls)),
            "== closed" => Ok(Some(What::Closed)),
            _ => Err("this is no line of a dialogue".to_owned()),
        }
    }
}

/// The bytes that a text with escapes stands for.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        rest = match escape.chars().next() {
            Some('r') => push(&mut bytes, b"\r", &escape[1..]),
            Some('n') => push(&mut bytes, b"\n", &escape[1..]),
            Some('0') => push(&mut bytes, b"\0", &escape[1..]),
            Some('\\') => push(&mut bytes, b"\\", &escape[1..]),
            Some('x') => {
                let digits = escape.get(1..3).ok_or("\\x needs two digits")?;
                let byte = u8::from_str_radix(digits, 16).map_err(|error| error.to_string())?;
                push(&mut bytes, &[byte], &escape[3..])
            }
            Some('{') => {
                let (repeated, after) = escape[1..].split_once('}').ok_or("\\{ is not closed")?;
                let (what, times) = repeated.rsplit_once('*').ok_or("\\{ needs a *")?;
                let times: usize = times.parse().map_err(|_| format!("{times} is no number"))?;
                push(&mut bytes, &self::bytes(what)?.repeat(times), after)
            }
            _ => return Err("an unknown escape".to_owned()),
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

fn push<'a>(bytes: &mut Vec<u8>, more: &[u8], rest: &'a str) -> &'a str {
    bytes.extend_from_slice(more);
    rest
}

/// Whether `text` is as `pattern` says: `*` for anything, `...` at the end for any rest.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, open) = match pattern.strip_suffix("...") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(between) = last.replace(piece) {
            match rest.find(between) {
                Some(at) => rest = &rest[at + between.len()..],
                None => return false,
            }
        }
    }
    match (last, open) {
        (None, false) => rest.is_empty(),
        (None, true) => true,
        (Some(end), false) => rest.ends_with(end),
        (Some(end), true) => rest.contains(end),
    }
}

#[test]
fn a_pattern_matches_what_it_says_and_nothing_else() {
    for (pattern, text, is_match) in [
        ("250 OK", "250 OK", true),
        ("250 OK", "250 OKAY", false),
        ("250...", "250 OK", true),
        ("250...", "251 OK", false),
        ("250 <*> queued", "250 <1@x> queued", true),
        ("250 <*> queued", "250 <1@x> dropped", false),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "a1c2b", false),
        ("a*b...", "a1b2", true),
        ("a*b...", "a1c2", false),
    ] {
        assert_eq!(matches(pattern, text), is_match, "{pattern} {text}");
    }
}

#[test]
fn escapes_are_bytes() {
    assert_eq!(bytes(r"a\r\n\0\\\xffb\{x.*3}").unwrap(), b"a\r\n\0\\\xffbx.x.x.");
    for wrong in [r"\", r"\q", r"\x1", r"\xzz", r"\{a", r"\{a}", r"\{a*b}"] {
        assert!(bytes(wrong).is_err(), "{wrong}");
    }
}

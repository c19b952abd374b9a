//! The addresses of the envelope.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// A mailbox of the envelope, as it was written (RFC 5321 section 4.1.2).
///
/// `postmaster` needs no domain (section 4.1.1.3). Lengths are not looked at: what is too long is
/// for the connector to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    text: Box<str>,
    /// The offset of the `@` between local part and domain.
    at: Option<u32>,
}

/// The reverse path: the address for notifications about the message (RFC 5321 section 4.1.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: nowhere, as this is a notification itself (RFC 5321 section 4.5.5).
    Null,
    /// To the sender (RFC 5321 section 4.1.2).
    Address(Address),
}

/// An error in an address (RFC 5321 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct AddressError(&'static str);

impl Address {
    /// Returns the local part, quotes included (RFC 5321 section 2.3.11).
    pub fn local_part(&self) -> &str {
        self.at().map_or(&self.text, |at| &self.text[..at])
    }

    /// Returns the domain, brackets included; `postmaster` may do without (RFC 5321 section
    /// 4.1.1.3).
    pub fn domain(&self) -> Option<&str> {
        self.at().map(|at| &self.text[at + 1..])
    }

    fn at(&self) -> Option<usize> {
        self.at.and_then(|at| usize::try_from(at).ok())
    }

    /// The whole address without angle brackets and source route (RFC 5321 section 4.1.2).
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether it has characters beyond ASCII, for which `SMTPUTF8` is needed (RFC 6531 section 3.4).
    pub fn is_internationalized(&self) -> bool {
        !self.text.is_ascii()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads a mailbox without angle brackets.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.eq_ignore_ascii_case("postmaster") {
            return Ok(Self { text: text.into(), at: None });
        }
        let at = local_part(text)?;
        match text[at..].strip_prefix('@') {
            Some(domain) if is_domain(domain) || is_literal(domain) => {
                let at = u32::try_from(at).map_err(|_| AddressError("the local part is too long"))?;
                Ok(Self { text: text.into(), at: Some(at) })
            }
            Some("") => Err(AddressError("the domain is missing")),
            Some(_) => Err(AddressError("the domain is not valid")),
            None if at == text.len() => Err(AddressError("the domain is missing")),
            None => Err(AddressError("the local part is not valid")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl ReversePath {
    /// The address, where there is one (RFC 5321 section 4.5.5).
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }

    /// The address as it was written; empty for the null path, as nothing stands between its brackets.
    pub fn as_str(&self) -> &str {
        self.address().map_or("", Address::as_str)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ReversePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl AddressError {
    pub(super) fn detail(self) -> &'static str {
        self.0
    }
}

/// Takes a path in angle brackets off the front of `text`: the address without its source route,
/// which is read and forgotten (RFC 5321 section 4.1.1.3), or nothing for `<>`; and what follows.
pub(super) fn path(text: &str) -> Result<(Option<Address>, &str), AddressError> {
    let Some(text) = text.strip_prefix('<') else {
        return Err(AddressError("the address is not in angle brackets"));
    };
    let Some(end) = closing_bracket(text) else {
        return Err(AddressError("the angle bracket is not closed"));
    };
    let (inside, rest) = (&text[..end], &text[end + 1..]);
    let address = if inside.is_empty() { None } else { Some(without_route(inside)?.parse()?) };
    Ok((address, rest))
}

/// The first `>` that is not inside of quotes.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().position(|byte| {
        let escapes = quoted && !escaped && byte == b'\\';
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = escapes;
        byte == b'>' && !quoted
    })
}

fn without_route(path: &str) -> Result<&str, AddressError> {
    if !path.starts_with('@') {
        return Ok(path);
    }
    let is_hop = |hop: &str| hop.strip_prefix('@').is_some_and(is_domain);
    match path.split_once(':') {
        Some((route, mailbox)) if route.split(',').all(is_hop) => Ok(mailbox),
        _ => Err(AddressError("the source route is not valid")),
    }
}

/// Returns the end of the local part (RFC 5321 section 4.1.2): a quoted string, or atoms between dots.
fn local_part(text: &str) -> Result<usize, AddressError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = closing_quote(quoted).ok_or(AddressError("the quoted local part is not valid"))?;
        return Ok(end + 2);
    }
    let end = text.find(|c| c != '.' && !is_atext(c)).unwrap_or(text.len());
    let local = &text.as_bytes()[..end];
    if matches!(local, [] | [b'.', ..] | [.., b'.']) || local.windows(2).any(|pair| pair == b"..") {
        return Err(AddressError("the local part is not valid"));
    }
    Ok(end)
}

/// Returns the offset of the quote that ends a quoted string, if everything before it is allowed in one.
fn closing_quote(quoted: &str) -> Option<usize> {
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some(at),
            // A quoted pair has a printable ASCII character or a space in it.
            '\\' => characters.next().filter(|(_, next)| matches!(next, ' '..='~')).map(|_| ())?,
            _ if character.is_control() => return None,
            _ => {}
        }
    }
    None
}

/// RFC 5322 section 3.2.3, and everything beyond ASCII by RFC 6531 section 3.3.
fn is_atext(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_' | '`' => true,
        '{' | '|' | '}' | '~' => true,
        _ => is_utf8_non_ascii(c),
    }
}

fn is_utf8_non_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control()
}

/// Labels of letters, digits and inner hyphens (RFC 5321 section 4.1.2), of U-labels (RFC 6531
/// section 3.3), and of underscores, which exist.
fn is_domain(domain: &str) -> bool {
    let mut labels = domain.as_bytes().split(|byte| *byte == b'.');
    labels.all(|label| !matches!(label, [] | [b'-', ..] | [.., b'-']))
        && domain
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || is_utf8_non_ascii(c))
}

/// RFC 5321 section 4.1.3: an IPv4 address, an IPv6 address after `IPv6:`, or what another tag says.
fn is_literal(domain: &str) -> bool {
    let inside = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    let Some(inside) = inside else { return false };
    match inside.split_once(':') {
        None => inside.parse::<Ipv4Addr>().is_ok(),
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => address.parse::<Ipv6Addr>().is_ok(),
        Some((tag, content)) => {
            let is_dcontent = |byte: u8| byte.is_ascii_graphic() && !b"[\\]".contains(&byte);
            is_tag(tag) && !content.is_empty() && content.bytes().all(is_dcontent)
        }
    }
}

/// Letters, digits and hyphens, the last one no hyphen (`Ldh-str`); a name without a letter beyond
/// the hexadecimal ones would be an IPv6 address whose tag was forgotten.
fn is_tag(tag: &str) -> bool {
    tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !tag.ends_with('-')
        && !tag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
        (address.local_part().to_owned(), address.domain().map(str::to_owned))
    }

    #[test]
    fn an_address_has_a_local_part_and_a_domain() {
        for (local, domain) in [
            ("a", "example.com"),
            ("first.last+tag", "mail-1.example.com"),
            ("o'neil", "single"),
            ("\"a b@c\\\"<>\"", "example.com"),
            ("\"\"", "example.com"),
            ("a", "[192.0.2.1]"),
            ("a", "[IPv6:2001:db8::1]"),
            ("a", "[x400:c=de;a=x]"),
            ("a", "_under_score.example"),
            ("postmaster", "example.com"),
        ] {
            let expected = (local.to_owned(), Some(domain.to_owned()));
            assert_eq!(parts(&format!("{local}@{domain}")), expected);
        }
    }

    #[test]
    fn only_postmaster_needs_no_domain() {
        assert_eq!(parts("PostMaster"), ("PostMaster".to_owned(), None));
        assert!("root".parse::<Address>().is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a@b@c",
            "\"a@b",
            "\"a\"b@c",
            "\"a\0\"@b",
            "\"\\\u{e4}\"@b",
            "a\0@b",
            "a@[192.0.2]",
            "a@[IPv6:1]",
            "a@[::1]",
            "a@[2001:db8::1]",
            "a@[]",
            "a@[x:]",
            "a@[x:[]",
            "a@b\u{85}c",
            "a,b@c",
            "<a@b>",
            "a@b>",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn characters_beyond_ascii_are_accepted_and_flagged() {
        assert!("müller@example.com".parse::<Address>().unwrap().is_internationalized());
        assert!("a@bücher.example".parse::<Address>().unwrap().is_internationalized());
        assert!(!"a@example.com".parse::<Address>().unwrap().is_internationalized());
    }

    #[test]
    fn a_source_route_is_read_and_forgotten() {
        let (address, rest) = path("<@a.example,@b.example:c@d.example> SIZE=1").unwrap();
        assert_eq!((address.unwrap().as_str(), rest), ("c@d.example", " SIZE=1"));
        for wrong in ["<@a>", "<@a,b:c@d>", "<@:c@d>", "<@a:>", "<@a:@b:c@d>"] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_ends_at_the_bracket_outside_of_quotes() {
        let (address, rest) = path("<\"a>\\\">\"@b> X").unwrap();
        assert_eq!((address.unwrap().local_part(), rest), ("\"a>\\\">\"", " X"));
        assert_eq!(path("<>"), Ok((None, "")));
        for wrong in ["", "a@b", "<a@b", "a@b>", "<\"a>@b", "< a@b>"] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_input_panics_and_what_is_accepted_is_kept_as_written(
            text in r#"[<"\\@a.\-:,\[\]1 ä>]{0,20}"#
        ) {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.as_str(), &text);
                let bracketed = format!("<{text}>");
                let (again, rest) = path(&bracketed).unwrap_or((None, "refused"));
                prop_assert_eq!((again, rest), (Some(address), ""));
            }
            let _ = path(&text);
        }
    }
}

//! The first word of a command, and what can be wrong with the rest of it.

use std::fmt;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// The first word of a command (RFC 5321 section 4.1.1, and Exchange's own two).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// RFC 5321 section 4.1.1.1.
    Helo,
    /// RFC 5321 section 4.1.1.1.
    Ehlo,
    /// RFC 3207 section 4.
    StartTls,
    /// STARTTLS between Exchange servers, which checks no names (Microsoft, "Selection of inbound anonymous TLS certificates").
    XAnonymousTls,
    /// RFC 4954 section 4.
    Auth,
    /// AUTH between Exchange servers, advertised as `X-EXPS` (observed on 2010 to 2019).
    XExps,
    /// RFC 5321 section 4.1.1.2.
    Mail,
    /// RFC 5321 section 4.1.1.3.
    Rcpt,
    /// RFC 5321 section 4.1.1.4.
    Data,
    /// RFC 3030 section 2.
    Bdat,
    /// RFC 5321 section 4.1.1.5.
    Rset,
    /// RFC 5321 section 4.1.1.9.
    Noop,
    /// RFC 5321 section 4.1.1.10.
    Quit,
    /// RFC 5321 section 4.1.1.8.
    Help,
    /// RFC 5321 section 4.1.1.6.
    Vrfy,
    /// RFC 5321 section 4.1.1.7.
    Expn,
}

impl Verb {
    /// Every verb, in the order of the type (RFC 5321 section 4.1.1).
    pub const ALL: [Self; 16] = [
        Self::Helo,
        Self::Ehlo,
        Self::StartTls,
        Self::XAnonymousTls,
        Self::Auth,
        Self::XExps,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Bdat,
        Self::Rset,
        Self::Noop,
        Self::Quit,
        Self::Help,
        Self::Vrfy,
        Self::Expn,
    ];

    /// The verb as it stands on the wire, in capitals (RFC 5321 section 4.1.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Helo => "HELO",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::XAnonymousTls => "X-ANONYMOUSTLS",
            Self::Auth => "AUTH",
            Self::XExps => "X-EXPS",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Bdat => "BDAT",
            Self::Rset => "RSET",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
            Self::Help => "HELP",
            Self::Vrfy => "VRFY",
            Self::Expn => "EXPN",
        }
    }

    /// The verb of a line, whatever its case (RFC 5321 section 2.4) and whatever follows it.
    pub fn of(line: &[u8]) -> Option<Self> {
        // Asked several times about every line, and nearly every line begins with one of these. A bit is what tells the
        // cases of a letter apart.
        if let Some((word, rest)) = line.split_first_chunk::<4>()
            && rest.first().is_none_or(|byte| is_blank(*byte))
        {
            return Some(match &(u32::from_ne_bytes(*word) & CAPITALS).to_ne_bytes() {
                b"HELO" => Self::Helo,
                b"EHLO" => Self::Ehlo,
                b"AUTH" => Self::Auth,
                b"MAIL" => Self::Mail,
                b"RCPT" => Self::Rcpt,
                b"DATA" => Self::Data,
                b"BDAT" => Self::Bdat,
                b"RSET" => Self::Rset,
                b"NOOP" => Self::Noop,
                b"QUIT" => Self::Quit,
                b"HELP" => Self::Help,
                b"VRFY" => Self::Vrfy,
                b"EXPN" => Self::Expn,
                _ => return None,
            });
        }
        let (word, _) = first_word(line);
        let longer = [Self::StartTls, Self::XAnonymousTls, Self::XExps];
        longer.into_iter().find(|verb| word.eq_ignore_ascii_case(verb.as_str().as_bytes()))
    }
}

/// The bits of four letters without those that make small ones.
const CAPITALS: u32 = 0xdfdf_dfdf;

/// Returns whether a line tells an address or a mailbox: MAIL and RCPT, VRFY and EXPN with an argument, and SEND,
/// SOML and SAML, which are MAIL in other words (RFC 821 section 3.4; RFC 5321 appendix F.6). Malformed spellings
/// count, such as ` MAILFROM:<a@b>`, whatever a server answers.
pub fn tells_address(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let Some((word, rest)) = line.split_first_chunk::<4>() else { return false };
    match &word.map(|byte| byte.to_ascii_uppercase()) {
        b"SEND" | b"SOML" | b"SAML" | b"VRFY" | b"EXPN" => !rest.trim_ascii().is_empty(),
        b"MAIL" | b"RCPT" => {
            !rest.trim_ascii().is_empty() || matches!(Verb::of(line), Some(Verb::Mail | Verb::Rcpt))
        }
        _ => false,
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Verb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a line is no command (RFC 5321 sections 4.2.4 and 4.1.1.11).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// No such verb: 500 (RFC 5321 section 4.2.4).
    #[error("unrecognized command '{verb}'")]
    Unrecognized {
        /// The word in its place, fit to be shown: at most 32 characters, none of them a control.
        verb: String,
    },
    /// The verb is known and the rest of the line is wrong: 501 (RFC 5321 section 4.2.2).
    #[error("{verb}: {detail}")]
    InvalidArguments {
        /// The verb of the line.
        verb: Verb,
        /// The error, as a sentence.
        detail: &'static str,
    },
    /// The client gave itself no usable name: 501 (RFC 5321 section 4.1.1.1).
    #[error("{verb}: the name is neither a domain name nor an address literal")]
    InvalidDomainName {
        /// HELO or EHLO.
        verb: Verb,
    },
    /// An address that cannot be parsed: 501 (RFC 5321 section 4.2.2).
    #[error("{verb}: {detail}")]
    InvalidAddress {
        /// MAIL or RCPT.
        verb: Verb,
        /// The error, as a sentence.
        detail: &'static str,
    },
    /// A parameter of no extension that is known here: 555 (RFC 5321 section 4.1.1.11).
    #[error("{verb}: unknown parameter {keyword}")]
    UnsupportedParameter {
        /// MAIL or RCPT.
        verb: Verb,
        /// The parameter's keyword as it was written.
        keyword: String,
    },
}

impl CommandError {
    pub(super) fn unrecognized(word: &[u8]) -> Self {
        Self::Unrecognized { verb: printable(word) }
    }
}

/// The first word of a line, and what follows it and the white space behind it.
pub(super) fn first_word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
    (word, &rest[blanks..])
}

/// Space and tab; a stray CR is not white space, it has no business in a line at all.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The longest verb that is repeated to the client and to the reader of a log.
const SHOWN: usize = 32;

fn printable(word: &[u8]) -> String {
    // A character has at most four bytes; more of the word than this is never shown.
    let word = &word[..word.len().min(SHOWN * 4)];
    let mut shown = String::new();
    let mut room = SHOWN;
    for character in String::from_utf8_lossy(word).chars() {
        let escaped = if character.is_control() { character.escape_default().len() } else { 1 };
        let Some(left) = room.checked_sub(escaped) else {
            break;
        };
        room = left;
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unrecognized(word: &[u8]) -> String {
        CommandError::unrecognized(word).to_string()
    }

    #[test]
    fn every_verb_is_found_by_its_name_in_any_case() {
        for verb in Verb::ALL {
            assert_eq!(Verb::of(verb.as_str().as_bytes()), Some(verb));
            assert_eq!(Verb::of(verb.to_string().to_lowercase().as_bytes()), Some(verb));
            assert_eq!(Verb::of(format!("{verb} a b").as_bytes()), Some(verb));
            assert_eq!(Verb::of(format!("{verb}X").as_bytes()), None);
            for (at, bit) in (0..verb.as_str().len()).flat_map(|at| (0..8).map(move |bit| (at, 1 << bit))) {
                let mut word = verb.as_str().as_bytes().to_vec();
                word[at] ^= bit;
                let same = word.eq_ignore_ascii_case(verb.as_str().as_bytes());
                assert_eq!(Verb::of(&word) == Some(verb), same, "{}", word.escape_ascii());
            }
        }
    }

    #[test]
    fn whatever_tells_an_address_is_known_by_its_first_word() {
        for line in [
            "MAIL FROM:<a@b>",
            "rcpt to:<a@b>",
            "MAIL",
            "SAML FROM:<a@b>",
            "SOML FROM:<a@b>",
            "send from:<a@b>",
            "VRFY anna",
            "EXPN staff",
            " MAIL FROM:<a@b>",
            "MAILFROM:<a@b>",
        ] {
            assert!(tells_address(line.as_bytes()), "{line}");
        }
        for line in ["VRFY", "EXPN ", "SEND", "EHLO mail.example.com", "NOOP", "DATA", "EMAIL a", ""] {
            assert!(!tells_address(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn an_unknown_verb_is_shown_harmlessly() {
        assert_eq!(unrecognized(b"FOO"), "unrecognized command 'FOO'");
        assert_eq!(unrecognized(b"\x16\x03\x01"), r"unrecognized command '\u{16}\u{3}\u{1}'");
        assert_eq!(unrecognized(b"\xff\xfe"), "unrecognized command '\u{fffd}\u{fffd}'");
        assert_eq!(unrecognized("Ä\r".as_bytes()), r"unrecognized command 'Ä\r'");
    }

    #[test]
    fn an_unknown_verb_is_shown_in_at_most_32_characters() {
        for word in [vec![b'A'; 1000], vec![0; 1000], vec![0xff; 1000], "€".repeat(300).into()] {
            let shown = printable(&word);
            assert!((28..=32).contains(&shown.chars().count()), "{shown}");
        }
    }
}

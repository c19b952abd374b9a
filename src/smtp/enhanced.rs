//! Enhanced status codes.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// An enhanced status code such as `5.7.1` (RFC 3463 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// The code `class.subject.detail` (RFC 3463 section 2).
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }

    /// The code that `text` begins with, up to a space or its end, and its length.
    const fn at_front(text: &[u8]) -> Option<(Self, usize)> {
        let mut parts = [0_u16; 3];
        let (mut part, mut digits, mut at) = (0, 0, 0);
        while at < text.len() && text[at] != b' ' {
            match text[at] {
                digit @ b'0'..=b'9' if digits < 3 => {
                    parts[part] = parts[part] * 10 + (digit - b'0') as u16;
                    digits += 1;
                }
                // A class is one digit.
                b'.' if digits > 0 && part < 2 && (part > 0 || digits == 1) => (part, digits) = (part + 1, 0),
                _ => return None,
            }
            at += 1;
        }
        let [class, subject, detail] = parts;
        let whole = part == 2 && digits > 0 && matches!(class, 2 | 4 | 5);
        if whole { Some((Self::new(class as u8, subject, detail), at)) } else { None }
    }

    /// The code at the front of a reply's text and what follows it. Its class must be that of the
    /// reply code (RFC 2034 section 4); otherwise it is text.
    pub(super) const fn split(code: u16, text: &str) -> (Option<Self>, &str) {
        match Self::at_front(text.as_bytes()) {
            Some((enhanced, length)) if enhanced.class as u16 == code / 100 => {
                let rest = if length < text.len() { text.split_at(length + 1).1 } else { "" };
                (Some(enhanced), rest)
            }
            _ => (None, text),
        }
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl EnhancedCode {
    /// Writes the code without the machinery of formatting, as it stands in nearly every reply.
    pub(super) fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        write_number(out, self.class.into())?;
        out.write_char('.')?;
        write_number(out, self.subject)?;
        out.write_char('.')?;
        write_number(out, self.detail)
    }
}

/// Writes a decimal number.
pub(super) fn write_number(out: &mut impl fmt::Write, number: u16) -> fmt::Result {
    if number >= 10 {
        write_number(out, number / 10)?;
    }
    out.write_char(char::from(b'0' + (number % 10) as u8))
}

/// The text is no enhanced status code (RFC 3463 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an enhanced status code is a class of 2, 4 or 5 and two numbers, such as 5.7.1")]
pub struct EnhancedCodeError;

impl FromStr for EnhancedCode {
    type Err = EnhancedCodeError;

    fn from_str(text: &str) -> Result<Self, EnhancedCodeError> {
        match Self::at_front(text.as_bytes()) {
            Some((code, length)) if length == text.len() => Ok(code),
            _ => Err(EnhancedCodeError),
        }
    }
}

impl Serialize for EnhancedCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_printed_as_it_is_read() {
        for text in ["2.0.0", "4.4.2", "5.7.123", "5.100.57"] {
            assert_eq!(text.parse::<EnhancedCode>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "", "05.1.0", "5.7.1 ", "5", "5.7", "5.7.", "5..1", "3.0.0", "12.0.0", "5.7.1234", "5.7.1.1",
            "5.+7.1",
        ] {
            assert_eq!(text.parse::<EnhancedCode>(), Err(EnhancedCodeError), "{text}");
        }
    }

    #[test]
    fn a_class_that_is_not_the_reply_codes_is_text() {
        let split = EnhancedCode::split;
        assert_eq!(split(550, "5.7.1 No"), (Some(EnhancedCode::new(5, 7, 1)), "No"));
        assert_eq!(split(250, "2.0.0"), (Some(EnhancedCode::new(2, 0, 0)), ""));
        assert_eq!(split(250, "5.7.1 No"), (None, "5.7.1 No"));
        assert_eq!(split(250, "No"), (None, "No"));
    }
}

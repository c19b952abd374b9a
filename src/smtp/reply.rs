//! Replies of a server.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::enhanced::{EnhancedCode, write_number};

/// The answer to one command (RFC 5321 section 4.2): a code and one or more lines of text.
#[derive(Clone, Debug)]
pub struct Reply {
    code: u16,
    enhanced: Option<EnhancedCode>,
    text: Text,
}

#[derive(Clone, Debug)]
enum Text {
    One(Cow<'static, str>),
    Many(Arc<[Cow<'static, str>]>),
    /// The one line of a reply that never changes.
    Fixed(&'static FixedReply),
    /// The lines of a reply that is sent more than once.
    Ready(Arc<ReadyReply>),
}

/// A reply of one line, taken apart when it is compiled; see [`fixed_reply`].
#[derive(Debug)]
pub(crate) struct FixedReply {
    code: u16,
    enhanced: Option<EnhancedCode>,
    text: Cow<'static, str>,
    wire: &'static str,
}

#[derive(Debug)]
struct ReadyReply {
    lines: Vec<Cow<'static, str>>,
    wire: Bytes,
}

/// A [`Reply`] that never changes, such as `fixed_reply!("250 2.1.0 Sender OK")`: it is taken apart when it is compiled,
/// and is no work to send.
macro_rules! fixed_reply {
    ($text:literal) => {
        $crate::smtp::Reply::fixed(const { &$crate::smtp::FixedReply::new(concat!($text, "\r\n")) })
    };
}
pub(crate) use fixed_reply;

/// A text that is no reply (RFC 5321 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// A line begins with no code between 200 and 599, or with no space or hyphen after it.
    #[error("a reply begins with a code between 200 and 599 and a space")]
    NoCode,
    /// The lines of one reply have different codes.
    #[error("all lines of a reply have the same code")]
    CodesDiffer,
    /// A line other than the last has a space after the code, or the last one a hyphen.
    #[error("every line but the last has a hyphen after the code")]
    WrongSeparator,
}

impl Reply {
    /// A reply of one line (RFC 5321 section 4.2), with an enhanced code where there is one (RFC
    /// 2034 section 4).
    pub fn new(
        code: u16,
        enhanced: impl Into<Option<EnhancedCode>>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, enhanced: enhanced.into(), text: Text::One(text.into()) }
    }

    /// A reply of one line without an enhanced code, such as a greeting (RFC 5321 section 4.2).
    pub fn line(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code, None, text)
    }

    /// A reply of several lines without an enhanced code, such as that to EHLO (RFC 5321 section
    /// 4.2.1); without any line it has an empty one.
    pub fn multi(code: u16, mut lines: Vec<Cow<'static, str>>) -> Self {
        let text = match lines.len() {
            0 | 1 => Text::One(lines.pop().unwrap_or_default()),
            _ => Text::Many(lines.into()),
        };
        Self { code, enhanced: None, text }
    }

    /// A reply that never changes; see [`fixed_reply`].
    pub(crate) const fn fixed(fixed: &'static FixedReply) -> Self {
        Self { code: fixed.code, enhanced: fixed.enhanced, text: Text::Fixed(fixed) }
    }

    /// The reply code (RFC 5321 section 4.2.1).
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code (RFC 2034 section 4).
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// The lines of text without the codes (RFC 5321 section 4.2.1), at least one.
    pub fn lines(&self) -> &[Cow<'static, str>] {
        self.text.lines()
    }

    /// Returns whether the command was accepted: 2yz, or 3yz for "go on" (RFC 5321 section 4.2.1).
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// Returns whether the client may try again: 4yz (RFC 5321 section 4.2.1).
    pub fn is_transient_failure(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// Returns whether the client should not try again: 5yz (RFC 5321 section 4.2.1).
    pub fn is_permanent_failure(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// The reply for a server that does not announce `ENHANCEDSTATUSCODES` (RFC 2034 section 3).
    #[must_use]
    pub fn without_enhanced(self) -> Self {
        Self { enhanced: None, text: self.text.alone(), ..self }
    }

    /// The reply with an enhanced code, which every line repeats (RFC 2034 section 4).
    #[must_use]
    pub fn with_enhanced(self, enhanced: EnhancedCode) -> Self {
        Self { enhanced: Some(enhanced), text: self.text.alone(), ..self }
    }

    /// The reply, made ready to be sent more than once: its clones share what goes over the wire.
    #[must_use]
    pub fn ready(self) -> Self {
        let ready = ReadyReply { lines: self.lines().to_vec(), wire: self.to_bytes() };
        Self { text: Text::Ready(Arc::new(ready)), ..self }
    }

    /// The whole reply as it goes over the wire (RFC 5321 section 4.2.1), in one buffer, so that it
    /// leaves in one write. A CR, LF or NUL in a text becomes `?`: what a client sent and a reply
    /// quotes must not make two replies of one.
    pub fn to_bytes(&self) -> Bytes {
        match &self.text {
            Text::Fixed(fixed) => return Bytes::from_static(fixed.wire.as_bytes()),
            Text::Ready(ready) => return ready.wire.clone(),
            Text::One(_) | Text::Many(_) => {}
        }
        let enhanced = self.enhanced.map_or(0, |_| "5.1.123 ".len());
        let size = self.lines().iter().map(|line| line.len() + "250-\r\n".len() + enhanced).sum();
        let mut wire = String::with_capacity(size);
        // A `String` takes whatever is written.
        let _ = self.write_lines(&mut wire, "\r\n");
        wire.push_str("\r\n");
        wire.into()
    }

    fn write_lines(&self, out: &mut impl fmt::Write, between: &str) -> fmt::Result {
        let lines = self.lines();
        for (index, text) in lines.iter().enumerate() {
            if index > 0 {
                out.write_str(between)?;
            }
            write_number(out, self.code)?;
            out.write_char(if index + 1 == lines.len() { ' ' } else { '-' })?;
            if let Some(enhanced) = self.enhanced {
                enhanced.write(out)?;
                if !text.is_empty() {
                    out.write_char(' ')?;
                }
            }
            // A text of our own has none of these.
            if let Cow::Borrowed(text) = text {
                out.write_str(text)?;
                continue;
            }
            let mut rest = &text[..];
            while let Some(at) = memchr::memchr3(b'\r', b'\n', 0, rest.as_bytes()) {
                out.write_str(&rest[..at])?;
                out.write_char('?')?;
                rest = &rest[at + 1..];
            }
            out.write_str(rest)?;
        }
        Ok(())
    }
}

impl PartialEq for Reply {
    fn eq(&self, other: &Self) -> bool {
        (self.code, self.enhanced, self.lines()) == (other.code, other.enhanced, other.lines())
    }
}

impl Eq for Reply {}

impl fmt::Display for Reply {
    /// Prints the lines as they go over the wire, with a line feed between them and none at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_lines(f, "\n")
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Reply {
    type Err = ReplyError;

    /// Reads what [`Display`](fmt::Display) prints.
    fn from_str(text: &str) -> Result<Self, ReplyError> {
        let lines: Vec<&str> = text.lines().collect();
        let (code, ..) = lines.first().and_then(|line| split_code(line)).ok_or(ReplyError::NoCode)?;
        let mut texts = Vec::with_capacity(lines.len());
        for (index, line) in lines.iter().enumerate() {
            let (its_code, goes_on, text) = split_code(line).ok_or(ReplyError::NoCode)?;
            if its_code != code {
                return Err(ReplyError::CodesDiffer);
            }
            if goes_on != (index + 1 < lines.len()) {
                return Err(ReplyError::WrongSeparator);
            }
            texts.push(text);
        }
        // It is the reply's enhanced code only if every line repeats it; otherwise it is text.
        let of = |text: &str| EnhancedCode::split(code, text).0;
        let first = texts.first().and_then(|text| of(text));
        let enhanced = first.filter(|_| texts.iter().all(|text| of(text) == first));
        let texts = texts.into_iter().map(|text| match enhanced {
            Some(_) => EnhancedCode::split(code, text).1.to_owned().into(),
            None => text.to_owned().into(),
        });
        Ok(Self { enhanced, ..Self::multi(code, texts.collect()) })
    }
}

impl Text {
    fn lines(&self) -> &[Cow<'static, str>] {
        match self {
            Self::One(line) => std::slice::from_ref(line),
            Self::Many(lines) => lines,
            Self::Fixed(fixed) => std::slice::from_ref(&fixed.text),
            Self::Ready(ready) => &ready.lines,
        }
    }

    /// The text without what goes over the wire, which is that of another reply.
    fn alone(self) -> Self {
        match self {
            Self::One(_) | Self::Many(_) => self,
            Self::Fixed(fixed) => Self::One(fixed.text.clone()),
            Self::Ready(ready) => Self::Many(ready.lines.as_slice().into()),
        }
    }
}

impl FixedReply {
    /// The reply that goes over the wire as `wire`.
    ///
    /// # Panics
    ///
    /// `wire` is not a code between 200 and 599, a space, a text, and CRLF.
    pub(crate) const fn new(wire: &'static str) -> Self {
        let bytes = wire.as_bytes();
        let end = bytes.len() - 2;
        assert!(bytes[3] == b' ' && bytes[end] == b'\r' && bytes[end + 1] == b'\n');
        let mut code = 0;
        let mut at = 0;
        while at < 3 {
            assert!(bytes[at].is_ascii_digit());
            code = code * 10 + (bytes[at] - b'0') as u16;
            at += 1;
        }
        assert!(200 <= code && code < 600);
        let (enhanced, text) = EnhancedCode::split(code, wire.split_at(end).0.split_at(4).1);
        Self { code, enhanced, text: Cow::Borrowed(text), wire }
    }
}

/// The code of a line, whether another line follows, and the text.
fn split_code(line: &str) -> Option<(u16, bool, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    let code = code.bytes().all(|byte| byte.is_ascii_digit()).then(|| code.parse().ok())??;
    if !(200..600).contains(&code) {
        return None;
    }
    match rest.split_at_checked(1) {
        None if rest.is_empty() => Some((code, false, "")),
        Some((" ", text)) => Some((code, false, text)),
        Some(("-", text)) => Some((code, true, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OK: EnhancedCode = EnhancedCode::new(2, 1, 0);
    const OTHER: EnhancedCode = EnhancedCode::new(2, 1, 10);

    #[test]
    fn a_reply_of_one_line_is_code_enhanced_code_and_text() {
        assert_eq!(Reply::new(250, OK, "Sender OK").to_bytes(), "250 2.1.0 Sender OK\r\n");
        assert_eq!(Reply::line(220, "mail ready").to_bytes(), "220 mail ready\r\n");
        assert_eq!(Reply::line(334, "").to_bytes(), "334 \r\n");
        assert_eq!(Reply::new(250, OK, "").to_bytes(), "250 2.1.0\r\n");
    }

    #[test]
    fn every_line_but_the_last_goes_on_with_a_hyphen() {
        let reply = Reply::multi(250, vec!["mail Hello".into(), "".into(), "8BITMIME".into()]);
        assert_eq!(reply.to_bytes(), "250-mail Hello\r\n250-\r\n250 8BITMIME\r\n");
        assert_eq!(reply.to_string(), "250-mail Hello\n250-\n250 8BITMIME");
        assert_eq!(
            reply.with_enhanced(OK).to_string(),
            "250-2.1.0 mail Hello\n250-2.1.0\n250 2.1.0 8BITMIME"
        );
        assert_eq!(Reply::multi(250, Vec::new()), Reply::line(250, ""));
    }

    #[test]
    fn a_written_reply_is_taken_apart() {
        let reply = fixed_reply!("250 2.1.0 Sender OK");
        assert_eq!(
            (reply.code(), reply.enhanced(), reply.lines()),
            (250, Some(OK), &["Sender OK".into()][..])
        );
        assert_eq!(reply, Reply::new(250, OK, "Sender OK"));
        assert_eq!(reply.to_bytes(), Reply::new(250, OK, "Sender OK").to_bytes());
        assert_eq!(reply.clone().with_enhanced(OTHER).to_bytes(), "250 2.1.10 Sender OK\r\n");
        assert_eq!(reply.without_enhanced().to_bytes(), "250 Sender OK\r\n");
        for (reply, enhanced, text) in [
            (fixed_reply!("354 Start mail input"), None, "Start mail input"),
            (fixed_reply!("250 2.1.10 Sender OK"), Some(OTHER), "Sender OK"),
            (fixed_reply!("250 2.1.10"), Some(OTHER), ""),
            (fixed_reply!("250 "), None, ""),
            (fixed_reply!("500 4.3.3 Other class"), None, "4.3.3 Other class"),
            (fixed_reply!("250 2.1 is no code"), None, "2.1 is no code"),
            (fixed_reply!("250 2.2.3.4 is an address"), None, "2.2.3.4 is an address"),
            (fixed_reply!("250 2.1.1000 is no code"), None, "2.1.1000 is no code"),
        ] {
            assert_eq!((reply.enhanced(), &reply.lines()[0][..]), (enhanced, text));
            assert_eq!(reply.to_string().parse::<Reply>().unwrap(), reply);
        }
    }

    #[test]
    fn a_reply_is_positive_or_a_failure_for_now_or_for_good() {
        let kinds = |code| {
            let reply = Reply::line(code, "");
            (reply.is_positive(), reply.is_transient_failure(), reply.is_permanent_failure())
        };
        assert_eq!(kinds(250), (true, false, false));
        assert_eq!(kinds(354), (true, false, false));
        assert_eq!(kinds(421), (false, true, false));
        assert_eq!(kinds(554), (false, false, true));
    }

    #[test]
    fn what_a_client_sent_cannot_split_a_reply() {
        let reply = Reply::new(500, EnhancedCode::new(5, 3, 3), "no '\r\n250 OK\0'".to_owned());
        assert_eq!(reply.to_bytes(), "500 5.3.3 no '??250 OK?'\r\n");
        assert_eq!(reply.to_string(), "500 5.3.3 no '??250 OK?'");
    }

    #[test]
    fn a_reply_that_a_person_wrote_is_checked() {
        let parse = str::parse::<Reply>;
        let mixed = parse("250-2.1.0 a\n250 b").unwrap();
        assert_eq!((mixed.enhanced(), mixed.to_string()), (None, "250-2.1.0 a\n250 b".to_owned()));
        assert_eq!(parse("421").map(|reply| reply.to_string()), Ok("421 ".to_owned()));
        for text in ["", "OK", "25", "2500 a", "199 a", "600 a", "250_a", "ä50 a", "250ä", "250-a\nb"] {
            assert_eq!(parse(text), Err(ReplyError::NoCode), "{text}");
        }
        assert_eq!(parse("250-a\n251 b"), Err(ReplyError::CodesDiffer));
        assert_eq!(parse("250 a\n250 b"), Err(ReplyError::WrongSeparator));
        assert_eq!(parse("250-a"), Err(ReplyError::WrongSeparator));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_printed_is_read_again(
            code in 200_u16..600, lines in prop::collection::vec(".{0,20}", 1..4), enhanced: bool
        ) {
            let reply = Reply::multi(code, lines.into_iter().map(Cow::from).collect());
            let class = u8::try_from(code / 100).unwrap();
            let reply =
                if enhanced { reply.with_enhanced(EnhancedCode::new(class, 7, 54)) } else { reply };
            let printed = reply.to_string();
            prop_assert_eq!(printed.parse::<Reply>().map(|again| again.to_string()), Ok(printed));
            let wire = reply.to_bytes();
            prop_assert_eq!(memchr::memchr_iter(b'\n', &wire).count(), reply.lines().len());
        }
    }
}

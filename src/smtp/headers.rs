//! The header section of a message, read without parsing its fields.

use std::ops::ControlFlow;

use memchr::memchr;
use serde::Serialize;

use super::body::Body;

/// The header section of a message (RFC 5322 section 2.2), as far as a server looks at it.
///
/// Lines may end with a bare LF here: this is for people who want to know which message it was, and
/// decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HeaderScan {
    /// Bytes of the header section, without the empty line that ends it (RFC 5322 section 2.1).
    pub length: u64,
    /// The way it ended (RFC 5322 section 2.1).
    pub end: HeaderEnd,
    /// The hops so far: the number of `Received` fields (RFC 5321 section 6.3).
    pub received: usize,
    /// `Message-ID` with its angle brackets (RFC 5322 section 3.6.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// `Subject` as it was written, encoded words and all (RFC 5322 section 3.6.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `TLS-Required`, of which `No` asks for delivery without regard to TLS (RFC 8689 section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_required: Option<String>,
}

/// The end of a header section (RFC 5322 section 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderEnd {
    /// With the empty line before the body.
    EmptyLine,
    /// With the message, which has no body; that is allowed.
    #[default]
    EndOfMessage,
    /// With a line that is no field, so that the body begins without an empty line.
    NotAField,
}

impl HeaderScan {
    /// Reads the header section of `body` (RFC 5322 section 2.2). Of a field that occurs more than
    /// once the first counts; fields are unfolded and cut to 998 bytes.
    pub fn of(body: &Body) -> Self {
        let mut scanner = Scanner::default();
        let mut lines = Lines::default();
        let mut ended = ControlFlow::Continue(());
        for chunk in body.chunks() {
            ended = lines.feed(chunk, &mut scanner);
            if ended.is_break() {
                break;
            }
        }
        if ended.is_continue() {
            lines.finish(&mut scanner);
        }
        scanner.finish()
    }
}

/// RFC 5322 section 2.1.1: more than fits into one line is of no use to anybody.
const LONGEST_VALUE: usize = 998;
/// Of a line no more is held: as much as a value can have, and its field's name.
const LONGEST_LINE: usize = LONGEST_VALUE + 64;

/// Lines across the borders of chunks; copies those only that lie across one.
#[derive(Default)]
struct Lines {
    /// The beginning of a line that came with an earlier chunk.
    held: Vec<u8>,
    /// The length of that line so far, in bytes; it may be more than is kept.
    len: usize,
}

impl Lines {
    fn feed(&mut self, mut chunk: &[u8], scanner: &mut Scanner) -> ControlFlow<()> {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(end + 1);
            chunk = rest;
            if self.len == 0 {
                // Cut as one that crosses a border would be, so that borders make no difference.
                scanner.line(&line[..line.len().min(LONGEST_LINE)], line.len())?;
            } else {
                self.hold(line);
                scanner.line(&self.held, self.len)?;
                self.held.clear();
                self.len = 0;
            }
        }
        self.hold(chunk);
        ControlFlow::Continue(())
    }

    /// The last line, where it has no ending.
    fn finish(&self, scanner: &mut Scanner) {
        if self.len > 0 {
            // Whatever it says, it is the last one.
            let _ = scanner.line(&self.held, self.len);
        }
    }

    fn hold(&mut self, piece: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.held.len());
        self.held.extend_from_slice(&piece[..piece.len().min(room)]);
        self.len = self.len.saturating_add(piece.len());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Subject,
    MessageId,
    TlsRequired,
    Received,
    Other,
}

#[derive(Default)]
struct Scanner {
    scan: HeaderScan,
    /// The field that a folded line would continue.
    field: Option<Field>,
    /// Its value so far, if it is one to keep.
    value: Vec<u8>,
}

impl Scanner {
    /// Looks at a line of `len` bytes whose beginning is `line`.
    fn line(&mut self, line: &[u8], len: usize) -> ControlFlow<()> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_folded = line.first().is_some_and(|byte| b" \t".contains(byte));
        if line.is_empty() {
            return self.end(HeaderEnd::EmptyLine);
        }
        if is_folded && self.field.is_some() {
            // Unfolding takes the CRLF out and leaves the white space (RFC 5322 section 2.2.3).
            self.keep(line);
        } else {
            let Some((field, value)) = field(line) else {
                return self.end(HeaderEnd::NotAField);
            };
            self.end_field();
            self.field = Some(field);
            self.keep(value);
        }
        self.scan.length += len as u64;
        ControlFlow::Continue(())
    }

    fn end(&mut self, end: HeaderEnd) -> ControlFlow<()> {
        self.scan.end = end;
        ControlFlow::Break(())
    }

    fn finish(mut self) -> HeaderScan {
        self.end_field();
        self.scan
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.field.is_some_and(|field| !matches!(field, Field::Received | Field::Other)) {
            let piece = if self.value.is_empty() { piece.trim_ascii_start() } else { piece };
            let room = LONGEST_VALUE.saturating_sub(self.value.len());
            self.value.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }

    fn end_field(&mut self) {
        let slot = match self.field.take() {
            Some(Field::Subject) => &mut self.scan.subject,
            Some(Field::MessageId) => &mut self.scan.message_id,
            Some(Field::TlsRequired) => &mut self.scan.tls_required,
            Some(Field::Received) => {
                self.scan.received += 1;
                return;
            }
            Some(Field::Other) | None => return,
        };
        slot.get_or_insert_with(|| text(&self.value));
        self.value.clear();
    }
}

/// A line's field and the beginning of its value (RFC 5322 section 2.2). White space before the
/// colon is obsolete and let pass (section 4.5).
fn field(line: &[u8]) -> Option<(Field, &[u8])> {
    let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
    let name = name.trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let known = [
        ("Subject", Field::Subject),
        ("Message-ID", Field::MessageId),
        ("TLS-Required", Field::TlsRequired),
        ("Received", Field::Received),
    ];
    let known = known.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    Some((known.map_or(Field::Other, |(_, field)| *field), &value[1..]))
}

/// Text for people: what is not UTF-8 is replaced, and a character that was cut is left out.
fn text(value: &[u8]) -> String {
    let value = match str::from_utf8(value) {
        Err(error) if value.len() == LONGEST_VALUE && error.error_len().is_none() => {
            &value[..error.valid_up_to()]
        }
        _ => value,
    };
    String::from_utf8_lossy(value.trim_ascii_end()).into_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn scan(message: &str) -> HeaderScan {
        HeaderScan::of(&Body::from(Bytes::copy_from_slice(message.as_bytes())))
    }

    const MESSAGE: &str = "Received: from a\r\n\tby b\r\nreceived: from c\r\nSubject: Hello\r\n \
        world \r\nFROM: \"A\" <a@b>\r\nTo: c@d\r\nMessage-Id : <1@a>\r\ntls-required: No\r\nSubject: again\r\nX-A:\r\n\r\n\
        To: body\r\n";

    #[test]
    fn fields_are_found_unfolded_and_the_first_one_counts() {
        let found = scan(MESSAGE);
        assert_eq!(found.received, 2);
        assert_eq!(found.subject.as_deref(), Some("Hello world"));
        assert_eq!(found.message_id.as_deref(), Some("<1@a>"));
        assert_eq!(found.tls_required.as_deref(), Some("No"));
        assert_eq!(found.end, HeaderEnd::EmptyLine);
        let header = MESSAGE.split("\r\n\r\n").next().unwrap();
        assert_eq!(found.length, header.len() as u64 + 2);
    }

    #[test]
    fn a_header_ends_with_an_empty_line_with_the_message_or_without_good_reason() {
        let end = |message| {
            let scan = scan(message);
            (scan.end, scan.length)
        };
        assert_eq!(end(""), (HeaderEnd::EndOfMessage, 0));
        assert_eq!(end("\r\nHello"), (HeaderEnd::EmptyLine, 0));
        assert_eq!(end("A: b\r\n"), (HeaderEnd::EndOfMessage, 6));
        assert_eq!(end("A: b"), (HeaderEnd::EndOfMessage, 4));
        assert_eq!(end("A: b\n\nHello"), (HeaderEnd::EmptyLine, 5));
        for message in ["A: b\r\nHello\r\n", "A: b\r\n: c\r\n", "A: b\r\nä: c", "A: b\r\nc d: e"] {
            assert_eq!(end(message), (HeaderEnd::NotAField, 6), "{message}");
        }
        assert_eq!(end(" folded: first line"), (HeaderEnd::NotAField, 0));
    }

    #[test]
    fn a_value_that_was_folded_at_once_is_found() {
        assert_eq!(scan("Message-ID:\r\n <1@a>\r\n").message_id.as_deref(), Some("<1@a>"));
        assert_eq!(scan("Subject:\r\nTo: a").subject.as_deref(), Some(""));
    }

    #[test]
    fn a_value_is_bounded_and_is_text() {
        let long = format!("Subject: x{}\r\n {}\r\n", "ä".repeat(400), "ä".repeat(400));
        let subject = scan(&long).subject.unwrap();
        assert_eq!((subject.len(), subject.chars().last()), (LONGEST_VALUE, Some('ä')));
        let longer = format!("Subject: {}\r\n", "ä".repeat(5000));
        assert_eq!(scan(&longer).length, longer.len() as u64);
        let latin = Body::from(Bytes::from_static(b"Subject: \xe4\r\n"));
        assert_eq!(HeaderScan::of(&latin).subject.as_deref(), Some("\u{fffd}"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn chunks_make_no_difference(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "Subject: ", "To:", "Received: ", "\r\n", "\n", "\r", " ", "a", ":", "ä",
                    "0123456789012345678901234567890123456789",
                ]),
                0..80,
            ),
            size in 1_usize..50,
        ) {
            let message = pieces.concat();
            let cut = message.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
            prop_assert_eq!(HeaderScan::of(&cut), scan(&message));
        }
    }
}

//! Command lines out of a stream of bytes, whatever the TCP segments were.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;
use serde::Serialize;

/// The line ending on the wire: RFC 5321 section 2.3.8 knows CRLF only, real servers take LF too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Carriage return and line feed, as the standard asks.
    CrLf,
    /// A line feed alone.
    Lf,
}

/// One line of a conversation (RFC 5321 section 2.3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line without its ending; of an overlong line no more than the limit.
    pub text: Arc<[u8]>,
    /// The line ending on the wire.
    pub ending: Ending,
    /// It was longer than the limit (RFC 5321 section 4.5.3.1.4), ending included.
    pub overlong: bool,
    /// There was a NUL in it, also where that part of an overlong line was not kept.
    pub has_nul: bool,
}

/// Takes lines off the front of a buffer, and holds no more than its limit of a line that has no end
/// (RFC 5321 sections 4.5.3.1.4 to 4.5.3.1.6).
#[derive(Debug)]
pub struct LineDecoder {
    limit: usize,
    /// This much of the buffer holds no line feed, so that bytes that trickle in are read once.
    scanned: usize,
    overlong: Option<Overlong>,
}

impl LineDecoder {
    /// A decoder for lines of at most `limit` bytes, ending included (RFC 5321 section 4.5.3.1.4).
    pub fn new(limit: usize) -> Self {
        Self { limit, scanned: 0, overlong: None }
    }

    /// Changes the longest line that is taken, for the lines that are still to come.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The next line of `input` once it is complete (RFC 5321 section 2.3.8); `input` is the same
    /// buffer every time, and grows at its end only.
    pub fn decode(&mut self, input: &mut BytesMut) -> Option<Line> {
        if self.overlong.is_none() {
            let within = input.len().min(self.limit);
            let from = self.scanned.min(within);
            if let Some(found) = memchr(b'\n', &input[from..within]) {
                self.scanned = 0;
                let line = line(&input[..from + found]);
                input.advance(from + found + 1);
                return Some(line);
            }
            if within < self.limit {
                self.scanned = within;
                return None;
            }
            self.scanned = 0;
            self.overlong = Some(Overlong::starting_with(input.split_to(self.limit).freeze()));
        }
        self.swallow(input)
    }

    /// The line that `next` is, if it is one from the start to the end and nothing stands before it in `input`. What is
    /// no such line goes behind `input` and to [`decode`](Self::decode).
    pub fn whole(&self, input: &BytesMut, next: &[u8]) -> Option<Line> {
        let (line_feed, text) = next.split_last()?;
        let alone = input.is_empty() && self.overlong.is_none() && next.len() <= self.limit;
        let whole = alone && *line_feed == b'\n' && memchr(b'\n', text).is_none();
        whole.then(|| line(text))
    }

    fn swallow(&mut self, input: &mut BytesMut) -> Option<Line> {
        let mut line = self.overlong.take()?;
        if let Some(end) = memchr(b'\n', input) {
            line.pass_over(&input[..end]);
            input.advance(end + 1);
            return Some(line.finish());
        }
        line.pass_over(input);
        input.clear();
        self.overlong = Some(line);
        None
    }
}

/// A line that has outgrown the limit and whose end has not come yet.
#[derive(Debug)]
struct Overlong {
    head: Bytes,
    /// Something came after the head and before the line feed.
    went_on: bool,
    has_nul: bool,
    ends_in_cr: bool,
}

impl Overlong {
    fn starting_with(head: Bytes) -> Self {
        let mut line = Self { head: Bytes::new(), went_on: false, has_nul: false, ends_in_cr: false };
        line.pass_over(&head);
        Self { head, went_on: false, ..line }
    }

    fn pass_over(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.went_on = true;
            self.ends_in_cr = *last == b'\r';
            self.has_nul |= memchr(0, bytes).is_some();
        }
    }

    fn finish(mut self) -> Line {
        // The limit may have fallen between CR and LF; the CR belongs to the ending all the same.
        if self.ends_in_cr && !self.went_on {
            self.head.truncate(self.head.len() - 1);
        }
        let ending = if self.ends_in_cr { Ending::CrLf } else { Ending::Lf };
        Line { text: self.head[..].into(), ending, overlong: true, has_nul: self.has_nul }
    }
}

/// Returns the line that stands before a line feed.
fn line(before: &[u8]) -> Line {
    let (text, ending) = match before.strip_suffix(b"\r") {
        Some(text) => (text, Ending::CrLf),
        None => (before, Ending::Lf),
    };
    // A copy, so that a line that is kept does not keep all that was read with it.
    let text = Arc::from(text);
    let has_nul = memchr(0, &text).is_some();
    Line { text, ending, overlong: false, has_nul }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `pieces` one after the other and checks that the buffer stays within the limit.
    fn lines<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Line>, BytesMut) {
        let mut decoder = LineDecoder::new(limit);
        let mut input = BytesMut::new();
        let mut lines = Vec::new();
        for piece in pieces {
            match decoder.whole(&input, piece) {
                Some(line) => lines.push(line),
                None => input.extend_from_slice(piece),
            }
            while let Some(line) = decoder.decode(&mut input) {
                lines.push(line);
            }
            assert!(input.len() < limit.max(1), "{} bytes are held", input.len());
        }
        (lines, input)
    }

    fn all(limit: usize, input: &[u8]) -> Vec<Line> {
        lines(limit, [input]).0
    }

    fn line(text: &'static str, ending: Ending) -> Line {
        Line { text: text.as_bytes().into(), ending, overlong: false, has_nul: false }
    }

    #[test]
    fn lines_come_out_in_order_without_their_endings() {
        assert_eq!(
            all(512, b"EHLO a\r\nQUIT\n\r\nNO"),
            [line("EHLO a", Ending::CrLf), line("QUIT", Ending::Lf), line("", Ending::CrLf)]
        );
    }

    #[test]
    fn what_follows_a_line_stays_in_the_buffer() {
        let mut input = BytesMut::from(&b"STARTTLS\r\nRSET\r\n"[..]);
        assert_eq!(LineDecoder::new(512).decode(&mut input), Some(line("STARTTLS", Ending::CrLf)));
        assert_eq!(&input[..], b"RSET\r\n");
    }

    #[test]
    fn a_carriage_return_inside_a_line_stays_in_it() {
        assert_eq!(all(512, b"NOOP\rQUIT\r\r\n"), [line("NOOP\rQUIT\r", Ending::CrLf)]);
    }

    #[test]
    fn a_nul_is_reported() {
        assert!(all(512, b"NO\0OP\r\n")[0].has_nul);
        assert!(all(4, b"NOOP NOOP \0 NOOP\r\n")[0].has_nul);
    }

    #[test]
    fn the_limit_counts_the_ending() {
        assert_eq!(all(6, b"QUIT\r\n"), [line("QUIT", Ending::CrLf)]);
        let quit = Line { overlong: true, ..line("QUIT", Ending::CrLf) };
        assert_eq!(all(5, b"QUIT\r\n")[0], quit);
        assert_eq!(all(4, b"QUIT\r\n")[0], quit);
        assert_eq!(all(3, b"QUIT\r\n")[0].text[..], b"QUI"[..]);
    }

    #[test]
    fn after_an_overlong_line_the_next_one_is_read_as_usual() {
        let lines = all(8, b"NOOP NOOP NOOP NOOP\r\nQUIT\r\n");
        assert!(lines[0].overlong);
        assert_eq!(lines[0].text[..], b"NOOP NOO"[..]);
        assert_eq!(lines[1], line("QUIT", Ending::CrLf));
    }

    #[test]
    fn a_limit_of_nothing_makes_every_line_overlong() {
        assert!(all(0, b"QUIT\r\n\n").iter().all(|line| line.overlong && line.text.is_empty()));
    }

    /// Bytes among which the interesting ones are frequent.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop_oneof![3 => Just(b'\r'), 3 => Just(b'\n'), 1 => Just(0), 8 => any::<u8>()],
            0..64,
        )
    }

    /// The rule said once more, for a buffer that is complete.
    fn expected(limit: usize, input: &[u8]) -> Vec<Line> {
        let complete = memchr::memrchr(b'\n', input).map_or(&[][..], |end| &input[..=end]);
        let whole_lines = complete.split_inclusive(|byte| *byte == b'\n');
        whole_lines
            .map(|whole| {
                let (text, ending) = match whole.strip_suffix(b"\r\n") {
                    Some(text) => (text, Ending::CrLf),
                    None => (&whole[..whole.len() - 1], Ending::Lf),
                };
                Line {
                    text: text[..text.len().min(limit)].into(),
                    ending,
                    overlong: whole.len() > limit,
                    has_nul: text.contains(&0),
                }
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_cut_of_any_input_gives_the_lines_of_the_whole(
            input in bytes(), limit in 0_usize..24, size in 1_usize..9
        ) {
            let (cut, _) = lines(limit, input.chunks(size));
            prop_assert_eq!(&cut, &expected(limit, &input));
            prop_assert_eq!(all(limit, &input), cut);
        }
    }
}

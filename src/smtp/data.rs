//! The content of a message out of the stream that follows `DATA` or `BDAT`.

use std::sync::LazyLock;

use bytes::{Buf, BytesMut};
use memchr::memmem::Finder;

use super::received::{Content, Received};

/// The progress of a transfer: more is expected, or the content or chunk is complete (RFC 5321 section 4.1.1.4, RFC 3030).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataProgress {
    /// All input was taken, and more must come.
    More,
    /// The end was seen; what follows it is still in the input.
    Done,
}

/// Reads what follows a 354 up to the dot (RFC 5321 section 4.1.1.4) and takes the transparency off
/// (section 4.5.2).
///
/// Only CRLF `.` CRLF ends the content. Servers that accept less, such as LF `.` LF, can be made to
/// see the end of a message where the sender's server saw none (SMTP smuggling); here such bytes
/// are content, and [`super::Oddities`] counts them.
#[derive(Debug)]
pub struct DataDecoder {
    content: Content,
    place: Place,
}

/// The state between two pieces of input: all that must be known of the content so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// After CRLF, or at the very start: the CRLF before it ended the command (RFC 5321 section 4.1.1.4).
    LineStart,
    /// After a dot at the start of a line, which is never content.
    Dot,
    /// After such a dot and a CR that becomes content unless LF follows.
    DotCr,
    /// Anywhere else.
    Within { after_cr: bool },
    /// After the dot that ended it.
    End,
}

/// Finds the only places where something is not content; built once, as it is bigger than a decoder.
static DOT_LINE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n."));

/// Content is looked at several times over; in blocks of this size it is in the cache meanwhile.
const BLOCK: usize = 32 * 1024;

impl DataDecoder {
    /// A decoder that keeps `limit` bytes (RFC 1870) and counts the rest.
    pub fn new(limit: u64) -> Self {
        Self { content: Content::new(limit), place: Place::LineStart }
    }

    /// Takes content off the front of `input` until the dot (RFC 5321 section 4.1.1.4), however the
    /// input is cut.
    pub fn decode(&mut self, input: &mut BytesMut) -> DataProgress {
        let (progress, taken) = self.take(input);
        input.advance(taken);
        progress
    }

    /// Takes content off the front of `input` until the dot (RFC 5321 section 4.1.1.4), and says how much it took.
    pub fn take(&mut self, input: &[u8]) -> (DataProgress, usize) {
        let mut taken = 0;
        while self.place != Place::End && taken < input.len() {
            taken += self.step(&input[taken..]);
        }
        let progress = if self.place == Place::End { DataProgress::Done } else { DataProgress::More };
        (progress, taken)
    }

    /// Bytes of content that are kept so far, which is what the content costs in memory.
    pub fn kept(&self) -> u64 {
        self.content.kept()
    }

    /// Returns the content received; before the end was seen, the part so far (RFC 5321 section
    /// 4.1.1.4 forbids to accept that).
    pub fn finish(self) -> Received {
        self.content.finish()
    }

    /// Looks at the front of `rest`, which is not empty, and says how much of it is done with.
    fn step(&mut self, rest: &[u8]) -> usize {
        let (next, taken) = match (self.place, rest[0]) {
            (Place::LineStart, b'.') => (Place::Dot, 1),
            (Place::Dot, b'\r') => (Place::DotCr, 1),
            (Place::DotCr, b'\n') => (Place::End, 1),
            (Place::DotCr, _) => {
                self.content.append(b"\r");
                (Place::Within { after_cr: true }, 0)
            }
            (Place::Within { after_cr: true }, b'\n') => {
                self.content.append(b"\n");
                (Place::LineStart, 1)
            }
            (Place::End, _) => (Place::End, 0),
            (Place::LineStart | Place::Dot | Place::Within { .. }, _) => return self.run(rest),
        };
        self.place = next;
        taken
    }

    /// Takes what is surely content: up to the next line with a dot, or all of it.
    fn run(&mut self, rest: &[u8]) -> usize {
        let block = &rest[..rest.len().min(BLOCK)];
        let run = match DOT_LINE.find(block) {
            Some(found) => &block[..found + 2],
            None => block,
        };
        self.content.append(run);
        self.place = if run.ends_with(b"\r\n") {
            Place::LineStart
        } else {
            Place::Within { after_cr: run.ends_with(b"\r") }
        };
        run.len()
    }
}

/// Reads the chunks of one message that follow its `BDAT` commands (RFC 3030 section 2): bytes are
/// counted, and nothing in them ends anything.
#[derive(Debug)]
pub struct ChunkDecoder {
    content: Content,
    remaining: u64,
}

impl ChunkDecoder {
    /// A decoder for one message that keeps `limit` bytes (RFC 1870) and counts the rest.
    pub fn new(limit: u64) -> Self {
        Self { content: Content::new(limit), remaining: 0 }
    }

    /// Announces the next `size` bytes, as a `BDAT` does (RFC 3030 section 2).
    pub fn begin(&mut self, size: u64) {
        self.remaining = self.remaining.saturating_add(size);
    }

    /// Takes what was announced off the front of `input` (RFC 3030 section 2), and is done when it
    /// has all of it.
    pub fn decode(&mut self, input: &mut BytesMut) -> DataProgress {
        let (progress, taken) = self.take(input);
        input.advance(taken);
        progress
    }

    /// Takes what was announced off the front of `input` (RFC 3030 section 2), and says how much it took.
    pub fn take(&mut self, input: &[u8]) -> (DataProgress, usize) {
        let taken = usize::try_from(self.remaining).map_or(input.len(), |n| n.min(input.len()));
        for block in input[..taken].chunks(BLOCK) {
            self.content.append(block);
        }
        self.remaining -= taken as u64;
        let progress = if self.remaining == 0 { DataProgress::Done } else { DataProgress::More };
        (progress, taken)
    }

    /// Returns whether the chunks so far are more than the limit, so that the next can be refused (RFC 1870
    /// section 6.3).
    pub fn too_big(&self) -> bool {
        self.content.too_big()
    }

    /// Bytes of content that are kept so far, which is what the content costs in memory.
    pub fn kept(&self) -> u64 {
        self.content.kept()
    }

    /// Returns the content of all chunks together (RFC 3030 section 2).
    pub fn finish(self) -> Received {
        self.content.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Oddities;
    use super::*;

    const PLENTY: u64 = 1 << 20;

    /// Decodes `pieces`; returns the content, the progress and the input left over.
    fn decode<'a>(
        limit: u64,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Received, DataProgress, Vec<u8>) {
        let mut decoder = DataDecoder::new(limit);
        let mut input = BytesMut::new();
        let mut progress = DataProgress::More;
        for piece in pieces {
            input.extend_from_slice(piece);
            progress = decoder.decode(&mut input);
            assert!(progress == DataProgress::Done || input.is_empty());
        }
        (decoder.finish(), progress, input.to_vec())
    }

    /// The content of an input that must end exactly at its end.
    fn content(input: &[u8]) -> Vec<u8> {
        let (received, progress, rest) = decode(PLENTY, [input]);
        assert_eq!((progress, &rest[..]), (DataProgress::Done, &b""[..]), "{}", input.escape_ascii());
        assert_eq!(received.bytes, received.body.len());
        received.body.to_bytes().to_vec()
    }

    fn oddities(input: &[u8]) -> Oddities {
        decode(PLENTY, [input]).0.oddities
    }

    #[test]
    fn the_dot_ends_the_content_and_belongs_to_nobody() {
        assert_eq!(content(b"a\r\nb\r\n.\r\n"), b"a\r\nb\r\n");
    }

    #[test]
    fn a_dot_right_after_the_354_is_an_empty_message() {
        assert_eq!(content(b".\r\n"), b"");
    }

    #[test]
    fn what_follows_the_dot_stays_in_the_input() {
        assert_eq!(decode(PLENTY, [&b"a\r\n.\r\nQUIT\r\n"[..]]).2, b"QUIT\r\n");
        assert_eq!(decode(PLENTY, [&b".\r\n"[..], b"QUIT"]).2, b"QUIT");
    }

    #[test]
    fn the_first_dot_of_a_line_is_taken_off() {
        assert_eq!(content(b"..\r\n...a\r\n.b\r\n.\r\n"), b".\r\n..a\r\nb\r\n");
    }

    #[test]
    fn a_dot_between_anything_but_two_crlfs_ends_nothing() {
        let smuggled: [(&[u8], &[u8]); 8] = [
            (b"a\n.\nb", b"a\n.\nb"),
            (b"a\r\n.\nb", b"a\r\n\nb"),
            (b"a\n.\r\nb", b"a\n.\r\nb"),
            (b"a\r.\rb", b"a\r.\rb"),
            (b"a\r.\r\nb", b"a\r.\r\nb"),
            (b"a\r\n.\rb", b"a\r\n\rb"),
            (b"a\r\n.\r\r\nb", b"a\r\n\r\r\nb"),
            (b"a\r\n.\0\r\nb", b"a\r\n\0\r\nb"),
        ];
        for (sent, kept) in smuggled {
            let mut expected = kept.to_vec();
            expected.extend_from_slice(b"\r\n");
            assert_eq!(content(&[sent, b"\r\n.\r\n"].concat()), expected, "{}", sent.escape_ascii());
            let oddities = oddities(sent);
            assert!(oddities.bare_cr + oddities.bare_lf + oddities.nul > 0, "{}", sent.escape_ascii());
        }
    }

    #[test]
    fn oddities_are_counted() {
        let counted = oddities("a\nb\rc\0\0\r\n\r\r\nä\r\n.\r\n".as_bytes());
        let expected = Oddities { bare_lf: 1, bare_cr: 2, nul: 2, longest_line: 7, eight_bit: true };
        assert_eq!(counted, expected);
        assert_eq!(oddities(b"\r\n.\r\n"), Oddities::default());
        assert_eq!(oddities(b"abc").longest_line, 3);
    }

    #[test]
    fn the_longest_line_is_counted_without_crlf_and_without_the_extra_dot() {
        assert_eq!(oddities(b"..bc\r\na\r\n.\r\n").longest_line, 3);
    }

    #[test]
    fn beyond_the_limit_octets_are_counted_and_not_kept() {
        let (received, progress, _) = decode(4, [&b"abc\r\ndef\0\r\n.\r\n"[..]]);
        assert_eq!(progress, DataProgress::Done);
        assert_eq!((received.bytes, received.too_big), (11, true));
        assert_eq!(received.body.to_bytes(), "abc\r");
        assert_eq!((received.oddities.nul, received.oddities.bare_cr), (1, 0));
        assert!(!decode(5, [&b"abc\r\n.\r\n"[..]]).0.too_big);
    }

    #[test]
    fn blocks_have_no_borders() {
        let mut message = Vec::new();
        for length in 0..700 {
            message.extend(std::iter::repeat_n(b'.', length));
            message.extend_from_slice(b"\r\n");
        }
        assert_eq!(content(&stuffed(&message)), message);
    }

    #[test]
    fn chunks_make_one_message() {
        let mut decoder = ChunkDecoder::new(PLENTY);
        let mut input = BytesMut::from(&b"a\r"[..]);
        decoder.begin(3);
        assert_eq!(decoder.decode(&mut input), DataProgress::More);
        input.extend_from_slice(b"\nBDAT");
        assert_eq!(decoder.decode(&mut input), DataProgress::Done);
        assert_eq!(&input[..], b"BDAT");
        decoder.begin(0);
        assert_eq!(decoder.decode(&mut input), DataProgress::Done);
        decoder.begin(4);
        let mut input = BytesMut::from(&b".\r\n\nQUIT"[..]);
        assert_eq!(decoder.decode(&mut input), DataProgress::Done);
        let received = decoder.finish();
        assert_eq!(received.body.to_bytes(), "a\r\n.\r\n\n");
        assert_eq!((received.oddities.bare_lf, received.oddities.bare_cr), (1, 0));
    }

    #[test]
    fn a_chunk_that_claims_too_much_is_only_counted() {
        let mut decoder = ChunkDecoder::new(2);
        decoder.begin(u64::MAX);
        decoder.begin(1);
        assert_eq!(decoder.decode(&mut BytesMut::from(&b"abc"[..])), DataProgress::More);
        assert!(decoder.too_big());
        assert_eq!(decoder.finish().body.len(), 2);
    }

    /// Transparency as a sender adds it (RFC 5321 section 4.5.2), and the dot.
    fn stuffed(message: &[u8]) -> Vec<u8> {
        let mut sent = Vec::new();
        for (index, byte) in message.iter().enumerate() {
            if *byte == b'.' && (index == 0 || message[..index].ends_with(b"\r\n")) {
                sent.push(b'.');
            }
            sent.push(*byte);
        }
        sent.extend_from_slice(b".\r\n");
        sent
    }

    /// Bytes among which the interesting ones are frequent.
    fn octets() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => Just(&b"\r\n"[..]), 2 => Just(&b"\r"[..]), 2 => Just(&b"\n"[..]), 4 => Just(&b"."[..]),
            1 => Just(&b"\0"[..]), 1 => Just(&b"\xff"[..]), 2 => Just(&b"abc"[..]),
        ];
        prop::collection::vec(byte, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_cut_of_any_input_gives_what_the_whole_gives(
            input in octets(), limit in 0_u64..80, size in 1_usize..7
        ) {
            prop_assert_eq!(decode(limit, input.chunks(size)), decode(limit, [&input[..]]));
        }

        #[test]
        fn whatever_a_sender_stuffs_comes_out_as_it_was(message in octets()) {
            let message = [&message[..], b"\r\n"].concat();
            prop_assert_eq!(content(&stuffed(&message)), message);
        }
    }
}

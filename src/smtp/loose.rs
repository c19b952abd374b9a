//! The end of content as a server sees it that takes more for an end than the standard does.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

use super::data::DataProgress;
use super::received::{Content, Received};

/// Reads what follows a 354 up to CRLF `.` CRLF or to any of some other sequences, whichever comes first
/// (CVE-2023-51764, CVE-2023-51765 and CVE-2023-51766: SMTP smuggling).
#[derive(Debug)]
pub struct LooseDecoder {
    limit: u64,
    ends: Vec<Bytes>,
    /// The input so far, with the CRLF in front that ended the command (RFC 5321 section 4.1.1.4).
    seen: BytesMut,
    searched: usize,
    /// The length of the content in it, the line ending before the dot included.
    length: Option<usize>,
}

const STANDARD: &[u8] = b"\r\n.\r\n";
const FRONT: &[u8] = b"\r\n";

impl LooseDecoder {
    /// A decoder that keeps `limit` bytes (RFC 1870) and ends at `ends`, too.
    pub fn new(limit: u64, ends: Vec<Bytes>) -> Self {
        let ends = ends.into_iter().filter(|end| !end.is_empty());
        let ends = std::iter::once(Bytes::from_static(STANDARD)).chain(ends).collect();
        Self { limit, ends, seen: BytesMut::from(FRONT), searched: 0, length: None }
    }

    /// Takes content off the front of `input` until an end, however the input is cut.
    pub fn decode(&mut self, input: &mut BytesMut) -> DataProgress {
        let before = self.seen.len();
        self.seen.extend_from_slice(input);
        let searched = self.searched;
        let found = self.ends.iter().filter_map(|end| {
            let from = searched.saturating_sub(end.len());
            memmem::find(&self.seen[from..], end)
                .map(|at| (from + at + end.len(), from + at, line_ending(end)))
        });
        match found.min() {
            Some((behind, at, ending)) => {
                self.length = Some(at + ending);
                input.advance(behind.saturating_sub(before));
                DataProgress::Done
            }
            None => {
                self.searched = self.seen.len();
                input.clear();
                DataProgress::More
            }
        }
    }

    /// Bytes that are kept so far.
    pub fn kept(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Returns the content received, without transparency (RFC 5321 section 4.5.2).
    pub fn finish(self) -> Received {
        let mut content = Content::new(self.limit);
        let length = self.length.unwrap_or(self.seen.len());
        let mut rest = self.seen.get(FRONT.len()..length.max(FRONT.len())).unwrap_or_default();
        let mut line_start = true;
        while !rest.is_empty() {
            let line = memmem::find(rest, FRONT).map_or(rest, |at| &rest[..at + FRONT.len()]);
            rest = &rest[line.len()..];
            content.append(if line_start { line.strip_prefix(b".").unwrap_or(line) } else { line });
            line_start = line.ends_with(FRONT);
        }
        content.finish()
    }
}

/// Returns the number of bytes of an end before its dot: they end the last line and belong to it.
fn line_ending(end: &[u8]) -> usize {
    end.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(ends: &[&'static str], pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let ends = ends.iter().map(|end| Bytes::from_static(end.as_bytes())).collect();
        let mut decoder = LooseDecoder::new(1 << 20, ends);
        let mut input = BytesMut::new();
        for piece in pieces {
            input.extend_from_slice(piece);
            if decoder.decode(&mut input) == DataProgress::Done {
                break;
            }
        }
        let received = decoder.finish();
        (received.body.chunks().flat_map(<[u8]>::to_vec).collect(), input.to_vec())
    }

    #[test]
    fn content_ends_at_the_first_of_the_ends_however_it_is_cut() {
        let wire = b"a\r\n..b\r\nc\n.\nMAIL\r\n.\r\nQUIT";
        for cut in 0..=wire.len() {
            let (body, rest) = decode(&["\n.\n"], &[&wire[..cut], &wire[cut..]]);
            assert_eq!(body, b"a\r\n.b\r\nc\n", "cut at {cut}");
            assert!(b"MAIL\r\n.\r\nQUIT".starts_with(&rest[..]), "cut at {cut}");
        }
    }

    #[test]
    fn the_standard_end_is_always_one() {
        assert_eq!(decode(&["\n.\r\n"], &[b".\r\nQUIT"]), (Vec::new(), b"QUIT".to_vec()));
        assert_eq!(decode(&[], &[b"a\r\n.\r\nQUIT"]), (b"a\r\n".to_vec(), b"QUIT".to_vec()));
        assert_eq!(decode(&[], &[b"a\n.\nb\r\n.\r\n"]), (b"a\n.\nb\r\n".to_vec(), Vec::new()));
    }
}

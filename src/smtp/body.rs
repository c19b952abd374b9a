//! The content of a message as it was received: many chunks, one value, cheap to hand around.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::Bytes;

/// The exact bytes of a message's content (RFC 5321 section 2.3.9), shared by its clones.
#[derive(Clone, Default)]
pub struct Body {
    chunks: Chunks,
    len: u64,
}

/// Most messages are one piece, which takes no list.
#[derive(Clone)]
enum Chunks {
    One(Bytes),
    Many(Arc<[Bytes]>),
}

impl Default for Chunks {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}

impl Chunks {
    fn as_slice(&self) -> &[Bytes] {
        match self {
            Self::One(chunk) => std::slice::from_ref(chunk),
            Self::Many(chunks) => chunks,
        }
    }
}

impl From<Vec<Bytes>> for Chunks {
    fn from(mut chunks: Vec<Bytes>) -> Self {
        if chunks.len() > 1 { Self::Many(chunks.into()) } else { Self::One(chunks.pop().unwrap_or_default()) }
    }
}

impl Body {
    /// The number of bytes, as `SIZE` counts them (RFC 1870 section 5).
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether there is nothing in it, as after `DATA` and a dot at once (RFC 5321 section 4.1.1.4).
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The content piece by piece; the pieces are storage, not `BDAT` chunks (RFC 3030).
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.as_slice().iter().map(|chunk| &chunk[..]).filter(|chunk| !chunk.is_empty())
    }

    /// The content in one piece (RFC 5321 section 2.3.9), copied only where it is not in one yet.
    pub fn to_bytes(&self) -> Bytes {
        match &self.chunks {
            Chunks::One(only) => only.clone(),
            Chunks::Many(many) => many.concat().into(),
        }
    }

    /// The content (RFC 5321 section 2.3.9) for whatever reads from a reader.
    pub fn reader(&self) -> BodyReader<'_> {
        BodyReader { chunks: self.chunks.as_slice().iter(), current: &[] }
    }
}

impl From<Bytes> for Body {
    fn from(content: Bytes) -> Self {
        Self { len: content.len() as u64, chunks: Chunks::One(content) }
    }
}

impl FromIterator<Bytes> for Body {
    fn from_iter<I: IntoIterator<Item = Bytes>>(chunks: I) -> Self {
        let chunks: Vec<Bytes> = chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect();
        let len = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self { chunks: chunks.into(), len }
    }
}

impl PartialEq for Body {
    /// Two bodies are equal when their bytes are, wherever their chunks end.
    fn eq(&self, other: &Self) -> bool {
        if self.len != other.len {
            return false;
        }
        let (mut ours, mut theirs) = (self.reader(), other.reader());
        loop {
            let (left, right) = (ours.peek(), theirs.peek());
            let common = left.len().min(right.len());
            if left[..common] != right[..common] {
                return false;
            }
            if common == 0 {
                return true;
            }
            ours.consume(common);
            theirs.consume(common);
        }
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    /// Prints the length only: a body in a failing assertion should not fill the screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len)
    }
}

/// Reads a [`Body`] from its start (RFC 5321 section 2.3.9); it never fails.
#[derive(Clone, Debug)]
pub struct BodyReader<'a> {
    chunks: std::slice::Iter<'a, Bytes>,
    current: &'a [u8],
}

impl<'a> BodyReader<'a> {
    /// The bytes left of the current chunk; empty at the end of the body only.
    fn peek(&mut self) -> &'a [u8] {
        while self.current.is_empty() {
            match self.chunks.next() {
                Some(chunk) => self.current = chunk,
                None => break,
            }
        }
        self.current
    }
}

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.peek().read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for BodyReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.peek())
    }

    fn consume(&mut self, amount: usize) {
        self.current = self.current.get(amount..).unwrap_or_default();
    }
}

/// Chunks are whole multiples of this, and at least one.
const SMALLEST_CHUNK: usize = 1024;
/// A chunk never becomes bigger: what is in excess at the end of a big message is bounded by it.
const BIGGEST_CHUNK: usize = 64 * 1024;

/// A [`Body`] that is still being received.
///
/// Nothing is ever moved: a full chunk stays where it is and the next one is begun, so that a
/// message costs its own size in memory and not the doubling of a vector besides.
#[derive(Debug, Default)]
pub(super) struct BodyBuilder {
    full: Vec<Bytes>,
    current: Vec<u8>,
    len: u64,
}

impl BodyBuilder {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn push(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            if self.current.len() == self.current.capacity() {
                self.next_chunk(octets.len());
            }
            let free = self.current.capacity() - self.current.len();
            let (now, later) = octets.split_at(octets.len().min(free));
            self.current.extend_from_slice(now);
            self.len += now.len() as u64;
            octets = later;
        }
    }

    pub(super) fn finish(mut self) -> Body {
        let last = sealed(self.current);
        let chunks = if self.full.is_empty() {
            Chunks::One(last)
        } else {
            self.full.push(last);
            Chunks::Many(self.full.into())
        };
        Body { chunks, len: self.len }
    }

    /// The first chunk is as big as what is there needs, as most messages come in one piece; later
    /// ones double the message until they have reached the bound.
    fn next_chunk(&mut self, needed: usize) {
        let so_far = usize::try_from(self.len).unwrap_or(BIGGEST_CHUNK);
        let size = needed.max(so_far).clamp(SMALLEST_CHUNK, BIGGEST_CHUNK);
        let next = Vec::with_capacity(size.next_multiple_of(SMALLEST_CHUNK));
        let full = std::mem::replace(&mut self.current, next);
        if !full.is_empty() {
            self.full.push(sealed(full));
        }
    }
}

/// Gives the excess of a chunk back, as a vector without excess becomes `Bytes` in place.
fn sealed(mut chunk: Vec<u8>) -> Bytes {
    chunk.shrink_to_fit();
    chunk.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(pieces: &[&[u8]]) -> Body {
        let mut builder = BodyBuilder::default();
        for piece in pieces {
            builder.push(piece);
        }
        builder.finish()
    }

    #[test]
    fn a_body_is_what_was_pushed() {
        let body = built(&[b"Subject: a\r\n", b"", b"\r\nb\r\n"]);
        assert_eq!(body.len(), 17);
        assert_eq!(body.to_bytes(), "Subject: a\r\n\r\nb\r\n");
        assert!(built(&[]).is_empty());
        assert!(built(&[]).to_bytes().is_empty());
    }

    #[test]
    fn bodies_are_equal_when_their_octets_are() {
        let text = vec![b'x'; 200_000];
        let in_one = Body::from(Bytes::from(text.clone()));
        let pieces: Vec<&[u8]> = text.chunks(999).collect();
        let in_many = built(&pieces);
        assert!(in_many.chunks().count() > 1);
        assert_eq!(in_one, in_many);
        let mut other = text.clone();
        other[150_000] = b'y';
        assert_ne!(in_many, Body::from(Bytes::from(other)));
        assert_ne!(in_many, built(&pieces[1..]));
        assert_eq!(in_many, [Bytes::new(), in_one.to_bytes()].into_iter().collect());
    }

    #[test]
    fn a_message_costs_its_own_size() {
        for size in [1, 1000, 1024, 10_240, 65_536, 1_000_000] {
            let content = vec![b'x'; size];
            for piece in [7, 1460, 16_384, size] {
                let body = built(&content.chunks(piece).collect::<Vec<_>>());
                let chunks: usize = body.chunks().map(<[u8]>::len).sum();
                assert_eq!(chunks, size);
                assert!(body.chunks().all(|chunk| chunk.len() <= BIGGEST_CHUNK));
                assert!(body.chunks().count() < 16 + size / BIGGEST_CHUNK);
            }
        }
    }

    #[test]
    fn a_reader_gives_the_whole_body() {
        let text = vec![b'x'; 100_000];
        let body = built(&text.chunks(1234).collect::<Vec<_>>());
        let mut read = Vec::new();
        body.reader().read_to_end(&mut read).unwrap();
        assert_eq!(read, text);
        assert_eq!(built(&[b"a\nb\nc"]).reader().lines().count(), 3);
    }

    #[test]
    fn its_debug_form_is_its_length() {
        assert_eq!(format!("{:?}", built(&[b"secret"])), "Body(6 bytes)");
    }
}

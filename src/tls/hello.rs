//! The ClientHello, read from the wire before rustls sees it. rustls refuses one that is too old, and its
//! contents would then be unknown.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::session::ClientHelloFacts;

/// The longest ClientHello that is waited for. A record holds 16 KiB, and post-quantum key shares need more
/// than one.
const LONGEST: usize = 64 * 1024;
/// The number of bytes that are read at once. Nearly every ClientHello is shorter.
const READ: usize = 2048;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// The progress of a ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is not complete.
    More,
    /// It is complete.
    Complete,
    /// The input is not the beginning of one.
    NoHello,
}

/// The bytes that a client has sent, up to the end of its ClientHello, with any that came in the same read.
#[derive(Debug, Default)]
pub(super) struct Hello {
    bytes: Vec<u8>,
    scanned: usize,
    message: Vec<u8>,
}

impl Hello {
    /// Reads until the ClientHello, whose beginning is `early`, is complete, cannot become one, or the stream
    /// ends. `partial` is kept at the number of bytes of one that is not complete.
    pub(super) async fn listen<IO: AsyncRead + Unpin>(
        io: &mut IO,
        early: &[u8],
        partial: &mut usize,
    ) -> io::Result<Self> {
        let mut hello = Self { bytes: early.to_vec(), ..Self::default() };
        loop {
            match hello.scan() {
                Progress::More => *partial = hello.bytes.len(),
                Progress::Complete | Progress::NoHello => {
                    *partial = 0;
                    return Ok(hello);
                }
            }
            hello.bytes.reserve(READ);
            if io.read_buf(&mut hello.bytes).await? == 0 {
                return Ok(hello);
            }
        }
    }

    /// Returns all that was read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes behind the record in which the ClientHello ended.
    pub(super) fn behind(&self) -> &[u8] {
        self.bytes.get(self.scanned..).unwrap_or_default()
    }

    /// Returns the contents of the ClientHello; `None` if it is not complete, or no ClientHello.
    pub(super) fn facts(&self) -> Option<ClientHelloFacts> {
        let record_version = Cursor(self.bytes.get(1..3)?).u16()?;
        let body = self.message.get(4..message_end(&self.message)?)?;
        facts(record_version, body)
    }

    /// Returns the client's random, over which signatures are made.
    pub(super) fn random(&self) -> &[u8] {
        self.message.get(6..38).unwrap_or_default()
    }

    /// Takes the records that have become complete, each once.
    fn scan(&mut self) -> Progress {
        loop {
            let rest = self.bytes.get(self.scanned..).unwrap_or_default();
            let length = match record(rest) {
                Ok(Some(length)) => length,
                Ok(None) => return first_message(&self.message, rest),
                Err(()) => return Progress::NoHello,
            };
            let Some(payload) = rest.get(5..5 + length) else {
                return first_message(&self.message, rest);
            };
            self.message.extend_from_slice(payload);
            self.scanned += 5 + length;
            match message_progress(&self.message) {
                Progress::More => {}
                done => return done,
            }
        }
    }
}

/// Returns the length of a record's payload, if its header is there (RFC 8446 section 5.1). A hello of SSLv2
/// (RFC 5246 appendix E.2) begins with its length instead. It is let through whole, so that it can be
/// reported.
fn record(bytes: &[u8]) -> Result<Option<usize>, ()> {
    match *bytes {
        [0x80..=0xff, ref rest @ ..] => {
            if rest.len() < 4 {
                Ok(None)
            } else {
                Err(())
            }
        }
        [kind, ..] if kind != HANDSHAKE => Err(()),
        [_, major, ..] if major != 3 => Err(()),
        [_, _, _, high, low, ..] => match usize::from(u16::from_be_bytes([high, low])) {
            length @ 1..=0x4800 => Ok(Some(length)),
            _ => Err(()),
        },
        _ => Ok(None),
    }
}

/// Returns the progress of a message of which `rest` is an incomplete record.
fn first_message(message: &[u8], rest: &[u8]) -> Progress {
    match (message, rest.get(5..).unwrap_or_default()) {
        ([], payload) => match message_progress(payload) {
            Progress::NoHello => Progress::NoHello,
            _ => Progress::More,
        },
        _ => Progress::More,
    }
}

fn message_progress(message: &[u8]) -> Progress {
    match (message, message_end(message)) {
        ([], _) => Progress::More,
        ([kind, ..], _) if *kind != CLIENT_HELLO => Progress::NoHello,
        (_, None) => Progress::More,
        (_, Some(end)) if end > LONGEST => Progress::NoHello,
        (message, Some(end)) if message.len() < end => Progress::More,
        _ => Progress::Complete,
    }
}

/// Returns the end of a handshake message, by its header (RFC 8446 section 4).
fn message_end(message: &[u8]) -> Option<usize> {
    match *message {
        [_, high, middle, low, ..] => Some(4 + u32::from_be_bytes([0, high, middle, low]) as usize),
        _ => None,
    }
}

/// Returns whether a client begins as one of SSLv2 did (RFC 5246 appendix E.2).
pub(super) fn is_ssl2(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80..=0xff, _, CLIENT_HELLO, 0 | 2 | 3, ..])
}

fn facts(record_version: u16, body: &[u8]) -> Option<ClientHelloFacts> {
    let mut body = Cursor(body);
    let legacy_version = body.u16()?;
    body.take(32)?;
    body.list8()?;
    let mut facts = ClientHelloFacts {
        record_version,
        legacy_version,
        cipher_suites: body.list16()?.numbers(),
        compression_methods: body.list8()?.0.into(),
        ..ClientHelloFacts::default()
    };
    // SSL 3.0 and many clients of TLS 1.0 end here.
    let mut rest = body.list16().unwrap_or_default();
    let mut extensions = Vec::with_capacity(16);
    while let Some((kind, content)) = rest.u16().zip(rest.list16()) {
        if extensions.len() < ClientHelloFacts::KEPT_NUMBERS {
            extensions.push(kind);
        }
        note(&mut facts, kind, content);
    }
    facts.extensions = extensions.into();
    Some(facts)
}

/// Notes the contents of an extension. One that cannot be read is ignored.
fn note(facts: &mut ClientHelloFacts, kind: u16, mut content: Cursor<'_>) {
    match kind {
        0 => facts.server_name = content.list16().and_then(host_name),
        10 => facts.groups = content.list16().unwrap_or_default().numbers(),
        13 => facts.signature_algorithms = content.list16().unwrap_or_default().numbers(),
        16 => {
            let mut names = content.list16().unwrap_or_default();
            let names = std::iter::from_fn(|| names.list8()).take(ClientHelloFacts::KEPT_PROTOCOLS);
            facts.alpn = names.map(|name| String::from_utf8_lossy(name.0).into()).collect();
        }
        35 => facts.offers_ticket = !content.0.is_empty(),
        41 => facts.offers_psk = true,
        43 => facts.supported_versions = content.list8().unwrap_or_default().numbers(),
        _ => {}
    }
}

/// Returns the first name of type host_name (RFC 6066 section 3).
fn host_name(mut names: Cursor<'_>) -> Option<Box<str>> {
    while let Some((kind, name)) = names.u8().zip(names.list16()) {
        if kind == 0 {
            let kept = name.0.get(..ClientHelloFacts::KEPT_NAME).unwrap_or(name.0);
            return Some(String::from_utf8_lossy(kept).into());
        }
    }
    None
}

/// Bytes that are read from the front.
#[derive(Clone, Copy, Default)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).and_then(|bytes| bytes.first().copied())
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).and_then(|bytes| bytes.first_chunk().copied()).map(u16::from_be_bytes)
    }

    /// Returns the bytes behind a length of one byte.
    fn list8(&mut self) -> Option<Self> {
        let length = self.u8()?;
        self.take(usize::from(length)).map(Cursor)
    }

    /// Returns the bytes behind a length of two bytes.
    fn list16(&mut self) -> Option<Self> {
        let length = self.u16()?;
        self.take(usize::from(length)).map(Cursor)
    }

    fn numbers(self) -> Box<[u16]> {
        self.0
            .chunks_exact(2)
            .take(ClientHelloFacts::KEPT_NUMBERS)
            .filter_map(|pair| pair.first_chunk().copied())
            .map(u16::from_be_bytes)
            .collect()
    }
}

#[cfg(test)]
mod tests;

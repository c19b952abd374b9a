//! The content of one message transfer, by `DATA` or by `BDAT`.

use memchr::memchr_iter;
use serde::Serialize;

use super::body::{Body, BodyBuilder};

/// The content of one message transfer (RFC 5321 section 4.1.1.4, RFC 3030 section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The content without transparency (RFC 5321 section 4.5.2), up to the limit.
    pub body: Body,
    /// The deviations of the content from the standard.
    pub oddities: Oddities,
    /// Bytes of content seen, kept or not, counted as `SIZE` counts (RFC 1870 section 5).
    pub bytes: u64,
    /// There were more bytes than the limit, and `body` is only their beginning.
    pub too_big: bool,
}

/// A deviation of content from the standard (RFC 5321 sections 2.3.8 and 4.5.3.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Oddities {
    /// Line feeds without a carriage return before them, of which smuggling is made.
    pub bare_lf: u64,
    /// Carriage returns without a line feed after them.
    pub bare_cr: u64,
    /// NUL bytes.
    pub nul: u64,
    /// Bytes of the longest line without its CRLF; 998 is the most that RFC 5322 allows.
    pub longest_line: usize,
    /// There are bytes above 127, which need `BODY=8BITMIME` (RFC 6152) or more.
    pub eight_bit: bool,
}

/// [`Received`] while it is being received.
#[derive(Debug)]
pub(super) struct Content {
    limit: u64,
    body: BodyBuilder,
    bytes: u64,
    crs: u64,
    lfs: u64,
    crlfs: u64,
    nul: u64,
    longest_line: usize,
    eight_bit: bool,
    /// Bytes of the line that has not ended yet, its CR included.
    line: usize,
    ends_in_cr: bool,
}

impl Content {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            body: BodyBuilder::default(),
            bytes: 0,
            crs: 0,
            lfs: 0,
            crlfs: 0,
            nul: 0,
            longest_line: 0,
            eight_bit: false,
            line: 0,
            ends_in_cr: false,
        }
    }

    pub(super) fn kept(&self) -> u64 {
        self.bytes.min(self.limit)
    }

    pub(super) fn too_big(&self) -> bool {
        self.bytes > self.limit
    }

    /// Appends content as it comes; how it is cut makes no difference.
    pub(super) fn append(&mut self, run: &[u8]) {
        let Some(last) = run.last() else { return };
        self.count_lines(run);
        self.crs += memchr_iter(b'\r', run).count() as u64;
        self.nul += memchr_iter(0, run).count() as u64;
        self.eight_bit = self.eight_bit || !run.is_ascii();
        self.ends_in_cr = *last == b'\r';
        self.bytes += run.len() as u64;
        let room = self.limit.saturating_sub(self.body.len());
        let kept = usize::try_from(room).map_or(run.len(), |room| room.min(run.len()));
        self.body.push(&run[..kept]);
    }

    pub(super) fn finish(self) -> Received {
        let too_big = self.too_big();
        let oddities = Oddities {
            bare_lf: self.lfs - self.crlfs,
            bare_cr: self.crs - self.crlfs,
            nul: self.nul,
            longest_line: self.longest_line.max(self.line),
            eight_bit: self.eight_bit,
        };
        Received { body: self.body.finish(), oddities, bytes: self.bytes, too_big }
    }

    /// Lines end at CRLF only (RFC 5321 section 2.3.8), so a bare LF is a byte among others.
    fn count_lines(&mut self, run: &[u8]) {
        let mut start = 0;
        for lf in memchr_iter(b'\n', run) {
            self.lfs += 1;
            let after_cr = if lf == 0 { self.ends_in_cr } else { run[lf - 1] == b'\r' };
            if after_cr {
                self.crlfs += 1;
                let with_cr = self.line.saturating_add(lf - start);
                self.longest_line = self.longest_line.max(with_cr - 1);
                self.line = 0;
                start = lf + 1;
            }
        }
        self.line = self.line.saturating_add(run.len() - start);
    }
}

//! The reading side of a conversation: lines, content and chunks, within its time-outs and the lab's memory
//! budget.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::budget::Share;
use super::connection::Connection;
use crate::clock::Deadline;
use crate::journal::Record;
use crate::session::{Input, ReceiveSession};
use crate::smtp::{ChunkDecoder, DataDecoder, DataProgress, LineDecoder, LooseDecoder};

/// The number of bytes that are read at once where lines are due. A read that waits for a line needs no
/// buffer.
pub(super) const LINE_READ: usize = 4 * 1024;
/// The number of bytes that are read at once where content is due.
const CONTENT_READ: usize = 64 * 1024;

/// The chunks of one message so far.
pub(super) struct Chunks<'a> {
    decoder: ChunkDecoder,
    share: Share<'a>,
}

/// The reason why reading stopped.
pub(super) enum Stop {
    Closed,
    TimedOut,
    ShuttingDown,
    Io(io::Error),
}

impl<'a> Connection<'a> {
    pub(super) async fn line<IO>(
        &mut self,
        io: &mut IO,
        session: &ReceiveSession,
        lines: &mut LineDecoder,
    ) -> Result<Input, Stop>
    where
        IO: AsyncRead + Unpin,
    {
        lines.set_limit(session.line_limit());
        loop {
            // A handshake record of any version: 22, 3, 0 to 4 (RFC 8446 section 5.1), or a ClientHello in
            // the format of SSL 2.0 (RFC 5246 appendix E.2).
            if let [22, 3, 0..=4, ..] | [0x80..=0xff, _, 1, 0 | 2 | 3, ..] = self.input[..] {
                self.input = BytesMut::new();
                return Ok(Input::ClientHello);
            }
            if let Some(line) = lines.decode(&mut self.input) {
                if self.input.is_empty() {
                    self.input = BytesMut::new();
                }
                let record = self.secrets.received(&line.text, session.expects_secret());
                self.write_down(record);
                return Ok(Input::Line(line));
            }
            self.read::<LINE_READ, _>(io).await?;
        }
    }

    /// Reads the content up to its end. Each of `ends` is an end of content, too.
    pub(super) async fn content<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        limit: u64,
        ends: Vec<Bytes>,
    ) -> Result<Input, Stop> {
        let mut share = self.shared.content.share();
        if !ends.is_empty() {
            let mut decoder = LooseDecoder::new(limit, ends);
            while decoder.decode(&mut self.input) == DataProgress::More {
                if !share.grow(decoder.kept()) {
                    return Ok(Input::NoMemory);
                }
                self.read_content(io).await?;
            }
            let received = decoder.finish();
            self.write_down(Record::Content(received.octets));
            return Ok(Input::Content(received));
        }
        let mut decoder = DataDecoder::new(limit);
        loop {
            if decoder.decode(&mut self.input) == DataProgress::Done {
                let received = decoder.finish();
                self.write_down(Record::Content(received.octets));
                return Ok(Input::Content(received));
            }
            if !share.grow(decoder.kept()) {
                return Ok(Input::NoMemory);
            }
            self.read_content(io).await?;
        }
    }

    pub(super) async fn chunk<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        mut chunks: Chunks<'a>,
        size: u64,
        last: bool,
        rest: &mut Option<Chunks<'a>>,
    ) -> Result<Input, Stop> {
        chunks.decoder.begin(size);
        while chunks.decoder.decode(&mut self.input) == DataProgress::More {
            if !chunks.share.grow(chunks.decoder.kept()) {
                return Ok(Input::NoMemory);
            }
            self.read_content(io).await?;
        }
        self.write_down(Record::Content(size));
        if last {
            return Ok(Input::Content(chunks.decoder.finish()));
        }
        *rest = Some(chunks);
        Ok(Input::Chunk(size))
    }

    pub(super) fn no_chunks(&self, limit: u64) -> Chunks<'a> {
        Chunks { decoder: ChunkDecoder::new(limit), share: self.shared.content.share() }
    }

    async fn read_content<IO: AsyncRead + Unpin>(&mut self, io: &mut IO) -> Result<(), Stop> {
        self.input.reserve(CONTENT_READ);
        let deadline = self.read_deadline()?;
        let (clock, input) = (self.clock(), &mut self.input);
        let reading = pin!(io.read_buf(input));
        match self.shared.shutdown.run_until_cancelled(clock.timeout_at(deadline, reading)).await {
            None => Err(Stop::ShuttingDown),
            Some(Err(_)) => Err(Stop::TimedOut),
            Some(Ok(Err(error))) => Err(Stop::Io(error)),
            Some(Ok(Ok(0))) => Err(Stop::Closed),
            Some(Ok(Ok(_))) => Ok(()),
        }
    }

    /// Reads at most `N` bytes by way of the stack, so that waiting needs no buffer.
    pub(super) async fn read<const N: usize, IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
    ) -> Result<(), Stop> {
        let deadline = self.read_deadline()?;
        let (clock, input) = (self.clock(), &mut self.input);
        let reading = poll_fn(|cx| {
            let mut octets = [const { MaybeUninit::uninit() }; N];
            let mut buffer = ReadBuf::uninit(&mut octets);
            ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer))?;
            input.extend_from_slice(buffer.filled());
            Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
        });
        match self.shared.shutdown.run_until_cancelled(clock.timeout_at(deadline, reading)).await {
            None => Err(Stop::ShuttingDown),
            Some(Err(_)) => Err(Stop::TimedOut),
            Some(Ok(Err(error))) => Err(Stop::Io(error)),
            Some(Ok(Ok(0))) => Err(Stop::Closed),
            Some(Ok(Ok(_))) => Ok(()),
        }
    }

    /// Returns the deadline for the next bytes. A peer that never stops talking runs out of time, too.
    fn read_deadline(&self) -> Result<Deadline, Stop> {
        let clock = self.clock();
        if clock.has_passed(self.deadline) {
            return Err(Stop::TimedOut);
        }
        Ok(self.deadline.min(clock.after(self.patience())))
    }
}

//! The reading side of a conversation: lines, content and chunks, within its time-outs and the lab's memory
//! budget.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio_util::sync::WaitForCancellationFuture;

use super::budget::Share;
use super::connection::{Connection, Shared};
use crate::clock::{Deadline, Sleep};
use crate::journal::Record;
use crate::session::{Input, ReceiveSession};
use crate::smtp::{ChunkDecoder, DataDecoder, DataProgress, LineDecoder, LooseDecoder};

/// The number of bytes that are read at once where lines are due. A read that waits for a line needs no
/// buffer.
pub(super) const LINE_READ: usize = 4 * 1024;
/// The number of bytes that are read at once where content is due, at first and once there is that much of it:
/// most messages are small.
const CONTENT_READ: (usize, usize) = (16 * 1024, 64 * 1024);

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
        // True if the buffer was new when the last bytes were read into it.
        let mut alone = false;
        loop {
            // A handshake record of any version: 22, 3, 0 to 4 (RFC 8446 section 5.1), or a ClientHello in
            // the format of SSL 2.0 (RFC 5246 appendix E.2).
            if let [22, 3, 0..=4, ..] | [0x80..=0xff, _, 1, 0 | 2 | 3, ..] = self.input[..] {
                self.input = BytesMut::new();
                return Ok(Input::ClientHello);
            }
            if let Some(line) = lines.decode(&mut self.input) {
                let whole = alone && self.input.is_empty();
                self.release();
                // What stands in a buffer with more than itself is copied for the journal.
                let text = if whole { line.text.clone() } else { Bytes::copy_from_slice(&line.text) };
                let record = self.secrets.received(&text, session.expects_secret());
                self.write_down(record);
                return Ok(Input::Line(line));
            }
            alone = self.input.capacity() == 0;
            self.read::<LINE_READ, _>(io).await?;
        }
    }

    /// Gives a buffer back from which everything was taken.
    fn release(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
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
                self.read_content(io, decoder.kept()).await?;
            }
            let received = decoder.finish();
            self.write_down(Record::Content(received.bytes));
            return Ok(Input::Content(received));
        }
        let mut decoder = DataDecoder::new(limit);
        loop {
            if decoder.decode(&mut self.input) == DataProgress::Done {
                self.release();
                let received = decoder.finish();
                self.write_down(Record::Content(received.bytes));
                return Ok(Input::Content(received));
            }
            if !share.grow(decoder.kept()) {
                return Ok(Input::NoMemory);
            }
            self.read_content(io, decoder.kept()).await?;
        }
    }

    pub(super) async fn chunk<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        mut chunks: Box<Chunks<'a>>,
        size: u64,
        last: bool,
        rest: &mut Option<Box<Chunks<'a>>>,
    ) -> Result<Input, Stop> {
        chunks.decoder.begin(size);
        while chunks.decoder.decode(&mut self.input) == DataProgress::More {
            if !chunks.share.grow(chunks.decoder.kept()) {
                return Ok(Input::NoMemory);
            }
            self.read_content(io, chunks.decoder.kept()).await?;
        }
        self.release();
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

    /// Reads more content; `kept` bytes of it are there.
    async fn read_content<IO: AsyncRead + Unpin>(&mut self, io: &mut IO, kept: u64) -> Result<(), Stop> {
        let (first, most) = CONTENT_READ;
        self.input.reserve(if kept < first as u64 / 2 { first } else { most });
        let (shared, patience, deadline) = (self.shared, self.patience(), self.deadline);
        let Self { input, waiting, .. } = self;
        waiting.read(shared, patience, deadline, pin!(io.read_buf(input))).await
    }

    /// Reads at most `N` bytes by way of the stack, so that waiting needs no buffer.
    pub(super) async fn read<const N: usize, IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
    ) -> Result<(), Stop> {
        let (shared, patience, deadline) = (self.shared, self.patience(), self.deadline);
        let Self { input, waiting, .. } = self;
        let reading = poll_fn(|cx| {
            let mut octets = [const { MaybeUninit::uninit() }; N];
            let mut buffer = ReadBuf::uninit(&mut octets);
            ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer))?;
            input.extend_from_slice(buffer.filled());
            Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
        });
        waiting.read(shared, patience, deadline, reading).await
    }
}

/// The timer and the signal that a connection waits by, beside its stream: kept from one wait to the next, because setting it up costs
/// more than reading a line does.
#[derive(Default)]
pub(super) struct Waiting<'a> {
    sleep: Option<Sleep<'a>>,
    shutdown: Option<Pin<Box<WaitForCancellationFuture<'a>>>>,
}

impl<'a> Waiting<'a> {
    /// Runs `reading` until the peer has been silent for `patience`, `latest` has passed, or the lab ends. A
    /// peer that never stops talking runs out of time, too.
    async fn read(
        &mut self,
        shared: &'a Shared,
        patience: Duration,
        latest: Deadline,
        mut reading: impl Future<Output = io::Result<usize>> + Unpin,
    ) -> Result<(), Stop> {
        if shared.shutdown.is_cancelled() {
            return Err(Stop::ShuttingDown);
        }
        let clock = shared.live.clock();
        let deadline = clock.after_within(patience, latest).ok_or(Stop::TimedOut)?;
        let mut waits = false;
        let read = poll_fn(|cx| {
            if let Poll::Ready(read) = Pin::new(&mut reading).poll(cx) {
                return Poll::Ready(match read {
                    Ok(0) => Err(Stop::Closed),
                    Ok(_) => Ok(()),
                    Err(error) => Err(Stop::Io(error)),
                });
            }
            let shutdown = self.shutdown.get_or_insert_with(|| Box::pin(shared.shutdown.cancelled()));
            if shutdown.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(Stop::ShuttingDown));
            }
            let sleep = self.sleep.get_or_insert_with(|| clock.sleep_until(deadline));
            if !std::mem::replace(&mut waits, true) {
                sleep.set(deadline);
            }
            Pin::new(sleep).poll(cx).map(|()| Err(Stop::TimedOut))
        })
        .await;
        if let Some(sleep) = self.sleep.as_mut().filter(|_| waits) {
            sleep.cease();
        }
        read
    }
}

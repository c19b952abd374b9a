//! The reading side of a conversation: lines, content and chunks, within its time-outs and the lab's memory
//! budget.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::WaitForCancellationFuture;

use super::budget::Share;
use super::connection::{Connection, Shared};
use crate::clock::{Deadline, Sleep};
use crate::journal::Record;
use crate::session::Input;
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
        limit: usize,
        lines: &mut LineDecoder,
    ) -> Result<Input, Stop>
    where
        IO: AsyncRead + Unpin,
    {
        lines.set_limit(limit);
        loop {
            if begins_tls(&self.input) {
                self.input = BytesMut::new();
                return Ok(Input::ClientHello);
            }
            if let Some(line) = lines.decode(&mut self.input) {
                self.release();
                return Ok(Input::Line(line));
            }
            // Nearly every line comes whole and alone, and needs no buffer.
            let take = |input: &mut BytesMut, bytes: &[u8]| {
                let line = lines.whole(input, bytes).filter(|_| !begins_tls(bytes));
                if line.is_none() {
                    input.extend_from_slice(bytes);
                }
                line
            };
            if let Some(line) = self.read::<LINE_READ, _, _>(io, take).await? {
                return Ok(Input::Line(line));
            }
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
                self.read::<{ CONTENT_READ.0 }, _, _>(io, BytesMut::extend_from_slice).await?;
            }
            let received = decoder.finish();
            self.write_down(Record::Content(received.bytes));
            return Ok(Input::Content(received));
        }
        let mut decoder = DataDecoder::new(limit);
        let mut progress = decoder.decode(&mut self.input);
        while progress == DataProgress::More {
            if !share.grow(decoder.kept()) {
                return Ok(Input::NoMemory);
            }
            progress = self.read_content(io, decoder.kept(), |bytes| decoder.take(bytes)).await?;
        }
        self.release();
        let received = decoder.finish();
        self.write_down(Record::Content(received.bytes));
        Ok(Input::Content(received))
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
        let mut progress = chunks.decoder.decode(&mut self.input);
        while progress == DataProgress::More {
            if !chunks.share.grow(chunks.decoder.kept()) {
                return Ok(Input::NoMemory);
            }
            let kept = chunks.decoder.kept();
            progress = self.read_content(io, kept, |bytes| chunks.decoder.take(bytes)).await?;
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

    /// Reads more content, of which `kept` bytes are there, and gives it to a decoder, which says how much of it
    /// is content.
    async fn read_content<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        kept: u64,
        mut decode: impl FnMut(&[u8]) -> (DataProgress, usize),
    ) -> Result<DataProgress, Stop> {
        const FIRST: usize = CONTENT_READ.0;
        const MOST: usize = CONTENT_READ.1;
        let take = |input: &mut BytesMut, bytes: &[u8]| {
            let (progress, taken) = decode(bytes);
            input.extend_from_slice(bytes.get(taken..).unwrap_or_default());
            progress
        };
        if kept < FIRST as u64 / 2 {
            self.read::<FIRST, _, _>(io, take).await
        } else {
            self.read::<MOST, _, _>(io, take).await
        }
    }

    /// Reads what comes next, behind the input.
    pub(super) async fn read_more<IO: AsyncRead + Unpin>(&mut self, io: &mut IO) -> Result<(), Stop> {
        self.read::<LINE_READ, _, _>(io, BytesMut::extend_from_slice).await
    }

    /// Reads at most `N` bytes by way of the stack, so that waiting needs no buffer, and lets `take` see to them: what
    /// is for later goes behind the input.
    pub(super) async fn read<const N: usize, IO: AsyncRead + Unpin, T>(
        &mut self,
        io: &mut IO,
        mut take: impl FnMut(&mut BytesMut, &[u8]) -> T,
    ) -> Result<T, Stop> {
        let (shared, patience, deadline) = (self.shared, self.patience(), self.deadline);
        let Self { input, waiting, .. } = self;
        let reading = poll_fn(|cx| poll_read::<N, _, _>(io, cx, |bytes| take(input, bytes)));
        waiting.read(shared, patience, deadline, reading).await
    }
}

/// Reads once; `None` is the end. It is not inlined, or whatever waits for a line would have the frame of the longest
/// read.
#[inline(never)]
fn poll_read<const N: usize, IO: AsyncRead + Unpin, T>(
    io: &mut IO,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<Option<T>>> {
    let mut bytes = [const { MaybeUninit::uninit() }; N];
    let mut buffer = ReadBuf::uninit(&mut bytes);
    ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
    let read = buffer.filled();
    Poll::Ready(Ok((!read.is_empty()).then(|| take(read))))
}

/// Returns whether a handshake stands where a line is due: a record of any version (22, 3, 0 to 4; RFC 8446 section
/// 5.1), or a ClientHello in the format of SSL 2.0 (RFC 5246 appendix E.2).
fn begins_tls(input: &[u8]) -> bool {
    matches!(input, [22, 3, 0..=4, ..] | [0x80..=0xff, _, 1, 0 | 2 | 3, ..])
}

/// The timer and the signal that a connection waits by, beside its stream: kept from one wait to the next, because setting it up costs
/// more than reading a line does.
#[derive(Default)]
pub(super) struct Waiting<'a> {
    sleep: Option<Sleep<'a>>,
    shutdown: Option<Pin<Box<WaitForCancellationFuture<'a>>>>,
    /// The task that both will wake.
    waker: Option<Waker>,
}

impl<'a> Waiting<'a> {
    /// Runs `reading` until the peer has been silent for `patience`, `latest` has passed, or the lab ends. A
    /// peer that never stops talking runs out of time, too.
    ///
    /// No `async fn`: that would keep its arguments twice.
    #[expect(clippy::manual_async_fn, reason = "half the memory, as for `hold`")]
    fn read<T>(
        &mut self,
        shared: &'a Shared,
        patience: Duration,
        latest: Deadline,
        mut reading: impl Future<Output = io::Result<Option<T>>> + Unpin,
    ) -> impl Future<Output = Result<T, Stop>> {
        async move {
            if shared.shutdown.is_cancelled() {
                return Err(Stop::ShuttingDown);
            }
            let clock = shared.live.clock();
            let deadline = clock.after_within(patience, latest).ok_or(Stop::TimedOut)?;
            let mut waits = false;
            let read = poll_fn(|cx| {
                if let Poll::Ready(read) = Pin::new(&mut reading).poll(cx) {
                    return Poll::Ready(match read {
                        Ok(None) => Err(Stop::Closed),
                        Ok(Some(read)) => Ok(read),
                        Err(error) => Err(Stop::Io(error)),
                    });
                }
                let again = std::mem::replace(&mut waits, true);
                let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
                if !known {
                    self.waker = Some(cx.waker().clone());
                }
                let ends = match &mut self.shutdown {
                    Some(_) if known => again && shared.shutdown.is_cancelled(),
                    signal => {
                        let signal = signal.get_or_insert_with(|| Box::pin(shared.shutdown.cancelled()));
                        signal.as_mut().poll(cx).is_ready()
                    }
                };
                if ends {
                    return Poll::Ready(Err(Stop::ShuttingDown));
                }
                let sleep = self.sleep.get_or_insert_with(|| clock.sleep_until(deadline));
                if known && sleep.will_wake_by(deadline) {
                    return Poll::Pending;
                }
                sleep.set(deadline);
                Pin::new(sleep).poll(cx).map(|()| Err(Stop::TimedOut))
            })
            .await;
            if let Some(sleep) = self.sleep.as_mut().filter(|_| waits) {
                sleep.cease();
            }
            read
        }
    }
}

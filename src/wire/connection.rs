//! One connection: drives a session over a stream.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::live::{Live, Side};
use crate::exchange::TimeSpan;
use crate::journal::{Ending, FailedHandshake, Handshake, Place, Record, without_secret};
use crate::session::{Fact, Input, Next, Oddity, ReceiveSession, Step, TlsFailure, TlsVerb};
use crate::smtp::{ChunkDecoder, DataDecoder, DataProgress, LineDecoder};

/// How much is read at once where lines are due; a line that is waited for costs no buffer.
pub(super) const LINE_READ: usize = 4 * 1024;
/// How much is read at once where content is due.
const CONTENT_READ: usize = 64 * 1024;
/// How long and how much is still read from a peer that was told goodbye, so that the reply is not
/// lost to a reset.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 256 * 1024);

/// What the connections of a lab share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) live: Arc<Live>,
    pub(super) shutdown: CancellationToken,
    pub(super) content: Budget,
}

/// The memory that content under way may take, in octets.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicU64,
    most: u64,
}

impl Budget {
    pub(super) fn new(most: u64) -> Self {
        Self { used: AtomicU64::new(0), most }
    }
}

/// A share of the budget; given back when it is dropped.
struct Share<'a> {
    budget: &'a Budget,
    octets: u64,
}

impl Share<'_> {
    /// Grows to `octets`; false where the budget does not hold that.
    fn grow(&mut self, octets: u64) -> bool {
        let more = octets.saturating_sub(self.octets);
        self.octets += more;
        self.budget.used.fetch_add(more, Ordering::Relaxed) + more <= self.budget.most
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

/// The chunks of one message so far.
struct Chunks<'a> {
    decoder: ChunkDecoder,
    share: Share<'a>,
}

/// One conversation on its way through a stream.
pub(super) struct Connection<'a> {
    shared: &'a Shared,
    side: &'a Side,
    place: &'a Arc<Place>,
    input: BytesMut,
    output: BytesMut,
    deadline: Instant,
}

/// Why a stream is done with.
enum Done {
    Handshake(TlsVerb),
    Ended(Ending),
}

impl<'a> Connection<'a> {
    pub(super) fn new(shared: &'a Shared, side: &'a Side, place: &'a Arc<Place>) -> Self {
        let TimeSpan(longest) = side.connector.connection_timeout;
        let deadline = Instant::now() + longest;
        Self { shared, side, place, input: BytesMut::new(), output: BytesMut::new(), deadline }
    }

    /// Holds the whole conversation. `early` is what the peer had sent before the banner.
    pub(super) async fn hold<IO>(mut self, io: IO, mut session: ReceiveSession, first: Step, early: BytesMut)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.input = early;
        let mut io = io;
        let ending = match self.converse(&mut io, &mut session, first).await {
            Done::Ended(ending) => ending,
            Done::Handshake(verb) => match self.handshake(io, session, verb).await {
                Ok((mut stream, mut session)) => {
                    // A session that was secured says nothing until it is spoken to.
                    match self.converse(&mut stream, &mut session, Step::wait()).await {
                        Done::Ended(ending) => ending,
                        // Unreachable by construction of the session; closing is the safe answer.
                        Done::Handshake(_) => Ending::Local,
                    }
                }
                Err(ending) => ending,
            },
        };
        self.write_down(Record::Disconnected(ending));
    }

    /// Says one thing and closes.
    pub(super) async fn turn_away<IO>(mut self, mut io: IO, step: Step)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.take(&step.facts);
        self.say(&step);
        let ending = match self.flush(&mut io).await {
            Ok(()) => self.close(&mut io).await,
            Err(error) => ending_of(&error),
        };
        self.write_down(Record::Disconnected(ending));
    }

    /// Answers until the stream has to become TLS, or ends.
    async fn converse<IO>(&mut self, io: &mut IO, session: &mut ReceiveSession, mut step: Step) -> Done
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut lines = LineDecoder::new(session.line_limit());
        let mut chunks: Option<Chunks<'a>> = None;
        loop {
            if let Err(error) = self.answer(io, &step).await {
                return Done::Ended(ending_of(&error));
            }
            let input = match step.next {
                Next::Close => return Done::Ended(self.close(io).await),
                Next::Handshake(verb) => return Done::Handshake(verb),
                Next::Line => {
                    chunks = chunks.filter(|_| session.in_chunks());
                    self.line(io, session, &mut lines).await
                }
                Next::Data { limit } => self.content(io, DataDecoder::new(limit)).await,
                Next::Chunk { size, last, limit } => {
                    let so_far = chunks.take().unwrap_or_else(|| self.no_chunks(limit));
                    self.chunk(io, so_far, size, last, &mut chunks).await
                }
            };
            let input = match input {
                Ok(input) => input,
                Err(Stop::Io(error)) => return Done::Ended(ending_of(&error)),
                Err(Stop::Closed) => return Done::Ended(Ending::Remote),
                Err(Stop::TimedOut) => Input::TimedOut,
                Err(Stop::ShuttingDown) => Input::ShuttingDown,
            };
            step = session.handle(input, self.now());
        }
    }

    /// Writes down what a step says, then says it; replies to pipelined commands leave together.
    async fn answer<IO>(&mut self, io: &mut IO, step: &Step) -> io::Result<()>
    where
        IO: AsyncWrite + Unpin,
    {
        self.take(&step.facts);
        if !step.delay.is_zero() {
            self.flush(io).await?;
            // A peer that is held back does not keep the lab from ending.
            self.shared.shutdown.run_until_cancelled(sleep(step.delay)).await;
        }
        self.say(step);
        if step.next == Next::Line && memchr::memchr(b'\n', &self.input).is_some() {
            return Ok(());
        }
        self.flush(io).await
    }

    fn say(&mut self, step: &Step) {
        if let Some(reply) = &step.reply {
            let octets = reply.to_bytes();
            self.output.extend_from_slice(&octets);
            self.write_down(Record::Sent(octets));
        }
    }

    async fn flush<IO: AsyncWrite + Unpin>(&mut self, io: &mut IO) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let output = std::mem::take(&mut self.output).freeze();
        let writing = async {
            io.write_all(&output).await?;
            io.flush().await
        };
        // A peer that does not read is a peer that is silent.
        match timeout(self.patience(), writing).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")),
        }
    }

    async fn line<IO>(
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
            // A handshake record of any version: 22, 3, 0 to 4 (RFC 8446 section 5.1).
            if let [22, 3, 0..=4, ..] = self.input[..] {
                self.input = BytesMut::new();
                return Ok(Input::ClientHello);
            }
            if let Some(line) = lines.decode(&mut self.input) {
                if self.input.is_empty() {
                    self.input = BytesMut::new();
                }
                self.write_down(match session.expects_secret() {
                    true => Record::ReceivedSecret,
                    false => Record::Received(shown(&line.text)),
                });
                return Ok(Input::Line(line));
            }
            self.read::<LINE_READ, _>(io).await?;
        }
    }

    async fn content<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        mut decoder: DataDecoder,
    ) -> Result<Input, Stop> {
        let mut share = self.no_share();
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

    async fn chunk<IO: AsyncRead + Unpin>(
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

    fn no_chunks(&self, limit: u64) -> Chunks<'a> {
        Chunks { decoder: ChunkDecoder::new(limit), share: self.no_share() }
    }

    fn no_share(&self) -> Share<'a> {
        Share { budget: &self.shared.content, octets: 0 }
    }

    async fn read_content<IO: AsyncRead + Unpin>(&mut self, io: &mut IO) -> Result<(), Stop> {
        self.input.reserve(CONTENT_READ);
        let deadline = self.read_deadline()?;
        let input = &mut self.input;
        let reading = self.shared.shutdown.run_until_cancelled(timeout_at(deadline, io.read_buf(input)));
        match reading.await {
            None => Err(Stop::ShuttingDown),
            Some(Err(_)) => Err(Stop::TimedOut),
            Some(Ok(Err(error))) => Err(Stop::Io(error)),
            Some(Ok(Ok(0))) => Err(Stop::Closed),
            Some(Ok(Ok(_))) => Ok(()),
        }
    }

    /// Reads at most `N` octets by way of the stack, so that waiting needs no buffer.
    async fn read<const N: usize, IO: AsyncRead + Unpin>(&mut self, io: &mut IO) -> Result<(), Stop> {
        let deadline = self.read_deadline()?;
        let input = &mut self.input;
        let reading = poll_fn(|cx| {
            let mut octets = [const { MaybeUninit::uninit() }; N];
            let mut buffer = ReadBuf::uninit(&mut octets);
            ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer))?;
            input.extend_from_slice(buffer.filled());
            Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
        });
        match self.shared.shutdown.run_until_cancelled(timeout_at(deadline, reading)).await {
            None => Err(Stop::ShuttingDown),
            Some(Err(_)) => Err(Stop::TimedOut),
            Some(Ok(Err(error))) => Err(Stop::Io(error)),
            Some(Ok(Ok(0))) => Err(Stop::Closed),
            Some(Ok(Ok(_))) => Ok(()),
        }
    }

    async fn handshake<IO>(
        &mut self,
        io: IO,
        session: ReceiveSession,
        verb: TlsVerb,
    ) -> Result<(crate::tls::ServerStream<IO>, ReceiveSession), Ending>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let behind = std::mem::take(&mut self.input).len();
        if behind > 0 {
            self.write_down(Record::Oddity(Oddity::PipelinedBehindStartTls { octets: behind }));
        }
        let credentials = self.side.credentials(verb);
        let certificate = credentials.map(|credentials| credentials.certificate.clone());
        let (shared, patience) = (self.shared, self.patience());
        let accepting = async {
            match credentials.map(|credentials| &credentials.tls) {
                Some(Ok(tls)) => tls.accept(io).await,
                unusable => {
                    let mut io = io;
                    self.read::<LINE_READ, _>(&mut io).await.ok();
                    let reason = unusable.and_then(|tls| tls.as_ref().err().cloned());
                    Err(TlsFailure::Unusable { reason: reason.unwrap_or_default() })
                }
            }
        };
        let accepted = shared.shutdown.run_until_cancelled(timeout(patience, accepting)).await;
        let failure = match (accepted, certificate.clone()) {
            (Some(Ok(Ok((stream, facts)))), Some(certificate)) => {
                let facts = Arc::new(facts);
                let record = Handshake { verb, facts: Arc::clone(&facts), certificate };
                self.write_down(Record::TlsEstablished(Box::new(record)));
                return Ok((stream, session.secure(verb, facts)));
            }
            (Some(Ok(Err(failure))), _) => failure,
            (Some(Err(_)), _) => TlsFailure::TimedOut,
            _ => return Err(Ending::Local),
        };
        let ending = match &failure {
            TlsFailure::Closed => Ending::Remote,
            TlsFailure::Broken { reason } => Ending::Broken(reason.clone()),
            _ => Ending::Local,
        };
        self.write_down(Record::TlsFailed(Box::new(FailedHandshake { verb, failure, certificate })));
        Err(ending)
    }

    /// Ends the stream from this side and waits a little for the other, so that the last reply arrives.
    async fn close<IO: AsyncRead + AsyncWrite + Unpin>(&mut self, io: &mut IO) -> Ending {
        let (longest, most) = LINGER;
        let lingering = async {
            io.shutdown().await.ok();
            self.input = BytesMut::new();
            let mut read = 0;
            while read < most && self.read::<LINE_READ, _>(io).await.is_ok() {
                read += std::mem::take(&mut self.input).len();
            }
        };
        timeout(longest, lingering).await.ok();
        Ending::Local
    }

    fn take(&self, facts: &[Fact]) {
        for fact in facts {
            let record = match fact {
                Fact::Event(event) => {
                    let connector = Some(self.side.connector.name.clone());
                    self.shared.live.log(self.side, event.clone(), connector);
                    continue;
                }
                Fact::Message(message) => {
                    self.shared.live.journal().append_message(self.now(), self.place, Arc::clone(message));
                    continue;
                }
                Fact::Oddity(oddity) => Record::Oddity(oddity.clone()),
                Fact::LoggedOn { user, mechanism } => {
                    Record::Logon { user: user.clone(), mechanism, succeeded: true }
                }
                Fact::LogonFailed { user, mechanism } => {
                    Record::Logon { user: user.clone(), mechanism, succeeded: false }
                }
                Fact::LimitReached(limit) => Record::LimitReached(*limit),
            };
            self.write_down(record);
        }
    }

    fn write_down(&self, record: Record) {
        self.shared.live.journal().append(self.now(), Some(self.place), record);
    }

    fn now(&self) -> jiff::Timestamp {
        self.shared.live.clock().now()
    }

    /// Until when the next octets have to be there. A peer that never stops talking is out of time too.
    fn read_deadline(&self) -> Result<Instant, Stop> {
        let now = Instant::now();
        match now < self.deadline {
            true => Ok(self.deadline.min(now + self.patience())),
            false => Err(Stop::TimedOut),
        }
    }

    fn patience(&self) -> Duration {
        self.side.connector.connection_inactivity_timeout.0
    }
}

/// What a peer hears for whom there is no connector.
pub(super) async fn say_and_close<IO: AsyncWrite + Unpin>(mut io: IO, step: &Step) {
    let goodbye = async {
        if let Some(reply) = &step.reply {
            io.write_all(&reply.to_bytes()).await.ok();
        }
        io.shutdown().await.ok();
    };
    timeout(LINGER.0, goodbye).await.ok();
}

/// The first entry of every conversation.
pub(super) fn begin(shared: &Shared, place: &Arc<Place>) {
    let now = shared.live.clock().now();
    shared.live.journal().append(now, Some(place), Record::Connected);
}

/// Why reading stopped.
enum Stop {
    Closed,
    TimedOut,
    ShuttingDown,
    Io(io::Error),
}

fn ending_of(error: &io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ending::Remote,
        _ => Ending::Broken(error.to_string()),
    }
}

/// A command as it may be written down: what stands behind the mechanism of AUTH can be a password.
fn shown(line: &Bytes) -> Bytes {
    match without_secret(line) {
        Cow::Borrowed(_) => line.clone(),
        Cow::Owned(shown) => shown.into(),
    }
}

//! One connection: drives a session over a stream.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::fault::ends;
use super::prepared::PreparedConnector;
use super::reading::{Chunks, LINE_READ, Stop, Waiting};
use super::relay::Relay;
use super::state::LabState;
use super::stream::{Stream, Transport};
use crate::clock::{Clock, Deadline};
use crate::exchange::TimeSpan;
use crate::journal::{Ending, Logon, Record, Secrets, SessionContext};
use crate::session::fault::{Conversation, StepActions};
use crate::session::{Fact, Input, Next, Step, TlsVerb};
use crate::smtp::{LineDecoder, Verb};

/// The time and the number of bytes that are still read from a peer after the last reply, so that the reply
/// is not lost to a reset.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 256 * 1024);

/// The state that the connections of a lab share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) live: Arc<LabState>,
    pub(super) shutdown: CancellationToken,
    pub(super) content: Budget,
    pub(super) relay: Option<Arc<Relay>>,
}

/// One conversation on its way through a stream.
pub(super) struct Connection<'a> {
    pub(super) shared: &'a Shared,
    pub(super) side: &'a PreparedConnector,
    place: &'a Arc<SessionContext>,
    pub(super) input: BytesMut,
    output: Output,
    pub(super) waiting: Waiting<'a>,
    /// The filter that keeps secrets in its lines out of the journal.
    pub(super) secrets: Secrets,
    pub(super) deadline: Deadline,
    /// True if commands that were pipelined in clear behind STARTTLS are carried out inside TLS.
    pub(super) keep_input: bool,
}

/// Replies that are recorded and have not left. Nearly always it is one, which leaves as it is.
#[derive(Default)]
enum Output {
    #[default]
    Nothing,
    One(Bytes),
    Several(Vec<u8>),
}

impl Output {
    fn add(&mut self, bytes: Bytes) {
        *self = match std::mem::take(self) {
            Self::Nothing => Self::One(bytes),
            Self::One(first) => Self::Several([&first[..], &bytes].concat()),
            Self::Several(mut all) => {
                all.extend_from_slice(&bytes);
                Self::Several(all)
            }
        }
    }

    /// Returns what has to leave; `None` if there is nothing.
    fn take(&mut self) -> Option<Bytes> {
        match std::mem::take(self) {
            Self::Nothing => None,
            Self::One(bytes) => Some(bytes),
            Self::Several(all) => Some(all.into()),
        }
    }
}

/// The reason why a stream is not used any further.
enum Done {
    Handshake(TlsVerb, Option<Box<StepActions>>),
    Ended(Ending),
}

impl<'a> Connection<'a> {
    /// `early` is what the peer had sent before the banner.
    pub(super) fn new(
        shared: &'a Shared,
        side: &'a PreparedConnector,
        place: &'a Arc<SessionContext>,
        early: BytesMut,
    ) -> Self {
        let TimeSpan(longest) = side.connector.connection_timeout;
        let deadline = shared.live.clock().after(longest);
        Self {
            shared,
            side,
            place,
            input: early,
            output: Output::default(),
            waiting: Waiting::default(),
            secrets: Secrets::default(),
            deadline,
            keep_input: false,
        }
    }

    /// Holds the whole conversation.
    ///
    /// No `async fn`: that would keep its arguments twice, for as long as the connection lasts.
    #[expect(clippy::manual_async_fn, reason = "half the memory")]
    pub(super) fn hold<IO: Stream>(
        mut self,
        mut io: Transport<IO>,
        mut session: Conversation,
        mut step: Step,
    ) -> impl Future<Output = ()> {
        async move {
            if !step.delay.is_zero() {
                Box::pin(self.hold_banner_back(&mut io, &mut step)).await;
            }
            let ending = loop {
                let (verb, actions) = match self.converse(&mut io, &mut session, &mut step).await {
                    Done::Ended(ending) => break ending,
                    Done::Handshake(verb, actions) => (verb, actions),
                };
                let Transport::Left(raw) = io else {
                    // Unreachable by construction of the session; closing is the safe answer.
                    break Ending::Local;
                };
                // In a box, or every connection in clear would hold the memory of a handshake as well. What comes
                // out of it takes the place of what went in, for the same reason.
                match Box::pin(self.handshake(raw, session, verb, actions)).await {
                    Ok((stream, (secured, unasked))) => {
                        (io, session, step) = (Transport::Right(stream), secured, unasked);
                    }
                    Err(ending) => break ending,
                }
            };
            self.write_down(Record::Disconnected(ending));
        }
    }

    /// Sends one reply and closes the connection.
    pub(super) async fn turn_away<IO>(mut self, mut io: IO, step: Step)
    where
        IO: Stream,
    {
        let now = self.now();
        self.take(&step.facts, now);
        self.say(&step, now);
        let ending = match self.flush(&mut io).await {
            Ok(()) => self.close(&mut io).await,
            Err(error) => ending_of(&error),
        };
        self.write_down(Record::Disconnected(ending));
    }

    /// Answers commands until the stream has to become TLS, or ends.
    #[expect(clippy::manual_async_fn, reason = "half the memory, as for `hold`")]
    fn converse<IO: Stream>(
        &mut self,
        io: &mut IO,
        session: &mut Conversation,
        step: &mut Step,
    ) -> impl Future<Output = Done> {
        async move {
            let mut lines = LineDecoder::new(session.session().line_limit());
            let mut chunks: Option<Box<Chunks<'a>>> = None;
            let mut now = self.now();
            let mut verb = None;
            loop {
                match self.answer(io, step, now).await {
                    Ok(None) => {}
                    Ok(Some(ending)) => return Done::Ended(ending),
                    Err(error) => return Done::Ended(ending_of(&error)),
                }
                // What has been said takes no memory while a client is waited for.
                (step.reply, step.facts) = (None, Vec::new());
                if let Some(fired) = step.fault_ahead()
                    && matches!(step.next, Next::Data { .. } | Next::Chunk { .. })
                    && let Some(ending) = Box::pin(self.body(io, fired)).await
                {
                    return Done::Ended(ending);
                }
                let input = match step.next {
                    // In boxes, or a connection that waits for a line would hold the memory of these as well.
                    Next::Close => return Done::Ended(Box::pin(self.part(io, step, verb)).await),
                    Next::Handshake(verb) => return Done::Handshake(verb, step.actions.take()),
                    Next::Line => {
                        chunks = chunks.filter(|_| session.session().in_chunks());
                        self.line(io, session.session().line_limit(), &mut lines).await
                    }
                    Next::Data { limit } => Box::pin(self.content(io, limit, ends(step.fault_ahead()))).await,
                    Next::Chunk { size, last, limit } => {
                        let so_far = chunks.take().unwrap_or_else(|| Box::new(self.no_chunks(limit)));
                        Box::pin(self.chunk(io, so_far, size, last, &mut chunks)).await
                    }
                };
                let input = match input {
                    Ok(input) => input,
                    Err(Stop::Io(error)) => return Done::Ended(ending_of(&error)),
                    Err(Stop::Closed) => return Done::Ended(Ending::Remote),
                    Err(Stop::TimedOut) => Input::TimedOut,
                    Err(Stop::ShuttingDown) => Input::ShuttingDown,
                };
                now = self.now();
                verb = None;
                if let Input::Line(line) = &input {
                    verb = Verb::of(&line.text);
                    let record = self.secrets.received(&line.text, session.session().expects_secret());
                    self.write_down_at(now, record);
                }
                *step = session.handle(input, now);
                if verb == Some(Verb::Ehlo) && !step.delay.is_zero() {
                    Box::pin(self.hold_ehlo_reply_back(io, step)).await;
                    now = self.now();
                }
            }
        }
    }

    /// Records a step's reply in the journal, then sends it. Replies to pipelined commands leave together.
    /// Returns how the connection ends if a fault rule ends it here.
    async fn answer<IO>(&mut self, io: &mut IO, step: &Step, mut now: Timestamp) -> io::Result<Option<Ending>>
    where
        IO: Stream,
    {
        self.take(&step.facts, now);
        if !step.delay.is_zero() {
            self.flush(io).await?;
            // A peer that is held back does not keep the lab from ending.
            self.shared.shutdown.run_until_cancelled(self.clock().sleep(step.delay)).await;
            now = self.now();
        }
        self.say(step, now);
        if let Some(actions) = &step.actions
            && let Some(ending) = Box::pin(self.act(io, &actions.now)).await?
        {
            return Ok(Some(ending));
        }
        if step.next == Next::Line && memchr::memchr(b'\n', &self.input).is_some() {
            return Ok(None);
        }
        self.flush(io).await.map(|()| None)
    }

    fn say(&mut self, step: &Step, now: Timestamp) {
        if let Some(reply) = &step.reply {
            self.put_at(now, reply.to_bytes());
        }
    }

    /// Records bytes in the journal, and lets them leave with the next flush.
    pub(super) fn put(&mut self, bytes: Bytes) {
        self.put_at(self.now(), bytes);
    }

    fn put_at(&mut self, now: Timestamp, bytes: Bytes) {
        self.output.add(bytes.clone());
        let record = self.secrets.sent(bytes);
        self.write_down_at(now, record);
    }

    /// Ends the stream from this side, in order unless a rule says otherwise. `verb` is that of the last command.
    async fn part<IO: Stream>(&mut self, io: &mut IO, last: &Step, verb: Option<Verb>) -> Ending {
        if let Some(fired) = last.fault_ahead()
            && let Some(ending) = Box::pin(self.closing(io, fired)).await
        {
            return ending;
        }
        // Whoever has said QUIT waits for the reply and says no more (RFC 5321 section 4.1.1.10), so that nothing resets
        // the connection when it is closed. Inside TLS a close_notify follows.
        if verb == Some(Verb::Quit) && self.input.is_empty() && !io.is_tls() {
            return Ending::Local;
        }
        self.close(io).await
    }

    pub(super) async fn flush<IO: AsyncWrite + Unpin>(&mut self, io: &mut IO) -> io::Result<()> {
        let Some(output) = self.output.take() else { return Ok(()) };
        let writing = async {
            io.write_all(&output).await?;
            io.flush().await
        };
        // A peer that does not read is treated like a silent peer.
        match self.clock().timeout(self.patience(), pin!(writing)).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")),
        }
    }

    /// Ends the stream from this side and waits a little for the other, so that the last reply arrives.
    pub(super) async fn close<IO: Stream>(&mut self, io: &mut IO) -> Ending {
        let (longest, most) = LINGER;
        let clock = self.clock();
        let lingering = async {
            io.shutdown().await.ok();
            self.input = BytesMut::new();
            let mut read = 0;
            // No reply is sent any more, so TLS does not answer what comes, either.
            let mut io = io.beneath();
            while read < most
                && let Ok(more) = self.read::<LINE_READ, _, _>(&mut io, |_, bytes| bytes.len()).await
            {
                read += more;
            }
        };
        clock.timeout(longest, pin!(lingering)).await.ok();
        Ending::Local
    }

    pub(super) fn take(&self, facts: &[Fact], now: Timestamp) {
        for fact in facts {
            let record = match fact {
                Fact::Event(event) => {
                    let connector = Some(self.side.connector.name.clone());
                    self.shared.live.log(self.side, event.clone(), connector);
                    continue;
                }
                Fact::Message(message) => {
                    self.shared.live.journal().append_message(now, self.place, Arc::clone(message));
                    if let Some(relay) = &self.shared.relay {
                        relay.accept(&self.side.computer, message);
                    }
                    continue;
                }
                Fact::Fault(fired) => Record::Fault(Box::new(fired.clone())),
                Fact::Anomaly(oddity) => Record::Anomaly(oddity.clone()),
                Fact::LoggedOn { user, mechanism } => {
                    Record::Logon(Box::new(Logon { user: user.clone(), mechanism, succeeded: true }))
                }
                Fact::LogonFailed { user, mechanism } => {
                    Record::Logon(Box::new(Logon { user: user.clone(), mechanism, succeeded: false }))
                }
                Fact::LimitReached(limit) => Record::LimitReached(*limit),
            };
            self.write_down_at(now, record);
        }
    }

    /// Returns whether the peer is a server of the same organization that has come by X-ANONYMOUSTLS.
    pub(super) fn is_server(&self, verb: TlsVerb) -> bool {
        let caller = self.shared.live.calls().caller(self.place.remote);
        let ours = caller.is_some_and(|caller| caller.organization == self.place.computer.organization);
        verb == TlsVerb::XAnonymousTls && ours
    }

    pub(super) fn write_down(&self, record: Record) {
        self.write_down_at(self.now(), record);
    }

    fn write_down_at(&self, now: Timestamp, record: Record) {
        self.shared.live.journal().append(now, Some(self.place), record);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    pub(super) fn clock(&self) -> &'a Clock {
        self.shared.live.clock()
    }

    pub(super) fn patience(&self) -> Duration {
        self.side.connector.connection_inactivity_timeout.0
    }
}

/// Sends a reply to a peer for which there is no connector, and closes the connection.
pub(super) async fn say_and_close<IO: AsyncWrite + Unpin>(clock: &Clock, mut io: IO, step: &Step) {
    let goodbye = async {
        if let Some(reply) = &step.reply {
            io.write_all(&reply.to_bytes()).await.ok();
        }
        io.shutdown().await.ok();
    };
    clock.timeout(LINGER.0, pin!(goodbye)).await.ok();
}

/// Writes the first entry of a conversation.
pub(super) fn begin(shared: &Shared, place: &Arc<SessionContext>) {
    let now = shared.live.clock().now();
    shared.live.journal().append(now, Some(place), Record::Connected);
}

pub(super) fn ending_of(error: &io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ending::Remote,
        _ => Ending::Broken(error.to_string()),
    }
}

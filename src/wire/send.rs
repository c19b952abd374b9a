//! The sending driver: connects to an address it was given, and makes attempts over the socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::live::Live;
use crate::exchange::{
    CertificateFacts, ClientCertificate, ClientSelection, Computer, SendConnector, StoredCertificate,
};
use crate::journal::{Connector, Ending, NoTls, Place, Record, SessionId, Tls, WhyNoTls};
use crate::pki::Certificate;
use crate::session::send::{
    Attempt, Credentials, Handshake, Reason, Said, Secret, Secured, SendFact, SendInput, SendNext,
    SendSession, SendStep, Task,
};
use crate::session::{Oddity, TlsFailure};
use crate::smtp::{LineDecoder, ReplyLines};
use crate::tls::{ClientStream, SenderTls, TlsSetupError, Versions};

/// The longest line of a reply that is taken; RFC 5321 section 4.5.3.1.5 asks for 512.
const REPLY_LINE: usize = 4096;
/// How much is read at once.
const READ: usize = 4096;
/// Why there is no connection where there was one a moment ago.
const GONE: &str = "the connection is gone";

/// A Send connector at work. It connects to nothing but the addresses it is handed.
#[derive(Debug)]
pub struct Sender {
    live: Arc<Live>,
    sessions: Arc<AtomicU64>,
    computer: Arc<Computer>,
    connector: Arc<SendConnector>,
    tls: SenderTls,
    credentials: Credentials,
    own: Option<CertificateFacts>,
}

impl Sender {
    /// A sender without a certificate of its own, who trusts `roots`.
    ///
    /// # Errors
    ///
    /// A root that cannot be used.
    pub fn new(
        live: Arc<Live>,
        computer: Arc<Computer>,
        connector: Arc<SendConnector>,
        roots: &[Certificate],
    ) -> Result<Self, TlsSetupError> {
        let tls = SenderTls::new(roots, None, live.clock(), Versions::Both)?;
        let (sessions, credentials, own) = (Arc::default(), Credentials::Usable, None);
        Ok(Self { live, sessions, computer, connector, tls, credentials, own })
    }

    /// A sender with the certificate that the selection picks in its computer's store; where it finds
    /// none, event 12014 is logged.
    ///
    /// # Errors
    ///
    /// A root that cannot be used.
    pub(crate) fn selecting(
        live: Arc<Live>,
        sessions: Arc<AtomicU64>,
        computer: Arc<Computer>,
        connector: Arc<SendConnector>,
        roots: &[Certificate],
    ) -> Result<Self, TlsSetupError> {
        let selection = ClientSelection::of(&connector, &computer, live.clock().now());
        live.log_send_selection(&selection, &computer, &connector);
        let chosen = selection.chosen(&computer);
        let mut credentials = match selection.certificate {
            ClientCertificate::Presented(_) | ClientCertificate::NotFound => Credentials::Usable,
            ClientCertificate::NoCredentials(_) => Credentials::NoCredentials,
            ClientCertificate::UnknownCredentials(_) => Credentials::UnknownCredentials,
            ClientCertificate::PinNotFound => Credentials::PinNotFound,
        };
        let usable = |stored: &&StoredCertificate| {
            selection.certificate == ClientCertificate::Presented(stored.facts.thumbprint)
        };
        let material = chosen.filter(usable).and_then(|stored| stored.material.as_ref());
        let tls = match SenderTls::new(roots, material, live.clock(), Versions::Both) {
            Err(TlsSetupError::Key(_)) => {
                credentials = Credentials::NoCredentials;
                SenderTls::new(roots, None, live.clock(), Versions::Both)?
            }
            tls => tls?,
        };
        let own = chosen.map(|stored| stored.facts.clone());
        Ok(Self { live, sessions, computer, connector, tls, credentials, own })
    }

    /// Whether the sender's own certificate can be used, for the [`Task`].
    pub fn credentials(&self) -> Credentials {
        self.credentials
    }

    /// The computer that sends.
    pub fn computer(&self) -> &Arc<Computer> {
        &self.computer
    }

    /// The connector that sends.
    pub fn connector(&self) -> &Arc<SendConnector> {
        &self.connector
    }

    /// Makes one attempt at `address`. Everything that happens is in the journal when it returns.
    pub async fn attempt(&self, address: SocketAddr, task: &Arc<Task>) -> Attempt {
        let mut attempts = self.attempts(address, std::slice::from_ref(task)).await;
        // One task has one attempt, by construction of the session.
        attempts.pop().unwrap_or_else(|| SendSession::no_connection(task, GONE.to_owned()))
    }

    /// Makes one attempt for each task, in order, over one connection after another: each carries as many
    /// messages as the connector's SmtpMaxMessagesPerConnection allows. The tasks differ in nothing but the
    /// message. A connection that fails decides on every message that was still to come. Everything that
    /// happens is in the journal when it returns.
    pub async fn attempts(&self, address: SocketAddr, tasks: &[Arc<Task>]) -> Vec<Attempt> {
        let mut attempts = Vec::with_capacity(tasks.len());
        // Every connection decides on one message at least.
        while let Some((first, then)) = tasks.get(attempts.len()..).and_then(<[_]>::split_first) {
            attempts.append(&mut self.connection(address, first, then).await);
        }
        attempts
    }

    /// The attempts that one connection decides on.
    async fn connection(&self, address: SocketAddr, first: &Arc<Task>, then: &[Arc<Task>]) -> Vec<Attempt> {
        let session = SessionId(self.sessions.fetch_add(1, Ordering::SeqCst) + 1);
        let place = |local| {
            Arc::new(Place {
                session,
                computer: Arc::clone(&self.computer),
                connector: Connector::Send(Arc::clone(&self.connector)),
                local,
                remote: address,
            })
        };
        let nowhere = place((Ipv4Addr::UNSPECIFIED, 0).into());
        self.write_down(&nowhere, Record::Connecting);
        let stream = match timeout(self.patience(), TcpStream::connect(address)).await {
            Ok(stream) => stream.and_then(|stream| Ok((stream.local_addr()?, stream))),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        match stream {
            Ok((local, stream)) => {
                stream.set_nodelay(true).ok();
                let place = place(local);
                let mut talk = Talk::new(self, &place);
                self.converse(stream, &mut talk, first, then).await;
                talk.attempts
            }
            Err(error) => {
                let mut talk = Talk::new(self, &nowhere);
                for (message, task) in (1..).zip(std::iter::once(first).chain(then)) {
                    let attempt = SendSession::no_connection(task, error.to_string());
                    talk.ended(Attempt { message, ..attempt });
                }
                talk.attempts
            }
        }
    }

    async fn converse<IO>(&self, io: IO, talk: &mut Talk<'_>, first: &Arc<Task>, then: &[Arc<Task>])
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.write_down(talk.place, Record::Connected);
        let mut io = io;
        let waiting = then.iter().cloned().collect();
        let most = self.connector.messages_per_connection();
        let (mut session, step) = SendSession::open_for(Arc::clone(first), waiting, most);
        let handshake = match talk.hold(&mut io, &mut session, step).await {
            Turn::Handshake(handshake) => handshake,
            Turn::Done(attempt) => return talk.part(&mut io, *attempt).await,
        };
        match talk.handshake(io, &handshake).await {
            Ok((mut stream, facts)) => {
                let (mut session, step) = session.secure(facts);
                match talk.hold(&mut stream, &mut session, step).await {
                    Turn::Done(attempt) => talk.part(&mut stream, *attempt).await,
                    // Unreachable by construction of the session; TLS inside TLS is no SMTP.
                    Turn::Handshake(_) => {
                        let step = session.handle(SendInput::NotSmtp);
                        talk.end_of(step, Ending::Local, first);
                    }
                }
            }
            Err((input, ending)) => {
                let step = session.handle(input);
                talk.end_of(step, ending, first);
            }
        }
    }

    fn patience(&self) -> Duration {
        self.connector.connection_inactivity_time_out.0
    }

    fn write_down(&self, place: &Arc<Place>, record: Record) {
        self.live.journal().append(self.live.clock().now(), Some(place), record);
    }
}

/// Where a conversation cannot go on as it is.
enum Turn {
    Handshake(Box<Handshake>),
    Done(Box<Attempt>),
}

/// One conversation on its way through a stream.
struct Talk<'a> {
    sender: &'a Sender,
    place: &'a Arc<Place>,
    input: BytesMut,
    lines: LineDecoder,
    reply: ReplyLines,
    /// The attempts that ended, in order.
    attempts: Vec<Attempt>,
}

impl<'a> Talk<'a> {
    fn new(sender: &'a Sender, place: &'a Arc<Place>) -> Self {
        let (input, reply) = (BytesMut::new(), ReplyLines::default());
        Self { sender, place, input, lines: LineDecoder::new(REPLY_LINE), reply, attempts: Vec::new() }
    }

    /// Speaks and listens until the stream has to become TLS, or the attempt is over.
    async fn hold<IO>(&mut self, io: &mut IO, session: &mut SendSession, mut step: SendStep) -> Turn
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            step = match self.take(io, step).await {
                Ok(Some(turn)) => return turn,
                Ok(None) => session.handle(self.listen(io).await),
                Err(input) => session.handle(input),
            };
        }
    }

    /// Writes down what a step says, then says it; `None` where a reply is waited for.
    async fn take<IO>(&mut self, io: &mut IO, step: SendStep) -> Result<Option<Turn>, SendInput>
    where
        IO: AsyncWrite + Unpin,
    {
        for fact in step.facts {
            self.note(fact);
        }
        if let Some(said) = &step.say {
            let octets = match said {
                Said::Command(octets) => {
                    self.sender.write_down(self.place, Record::Sent(octets.clone()));
                    octets
                }
                Said::Content(octets) => {
                    self.sender.write_down(self.place, Record::Content(octets.len() as u64));
                    octets
                }
                Said::Secret(Secret(octets)) => {
                    self.sender.write_down(self.place, Record::SentSecret);
                    octets
                }
            };
            self.send(io, octets).await?;
        }
        Ok(match step.next {
            SendNext::Reply => None,
            SendNext::Handshake(handshake) => Some(Turn::Handshake(handshake)),
            SendNext::Done(attempt) => Some(Turn::Done(attempt)),
        })
    }

    fn note(&mut self, fact: SendFact) {
        let Sender { live, computer, connector, .. } = self.sender;
        match fact {
            SendFact::Event(event) => {
                live.log_on(computer, computer.event_source(None), event, Some(connector.name.clone()));
            }
            SendFact::Logon { user, mechanism, succeeded } => {
                let record = Record::Logon { user, mechanism, succeeded };
                self.sender.write_down(self.place, record);
            }
            SendFact::Attempt(attempt) => self.ended(*attempt),
            SendFact::OwnCertificate { verb, credentials } => {
                let record = NoTls {
                    verb,
                    why: WhyNoTls::OwnCertificate(credentials),
                    presented: Vec::new(),
                    own: self.sender.own.clone(),
                };
                self.sender.write_down(self.place, Record::NotSecured(Box::new(record)));
            }
        }
    }

    async fn send<IO: AsyncWrite + Unpin>(&self, io: &mut IO, octets: &Bytes) -> Result<(), SendInput> {
        let writing = async {
            io.write_all(octets).await?;
            io.flush().await
        };
        match timeout(self.sender.patience(), writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SendInput::Broken(error.to_string())),
            Err(_) => Err(SendInput::TimedOut),
        }
    }

    /// Waits for a reply. Each line of it is in the journal as it came.
    async fn listen<IO: AsyncRead + Unpin>(&mut self, io: &mut IO) -> SendInput {
        loop {
            while let Some(line) = self.lines.decode(&mut self.input) {
                self.sender.write_down(self.place, Record::Received(line.text.clone()));
                match self.reply.push(&line.text) {
                    Some(Ok(reply)) => return SendInput::Reply(reply),
                    Some(Err(_)) => return SendInput::NotSmtp,
                    None => {}
                }
            }
            self.input.reserve(READ);
            match timeout(self.sender.patience(), io.read_buf(&mut self.input)).await {
                Ok(Ok(0)) => return SendInput::Closed,
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return SendInput::Closed,
                Ok(Err(error)) => return SendInput::Broken(error.to_string()),
                Err(_) => return SendInput::TimedOut,
            }
        }
    }

    async fn handshake<IO>(
        &mut self,
        io: IO,
        handshake: &Handshake,
    ) -> Result<(ClientStream<IO>, Arc<Secured>), (SendInput, Ending)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        // What a server, or somebody on the way, says behind its 220 is not under TLS's protection.
        let behind = std::mem::take(&mut self.input).len();
        if behind > 0 {
            let oddity = Oddity::PipelinedBehindStartTls { octets: behind };
            self.sender.write_down(self.place, Record::Oddity(oddity));
        }
        let (verb, own) = (handshake.verb, self.sender.own.clone());
        let connecting = self.sender.tls.connect(&handshake.server_name, &handshake.check, io);
        let failed = match timeout(self.sender.patience(), connecting).await {
            Ok(Ok((stream, facts))) => {
                let facts = Arc::new(facts);
                let record = Tls { verb, facts: Arc::clone(&facts), own };
                self.sender.write_down(self.place, Record::Secured(Box::new(record)));
                return Ok((stream, facts));
            }
            Ok(Err(failed)) => (failed.failure, failed.problem, failed.presented),
            Err(_) => (TlsFailure::TimedOut, None, Vec::new()),
        };
        let (failure, problem, presented) = failed;
        let presented = presented.iter().map(CertificateFacts::from).collect();
        let why = WhyNoTls::Handshake(failure.clone());
        let record = NoTls { verb, why, presented, own };
        self.sender.write_down(self.place, Record::NotSecured(Box::new(record)));
        let ending = match &failure {
            TlsFailure::Closed => Ending::Remote,
            TlsFailure::Broken { reason } => Ending::Broken(reason.clone()),
            _ => Ending::Local,
        };
        Err((SendInput::HandshakeFailed { failure, problem }, ending))
    }

    /// Closes the stream from this side.
    async fn part<IO: AsyncWrite + Unpin>(&mut self, io: &mut IO, attempt: Attempt) {
        timeout(self.sender.patience(), io.shutdown()).await.ok();
        let ending = match &attempt.reason {
            Reason::Closed { .. } => Ending::Remote,
            Reason::Broken { why, .. } => Ending::Broken(why.clone()),
            _ => Ending::Local,
        };
        self.sender.write_down(self.place, Record::Disconnected(ending));
        self.ended(attempt);
    }

    /// The end that follows no stream any more.
    fn end_of(&mut self, step: SendStep, ending: Ending, task: &Task) {
        for fact in step.facts {
            self.note(fact);
        }
        self.sender.write_down(self.place, Record::Disconnected(ending));
        self.ended(match step.next {
            SendNext::Done(attempt) => *attempt,
            // Unreachable by construction of the session: it ends where its stream does.
            SendNext::Reply | SendNext::Handshake(_) => SendSession::no_connection(task, GONE.to_owned()),
        });
    }

    fn ended(&mut self, attempt: Attempt) {
        self.sender.write_down(self.place, Record::Attempt(Box::new(attempt.clone())));
        self.attempts.push(attempt);
    }
}

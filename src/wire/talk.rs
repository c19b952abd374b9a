//! One conversation of a sender on its way through a stream.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::send::{GONE, Sender};
use crate::exchange::CertificateFacts;
use crate::journal::{Ending, Logon, NoTls, Record, SessionContext, Tls, WhyNoTls, pipelined};
use crate::session::send::{
    Attempt, Handshake, Reason, Said, Secret, Secured, SendFact, SendInput, SendNext, SendSession, SendStep,
    Task,
};
use crate::session::{TlsFailure, TlsVerb};
use crate::smtp::{LineDecoder, ReplyLines};
use crate::tls::{ClientStream, SenderFailure};

/// The longest line of a reply that is taken; RFC 5321 section 4.5.3.1.5 asks for 512.
const REPLY_LINE: usize = 4096;
/// The number of bytes without the end of a line after which a sender no longer waits for it.
const MOST_WITHOUT_END: usize = 64 * 1024;
/// The number of bytes that are read at once.
const READ: usize = 4096;

/// The reason why a conversation cannot go on over its stream.
pub(super) enum Turn {
    Handshake(Box<Handshake>),
    Done(Box<Attempt>),
}

/// One conversation on its way through a stream.
pub(super) struct Talk<'a> {
    sender: &'a Sender,
    pub(super) place: &'a Arc<SessionContext>,
    input: BytesMut,
    lines: LineDecoder,
    reply: ReplyLines,
    /// The attempts that ended, in order.
    pub(super) attempts: Vec<Attempt>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(sender: &'a Sender, place: &'a Arc<SessionContext>) -> Self {
        let (input, reply) = (BytesMut::new(), ReplyLines::default());
        Self { sender, place, input, lines: LineDecoder::new(REPLY_LINE), reply, attempts: Vec::new() }
    }

    /// Speaks and listens until the stream has to become TLS, or the attempt is over.
    pub(super) async fn hold<IO>(
        &mut self,
        io: &mut IO,
        session: &mut SendSession,
        mut step: SendStep,
    ) -> Turn
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

    /// Records a step's command in the journal, then sends it. Returns `None` if a reply is waited for.
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
                let record = Record::Logon(Box::new(Logon { user, mechanism, succeeded }));
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
                self.sender.write_down(self.place, Record::NotSecured(Arc::new(record)));
            }
        }
    }

    async fn send<IO: AsyncWrite + Unpin>(&self, io: &mut IO, octets: &Bytes) -> Result<(), SendInput> {
        let writing = async {
            io.write_all(octets).await?;
            io.flush().await
        };
        match self.sender.in_time(pin!(writing)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SendInput::Broken(error.to_string())),
            Err(_) => Err(SendInput::TimedOut),
        }
    }

    /// Waits for a reply. Each line of it is in the journal as it came.
    async fn listen<IO: AsyncRead + Unpin>(&mut self, io: &mut IO) -> SendInput {
        let mut without_end = 0;
        loop {
            while let Some(line) = self.lines.decode(&mut self.input) {
                without_end = 0;
                self.sender.write_down(self.place, Record::Received(Arc::clone(&line.text)));
                match self.reply.push(&line.text) {
                    Some(Ok(reply)) => return SendInput::Reply(reply),
                    Some(Err(_)) => return SendInput::NotSmtp,
                    None => {}
                }
            }
            if without_end > MOST_WITHOUT_END {
                return SendInput::NotSmtp;
            }
            self.input.reserve(READ);
            match self.sender.in_time(pin!(io.read_buf(&mut self.input))).await {
                Ok(Ok(0)) => return SendInput::Closed,
                Ok(Ok(read)) => without_end += read,
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return SendInput::Closed,
                Ok(Err(error)) => return SendInput::Broken(error.to_string()),
                Err(_) => return SendInput::TimedOut,
            }
        }
    }

    pub(super) async fn handshake<IO>(
        &mut self,
        io: IO,
        handshake: &Handshake,
    ) -> Result<(ClientStream<IO>, Arc<Secured>), (SendInput, Ending)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        // Input behind the server's 220 is not protected by TLS, whether the server or an attacker sent it.
        let behind = std::mem::take(&mut self.input);
        if !behind.is_empty() {
            self.sender.write_down(self.place, Record::Anomaly(pipelined(&behind, false)));
        }
        let (verb, own) = (handshake.verb, self.sender.own.clone());
        let connecting = self.sender.tls.connect(&handshake.server_name, &handshake.check, io);
        let lacking = self.sender.of_the_lab && verb == TlsVerb::XAnonymousTls && own.is_none();
        let connected = if lacking {
            Ok(Err(Box::new(no_internal_certificate())))
        } else {
            self.sender.in_time(pin!(connecting)).await
        };
        let failed = match connected {
            Ok(Ok((stream, facts))) => {
                let facts = Arc::new(facts);
                let record = Tls { verb, facts: Arc::clone(&facts), own };
                self.sender.write_down(self.place, Record::Secured(Arc::new(record)));
                return Ok((stream, facts));
            }
            Ok(Err(failed)) => (failed.failure, failed.problem, failed.presented),
            Err(_) => (TlsFailure::TimedOut, None, Vec::new()),
        };
        let (failure, problem, presented) = failed;
        let presented = presented.iter().map(CertificateFacts::from).collect();
        let why = WhyNoTls::Handshake(failure.clone());
        let record = NoTls { verb, why, presented, own };
        self.sender.write_down(self.place, Record::NotSecured(Arc::new(record)));
        let ending = match &failure {
            TlsFailure::Closed => Ending::Remote,
            TlsFailure::Broken { reason } => Ending::Broken(reason.clone()),
            _ => Ending::Local,
        };
        Err((SendInput::HandshakeFailed { failure, problem }, ending))
    }

    /// Closes the stream from this side.
    pub(super) async fn part<IO: AsyncWrite + Unpin>(&mut self, io: &mut IO, attempt: Attempt) {
        self.sender.in_time(pin!(io.shutdown())).await.ok();
        let ending = match &attempt.reason {
            Reason::Closed { .. } => Ending::Remote,
            Reason::Broken { why, .. } => Ending::Broken(why.clone()),
            _ => Ending::Local,
        };
        self.sender.write_down(self.place, Record::Disconnected(ending));
        self.ended(attempt);
    }

    /// Ends the attempts of a conversation whose stream is gone.
    pub(super) fn end_of(&mut self, step: SendStep, ending: Ending, task: &Task) {
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

    pub(super) fn ended(&mut self, attempt: Attempt) {
        self.sender.write_down(self.place, Record::Attempt(Arc::new(attempt.clone())));
        self.attempts.push(attempt);
    }
}

/// Returns the failure of a sender without a certificate for X-ANONYMOUSTLS, which takes the sender's own
/// internal transport certificate ("Selection of outbound anonymous TLS certificates"). That the attempt then
/// ends like one whose handshake fails is inferred.
fn no_internal_certificate() -> SenderFailure {
    let reason = "there is no internal transport certificate to present".to_owned();
    SenderFailure { failure: TlsFailure::Unusable { reason }, problem: None, presented: Vec::new() }
}

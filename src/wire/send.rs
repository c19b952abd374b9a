//! The sending driver: connects to an address it was given, and makes attempts over the socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};

use super::calls::Call;
use super::network::NetStream;
use super::state::LabState;
use super::talk::{Talk, Turn};
use crate::clock::Elapsed;
use crate::exchange::{
    CertificateFacts, ClientCertificate, ClientSelection, Computer, InternalTransport, SendConnector,
    StoredCertificate, TimeSpan,
};
use crate::journal::{Connector, Ending, Record, SessionContext, SessionId};
use crate::pki::Certificate;
use crate::session::send::{Attempt, Credentials, SendInput, SendSession, Task};
use crate::tls::{SenderTls, TlsSetupError, Versions};

/// The reason why there is no connection where there was one a moment ago.
pub(super) const GONE: &str = "the connection is gone";

/// A Send connector at work. It connects to nothing but the addresses it is handed.
#[derive(Debug)]
pub struct Sender {
    pub(super) live: Arc<LabState>,
    sessions: Arc<AtomicU64>,
    pub(super) computer: Arc<Computer>,
    pub(super) connector: Arc<SendConnector>,
    pub(super) tls: SenderTls,
    credentials: Credentials,
    pub(super) own: Option<CertificateFacts>,
    /// The address to call from.
    from: Option<IpAddr>,
    /// The name of the peer, if it is a computer of the lab.
    peer: Option<String>,
    /// True if the sender is a computer of the lab, which the others know by the socket it calls from.
    pub(super) of_the_lab: bool,
    /// The socket that it calls from, while it is in use.
    call: Mutex<Option<Call>>,
}

impl Sender {
    /// Returns a sender without a certificate of its own, which trusts `roots`.
    ///
    /// # Errors
    ///
    /// A root that cannot be used.
    pub fn new(
        live: Arc<LabState>,
        computer: Arc<Computer>,
        connector: Arc<SendConnector>,
        roots: &[Certificate],
    ) -> Result<Self, TlsSetupError> {
        let tls = SenderTls::new(roots, None, live.clock(), Versions::Both)?;
        Ok(Self {
            live,
            sessions: Arc::default(),
            computer,
            connector,
            tls,
            credentials: Credentials::Usable,
            own: None,
            from: None,
            peer: None,
            of_the_lab: false,
            call: Mutex::default(),
        })
    }

    /// Returns a sender with the certificate that the selection picks in its computer's store. If it finds
    /// none, event 12014 is logged, unless the connector is disabled and so never loads one.
    ///
    /// A connector with Exchange Server authentication also looks for it and logs the event, but presents the
    /// internal transport certificate (selection of outbound anonymous TLS certificates).
    ///
    /// # Errors
    ///
    /// A root that cannot be used.
    pub(crate) fn selecting(
        live: Arc<LabState>,
        sessions: Arc<AtomicU64>,
        computer: Arc<Computer>,
        connector: Arc<SendConnector>,
        roots: &[Certificate],
    ) -> Result<Self, TlsSetupError> {
        let selection = ClientSelection::of(&connector, &computer, live.clock().now());
        let server = connector.uses_anonymous_tls();
        let internal = server.then(|| InternalTransport::of(&computer));
        if connector.enabled {
            live.log_sending(&selection, &computer, &connector);
        }
        let chosen = match &internal {
            Some(internal) => internal.certificate(),
            None => selection.chosen(&computer),
        };
        let mut credentials = match selection.certificate {
            _ if server => Credentials::Usable,
            ClientCertificate::Presented(_) | ClientCertificate::NotFound => Credentials::Usable,
            ClientCertificate::NoCredentials(_) => Credentials::NoCredentials,
            ClientCertificate::UnknownCredentials(_) => Credentials::UnknownCredentials,
            ClientCertificate::PinNotFound | ClientCertificate::PinExpired(_) => Credentials::PinNotFound,
        };
        let usable = |stored: &&StoredCertificate| {
            server || selection.certificate == ClientCertificate::Presented(stored.facts.thumbprint)
        };
        let material = chosen.filter(usable).and_then(StoredCertificate::presentable);
        let tls = match SenderTls::new(roots, material, live.clock(), Versions::Both) {
            Err(TlsSetupError::Key(_)) => {
                credentials = Credentials::NoCredentials;
                SenderTls::new(roots, None, live.clock(), Versions::Both)?
            }
            tls => tls?,
        };
        let own = chosen.map(|stored| stored.facts.clone());
        Ok(Self {
            live,
            sessions,
            computer,
            connector,
            tls,
            credentials,
            own,
            from: None,
            peer: None,
            of_the_lab: true,
            call: Mutex::default(),
        })
    }

    /// Sets the peer, another computer of the lab, which is called from the address `home` of the sender's
    /// own computer.
    pub(super) fn inside(self, home: IpAddr, peer: String) -> Self {
        Self { from: Some(home), peer: Some(peer), ..self }
    }

    /// Sets the address of this machine that the sender connects from, and the counter that numbers its
    /// conversations.
    pub(crate) fn coming_from(self, address: IpAddr, sessions: Arc<AtomicU64>) -> Self {
        Self { from: Some(address), sessions, ..self }
    }

    /// Returns the state of the sender's own certificate, for the [`Task`].
    pub fn credentials(&self) -> Credentials {
        self.credentials
    }

    /// Returns the computer that sends.
    pub fn computer(&self) -> &Arc<Computer> {
        &self.computer
    }

    /// Returns the connector that sends.
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

    /// Makes the attempts that one connection decides on.
    async fn connection(&self, address: SocketAddr, first: &Arc<Task>, then: &[Arc<Task>]) -> Vec<Attempt> {
        let session = SessionId(self.sessions.fetch_add(1, Ordering::SeqCst) + 1);
        let place = |local| {
            Arc::new(SessionContext {
                session,
                computer: Arc::clone(&self.computer),
                connector: Connector::Send(Arc::clone(&self.connector)),
                local,
                remote: address,
                peer: self.peer.clone(),
            })
        };
        let nowhere = place((Ipv4Addr::UNSPECIFIED, 0).into());
        self.write_down(&nowhere, Record::Connecting);
        let stream = match self.in_time(pin!(self.connect(address))).await {
            Ok(stream) => stream.and_then(|stream| Ok((stream.local_addr()?, stream))),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        match stream {
            Ok((local, stream)) => {
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

    async fn connect(&self, address: SocketAddr) -> io::Result<NetStream> {
        let socket = self.live.network().socket(self.from, address)?;
        if self.of_the_lab && self.from.is_some() {
            let call = self.live.calls().begin(socket.local_addr()?, &self.computer);
            *self.call.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
        }
        socket.connect(address).await
    }

    /// Runs `future` with the connector's time-out.
    pub(super) async fn in_time<F: Future + Unpin>(&self, future: F) -> Result<F::Output, Elapsed> {
        let TimeSpan(patience) = self.connector.connection_inactivity_time_out;
        self.live.clock().timeout(patience, future).await
    }

    pub(super) fn write_down(&self, place: &Arc<SessionContext>, record: Record) {
        self.live.journal().append(self.live.clock().now(), Some(place), record);
    }
}

//! The real wire: a lab that listens, a connection to it, and the journal for what was written down.
//!
//! Server and client live on one thread, in a runtime that moves only while the client waits for
//! something. Nothing sleeps: what is said is waited for, and what is not said shows when the client
//! hangs up and the server, after all that it still had to say, ends too.

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use bytes::BytesMut;
use starttls_lab::internal::journal::{Ending, Entry, Logged, Record};
use starttls_lab::internal::lab::{Engine, Options, Plan};
use starttls_lab::internal::tls::{ClientTls, Versions};
use starttls_lab::internal::wire::Ports;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::account::Account;
use super::script::{Dialogue, What};
use super::setup::Stage;
use super::{Cut, Wire};

/// How long anything may take that is expected to come; only a dialogue that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a lab of its own.
pub(crate) struct Socket<'a> {
    stage: &'a Stage,
    stream: Box<dyn Octets>,
    unread: BytesMut,
    entries: UnboundedReceiver<Entry>,
    account: Account,
    cut: Cut,
    flights: usize,
    /// Whether the first flight left with the connection.
    early: bool,
    /// How often the client still has to do something before the end.
    ahead: usize,
    /// How long to wait in vain, once nothing is ahead, before hanging up.
    patience: Duration,
    hung_up: bool,
    /// Whether the server had nothing to say for too long.
    silent: bool,
    ending: Option<Ending>,
    lab: Engine,
    runtime: Runtime,
}

trait Octets: AsyncRead + AsyncWrite + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Unpin> Octets for IO {}

impl<'a> Socket<'a> {
    /// Starts the lab that the stage is in and connects to it; a client that does not wait for the
    /// banner has sent its first flight before the server finds the connection.
    pub(crate) fn connect(lab: Plan, stage: &'a Stage, dialogue: &Dialogue, cut: Cut) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = Options { ports: Ports::Free, ..Options::default() };
        let lab = runtime.block_on(Engine::start_plan(lab, options)).unwrap();
        let (write_down, entries) = unbounded_channel();
        lab.journal().listen(Box::new(move |entry| drop(write_down.send(entry.clone()))));

        // The kernel completes the connection, and takes bytes, while the runtime stands still.
        let mut stream = TcpStream::connect(address(&lab, stage)).unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        stream.set_nodelay(true).unwrap();
        let early = dialogue.flights().next().filter(|_| dialogue.early() > 0);
        if let Some(flight) = early {
            stream.write_all(flight).unwrap();
        }
        stream.set_nonblocking(true).unwrap();
        let stream = runtime.block_on(async { tokio::net::TcpStream::from_std(stream) }).unwrap();
        let acts = |what: &&What| matches!(what, What::Send(_) | What::Tls);
        Self {
            stage,
            stream: Box::new(stream),
            unread: BytesMut::new(),
            entries,
            account: Account::default(),
            cut,
            flights: 0,
            ahead: dialogue.items.iter().map(|item| &item.what).filter(acts).count(),
            early: early.is_some(),
            patience: PATIENCE,
            hung_up: false,
            silent: false,
            ending: None,
            lab,
            runtime,
        }
    }

    /// Hangs up so soon after the last flight where nothing is said. That changes nothing of what a
    /// server says, only how long a client waits to know that it says nothing.
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What was written down from the beginning; complete where the conversation has ended.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    fn patience(&self) -> Duration {
        if self.ahead == 0 && !self.hung_up { self.patience } else { PATIENCE }
    }

    /// Reads on; false where nothing comes any more.
    fn read(&mut self) -> bool {
        let patience = self.patience();
        let reading = self.stream.read_buf(&mut self.unread);
        match self.runtime.block_on(async { timeout(patience, reading).await }) {
            Ok(Ok(bytes)) => bytes > 0,
            // Whoever hangs up first hears no goodbye from TLS.
            Ok(Err(error)) if self.hung_up && error.kind() == ErrorKind::UnexpectedEof => false,
            Ok(Err(error)) => panic!("the connection broke: {error}"),
            Err(_) if self.hung_up => panic!("the server does not end although the client has hung up"),
            Err(_) if self.ahead > 0 => false,
            Err(_) => {
                self.silent = true;
                self.hang_up();
                self.read()
            }
        }
    }

    /// Sends nothing more.
    fn hang_up(&mut self) {
        if !std::mem::replace(&mut self.hung_up, true) {
            // A server that has closed may be gone already.
            self.runtime.block_on(self.stream.shutdown()).ok();
        }
    }

    /// Hangs up, and takes in all that is still said and written down.
    fn end(&mut self) -> &Ending {
        self.hang_up();
        if self.ending.is_none() {
            while self.read() {}
        }
        while self.ending.is_none() {
            assert!(self.wait_for_entry(), "the end of the conversation is not written down");
        }
        self.ending.as_ref().unwrap()
    }

    fn wait_for_entry(&mut self) -> bool {
        let patience = self.patience();
        let entry = self.runtime.block_on(async { timeout(patience, self.entries.recv()).await });
        entry.ok().flatten().map(|entry| self.take(&entry)).is_some()
    }

    fn take(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Event(logged) if !self.is_ours(logged) => return,
            Record::Disconnected(ending) => self.ending = Some(ending.clone()),
            _ => {}
        }
        self.account.record(&entry.record);
    }

    /// Whether an event is about the connector that is spoken to, or about its whole computer.
    fn is_ours(&self, logged: &Logged) -> bool {
        let about_us = |name: &String| *name == self.stage.connector.name;
        logged.computer == self.stage.computer.event_log_name()
            && logged.connector.as_ref().is_none_or(about_us)
    }
}

/// Where the connector of the dialogue listens.
fn address(lab: &Engine, stage: &Stage) -> SocketAddr {
    let listening = lab.connectors();
    let found = listening.iter().find(|listening| {
        listening.computer == stage.computer.name && listening.name == stage.connector.name
    });
    found.unwrap_or_else(|| panic!("{} does not listen", stage.connector.name)).addr
}

impl Wire for Socket<'_> {
    fn send(&mut self, bytes: &[u8]) {
        self.ahead -= 1;
        let flight = self.flights;
        self.flights += 1;
        if std::mem::take(&mut self.early) {
            return;
        }
        let (stream, pieces) = (&mut self.stream, self.cut.pieces(flight, bytes));
        let writing = async {
            for piece in pieces {
                stream.write_all(piece).await?;
                stream.flush().await?;
                // The first turn lets the server see the piece, the second lets it read.
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
            Ok::<_, std::io::Error>(())
        };
        let written = self.runtime.block_on(async { timeout(PATIENCE, writing).await });
        // To a server that has closed nothing can be sent; that it has, the dialogue says or sees.
        written.unwrap_or_else(|_| panic!("the server does not read")).ok();
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|bytes| bytes == b"\r\n") {
                let line = self.unread.split_to(end + 2);
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.read() {
                assert!(self.unread.is_empty(), "the server ends in the middle of a line: {:?}", self.unread);
                return None;
            }
        }
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count && self.read() {}
        self.unread.split_to(count.min(self.unread.len())).to_vec()
    }

    fn is_closed(&mut self) -> bool {
        *self.end() == Ending::Local && !self.silent
    }

    fn upgrade_tls(&mut self) {
        assert!(self.unread.is_empty(), "said in clear before the handshake: {:?}", self.unread);
        self.ahead -= 1;
        let tls = ClientTls::trusting_anything(self.lab.clock(), Versions::Both).unwrap();
        let stream = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let name = self.stage.computer.fqdn_of(&self.stage.connector).to_string();
        let connecting = async { timeout(PATIENCE, tls.connect(&name, stream)).await };
        let connected = self.runtime.block_on(connecting);
        let (stream, _) = connected.unwrap_or_else(|_| panic!("the server does not shake hands")).unwrap();
        self.stream = Box::new(stream);
    }

    fn note(&mut self) -> Option<String> {
        loop {
            match self.note_so_far() {
                Some(note) => return Some(note),
                None if self.ending.is_some() => return None,
                None if self.wait_for_entry() => {}
                None if self.ahead > 0 => return None,
                None => {
                    self.silent = true;
                    self.end();
                }
            }
        }
    }

    fn note_so_far(&mut self) -> Option<String> {
        while let Ok(entry) = self.entries.try_recv() {
            self.take(&entry);
        }
        self.account.note()
    }
}

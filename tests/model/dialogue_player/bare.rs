//! The wire that is none: bytes into the bare session, cut as the test wants them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use starttls_lab::internal::journal::{Record, Secrets, pipelined};
use starttls_lab::internal::session::fault::{BodyAction, Conversation, Fired, StepAction, Then};
use starttls_lab::internal::session::{Fact, Input, Next, Step, TlsFacts, TlsVersion};
use starttls_lab::internal::smtp::{
    ChunkDecoder, DataDecoder, DataProgress, Line, LineDecoder, LooseDecoder, Reply,
};

use super::account::Account;
use super::setup::Stage;
use super::{Cut, Wire};

/// A session, and the decoders that a driver has beside it.
pub(crate) struct Bare<'a> {
    stage: &'a Stage,
    session: Option<Conversation>,
    next: Next,
    reading: Reading,
    chunks: Option<ChunkDecoder>,
    input: BytesMut,
    thrown_away: Vec<u8>,
    cut: Cut,
    flights: usize,
    said: BytesMut,
    /// Whether a row wants nothing to be said any more.
    is_silent: bool,
    account: Account,
    secrets: Secrets,
}

/// The decoder of what is due.
enum Reading {
    Line(LineDecoder),
    Data(Box<DataDecoder>),
    /// Content for which a row has other ends.
    Loose(Box<LooseDecoder>),
    /// Chunks outlast a step, their decoder is kept elsewhere.
    Chunk,
    Nothing,
}

impl<'a> Bare<'a> {
    pub(crate) fn connect(stage: &'a Stage, early: usize, cut: Cut) -> Self {
        let (session, step) = Conversation::open(stage.setting(), stage.faults(), early, Stage::now());
        let mut bare = Self {
            stage,
            session: Some(session),
            next: Next::Close,
            reading: Reading::Nothing,
            chunks: None,
            input: BytesMut::new(),
            thrown_away: Vec::new(),
            cut,
            flights: 0,
            said: BytesMut::new(),
            is_silent: false,
            account: Account::default(),
            secrets: Secrets::default(),
        };
        stage.events().into_iter().for_each(|event| bare.account.fact(&Fact::Event(event)));
        bare.take(step);
        bare
    }

    /// What was written down from the beginning.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Writes down, says, and prepares for what is to be read next.
    fn take(&mut self, step: Step) {
        step.facts.iter().for_each(|fact| self.account.fact(fact));
        let reply = step.reply.as_ref().map(Reply::to_bytes);
        reply.into_iter().for_each(|bytes| self.say(&bytes));
        self.next = step.next;
        let actions = step.actions.unwrap_or_default();
        for action in &actions.now {
            match action {
                StepAction::Send(bytes) | StepAction::Trickle { bytes, .. } => self.say(bytes),
                StepAction::SendBeneath(_) | StepAction::KeepInput => {}
                StepAction::End(then) => return self.end(*then),
            }
        }
        self.prepare(actions.next.as_ref());
    }

    fn say(&mut self, bytes: &[u8]) {
        if let Record::Sent(shown) = self.secrets.sent(Bytes::copy_from_slice(bytes)) {
            self.account.said(&shown);
        }
        self.said.extend_from_slice(bytes);
    }

    /// Ends as a row wants it.
    fn end(&mut self, then: Then) {
        self.reading = Reading::Nothing;
        self.is_silent = then == Then::Silence;
        if !self.is_silent {
            self.next = Next::Close;
            self.account.closed();
        }
    }

    fn prepare(&mut self, ahead: Option<&Fired>) {
        let session = self.session.as_ref().unwrap().session();
        let body = ahead.filter(|_| matches!(self.next, Next::Data { .. } | Next::Chunk { .. }));
        if let Some(fired) = body {
            self.account.fault(fired);
        }
        if !session.in_chunks() {
            // What came in chunks belongs to a transaction that is over.
            self.chunks = None;
        }
        self.reading = match self.next {
            Next::Line => Reading::Line(LineDecoder::new(session.line_limit())),
            Next::Data { limit } => match body.map(Fired::body) {
                Some([BodyAction::EndOfData(ends)]) => {
                    Reading::Loose(Box::new(LooseDecoder::new(limit, ends.clone())))
                }
                _ => Reading::Data(Box::new(DataDecoder::new(limit))),
            },
            Next::Chunk { size, limit, .. } => {
                self.chunks.get_or_insert_with(|| ChunkDecoder::new(limit)).begin(size);
                Reading::Chunk
            }
            Next::Handshake(_) => {
                self.thrown_away = self.input.to_vec();
                self.input.clear();
                Reading::Nothing
            }
            Next::Close => {
                self.account.closed();
                Reading::Nothing
            }
        };
    }

    fn read(&mut self) {
        while let Some(input) = self.decode() {
            self.write_down(&input);
            let step = self.session.as_mut().unwrap().handle(input, Stage::now());
            self.take(step);
        }
    }

    fn write_down(&mut self, input: &Input) {
        match (input, self.next) {
            (Input::Line(Line { text, .. }), _) => {
                let expected = self.session.as_ref().unwrap().session().expects_secret();
                match self.secrets.received(text, expected) {
                    Record::Received(shown) => self.account.heard(&shown),
                    _ => self.account.heard_secret(),
                }
            }
            (_, Next::Chunk { size, .. }) => self.account.took(size),
            (Input::Content(content), _) => self.account.took(content.bytes),
            _ => {}
        }
    }

    fn decode(&mut self) -> Option<Input> {
        match &mut self.reading {
            // A handshake record of any version (RFC 8446 section 5.1).
            Reading::Line(_) if matches!(self.input[..], [22, 3, 0..=4, ..]) => {
                self.input.clear();
                Some(Input::ClientHello)
            }
            Reading::Line(decoder) => decoder.decode(&mut self.input).map(Input::Line),
            Reading::Data(decoder) => {
                if decoder.decode(&mut self.input) == DataProgress::More {
                    return None;
                }
                match std::mem::replace(&mut self.reading, Reading::Nothing) {
                    Reading::Data(decoder) => Some(Input::Content(decoder.finish())),
                    _ => None,
                }
            }
            Reading::Loose(decoder) => {
                if decoder.decode(&mut self.input) == DataProgress::More {
                    return None;
                }
                match std::mem::replace(&mut self.reading, Reading::Nothing) {
                    Reading::Loose(decoder) => Some(Input::Content(decoder.finish())),
                    _ => None,
                }
            }
            Reading::Chunk => {
                let decoder = self.chunks.as_mut()?;
                if decoder.decode(&mut self.input) == DataProgress::More {
                    return None;
                }
                match self.next {
                    Next::Chunk { last: true, .. } => {
                        self.chunks.take().map(|decoder| Input::Content(decoder.finish()))
                    }
                    Next::Chunk { size, .. } => Some(Input::Chunk(size)),
                    _ => None,
                }
            }
            Reading::Nothing => None,
        }
    }

    fn piece(&mut self, bytes: &[u8]) {
        match self.next {
            Next::Close => {}
            _ if self.is_silent => {}
            Next::Handshake(_) => self.thrown_away.extend_from_slice(bytes),
            _ => {
                self.input.extend_from_slice(bytes);
                self.read();
            }
        }
    }
}

impl Wire for Bare<'_> {
    fn send(&mut self, bytes: &[u8]) {
        self.cut.pieces(self.flights, bytes).for_each(|piece| self.piece(piece));
        self.flights += 1;
        // The whole flight has come before the client begins its handshake: all that stood behind
        // the verb is thrown away, in however many pieces it came.
        if matches!(self.next, Next::Handshake(_)) && !self.thrown_away.is_empty() {
            let bytes = std::mem::take(&mut self.thrown_away);
            self.account.fact(&Fact::Anomaly(pipelined(&bytes, false)));
        }
    }

    fn line(&mut self) -> Option<String> {
        let end = self.said.windows(2).position(|bytes| bytes == b"\r\n")?;
        let line = self.said.split_to(end + 2);
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        self.said.split_to(count.min(self.said.len())).to_vec()
    }

    fn is_closed(&mut self) -> bool {
        self.next == Next::Close
    }

    fn upgrade_tls(&mut self) {
        let Next::Handshake(verb) = self.next else { panic!("the server waits for no handshake") };
        let facts = TlsFacts {
            version: TlsVersion::Tls13,
            cipher_suite: "TLS_AES_256_GCM_SHA384",
            key_exchange: Some("x25519"),
            server_name: None,
            presented: self.stage.certificate(verb).unwrap_or_else(|| panic!("nothing to present")),
            client_certificate: None,
            client_certificate_error: None,
            client_hello: None,
        };
        let session = self.session.take().unwrap();
        let (session, step) = session.secure(verb, Arc::new(facts), false);
        self.session = Some(session);
        self.account.secured(verb);
        self.take(step);
    }

    fn note(&mut self) -> Option<String> {
        self.account.note()
    }

    fn note_so_far(&mut self) -> Option<String> {
        self.account.note()
    }
}

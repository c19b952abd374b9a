//! The wire that is none: octets into the bare session, cut as the test wants them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;
use starttls_lab::session::{Fact, Input, Next, Oddity, ReceiveSession, Step, TlsFacts, TlsVerb, TlsVersion};
use starttls_lab::smtp::{ChunkDecoder, DataDecoder, DataProgress, LineDecoder};

use super::Wire;
use super::setup::Stage;

/// Into which pieces what the client sends falls on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Each flight arrives as it left.
    Nowhere,
    /// Every octet arrives alone.
    Everywhere,
    /// One flight arrives in two pieces.
    Once { flight: usize, at: usize },
}

/// A session, and the decoders that a driver has beside it.
pub(crate) struct Bare<'a> {
    stage: &'a Stage,
    session: Option<ReceiveSession>,
    next: Next,
    reading: Reading,
    chunks: Option<ChunkDecoder>,
    input: BytesMut,
    thrown_away: usize,
    cut: Cut,
    flights: usize,
    said: VecDeque<String>,
    notes: Vec<String>,
}

/// The decoder of what is due.
enum Reading {
    Line(LineDecoder),
    Data(Box<DataDecoder>),
    /// Chunks outlast a step, their decoder is kept elsewhere.
    Chunk,
    Nothing,
}

impl<'a> Bare<'a> {
    pub(crate) fn connect(stage: &'a Stage, early: usize, cut: Cut) -> Self {
        let (session, step) = ReceiveSession::open(stage.setting(), early, Stage::now());
        let mut bare = Self {
            stage,
            session: Some(session),
            next: Next::Close,
            reading: Reading::Nothing,
            chunks: None,
            input: BytesMut::new(),
            thrown_away: 0,
            cut,
            flights: 0,
            said: VecDeque::new(),
            notes: stage.events().into_iter().map(|event| note(&Fact::Event(event))).collect(),
        };
        bare.take(step);
        bare
    }

    /// Writes down, says, and prepares for what is to be read next.
    fn take(&mut self, step: Step) {
        self.notes.extend(step.facts.iter().map(note));
        if let Some(reply) = step.reply {
            let octets = reply.to_bytes();
            let text = std::str::from_utf8(&octets).unwrap();
            let lines = text.strip_suffix("\r\n").unwrap_or_else(|| panic!("{text:?} has no end"));
            self.said.extend(lines.split("\r\n").map(str::to_owned));
        }
        self.next = step.next;
        let session = self.session.as_ref().unwrap();
        if !session.in_chunks() {
            // What came in chunks belongs to a transaction that is over.
            self.chunks = None;
        }
        self.reading = match step.next {
            Next::Line => Reading::Line(LineDecoder::new(session.line_limit())),
            Next::Data { limit } => Reading::Data(Box::new(DataDecoder::new(limit))),
            Next::Chunk { size, limit, .. } => {
                self.chunks.get_or_insert_with(|| ChunkDecoder::new(limit)).begin(size);
                Reading::Chunk
            }
            Next::Handshake(_) => {
                self.thrown_away = self.input.len();
                self.input.clear();
                Reading::Nothing
            }
            Next::Close => Reading::Nothing,
        };
    }

    fn read(&mut self) {
        while let Some(input) = self.decode() {
            let step = self.session.as_mut().unwrap().handle(input, Stage::now());
            self.take(step);
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

    fn piece(&mut self, octets: &[u8]) {
        match self.next {
            Next::Close => {}
            Next::Handshake(_) => self.thrown_away += octets.len(),
            _ => {
                self.input.extend_from_slice(octets);
                self.read();
            }
        }
    }
}

impl Wire for Bare<'_> {
    fn send(&mut self, octets: &[u8]) {
        match self.cut {
            Cut::Everywhere => octets.chunks(1).for_each(|octet| self.piece(octet)),
            Cut::Once { flight, at } if flight == self.flights => {
                self.piece(&octets[..at]);
                self.piece(&octets[at..]);
            }
            Cut::Nowhere | Cut::Once { .. } => self.piece(octets),
        }
        self.flights += 1;
        // The whole flight has come before the client begins its handshake: all that stood behind
        // the verb is thrown away, in however many pieces it came.
        if let (Next::Handshake(_), octets @ 1..) = (self.next, self.thrown_away) {
            self.thrown_away = 0;
            self.notes.push(note(&Fact::Oddity(Oddity::PipelinedBehindStartTls { octets })));
        }
    }

    fn line(&mut self) -> Option<String> {
        self.said.pop_front()
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
        };
        let session = self.session.take().map(|session| session.secure(verb, Arc::new(facts)));
        self.session = session;
        self.next = Next::Line;
        self.reading = Reading::Line(LineDecoder::new(self.session.as_ref().unwrap().line_limit()));
        let verb = if verb == TlsVerb::StartTls { "" } else { " by X-ANONYMOUSTLS" };
        self.notes.push(format!("++ secured{verb}"));
    }

    fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

/// A fact in the words of a dialogue.
fn note(fact: &Fact) -> String {
    match fact {
        Fact::Event(event) => format!("** {} {}", event.event_id, event.parameters.join(" | ")),
        Fact::Oddity(oddity) => oddity_note(oddity),
        Fact::LoggedOn { user, mechanism } => format!("++ {user} logged on by {mechanism}"),
        Fact::LogonFailed { user, mechanism } => format!("++ {user} could not log on by {mechanism}"),
        Fact::LimitReached(limit) => format!("++ {limit:?} is reached"),
        Fact::Message(message) => {
            let recipients: Vec<String> = message
                .recipients
                .iter()
                .map(|rcpt| format!("<{}>{}", rcpt.forward_path, parameters(&rcpt.parameters)))
                .collect();
            format!(
                "++ message {} with {} from <{}>{} to {}: {}",
                message.id,
                message.protocol,
                message.mail.reverse_path,
                parameters(&message.mail.parameters),
                recipients.join(" "),
                shortened(&message.body.to_bytes().escape_ascii().to_string()),
            )
        }
    }
}

/// `NulInCommand` as `!! nul-in-command`, fields behind it as `name=value`.
fn oddity_note(oddity: &Oddity) -> String {
    let serde_json::Value::Object(fields) = serde_json::to_value(oddity).unwrap() else {
        panic!("{oddity:?} has a name")
    };
    let mut note = format!("!! {}", fields["oddity"].as_str().unwrap().replace('_', "-"));
    for (name, value) in fields.iter().filter(|(name, _)| *name != "oddity") {
        note.push_str(&format!(" {name}={value}"));
    }
    note
}

fn parameters(parameters: &impl serde::Serialize) -> String {
    match serde_json::to_string(parameters).unwrap().as_str() {
        "{}" => String::new(),
        fields => format!(" {fields}"),
    }
}

/// Enough of a content to know it by.
fn shortened(content: &str) -> String {
    match content.get(..200) {
        Some(start) => format!("\"{start}\" and so on, {} characters", content.len()),
        None => format!("\"{content}\""),
    }
}

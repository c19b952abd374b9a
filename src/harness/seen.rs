//! What a test sees of a lab: messages, conversations, events.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::exchange::Event;
use crate::journal::{
    Connector, Ending, Entry, FailedHandshake, Handshake, Logged, MessageFacts, Place, Record, SessionId,
    transcript_line,
};
use crate::session::{Message, TlsFacts};

/// A message that a connector has answered with 250.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedMessage {
    /// The name of the computer that took it.
    pub computer: String,
    /// The name of the connector that took it.
    pub connector: String,
    /// The name that connector answered with.
    pub fqdn: String,
    /// The conversation it came in.
    pub session: SessionId,
    /// The sender by MAIL FROM; empty for the null path.
    pub mail_from: String,
    /// The recipients by RCPT TO.
    pub rcpt_to: Vec<String>,
    /// What the header says it is about.
    pub subject: Option<String>,
    /// The TLS it came through; `None` means that it came in clear.
    pub tls: Option<Arc<TlsFacts>>,
    /// All that is known of it.
    pub message: Arc<Message>,
    pub(super) seq: u64,
    line: String,
}

impl ReceivedMessage {
    /// What `entry` tells of; `None` where the message has fallen out of the journal.
    pub(super) fn of(entry: &Entry, place: &Place, facts: &MessageFacts) -> Option<Self> {
        Some(Self {
            computer: place.computer.name.clone(),
            connector: place.connector.name().to_owned(),
            fqdn: fqdn(place),
            session: place.session,
            mail_from: facts.mail_from.clone(),
            rcpt_to: facts.rcpt_to.clone(),
            subject: facts.subject.clone(),
            tls: facts.tls.clone(),
            message: facts.message.upgrade()?,
            seq: entry.seq,
            line: line(entry),
        })
    }

    /// The content exactly as it was sent, without the `Received:` of the lab.
    pub fn content(&self) -> Bytes {
        let mut content = Vec::new();
        self.message.body.chunks().for_each(|chunk| content.extend_from_slice(chunk));
        content.into()
    }
}

impl fmt::Display for ReceivedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// A conversation that a receive connector has held, or still holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionSummary {
    /// Its number in the lab.
    pub session: SessionId,
    /// The computer's name.
    pub computer: String,
    /// The connector's name.
    pub connector: String,
    /// The name the connector answered with.
    pub fqdn: String,
    /// The peer.
    pub peer: SocketAddr,
    /// The TLS handshake that succeeded, with what was negotiated and presented.
    pub tls: Option<Handshake>,
    /// The TLS handshake that failed.
    pub tls_failure: Option<FailedHandshake>,
    /// How many messages came before TLS or without it.
    pub messages_in_clear: u64,
    /// How many messages came through TLS.
    pub messages_over_tls: u64,
    /// How it ended; `None` while it goes on.
    pub ending: Option<Ending>,
    /// What came of it and why, in a line.
    pub outcome: String,
    pub(super) seq: u64,
}

impl SessionSummary {
    pub(super) fn begin(place: &Place) -> Self {
        Self {
            session: place.session,
            computer: place.computer.name.clone(),
            connector: place.connector.name().to_owned(),
            fqdn: fqdn(place),
            peer: SocketAddr::new(place.remote.ip().to_canonical(), place.remote.port()),
            tls: None,
            tls_failure: None,
            messages_in_clear: 0,
            messages_over_tls: 0,
            ending: None,
            outcome: format!("session {} from {}: has not ended", place.session, place.remote),
            seq: 0,
        }
    }

    pub(super) fn note(&mut self, entry: &Entry) {
        self.seq = entry.seq;
        match &entry.record {
            Record::TlsEstablished(handshake) => self.tls = Some(Handshake::clone(handshake)),
            Record::TlsFailed(handshake) => self.tls_failure = Some(FailedHandshake::clone(handshake)),
            Record::Message(message) if message.tls.is_some() => self.messages_over_tls += 1,
            Record::Message(_) => self.messages_in_clear += 1,
            Record::Disconnected(ending) => self.ending = Some(ending.clone()),
            _ => {}
        }
    }
}

impl fmt::Display for SessionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.outcome)
    }
}

/// An event in the Application log of a computer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventLogEntry {
    /// When it was logged, by the lab's clock.
    pub time: Timestamp,
    /// The computer, as its log shows it.
    pub computer: String,
    /// The connector that it is about.
    pub connector: Option<String>,
    /// `MSExchangeTransport` or `MSExchangeFrontEndTransport`.
    pub source: &'static str,
    /// The event, with its number, level and text.
    pub event: Event,
    pub(super) seq: u64,
    line: String,
}

impl EventLogEntry {
    pub(super) fn of(entry: &Entry, logged: &Logged) -> Self {
        Self {
            time: entry.time,
            computer: logged.computer.clone(),
            connector: logged.connector.clone(),
            source: logged.source,
            event: logged.event.clone(),
            seq: entry.seq,
            line: line(entry),
        }
    }

    /// Its number, such as 12014.
    pub fn id(&self) -> u16 {
        self.event.event_id
    }
}

impl fmt::Display for EventLogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// What `entry` is in a transcript, without the mark at its beginning.
fn line(entry: &Entry) -> String {
    let line = transcript_line(entry);
    line.get(3..).unwrap_or_default().to_owned()
}

fn fqdn(place: &Place) -> String {
    match &place.connector {
        Connector::Receive(connector) => place.computer.fqdn_of(connector).to_string(),
        Connector::Send(_) => place.computer.fqdn.to_string(),
    }
}

//! A message and an event, as the journal records them.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::session::fqdn;
use crate::journal::{Entry, Logged, Record, SessionContext, SessionId, transcript_line};
use crate::session::{Message, MessageFacts};

/// A message that a connector has answered with 250, with its [`MessageFacts`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedMessage {
    /// The number of the journal entry that records it.
    pub seq: u64,
    /// The time at which it was accepted, by the lab's clock.
    pub time: Timestamp,
    /// The session it came in: computer, connector and addresses.
    pub place: Arc<SessionContext>,
    /// The whole message, with its facts: envelope, header and TLS.
    pub message: Arc<Message>,
}

impl ReceivedMessage {
    /// Returns the message that `entry` records; `None` if the journal no longer keeps it.
    pub(super) fn of(entry: &Entry, place: &Arc<SessionContext>, facts: &MessageFacts) -> Option<Self> {
        let message = facts.message.upgrade()?;
        Some(Self { seq: entry.seq, time: entry.time, place: Arc::clone(place), message })
    }

    /// Returns the name of the computer that accepted it.
    pub fn computer(&self) -> &str {
        &self.place.computer.name
    }

    /// Returns the name of the connector that accepted it.
    pub fn connector(&self) -> &str {
        self.place.connector.name()
    }

    /// Returns the name that the connector answered with.
    pub fn fqdn(&self) -> &str {
        fqdn(&self.place)
    }

    /// Returns the session it came in.
    pub fn session(&self) -> SessionId {
        self.place.session
    }

    /// Returns the content exactly as it was sent, without the `Received:` of the lab.
    pub fn content(&self) -> Bytes {
        self.message.body.to_bytes()
    }
}

impl Deref for ReceivedMessage {
    type Target = MessageFacts;

    fn deref(&self) -> &MessageFacts {
        &self.message.facts
    }
}

impl fmt::Display for ReceivedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, record) =
            (Some(Arc::clone(&self.place)), Record::Message(Arc::clone(&self.message.facts)));
        f.write_str(&line(&Entry { seq: self.seq, time: self.time, place, record }))
    }
}

/// An event in the Application log of a computer; it dereferences to the fields of [`Logged`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventLogEntry {
    /// The number of the journal entry that records it.
    pub seq: u64,
    /// The time at which it was logged, by the lab's clock.
    pub time: Timestamp,
    /// The event and the log that holds it.
    pub logged: Arc<Logged>,
}

impl EventLogEntry {
    /// Returns the event's number, such as 12014.
    pub fn id(&self) -> u16 {
        self.logged.event.event_id
    }

    /// Returns the journal entry that records it.
    pub(super) fn entry(&self) -> Entry {
        Entry { seq: self.seq, time: self.time, place: None, record: Record::Event(Arc::clone(&self.logged)) }
    }
}

impl Deref for EventLogEntry {
    type Target = Logged;

    fn deref(&self) -> &Logged {
        &self.logged
    }
}

impl fmt::Display for EventLogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(&self.entry()))
    }
}

/// Returns `entry` as a transcript shows it, without the mark at its beginning.
pub(super) fn line(entry: &Entry) -> String {
    transcript_line(entry).get(3..).unwrap_or_default().to_owned()
}

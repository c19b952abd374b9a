//! The journal of a lab: everything that happened, in order, once. Every log is a view of it.
//!
//! The views are functions of the entries: the Application log ([`event_block`], [`event_xml`]), the
//! SmtpReceive and SmtpSend protocol logs ([`ProtocolLog`], [`SendProtocolLog`]), the readable transcript
//! ([`transcript_line`]), and JSON, which is how an [`Entry`] serializes. [`observe`](crate::observe) derives
//! sessions, messages, events and verdicts from the entries.

mod entries;
mod event_log;
pub(crate) mod explain;
mod foreign_logon;
mod json;
pub(crate) mod pipelined;
mod protocol_log;
mod protocol_send;
mod protocol_tls;
pub(crate) mod record;
mod recurring;
#[cfg(test)]
pub(crate) mod sample;
mod sending;
pub(crate) mod shown;
mod tracking;
mod transcript;

pub use event_log::{event_block, event_xml};
pub use pipelined::pipelined;
pub use protocol_log::ProtocolLog;
pub use protocol_send::SendProtocolLog;
pub use record::{
    Connector, Ending, Entry, FailedHandshake, Handshake, Logged, Logon, Record, SECRET, SessionContext,
    SessionId, Stranger,
};
pub use sending::{NoTls, Tls, WhyNoTls, attempt_sentence};
pub use shown::{Secrets, recipients_in_words, safe_json, safe_text, sender_in_words, without_secret};
pub use tracking::{Tracking, TrackingEvent};
pub use transcript::{transcript, transcript_line};
pub(crate) use transcript::{write_session, write_transcript_lines};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::bounded::{Bounded, Weigh};
use crate::session::Message;
use entries::Entries;

/// The bounds of a journal; older entries and messages are dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Entries.
    pub entries: usize,
    /// Bytes of text in entries.
    pub entry_octets: usize,
    /// Messages.
    pub messages: usize,
    /// Bytes of content in messages.
    pub message_octets: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 200_000, entry_octets: 64 << 20, messages: 10_000, message_octets: 512 << 20 }
    }
}

/// A callback for every new entry, in order, before anything that the entry describes leaves the lab.
pub type Listener = Box<dyn FnMut(&Entry) + Send>;

/// A part of a journal.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// The number of entries before the first of them that the journal has dropped.
    pub dropped: u64,
}

/// The journal of one lab.
pub struct Journal(Mutex<Inner>);

struct Inner {
    entries: Entries,
    messages: Bounded<Arc<Message>>,
    listeners: Vec<Listener>,
}

impl Journal {
    /// Returns an empty journal.
    pub fn new(bounds: Bounds) -> Self {
        Self(Mutex::new(Inner {
            entries: Entries::new(bounds),
            messages: Bounded::new(bounds.messages, bounds.message_octets),
            listeners: Vec::new(),
        }))
    }

    /// Appends an entry; every read of the journal after this call sees it.
    pub fn append(&self, now: Timestamp, place: Option<&Arc<SessionContext>>, record: Record) {
        self.lock().append(now, place, record);
    }

    /// Appends a message and the entry that describes it.
    pub fn append_message(&self, now: Timestamp, place: &Arc<SessionContext>, message: Arc<Message>) {
        let facts = Arc::clone(&message.facts);
        let mut inner = self.lock();
        inner.messages.push(message);
        inner.append(now, Some(place), Record::Message(facts));
    }

    /// Calls `listener` with every entry from now on, and first with those that are still here.
    pub fn listen(&self, mut listener: Listener) {
        let mut inner = self.lock();
        inner.entries.stretch(0, usize::MAX).iter().for_each(&mut listener);
        inner.listeners.push(listener);
    }

    /// Returns the entries from number `from` on that are still here.
    pub fn entries(&self, from: u64) -> Vec<Entry> {
        self.stretch(from, usize::MAX).entries
    }

    /// Returns at most `most` entries from number `from` on, and the number of entries before them that were
    /// dropped.
    ///
    /// A reader that remembers the number of the last entry it has read follows the journal this way without a
    /// copy of what it has not read yet.
    pub fn stretch(&self, from: u64, most: usize) -> Stretch {
        let inner = self.lock();
        let dropped = inner.entries.oldest().saturating_sub(from.max(1));
        Stretch { dropped, entries: inner.entries.stretch(from, most) }
    }

    /// Returns the number of the newest entry; 0 where there is none.
    pub fn newest(&self) -> u64 {
        self.lock().entries.next() - 1
    }

    /// Returns the messages that are still here, oldest first.
    pub fn messages(&self) -> Vec<Arc<Message>> {
        self.lock().messages.iter().cloned().collect()
    }

    /// Returns the numbers of entries and of messages that were dropped.
    pub fn dropped(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.entries.oldest() - 1, inner.messages.dropped())
    }

    // A listener that panicked has spoiled nothing: its entry is not in the journal, and the next has its number.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, time: Timestamp, place: Option<&Arc<SessionContext>>, record: Record) {
        let Self { entries, listeners, .. } = self;
        entries.push(time, place.cloned(), record, |entry| {
            listeners.iter_mut().for_each(|listener| listener(entry));
        });
    }
}

/// A message weighs what its content does.
impl Weigh for Message {
    fn weight(&self) -> usize {
        usize::try_from(self.size()).unwrap_or(usize::MAX)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = self.lock();
        f.debug_struct("Journal").field("entries", &inner.entries.len()).finish_non_exhaustive()
    }
}

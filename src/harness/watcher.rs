//! Reads along with the journal and wakes whoever waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::seen::{EventLogEntry, ReceivedMessage, SessionSummary};
use crate::bounded::Bounded;
use crate::journal::{Bounds, Entry, Record, SessionId, Summaries, transcript_line};

/// What has been seen of a lab so far.
#[derive(Debug)]
pub(super) struct Watcher {
    seen: Mutex<Seen>,
    changed: Notify,
}

#[derive(Debug)]
struct Seen {
    messages: Bounded<Arc<ReceivedMessage>>,
    events: Bounded<Arc<EventLogEntry>>,
    under_way: BTreeMap<SessionId, SessionSummary>,
    ended: Bounded<Arc<SessionSummary>>,
    strangers: Bounded<String>,
    summaries: Summaries,
}

/// How many conversations and events are kept, and how many peers for whom there was no connector.
const KEPT: usize = 10_000;
const KEPT_STRANGERS: usize = 10;

impl Watcher {
    pub(super) fn new(bounds: Bounds) -> Self {
        let seen = Seen {
            messages: Bounded::new(bounds.messages, bounds.message_octets),
            events: Bounded::new(KEPT, bounds.entry_octets),
            under_way: BTreeMap::new(),
            ended: Bounded::new(KEPT, bounds.entry_octets),
            strangers: Bounded::new(KEPT_STRANGERS, bounds.entry_octets),
            summaries: Summaries::new(),
        };
        Self { seen: Mutex::new(seen), changed: Notify::new() }
    }

    /// Takes the next entry of the journal.
    pub(super) fn note(&self, entry: &Entry) {
        self.lock().note(entry);
        self.changed.notify_waiters();
    }

    /// Ends with the next entry, also where that came between this call and the first poll.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(super) fn strangers(&self) -> Vec<String> {
        self.lock().strangers.iter().cloned().collect()
    }

    // A listener that panicked leaves nothing half changed.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn note(&mut self, entry: &Entry) {
        if let Record::Event(logged) = &entry.record {
            self.events.push(Arc::new(EventLogEntry::of(entry, logged)), WEIGHT);
        }
        if let Record::NoConnector { .. } = &entry.record {
            let line = transcript_line(entry);
            self.strangers.push(line.trim_start_matches("-- ").to_owned(), WEIGHT);
        }
        let Some(place) = entry.place.as_ref().filter(|place| !place.connector.sends()) else { return };
        if let Record::Message(facts) = &entry.record
            && let Some(message) = ReceivedMessage::of(entry, place, facts)
        {
            let weight = usize::try_from(facts.size).unwrap_or(usize::MAX);
            self.messages.push(Arc::new(message), weight.saturating_add(WEIGHT));
        }
        let session = self.under_way.entry(place.session).or_insert_with(|| SessionSummary::begin(place));
        session.note(entry);
        if let Some(outcome) = self.summaries.note(entry)
            && let Some(session) = self.under_way.remove(&place.session)
        {
            self.ended.push(Arc::new(SessionSummary { outcome, ..session }), WEIGHT);
        }
    }
}

/// About how many octets a thing that was seen takes, content of messages aside.
const WEIGHT: usize = 1024;

/// A kind of thing that can be waited for.
pub(super) trait Kind: Sized + Clone + std::fmt::Display {
    /// What one and several are called.
    const NAMES: (&'static str, &'static str);

    /// What was seen or has changed after the entry of number `after`, oldest first.
    fn since(watcher: &Watcher, after: u64) -> Vec<Arc<Self>>;

    /// The number of the last entry that tells of it.
    fn seq(&self) -> u64;

    /// Whether nothing more can come of it.
    fn is_complete(&self) -> bool {
        true
    }
}

impl Kind for ReceivedMessage {
    const NAMES: (&'static str, &'static str) = ("message", "messages");

    fn since(watcher: &Watcher, after: u64) -> Vec<Arc<Self>> {
        newest(&watcher.lock().messages, after)
    }

    fn seq(&self) -> u64 {
        self.seq
    }
}

impl Kind for EventLogEntry {
    const NAMES: (&'static str, &'static str) = ("event", "events");

    fn since(watcher: &Watcher, after: u64) -> Vec<Arc<Self>> {
        newest(&watcher.lock().events, after)
    }

    fn seq(&self) -> u64 {
        self.seq
    }
}

impl Kind for SessionSummary {
    const NAMES: (&'static str, &'static str) = ("conversation", "conversations");

    fn since(watcher: &Watcher, after: u64) -> Vec<Arc<Self>> {
        let seen = watcher.lock();
        let mut sessions = newest(&seen.ended, after);
        let under_way = seen.under_way.values().filter(|session| session.seq > after);
        sessions.extend(under_way.cloned().map(Arc::new));
        sessions.sort_by_key(|session| session.seq);
        sessions
    }

    fn seq(&self) -> u64 {
        self.seq
    }

    fn is_complete(&self) -> bool {
        self.ending.is_some()
    }
}

fn newest<T: Kind>(kept: &Bounded<Arc<T>>, after: u64) -> Vec<Arc<T>> {
    let mut newest: Vec<_> = kept.iter().rev().take_while(|item| item.seq() > after).cloned().collect();
    newest.reverse();
    newest
}

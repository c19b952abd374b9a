//! An observer that follows the journal and keeps its values up to date.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::counts::Counts;
use super::seen::{EventLogEntry, ReceivedMessage, line};
use super::session::{SessionSummary, Sessions};
use super::verdict::{self, Measure, Verdict};
use crate::bounded::{Bounded, Weigh};
use crate::journal::{Bounds, Entry, Journal, Record, SessionId};

/// The observations of a lab so far.
#[derive(Debug)]
pub struct Observer {
    seen: Mutex<Seen>,
    newest: AtomicU64,
    /// The number of the newest entry, for waits; it is kept up to date only while there is one.
    changes: watch::Sender<u64>,
}

/// The number of values that an observer has dropped to stay within its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Sessions that had ended.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Events.
    pub events: u64,
}

#[derive(Debug)]
pub(crate) struct Seen {
    counts: Counts,
    sessions: Sessions,
    ended: Bounded<Arc<SessionSummary>>,
    messages: Bounded<Arc<ReceivedMessage>>,
    events: Bounded<Arc<EventLogEntry>>,
    strangers: Bounded<(u64, String)>,
    returned: Returned,
}

/// The answers that waits have returned, by the number of their newest entry; unfinished sessions by their
/// own number.
#[derive(Debug, Default)]
struct Returned {
    messages: BTreeSet<u64>,
    events: BTreeSet<u64>,
    ended: BTreeSet<u64>,
    under_way: BTreeSet<SessionId>,
}

/// The number of sessions and of events that are kept.
const KEPT: usize = 10_000;
/// The number of peers that no connector answered which are kept.
const KEPT_STRANGERS: usize = 10;

/// The approximate size of an event in bytes, and of a session without what its client has said.
const WEIGHT: usize = 1024;

impl Weigh for EventLogEntry {
    fn weight(&self) -> usize {
        WEIGHT
    }
}

/// The line about a peer that no connector answered, behind the number of its entry.
impl Weigh for (u64, String) {
    fn weight(&self) -> usize {
        WEIGHT
    }
}

impl Weigh for SessionSummary {
    fn weight(&self) -> usize {
        WEIGHT + self.text_weight()
    }
}

/// A message weighs what it does in the journal, so that both keep one set of messages.
impl Weigh for ReceivedMessage {
    fn weight(&self) -> usize {
        self.message.weight()
    }
}

impl Observer {
    /// Observes the current and future entries of `journal`. `bounds` are the journal's.
    pub fn of(journal: &Journal, bounds: Bounds) -> Arc<Self> {
        let seen = Seen {
            counts: Counts::default(),
            sessions: Sessions::default(),
            ended: Bounded::new(KEPT, bounds.entry_octets),
            messages: Bounded::new(bounds.messages, bounds.message_octets),
            events: Bounded::new(KEPT, bounds.entry_octets),
            strangers: Bounded::new(KEPT_STRANGERS, bounds.entry_octets),
            returned: Returned::default(),
        };
        let observer = Arc::new(Self {
            seen: Mutex::new(seen),
            newest: AtomicU64::new(0),
            changes: watch::Sender::new(0),
        });
        let noting = Arc::clone(&observer);
        journal.listen(Box::new(move |entry| {
            noting.lock().note(entry);
            noting.newest.store(entry.seq, Ordering::SeqCst);
            if noting.changes.receiver_count() > 0 {
                noting.changes.send_replace(entry.seq);
            }
        }));
        observer
    }

    /// Returns the number of the newest entry that was observed; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest.load(Ordering::SeqCst)
    }

    /// Returns a receiver that reports every new entry by its number.
    pub fn changes(&self) -> watch::Receiver<u64> {
        let changes = self.changes.subscribe();
        // Entries that came while there was no wait.
        self.changes.send_if_modified(|newest| {
            *newest = self.newest().max(*newest);
            false
        });
        changes
    }

    /// Returns the sessions that an entry after number `after` concerns, unfinished ones included, in the
    /// order of their newest entries.
    pub fn sessions(&self, after: u64) -> Vec<Arc<SessionSummary>> {
        all(&self.lock(), after)
    }

    /// Returns one session; `None` if it does not exist or is no longer kept.
    pub fn session(&self, session: SessionId) -> Option<Arc<SessionSummary>> {
        let seen = self.lock();
        if let Some(open) = seen.sessions.get(session) {
            return Some(Arc::clone(open));
        }
        seen.ended.iter().rev().find(|it| it.session == session).cloned()
    }

    /// Returns the session that ends with `entry`, if the lab answers it and it is still kept.
    pub fn ended_with(&self, entry: &Entry) -> Option<Arc<SessionSummary>> {
        let place = entry.place.as_ref()?;
        if !matches!(entry.record, Record::Disconnected(_)) || place.connector.sends() {
            return None;
        }
        let seen = self.lock();
        seen.ended.find_by_key(entry.seq, |session| session.seq).cloned()
    }

    /// Returns the messages after entry number `after` that are still kept, in the order in which they were
    /// accepted.
    pub fn messages(&self, after: u64) -> Vec<Arc<ReceivedMessage>> {
        all(&self.lock(), after)
    }

    /// Returns one message, by its number in the lab; `None` if it does not exist or is no longer kept.
    pub fn message(&self, id: u64) -> Option<Arc<ReceivedMessage>> {
        self.lock().messages.iter().rev().find(|it| it.id == id).cloned()
    }

    /// Returns the entry number of the oldest message that is still kept; 0 if there is none.
    pub fn oldest_message(&self) -> u64 {
        self.lock().messages.get(0).map_or(0, |oldest| oldest.seq)
    }

    /// Returns the events after entry number `after` that are still kept.
    pub fn events(&self, after: u64) -> Vec<Arc<EventLogEntry>> {
        all(&self.lock(), after)
    }

    /// Returns the numbers of the events after entry number `after` that a computer, by its name in the lab, has
    /// logged about a connector, or about no connector. Letter case does not matter.
    pub fn event_ids(&self, after: u64, computer: &str, connector: Option<&str>) -> Vec<u16> {
        let same = |known: Option<&str>| match (known, connector) {
            (Some(known), Some(connector)) => known.eq_ignore_ascii_case(connector),
            (known, connector) => known == connector,
        };
        let events = self.events(after);
        let about = events
            .iter()
            .filter(|it| it.server.eq_ignore_ascii_case(computer) && same(it.connector.as_deref()));
        about.map(|event| event.id()).collect()
    }

    /// Returns the peers after entry number `after` that no connector answered, in a line each.
    pub fn strangers(&self, after: u64) -> Vec<String> {
        let seen = self.lock();
        let lines = seen.strangers.iter().filter(|(seq, _)| *seq > after);
        lines.map(|(_, line)| line.clone()).collect()
    }

    /// Returns a verdict on each client of each receive connector, by the sessions after entry number
    /// `after`.
    pub fn verdicts(&self, after: u64, measure: Measure<'_>) -> Vec<Verdict> {
        verdict::of(self.sessions(after), measure)
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Evaluates `ask` on the counts so far, without a copy.
    pub fn count<T>(&self, ask: impl FnOnce(&Counts) -> T) -> T {
        ask(&self.lock().counts)
    }

    /// Returns how much has been dropped.
    pub fn dropped(&self) -> Dropped {
        let seen = self.lock();
        Dropped {
            sessions: seen.ended.dropped(),
            messages: seen.messages.dropped(),
            events: seen.events.dropped(),
        }
    }

    // An entry is recorded as a whole or, after a panic, not at all.
    pub(super) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn note(&mut self, entry: &Entry) {
        self.counts.note(entry);
        if let Record::Event(logged) = &entry.record {
            let event = EventLogEntry { seq: entry.seq, time: entry.time, logged: Arc::clone(logged) };
            self.events.push(Arc::new(event));
        }
        if let Record::NoConnector(_) = &entry.record {
            self.strangers.push((entry.seq, line(entry)));
        }
        if let (Record::Message(facts), Some(place)) = (&entry.record, &entry.place)
            && let Some(message) = ReceivedMessage::of(entry, place, facts)
        {
            self.messages.push(Arc::new(message));
        }
        if let Some(ended) = self.sessions.note(entry) {
            self.returned.under_way.remove(&ended.session);
            self.ended.push(ended);
        }
    }
}

/// A kind of value that can be waited for.
pub(crate) trait Kind: Clone + Weigh + fmt::Display + Sized {
    /// The noun in singular and plural.
    const NAMES: (&'static str, &'static str);

    /// Returns the complete values after entry number `after`, oldest first.
    fn complete(seen: &Seen, after: u64) -> Vec<Arc<Self>>;

    /// Returns the values that may still change.
    fn under_way(seen: &Seen, after: u64) -> Vec<Arc<Self>> {
        let _ = (seen, after);
        Vec::new()
    }

    /// Returns the number of the newest entry that concerns it.
    fn seq(&self) -> u64;

    /// Returns whether it can no longer change.
    fn is_complete(&self) -> bool {
        true
    }

    /// Returns whether it is an action of the lab itself, and not of a client.
    fn is_own(&self) -> bool {
        false
    }

    /// Returns whether a wait has returned it.
    fn is_returned(&self, seen: &Seen) -> bool;

    /// Records that a wait returns it.
    fn set_returned(&self, seen: &mut Seen);
}

/// Returns the values after entry number `after`, complete or not, in the order of their newest entries.
pub(super) fn all<T: Kind>(seen: &Seen, after: u64) -> Vec<Arc<T>> {
    let mut all = T::complete(seen, after);
    let under_way = T::under_way(seen, after);
    if !under_way.is_empty() {
        all.extend(under_way);
        all.sort_by_key(|item| item.seq());
    }
    all
}

impl Kind for ReceivedMessage {
    const NAMES: (&'static str, &'static str) = ("message", "messages");

    fn complete(seen: &Seen, after: u64) -> Vec<Arc<Self>> {
        newest(&seen.messages, after)
    }

    fn seq(&self) -> u64 {
        self.seq
    }

    fn is_returned(&self, seen: &Seen) -> bool {
        seen.returned.messages.contains(&self.seq)
    }

    fn set_returned(&self, seen: &mut Seen) {
        remember(&mut seen.returned.messages, self.seq, &seen.messages);
    }
}

impl Kind for EventLogEntry {
    const NAMES: (&'static str, &'static str) = ("event", "events");

    fn complete(seen: &Seen, after: u64) -> Vec<Arc<Self>> {
        newest(&seen.events, after)
    }

    fn seq(&self) -> u64 {
        self.seq
    }

    fn is_returned(&self, seen: &Seen) -> bool {
        seen.returned.events.contains(&self.seq)
    }

    fn set_returned(&self, seen: &mut Seen) {
        remember(&mut seen.returned.events, self.seq, &seen.events);
    }
}

impl Kind for SessionSummary {
    const NAMES: (&'static str, &'static str) = ("conversation", "conversations");

    fn complete(seen: &Seen, after: u64) -> Vec<Arc<Self>> {
        newest(&seen.ended, after)
    }

    fn under_way(seen: &Seen, after: u64) -> Vec<Arc<Self>> {
        let behind = seen.sessions.iter().filter(|session| session.seq > after);
        behind.cloned().collect()
    }

    fn seq(&self) -> u64 {
        self.seq
    }

    fn is_complete(&self) -> bool {
        self.is_over
    }

    fn is_own(&self) -> bool {
        self.sends()
    }

    fn is_returned(&self, seen: &Seen) -> bool {
        if self.is_complete() {
            seen.returned.ended.contains(&self.seq)
        } else {
            seen.returned.under_way.contains(&self.session)
        }
    }

    fn set_returned(&self, seen: &mut Seen) {
        if self.is_complete() {
            remember(&mut seen.returned.ended, self.seq, &seen.ended);
        } else if seen.sessions.get(self.session).is_some() {
            seen.returned.under_way.insert(self.session);
        }
    }
}

fn newest<T: Kind>(kept: &Bounded<Arc<T>>, after: u64) -> Vec<Arc<T>> {
    let mut newest: Vec<_> = kept.iter().rev().take_while(|item| item.seq() > after).cloned().collect();
    newest.reverse();
    newest
}

/// Records `seq`, and forgets the numbers of values that are no longer kept.
fn remember<T: Kind>(returned: &mut BTreeSet<u64>, seq: u64, kept: &Bounded<Arc<T>>) {
    returned.insert(seq);
    if let Some(oldest) = kept.get(0) {
        *returned = returned.split_off(&oldest.seq());
    }
}

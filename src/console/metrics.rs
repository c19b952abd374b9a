//! Counters for Prometheus, in its text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::response::Response;

use super::Shared;
use super::answer::typed;
use crate::journal::{Entry, Record};

/// What has been counted since the lab began; what falls out of the journal stays counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    entries: u64,
    received: u64,
    sent: u64,
    in_clear: u64,
    over_tls: u64,
    events: BTreeMap<u16, u64>,
}

impl Counts {
    /// Takes the next entry.
    pub(super) fn note(&mut self, entry: &Entry) {
        self.entries += 1;
        match &entry.record {
            Record::Connected if entry.place.as_ref().is_some_and(|place| place.connector.sends()) => {
                self.sent += 1;
            }
            Record::Connected => self.received += 1,
            Record::Message(message) if message.tls.is_some() => self.over_tls += 1,
            Record::Message(_) => self.in_clear += 1,
            Record::Event(logged) => *self.events.entry(logged.event.event_id).or_default() += 1,
            _ => {}
        }
    }

    fn text(&self, (entries, messages): (u64, u64)) -> String {
        let mut text = String::new();
        counter(
            &mut text,
            "sessions",
            "Conversations that were begun.",
            [("{direction=\"receive\"}", self.received), ("{direction=\"send\"}", self.sent)],
        );
        counter(
            &mut text,
            "messages",
            "Messages that were taken.",
            [("{security=\"clear\"}", self.in_clear), ("{security=\"tls\"}", self.over_tls)],
        );
        let events = self.events.iter().map(|(id, count)| (format!("{{event_id=\"{id}\"}}"), *count));
        counter(&mut text, "events", "Events in the Application logs.", events);
        counter(&mut text, "journal_entries", "Entries of the journal.", [("", self.entries)]);
        counter(
            &mut text,
            "journal_dropped",
            "What the journal has given up to stay within its bounds.",
            [("{kind=\"entry\"}", entries), ("{kind=\"message\"}", messages)],
        );
        text
    }
}

fn counter<L: AsRef<str>>(
    text: &mut String,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, u64)>,
) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP starttls_lab_{name}_total {help}");
    let _ = writeln!(text, "# TYPE starttls_lab_{name}_total counter");
    for (labels, value) in values {
        let _ = writeln!(text, "starttls_lab_{name}_total{} {value}", labels.as_ref());
    }
}

// A panic leaves nothing half counted.
pub(super) fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    // Before the counts are locked: a listener is called under the journal's lock and locks them then.
    let dropped = shared.lab.journal().dropped();
    let text = lock(&shared.counts).text(dropped);
    typed("text/plain; version=0.0.4; charset=utf-8", text)
}

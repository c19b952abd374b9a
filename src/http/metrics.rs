//! Counters for Prometheus, in its text format.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::Shared;
use super::answer::typed;
use crate::observe::{Counts, Dropped};

pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let observer = shared.observer();
    let text = text(&observer.counts(), shared.lab.journal().dropped(), observer.dropped());
    typed("text/plain; version=0.0.4; charset=utf-8", text)
}

/// Returns the metrics as text. `(entries, messages)` are the numbers that the journal has dropped.
fn text(counts: &Counts, (entries, messages): (u64, u64), dropped: Dropped) -> String {
    let mut text = String::new();
    counter(
        &mut text,
        "sessions",
        "Sessions that were begun.",
        [("{direction=\"receive\"}", counts.begun), ("{direction=\"send\"}", counts.sent)],
    );
    counter(
        &mut text,
        "messages",
        "Messages that were taken.",
        [("{security=\"clear\"}", counts.in_clear), ("{security=\"tls\"}", counts.over_tls)],
    );
    let events = counts.events.iter().map(|(id, count)| (format!("{{event_id=\"{id}\"}}"), *count));
    counter(&mut text, "events", "Events in the Application logs.", events);
    counter(&mut text, "journal_entries", "Entries of the journal.", [("", counts.entries)]);
    counter(
        &mut text,
        "journal_dropped",
        "What the journal has given up to stay within its bounds.",
        [
            ("{kind=\"entry\"}", entries),
            ("{kind=\"message\"}", messages),
            ("{kind=\"session\"}", dropped.sessions),
            ("{kind=\"event\"}", dropped.events),
        ],
    );
    text
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

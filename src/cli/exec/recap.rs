//! A short summary of what happened while the command ran.

use std::fmt::Write as _;

use crate::journal::{Journal, Record, transcript_line};
use crate::observe::Observer;
use crate::observe::verdict::Measure;
use crate::scenario::ROOT_SUBJECT;

/// Writes a line for each event, each message and each conversation, in order, one for each client that came
/// back in clear after TLS had failed, and one with the totals.
pub(super) fn recap(journal: &Journal, observer: &Observer) -> String {
    let mut text = String::new();
    for entry in journal.entries(1) {
        let session = entry.place.as_ref().map(|place| format!("[{}] ", place.session.0)).unwrap_or_default();
        // Writing to a String cannot fail.
        if is_worth_a_line(&entry.record) {
            let _ = writeln!(text, "{session}{}", transcript_line(&entry));
        }
        if let Some(ended) = observer.ended_with(&entry) {
            let _ = writeln!(text, "{session}=> {ended}");
        }
    }
    for verdict in observer.verdicts(0, Measure { host: None, root: Some(ROOT_SUBJECT) }) {
        if let Some(fall_back) = &verdict.fall_back {
            let _ = writeln!(text, "-- {} {}", verdict.peer, fall_back.in_words());
        }
    }
    let (entries, _) = journal.dropped();
    if entries > 0 {
        let _ = writeln!(
            text,
            "-- the journal's bounds were reached; its {entries} oldest entries are not shown"
        );
    }
    text.push_str(&sums(observer));
    text
}

/// Returns whether the record gets a line of its own. Conversations are summed up at their end, so that their
/// single lines need not be shown.
const fn is_worth_a_line(record: &Record) -> bool {
    matches!(
        record,
        Record::Event(_)
            | Record::Message(_)
            | Record::Attempt(_)
            | Record::NoConnector(_)
            | Record::Changed { .. }
            | Record::ChangeRefused { .. }
    )
}

fn sums(observer: &Observer) -> String {
    let counts = observer.counts();
    format!(
        "-- sessions: {}; messages: {}, over TLS: {}; events: {}\n",
        counts.begun,
        counts.messages(),
        counts.over_tls,
        counts.events_in_words()
    )
}

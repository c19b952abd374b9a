//! What `serve` shows to a person.

use std::fmt::Write as _;

use crate::journal::{Entry, Record, Summaries, event_block, transcript_line};
use crate::lab::Listening;
use crate::scenario::Scenario;

/// Turns entries into text for a terminal.
pub(super) struct Printer {
    introduction: String,
    summaries: Summaries,
}

impl Printer {
    pub(super) fn new(scenario: &Scenario, connectors: &[Listening]) -> Self {
        let mut text = format!("\n{}\n\n", scenario.title);
        for Listening { computer, name, fqdn, addrs, starttls, .. } in connectors {
            let addresses: Vec<_> = addrs.iter().map(ToString::to_string).collect();
            let offer = if *starttls { "offers STARTTLS" } else { "does NOT offer STARTTLS" };
            // Writing to a String cannot fail.
            let _ =
                writeln!(text, "{}  {computer}\\{name}\n  says it is {fqdn}, {offer}", addresses.join(", "));
        }
        text.push_str("\nStop with Ctrl-C.\n\n");
        Self { introduction: text, summaries: Summaries::new() }
    }

    pub(super) fn introduction(&self) -> String {
        self.introduction.clone()
    }

    pub(super) fn entry(&mut self, entry: &Entry) -> String {
        match &entry.record {
            Record::Event(logged) => format!("{}\n\n", event_block(entry.time, logged)),
            Record::Changed { what } => format!("-- changed, from the next connection on: {what}\n"),
            Record::ChangeRefused { why } => format!("-- NOT changed:\n{why}\n"),
            _ => {
                let session = entry.place.as_ref().map(|place| format!("[{}] ", place.session.0));
                let session = session.unwrap_or_default();
                let lines = transcript_line(entry);
                let mut text: String = lines.lines().map(|line| format!("{session}{line}\n")).collect();
                if let Some(summary) = self.summaries.note(entry) {
                    let _ = writeln!(text, "{session}=> {summary}\n");
                }
                text
            }
        }
    }
}

//! What `serve` shows to a person.

use std::fmt::Write as _;

use crate::journal::{Entry, Record, event_block, transcript_line};
use crate::lab::Listening;
use crate::scenario::Scenario;

/// Turns entries into text for a terminal.
pub(super) struct Printer {
    introduction: String,
}

impl Printer {
    pub(super) fn new(scenario: &Scenario, connectors: &[Listening]) -> Self {
        let mut text = format!("\n{}\n\n", scenario.title);
        for Listening { computer, name, fqdn, addrs, starttls, .. } in connectors {
            let addresses: Vec<_> = addrs.iter().map(ToString::to_string).collect();
            let offer = if *starttls { "offers STARTTLS" } else { "does NOT offer STARTTLS" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}  {computer}\\{name}\n  says it is {fqdn}, {offer}", addresses.join(", "));
        }
        text.push_str("\nStop with Ctrl-C.\n\n");
        Self { introduction: text }
    }

    pub(super) fn introduction(&self) -> String {
        self.introduction.clone()
    }

    pub(super) fn entry(&mut self, entry: &Entry) -> String {
        match &entry.record {
            Record::Event(logged) => format!("{}\n\n", event_block(entry.time, logged)),
            Record::Changed { what } => format!("-- changed, from the next connection on: {what}\n"),
            Record::ChangeRefused { why } => format!("-- NOT changed:\n{why}\n"),
            _ => match (&entry.place, transcript_line(entry)) {
                (Some(place), Some(lines)) => {
                    let session = place.session.0;
                    lines.lines().map(|line| format!("[{session}] {line}\n")).collect()
                }
                (_, lines) => lines.map(|line| format!("{line}\n")).unwrap_or_default(),
            },
        }
    }
}

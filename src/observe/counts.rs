//! The events of a lab so far, in numbers.

use std::collections::BTreeMap;

use crate::journal::{Entry, Record};

/// The numbers of sessions, messages and events since the lab began, including those that the journal has
/// dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Entries of the journal.
    pub entries: u64,
    /// Sessions that a receive connector has begun to answer.
    pub begun: u64,
    /// Those of them that have ended.
    pub ended: u64,
    /// Sessions that a Send connector has begun.
    pub sent: u64,
    /// Messages that were accepted in clear.
    pub in_clear: u64,
    /// Messages that were accepted over TLS.
    pub over_tls: u64,
    /// Events of the Application logs, by their number.
    pub events: BTreeMap<u16, u64>,
}

impl Counts {
    /// Returns the number of all messages that were accepted.
    pub fn messages(&self) -> u64 {
        self.in_clear + self.over_tls
    }

    /// Returns the numbers of the events that were logged, with commas between them, or `none`.
    pub fn events_in_words(&self) -> String {
        if self.events.is_empty() {
            return "none".to_owned();
        }
        self.events.keys().map(u16::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Counts the next entry.
    pub(super) fn note(&mut self, entry: &Entry) {
        self.entries += 1;
        let sends = entry.place.as_ref().is_some_and(|place| place.connector.sends());
        match &entry.record {
            Record::Connected if sends => self.sent += 1,
            Record::Connected => self.begun += 1,
            Record::Disconnected(_) if !sends => self.ended += 1,
            Record::Message(message) if message.tls.is_some() => self.over_tls += 1,
            Record::Message(_) => self.in_clear += 1,
            Record::Event(logged) => *self.events.entry(logged.event.event_id).or_default() += 1,
            Record::Connecting
            | Record::Sent(_)
            | Record::Received(_)
            | Record::ReceivedSecret
            | Record::SentSecret
            | Record::Content(_)
            | Record::TlsEstablished(_)
            | Record::TlsFailed(_)
            | Record::Secured(_)
            | Record::NotSecured(_)
            | Record::Attempt(_)
            | Record::Fault(_)
            | Record::Anomaly(_)
            | Record::Logon(_)
            | Record::LimitReached(_)
            | Record::Tracking(_)
            | Record::Disconnected(_)
            | Record::NoConnector(_)
            | Record::Changed { .. }
            | Record::ChangeRefused { .. } => {}
        }
    }
}

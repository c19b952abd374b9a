//! The Application logs of one stage.

use std::sync::Arc;

use jiff::Timestamp;

use super::side::Side;
use crate::exchange::cmdlet::{CausedEvent, LoggedEvent};
use crate::exchange::{
    ClientSelection, Computer, Event, InternalTransport, ReceiveConnector, SendConnector, wants_anonymous_tls,
};
use crate::scenario::{Subject, Value};

/// What was logged, each event about each subject once.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    about: Subject,
    computer: String,
    source: &'static str,
    event: Event,
}

impl Log {
    /// The numbers of the events about `subject`.
    pub(super) fn about(&self, subject: &Subject) -> Value {
        let events = self.0.iter().filter(|entry| entry.about == *subject);
        Value::events(&events.map(|entry| entry.event.event_id).collect::<Vec<_>>())
    }

    /// Logs events about a receive connector.
    pub(super) fn receiving(
        &mut self,
        computer: &Computer,
        connector: &ReceiveConnector,
        events: impl IntoIterator<Item = Event>,
    ) {
        let source = computer.event_source(Some(connector));
        for event in events {
            self.note(receive_subject(computer, connector), computer, source, event);
        }
    }

    /// Logs events about a Send connector.
    pub(super) fn sending(
        &mut self,
        computer: &Computer,
        connector: &SendConnector,
        events: impl IntoIterator<Item = Event>,
    ) {
        let source = computer.event_source(None);
        for event in events {
            self.note(send_subject(computer, connector), computer, source, event);
        }
    }

    /// Logs what loading its certificates makes a receive connector log, at the start and for each session.
    pub(super) fn load_receiving(&mut self, side: &Side<'_>, now: Timestamp) {
        self.receiving(side.computer, side.connector, side.events(now));
        if wants_anonymous_tls(side.connector) {
            self.internal(side.computer, now);
        }
    }

    /// Logs what loading its certificates makes a Send connector log, at the start and for each session.
    pub(super) fn load_sending(&mut self, computer: &Computer, connector: &SendConnector, now: Timestamp) {
        let selection = ClientSelection::of(connector, computer, now);
        self.sending(computer, connector, selection.event(connector));
        if connector.uses_anonymous_tls() {
            self.internal(computer, now);
        }
    }

    /// Logs what a command made a service log.
    pub(super) fn caused(&mut self, caused: &CausedEvent, computers: &[Arc<Computer>]) {
        if let Some(computer) = computers.iter().find(|computer| computer.name == caused.computer) {
            let about = Subject::Computer(computer.name.clone());
            self.note(about, computer, caused.event.source(computer, None), caused.event.clone());
        }
    }

    fn internal(&mut self, computer: &Computer, now: Timestamp) {
        let source = computer.event_source(None);
        if let Some(event) = InternalTransport::of(computer).event(now) {
            self.note(Subject::Computer(computer.name.clone()), computer, source, event);
        }
    }

    fn note(&mut self, about: Subject, computer: &Computer, source: &'static str, event: Event) {
        if !self.0.iter().any(|entry| entry.about == about && entry.event == event) {
            self.0.push(Entry { about, computer: computer.event_log_name().to_owned(), source, event });
        }
    }
}

/// What the transport services log when they start.
pub(super) fn of_start(computers: &[Arc<Computer>], now: Timestamp) -> Log {
    let mut log = Log::default();
    for computer in computers {
        for connector in computer.receive_connectors.iter().filter(|connector| connector.enabled) {
            log.load_receiving(&Side::of(computer, connector, now), now);
        }
        for connector in computer.send_connectors.iter().filter(|connector| connector.enabled) {
            log.load_sending(computer, connector, now);
        }
    }
    log
}

/// The log as the cmdlets read it.
pub(super) fn as_logged(log: &Log, now: Timestamp) -> Vec<LoggedEvent> {
    let entries = (1..).zip(&log.0).map(|(index, entry)| LoggedEvent {
        index,
        time: now,
        computer: entry.computer.clone(),
        source: entry.source.to_owned(),
        event: entry.event.clone(),
    });
    entries.collect()
}

pub(super) fn receive_subject(computer: &Computer, connector: &ReceiveConnector) -> Subject {
    Subject::ReceiveConnector(format!("{}\\{}", computer.name, connector.name))
}

pub(super) fn send_subject(computer: &Computer, connector: &SendConnector) -> Subject {
    Subject::SendConnector(format!("{}\\{}", computer.name, connector.name))
}

//! The lab file's `[before]` expectations about receive connectors, compared with the lab that started.

use crate::exchange::select_for;
use crate::lab::Engine;
use crate::scenario::{ABSENT, Aspect, Expectations, NONE, Observation, Scenario, Stage, Subject, Value};

/// Returns a sentence for everything that differs from the file. Call it before any client has connected: the
/// file does not describe what a peer does.
pub(super) fn differences(lab: &Engine, scenario: &Scenario) -> Vec<String> {
    let expected = of_the_start(scenario.expected(Stage::Before));
    let rows = observed(lab).compare(&expected).into_iter().filter(|row| !row.met);
    let differences = rows.filter_map(|row| {
        let observed = row.observed.map_or_else(|| ABSENT.to_owned(), |observed| observed.to_string());
        Some(format!(
            "[before] {}, {}: the file says {}, and it is {observed}",
            row.subject,
            row.aspect.as_str(),
            row.expected?
        ))
    });
    differences.collect()
}

/// Returns the expectations that hold as soon as the lab has started.
fn of_the_start(expected: Expectations) -> Expectations {
    let mut receive_connector = expected.receive_connector;
    for connector in receive_connector.values_mut() {
        connector.anonymous_tls = None;
        // Events of logons (1035) depend on the clients; those of certificates are logged at the start.
        connector.events.iter_mut().for_each(|events| events.retain(|id| is_of_certificates(*id)));
    }
    Expectations { receive_connector, ..Expectations::default() }
}

const fn is_of_certificates(event_id: u16) -> bool {
    event_id / 1000 == 12
}

/// Returns what each receive connector offers STARTTLS with, and the events about it.
fn observed(lab: &Engine) -> Observation {
    let mut rows = Vec::new();
    for computer in lab.computers() {
        for connector in &computer.receive_connectors {
            let subject = Subject::ReceiveConnector(format!("{}\\{}", computer.name, connector.name));
            let selection = select_for(connector, &computer, lab.clock().now());
            let offered = selection.offered().filter(|_| connector.enabled);
            let stored = offered.and_then(|offered| computer.store.find(offered.thumbprint));
            let label = stored.map_or(NONE, |stored| stored.label.as_str()).to_owned();
            let events = lab.observer().event_ids(0, &computer.name, Some(&connector.name));
            rows.push((subject.clone(), Aspect::Starttls, Value::Certificate(label)));
            rows.push((subject, Aspect::Events, Value::events(&events)));
        }
    }
    Observation(rows)
}

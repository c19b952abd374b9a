//! The lab file's `[before]` expectations about receive connectors, compared with the lab that started.

use crate::exchange::{Computer, ReceiveConnector, select_for};
use crate::lab::Engine;
use crate::scenario::{ABSENT, Aspect, NONE, Scenario, Stage, Subject, Value};

/// Returns a sentence for everything that differs from the file. Call it before any client has connected: the
/// file does not describe what a peer does.
pub(super) fn differences(lab: &Engine, scenario: &Scenario) -> Vec<String> {
    let mut differences = Vec::new();
    for (subject, aspect, expected) in scenario.expected(Stage::Before).each() {
        let Subject::ReceiveConnector(identity) = &subject else { continue };
        let (expected, observed) = match (aspect, &expected) {
            (Aspect::Starttls, _) => (expected, Value::Certificate(starttls(lab, identity))),
            (Aspect::Events, Value::Events(events)) => {
                // Events of logons (1035) depend on the clients; those of certificates are logged at the
                // start.
                let events: Vec<_> = events.iter().copied().filter(|id| is_of_certificates(*id)).collect();
                (Value::events(&events), Value::events(&logged(lab, identity)))
            }
            _ => continue,
        };
        if !expected.is_met_by(&observed) {
            differences.push(format!(
                "[before] {identity}, {}: the file says {expected}, and it is {observed}",
                aspect.as_str()
            ));
        }
    }
    differences
}

const fn is_of_certificates(event_id: u16) -> bool {
    event_id / 1000 == 12
}

/// Returns the label of the certificate that STARTTLS is offered with.
fn starttls(lab: &Engine, identity: &str) -> String {
    let found = find(lab, identity, |computer, connector| {
        let selection = select_for(connector, computer, lab.clock().now());
        let offered = selection.offered().filter(|_| connector.enabled);
        let stored = offered.and_then(|offered| computer.store.find(offered.thumbprint));
        stored.map_or(NONE, |stored| stored.label.as_str()).to_owned()
    });
    found.unwrap_or_else(|| ABSENT.to_owned())
}

/// Returns the events about the connector.
fn logged(lab: &Engine, identity: &str) -> Vec<u16> {
    let found = find(lab, identity, |computer, connector| {
        lab.observer().event_ids(0, computer.event_log_name(), Some(&connector.name))
    });
    found.unwrap_or_default()
}

/// Calls `ask` with the connector named `SERVER\Name`; letter case does not matter.
fn find<T>(lab: &Engine, identity: &str, ask: impl FnOnce(&Computer, &ReceiveConnector) -> T) -> Option<T> {
    let (server, name) = identity.split_once('\\')?;
    let computers = lab.computers();
    let computer = computers.iter().find(|computer| computer.name.eq_ignore_ascii_case(server))?;
    Some(ask(computer, computer.receive_connector(name)?))
}

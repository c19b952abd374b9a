//! Fault rules of a computer, out of the rows of its lab file.

use super::build::Wrong;
use super::locate::{ScenarioError, Step};
use crate::exchange::{Computer, StoredCertificate};
use crate::session::fault::{FaultError, FaultRule, FaultSpec, HandshakeAction, Presented, StageActions};

/// The rules of a computer.
pub(super) fn fault_rules(rows: &[FaultSpec], computer: &Computer) -> Result<Vec<FaultRule>, Wrong> {
    let rules = rows.iter().enumerate().map(|(index, row)| {
        let rule = fault_rule(row, computer);
        rule.map_err(|wrong| wrong.in_item("fault", index))
    });
    rules.collect()
}

/// The rules of a computer, out of rows that no file stands behind.
///
/// # Errors
///
/// What is wrong with the first row that is.
pub fn resolve_faults(rows: &[FaultSpec], computer: &Computer) -> Result<Vec<FaultRule>, ScenarioError> {
    fault_rules(rows, computer).map_err(|wrong| ScenarioError::whole("the rows", wrong.message))
}

fn fault_rule(row: &FaultSpec, computer: &Computer) -> Result<FaultRule, Wrong> {
    if let Some(name) = &row.connector
        && computer.receive_connector(name).is_none()
    {
        let known: Vec<_> = computer.receive_connectors.iter().map(|it| it.name.as_str()).collect();
        let message =
            format!("{} has no receive connector `{name}`; it has: {}", computer.name, known.join(", "));
        return Err(Wrong::at("connector", message));
    }
    let rule = row.resolve().map_err(|error| located(&error))?;
    if let StageActions::Handshake(actions) = rule.actions() {
        for action in actions {
            match action {
                HandshakeAction::Tls(settings) => {
                    settings.present.as_ref().map_or(Ok(()), |present| check_labels(present, computer))?;
                }
                HandshakeAction::Delay(_) | HandshakeAction::Flight(_) => {}
            }
        }
    }
    Ok(rule)
}

fn located(error: &FaultError) -> Wrong {
    let (key, item) = error.place();
    let mut wrong = Wrong::at(key, error.to_string());
    wrong.path.extend(item.map(Step::Index));
    wrong
}

fn check_labels(present: &Presented, computer: &Computer) -> Result<(), Wrong> {
    for label in present.labels.iter().chain(present.by_name.values()) {
        match computer.store.iter().find(|stored| stored.label == *label) {
            Some(stored) if stored.private_key.is_usable() => {}
            Some(StoredCertificate { label, .. }) => {
                let message = format!(
                    "`{label}` has no private key that can be used, and nothing is presented without one"
                );
                return Err(Wrong::at("do", message));
            }
            None => {
                let known: Vec<_> = computer.store.iter().map(|stored| stored.label.as_str()).collect();
                let (name, known) = (&computer.name, known.join(", "));
                let message = format!("{name} has no certificate `{label}`; it has: {known}");
                return Err(Wrong::at("do", message));
            }
        }
    }
    Ok(())
}

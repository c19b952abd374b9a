//! The fault rules of a computer, resolved from its lab file.

use super::locate::{ScenarioError, Step};
use super::resolve::Wrong;
use crate::exchange::Computer;
use crate::session::fault::{FaultError, FaultRule, FaultSpec, HandshakeAction, Presented, StageActions};

/// The facts that a fault rule needs about a certificate of its computer.
pub(super) struct Certificate<'a> {
    pub(super) label: &'a str,
    /// True if its private key can be used.
    pub(super) has_key: bool,
}

/// Returns the fault rules of a computer that has these certificates.
pub(super) fn fault_rules(
    rows: &[FaultSpec],
    computer: &Computer,
    certificates: &[Certificate<'_>],
) -> Result<Vec<FaultRule>, Wrong> {
    let rules = rows.iter().enumerate().map(|(index, row)| {
        let rule = fault_rule(row, computer, certificates);
        rule.map_err(|wrong| wrong.in_item("fault", index))
    });
    rules.collect()
}

/// Returns the fault rules of a computer, from specifications that do not come from a file.
///
/// # Errors
///
/// Describes what is wrong with the first invalid fault rule.
pub fn resolve_faults(rows: &[FaultSpec], computer: &Computer) -> Result<Vec<FaultRule>, ScenarioError> {
    let certificates = computer
        .store
        .iter()
        .map(|stored| Certificate { label: &stored.label, has_key: stored.private_key.is_usable() });
    let rules = fault_rules(rows, computer, &certificates.collect::<Vec<_>>());
    rules.map_err(|wrong| ScenarioError::whole("the rows", wrong.message))
}

fn fault_rule(
    row: &FaultSpec,
    computer: &Computer,
    certificates: &[Certificate<'_>],
) -> Result<FaultRule, Wrong> {
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
                    let check = |present| check_labels(present, &computer.name, certificates);
                    settings.present.as_ref().map_or(Ok(()), check)?;
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

fn check_labels(present: &Presented, computer: &str, certificates: &[Certificate<'_>]) -> Result<(), Wrong> {
    for label in present.labels.iter().chain(present.by_name.values()) {
        let message = match certificates.iter().find(|certificate| certificate.label == *label) {
            Some(Certificate { has_key: true, .. }) => continue,
            Some(Certificate { has_key: false, .. }) => {
                format!("`{label}` has no private key that can be used, and nothing is presented without one")
            }
            None => {
                let known: Vec<_> = certificates.iter().map(|certificate| certificate.label).collect();
                format!("{computer} has no certificate `{label}`; it has: {}", known.join(", "))
            }
        };
        return Err(Wrong::at("do", message));
    }
    Ok(())
}

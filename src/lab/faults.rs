//! The faults that a lab commits on purpose: reading them, and changing them while it runs.

use std::collections::HashMap;

use super::{Engine, LabError};
use crate::journal::Record;
use crate::scenario::{Built, resolve_faults};
use crate::session::fault::{FaultRule, FaultSpec};
use crate::wire::DeclaredFault;

impl Engine {
    /// Returns every fault rule, with the number of times it was done.
    pub fn faults(&self) -> Vec<DeclaredFault> {
        self.live.declared_faults()
    }

    /// Returns the fault rules that were never done and should have been, a sentence each.
    pub fn never_done(&self) -> Vec<String> {
        let undone = self.faults().into_iter().filter(|row| row.done == 0 && !row.optional);
        undone.map(|row| format!("{row}, was never done")).collect()
    }

    /// Replaces the fault rules of a computer's receive connectors, from the next connection on. The counters
    /// of unchanged rules go on.
    ///
    /// # Errors
    ///
    /// There is no such computer, or a rule is wrong. Nothing has changed then.
    pub async fn set_faults(&self, computer: &str, rows: Vec<FaultSpec>) -> Result<(), LabError> {
        let _changing = self.changing.lock().await;
        let computers = self.computers();
        let known = computers.iter().find(|known| known.name.eq_ignore_ascii_case(computer));
        let known =
            known.ok_or_else(|| LabError::Unobserved(format!("there is no computer `{computer}`")))?;
        let rules = resolve_faults(&rows, known).map_err(LabError::Scenario)?;
        let mut faults = self.live.faults();
        if rules.is_empty() {
            faults.remove(&known.name)
        } else {
            faults.insert(known.name.clone(), rules)
        };
        self.live.put_faults(faults);
        let record = Record::Changed { what: format!("{}: what is done wrong on purpose", known.name) };
        self.live.journal().append(self.live.clock().now(), None, record);
        Ok(())
    }
}

/// Returns the fault rules of the computers, by their names.
pub(super) fn faults(computers: &[Built]) -> HashMap<String, Vec<FaultRule>> {
    let some = computers.iter().filter(|built| !built.faults.is_empty());
    some.map(|built| (built.computer.name.clone(), built.faults.clone())).collect()
}

//! The state that a Shell keeps from one script to the next.

use std::collections::BTreeMap;

use super::export::Exported;
use super::host::Wanted;
use super::value::Value;

/// The state that a Shell keeps from one script to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShellState {
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) files: BTreeMap<String, Value>,
    /// Certificates that were requested and have not come yet, each with its computer.
    pub(super) requests: Vec<(String, Wanted)>,
    pub(super) exported: Exported,
}

impl ShellState {
    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(&name.to_lowercase())
    }

    /// Sets a variable.
    pub fn set_variable(&mut self, name: &str, value: Value) {
        self.variables.insert(name.to_lowercase(), value);
    }

    /// The names of the variables that have been set, for completion.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

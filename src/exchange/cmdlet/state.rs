//! The state that a Shell keeps from one script to the next.

use std::collections::BTreeMap;

use super::export::Exported;
use super::host::Wanted;
use super::run::HEAVIEST;
use super::value::Value;

/// The state that a Shell keeps from one script to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShellState {
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) files: BTreeMap<String, Value>,
    /// The size of the variables and files.
    weight: usize,
    /// Certificates that were requested and have not come yet, each with its computer.
    pub(super) requests: Vec<(String, Wanted)>,
    pub(super) exported: Exported,
}

impl ShellState {
    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(&name.to_lowercase())
    }

    /// Sets a variable. Returns false where the Shell would keep too much then.
    #[must_use]
    pub fn set_variable(&mut self, name: &str, value: Value) -> bool {
        keep(&mut self.variables, &mut self.weight, name, value)
    }

    /// Writes a file. Returns false where the Shell would keep too much then.
    #[must_use]
    pub(super) fn set_file(&mut self, path: &str, content: Value) -> bool {
        keep(&mut self.files, &mut self.weight, path, content)
    }

    /// The names of the variables that have been set, for completion.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

/// The limit on the size of all variables and files of a Shell.
pub(super) const HEAVIEST_STATE: usize = 16 * HEAVIEST;

fn keep(kept: &mut BTreeMap<String, Value>, weight: &mut usize, name: &str, value: Value) -> bool {
    let name = name.to_lowercase();
    let before = kept.get(&name).map_or(0, |value| name.len() + value.weight());
    let after = (*weight - before).saturating_add(name.len()).saturating_add(value.weight());
    if after > HEAVIEST_STATE {
        return false;
    }
    *weight = after;
    kept.insert(name, value);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_keeps_is_bounded_and_makes_room_where_it_is_replaced() {
        let mut state = ShellState::default();
        let long = || Value::text("x".repeat(HEAVIEST - 100));
        assert!((0..16).all(|number| state.set_variable(&format!("a{number}"), long())));
        assert!(!state.set_variable("more", long()) && !state.set_file("C:\\more", long()));
        assert!(state.variable("more").is_none());
        assert!(state.set_variable("A0", Value::Null) && state.set_file("C:\\more", long()));
    }
}

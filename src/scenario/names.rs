//! The names in a lab file, and suggestions for a name that leads nowhere.

use std::sync::Arc;

use crate::exchange::Computer;
use crate::nearest::nearest;

/// Returns the computer of this name, letter case aside, with its index in the file.
pub(super) fn called<'a>(name: &str, computers: &'a [Arc<Computer>]) -> Option<(usize, &'a Arc<Computer>)> {
    computers.iter().enumerate().find(|(_, computer)| computer.name.eq_ignore_ascii_case(name))
}

/// Returns the names of all computers, for an error message.
pub(super) fn known(computers: &[Arc<Computer>]) -> String {
    computers.iter().map(|computer| computer.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Splits `SERVER\Name` into the computer and the name.
pub(super) fn computer_of<'a, 'b>(
    identity: &'b str,
    computers: &'a [Arc<Computer>],
) -> Result<(&'a Arc<Computer>, &'b str), String> {
    let Some((server, name)) = identity.split_once('\\') else {
        return Err(format!("`{identity}` is no identity; write 'SERVER\\Name of the connector'"));
    };
    match called(server, computers) {
        Some((_, computer)) => Ok((computer, name)),
        None => Err(format!("there is no computer `{server}`; there are {}", known(computers))),
    }
}

/// Returns the error message that a computer has no such connector, with a suggestion.
pub(super) fn missing<'a>(
    what: &str,
    name: &str,
    computer: &Computer,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let hint = match nearest(name, known.clone()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => match known.collect::<Vec<_>>() {
            none if none.is_empty() => "; it has none".to_owned(),
            all => format!("; it has {}", all.join(", ")),
        },
    };
    format!("{} has no {what} called `{name}`{hint}", computer.name)
}

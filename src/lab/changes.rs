//! The effect of a change on clients that connect, in words.

/// Returns the differences, a line for each connector.
pub(super) fn changes(before: &[(String, String)], after: &[(String, String)]) -> Vec<String> {
    let find = |list: &[(String, String)], name: &str| {
        list.iter().find(|(known, _)| known == name).map(|(_, offer)| offer.clone())
    };
    let mut changes: Vec<String> = Vec::new();
    for (name, now) in after {
        match find(before, name) {
            Some(then) if then == *now => {}
            Some(then) => changes.push(format!("{name}: {now} (before: {then})")),
            None => changes.push(format!("{name}: new, {now}")),
        }
    }
    let gone = before.iter().filter(|(name, _)| find(after, name).is_none());
    changes.extend(gone.map(|(name, _)| format!("{name}: gone")));
    if changes.is_empty() {
        changes.push("nothing that a peer would notice in what is offered".to_owned());
    }
    changes
}

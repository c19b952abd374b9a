//! The effect of a fix, in a few rows: what is offered, and which senders are better or worse off.

use super::HEAD;
use super::rows::Rows;
use crate::report::paint::Style;
use crate::scenario::{ABSENT, Aspect, ChangeKind, Compared, Ending, Row, Subject, Tried, Value};

/// The senders that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Senders {
    /// All.
    All,
    /// Those whose message comes to something else, or fails for another reason.
    Changed,
    /// Those that are better or worse off, with only what becomes of the message afterwards.
    After,
    /// Those that are worse off; what connectors offer is left out.
    Worse,
}

/// Writes the effect on the connector of this identity, on the others, and on senders.
pub(super) fn effect(rows: &mut Rows, tried: &Tried, identity: &str, shown: Senders) {
    if let Some(refused) = &tried.refused {
        let line = refused.lines().next().unwrap_or_default();
        rows.text(
            "refused",
            HEAD,
            Some(Style::Bad),
            &format!("in the dry run these commands end with: {line}"),
        );
        return;
    }
    if shown != Senders::Worse {
        connectors(rows, tried, identity);
    }
    senders(rows, &tried.senders, shown);
}

/// Writes what the connector of this identity and the others offer.
fn connectors(rows: &mut Rows, tried: &Tried, identity: &str) {
    let mut alike: Vec<(String, Vec<String>)> = vec![(String::new(), vec![identity.to_owned()])];
    for (name, words) in changes(&tried.connectors) {
        match alike.iter_mut().find(|(known, names)| *known == words || names.contains(&name)) {
            Some((known, names)) if names.contains(&name) => *known = words,
            Some((_, names)) => names.push(name),
            None => alike.push((words, vec![name])),
        }
    }
    for (at, (words, names)) in alike.iter().enumerate() {
        let others = names.iter().filter(|name| *name != identity);
        let others: Vec<&str> = others.map(|name| beside(identity, name)).collect();
        match (at, words.as_str()) {
            (0, "") => rows.text("after it", HEAD, None, "nothing that this connector offers changes"),
            (0, words) => rows.text("after it", HEAD, None, words),
            (_, words) => rows.text("and", HEAD, None, &format!("{}: {words}", few(&others))),
        }
        if at == 0 && !others.is_empty() {
            rows.text("and", HEAD, None, &format!("the same on {}", few(&others)));
        }
    }
}

/// Returns the name of a connector, without its computer if that is the computer of `identity`.
fn beside<'a>(identity: &str, name: &'a str) -> &'a str {
    let computer = identity.split_once('\\').map_or(identity, |(computer, _)| computer);
    match name.split_once('\\') {
        Some((its, name)) if its.eq_ignore_ascii_case(computer) => name,
        Some(_) | None => name,
    }
}

/// Returns the subjects that change, each with its changes in words.
fn changes(compared: &[Compared]) -> Vec<(String, String)> {
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    for compared in compared {
        let name = compared.subject.to_string();
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, changes)) => changes.push(change(compared)),
            None => named.push((name, vec![change(compared)])),
        }
    }
    named.into_iter().map(|(name, changes)| (name, changes.join("; "))).collect()
}

fn change(compared: &Compared) -> String {
    let what = match compared.aspect {
        Aspect::Starttls => "STARTTLS",
        Aspect::AnonymousTls => "X-ANONYMOUSTLS",
        Aspect::Events => "event",
        Aspect::Presents => "presents",
        Aspect::Refusal | Aspect::Ending | Aspect::NeverDone => compared.aspect.as_str(),
    };
    format!("{what} {} -> {}", value(compared.before.as_ref()), value(compared.after.as_ref()))
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), Value::to_string)
}

/// Writes the senders in groups: those that are better off, worse off, and as before.
fn senders(rows: &mut Rows, senders: &[Compared], shown: Senders) {
    let better = |compared: &&Compared| compared.change == ChangeKind::Better && shown != Senders::Worse;
    let worse = |compared: &&Compared| compared.change == ChangeKind::Worse;
    let still = |compared: &&Compared| match (shown, compared.change) {
        (_, ChangeKind::Better | ChangeKind::Worse) => false,
        (Senders::All, ChangeKind::Same | ChangeKind::Different) => true,
        (Senders::Changed, ChangeKind::Different) => true,
        (Senders::Changed, ChangeKind::Same) => false,
        (Senders::After | Senders::Worse, ChangeKind::Same | ChangeKind::Different) => false,
    };
    let groups: [(&str, Option<Style>, Vec<&Compared>); 3] = [
        ("better", Some(Style::Good), senders.iter().filter(better).collect()),
        ("WORSE", Some(Style::Bad), senders.iter().filter(worse).collect()),
        ("still", None, senders.iter().filter(still).collect()),
    ];
    for (name, style, group) in groups {
        let words = |it: &Compared| match (shown, &it.after) {
            (Senders::After | Senders::Worse, Some(after)) => format!("-> {after}"),
            (Senders::All | Senders::Changed | Senders::After | Senders::Worse, _) => words(it),
        };
        let each = group.iter().map(|it| (it.subject.to_string(), words(it)));
        let lines = grouped(each);
        if !lines.is_empty() {
            rows.text(name, HEAD, style, &lines.join("; "));
        }
    }
}

/// Returns what becomes of the messages of senders, by their rows in a proof.
pub(super) fn endings(rows: &[Row]) -> Vec<String> {
    let each = rows.iter().filter_map(|row| match (&row.subject, &row.observed) {
        (Subject::Sender(name), Some(value)) => Some((name.clone(), value.to_string())),
        (
            Subject::Sender(_)
            | Subject::Commands
            | Subject::Computer(_)
            | Subject::ReceiveConnector(_)
            | Subject::SendConnector(_),
            _,
        ) => None,
    });
    grouped(each)
}

/// Returns names with what is said of them, those of which the same is said together.
fn grouped(each: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut alike: Vec<(String, Vec<String>)> = Vec::new();
    for (name, words) in each {
        match alike.iter_mut().find(|(known, _)| *known == words) {
            Some((_, names)) => names.push(name),
            None => alike.push((words, vec![name])),
        }
    }
    alike.iter().map(|(words, names)| format!("{} ({words})", names.join(", "))).collect()
}

/// Returns what becomes of a sender's message before and after.
fn words(compared: &Compared) -> String {
    match (&compared.before, &compared.after) {
        (Some(Value::Ending(before)), Some(Value::Ending(after))) if before == after => after.to_string(),
        (Some(Value::Ending(before)), Some(Value::Ending(after))) if before.achieved == after.achieved => {
            let Ending { achieved, result_type } = after;
            let now = result_type.map(|word| format!(", now {}", word.as_str())).unwrap_or_default();
            format!("{}{now}", achieved.as_str())
        }
        (Some(Value::Ending(before)), Some(after)) => format!("{} -> {after}", before.achieved.as_str()),
        (before, after) => format!("{} -> {}", value(before.as_ref()), value(after.as_ref())),
    }
}

/// Returns the first names, and the number of the others.
pub(super) fn few(names: &[&str]) -> String {
    const MOST: usize = 4;
    let first = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{first} and {more} more"),
        Some(_) | None => first,
    }
}

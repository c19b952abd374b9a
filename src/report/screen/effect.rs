//! The effect of a fix, in a few rows: what is offered, and which senders are better or worse off.

use super::HEAD;
use super::rows::Rows;
use crate::report::paint::Style;
use crate::scenario::{ABSENT, Aspect, ChangeKind, Compared, Ending, Subject, Tried, Value};

/// The limit on the other connectors that are named.
const MOST_OTHERS: usize = 3;

/// Writes the effect on the connector of this identity, on the others, and on senders.
pub(super) fn effect(rows: &mut Rows, tried: &Tried, identity: &str, unchanged: bool) {
    if let Some(refused) = &tried.refused {
        let line = refused.lines().next().unwrap_or_default();
        rows.text("refused", HEAD, Some(Style::Bad), &format!("the dry run of these commands ends with: {line}"));
        return;
    }
    let (here, others): (Vec<&Compared>, Vec<&Compared>) = tried.connectors.iter().partition(|it| {
        matches!(&it.subject, Subject::ReceiveConnector(name) | Subject::SendConnector(name)
            if name.eq_ignore_ascii_case(identity))
    });
    let own: Vec<String> = here.iter().map(|compared| change(compared)).collect();
    if own.is_empty() {
        rows.text("after it", HEAD, None, "nothing that this connector offers changes");
    } else {
        rows.text("after it", HEAD, None, &own.join("; "));
    }
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    for compared in others {
        let name = compared.subject.to_string();
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, changes)) => changes.push(change(compared)),
            None => named.push((name, vec![change(compared)])),
        }
    }
    for (name, changes) in named.iter().take(MOST_OTHERS) {
        rows.text("and", HEAD, None, &format!("{name}: {}", changes.join("; ")));
    }
    if let Some(more) = named.len().checked_sub(MOST_OTHERS).filter(|more| *more > 0) {
        rows.text("", HEAD, None, &format!("and {more} others"));
    }
    senders(rows, &tried.senders, unchanged);
}

fn change(compared: &Compared) -> String {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| ABSENT.to_owned(), Value::to_string);
    let what = match compared.aspect {
        Aspect::Starttls => "STARTTLS",
        Aspect::AnonymousTls => "X-ANONYMOUSTLS",
        Aspect::Events => "event",
        Aspect::Presents => "presents",
        Aspect::Refusal | Aspect::Ending | Aspect::NeverDone => compared.aspect.as_str(),
    };
    format!("{what} {} -> {}", value(&compared.before), value(&compared.after))
}

/// Writes the senders in groups: those that are better off, worse off, and as before.
fn senders(rows: &mut Rows, senders: &[Compared], unchanged: bool) {
    let groups = [
        (ChangeKind::Better, "better", Some(Style::Good)),
        (ChangeKind::Worse, "WORSE", Some(Style::Bad)),
        (ChangeKind::Different, "other", None),
        (ChangeKind::Same, "as ever", None),
    ];
    for (kind, name, style) in groups {
        if kind == ChangeKind::Same && !unchanged {
            continue;
        }
        let mut alike: Vec<(String, Vec<String>)> = Vec::new();
        for compared in senders.iter().filter(|compared| compared.change == kind) {
            let (words, sender) = (words(compared), compared.subject.to_string());
            match alike.iter_mut().find(|(known, _)| *known == words) {
                Some((_, senders)) => senders.push(sender),
                None => alike.push((words, vec![sender])),
            }
        }
        let lines: Vec<String> =
            alike.iter().map(|(words, senders)| format!("{} ({words})", senders.join(", "))).collect();
        if !lines.is_empty() {
            rows.text(name, HEAD, style, &lines.join("; "));
        }
    }
}

/// Returns what becomes of a sender's message before and after.
fn words(compared: &Compared) -> String {
    match (&compared.before, &compared.after) {
        (Some(Value::Ending(before)), Some(Value::Ending(after))) if before.achieved == after.achieved => {
            ending(*after)
        }
        (Some(Value::Ending(before)), Some(Value::Ending(after))) => {
            format!("{} -> {}", before.achieved.as_str(), ending(*after))
        }
        (before, after) => {
            let value = |value: &Option<Value>| value.as_ref().map_or(ABSENT.to_owned(), Value::to_string);
            format!("{} -> {}", value(before), value(after))
        }
    }
}

fn ending(ending: Ending) -> String {
    ending.to_string()
}

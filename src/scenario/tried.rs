//! The effect of commands: what was observed with them beside what was observed without them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;

use super::expect::{Aspect, NONE, Observation, Subject, Value};
use super::proof::Played;

/// The effect of commands that were run on a copy of a lab.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// The Shell's refusal; the lines before the one that was refused have taken effect.
    pub refused: Option<String>,
    /// The output on the screens.
    pub screen: String,
    /// The differences on the computers and their connectors; what stays the same is left out.
    pub connectors: Vec<Compared>,
    /// Every sender with the result of its message before and after, also where it stays the same.
    pub senders: Vec<Compared>,
}

/// One observation before commands and after them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The subject: a computer, a connector or a sender.
    pub subject: Subject,
    /// The aspect of the subject.
    pub aspect: Aspect,
    /// The value before; `None` where there was nothing to observe.
    pub before: Option<Value>,
    /// The value after; `None` where there is nothing to observe any more.
    pub after: Option<Value>,
    /// The direction of the change.
    pub change: ChangeKind,
}

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Nothing changes.
    Same,
    /// TLS is offered or used where it was not, mail arrives that did not, an event is logged no more.
    Better,
    /// The opposite.
    Worse,
    /// Another certificate, or other events.
    Different,
}

impl Tried {
    /// Compares the observations before commands with those of a run after them.
    pub fn new(before: &Observation, played: Played) -> Self {
        let Played { stage: _, screen, refused, observed } = played;
        let (then, now) = (by_subject(before), by_subject(&observed));
        let known = before.0.iter().map(|(subject, aspect, _)| (subject, *aspect));
        let new = observed.0.iter().map(|(subject, aspect, _)| (subject, *aspect));
        let new = new.filter(|key| !then.contains_key(key));
        let all = known.chain(new).map(|key| {
            let (before, after) = (then.get(&key).copied(), now.get(&key).copied());
            let change = ChangeKind::of(before, after);
            let (subject, aspect) = (key.0.clone(), key.1);
            Compared { subject, aspect, before: before.cloned(), after: after.cloned(), change }
        });
        let (senders, connectors): (Vec<_>, Vec<_>) =
            all.partition(|compared| matches!(compared.subject, Subject::Sender(_)));
        let changed = connectors.into_iter().filter(|compared| compared.change != ChangeKind::Same);
        Self { refused, screen, connectors: changed.collect(), senders }
    }
}

/// Returns the values by subject and aspect, of several the first.
fn by_subject(observed: &Observation) -> BTreeMap<(&Subject, Aspect), &Value> {
    observed.0.iter().rev().map(|(subject, aspect, value)| ((subject, *aspect), value)).collect()
}

impl ChangeKind {
    fn of(before: Option<&Value>, after: Option<&Value>) -> Self {
        let nothing = |value: &Value| match value {
            Value::Certificate(label) => label == NONE,
            Value::Events(events) => events.is_empty(),
            Value::Ending(_) | Value::Said(_) => false,
        };
        match (before, after) {
            (before, after) if before == after => Self::Same,
            (Some(Value::Ending(before)), Some(Value::Ending(after))) => {
                match after.achieved.cmp(&before.achieved) {
                    Ordering::Less => Self::Worse,
                    Ordering::Equal => Self::Different,
                    Ordering::Greater => Self::Better,
                }
            }
            (Some(Value::Events(events)), Some(after)) if nothing(after) && !events.is_empty() => {
                Self::Better
            }
            (Some(before), Some(Value::Events(_))) if nothing(before) => Self::Worse,
            (Some(before), Some(Value::Certificate(_))) if nothing(before) => Self::Better,
            (Some(_), Some(after)) if nothing(after) => Self::Worse,
            (Some(_) | None, Some(_) | None) => Self::Different,
        }
    }
}

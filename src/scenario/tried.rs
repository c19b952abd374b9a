//! The effect of commands: what was observed with them beside what was observed without them.

use std::cmp::Ordering;

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
        let find = |all: &Observation, subject: &Subject, aspect: Aspect| {
            let mut all = all.0.iter();
            all.find(|row| row.0 == *subject && row.1 == aspect).map(|row| row.2.clone())
        };
        let known = before.0.iter().map(|(subject, aspect, _)| (subject, *aspect));
        let new = observed.0.iter().map(|(subject, aspect, _)| (subject, *aspect));
        let new = new.filter(|(subject, aspect)| find(before, subject, *aspect).is_none());
        let all = known.chain(new).map(|(subject, aspect)| {
            let (before, after) = (find(before, subject, aspect), find(&observed, subject, aspect));
            let change = ChangeKind::of(before.as_ref(), after.as_ref());
            Compared { subject: subject.clone(), aspect, before, after, change }
        });
        let (senders, connectors): (Vec<_>, Vec<_>) =
            all.partition(|compared| matches!(compared.subject, Subject::Sender(_)));
        let changed = connectors.into_iter().filter(|compared| compared.change != ChangeKind::Same);
        Self { refused, screen, connectors: changed.collect(), senders }
    }
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

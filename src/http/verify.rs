//! The comparison of what is expected of the lab with what it does. A dry run on a copy of it shows what is
//! offered and presented, and the outcome of a message; the journal shows what was logged.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Shared;
use super::answer::{self, Answer};
use super::input::{self, Query};
use super::problem::Problem;
use crate::exchange::Computer;
use crate::lab::LabError;
use crate::observe::Observer;
use crate::scenario::{ABSENT, Aspect, Expectations, Row, Subject, Value};

/// What came of the comparison.
#[derive(Serialize, JsonSchema)]
pub(super) struct Verdict {
    /// True if everything is as expected.
    holds: bool,
    /// One row for everything that is expected: subject, aspect, expected, observed, met.
    rows: Vec<Json>,
}

pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Answer {
    let query = Query::read(query.as_deref(), &["after"])?;
    let after = query.number("after", u64::MAX)?.unwrap_or_else(|| shared.mark());
    let value: Json = input::json(body).await?;
    let groups = value.as_object().into_iter().flat_map(|groups| groups.values());
    if groups.filter_map(Json::as_object).flat_map(|group| group.values()).any(Json::is_array) {
        return Err(Problem::refused("what is expected of a thing is an object, and no list"));
    }
    let expected: Expectations = input::fits(value)?;
    let computers = shared.lab.computers();
    let lab = Arc::clone(&shared.lab);
    let observed = tokio::task::spawn_blocking(move || lab.observe()).await;
    let observed = observed.map_err(|error| LabError::Unobserved(error.to_string()))??.0;
    let logged_by = |subject: &Subject| logged(subject, &computers, shared.observer(), after);
    let rows = expected.each().into_iter().map(|(subject, aspect, expected)| {
        let observed = match aspect {
            Aspect::Events => logged_by(&subject),
            _ => observed
                .iter()
                .find(|(known, side, _)| *side == aspect && is_same(known, &subject))
                .map(|(_, _, value)| value.clone()),
        };
        let connector = matches!(subject, Subject::ReceiveConnector(_) | Subject::SendConnector(_));
        let observed = observed.or_else(|| connector.then(|| Value::Certificate(ABSENT.to_owned())));
        let met = observed.as_ref().is_some_and(|observed| expected.is_met_by(observed));
        Row { subject, aspect, expected: Some(expected), observed, met }
    });
    let rows: Vec<_> = rows.collect();
    let holds = rows.iter().all(|row| row.met);
    answer::json(&Verdict { holds, rows: rows.iter().map(|row| json!(row)).collect() })
}

/// Returns whether two subjects are the same. Names are compared without regard to letter case.
fn is_same(one: &Subject, other: &Subject) -> bool {
    match (one, other) {
        (Subject::ReceiveConnector(one), Subject::ReceiveConnector(other))
        | (Subject::SendConnector(one), Subject::SendConnector(other))
        | (Subject::Sender(one), Subject::Sender(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
}

/// Returns the events about a computer or connector behind entry number `after`; `None` where there is no
/// such thing.
fn logged(subject: &Subject, computers: &[Arc<Computer>], observer: &Observer, after: u64) -> Option<Value> {
    let identity = match subject {
        Subject::Computer(name) => name.as_str(),
        Subject::ReceiveConnector(name) | Subject::SendConnector(name) => name.as_str(),
        Subject::Commands | Subject::Sender(_) => return None,
    };
    let (name, connector) = match identity.split_once('\\') {
        Some((computer, connector)) => (computer, Some(connector)),
        None => (identity, None),
    };
    let computer = computers.iter().find(|computer| computer.name.eq_ignore_ascii_case(name))?;
    let there = match (subject, connector) {
        (Subject::ReceiveConnector(_), Some(name)) => computer.receive_connector(name).is_some(),
        (Subject::SendConnector(_), Some(name)) => computer.send_connector(name).is_some(),
        (Subject::Computer(_), None) => true,
        _ => false,
    };
    there.then(|| Value::events(&observer.event_ids(after, computer.event_log_name(), connector)))
}

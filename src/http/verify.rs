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
use crate::lab::LabError;
use crate::observe::Observer;
use crate::scenario::{ABSENT, Aspect, Expectations, Row, Subject, Value};

/// The result of the comparison.
#[derive(Serialize, JsonSchema)]
pub(super) struct Verdict {
    /// True if everything is as expected.
    holds: bool,
    /// One row for each expectation: subject, aspect, expected, observed, met.
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
    let lab = Arc::clone(&shared.lab);
    let observed = tokio::task::spawn_blocking(move || lab.observe()).await;
    let mut observed = observed.map_err(|error| LabError::Unobserved(error.to_string()))??;
    for (subject, aspect, value) in &mut observed.0 {
        if *aspect == Aspect::Events {
            *value = logged(subject, shared.observer(), after);
        }
    }
    let rows = observed.compare(&expected).into_iter().filter(|row| row.expected.is_some()).map(|row| {
        let connector = matches!(row.subject, Subject::ReceiveConnector(_) | Subject::SendConnector(_));
        let absent = || connector.then(|| Value::Certificate(ABSENT.to_owned()));
        Row { observed: row.observed.or_else(absent), ..row }
    });
    let rows: Vec<_> = rows.collect();
    let holds = rows.iter().all(|row| row.met);
    answer::json(&Verdict { holds, rows: rows.iter().map(|row| json!(row)).collect() })
}

/// Returns the events about a computer or connector behind entry number `after`.
fn logged(subject: &Subject, observer: &Observer, after: u64) -> Value {
    let identity = subject.to_string();
    let (computer, connector) = match identity.split_once('\\') {
        Some((computer, connector)) => (computer, Some(connector)),
        None => (identity.as_str(), None),
    };
    Value::events(&observer.event_ids(after, computer, connector))
}

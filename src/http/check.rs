//! The report of `check` on the lab as it is now, and what a single event of the log means by it.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{self, Answer};
use super::input::Query;
use super::problem::Problem;
use crate::exchange::{Computer, Typed};
use crate::journal::{event_block, event_xml};
use crate::lab::LabError;
use crate::observe::EventLogEntry;
use crate::report::{Report, check_only};
use crate::scenario::CommandsSpec;

/// An event of the Application log, with what it means.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventView {
    /// The entry of the journal.
    #[schemars(with = "Value")]
    entry: Arc<EventLogEntry>,
    /// Its text, as Event Viewer shows it under General.
    general: String,
    /// The whole event, as Event Viewer copies it.
    block: String,
    /// The event in a line.
    line: String,
    /// The event as XML.
    xml: String,
    /// Its meaning.
    means: String,
    /// The connector that it is about, if there is one.
    connector: Option<About>,
    /// The advice in its text that would change nothing now, and why.
    #[schemars(with = "Vec<Value>")]
    useless: Value,
    /// The fixes that `check` proposes for the connector as it is now.
    #[schemars(with = "Vec<Value>")]
    fixes: Value,
}

/// A connector, by its computer's name and its own.
#[derive(Serialize, JsonSchema)]
pub(super) struct About {
    /// The computer's name.
    computer: String,
    /// The connector's name.
    name: String,
    /// True for a Send connector.
    sends: bool,
}

pub(super) async fn check(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::read(query.as_deref(), &["computer", "connector"])?;
    let only = |name: &str| query.get(name).map(str::to_owned);
    let report = report(&shared, only("computer"), only("connector")).await?;
    answer::json(&view(&report))
}

pub(super) async fn event(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let events = shared.observer().events(shared.mark());
    let found = events.into_iter().find(|event| event.seq.to_string() == id);
    let event = found.ok_or_else(|| {
        Problem::unknown(format!("the journal holds no event `{id}`; /api/v1/events lists them"))
    })?;
    let connector = about(&shared.lab.computers(), &event);
    let (mut useless, mut fixes) = (json!([]), json!([]));
    if let Some(About { computer, name, .. }) = &connector {
        let report = report(&shared, Some(computer.clone()), Some(name.clone())).await?;
        let view = view(&report);
        if let Some(connector) = report.connectors.first() {
            let same = connector.events.iter().find(|other| other.event_id == event.id());
            useless = json!(same.map(|same| &same.useless[..]).unwrap_or_default());
            fixes = view["connectors"][0]["fixes"].clone();
        } else if !report.send_connectors.is_empty() {
            fixes = view["send_connectors"][0]["fixes"].clone();
        }
    }
    answer::json(&EventView {
        general: event.event.message(),
        block: event_block(event.time, &event.logged),
        line: event.to_string(),
        xml: event_xml(event.seq, event.time, &event.logged),
        means: event.event.means(),
        connector,
        useless,
        fixes,
        entry: event,
    })
}

/// Returns the connector that an event is about, as far as it is still there.
fn about(computers: &[Arc<Computer>], event: &EventLogEntry) -> Option<About> {
    let computer = computers.iter().find(|computer| computer.event_log_name() == event.computer)?;
    let connector = event.connector.as_deref()?;
    let about = |name: &str, sends| About { computer: computer.name.clone(), name: name.to_owned(), sends };
    let receiving = computer.receive_connector(connector).map(|found| about(&found.name, false));
    receiving.or_else(|| computer.send_connector(connector).map(|found| about(&found.name, true)))
}

/// Checks the lab, or a part of it. Every fix is tried in the Shell, which takes its time, on another thread.
async fn report(
    shared: &Shared,
    computer: Option<String>,
    connector: Option<String>,
) -> Result<Report, Problem> {
    let (built, now) = (shared.lab.built(), shared.lab.clock().now());
    let checking = tokio::task::spawn_blocking(move || {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name))
        };
        check_only(&built, now, |on, name| is(&computer, on) && is(&connector, name))
    });
    Ok(checking.await.map_err(|error| LabError::Unobserved(error.to_string()))?)
}

/// Returns the report with the computer's and the connector's names beside each identity, and with what is
/// typed for each fix.
fn view(report: &Report) -> Value {
    let mut view = json!(report);
    let receiving = report.connectors.iter().map(|connector| {
        let typed: Vec<_> = connector.fixes.iter().map(|fix| &fix.typed).collect();
        (&connector.identity, typed)
    });
    name_all(&mut view["connectors"], receiving);
    if !report.send_connectors.is_empty() {
        let sending = report.send_connectors.iter().map(|connector| {
            let typed: Vec<_> = connector.fixes.iter().map(|fix| &fix.typed).collect();
            (&connector.identity, typed)
        });
        name_all(&mut view["send_connectors"], sending);
    }
    view
}

fn name_all<'a>(views: &mut Value, connectors: impl Iterator<Item = (&'a String, Vec<&'a Typed>)>) {
    let views = views.as_array_mut().into_iter().flatten();
    for (view, (identity, fixes)) in views.zip(connectors) {
        let (computer, name) = identity.split_once('\\').unwrap_or_default();
        view["computer"] = json!(computer);
        view["name"] = json!(name);
        for (fix, typed) in view["fixes"].as_array_mut().into_iter().flatten().zip(fixes) {
            let CommandsSpec { run, answers, .. } = CommandsSpec::typed(computer, typed);
            fix["typed"] = json!({ "line": run, "answers": answers });
        }
    }
}

/// Returns the schema of the report.
pub(super) fn schema() -> Value {
    let list = |of: &str| {
        json!({
            "type": "array",
            "description": of,
            "items": {
                "type": "object",
                "properties": {
                    "computer": { "type": "string" },
                    "name": { "type": "string" },
                    "identity": { "type": "string", "description": "SERVER\\Name" },
                    "verdict": { "type": "string", "description": "The state of STARTTLS, in a sentence." },
                    "cause": { "type": "string" },
                    "certificates": { "type": "array", "items": { "type": "object" } },
                    "events": { "type": "array", "items": { "type": "object" } },
                    "fixes": { "type": "array", "items": { "type": "object" } },
                },
                "required": ["computer", "name", "identity", "verdict", "cause", "certificates", "events", "fixes"],
            },
        })
    };
    json!({
        "type": "object",
        "description": "The report of `starttls-lab check --output json` on the lab as it is now.",
        "properties": {
            "at": { "type": "string" },
            "connectors": list("The receive connectors."),
            "send_connectors": list("The Send connectors; omitted where there are none."),
        },
        "required": ["at", "connectors"],
    })
}

//! A run of the lab's scenario in memory: before, every wrong fix, every fix, told stage by stage.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Shared;
use super::catalogue;
use super::input;
use super::problem::Problem;
use crate::journal::safe_json;
use crate::lab::{LabError, Plan};
use crate::pki::SharedKeys;
use crate::report::proof::{differences, stage_words, verdict};
use crate::scenario::{ProvedStage, ScenarioText, Stage};

/// The scenario to be run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunSpec {
    /// A built-in scenario by its name; if omitted, that of the lab file that was loaded last.
    #[serde(default)]
    name: Option<String>,
}

pub(super) async fn run(State(shared): State<Arc<Shared>>, body: Body) -> Result<Response, Problem> {
    let RunSpec { name } = input::json(body).await?;
    let text = match &name {
        Some(name) => catalogue::named(name)?,
        None => shared.lab.text(),
    };
    let place = Arc::clone(&shared.running).try_acquire_owned();
    let place =
        place.map_err(|_| Problem::conflict("a scenario is being run; wait for its end, or end it"))?;
    let (tell, told) = mpsc::unbounded_channel();
    tokio::task::spawn_blocking(move || {
        let name = name.unwrap_or_else(|| text.origin().to_owned());
        let last = match stages(&text, &name, &tell) {
            Ok(done) => done,
            Err(error) => Some(event("failed", &json!({ "detail": error.to_string() }))),
        };
        // If nobody listens any more, nobody misses it.
        last.map(|last| tell.send(last));
        drop(place);
    });
    let events = stream::unfold((told, shared), |(mut told, shared)| async move {
        let event = tokio::select! {
            biased;
            () = shared.stop.cancelled() => None,
            event = told.recv() => event,
        };
        Some((Ok::<_, Infallible>(event?), (told, shared)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Runs every stage and tells of its beginning and of its end. Returns the last event; nothing if nobody
/// listens any more.
fn stages(
    text: &ScenarioText,
    name: &str,
    tell: &mpsc::UnboundedSender<Event>,
) -> Result<Option<Event>, LabError> {
    let plan = Plan::with_keys(text, &mut SharedKeys::default().of_a_lab())?;
    let all = text.scenario.stages();
    let number = |stage: Stage| all.iter().position(|known| *known == stage);
    let tell = |value: &Value| match tell.send(event("stage", value)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let begins = |stage: Stage| {
        let (stage, index) = (stage_words(stage), number(stage));
        tell(&json!({ "stage": stage, "index": index, "of": all.len(), "state": "running" }))
    };
    let ended = |proved: &ProvedStage| {
        let mut value = json!(proved);
        if let Value::Object(members) = &mut value {
            members.insert("stage".to_owned(), json!(stage_words(proved.stage)));
            members.insert("index".to_owned(), json!(number(proved.stage)));
            members.insert("of".to_owned(), json!(all.len()));
            members.insert("state".to_owned(), json!("done"));
        }
        tell(&value)
    };
    let proof = plan.dry_run_by_stage(name, begins, ended)?;
    Ok(proof.map(|proof| {
        event(
            "done",
            &json!({
                "name": proof.name, "title": proof.title, "holds": proof.holds(), "verdict": verdict(&proof),
                "differences": differences(&proof), "proof": proof,
            }),
        )
    }))
}

fn event(name: &'static str, value: &Value) -> Event {
    Event::default().event(name).data(safe_json(value.to_string()))
}

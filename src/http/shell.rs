//! The endpoints that change the lab as a whole: cmdlets, another lab file, and the reset.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::answer::{Answer, json};
use super::catalogue;
use super::input;
use super::problem::Problem;
use super::resources::find;
use crate::exchange::Computer;
use crate::lab::{ConnectorChange, Ending, Entered};
use crate::scenario::{AnswerSpec, ScenarioText};

/// Cmdlets to be typed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Typing {
    /// The cmdlets, as they are typed.
    line: String,
    /// The computer whose Shell it is; if omitted, the only one.
    #[serde(default)]
    computer: Option<String>,
    /// The answers to the questions they ask, in order.
    #[serde(default)]
    answers: Vec<AnswerSpec>,
    /// True if a person types: a question without an answer leaves everything as it is, and comes back as
    /// `question`; the same line with the answer goes on.
    #[serde(default)]
    ask: bool,
}

/// The text on the screen afterwards, and what has changed.
#[derive(Serialize, JsonSchema)]
pub(super) struct Screen {
    /// The computer whose Shell it was.
    computer: String,
    /// The text on the screen.
    output: String,
    /// True if something in the lab is different, whether or not a connector shows it.
    changed: bool,
    /// The connectors that are different.
    changes: Vec<ConnectorChange>,
    /// The number of the journal's newest entry.
    seq: u64,
}

/// The result of a change.
#[derive(Serialize, JsonSchema)]
pub(super) struct Changed {
    /// The differences, one line for each connector.
    changes: Vec<String>,
    /// The number of the journal's newest entry; after a reset, views begin behind it or a little before.
    seq: u64,
}

pub(super) async fn cmdlets(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let Typing { line, computer, answers, ask } = input::json(body).await?;
    let on = shell_of(&shared.lab.computers(), computer.as_deref())?;
    let Entered { screen: output, changed, changes, ending } = if ask {
        shared.lab.enter(&on, &line, &answers).await?
    } else {
        shared.lab.enter_at_once(&on, &line, &answers).await?
    };
    let refused = |why: String| {
        let changes = serde_json::to_value(&changes).unwrap_or_default();
        Problem::refused(why)
            .with("output", output.as_str())
            .with("changed", changed)
            .with("changes", changes)
    };
    match ending {
        Ending::Done => {
            json(&Screen { computer: on, output, changed, changes, seq: shared.observer().newest() })
        }
        Ending::Refused(error) => Err(refused(error.to_string()).with("shown", error.at_prompt())),
        Ending::Asks(prompt) => Err(refused(prompt.text.clone()).with("question", prompt.text)),
        Ending::Unasked(why) => Err(refused(why)),
    }
}

/// Returns the name of the computer whose Shell is meant: the one that is named, else the only one.
pub(super) fn shell_of(computers: &[Arc<Computer>], named: Option<&str>) -> Result<String, Problem> {
    match (named, computers) {
        (Some(name), computers) => Ok(find(computers, name)?.name.clone()),
        (None, [only]) => Ok(only.name.clone()),
        (None, several) => {
            let known: Vec<_> = several.iter().map(|it| it.name.as_str()).collect();
            let detail = format!("say whose Shell it is: `computer` is one of {}", known.join(", "));
            Err(Problem::refused(detail))
        }
    }
}

/// A built-in scenario or an entry of the catalogue, to be loaded by its name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ByName {
    /// The name.
    name: String,
}

/// Puts a lab file in place; one of the built-in ones as the lab is at its start, with what is logged then.
pub(super) async fn scenario(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let body = input::text(body).await?;
    if let Ok(ByName { name }) = serde_json::from_str(&body) {
        let changes = shared.lab.reset(&catalogue::named(&name)?, || {}).await?;
        return json(&Changed { changes, seq: shared.observer().newest() });
    }
    let text = ScenarioText::parse(&body, "the body").map_err(|error| {
        let problem = Problem::refused(error.to_string());
        error.line().map_or_else(|| Problem::refused(error.to_string()), |line| problem.with("line", line))
    })?;
    let changes = shared.lab.change(&text).await?;
    json(&Changed { changes, seq: shared.observer().newest() })
}

pub(super) async fn reset(State(shared): State<Arc<Shared>>) -> Answer {
    let mark = || shared.mark.store(shared.observer().newest(), Ordering::SeqCst);
    let changes = shared.lab.reset(&shared.start, mark).await?;
    json(&Changed { changes, seq: shared.observer().newest() })
}

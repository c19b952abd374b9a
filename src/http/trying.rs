//! The effect of cmdlets, or of a fix that `check` proposes, found on a copy of the lab.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{self, Answer};
use super::input;
use super::limits::{MOST_TRIALS, too_many};
use super::problem::Problem;
use super::shell::shell_of;
use crate::lab::{LabError, Plan};
use crate::report::check_only;
use crate::scenario::{AnswerSpec, CommandsSpec, Tried};

/// Cmdlets, or a fix, to be tried.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrySpec {
    /// The cmdlets, as they are typed; omitted where there is a `fix`.
    #[serde(default)]
    line: Option<String>,
    /// The computer whose Shell it is; if omitted, the only one.
    #[serde(default)]
    computer: Option<String>,
    /// The answers to the questions they ask, in order.
    #[serde(default)]
    answers: Vec<AnswerSpec>,
    /// The connector that senders send to, as `SERVER\\Name`: where none of the lab's senders does, the usual
    /// ones are added. A fix is one of this connector.
    #[serde(default)]
    connector: Option<String>,
    /// The index of a fix in the report of `/api/v1/check` on the connector; it brings its answers and files.
    #[serde(default)]
    fix: Option<usize>,
}

pub(super) async fn attempt(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let TrySpec { line, computer, answers, connector, fix } = input::json(body).await?;
    let plan = shared.lab.plan();
    let place = Arc::clone(&shared.trials).try_acquire_owned();
    let place = place.map_err(|_| too_many("trials under way", MOST_TRIALS))?;
    let trying: Box<dyn FnOnce() -> Result<Tried, Problem> + Send> = match (line, fix, connector) {
        (Some(line), None, connector) => {
            let on = shell_of(&shared.lab.computers(), computer.as_deref())?;
            let commands = [CommandsSpec { answers, ..CommandsSpec::new(on, line) }];
            Box::new(move || Ok(plan.trials()?.commands(&commands, connector.as_deref())?))
        }
        (None, Some(fix), Some(connector)) => Box::new(move || try_fix(&plan, &connector, fix)),
        (None, Some(_), None) => return Err(Problem::refused("say whose fix it is: `connector`")),
        (Some(_), Some(_), _) => return Err(Problem::refused("it is either a `line` or a `fix`")),
        (None, None, _) => return Err(Problem::refused("say what is to be tried: a `line` or a `fix`")),
    };
    let tried = tokio::task::spawn_blocking(move || {
        let tried = trying();
        drop(place);
        tried
    });
    answer::json(&tried.await.map_err(|error| LabError::Unobserved(error.to_string()))??)
}

/// Tries a fix of the connector with this identity, of either kind.
fn try_fix(plan: &Plan, identity: &str, fix: usize) -> Result<Tried, Problem> {
    let is = |computer: &str, name: &str| identity.eq_ignore_ascii_case(&format!("{computer}\\{name}"));
    let report = check_only(&plan.computers, plan.clock.now(), is);
    let mut tried = None;
    if let Some(connector) = report.connectors.first() {
        let fixes = connector.fixes.get(fix).into_iter();
        tried = plan.trials()?.fixes(&connector.identity, fixes)?.pop();
    } else if let Some(connector) = report.send_connectors.first() {
        let mut trials = plan.trials()?;
        tried = connector.fixes.get(fix).map(|fix| trials.send_fix(fix)).transpose()?;
    }
    tried.ok_or_else(|| Problem::unknown(format!("check proposes no fix {fix} for a connector `{identity}`")))
}

/// Returns the schema of the effect.
pub(super) fn schema() -> Value {
    let compared = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "subject": { "type": "object", "description": "A computer, a connector or a sender." },
                "aspect": { "type": "string" },
                "before": {},
                "after": {},
                "change": { "enum": ["same", "better", "worse", "different"] },
            },
            "required": ["subject", "aspect", "before", "after", "change"],
        },
    });
    json!({
        "type": "object",
        "description": "The effect of commands that were run on a copy of the lab.",
        "properties": {
            "refused": { "type": ["string", "null"], "description": "The refusal of the Shell, in its words." },
            "screen": { "type": "string" },
            "connectors": compared,
            "senders": compared,
        },
        "required": ["refused", "screen", "connectors", "senders"],
    })
}

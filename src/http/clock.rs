//! The lab's clock, advanced from outside.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::answer::{Answer, json};
use super::input;
use super::problem::Problem;

/// The time by which the clock is advanced.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    /// A duration as ISO 8601 has it, such as `PT5M`, or shorter: `5m`, `1h 30m`, `36h`.
    #[schemars(with = "String")]
    advance: SignedDuration,
}

/// The clock after it was advanced.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClockView {
    /// The time in the lab.
    #[schemars(with = "String")]
    now: Timestamp,
    /// The number of the journal's newest entry.
    seq: u64,
}

pub(super) async fn advance(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let Advance { advance } = input::json(body).await?;
    let by = advance.try_into().map_err(|_| {
        Problem::refused(format!("`advance` is {advance}, and a clock is advanced, never set back"))
    })?;
    let now = shared.lab.advance(by);
    json(&ClockView { now, seq: shared.observer().newest() })
}

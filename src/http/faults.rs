//! The endpoints of fault rules.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::answer::{Answer, json};
use super::input;
use super::problem::Problem;
use super::resources::find;
use crate::lab::Engine;
use crate::session::fault::FaultSpec;
use crate::wire::DeclaredFault;

/// Fault rules, as a lab file has them under `[[computer.fault]]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultRows {
    /// The rules; the first that matches applies.
    fault: Vec<FaultSpec>,
}

/// A fault rule, and the number of times that it fired.
#[derive(Serialize, JsonSchema)]
pub(super) struct FaultView {
    /// The computer's name.
    computer: String,
    /// The index of the rule among those of the computer, counted from 1.
    row: usize,
    /// The number of times that the rule fired.
    done: u64,
    /// The rule.
    fault: FaultSpec,
}

impl From<DeclaredFault> for FaultView {
    fn from(row: DeclaredFault) -> Self {
        let DeclaredFault { computer, row, done, fault, .. } = row;
        Self { computer, row, done, fault }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Answer {
    json(&views(&shared.lab, None))
}

pub(super) async fn set(State(shared): State<Arc<Shared>>, Path(name): Path<String>, body: Body) -> Answer {
    let FaultRows { fault } = input::json(body).await?;
    let computer = find(&shared.lab.computers(), &name)?.name.clone();
    let set = shared.lab.set_faults(&computer, fault).await;
    set.map_err(|error| Problem::refused(error.to_string()))?;
    json(&views(&shared.lab, Some(&computer)))
}

fn views(lab: &Engine, computer: Option<&str>) -> Vec<FaultView> {
    let rows = lab.faults().into_iter();
    rows.filter(|row| computer.is_none_or(|name| row.computer == name)).map(FaultView::from).collect()
}

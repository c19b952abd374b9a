//! The lab and its computers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, json, typed};
use super::openapi::openapi;
use super::problem::Problem;
use crate::exchange::{Computer, Profile, Role};

/// The lab.
#[derive(Serialize, JsonSchema)]
pub(super) struct LabView {
    /// The scenario, in one line.
    title: String,
    /// The identity of the lab: the thumbprint of its root certificate.
    instance: String,
    /// The program's version.
    version: &'static str,
    /// The time in the lab.
    now: String,
    /// The number of the journal's newest entry.
    seq: u64,
    /// The number of changes to the marks on messages (read, removed): another one means that lists have changed.
    marks: u64,
    /// The names of its computers.
    computers: Vec<String>,
}

/// A computer.
#[derive(Serialize, JsonSchema)]
pub(super) struct ComputerView {
    /// The NetBIOS name.
    name: String,
    /// The physical FQDN.
    fqdn: String,
    /// The server role.
    role: Role,
    /// The Exchange version that it runs.
    profile: Profile,
    /// The thumbprint of the internal transport certificate that is published.
    internal_transport_certificate: Option<String>,
    /// The domains anonymous peers may send to; none for all.
    accepted_domains: Vec<String>,
    /// The organization it belongs to.
    organization: String,
    /// Of an Edge: the server that it is subscribed to.
    subscribed_to: Option<String>,
    /// The names of its receive connectors.
    receive_connectors: Vec<String>,
    /// The names of its Send connectors.
    send_connectors: Vec<String>,
    /// The labels of its certificates.
    certificates: Vec<String>,
}

impl ComputerView {
    fn of(computer: &Computer) -> Self {
        Self {
            name: computer.name.clone(),
            fqdn: computer.fqdn.to_string(),
            role: computer.role,
            profile: computer.profile,
            internal_transport_certificate: computer.internal_transport_certificate.map(|it| it.to_string()),
            accepted_domains: computer.accepted_domains.iter().map(ToString::to_string).collect(),
            organization: computer.organization.clone(),
            subscribed_to: computer.subscribed_to.clone(),
            receive_connectors: computer.receive_connectors.iter().map(|it| it.name.clone()).collect(),
            send_connectors: computer.send_connectors.iter().map(|it| it.name.clone()).collect(),
            certificates: computer.store.iter().map(|it| it.label.clone()).collect(),
        }
    }
}

/// Returns the computer of this name, letter case aside.
pub(super) fn find<'a>(computers: &'a [Arc<Computer>], name: &str) -> Result<&'a Arc<Computer>, Problem> {
    let found = computers.iter().find(|computer| computer.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let known: Vec<_> = computers.iter().map(|computer| computer.name.as_str()).collect();
        Problem::unknown(format!("there is no computer `{name}`; there are: {}", known.join(", ")))
    })
}

pub(super) async fn livez() -> Response {
    typed("text/plain; charset=utf-8", "ok\n")
}

pub(super) async fn readyz(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    if shared.stop.is_cancelled() {
        return Err(ending());
    }
    Ok(typed("text/plain; charset=utf-8", "ready\n"))
}

/// Returns the problem for a lab that is ending.
pub(super) fn ending() -> Problem {
    Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "the lab comes to its end")
}

pub(super) async fn document() -> Answer {
    json(&openapi())
}

pub(super) async fn lab(State(shared): State<Arc<Shared>>) -> Answer {
    json(&LabView {
        title: shared.lab.text().scenario.title,
        instance: shared.instance.clone(),
        version: env!("CARGO_PKG_VERSION"),
        now: format!("{:.3}", shared.lab.clock().now()),
        seq: shared.observer().newest(),
        marks: shared.marks.changes(),
        computers: shared.lab.computers().iter().map(|computer| computer.name.clone()).collect(),
    })
}

pub(super) async fn computers(State(shared): State<Arc<Shared>>) -> Answer {
    json(&shared.lab.computers().iter().map(|computer| ComputerView::of(computer)).collect::<Vec<_>>())
}

pub(super) async fn computer(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Answer {
    json(&ComputerView::of(find(&shared.lab.computers(), &name)?))
}

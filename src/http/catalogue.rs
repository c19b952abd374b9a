//! The built-in scenarios and the fault catalogue, to be put in place by name.

use std::sync::{Arc, OnceLock};

use axum::extract::{Path, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, json, typed};
use super::problem::Problem;
use crate::scenario::{
    Acceptance, ENTRIES, SCENARIOS, ScenarioText, ServerTrust, built_in, suggest_built_in,
};
use crate::session::fault::FaultSpec;

/// The built-in scenarios and the fault catalogue.
#[derive(Serialize, JsonSchema)]
pub(super) struct CatalogueView {
    /// The built-in scenarios, the seed first.
    scenarios: Vec<ScenarioView>,
    /// The fault catalogue, group by group.
    faults: Vec<CatalogueEntryView>,
}

/// A built-in scenario.
#[derive(Serialize, JsonSchema)]
pub(super) struct ScenarioView {
    /// Its name.
    name: &'static str,
    /// The scenario, in one line.
    title: String,
    /// The Exchange version of each of its computers.
    profiles: Vec<String>,
}

/// An entry of the fault catalogue.
#[derive(Serialize, JsonSchema)]
pub(super) struct CatalogueEntryView {
    /// Its name.
    name: &'static str,
    /// The fault, in one line.
    title: String,
    /// Its topic: names, trust, starttls, policy or smtp.
    group: &'static str,
    /// Other names of it.
    aliases: Vec<String>,
    /// The sections that it is about.
    rfc: Vec<String>,
    /// The server's behavior on the wire, in a sentence.
    wire: String,
    /// The value of TLS with this server to a client that verifies.
    tls: ServerTrust,
    /// The server's acceptance of mail from a client that follows the rules.
    mail: Acceptance,
    /// The stages of the session at which its fault rules act.
    stages: Vec<&'static str>,
    /// Its fault rules, for any computer; none where the fault is one of configuration, which takes its whole
    /// lab file.
    fault: Vec<FaultSpec>,
}

pub(super) async fn list() -> Answer {
    // Every lab file is read for it, which takes its time and does not change.
    static CATALOGUE: OnceLock<CatalogueView> = OnceLock::new();
    json(CATALOGUE.get_or_init(read))
}

pub(super) async fn show(
    State(_): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let found = built_in(&name).ok_or_else(|| unknown(&name))?;
    Ok(typed("application/toml", found.text))
}

/// Returns the built-in lab file of this name.
pub(super) fn named(name: &str) -> Result<ScenarioText, Problem> {
    let found = built_in(name).ok_or_else(|| unknown(name))?;
    ScenarioText::parse(found.text, found.name).map_err(|error| Problem::refused(error.to_string()))
}

fn unknown(name: &str) -> Problem {
    let hint = match suggest_built_in(name) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "/api/v1/catalogue lists them".to_owned(),
    };
    Problem::unknown(format!("no scenario or entry of the catalogue is called `{name}`; {hint}"))
}

fn read() -> CatalogueView {
    // A built-in file that could not be read fails the tests of the catalogue, and would be left out here.
    let scenarios = SCENARIOS.iter().filter_map(|built_in| {
        let scenario = ScenarioText::parse(built_in.text, built_in.name).ok()?.scenario;
        let profiles = scenario.computer.iter().map(|computer| computer.profile.to_string());
        Some(ScenarioView { name: built_in.name, profiles: profiles.collect(), title: scenario.title })
    });
    let faults = ENTRIES.iter().filter_map(|entry| {
        let scenario = entry.read().ok()?.scenario;
        let spec = scenario.entry?;
        let rules = scenario.computer.into_iter().flat_map(|computer| computer.fault);
        let fault: Vec<_> = rules.map(|rule| FaultSpec { connector: None, ..rule }).collect();
        let mut stages: Vec<_> = fault.iter().map(|rule| rule.at.as_str()).collect();
        stages.dedup();
        Some(CatalogueEntryView {
            name: entry.scenario.name,
            title: scenario.title,
            group: entry.group.as_str(),
            aliases: spec.aliases,
            rfc: spec.rfc,
            wire: spec.wire,
            tls: spec.tls,
            mail: spec.mail,
            stages,
            fault,
        })
    });
    CatalogueView { scenarios: scenarios.collect(), faults: faults.collect() }
}

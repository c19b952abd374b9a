//! One scenario over sockets and in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::scenario::{Proof, ScenarioText};

/// Every row of every stage: what was observed, and what it was compared with.
fn rows(proof: &Proof) -> Vec<String> {
    let stages = proof.stages.iter();
    let rows = stages.flat_map(|stage| stage.rows.iter().map(move |row| (stage, row))).map(|(stage, row)| {
        let words = |value: &Option<_>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        let (expected, observed) = (words(&row.expected), words(&row.observed));
        format!("{}: {} {}: {observed}, expected {expected}", stage.title, row.subject, row.aspect.as_str())
    });
    rows.collect()
}

/// What is observed over sockets, once a dry run on copies of the same lab has observed the same.
pub(crate) async fn verified(text: &ScenarioText, name: &str) -> Proof {
    let plan = Plan::new(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let dry = plan.clone();
    let called = name.to_owned();
    let dry = tokio::task::spawn_blocking(move || dry.dry_run(&called)).await.unwrap();
    let dry = dry.unwrap_or_else(|error| panic!("{name}, in memory: {error}"));
    let wire = plan.verify(name).await.unwrap_or_else(|error| panic!("{name}, over sockets: {error}"));
    assert_eq!(rows(&dry), rows(&wire), "{name}: in memory, and over sockets");
    wire
}

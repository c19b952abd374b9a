//! The verdict on each client.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Answer, json};
use super::input::Query;
use crate::observe::verdict::Measure;
use crate::scenario::ROOT_SUBJECT;

/// Lists the verdicts. `host` is the name that clients had to expect; by default the one that each connector
/// answers with.
pub(super) async fn list(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::read(query.as_deref(), &["host"])?;
    let measure = Measure { host: query.get("host"), root: Some(ROOT_SUBJECT) };
    json(&shared.observer().verdicts(shared.mark(), measure))
}

/// Returns the schema of a verdict.
pub(super) fn schema() -> Value {
    let text = || json!({ "type": "string" });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let list = || json!({ "type": "array", "items": { "type": "object" } });
    json!({
        "type": "object",
        "description": "The verdict on the behavior of one client with one connector.",
        "properties": {
            "peer": { "type": "string", "description": "The client's address." },
            "computer": text(),
            "connector": text(),
            "messages_over_tls": { "type": "integer" },
            "messages_in_clear": { "type": "integer" },
            "leaks": {
                "type": "array",
                "description": "The parts that were sent in clear: envelope, body or credentials, why, where and when.",
                "items": {
                    "type": "object",
                    "properties": {
                        "what": { "enum": ["envelope", "body", "credentials"] },
                        "why": { "enum": ["not-offered", "offered-and-not-used", "refused", "behind-start-tls", "after-failure"] },
                        "session": text(),
                        "at": text(),
                    },
                },
            },
            "fall_back": maybe("object"),
            "result_type": { "type": ["string", "null"], "description": "A result type of RFC 8460 section 4.3." },
            "symptom": maybe("string"),
            "inferred": { "type": ["string", "null"], "description": "The observation from which result_type and symptom are inferred, and what else fits; null \
                where they were seen." },
            "error_texts": list(),
            "words": { "type": "string", "description": "The verdict in a few sentences." },
            "conversations": list(),
        },
        "required": [
            "peer", "computer", "connector", "messages_over_tls", "messages_in_clear", "leaks", "words", "conversations",
        ],
    })
}

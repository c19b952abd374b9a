//! The OpenAPI document: kept, complete, and true about what is refused.

use std::path::Path;

use starttls_lab::internal::http::openapi;

use crate::console::support::World;

/// `cargo run -- schema --openapi > docs/openapi.json` writes it anew.
#[test]
fn the_document_that_is_kept_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(kept == openapi(), "cargo run -- schema --openapi > docs/openapi.json");
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = openapi();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_path_of_the_document_is_there_and_refuses_what_it_does_not_list() {
    let world = World::seed().await;
    assert_eq!(world.get("/openapi.json").await.ok(), openapi());
    for (path, operations) in openapi()["paths"].as_object().unwrap() {
        let there = path.replace("{id}", "none").replace("{computer}", "none").replace("{name}", "none");
        let there = there.replace("{thumbprint}", "none").replace("{path}", "none");
        for method in ["PATCH", "TRACE"] {
            if operations.get(method.to_lowercase()).is_some() {
                continue;
            }
            let answer = world.send(&format!("{method} {there}"), &serde_json::Value::Null).await;
            answer.problem(405);
            assert!(answer.header("allow").is_some(), "{path}");
        }
    }
}

//! The lab's clock, advanced over HTTP.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::console::support::World;

fn time(value: &serde_json::Value) -> Timestamp {
    value["now"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_clock_is_advanced_by_a_duration_and_the_journal_says_so() {
    let world = World::seed().await;
    let before = world.lab.clock().now();
    let once = world.send("POST /api/v1/clock", &json!({ "advance": "PT5M" })).await.ok();
    let twice = world.send("POST /api/v1/clock", &json!({ "advance": "1h 30m" })).await.ok();
    // The seed's clock runs or stands; either way it has moved by no less.
    assert!(time(&once).duration_since(before) >= SignedDuration::from_mins(5), "{once}");
    assert!(time(&twice).duration_since(time(&once)) >= SignedDuration::from_mins(90), "{twice}");
    let entries = world.get(&format!("/api/v1/journal?after={}", once["seq"])).await.ok();
    assert!(entries.to_string().contains("the clock is advanced by PT1H30M"), "{entries}");
}

#[tokio::test]
async fn the_clock_is_not_set_back_and_what_is_no_duration_is_refused() {
    let world = World::seed().await;
    let back = world.send("POST /api/v1/clock", &json!({ "advance": "-PT5M" })).await.problem(422);
    assert!(back["detail"].as_str().unwrap().contains("never set back"), "{back}");
    for wrong in [json!({ "advance": "soon" }), json!({ "advance": 300 }), json!({}), json!({ "by": "PT5M" })]
    {
        world.send("POST /api/v1/clock", &wrong).await.problem(422);
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_by_the_new_time_is_seen_to_have() {
    let world = World::seed().await;
    let line = "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com";
    world.send("POST /api/v1/cmdlets", &json!({ "line": line })).await.ok();
    assert_eq!(world.get("/api/v1/connectors").await.ok()[0]["starttls"]["offered"], true);
    world.send("POST /api/v1/clock", &json!({ "advance": "87600h" })).await.ok();
    assert_eq!(world.get("/api/v1/connectors").await.ok()[0]["starttls"]["offered"], false);
}

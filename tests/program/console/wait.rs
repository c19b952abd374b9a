//! The long poll: at once where it is true already, and in vain with what came instead.

use serde_json::json;

use crate::console::support::World;

#[tokio::test]
async fn a_wait_is_answered_at_once_where_it_is_true_already_and_later_where_it_becomes_true() {
    let world = World::seed().await;
    world.mail("a@expta.com").await;
    let first = world.get("/api/v1/wait?for=message&to=A@expta.com&timeout_ms=0").await.ok();
    assert_eq!(first["items"][0]["rcpt_to"], json!(["a@expta.com"]));
    let event = world.get("/api/v1/wait?for=event&event_id=12014&timeout_ms=0").await.ok();
    assert_eq!(event["items"][0]["event_id"], 12014);

    let later = format!("/api/v1/wait?for=message&count=2&after={}", first["seq"]);
    let sending = async {
        world.mail("b@expta.com").await;
        world.mail("c@expta.com").await;
    };
    let (found, ()) = tokio::join!(world.get(&later), sending);
    let found = found.ok();
    assert_eq!(
        (&found["items"][0]["rcpt_to"][0], &found["items"][1]["rcpt_to"][0]),
        (&json!("b@expta.com"), &json!("c@expta.com"))
    );
}

#[tokio::test]
async fn a_wait_in_vain_says_what_came_instead_and_how_it_missed() {
    let world = World::seed().await;
    let nothing = world.get("/api/v1/wait?for=message&timeout_ms=1").await.problem(408);
    assert!(nothing["detail"].as_str().unwrap().contains("nobody has connected"), "{nothing}");
    world.mail("a@expta.com").await;
    world.get("/api/v1/wait?for=session").await.ok();
    let vain = world
        .get("/api/v1/wait?for=message&to=b@expta.com&security=tls&from=&timeout_ms=1")
        .await
        .problem(408);
    let misses = json!(["from me@contoso.com, not <>", "to a@expta.com, not b@expta.com", "in clear"]);
    assert_eq!(vain["near_misses"][0]["misses"], misses);
    let detail = vain["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("no message from <>, to b@expta.com, over TLS within 1ms; messages so far"),
        "{detail}"
    );
    let session = world.get("/api/v1/wait?for=session&security=tls&timeout_ms=1").await.problem(408);
    assert_eq!(session["near_misses"][0]["misses"], json!(["in clear"]));
    let event = world.get("/api/v1/wait?for=event&event_id=1&connector=x&timeout_ms=1").await.problem(408);
    assert_eq!(event["near_misses"][0]["misses"][1], "it is event 12014");
}

#[tokio::test]
async fn a_conversation_counts_when_it_has_ended() {
    let world = World::seed().await;
    let (mut client, _) = crate::client::Client::connect(world.smtp()).await;
    let vain = world.get("/api/v1/wait?for=session&timeout_ms=1").await.problem(408);
    assert_eq!(vain["near_misses"][0]["misses"], json!(["it goes on"]));
    client.ask("QUIT").await;
    assert_eq!(
        world.get("/api/v1/wait?for=session&security=clear").await.ok()["items"][0]["messages_in_clear"],
        0
    );
}

#[tokio::test]
async fn quiet_is_when_none_has_come_for_so_long() {
    let world = World::seed().await;
    world.mail("a@expta.com").await;
    assert_eq!(world.get("/api/v1/wait?for=quiet&ms=30").await.ok()["items"], json!([]));
    world.get("/api/v1/wait?for=quiet&ms=60000&timeout_ms=1").await.problem(408);
}

#[tokio::test]
async fn what_one_wait_returned_no_later_wait_returns() {
    let world = World::seed().await;
    for to in ["a@expta.com", "b@expta.com"] {
        world.mail(to).await;
    }
    let wait = "/api/v1/wait?for=message&timeout_ms=0";
    let recipients = [world.get(wait).await.ok(), world.get(wait).await.ok()]
        .map(|found| found["items"][0]["rcpt_to"][0].as_str().unwrap().to_owned());
    assert_eq!(recipients, ["a@expta.com", "b@expta.com"]);
    let vain = world.get(wait).await.problem(408);
    assert_eq!(vain["near_misses"][0]["misses"], json!(["an earlier wait has returned it"]));
    assert_eq!(world.get("/api/v1/messages").await.ok().as_array().unwrap().len(), 2);
    world.mail("c@expta.com").await;
    assert_eq!(world.get(wait).await.ok()["items"][0]["rcpt_to"], json!(["c@expta.com"]));
}

//! What happened: conversations, messages, the stream of the journal, and the counters.

use std::time::Duration;

use serde_json::json;
use starttls_lab::internal::http::Options;
use starttls_lab::internal::journal::Bounds;
use tokio::time::timeout;

use crate::console::http::{Events, ask};
use crate::console::support::World;

#[tokio::test]
async fn a_message_is_shown_with_envelope_header_structure_and_as_it_was_sent() {
    let world = World::seed().await;
    world.mail("you@expta.com").await;
    world.get("/api/v1/wait?for=session").await.ok();
    let messages = world.get("/api/v1/messages").await.ok();
    let (id, listed) = (&messages[0]["id"], &messages[0]);
    assert_eq!(
        (&listed["mail_from"], &listed["rcpt_to"]),
        (&json!("me@contoso.com"), &json!(["you@expta.com"]))
    );
    let message = world.get(&format!("/api/v1/messages/{id}")).await.ok();
    assert_eq!(message["headers"], json!([{ "name": "Subject", "value": "test" }]));
    assert_eq!(message["structure"]["content_type"], "text/plain");
    let raw = world.get(&format!("/api/v1/messages/{id}/raw")).await;
    assert_eq!(raw.header("content-type"), Some("message/rfc822"));
    assert!(raw.text().starts_with("Received: ") && raw.text().ends_with("Subject: test\r\n\r\nhello\r\n"));

    let sessions = world.get("/api/v1/sessions").await.ok();
    let session =
        world.get(&format!("/api/v1/sessions/{}", sessions[0]["session"].as_str().unwrap())).await.ok();
    assert_eq!(session["messages_in_clear"], 1);
    assert!(session["transcript"].as_array().unwrap().contains(&json!("C: EHLO client.example")));
}

#[tokio::test]
async fn pages_of_a_list_follow_on_each_other() {
    let world = World::seed().await;
    for to in ["a@expta.com", "b@expta.com", "c@expta.com"] {
        world.mail(to).await;
    }
    let first = world.get("/api/v1/messages?limit=2").await.ok();
    assert_eq!(first.as_array().unwrap().len(), 2);
    let rest = world.get(&format!("/api/v1/messages?after={}", first[1]["seq"])).await.ok();
    assert_eq!((rest.as_array().unwrap().len(), &rest[0]["rcpt_to"][0]), (1, &json!("c@expta.com")));
    let stretch = world.get("/api/v1/journal?limit=3").await.ok();
    assert_eq!((&stretch["next"], &stretch["dropped"]), (&json!(3), &json!(0)));
    let none = world.get("/api/v1/journal?after=18446744073709551615").await.ok();
    assert_eq!(none["entries"], json!([]));
}

#[tokio::test]
async fn a_stream_that_is_resumed_while_mail_comes_has_no_gap() {
    const MAILS: usize = 12;
    let world = World::seed().await;
    let sending = async {
        for number in 0..MAILS {
            world.mail(&format!("n{number}@expta.com")).await;
        }
    };
    let reading = async {
        let (mut last, mut messages) = (0, 0);
        while messages < MAILS {
            let mut events = Events::open(world.control(), "", (last > 0).then_some(last)).await;
            for _ in 0..7 {
                let event = events.next().await.unwrap();
                assert_eq!(event.id, last + 1, "{event:?}");
                last = event.id;
                let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
                assert_eq!((&data["seq"], &data["record"]), (&json!(event.id), &json!(event.name)));
                messages += usize::from(event.name == "message");
                if messages == MAILS {
                    break;
                }
            }
        }
    };
    tokio::join!(sending, reading);
}

#[tokio::test]
async fn entries_that_the_journal_has_given_up_are_told_of() {
    let bounds = Bounds { entries: 5, ..Bounds::default() };
    let world = World::open(bounds, Options::default()).await;
    world.mail("you@expta.com").await;
    world.get("/api/v1/wait?for=session").await;
    let mut events = Events::open(world.control(), "?after=0", None).await;
    let dropped = events.next().await.unwrap();
    assert_eq!(dropped.name, "dropped");
    let data: serde_json::Value = serde_json::from_str(&dropped.data).unwrap();
    assert_eq!(
        (&data["from"], &data["to"], &data["count"]),
        (&json!(1), &json!(dropped.id), &json!(dropped.id))
    );
    assert_eq!(events.next().await.unwrap().id, dropped.id + 1);
    let stretch = world.get("/api/v1/journal?after=0").await.ok();
    assert_eq!(stretch["dropped"], json!(dropped.id));
}

#[tokio::test]
async fn a_stream_begins_at_once_where_nothing_has_happened() {
    let world = World::seed().await;
    let newest = world.get("/api/v1/lab").await.ok()["seq"].clone();
    let mut events = Events::open(world.control(), &format!("?after={newest}"), None).await;
    // A reader in Firefox's worker takes the answer for not begun until something comes; the first sign of life
    // would be the one after 15 seconds.
    let begun = timeout(Duration::from_secs(10), events.line()).await;
    assert!(begun.is_ok_and(|line| line.is_some()));
}

#[tokio::test]
async fn messages_are_marked_and_removed_by_their_ids_and_by_a_search() {
    let world = World::seed().await;
    for to in ["a@expta.com", "b@expta.com", "c@expta.com"] {
        world.mail(to).await;
    }
    let marks = world.get("/api/v1/lab").await.ok()["marks"].as_u64().unwrap();
    let listed = async |query: &str| {
        world.get(&format!("/api/v1/messages?{query}")).await.ok().as_array().unwrap().len()
    };
    let ask = async |what: &str, body: &str| ask(world.control(), what, body, &[]).await;
    let patch = async |query: &str, body: &str| ask(&format!("PATCH /api/v1/messages{query}"), body).await;
    assert_eq!((listed("read=false").await, listed("read=true").await), (3, 0));
    assert_eq!(patch("?ids=1,3", r#"{"read":true}"#).await.ok(), json!({ "marked": 2 }));
    assert_eq!(patch("/3", r#"{"read":false}"#).await.ok(), json!({ "marked": 1 }));
    assert_eq!((listed("read=false").await, listed("read=true").await), (2, 1));
    assert_eq!(world.get("/api/v1/messages?ids=1").await.ok()[0]["read"], json!(true));
    assert_eq!(listed("q=to:b@expta.com").await, 1);
    assert_eq!(patch("?q=to:b@expta.com", r#"{"read":true}"#).await.ok(), json!({ "marked": 1 }));
    assert_eq!(ask("DELETE /api/v1/messages?ids=1,2", "").await.ok(), json!({ "removed": 2 }));
    assert_eq!((listed("").await, listed("ids=1").await), (1, 0));
    assert_eq!(world.get("/api/v1/lab").await.ok()["marks"], json!(marks + 4));
    for (what, body, status) in [
        ("PATCH /api/v1/messages?ids=x", r#"{"read":true}"#, 400),
        ("PATCH /api/v1/messages?ids=", r#"{"read":true}"#, 400),
        ("PATCH /api/v1/messages?read=maybe", r#"{"read":true}"#, 400),
        ("PATCH /api/v1/messages", r#"{"red":true}"#, 422),
        ("PATCH /api/v1/messages/1", r#"{"read":true}"#, 404),
    ] {
        ask(what, body).await.problem(status);
    }
    let many = (0..1001).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    ask(&format!("PATCH /api/v1/messages?ids={many}"), r#"{"read":true}"#).await.problem(400);
}

#[tokio::test]
async fn a_stream_ends_with_the_lab() {
    let world = World::seed().await;
    let mut events = Events::open(world.control(), "", None).await;
    assert_eq!(events.next().await.unwrap().name, "event");
    world.console.close(Duration::from_secs(10)).await;
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn the_counters_count() {
    let world = World::seed().await;
    world.mail("you@expta.com").await;
    let metrics = world.get("/metrics").await.text();
    for line in [
        "sessions_total{direction=\"receive\"} 1",
        "messages_total{security=\"clear\"} 1",
        "messages_total{security=\"tls\"} 0",
        "events_total{event_id=\"12014\"} 1",
    ] {
        assert!(metrics.contains(&format!("\nstarttls_lab_{line}\n")), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn what_may_be_a_password_is_nowhere_and_nothing_turns_a_line_around() {
    let world = World::seed().await;
    for lines in [
        [" AUTH LOGIN c2VjcmV0", "AUTH=PLAIN c2VjcmV0", "NOOP \u{202e}\u{9b}\u{7f}"],
        ["AUTH LOGIN", "c2VjcmV0", "c2VjcmV0"],
    ] {
        let (mut client, _) = crate::client::Client::connect(world.smtp()).await;
        client.ask("EHLO client.example").await;
        for line in lines {
            client.ask(line).await;
        }
        client.ask("QUIT").await;
        world.get("/api/v1/wait?for=session").await.ok();
    }
    let sessions = world.get("/api/v1/sessions").await.ok();
    let id = sessions[1]["session"].as_str().unwrap().to_owned();
    for path in ["/api/v1/journal", "/api/v1/sessions", &format!("/api/v1/sessions/{id}"), "/api/v1/verdicts"]
    {
        let answer = world.get(path).await;
        let text = answer.text();
        assert!(!text.contains("c2VjcmV0"), "{path}: {text}");
        assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{7f}']), "{path}: {text}");
    }
    let journal = world.get("/api/v1/journal").await;
    assert!(journal.text().contains("NOOP \\u202e\\u009b\\u007f"), "{}", journal.text());
    let verdicts = world.get("/api/v1/verdicts").await.ok();
    assert_eq!(verdicts[0]["leaks"][0]["what"], "credentials");
}

//! Messages and conversations as the page lists and shows them; nothing that a mail says does anything.

use serde_json::json;

use crate::client::Client;
use crate::console::http::ask;
use crate::console::support::World;

const HOSTILE: &str = "Subject: <script>alert(1)</script>\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <script>alert(2)</script><img src=http://evil.example/x.png><a href=\"javascript:alert(3)\">x</a>\r\n--b\r\n\
    Content-Type: text/html; name=\"../..\\\\a;b.html\"\r\nContent-Disposition: attachment\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nPHNjcmlwdD4=\r\n--b--\r\n.";

async fn deliver(world: &World, content: &str) {
    let (mut client, _) = Client::connect(world.smtp()).await;
    for line in ["EHLO client.example", "MAIL FROM:<me@contoso.com>", "RCPT TO:<you@expta.com>", "DATA"] {
        let reply = client.ask(line).await;
        assert!(reply.starts_with('2') || reply.starts_with('3'), "{line}: {reply}");
    }
    assert!(client.ask(content).await.starts_with("250"));
    client.ask("QUIT").await;
}

#[tokio::test]
async fn the_html_of_a_mail_may_do_nothing_and_its_files_are_only_saved() {
    let world = World::seed().await;
    deliver(&world, HOSTILE).await;
    let message = world.get("/api/v1/messages/1").await.ok();
    assert_eq!(message["structure"]["parts"][1]["path"], "2");
    let html = world.get("/api/v1/messages/1/parts/1?as=html").await;
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = html.header("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none';") && !policy.contains("allow-"), "{policy}");
    for directive in ["img-src data:", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'self'"] {
        assert!(policy.split("; ").any(|it| it == directive), "{policy}");
    }
    let text = world.get("/api/v1/messages/1/parts/1?as=text").await;
    assert_eq!(text.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(text.header("x-content-type-options"), Some("nosniff"));
    let file = world.get("/api/v1/messages/1/parts/2").await;
    assert_eq!(file.header("content-type"), Some("application/octet-stream"));
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"_.._a_b.html\""));
    assert_eq!(file.text(), "<script>");
    world.get("/api/v1/messages/1/parts/0?as=html").await.problem(422);
    world.get("/api/v1/messages/1/parts/0?as=x").await.problem(400);
    for path in ["3", "1.1", "x", "..", "%2e%2e"] {
        world.get(&format!("/api/v1/messages/1/parts/{path}")).await.problem(404);
    }
}

#[tokio::test]
async fn messages_are_found_paged_and_taken_out_of_the_views() {
    let world = World::seed().await;
    for number in 0..6 {
        deliver(&world, &format!("Subject: number {number}\r\n\r\nthe body speaks of parcel{number}\r\n."))
            .await;
    }
    let subjects = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|it| it["subject"].as_str().unwrap().to_owned()).collect()
    };
    let newest = world.get("/api/v1/messages?order=newest&limit=2").await;
    assert_eq!(newest.header("x-total-count"), Some("6"));
    let newest = newest.ok();
    assert_eq!(subjects(&newest), ["number 5", "number 4"]);
    assert_eq!(newest[0]["remote"], "127.0.0.1");
    let before =
        world.get(&format!("/api/v1/messages?order=newest&limit=2&before={}", newest[1]["seq"])).await;
    assert_eq!(before.header("x-total-count"), Some("6"));
    assert_eq!(subjects(&before.ok()), ["number 3", "number 2"]);
    assert_eq!(subjects(&world.get("/api/v1/messages?q=PARCEL3").await.ok()), ["number 3"]);
    assert_eq!(
        subjects(&world.get("/api/v1/messages?q=number+-parcel3+-parcel1&security=clear").await.ok()).len(),
        4
    );
    assert_eq!(world.get("/api/v1/messages?security=tls").await.ok(), json!([]));
    assert_eq!(world.get("/api/v1/messages?peer=127.0.0.2").await.ok(), json!([]));
    for wrong in ["order=up", "security=x", "q=a+b+c+d+e+f+g+h+i+j+k", "before=x"] {
        world.get(&format!("/api/v1/messages?{wrong}")).await.problem(400);
    }
    assert_eq!(world.send("DELETE /api/v1/messages/2", &json!(null)).await.ok(), json!({ "removed": 1 }));
    world.get("/api/v1/messages/2").await.problem(404);
    world.send("DELETE /api/v1/messages/2", &json!(null)).await.problem(404);
    assert_eq!(
        world.send("DELETE /api/v1/messages?q=parcel3", &json!(null)).await.ok(),
        json!({ "removed": 1 })
    );
    assert_eq!(
        world.send("DELETE /api/v1/messages?q=parcel3", &json!(null)).await.ok(),
        json!({ "removed": 0 })
    );
    assert_eq!(subjects(&world.get("/api/v1/messages").await.ok()).len(), 4);
    assert_eq!(world.send("DELETE /api/v1/messages", &json!(null)).await.ok(), json!({ "removed": 4 }));
    deliver(&world, "Subject: later\r\n\r\nx\r\n.").await;
    assert_eq!(subjects(&world.get("/api/v1/messages").await.ok()), ["later"]);
}

#[tokio::test]
async fn a_conversation_leads_to_its_neighbors_and_is_saved_as_text() {
    let world = World::seed().await;
    for number in 0..3 {
        deliver(&world, &format!("Subject: {number}\r\n\r\nx\r\n.")).await;
    }
    world.get("/api/v1/wait?for=session&count=3").await.ok();
    let list = world.get("/api/v1/sessions?open=false").await;
    assert_eq!(list.header("x-total-count"), Some("3"));
    let ids: Vec<_> = list.ok().as_array().unwrap().iter().map(|it| it["session"].clone()).collect();
    let middle = world.get(&format!("/api/v1/sessions/{}", ids[1].as_str().unwrap())).await.ok();
    assert_eq!((&middle["previous"], &middle["next"]), (&ids[0], &ids[2]));
    assert_eq!(middle["faults"], json!([]));
    let text = world.get(&format!("/api/v1/sessions/{}/text", ids[0].as_str().unwrap())).await;
    assert!(text.header("content-disposition").unwrap().starts_with("attachment"));
    assert!(text.text().contains("MAIL FROM:<me@contoso.com>"), "{}", text.text());
    assert_eq!(world.get("/api/v1/sessions?open=true").await.ok(), json!([]));
    world.get("/api/v1/sessions?open=x").await.problem(400);
    let found = world.get(&format!("/api/v1/sessions?q={}", ids[2].as_str().unwrap())).await.ok();
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_page_asks_is_no_entry_of_the_journal() {
    let world = World::seed().await;
    deliver(&world, "Subject: x\r\n\r\nx\r\n.").await;
    world.get("/api/v1/wait?for=session").await.ok();
    let before = world.lab.observer().newest();
    for path in [
        "/",
        "/api/v1/check",
        "/api/v1/catalogue",
        "/api/v1/messages/1/parts/0",
        "/api/v1/events/1",
        "/api/v1/sessions",
        "/api/v1/certificates",
        "/api/v1/senders",
    ] {
        ask(world.control(), &format!("GET {path}"), "", &[]).await;
    }
    assert_eq!(world.lab.observer().newest(), before);
}

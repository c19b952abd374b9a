//! What the page shows beyond the API's lists: causes and fixes, certificates, the catalogue, and mail that is
//! sent from it.

use serde_json::{Value, json};

use crate::console::support::{CONNECTOR, World};

const PATH: &str = "/api/v1/connectors/MAILGATE/Default%20internal%20receive%20connector%20MAILGATE";

#[tokio::test]
async fn check_tells_the_cause_why_the_advice_is_useless_and_a_fix_that_was_tried() {
    let world = World::seed().await;
    let report = world.get("/api/v1/check").await.ok();
    let connector = &report["connectors"][0];
    assert_eq!((&connector["computer"], &connector["name"]), (&json!("MAILGATE"), &json!(CONNECTOR)));
    assert_eq!(connector["starttls"], "withheld");
    let event = &connector["events"][0];
    assert_eq!(event["event_id"], 12014);
    assert!(event["means"].as_str().unwrap().contains("does not offer STARTTLS"), "{event}");
    assert!(event["useless"][0]["advice"].as_str().unwrap().contains("Enable-ExchangeCertificate"), "{event}");
    assert_eq!(connector["fixes"][0]["tried"], "ran");
    assert_eq!(world.get("/api/v1/check?computer=NOBODY").await.ok()["connectors"], json!([]));

    let fix: Vec<_> = connector["fixes"][0]["commands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    world.send("POST /api/v1/cmdlets", &json!({ "line": fix.join("\n") })).await.ok();
    let report = world.get("/api/v1/check").await.ok();
    assert_eq!(report["connectors"][0]["starttls"], "offered", "{report}");
}

#[tokio::test]
async fn an_event_is_shown_as_event_viewer_copies_it_with_its_meaning_and_the_fixes() {
    let world = World::seed().await;
    let listed = world.get("/api/v1/events?event_id=12014&order=newest&limit=1").await;
    assert_eq!(listed.header("x-total-count"), Some("1"));
    let seq = listed.ok()[0]["seq"].clone();
    let event = world.get(&format!("/api/v1/events/{seq}")).await.ok();
    assert_eq!(event["entry"]["seq"], seq);
    assert!(event["block"].as_str().unwrap().starts_with("Log Name:      Application\n"));
    assert!(event["xml"].as_str().unwrap().starts_with("<Event "));
    assert_eq!(event["connector"], json!({ "computer": "MAILGATE", "name": CONNECTOR, "sends": false }));
    assert!(event["useless"].as_array().is_some_and(|it| it.len() == 1), "{event}");
    assert!(!event["fixes"].as_array().unwrap().is_empty());
    world.get("/api/v1/events/999999").await.problem(404);
    world.get("/api/v1/events/x").await.problem(404);
    assert_eq!(world.get("/api/v1/events?q=nowhere").await.ok(), json!([]));
    assert_eq!(world.get("/api/v1/events?q=12014+starttls&level=error").await.ok()[0]["seq"], seq);
}

#[tokio::test]
async fn a_changed_field_is_shown_as_the_cmdlet_that_it_amounts_to() {
    let world = World::seed().await;
    let before = world.get(PATH).await.ok();
    let unchanged = world.send(&format!("POST {PATH}/cmdlet"), &before["settings"]).await.ok();
    assert_eq!(unchanged, json!({ "cmdlet": null, "changed": [] }));
    let change = json!({
        "fqdn": "mailgate.expta.com", "require_tls": true, "max_message_size": "20 MB", "banner": "220 it's \"$me\"",
        "remote_ip_ranges": ["127.0.0.0/8", "::1"], "auth_mechanism": "Tls, BasicAuth", "connection_timeout": "00:20:00",
    });
    let shown = world.send(&format!("POST {PATH}/cmdlet"), &change).await.ok();
    let changed: Vec<_> = shown["changed"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(changed.len(), 7, "{shown}");
    assert_eq!(world.get(PATH).await.ok(), before, "it was shown and not done");
    world.send("POST /api/v1/cmdlets", &json!({ "line": shown["cmdlet"] })).await.ok();
    let by_cmdlet = world.get(PATH).await.ok()["settings"].clone();
    assert_ne!(by_cmdlet, before["settings"]);
    let again = world.send(&format!("POST {PATH}/cmdlet"), &change).await.ok();
    assert_eq!(again["cmdlet"], Value::Null, "{again}");
    let back = world.send(&format!("POST {PATH}/cmdlet"), &before["settings"]).await.ok();
    world.send("POST /api/v1/cmdlets", &json!({ "line": back["cmdlet"] })).await.ok();
    assert_eq!(world.get(PATH).await.ok()["settings"], before["settings"]);
}

#[tokio::test]
async fn a_certificate_is_shown_and_saved_without_its_key() {
    let world = World::seed().await;
    let listed = world.get("/api/v1/certificates").await.ok();
    let thumbprint = listed[0]["thumbprint"].as_str().unwrap();
    let shown = world.get(&format!("/api/v1/certificates/{thumbprint}")).await.ok();
    assert_eq!(shown["subject"], listed[0]["subject"]);
    assert!(shown["public_key"].is_string() && shown["connectors"].is_array(), "{shown}");
    let file = world.get(&format!("/api/v1/certificates/{thumbprint}/pem")).await;
    assert!(file.header("content-disposition").unwrap().starts_with("attachment; filename=\""));
    assert_eq!(json!(file.text()), shown["pem"]);
    assert!(file.text().starts_with("-----BEGIN CERTIFICATE-----") && !file.text().contains("KEY"));
    world.get("/api/v1/certificates/0123").await.problem(404);
}

#[tokio::test]
async fn every_entry_of_the_catalogue_is_put_in_place_by_its_rules_or_as_a_whole() {
    let world = World::seed().await;
    let catalogue = world.get("/api/v1/catalogue").await.ok();
    let (scenarios, faults) = (catalogue["scenarios"].as_array().unwrap(), catalogue["faults"].as_array().unwrap());
    assert!(scenarios.len() > 40 && faults.len() > 100, "{} {}", scenarios.len(), faults.len());
    assert_eq!(scenarios[0]["name"], "fqdn-mismatch");
    let rules = faults.iter().filter(|entry| !entry["fault"].as_array().unwrap().is_empty());
    let mut put = 0;
    for entry in rules {
        let body = json!({ "fault": entry["fault"] });
        let answer = world.send("PUT /api/v1/computers/MAILGATE/faults", &body).await;
        // A rule that names a certificate of its own lab needs that lab.
        if answer.status == 422 {
            assert!(answer.json()["detail"].as_str().unwrap().contains("certificate"), "{} {}", entry["name"], answer.json());
        } else {
            answer.ok();
            put += 1;
        }
    }
    assert!(put > 50, "{put}");
    world.send("PUT /api/v1/scenario", &json!({ "name": "healthy" })).await.ok();
    assert!(world.lab.text().scenario.title != scenarios[0]["title"].as_str().unwrap());
    let unknown = world.send("PUT /api/v1/scenario", &json!({ "name": "helthy" })).await.problem(404);
    assert!(unknown["detail"].as_str().unwrap().contains("`healthy`"), "{unknown}");
    assert!(world.get("/api/v1/catalogue/healthy").await.text().contains("title"));
    world.get("/api/v1/catalogue/nothing").await.problem(404);
}

#[tokio::test]
async fn a_test_message_is_sent_as_any_built_in_sender() {
    let world = World::seed().await;
    let senders = world.get("/api/v1/senders").await.ok();
    for sender in senders.as_array().unwrap() {
        let sent = world.send("POST /api/v1/send", &json!({ "policy": sender["name"] })).await.ok();
        let in_clear = !sender["requires_tls"].as_bool().unwrap();
        assert_eq!(sent["delivered"], in_clear, "{sent}");
        assert_eq!(sent["security"], if in_clear { json!("clear") } else { Value::Null }, "{sent}");
        assert!(!sent["transcript"].as_array().unwrap().is_empty());
    }
    world.send("POST /api/v1/cmdlets", &json!({ "line": "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com" })).await.ok();
    let message = json!({ "policy": "encrypt", "connector": CONNECTOR, "to": ["you@expta.com"], "from": "" });
    let sent = world.send("POST /api/v1/send", &message).await.ok();
    assert_eq!(sent["security"], "tls", "{sent}");
    let newest = world.get("/api/v1/messages?order=newest&limit=1&security=tls").await.ok();
    assert_eq!(newest[0]["subject"], "A test message");
    for (wrong, status) in [
        (json!({ "policy": "nobody" }), 422),
        (json!({}), 422),
        (json!({ "policy": "may", "connector": "x" }), 404),
        (json!({ "policy": "may", "to": ["a b"] }), 422),
        (json!({ "policy": "may", "from": "a\r\nb" }), 422),
        (json!({ "policy": "may", "to": vec!["a@b.example"; 11] }), 422),
    ] {
        world.send("POST /api/v1/send", &wrong).await.problem(status);
    }
}

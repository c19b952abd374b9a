//! What the page shows beyond the API's lists: causes and fixes, certificates, the catalogue, and mail that is
//! sent from it.

use serde_json::{Value, json};

#[cfg(feature = "cli")]
use crate::console::http::ask;
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
    assert!(
        event["useless"][0]["advice"].as_str().unwrap().contains("Enable-ExchangeCertificate"),
        "{event}"
    );
    assert_eq!(connector["fixes"][0]["tried"], "ran");
    assert_eq!(world.get("/api/v1/check?computer=NOBODY").await.ok()["connectors"], json!([]));

    let fix: Vec<_> =
        connector["fixes"][0]["commands"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
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
    assert_eq!(unchanged, json!({ "cmdlet": null, "changed": [], "on": "MAILGATE" }));
    let change = json!({
        "fqdn": "mailgate.expta.com", "require_tls": true, "max_message_size": "20 MB", "banner": "220 it's \"$me\"",
        "remote_ip_ranges": ["127.0.0.0/8", "::1"], "auth_mechanism": "Tls, BasicAuth", "connection_timeout": "00:20:00",
    });
    let shown = world.send(&format!("POST {PATH}/cmdlet"), &change).await.ok();
    let changed: Vec<_> =
        shown["changed"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
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
    let (scenarios, faults) =
        (catalogue["scenarios"].as_array().unwrap(), catalogue["faults"].as_array().unwrap());
    assert!(scenarios.len() > 40 && faults.len() > 100, "{} {}", scenarios.len(), faults.len());
    assert_eq!(scenarios[0]["name"], "fqdn-mismatch");
    let rules = faults.iter().filter(|entry| !entry["fault"].as_array().unwrap().is_empty());
    let mut put = 0;
    for entry in rules {
        let body = json!({ "fault": entry["fault"] });
        let answer = world.send("PUT /api/v1/computers/MAILGATE/faults", &body).await;
        // A rule that names a certificate of its own lab needs that lab.
        if answer.status == 422 {
            assert!(
                answer.json()["detail"].as_str().unwrap().contains("certificate"),
                "{} {}",
                entry["name"],
                answer.json()
            );
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
    world
        .send(
            "POST /api/v1/cmdlets",
            &json!({ "line": "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com" }),
        )
        .await
        .ok();
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

#[tokio::test]
async fn a_fix_and_a_mistake_are_tried_on_a_copy() {
    let world = World::seed().await;
    let identity = format!("MAILGATE\\{CONNECTOR}");
    let before = world.get("/api/v1/connectors").await.ok();
    let tried = world.send("POST /api/v1/try", &json!({ "connector": identity, "fix": 0 })).await.ok();
    assert_eq!(tried["refused"], Value::Null, "{tried}");
    let changed = tried["connectors"].as_array().unwrap();
    assert!(changed.iter().any(|it| it["aspect"] == "starttls" && it["change"] == "better"), "{tried}");
    assert!(!tried["senders"].as_array().unwrap().is_empty(), "{tried}");

    let check = world.get("/api/v1/check").await.ok();
    let typed = &check["connectors"][0]["fixes"][0]["typed"];
    let by_line = json!({ "connector": identity, "line": typed["line"], "answers": typed["answers"] });
    assert_eq!(world.send("POST /api/v1/try", &by_line).await.ok(), tried);

    let refused = json!({ "line": "Set-ReceiveConnector 'MAILGATE\\nobody' -Fqdn a.example" });
    let refused = world.send("POST /api/v1/try", &refused).await.ok();
    assert!(refused["refused"].as_str().unwrap().contains("nobody"), "{refused}");
    assert_eq!(world.get("/api/v1/connectors").await.ok(), before, "it was tried and not done");
    for (wrong, status) in [
        (json!({}), 422),
        (json!({ "fix": 0 }), 422),
        (json!({ "fix": 0, "line": "Get-ReceiveConnector" }), 422),
        (json!({ "fix": 99, "connector": identity }), 404),
        (json!({ "fix": 0, "connector": "MAILGATE\\x" }), 404),
        (json!({ "line": "Get-ReceiveConnector", "computer": "NOBODY" }), 404),
    ] {
        world.send("POST /api/v1/try", &wrong).await.problem(status);
    }
}

#[tokio::test]
async fn the_scenario_is_run_and_told_stage_by_stage() {
    let world = World::seed().await;
    let told = world.send("POST /api/v1/verify/run", &json!({})).await;
    assert_eq!((told.status, told.header("content-type")), (200, Some("text/event-stream")));
    let text = told.text();
    let events: Vec<(&str, Value)> = text
        .split("event: ")
        .skip(1)
        .filter_map(|event| {
            let (name, data) = event.split_once('\n')?;
            let data = data.lines().find_map(|line| line.strip_prefix("data: "))?;
            Some((name.trim(), serde_json::from_str(data).ok()?))
        })
        .collect();
    let (last, done) = events.last().unwrap();
    assert_eq!((*last, &done["holds"]), ("done", &json!(true)), "{text}");
    assert_eq!(done["differences"], json!([]));
    let of = events[0].1["of"].as_u64().unwrap();
    assert_eq!(events.len() as u64, 2 * of + 1, "a stage begins and ends");
    assert_eq!((&events[0].1["stage"], &events[0].1["state"]), (&json!("before"), &json!("running")));
    assert_eq!(events[1].1["state"], "done");
    assert!(!events[1].1["rows"].as_array().unwrap().is_empty());
    world.send("POST /api/v1/verify/run", &json!({ "name": "nothing" })).await.problem(404);
    let healthy = world.send("POST /api/v1/verify/run", &json!({ "name": "healthy" })).await;
    assert!(healthy.text().contains("event: done"));
}

#[tokio::test]
async fn the_picture_shows_how_mail_went_and_which_names_disagree() {
    let world = World::seed().await;
    let first = world.get("/api/v1/picture?senders=true").await.ok();
    let ways: Vec<_> = first["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["tried"].clone(), it["state"].clone()))
        .collect();
    for state in ["clear", "clear_wanted", "withheld"] {
        assert!(ways.contains(&(json!(true), json!(state))), "{first}");
    }
    assert_eq!(first["names"][2]["value"], "mail.expta.com", "{first}");
    assert!(world.get("/api/v1/picture.svg?senders=true").await.text().contains(" tried\""));
    world.get("/api/v1/picture?senders=x").await.problem(400);
    let peer = "<script>alert(1)</script>.example";
    world.mail("you@expta.com").await;
    world.get("/api/v1/wait?for=session").await.ok();
    let picture = world.get("/api/v1/picture").await.ok();
    let edge = &picture["edges"][0];
    assert_eq!(
        (&edge["from"], &edge["state"], &edge["messages"]),
        (&json!("peer:127.0.0.1"), &json!("clear_wanted"), &json!(1))
    );
    let names = picture["names"].as_array().unwrap();
    let disagree: Vec<_> =
        names.iter().filter(|it| it["disagrees"] == true).map(|it| it["number"].clone()).collect();
    assert_eq!((names.len(), disagree), (5, vec![json!(1), json!(2)]));
    let drawing = world.get("/api/v1/picture.svg").await;
    assert_eq!(drawing.header("content-type"), Some("image/svg+xml"));
    let svg = drawing.text();
    assert!(svg.contains("class=\"edge clear_wanted\"") && svg.contains("name disagrees"), "{svg}");

    world.send("POST /api/v1/cmdlets", &json!({ "line": format!("New-ReceiveConnector -Name '{peer}' -Usage Custom -Bindings 0.0.0.0:2600 -RemoteIPRanges 127.9.9.9") })).await.ok();
    let svg = world.get("/api/v1/picture.svg").await.text();
    assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script"), "{svg}");
    world.send("POST /api/v1/cmdlets", &json!({ "line": "Get-ReceiveConnector | ? Name -like Default* | Set-ReceiveConnector -Fqdn mailgate.expta.com" })).await.ok();
    world.send("POST /api/v1/send", &json!({ "policy": "may", "connector": CONNECTOR })).await.ok();
    world.get("/api/v1/wait?for=session&count=1").await.ok();
    let picture = world.get(&format!("/api/v1/picture?connector={}", CONNECTOR.replace(' ', "+"))).await.ok();
    assert_eq!(picture["edges"][0]["state"], "tls", "{picture}");
    // Exchange finds its certificate now; partners dial another name than that certificate carries.
    let disagree: Vec<_> =
        picture["names"].as_array().unwrap().iter().map(|it| it["disagrees"].clone()).collect();
    assert_eq!(disagree, [false, true, true, false, false].map(Value::from), "{picture}");
}

#[tokio::test]
#[cfg(feature = "cli")]
async fn what_is_pasted_is_explained() {
    let world = World::seed().await;
    let event = world.get("/api/v1/events?event_id=12014").await.ok()[0]["seq"].clone();
    let event = world.get(&format!("/api/v1/events/{event}")).await.ok();
    let explained =
        ask(world.control(), "POST /api/v1/explain", event["block"].as_str().unwrap(), &[]).await.ok();
    assert_eq!(explained["items"][0]["event_id"], 12014, "{explained}");
    for nothing in ["", "nothing that is known", "\u{0}"] {
        ask(world.control(), "POST /api/v1/explain", nothing, &[]).await.problem(422);
    }
}

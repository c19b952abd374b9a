//! The lab steered: connectors, certificates, cmdlets, lab files, and the way back.

use std::net::SocketAddr;

use serde_json::{Value, json};
use starttls_lab::internal::pki::Certificate;
use starttls_lab::internal::scenario::scenario;
use tokio::time::timeout;

use crate::client::Client;
use crate::console::http::{DEADLINE, ask};
use crate::console::support::{CONNECTOR, World};

fn path(name: &str) -> String {
    format!("/api/v1/connectors/MAILGATE/{}", name.replace(' ', "%20"))
}

#[tokio::test]
async fn mail_comes_in_clear_and_after_the_fix_through_the_api_over_tls() {
    let world = World::seed().await;
    world.mail("you@expta.com").await;
    let before = world.get("/api/v1/wait?for=message&to=you@expta.com&security=clear").await.ok();
    assert_eq!(before["items"][0]["security"], "clear");

    let expected = json!({ "receive_connector": { (format!("MAILGATE\\{CONNECTOR}")): { "starttls": "none", "events": [12014] } } });
    assert_eq!(world.send("POST /api/v1/verify", &expected).await.ok()["holds"], true);

    let line = format!("Set-ReceiveConnector 'MAILGATE\\{CONNECTOR}' -Fqdn mailgate.expta.com");
    let typed = world.send("POST /api/v1/cmdlets", &json!({ "line": line })).await.ok();
    assert_eq!(typed["computer"], "MAILGATE");
    assert_eq!(world.get(&path(CONNECTOR)).await.ok()["starttls"]["offered"], true);
    let verdict = world.send("POST /api/v1/verify", &expected).await.ok();
    assert_eq!(verdict["holds"], false, "{verdict}");

    world.mail("you@expta.com").await;
    let after = format!("/api/v1/wait?for=message&security=tls&after={}", before["seq"]);
    let over_tls = world.get(&after).await.ok();
    assert_eq!(over_tls["items"][0]["protocol"], "ESMTPS");
}

#[tokio::test]
async fn what_the_shell_refuses_is_a_problem_in_its_words_and_changes_nothing() {
    let world = World::seed().await;
    let refused = world.send("POST /api/v1/cmdlets", &json!({ "line": "Get-Nothing" })).await.problem(422);
    assert!(refused["detail"].as_str().unwrap().contains("Get-Nothing"), "{refused}");
    let unasked = json!({ "line": "Get-ReceiveConnector", "answers": ["no"] });
    let refused = world.send("POST /api/v1/cmdlets", &unasked).await.problem(422);
    assert!(refused["detail"].as_str().unwrap().contains("belong to no question"), "{refused}");
}

#[tokio::test]
async fn a_question_of_the_shell_is_answered_in_the_body() {
    let world = World::seed().await;
    let other = scenario("internal-certificate-overwritten").unwrap().text;
    ask(world.control(), "PUT /api/v1/scenario", other, &[]).await.ok();
    let enable =
        "Get-ExchangeCertificate -DomainName mail.contoso.com | Enable-ExchangeCertificate -Services SMTP";
    let mut typing = json!({ "computer": "EDGE01", "line": enable });
    let refused = world.send("POST /api/v1/cmdlets", &typing).await.problem(422);
    assert!(refused["detail"].as_str().unwrap().contains("Overwrite the existing default"), "{refused}");
    typing["answers"] = json!(["no"]);
    world.send("POST /api/v1/cmdlets", &typing).await.ok();
    let edge = world.get("/api/v1/connectors").await.ok();
    assert!(edge.as_array().unwrap().iter().all(|it| it["starttls"]["offered"] == true), "{edge}");
}

#[tokio::test]
async fn a_person_at_the_shell_is_asked_before_anything_changes_and_shown_what_did() {
    let world = World::seed().await;
    let line = format!(
        "Set-ReceiveConnector 'MAILGATE\\{CONNECTOR}' -Fqdn mailgate.expta.com; \
         New-ExchangeCertificate -DomainName mail.expta.com -Services SMTP | fl Thumbprint"
    );
    let mut typing = json!({ "line": line, "ask": true });
    let asked = world.send("POST /api/v1/cmdlets", &typing).await.problem(422);
    let question = asked["question"].as_str().unwrap();
    assert_eq!((&asked["changed"], asked["changes"].as_array().unwrap().len()), (&json!(false), 0));
    assert_eq!(world.get(&path(CONNECTOR)).await.ok()["fqdn"], "mail.expta.com");

    typing["answers"] = json!(["no"]);
    let done = world.send("POST /api/v1/cmdlets", &typing).await.ok();
    let (_, named) = question.split_once("Replace it with certificate: '").unwrap();
    assert!(done["output"].as_str().unwrap().contains(&named[..40]), "{question}\n{done}");
    let change = &done["changes"][0];
    assert_eq!(
        (&change["purpose"], &change["before"]["events"]),
        (&json!("STARTTLS"), &json!([12014])),
        "{change}"
    );
    assert_eq!(
        (&change["before"]["offered"], &change["after"]["offered"]),
        (&json!(false), &json!(true)),
        "{change}"
    );

    let refused =
        world.send("POST /api/v1/cmdlets", &json!({ "line": "Get-Nothing", "ask": true })).await.problem(422);
    assert!(
        refused["shown"].as_str().unwrap().ends_with("At line:1 char:1\n+ Get-Nothing\n+ ~~~~~~~~~~~\n"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_connector_is_made_on_a_free_port_set_and_removed() {
    let world = World::seed().await;
    let new = json!({ "computer": "mailgate", "name": "Other one" });
    let made = world.send("POST /api/v1/connectors", &new).await;
    assert_eq!((made.status, made.header("location")), (201, Some(path("Other one").as_str())));
    let address: SocketAddr = made.ok()["addrs"][0].as_str().unwrap().parse().unwrap();
    let (mut client, _) = Client::connect(address).await;
    assert!(client.ask("EHLO x.example").await.contains("STARTTLS"));
    world.send("POST /api/v1/connectors", &new).await.problem(409);

    let set =
        world.send(&format!("PUT {}", path("other one")), &json!({ "fqdn": "gone.example" })).await.ok();
    assert_eq!((&set["name"], &set["starttls"]["offered"]), (&json!("Other one"), &json!(false)));
    assert_eq!(set["addrs"][0].as_str().unwrap().parse(), Ok(address), "what is not given stays");
    let (mut client, _) = Client::connect(address).await;
    assert!(!client.ask("EHLO x.example").await.contains("STARTTLS"));

    let wrong = world.send(&format!("PUT {}", path("Other one")), &json!({ "max_hop_count": 0 })).await;
    assert_eq!(wrong.problem(422)["key"], "max_hop_count");
    let taken = json!({ "bindings": ["0.0.0.0:25"] });
    world.send(&format!("PUT {}", path("Other one")), &taken).await.problem(422);

    let put = world.send(&format!("PUT {}", path("Third")), &json!({ "require_tls": true })).await;
    assert_eq!((put.status, &put.json()["parameters"]["RequireTLS"]), (201, &json!("True")));

    assert_eq!(world.send(&format!("DELETE {}", path("Other one")), &Value::Null).await.status, 204);
    world.get(&path("Other one")).await.problem(404);
    assert_eq!(world.get("/api/v1/connectors").await.ok().as_array().unwrap().len(), 2);
    // A test beside this one may be given the port for a moment.
    let freed = async {
        while std::net::TcpListener::bind(address).is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, freed).await.expect("nobody listens there any more");
}

#[tokio::test]
async fn a_certificate_that_is_issued_mends_the_connector_it_names() {
    let world = World::seed().await;
    let new = json!({ "computer": "MAILGATE", "names": ["mail.expta.com"], "services": ["SMTP"] });
    let made = world.send("POST /api/v1/certificates", &new).await;
    assert_eq!((made.status, &made.json()["names"]), (201, &json!(["mail.expta.com"])), "{}", made.text());
    world.send("POST /api/v1/certificates", &new).await.problem(409);
    let listed = world.get("/api/v1/certificates").await.ok();
    assert!(listed.as_array().unwrap().iter().any(|it| it["label"] == "mail.expta.com"));
    let connector = world.get(&path(CONNECTOR)).await.ok();
    assert_eq!(connector["starttls"]["label"], "mail.expta.com", "{connector}");
    let wrong = json!({ "computer": "MAILGATE", "subject": "CN=a,,", "names": ["x"] });
    world.send("POST /api/v1/certificates", &wrong).await.problem(422);
}

#[tokio::test]
async fn another_lab_file_takes_the_place_and_a_reset_goes_back_with_a_journal_that_begins_anew() {
    let world = World::seed().await;
    world.mail("you@expta.com").await;
    let other = scenario("healthy").unwrap().text;
    let changed = ask(world.control(), "PUT /api/v1/scenario", other, &[]).await.ok();
    assert!(!changed["changes"].as_array().unwrap().is_empty());
    let title = world.get("/api/v1/lab").await.ok()["title"].clone();
    assert_ne!(title, json!(world.lab.text().scenario.title.to_uppercase()));
    world.send("POST /api/v1/connectors", &json!({ "computer": "MAILGATE", "name": "x" })).await;

    let instance = world.get("/livez").await.header("x-lab-instance").map(str::to_owned);
    let seq = world.send("POST /api/v1/reset", &Value::Null).await.ok()["seq"].as_u64().unwrap();
    assert_ne!(world.get("/api/v1/lab").await.ok()["title"], title);
    assert_eq!(world.get("/api/v1/connectors").await.ok().as_array().unwrap().len(), 1);
    assert_eq!(world.get("/api/v1/messages").await.ok(), json!([]));
    let events = world.get("/api/v1/events").await.ok();
    assert_eq!((events[0]["event_id"].as_u64(), events.as_array().unwrap().len()), (Some(12014), 1));
    assert!(events[0]["seq"].as_u64().unwrap() <= seq);
    assert_eq!(world.get("/livez").await.header("x-lab-instance").map(str::to_owned), instance);
}

#[tokio::test]
async fn the_root_is_handed_out_in_every_form_there_is() {
    let world = World::seed().await;
    let root = world.lab.root();
    assert_eq!(
        Certificate::from_pem(&world.get("/api/v1/ca").await.text()).unwrap().thumbprint(),
        root.thumbprint()
    );
    assert_eq!(world.get("/api/v1/ca?format=der").await.body, root.der());
    assert_eq!(world.get("/api/v1/ca?format=jks").await.body[..4], [0xFE, 0xED, 0xFE, 0xED]);
    let environment = world.get("/api/v1/ca?format=env").await.text();
    assert!(
        environment.contains(&format!("STARTTLS_LAB_CONTROL_URL={}\n", world.console.url())),
        "{environment}"
    );
    assert!(environment.contains(&format!("SMTP_PORT={}\n", world.smtp().port())));
    let pkcs12 = world.get("/api/v1/ca?format=p12").await;
    assert_eq!(pkcs12.header("content-type"), Some("application/x-pkcs12"));
    assert!(pkcs12.body.windows(root.der().len()).any(|window| window == root.der()));
}

#[tokio::test]
async fn computers_are_shown_with_what_is_on_them() {
    let world = World::seed().await;
    let computers = world.get("/api/v1/computers").await.ok();
    assert_eq!(computers[0], world.get("/api/v1/computers/mailgate").await.ok());
    assert_eq!(computers[0]["receive_connectors"], json!([CONNECTOR]));
}

#[tokio::test]
async fn an_expectation_of_a_sender_is_compared_with_what_its_message_would_come_to() {
    let world = World::seed().await;
    let before = &world.lab.text().scenario.before;
    let verdict = world.send("POST /api/v1/verify", &json!(before)).await.ok();
    let unmet: Vec<_> = verdict["rows"].as_array().unwrap().iter().filter(|row| row["met"] != true).collect();
    assert!(verdict["holds"] == true, "{unmet:#?}");
    let nobody = json!({ "sender": { "nobody": "tls" }, "computer": { "NOBODY": { "events": [] } } });
    let verdict = world.send("POST /api/v1/verify", &nobody).await.ok();
    assert_eq!((&verdict["holds"], &verdict["rows"][0]["observed"]), (&json!(false), &Value::Null));
}

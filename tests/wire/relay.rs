//! Mail on its way through the computers of a lab: client, Edge, Hub, and a partner outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod flow;

use std::sync::Arc;
use std::time::Duration;

use crate::client::{Client, DEADLINE};
use flow::{Flow, IMPLICIT, INBOUND, LAB, TO_INTERNET};
use starttls_lab::internal::journal::{Record, SendProtocolLog, Tracking, TrackingEvent};
use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::scenario::ScenarioText;
use starttls_lab::internal::session::TlsVerb;
use starttls_lab::internal::wire::Ports;

fn call(from: &str, connector: &str, to: &str) -> (String, String, String) {
    (from.to_owned(), connector.to_owned(), to.to_owned())
}

#[tokio::test]
async fn mail_submit_outside_reaches_the_hub_by_the_edge_and_every_leg_tells_its_tls() {
    let flow = Flow::start(&[]).await;
    flow.submit_outside(&["b@contoso.test"]).await;
    let delivered = flow.delivered_at("HUB").await;
    assert_eq!(delivered.recipients, ["b@contoso.test"]);
    flow.wait("word of the Edge", |it| matches!(it.event, TrackingEvent::Send { .. })).await;
    assert_eq!(flow.calls(), [call("EDGE", INBOUND, "HUB")]);
    assert_eq!(flow.secured_by("EDGE"), [(TlsVerb::XAnonymousTls, "CN=edge.contoso.test".to_owned())]);
    let (edge, hub) = (&flow.accepted_by("EDGE")[0], &flow.accepted_by("HUB")[0]);
    assert_eq!((edge.protocol, hub.protocol), ("ESMTP", "ESMTPS"));
    assert!(edge.tls.is_none() && hub.tls.is_some());
    assert_eq!(hub.mail.reverse_path, edge.mail.reverse_path);
    let content = String::from_utf8(hub.raw().to_vec()).unwrap();
    assert!(content.starts_with("Received: from edge.contoso.test ([127.0.0.2])\r\n by hub.contoso.test"));
    assert!(content.contains("\r\nReceived: from client.example ([127.0.0.1])\r\n by edge.contoso.test"));
    assert!(content.ends_with("\r\n\r\none\r\n.two\r\n"), "{content}");
    let told = flow.told();
    assert!(told.contains("-- connecting to HUB (127.0.0.3:"), "{told}");
    assert!(told.contains("-- EDGE (127.0.0.2:"), "{told}");
    assert!(
        told.contains(">> EDGE: message 1 for b@contoso.test sent to HUB, over EdgeSync - Inbound to Site")
    );
    let mut log = SendProtocolLog::new();
    let rows: String = flow.entries().iter().map(|entry| log.rows(entry)).collect();
    assert!(
        rows.contains(",>,X-ANONYMOUSTLS,") && rows.contains(",>,MAIL FROM:<a@client.example>"),
        "{rows}"
    );
}

#[tokio::test]
async fn every_session_is_observed_once_also_where_the_lab_sends() {
    let flow = Flow::start(&[]).await;
    flow.submit_outside(&["b@contoso.test"]).await;
    flow.wait("word of the Edge", |it| matches!(it.event, TrackingEvent::Send { .. })).await;
    flow.lab.observer().quiet(DEADLINE).await;
    let sessions = flow.lab.observer().sessions(0);
    let mut seen: Vec<_> = sessions.iter().map(|it| (it.session, it.computer(), it.sends())).collect();
    seen.sort();
    let seen: Vec<_> = seen.into_iter().map(|(_, computer, sends)| (computer, sends)).collect();
    assert_eq!(seen, [("EDGE", false), ("EDGE", true), ("HUB", false)]);
    let sent = sessions.iter().find(|it| it.sends()).unwrap();
    assert!(sent.ending.is_some() && sent.outcome().starts_with("Delivered over TLS"), "{sent}");
}

#[tokio::test]
async fn mail_for_a_partner_leaves_by_the_edge_and_takes_the_partners_pool_in_turn() {
    let flow = Flow::start(&[]).await;
    for to in ["b@fabrikam.test", "c@fabrikam.test", "d@FABRIKAM.test"] {
        flow.submit_inside(&[to]).await;
        flow.wait("delivery", move |it| it.event == TrackingEvent::Deliver && it.recipients == [to]).await;
    }
    let to_edge = call("HUB", IMPLICIT, "EDGE");
    let (to_fe1, to_fe2) = (call("EDGE", TO_INTERNET, "FE1"), call("EDGE", TO_INTERNET, "FE2"));
    let ways = [&to_edge, &to_fe1, &to_edge, &to_fe2, &to_edge, &to_fe1].map(Clone::clone);
    assert_eq!(flow.calls(), ways);
    assert_eq!(flow.secured_by("HUB")[0], (TlsVerb::XAnonymousTls, "CN=hub.contoso.test".to_owned()));
    assert_eq!(flow.secured_by("EDGE")[0].0, TlsVerb::StartTls);
    assert_eq!(flow.accepted_by("FE1").len(), 2);
}

#[tokio::test]
async fn every_domain_of_a_message_goes_its_own_way() {
    let flow = Flow::start(&[]).await;
    flow.submit_inside(&["b@contoso.test", "c@fabrikam.test", "d@contoso.test"]).await;
    assert_eq!(flow.delivered_at("HUB").await.recipients, ["b@contoso.test", "d@contoso.test"]);
    assert_eq!(flow.delivered_at("FE1").await.recipients, ["c@fabrikam.test"]);
    assert_eq!(flow.accepted_by("FE1")[0].recipients.len(), 1);
}

#[tokio::test]
async fn a_partner_without_starttls_is_waited_for_where_tls_is_required_until_it_is_mended() {
    let changes = [("outbound", "require_tls = true"), ("partner", "fqdn = \"mail.fabrikam.test\"")];
    let flow = Flow::start(&changes).await;
    flow.submit_inside(&["b@fabrikam.test"]).await;
    let error = flow.deferred(1).await;
    assert!(
        error.starts_with(
            "451 4.4.0 Primary target IP address responded with \"451 5.7.3 STARTTLS is required to send mail.\""
        ),
        "{error}"
    );
    assert_eq!(flow.events(TO_INTERNET), [2015]);
    flow.run("FE1", "Set-ReceiveConnector 'From Internet FE1' -Fqdn $null").await;
    flow.run("FE2", "Set-ReceiveConnector 'From Internet FE2' -Fqdn $null").await;
    flow.advance(4);
    assert!(flow.accepted_by("FE1").is_empty() && flow.accepted_by("FE2").is_empty());
    flow.advance(1);
    let sent = flow
        .wait("arrival", |it| matches!(it.event, TrackingEvent::Send { ref to, .. } if to.starts_with("FE")))
        .await;
    assert_eq!((sent.computer.as_str(), sent.recipients), ("EDGE", vec!["b@fabrikam.test".to_owned()]));
    assert_eq!(flow.secured_by("EDGE")[0].0, TlsVerb::StartTls);
}

#[tokio::test]
async fn a_12014_on_the_edgesync_connector_does_not_stop_mail() {
    let flow = Flow::start(&[("inbound", "fqdn = \"mail.contoso.test\"")]).await;
    flow.submit_outside(&["b@contoso.test"]).await;
    flow.delivered_at("HUB").await;
    assert_eq!(flow.events(INBOUND), [12014]);
    assert_eq!(flow.secured_by("EDGE"), [(TlsVerb::XAnonymousTls, "CN=edge.contoso.test".to_owned())]);
}

#[tokio::test]
async fn a_hub_that_does_not_offer_x_anonymoustls_stops_mail() {
    let flow = Flow::start(&[("hub", "suppress_x_anonymous_tls = true")]).await;
    flow.submit_outside(&["b@contoso.test"]).await;
    let error = flow.deferred(1).await;
    assert!(error.contains("451 5.7.3 Cannot achieve Exchange Server authentication."), "{error}");
    assert!(flow.accepted_by("HUB").is_empty());
    flow.run("HUB", "Set-ReceiveConnector 'Default HUB' -SuppressXAnonymousTls $false").await;
    flow.advance(5);
    flow.delivered_at("HUB").await;
}

#[tokio::test]
async fn a_client_that_is_no_server_of_the_lab_gets_no_rights_by_x_anonymoustls() {
    use starttls_lab::internal::tls::{ClientTls, Versions};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let flow = Flow::start(&[]).await;
    let listening = flow.lab.connectors();
    let address = listening.iter().find(|known| known.name == "Default HUB").unwrap().addr;
    let (mut client, _) = Client::connect(address).await;
    client.ask("EHLO client.example").await;
    assert!(client.ask("X-ANONYMOUSTLS").await.starts_with("220 "));
    let tls = ClientTls::trusting_anything(flow.lab.clock(), Versions::Both).unwrap();
    let (mut stream, _) = tls.connect("hub.contoso.test", client.into_stream()).await.unwrap();
    stream.write_all(b"EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nQUIT\r\n").await.unwrap();
    let mut said = String::new();
    tokio::time::timeout(DEADLINE, stream.read_to_string(&mut said)).await.unwrap().ok();
    assert!(said.contains("530 5.7.1 Client was not authenticated"), "{said}");
}

#[tokio::test]
async fn servers_of_another_organisation_are_not_asked_for_x_anonymoustls() {
    let smart_host = "dns_routing_enabled = false\nsmart_hosts = [\"mx.fabrikam.test\"]\n\
                      smart_host_auth_mechanism = \"ExchangeServer\"";
    let flow = Flow::start(&[("outbound", smart_host)]).await;
    flow.submit_inside(&["b@fabrikam.test"]).await;
    let error = flow.deferred(1).await;
    assert!(error.contains("Exchange Server authentication (FE1, FE2 belongs to another"), "{error}");
    assert_eq!(flow.calls(), [call("HUB", IMPLICIT, "EDGE")]);
}

#[tokio::test]
async fn mail_for_nobody_in_the_lab_stays_with_a_record_and_calls_nobody() {
    let flow = Flow::start(&[]).await;
    flow.submit_inside(&["b@example.com"]).await;
    let error = flow.deferred(1).await;
    assert!(error.contains("example.com leads to no other computer of this lab"), "{error}");
    assert_eq!(flow.calls(), [call("HUB", IMPLICIT, "EDGE")]);
    flow.advance(5);
    flow.deferred(2).await;
    flow.advance(48 * 60);
    let fails =
        |it: &Tracking| matches!(&it.event, TrackingEvent::Fail { why, .. } if why.contains("too long"));
    flow.wait("end", fails).await;
    assert_eq!(flow.calls().len(), 1);
}

/// Somebody else's server, at an address that no computer of the lab has, and at one that a computer has.
#[tokio::test]
async fn a_server_outside_the_lab_gets_no_mail_and_no_connection_whatever_a_connector_names() {
    for (ip, hosts) in [("127.0.0.77", "[127.0.0.77]"), ("127.0.0.4", "mx.fabrikam.test")] {
        let outside = std::net::TcpListener::bind((ip, 0)).unwrap();
        outside.set_nonblocking(true).unwrap();
        let port = outside.local_addr().unwrap().port();
        let connector = format!("dns_routing_enabled = false\nsmart_hosts = [\"{hosts}\"]\nport = {port}\n");
        let flow = Flow::start(&[("outbound", &connector)]).await;
        flow.submit_inside(&["b@example.com"]).await;
        flow.deferred(1).await;
        flow.advance(10);
        let error = flow.deferred(2).await;
        let why = ["leads to no other computer of this lab", "Unable to connect"];
        assert!(why.iter().any(|why| error.contains(why)), "{error}");
        let called = outside.accept().map(|(_, from)| from);
        assert_eq!(called.unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "{hosts}");
        assert!(flow.lab.finish(Duration::from_secs(10)).await);
    }
}

#[tokio::test]
async fn a_name_that_the_lab_learns_while_mail_waits_leads_it_there() {
    let flow = Flow::start(&[]).await;
    flow.submit_inside(&["b@example.com"]).await;
    flow.deferred(1).await;
    let known = "mx = { \"example.com\" = [\"mx.fabrikam.test\"], ";
    let text = flow::with(LAB, &[]).replace("mx = { ", known);
    let text = text.replace("[\"fabrikam.test\"]", "[\"fabrikam.test\", \"example.com\"]");
    flow.lab.change(&ScenarioText::parse(&text, "relay.toml").unwrap()).await.unwrap();
    flow.advance(5);
    assert_eq!(flow.delivered_at("FE1").await.recipients, ["b@example.com"]);
}

#[tokio::test]
async fn a_recipient_who_is_refused_for_now_is_tried_again_and_the_others_are_not() {
    let flow = Flow::start(&[("partner", "max_recipients_per_message = 1")]).await;
    flow.submit_inside(&["b@fabrikam.test", "c@fabrikam.test"]).await;
    assert_eq!(flow.deferred(1).await, "452 4.5.3 Too many recipients");
    assert_eq!(flow.delivered_at("FE1").await.recipients, ["b@fabrikam.test"]);
    flow.advance(5);
    assert_eq!(flow.delivered_at("FE2").await.recipients, ["c@fabrikam.test"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_messages_at_once_all_arrive_and_share_the_pool() {
    // As many as a connector takes from one address at once.
    const MESSAGES: usize = 20;
    let flow = Arc::new(Flow::start(&[]).await);
    let clients: Vec<_> = (0..MESSAGES)
        .map(|_| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.submit_inside(&["b@fabrikam.test"]).await })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let mut delivered = 0;
    flow.wait("last delivery", move |it| {
        delivered += usize::from(it.event == TrackingEvent::Deliver);
        delivered == MESSAGES
    })
    .await;
    let (first, second) = (flow.accepted_by("FE1").len(), flow.accepted_by("FE2").len());
    assert_eq!((first, second), (MESSAGES / 2, MESSAGES / 2));
}

#[tokio::test]
async fn a_member_of_the_pool_that_does_not_listen_is_passed_over() {
    let flow = Flow::start(&[]).await;
    flow.run("FE1", "Set-ReceiveConnector 'From Internet FE1' -Enabled $false").await;
    flow.submit_inside(&["b@fabrikam.test"]).await;
    assert_eq!(flow.delivered_at("FE2").await.recipients, ["b@fabrikam.test"]);
}

#[tokio::test]
async fn what_the_next_hop_refuses_for_good_is_given_up_with_a_record_and_without_a_report() {
    let text = LAB.replace("accepted_domains = [\"fabrikam.test\"]", "accepted_domains = [\"other.test\"]");
    let flow = Flow::of(&flow::with(&text, &[])).await;
    flow.submit_inside(&["b@fabrikam.test"]).await;
    let failed = flow.wait("end", |it| matches!(it.event, TrackingEvent::Fail { .. })).await;
    let TrackingEvent::Fail { why, .. } = &failed.event else { panic!() };
    assert!(why.contains("FE1 answered RCPT with 550 5.7.1 Unable to relay"), "{why}");
    assert_eq!(flow.calls(), [call("HUB", IMPLICIT, "EDGE"), call("EDGE", TO_INTERNET, "FE1")]);
}

#[tokio::test]
async fn two_computers_that_send_to_each_other_are_stopped_by_maxhopcount() {
    let computer = |name: &str, other: &str| {
        format!(
            "[[computer]]\nname = \"{name}\"\nfqdn = \"{name}.test\"\nrole = \"edge\"\n\
             profile = \"exchange-2010\"\n[[computer.receive_connector]]\nname = \"Default {name}\"\n\
             usage = \"Internet\"\nmax_hop_count = 5\ntarpit_interval = \"0s\"\n\
             [[computer.send_connector]]\nname = \"To {other}\"\nsmart_hosts = [\"{other}.test\"]\n"
        )
    };
    let flow =
        Flow::of(&format!("title = \"Loop\"\n{}{}", computer("ONE", "TWO"), computer("TWO", "ONE"))).await;
    flow.submit("Default ONE", &["b@loop.test"]).await;
    let failed = flow.wait("end", |it| matches!(it.event, TrackingEvent::Fail { .. })).await;
    let TrackingEvent::Fail { why, .. } = &failed.event else { panic!() };
    assert!(why.contains("554 5.4.6 Hop count exceeded - possible mail loop"), "{why}");
    // The client's is the first without any Received; the seventh would carry six.
    assert_eq!(flow.accepted_by("ONE").len() + flow.accepted_by("TWO").len(), 6);
    assert_eq!(flow.calls().len(), 6);
}

#[tokio::test]
async fn a_lab_that_ends_leaves_no_task_behind_whatever_waits() {
    let flow = Flow::start(&[("outbound", "require_tls = true"), ("partner", "fqdn = \"other.test\"")]).await;
    flow.submit_inside(&["b@fabrikam.test"]).await;
    flow.submit_inside(&["b@example.com"]).await;
    flow.deferred(2).await;
    assert!(flow.lab.finish(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn an_attempt_that_is_under_way_ends_with_the_lab() {
    let text = LAB.replace("accepted_domains = [\"fabrikam.test\"]", "accepted_domains = [\"other.test\"]");
    let text = text.replace("tarpit_interval = \"0s\"", "tarpit_interval = \"00:01:00\"");
    let flow = Flow::of(&flow::with(&text, &[])).await;
    flow.submit_inside(&["b@fabrikam.test"]).await;
    flow.wait_for("RCPT that is held back", |entry| {
        let there = entry.place.as_ref().is_some_and(|place| place.computer.name == "FE1");
        there && matches!(&entry.record, Record::Received(line) if line.starts_with(b"RCPT"))
    })
    .await;
    assert!(flow.lab.finish(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn a_lab_without_a_relay_keeps_every_message_where_it_is() {
    let text = flow::with(LAB, &[]);
    let text = ScenarioText::parse(&text, "relay.toml").unwrap();
    let options = Options { ports: Ports::Free, relay: false, ..Options::default() };
    let flow = Flow { lab: Engine::start(&text, options).await.unwrap() };
    flow.submit_outside(&["b@contoso.test"]).await;
    // A relay would be a task that goes on.
    assert!(flow.lab.drain(Duration::from_secs(10)).await);
    assert_eq!(flow.calls(), []);
    assert!(flow.entries().iter().all(|entry| !matches!(entry.record, Record::Tracking(_))));
}

#[tokio::test]
async fn a_lab_with_one_computer_that_sends_nothing_says_nothing_new() {
    let flow = Flow::of(starttls_lab::internal::scenario::scenario("fqdn-mismatch").unwrap().text).await;
    flow.submit_alone().await;
    assert!(flow.entries().iter().all(|entry| !matches!(entry.record, Record::Tracking(_))));
}

#[tokio::test]
async fn a_computer_that_only_sends_may_stand_in_a_lab_where_another_listens() {
    let sender = "\n[[computer]]\nname = \"APP\"\nfqdn = \"app.contoso.test\"\nrole = \"edge\"\n\
                  profile = \"exchange-2010\"\n[[computer.send_connector]]\nname = \"Out\"\n";
    let flow = Flow::of(&(flow::with(LAB, &[]) + sender)).await;
    assert!(flow.lab.sender("APP", "Out").unwrap().is_some());
    assert!(flow.lab.connectors().iter().all(|listening| listening.computer != "APP"));
}

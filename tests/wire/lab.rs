//! A lab as a whole, over real sockets: what changes under way, what is shared, what is freed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::{Client, DEADLINE};
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::journal::{Entry, Record};
use starttls_lab::internal::lab::{Engine, LabError, Options};
use starttls_lab::internal::scenario::{CommandsSpec, ScenarioText, scenario};
use starttls_lab::internal::session::{Anomaly, TlsFailure};
use starttls_lab::internal::tls::{ClientTls, Versions};
use starttls_lab::internal::wire::Ports;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn seed() -> &'static str {
    scenario("fqdn-mismatch").unwrap().text
}

fn parse(text: &str) -> ScenarioText {
    ScenarioText::parse(text, "test").unwrap()
}

async fn start(text: &str) -> Engine {
    Engine::start(&parse(text), Options { ports: Ports::Free, ..Options::default() }).await.unwrap()
}

fn address(lab: &Engine) -> SocketAddr {
    lab.connectors()[0].addr
}

/// Waits until an entry fits, and returns it; on time-out shows what there is.
async fn wait_for(lab: &Engine, what: &str, fits: impl Fn(&Entry) -> bool + Send + 'static) -> Entry {
    let (found, mut wait) = tokio::sync::mpsc::unbounded_channel();
    lab.journal().listen(Box::new(move |entry| {
        if fits(entry) {
            found.send(entry.clone()).ok();
        }
    }));
    match tokio::time::timeout(DEADLINE, wait.recv()).await {
        Ok(Some(entry)) => entry,
        _ => panic!("no {what} among {:#?}", lab.journal().entries(1)),
    }
}

async fn ehlo(address: SocketAddr) -> String {
    Client::connect(address).await.0.ask("EHLO client.example").await
}

#[tokio::test]
async fn a_mended_fqdn_counts_from_the_next_connection_and_not_for_an_open_one() {
    let lab = start(seed()).await;
    let (mut open, banner) = Client::connect(address(&lab)).await;
    assert!(banner.starts_with("220 mail.expta.com Microsoft ESMTP MAIL Service ready at "), "{banner}");
    let mended = seed().replace("fqdn = \"mail.expta.com\"", "fqdn = \"mailgate.expta.com\"");
    let what = lab.change(&parse(&mended)).await.unwrap();
    assert_eq!(what.len(), 1);
    assert!(what[0].contains("STARTTLS with CN=mailgate.expta.com") && what[0].contains("12014"), "{what:?}");
    assert!(!open.ask("EHLO client.example").await.contains("STARTTLS"));
    let reply = ehlo(address(&lab)).await;
    assert!(
        reply.starts_with("250-mailgate.expta.com Hello [127.0.0.1]\n") && reply.contains("\n250-STARTTLS\n")
    );
}

fn typed(run: &str) -> Vec<CommandsSpec> {
    vec![CommandsSpec::new("MAILGATE", run)]
}

#[tokio::test]
async fn a_cmdlet_mends_the_running_lab_and_finds_what_it_has_logged() {
    let lab = start(seed()).await;
    assert!(!ehlo(address(&lab)).await.contains("STARTTLS"));
    let look = "Get-EventLog Application -InstanceId 3221499630 | Format-List Message";
    let seen = lab.run(&typed(look)).await.unwrap();
    assert!(seen.screen.contains("mail.expta.com in the personal store"), "{}", seen.screen);
    let mend = "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com";
    assert_eq!(lab.run(&typed(mend)).await.unwrap().refused, None);
    assert!(ehlo(address(&lab)).await.contains("\n250-STARTTLS\n"));
}

#[tokio::test]
async fn what_stands_before_a_cmdlet_that_is_refused_stays_done() {
    let lab = start(seed()).await;
    let wrong = "Set-ReceiveConnector 'Default internal' -Fqdn mailgate.expta.com\n\
                 Set-ReceiveConnector 'Default internal receive connector MAILGATE' -Fqdn mailgate.expta.com";
    let refused = lab.run(&typed(wrong)).await.unwrap().refused.unwrap();
    assert!(refused.contains("'Default internal' couldn't be found"), "{refused}");
    assert!(!ehlo(address(&lab)).await.contains("STARTTLS"));
    let (first, last) = wrong.split_once('\n').unwrap();
    let refused = lab.run(&typed(&format!("{last}\n{first}"))).await.unwrap().refused.unwrap();
    assert!(refused.contains("what stands before it took effect"), "{refused}");
    assert!(ehlo(address(&lab)).await.contains("STARTTLS"));
}

#[tokio::test]
async fn a_change_that_is_wrong_changes_nothing() {
    let lab = start(seed()).await;
    let before = lab.connectors();
    let wrong = seed().replace(
        "auth_mechanism = [\"Tls\", \"ExchangeServer\"]",
        "auth_mechanism = [\"BasicAuthRequireTLS\"]",
    );
    let error = lab.change(&parse(&wrong)).await.unwrap_err().to_string();
    assert!(error.contains("BasicAuthRequireTLS needs BasicAuth and Tls") && error.contains('^'), "{error}");
    assert_eq!(lab.connectors(), before);
    assert!(!ehlo(address(&lab)).await.contains("STARTTLS"));
}

#[tokio::test]
async fn a_certificate_that_is_not_touched_by_a_change_stays_the_same() {
    let lab = start(seed()).await;
    let thumbprint = |lab: &Engine| lab.computers()[0].store.iter().next().unwrap().facts.thumbprint;
    let before = thumbprint(&lab);
    lab.change(&parse(&seed().replace("fqdn = \"mail.expta.com\"", "fqdn = \"\""))).await.unwrap();
    assert_eq!(thumbprint(&lab), before);
    lab.change(&parse(&seed().replace("\"mailgate\"]", "\"mailgate\", \"mail.expta.com\"]"))).await.unwrap();
    assert_ne!(thumbprint(&lab), before);
}

#[tokio::test]
async fn a_connector_that_is_added_listens_and_one_that_is_removed_frees_its_port() {
    let lab = start(seed()).await;
    let more = format!(
        "{}\n[[computer.receive_connector]]\nname = \"Client\"\nbindings = [\"0.0.0.0:587\"]\n",
        seed()
    );
    lab.change(&parse(&more)).await.unwrap();
    let client = lab.connectors().into_iter().find(|connector| connector.name == "Client").unwrap();
    assert!(ehlo(client.addr).await.starts_with("250-mailgate.expta.com"));
    lab.change(&parse(seed())).await.unwrap();
    assert_eq!(lab.connectors().len(), 1);
    // The task that holds the socket lets go of it when it is next polled, and a test beside this one may be given the
    // port for a moment.
    let freed = async {
        while std::net::TcpListener::bind(client.addr).is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, freed).await.expect("the port is free again");
}

#[tokio::test]
async fn of_two_connectors_on_one_port_the_most_specific_range_answers() {
    let file = seed().replace("fqdn = \"mail.expta.com\"", "fqdn = \"mailgate.expta.com\"")
        + "\n[[computer.receive_connector]]\nname = \"Relay\"\nfqdn = \"relay.expta.com\"\n"
        + "bindings = [\"0.0.0.0:25\"]\nremote_ip_ranges = [\"127.0.0.2\"]\n";
    let lab = start(&file).await;
    let connectors = lab.connectors();
    assert_eq!(connectors[0].addr, connectors[1].addr);
    let (mut relay, banner) = Client::connect_from("127.0.0.2".parse().unwrap(), connectors[0].addr).await;
    assert!(banner.starts_with("220 relay.expta.com"), "{banner}");
    assert!(!relay.ask("EHLO app.example").await.contains("STARTTLS"));
    assert!(ehlo(connectors[0].addr).await.contains("STARTTLS"));
}

#[tokio::test]
async fn a_peer_whom_no_connector_answers_is_told_and_noted() {
    let lab =
        start(&seed().replace("bindings = [", "remote_ip_ranges = [\"192.0.2.0/24\"]\nbindings = [")).await;
    let (_, banner) = Client::connect(address(&lab)).await;
    assert_eq!(banner, "421 4.3.2 Service not active");
    wait_for(&lab, "no_connector", |entry| matches!(entry.record, Record::NoConnector { .. })).await;
}

#[tokio::test]
async fn a_port_in_use_is_an_error_with_a_way_out_and_nothing_else_listens() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = Options { ports: Ports::Only(port), ..Options::default() };
    let error = Engine::start(&parse(seed()), options).await.unwrap_err();
    assert!(matches!(error, LabError::Bind(_)));
    let error = error.to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("--port 0"), "{error}");
}

#[tokio::test]
async fn one_port_for_two_bindings_is_refused() {
    let two = seed().replace("\"0.0.0.0:25\"", "\"0.0.0.0:25\", \"0.0.0.0:587\"");
    let options = Options { ports: Ports::Only(1), ..Options::default() };
    let error = Engine::start(&parse(&two), options).await.unwrap_err().to_string();
    assert!(error.contains("2 bindings") && error.contains("--port 0"), "{error}");
}

#[tokio::test]
async fn a_lab_that_is_finished_says_goodbye_and_frees_its_port() {
    let lab = start(seed()).await;
    let address = address(&lab);
    let (client, _) = Client::connect(address).await;
    let (ended, rest) = tokio::join!(lab.finish(Duration::from_secs(10)), client.rest());
    assert!(ended);
    assert_eq!(rest, "421 4.3.2 Service not active\r\n");
    std::net::TcpListener::bind(address).expect("the port is free again");
}

#[tokio::test]
async fn what_stands_behind_starttls_in_clear_is_discarded_and_noted() {
    let lab = start(scenario("healthy").unwrap().text).await;
    let (mut client, _) = Client::connect(address(&lab)).await;
    client.ask("EHLO client.example").await;
    client.say("STARTTLS\r\nMAIL FROM:<injected@example.com>\r\nRCPT TO:<b@example.com>\r\n").await;
    assert_eq!(client.reply().await, "220 2.0.0 SMTP server ready");
    wait_for(&lab, "oddity", |entry| {
        matches!(
            &entry.record,
            Record::Anomaly(Anomaly::PipelinedBehindStartTls { octets: 59, executed: false, .. })
        )
    })
    .await;
    let tls = ClientTls::trusting(&[lab.root().clone()], &Clock::system(), Versions::Both).unwrap();
    let (mut stream, _) = tls.connect("mailgate.expta.com", client.into_stream()).await.unwrap();
    stream.write_all(b"RCPT TO:<b@example.com>\r\n").await.unwrap();
    let mut reply = [0; 64];
    let read = stream.read(&mut reply).await.unwrap();
    // Neither the injected sender nor the EHLO before the handshake is known any more.
    assert_eq!(&reply[..read], b"503 5.5.2 Need mail command\r\n");
}

#[tokio::test]
async fn a_client_hello_that_breaks_off_is_told_with_its_length() {
    let lab = start(scenario("healthy").unwrap().text).await;
    let (mut client, _) = Client::connect(address(&lab)).await;
    client.ask("EHLO client.example").await;
    client.ask("STARTTLS").await;
    client.say([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).await;
    drop(client);
    let failed = wait_for(&lab, "handshake", |entry| matches!(entry.record, Record::TlsFailed(_))).await;
    let Record::TlsFailed(handshake) = &failed.record else { panic!("{failed:?}") };
    assert_eq!((&handshake.failure, handshake.partial_hello), (&TlsFailure::Closed, 11));
    assert!(handshake.client_hello.is_none());
}

#[tokio::test]
async fn no_clear_text_follows_a_handshake_that_failed() {
    let lab = start(scenario("healthy").unwrap().text).await;
    let (mut client, _) = Client::connect(address(&lab)).await;
    client.ask("EHLO client.example").await;
    client.ask("STARTTLS").await;
    client.say("MAIL FROM:<a@example.com>\r\n").await;
    let rest = client.rest().await;
    assert!(!rest.contains("250") && !rest.contains("50"), "{rest:?}");
    wait_for(&lab, "failed handshake", |entry| match &entry.record {
        Record::TlsFailed(failed) => matches!(&failed.failure, TlsFailure::NotTls { .. }),
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn a_client_hello_where_a_command_is_due_is_named_and_does_not_hang() {
    let lab = start(seed()).await;
    let (client, _) = Client::connect(address(&lab)).await;
    let tls = ClientTls::trusting_anything(&Clock::system(), Versions::Both).unwrap();
    tls.connect("mail.expta.com", client.into_stream()).await.unwrap_err();
    wait_for(&lab, "oddity", |entry| matches!(entry.record, Record::Anomaly(Anomaly::ClientHelloInClear)))
        .await;
}

#[tokio::test]
async fn a_certificate_without_smtp_may_be_offered_and_then_fails_where_the_rules_say_so() {
    let file = scenario("smtp-not-assigned").unwrap().text;
    let file = file.replacen(
        "[[computer.certificate]]",
        "[computer.rules]\nsmtp_not_assigned = \"handshake-fails\"\n[[computer.certificate]]",
        1,
    );
    let lab = start(&file).await;
    let (mut client, _) = Client::connect(address(&lab)).await;
    assert!(client.ask("EHLO client.example").await.contains("STARTTLS"));
    client.ask("STARTTLS").await;
    let tls = ClientTls::trusting_anything(&Clock::system(), Versions::Both).unwrap();
    tls.connect("mail.expta.com", client.into_stream()).await.unwrap_err();
    wait_for(&lab, "failed handshake", |entry| match &entry.record {
        Record::TlsFailed(failed) => matches!(&failed.failure, TlsFailure::Unusable { .. }),
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn a_hundred_labs_stand_side_by_side_and_see_only_their_own() {
    let mut labs = Vec::new();
    for _ in 0..100 {
        labs.push(start(seed()).await);
    }
    ehlo(address(&labs[42])).await;
    for (index, lab) in labs.iter().enumerate() {
        let connected = |entry: &Entry| matches!(entry.record, Record::Connected);
        let seen = lab.journal().entries(1).iter().filter(|entry| connected(entry)).count();
        assert_eq!(seen, usize::from(index == 42), "lab {index}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_of_one_address_are_turned_away_with_the_reason() {
    let lab =
        start(&seed().replace("bindings = [", "max_inbound_connection_per_source = 2\nbindings = [")).await;
    let first = Client::connect(address(&lab)).await;
    let second = Client::connect(address(&lab)).await;
    let (_, third) = Client::connect(address(&lab)).await;
    assert!(third.starts_with("421 4.3.2 ") && third.contains("per-source limit"), "{third}");
    assert!(first.1.starts_with("220") && second.1.starts_with("220"));
}

#[tokio::test]
async fn what_is_printed_of_a_lab_for_its_author_holds_no_password() {
    let users = "profile = \"exchange-2010\"\nusers = { scanner = \"wound-up-tight\" }";
    let lab = start(&seed().replacen("profile = \"exchange-2010\"", users, 1)).await;
    ehlo(address(&lab)).await;
    let printed = format!("{:?} {:?}", lab.computers(), lab.journal().entries(1));
    assert!(printed.contains("scanner") && !printed.contains("wound-up-tight"));
}

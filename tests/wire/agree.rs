//! `check` says on paper what `serve` does on the wire; if they ever differ, it shows here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::client::Client;
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::exchange::{Computer, select_for};
use starttls_lab::internal::journal::Record;
use starttls_lab::internal::lab::{Engine, Options, Plan};
use starttls_lab::internal::report::{self, Starttls};
use starttls_lab::internal::scenario::{SCENARIOS, ScenarioText, scenario};
use starttls_lab::internal::tls::{ClientTls, Versions};
use starttls_lab::internal::wire::Ports;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// The address of loopback that this connector, and no other, answers on its first binding.
fn peer_of(computer: &Computer, name: &str) -> IpAddr {
    let wanted = computer.receive_connector(name).unwrap();
    let candidates = ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(|ip| ip.parse().unwrap());
    let answers = |peer: &IpAddr| {
        let found = computer.connector_for(wanted.bindings[0].0, *peer);
        found.is_some_and(|found| found.name == wanted.name)
    };
    candidates.into_iter().find(answers).unwrap_or_else(|| panic!("{name} answers nobody on loopback"))
}

/// The reply without what differs between paper and wire: the peer's address.
fn comparable(reply: &str) -> Vec<String> {
    reply.lines().map(|line| line.split(" Hello [").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_check_says_of_every_story_is_what_serve_does() {
    for story in SCENARIOS {
        let text = ScenarioText::parse(story.text, story.name).unwrap();
        let paper = Plan::new(&text).unwrap();
        let report = report::check(&paper.computers, paper.clock.now());
        let lab =
            Engine::start_plan(paper, Options { ports: Ports::Free, ..Options::default() }).await.unwrap();

        let mut expected = BTreeSet::new();
        for connector in &report.connectors {
            expected.extend(connector.events.iter().map(|event| event.message.clone()));
        }
        for connector in &report.send_connectors {
            expected.extend(connector.events.iter().map(|event| event.message.clone()));
        }
        let entries = lab.journal().entries(1);
        let logged: BTreeSet<String> = entries
            .iter()
            .filter_map(|entry| match &entry.record {
                Record::Event(logged) => Some(logged.event.message()),
                _ => None,
            })
            .collect();
        assert_eq!(logged, expected, "events of {}", story.name);

        for (listening, said) in lab.connectors().iter().zip(&report.connectors) {
            let computers = lab.computers();
            let computer = computers.iter().find(|computer| computer.name == listening.computer).unwrap();
            let identity = format!("{}\\{}", listening.computer, listening.name);
            assert_eq!(identity, said.identity, "{}", story.name);
            let v4 = listening.addrs.iter().find(|address| address.is_ipv4()).unwrap();
            let (mut peer, _) = Client::connect_from(peer_of(computer, &listening.name), *v4).await;
            let reply = peer.ask("EHLO client.example").await;
            assert_eq!(comparable(&reply), comparable(&said.ehlo.join("\n")), "{} {identity}", story.name);

            let offered = matches!(said.starttls, Starttls::Offered | Starttls::OfferedInTrouble);
            assert_eq!(reply.contains("STARTTLS"), offered, "{} {identity}", story.name);
            let code = peer.ask("STARTTLS").await;
            assert_eq!(code.starts_with("220"), offered, "{} {identity}: {code}", story.name);
            if !offered {
                continue;
            }
            let tls = ClientTls::trusting_anything(&Clock::system(), Versions::Both).unwrap();
            let connector = computer.receive_connector(&listening.name).unwrap();
            let selection = select_for(connector, computer, lab.clock().now());
            let fails = selection.offered().is_some_and(|offered| offered.handshake_fails);
            let secured = tls.connect("any.example", peer.into_stream()).await;
            assert_eq!(secured.is_err(), fails, "{} {identity}", story.name);
            let Ok((stream, facts)) = secured else { continue };
            let chosen =
                said.certificates.iter().find(|certificate| certificate.words.starts_with("chosen")).unwrap();
            assert_eq!(facts.peer_chain[0].thumbprint(), chosen.thumbprint, "{} {identity}", story.name);
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(b"EHLO client.example\r\n").await.unwrap();
            let mut inside = String::new();
            while inside.lines().last().is_none_or(|line| line.as_bytes()[3] != b' ') {
                stream.read_line(&mut inside).await.unwrap();
            }
            assert_eq!(comparable(&inside), comparable(&said.ehlo_inside_tls.join("\n")), "{}", story.name);
        }
    }
}

#[test]
fn a_certificate_that_only_ails_is_renewed_before_the_connector_turns_to_another() {
    let text = ScenarioText::parse(scenario("expired-offered").unwrap().text, "expired").unwrap();
    let paper = Plan::new(&text).unwrap();
    let report = report::check(&paper.computers, paper.clock.now());
    let connector = &report.connectors.iter().find(|connector| !connector.fixes.is_empty()).unwrap();
    let titles: Vec<_> = connector.fixes.iter().map(|fix| fix.title.as_str()).collect();
    assert!(titles[0].starts_with("Renew CN=mail.contoso.com"), "{titles:#?}");
    assert!(titles.iter().any(|title| title.starts_with("Set the connector's FQDN")), "{titles:#?}");
}

#[test]
fn a_certificate_that_a_pin_names_is_not_proposed_for_removal() {
    let expired = scenario("pin-matches")
        .unwrap()
        .text
        .replace("label = \"renewed\"", "label = \"renewed\"\nnot_after = \"-1d\"");
    let text = ScenarioText::parse(&expired, "pinned").unwrap();
    let paper = Plan::new(&text).unwrap();
    let report = report::check(&paper.computers, paper.clock.now());
    let fixes = report.connectors.iter().flat_map(|connector| &connector.fixes);
    let commands: Vec<_> = fixes.flat_map(|fix| &fix.commands).collect();
    assert!(!commands.is_empty());
    assert!(!commands.iter().any(|command| command.contains("Remove-ExchangeCertificate")), "{commands:#?}");
}

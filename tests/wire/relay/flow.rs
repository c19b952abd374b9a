//! Contoso and Fabrikam, and what a test reads of them.

use std::sync::Arc;

use jiff::SignedDuration;
use starttls_lab::internal::journal::{Entry, Record, Tracking, TrackingEvent, transcript_line};
use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::scenario::{CommandsSpec, ScenarioText};
use starttls_lab::internal::session::{Message, TlsVerb};
use starttls_lab::internal::wire::Ports;

use crate::client::{Client, DEADLINE};

pub(crate) const INBOUND: &str = "EdgeSync - Inbound to Site";
pub(crate) const TO_INTERNET: &str = "EdgeSync - Site to Internet";
pub(crate) const IMPLICIT: &str = "Intra-Organization SMTP Send Connector";

/// Contoso with an Edge and a Hub, and Fabrikam with a pool of two. `{...}` is for what a test changes.
pub(crate) const LAB: &str = edge_and_hub! {
    domain: "contoso.test",
    head: r#"
title = "Mail flows"
now = "2010-09-28T09:35:58Z"
mx = { "fabrikam.test" = ["mx.fabrikam.test"] }
hosts = { "mx.fabrikam.test" = ["FE1", "FE2"] }
"#,
    edge: r#"
organization = "Contoso"
[[computer.certificate]]
names = ["edge.contoso.test", "EDGE"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "Default internal receive connector EDGE"
usage = "Default"
tarpit_interval = "0s"
[[computer.send_connector]]
name = "EdgeSync - Inbound to Site"
usage = "EdgeSyncInbound"
protocol_logging_level = "Verbose"
{inbound}
[[computer.send_connector]]
name = "EdgeSync - Site to Internet"
usage = "EdgeSyncToInternet"
{outbound}
"#,
    hub: r#"
organization = "Contoso"
accepted_domains = ["contoso.test"]
[[computer.certificate]]
names = ["hub.contoso.test", "HUB"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "Default HUB"
usage = "Default"
tarpit_interval = "0s"
{hub}
[[computer.receive_connector]]
name = "Printers HUB"
usage = "Custom"
bindings = ["0.0.0.0:2525"]
auth_mechanism = ["Tls", "ExternalAuthoritative"]
permission_groups = ["AnonymousUsers", "ExchangeServers"]
tarpit_interval = "0s"
"#,
    rest: r#"
[[computer]]
name = "FE1"
fqdn = "fe1.fabrikam.test"
role = "edge"
profile = "exchange-2010"
address = "127.0.0.4"
organization = "Fabrikam"
accepted_domains = ["fabrikam.test"]
[[computer.certificate]]
names = ["fe1.fabrikam.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "From Internet FE1"
usage = "Internet"
tarpit_interval = "0s"
{partner}

[[computer]]
name = "FE2"
fqdn = "fe2.fabrikam.test"
role = "edge"
profile = "exchange-2010"
address = "127.0.0.5"
organization = "Fabrikam"
accepted_domains = ["fabrikam.test"]
[[computer.certificate]]
names = ["fe2.fabrikam.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "From Internet FE2"
usage = "Internet"
tarpit_interval = "0s"
{partner}
"#,
};

/// A lab file with what a test changes.
pub(crate) fn with(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for place in ["inbound", "outbound", "hub", "partner"] {
        let change = changes.iter().find(|(known, _)| *known == place).map_or("", |(_, change)| change);
        text = text.replace(&format!("{{{place}}}"), change);
    }
    text
}

/// A lab with what a test reads of it.
pub(crate) struct Flow {
    pub(crate) lab: Engine,
}

impl Flow {
    pub(crate) async fn start(changes: &[(&str, &str)]) -> Self {
        Self::of(&with(LAB, changes)).await
    }

    pub(crate) async fn of(text: &str) -> Self {
        let text = ScenarioText::parse(text, "relay.toml").unwrap();
        let options = Options { ports: Ports::Free, ..Options::default() };
        Self { lab: Engine::start(&text, options).await.unwrap() }
    }

    /// Hands a message to a connector, in clear, and reads the last reply.
    pub(crate) async fn submit(&self, connector: &str, to: &[&str]) -> String {
        let listening = self.lab.connectors();
        let address = listening.iter().find(|known| known.name == connector).unwrap().addr;
        let (mut client, _) = Client::connect(address).await;
        client.ask("EHLO client.example").await;
        client.ask("MAIL FROM:<a@client.example>").await;
        for to in to {
            let reply = client.ask(&format!("RCPT TO:<{to}>")).await;
            assert!(reply.starts_with("250 "), "{reply}");
        }
        client.ask("DATA").await;
        let reply = client.ask("Subject: on its way\r\n\r\n.one\r\n..two\r\n.").await;
        client.ask("QUIT").await;
        reply
    }

    pub(crate) async fn submit_outside(&self, to: &[&str]) {
        self.submit("Default internal receive connector EDGE", to).await;
    }

    pub(crate) async fn submit_inside(&self, to: &[&str]) {
        self.submit("Printers HUB", to).await;
    }

    /// Waits until an entry fits.
    pub(crate) async fn wait_for(
        &self,
        what: &str,
        mut fits: impl FnMut(&Entry) -> bool + Send + 'static,
    ) -> Entry {
        let (found, mut wait) = tokio::sync::mpsc::unbounded_channel();
        self.lab.journal().listen(Box::new(move |entry| {
            if fits(entry) {
                found.send(entry.clone()).ok();
            }
        }));
        match tokio::time::timeout(DEADLINE, wait.recv()).await {
            Ok(Some(entry)) => entry,
            _ => panic!("no {what}:\n{}", self.told()),
        }
    }

    /// Waits until something becomes of a message that fits.
    pub(crate) async fn wait(
        &self,
        what: &str,
        mut fits: impl FnMut(&Tracking) -> bool + Send + 'static,
    ) -> Tracking {
        let fits = move |entry: &Entry| matches!(&entry.record, Record::Tracking(it) if fits(it));
        match self.wait_for(what, fits).await.record {
            Record::Tracking(tracking) => *tracking,
            _ => unreachable!("it was looked at"),
        }
    }

    pub(crate) async fn delivered_at(&self, computer: &'static str) -> Tracking {
        let fits = move |it: &Tracking| it.computer == computer && it.event == TrackingEvent::Deliver;
        self.wait("delivery", fits).await
    }

    /// The `nth` deferral; its LastError.
    pub(crate) async fn deferred(&self, nth: usize) -> String {
        let mut seen = 0;
        let fits = move |it: &Tracking| {
            seen += usize::from(matches!(it.event, TrackingEvent::Defer { .. }));
            seen == nth
        };
        match self.wait("deferral", fits).await.event {
            TrackingEvent::Defer { last_error, .. } => last_error,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lab.journal().entries(1)
    }

    pub(crate) fn told(&self) -> String {
        self.entries().iter().map(|entry| transcript_line(entry) + "\n").collect()
    }

    /// The messages that a computer accepted, oldest first.
    pub(crate) fn accepted_by(&self, computer: &str) -> Vec<Arc<Message>> {
        let entries = self.entries();
        let accepted = entries.iter().filter_map(|entry| match &entry.record {
            Record::Message(message) if entry.place.as_ref().unwrap().computer.name == computer => {
                message.message.upgrade()
            }
            _ => None,
        });
        accepted.collect()
    }

    /// Which computer called which, by which connector, in order.
    pub(crate) fn calls(&self) -> Vec<(String, String, String)> {
        let entries = self.entries();
        let calls = entries.iter().filter(|entry| matches!(entry.record, Record::Connecting));
        let calls = calls.filter_map(|entry| entry.place.as_ref());
        calls
            .map(|place| {
                let peer = place.peer.clone().unwrap_or_default();
                (place.computer.name.clone(), place.connector.name().to_owned(), peer)
            })
            .collect()
    }

    /// The events that name a connector.
    pub(crate) fn events(&self, connector: &str) -> Vec<u16> {
        let entries = self.entries();
        let events = entries.iter().filter_map(|entry| match &entry.record {
            Record::Event(logged) if logged.connector.as_deref() == Some(connector) => {
                Some(logged.event.event_id)
            }
            _ => None,
        });
        events.collect()
    }

    /// The verb and the own certificate of the handshakes that a computer began.
    pub(crate) fn secured_by(&self, computer: &str) -> Vec<(TlsVerb, String)> {
        let entries = self.entries();
        let secured = entries.iter().filter_map(|entry| match &entry.record {
            Record::Secured(tls) if entry.place.as_ref().unwrap().computer.name == computer => {
                Some((tls.verb, tls.own.as_ref().map(|own| own.subject.clone()).unwrap_or_default()))
            }
            _ => None,
        });
        secured.collect()
    }

    pub(crate) async fn run(&self, on: &str, run: &str) {
        let command = CommandsSpec::new(on, run);
        let typed = self.lab.run(&[command]).await.unwrap();
        assert_eq!(typed.refused, None, "{}", typed.screen);
    }

    pub(crate) fn advance(&self, minutes: i64) {
        self.lab.clock().advance(SignedDuration::from_mins(minutes));
    }
}

impl Flow {
    /// Hands a message to the only connector there is.
    pub(crate) async fn submit_alone(&self) {
        let name = self.lab.connectors()[0].name.clone();
        let reply = self.submit(&name, &["b@expta.com"]).await;
        assert!(reply.starts_with("250 2.6.0 "), "{reply}");
    }
}

//! The lab that a dialogue takes place in.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use starttls_lab::internal::exchange::{
    Computer, Event, InternalTransport, ReceiveConnector, select_for, selection_events, wants_anonymous_tls,
};
use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::pki::Thumbprint;
use starttls_lab::internal::scenario::{Built, ScenarioText, entry, scenario};
use starttls_lab::internal::session::fault::{FaultRule, FaultTable, Faults};
use starttls_lab::internal::session::{Counters, Setting, TlsVerb};
use toml::{Table, Value};

/// The head of a dialogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// What the dialogue shows, in a sentence.
    pub(crate) about: String,
    /// A built-in story, an entry of the fault catalogue, or a file beside the dialogues.
    pub(crate) lab: String,
    /// The connector that is spoken to; left away, the first of the lab.
    connector: Option<String>,
    /// Parameters of the connector that differ from those of the lab.
    #[serde(default)]
    connector_with: Table,
    /// Keys of the computer that differ from those of the lab.
    #[serde(default)]
    computer_with: Table,
}

impl Setup {
    /// The lab with the head's changes in it. Its clock stands still, and nobody is held back in it.
    pub(crate) fn paper(&self) -> Plan {
        Plan::new(&self.scenario()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn scenario(&self) -> ScenarioText {
        let mut lab: Table = self.text().parse().unwrap_or_else(|error| panic!("{}: {error}", self.lab));
        lab.insert("now".to_owned(), Stage::now().to_string().into());
        let wanted = self.connector.as_deref();
        let computers = lab["computer"].as_array_mut().unwrap().iter_mut();
        let found = computers.filter_map(Value::as_table_mut).find_map(|computer| {
            let connector = connector(computer, wanted)?;
            for tarpit in ["tarpit_interval", "auth_tarpit_interval"] {
                connector.insert(tarpit.to_owned(), "00:00:00".into());
            }
            connector.extend(self.connector_with.clone());
            computer.extend(self.computer_with.clone());
            Some(())
        });
        found.unwrap_or_else(|| panic!("{} has no connector {wanted:?}", self.lab));
        let text = toml::to_string(&lab).unwrap();
        ScenarioText::parse(&text, &self.lab).unwrap_or_else(|error| panic!("{error}"))
    }

    fn text(&self) -> String {
        let entry = || entry(&self.lab).map(|entry| &entry.scenario);
        if let Some(story) = scenario(&self.lab).or_else(entry) {
            return story.text.to_owned();
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
        let file = folder.join(&self.lab);
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}

fn connector<'a>(computer: &'a mut Table, wanted: Option<&str>) -> Option<&'a mut Table> {
    let connectors = computer.get_mut("receive_connector")?.as_array_mut()?;
    let mut tables = connectors.iter_mut().filter_map(Value::as_table_mut);
    tables.find(|table| wanted.is_none_or(|wanted| table["name"].as_str() == Some(wanted)))
}

/// A connector at work, to be spoken to as often as needed.
pub(crate) struct Stage {
    pub(super) computer: Arc<Computer>,
    pub(super) connector: Arc<ReceiveConnector>,
    faults: Vec<FaultRule>,
}

impl Stage {
    /// The stage of a lab of its own.
    pub(crate) fn new(setup: &Setup) -> Self {
        Self::in_lab(setup, &setup.paper())
    }

    /// The stage in a lab that was made for the same dialogue.
    pub(crate) fn in_lab(setup: &Setup, lab: &Plan) -> Self {
        let found = lab.computers.iter().find_map(|Built { computer, faults, .. }| {
            let connector = match &setup.connector {
                Some(name) => computer.receive_connector(name),
                None => computer.receive_connectors.first(),
            };
            Some(Self {
                computer: Arc::clone(computer),
                connector: Arc::clone(connector?),
                faults: faults.clone(),
            })
        });
        found.unwrap_or_else(|| panic!("{} has no such connector", setup.lab))
    }

    /// The hour of the seed's event.
    pub(crate) fn now() -> Timestamp {
        "2010-09-28T09:35:58Z".parse().unwrap()
    }

    /// Where one conversation takes place; its messages are counted from 1.
    pub(crate) fn setting(&self) -> Arc<Setting> {
        let at = |port| SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port);
        let connector = &self.connector;
        assert!(connector.best_range_for(at(0).ip()).is_some(), "{} is not for 127.0.0.1", connector.name);
        Arc::new(Setting {
            computer: Arc::clone(&self.computer),
            connector: Arc::clone(&self.connector),
            local: at(self.connector.bindings[0].0.port()),
            peer: at(50_000),
            starttls: self.certificate(TlsVerb::StartTls).is_some(),
            anonymous_tls: self.certificate(TlsVerb::XAnonymousTls).is_some(),
            counters: Arc::new(Counters::default()),
        })
    }

    /// What a conversation finds in the connector's fault table, which nobody has looked into yet.
    pub(crate) fn faults(&self) -> Option<Faults> {
        let table = FaultTable::of(&self.faults, &self.connector.name);
        (!table.is_empty()).then(|| Arc::new(table).connect(IpAddr::from([127, 0, 0, 1])))
    }

    /// The certificate that is presented after `verb`.
    pub(crate) fn certificate(&self, verb: TlsVerb) -> Option<Thumbprint> {
        match verb {
            TlsVerb::StartTls => {
                let selection = select_for(&self.connector, &self.computer, Self::now());
                selection.offered().map(|offered| offered.thumbprint)
            }
            TlsVerb::XAnonymousTls => {
                let internal = InternalTransport::of(&self.computer);
                let wanted = wants_anonymous_tls(&self.connector);
                internal.certificate().filter(|_| wanted).map(|stored| stored.facts.thumbprint)
            }
        }
    }

    /// What is logged before anybody has connected: about the connector, and about its computer as soon
    /// as any connector needs the certificate that all of them share.
    pub(crate) fn events(&self) -> Vec<Event> {
        let now = Self::now();
        let mut events = Vec::new();
        for connector in self.computer.receive_connectors.iter().filter(|connector| connector.enabled) {
            if connector.name == self.connector.name {
                let selection = select_for(connector, &self.computer, now);
                events.extend(selection_events(&selection, connector, &self.computer, now));
            }
            let internal = InternalTransport::of(&self.computer).event(now);
            events.extend(internal.filter(|event| wants_anonymous_tls(connector) && !events.contains(event)));
        }
        events
    }
}

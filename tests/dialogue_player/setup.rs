//! The lab that a dialogue takes place in.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use starttls_lab::exchange::{
    Computer, Event, InternalTransport, ReceiveConnector, select_for, selection_events, wants_anonymous_tls,
};
use starttls_lab::pki::{KeyAlgorithm, KeyPair, Thumbprint};
use starttls_lab::scenario::{ScenarioText, Workshop, story};
use starttls_lab::session::{Counters, Setting, TlsVerb};
use toml::{Table, Value};

/// The head of a dialogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// What the dialogue shows, in a sentence.
    pub(crate) about: String,
    /// A built-in story, or a file beside the dialogues.
    lab: String,
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
    /// The lab on paper, with the head's changes in it: the same for every wire.
    pub(crate) fn scenario(&self) -> ScenarioText {
        let mut lab: Table = self.text().parse().unwrap_or_else(|error| panic!("{}: {error}", self.lab));
        let wanted = self.connector.as_deref();
        let computers = lab["computer"].as_array_mut().unwrap().iter_mut();
        let found = computers.filter_map(Value::as_table_mut).find_map(|computer| {
            connector(computer, wanted)?.extend(self.connector_with.clone());
            computer.extend(self.computer_with.clone());
            Some(())
        });
        found.unwrap_or_else(|| panic!("{} has no connector {wanted:?}", self.lab));
        let text = toml::to_string(&lab).unwrap();
        ScenarioText::parse(&text, &self.lab).unwrap_or_else(|error| panic!("{error}"))
    }

    fn text(&self) -> String {
        if let Some(story) = story(&self.lab) {
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

/// A lab that was built for one dialogue, to be played in as often as needed.
pub(crate) struct Stage {
    computer: Arc<Computer>,
    connector: Arc<ReceiveConnector>,
}

impl Stage {
    pub(crate) fn new(setup: &Setup) -> Self {
        let key = KeyPair::generate(KeyAlgorithm::default()).unwrap();
        let mut keys = move |_| Ok(key.clone());
        let mut workshop = Workshop::open(Self::now(), &mut keys).unwrap();
        let built = setup.scenario().build(&mut workshop, &mut keys);
        let built = built.unwrap_or_else(|error| panic!("{error}"));
        let found = built.into_iter().find_map(|built| {
            let connector = match &setup.connector {
                Some(name) => built.computer.receive_connector(name),
                None => built.computer.receive_connectors.first(),
            };
            let connector = Arc::clone(connector?);
            Some(Self { computer: built.computer, connector })
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

    /// What the connector logs before anybody has connected.
    pub(crate) fn events(&self) -> Vec<Event> {
        let selection = select_for(&self.connector, &self.computer, Self::now());
        selection_events(&selection, &self.connector, &self.computer, Self::now())
    }
}

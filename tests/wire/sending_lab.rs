//! A lab that is watched by what one of its Send connectors sends.

use std::net::SocketAddr;

use starttls_lab::internal::journal::{Entry, SendProtocolLog};
use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::scenario::ScenarioText;
use starttls_lab::internal::wire::{Ports, Sender};

pub(crate) struct SendingLab {
    pub(crate) lab: Engine,
    pub(crate) sender: Sender,
    /// The address of the first receive connector.
    pub(crate) address: SocketAddr,
}

impl SendingLab {
    pub(crate) async fn start(text: &str, computer: &str, connector: &str) -> Self {
        let scenario = ScenarioText::parse(text, "lab.toml").unwrap();
        let options = Options { ports: Ports::Free, ..Options::default() };
        let lab = Engine::start(&scenario, options).await.unwrap();
        let address = lab.connectors()[0].addr;
        let sender = lab.sender(computer, connector).unwrap().unwrap();
        Self { lab, sender, address }
    }

    /// The entries of the conversations that the lab sent in.
    pub(crate) fn sent(&self) -> Vec<Entry> {
        let mut entries = self.lab.journal().entries(1);
        entries.retain(|entry| entry.place.as_ref().is_some_and(|place| place.connector.sends()));
        entries
    }

    /// The rows of the send log.
    pub(crate) fn rows(&self) -> Vec<String> {
        let mut log = SendProtocolLog::new();
        let rows: String = self.lab.journal().entries(1).iter().map(|entry| log.rows(entry)).collect();
        rows.lines().map(str::to_owned).collect()
    }

    /// The rows of the send log, from the event on.
    pub(crate) fn log(&self) -> Vec<String> {
        self.rows().iter().map(|row| row.splitn(7, ',').nth(6).unwrap().to_owned()).collect()
    }
}

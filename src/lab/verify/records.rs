//! The lab's own records of a stage.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::exchange::{Computer, SendConnector};
use crate::journal::{Connector, Entry, Journal, Record};
use crate::lab::{Engine, LabError};
use crate::observe::Observer;
use crate::pki::Thumbprint;
use crate::scenario::Value;
use crate::wire::Sender;

/// The time that the lab may take to notice that a peer is gone.
const NOTICE: Duration = Duration::from_secs(30);

/// The journal of a lab from the beginning of a stage on.
pub(super) struct Records {
    journal: Arc<Journal>,
    observer: Arc<Observer>,
    clock: Clock,
    begin: u64,
    /// A notification with every entry.
    bell: Arc<Notify>,
}

impl Records {
    /// Returns everything that was recorded since the lab was started.
    pub(super) fn of(lab: &Engine) -> Self {
        let (journal, bell) = (Arc::clone(lab.journal()), Arc::new(Notify::new()));
        let rings = Arc::clone(&bell);
        journal.listen(Box::new(move |_| rings.notify_one()));
        Self { journal, observer: Arc::clone(lab.observer()), clock: lab.clock().clone(), begin: 1, bell }
    }

    /// Skips everything that was recorded until now.
    pub(super) fn begin_here(&mut self) {
        self.begin = self.next();
    }

    /// Returns the number of the entry that is written next.
    pub(super) fn next(&self) -> u64 {
        self.observer.newest() + 1
    }

    /// Returns what was recorded from entry `since` on, once the lab has noticed the end of the attempt that
    /// `sender` has just made.
    ///
    /// A sender is gone a moment before the lab knows it, and the lab may have things to write until then.
    pub(super) async fn after(&self, since: u64, sender: &Sender) -> Result<Vec<Entry>, LabError> {
        let noticed = async {
            loop {
                let entries = self.journal.entries(since);
                if has_ended(&entries, sender) {
                    return entries;
                }
                self.bell.notified().await;
            }
        };
        self.clock.timeout(NOTICE, pin!(noticed)).await.map_err(|_| {
            let name = &sender.connector().name;
            LabError::Unobserved(format!("the lab did not notice within {NOTICE:?} that `{name}` has left"))
        })
    }

    /// Returns the events about a connector of this computer, or about the computer as a whole.
    pub(super) fn events(&self, computer: &Computer, connector: Option<&str>) -> Value {
        Value::events(&self.observer.event_ids(self.begin - 1, &computer.name, connector))
    }

    /// Returns the certificate that a server asked this connector for and was shown.
    pub(super) fn shown_by(&self, computer: &Computer, connector: &SendConnector) -> Option<Thumbprint> {
        self.journal.entries(self.begin).into_iter().rev().find_map(|entry| {
            let place = entry.place?;
            let here = place.computer.name == computer.name
                && place.connector.sends()
                && place.connector.name() == connector.name;
            match entry.record {
                Record::Secured(tls) if here => tls.facts.own,
                _ => None,
            }
        })
    }
}

/// Returns whether the lab has noticed the end of the last conversation that `sender` had with it.
fn has_ended(entries: &[Entry], sender: &Sender) -> bool {
    let own = |entry: &&Entry| {
        entry.place.as_ref().is_some_and(|place| match &place.connector {
            Connector::Send(connector) => Arc::ptr_eq(connector, sender.connector()),
            Connector::Receive(_) => false,
        })
    };
    let last = entries.iter().rev().filter(own).find_map(|entry| entry.place.as_ref());
    let Some(local) = last.map(|place| place.local).filter(|local| local.port() != 0) else {
        // There was no connection, so there is no other end.
        return true;
    };
    entries.iter().any(|entry| match (&entry.record, &entry.place) {
        (Record::Disconnected(_), Some(place)) => !place.connector.sends() && place.remote == local,
        (Record::NoConnector(stranger), _) => stranger.remote == local,
        _ => false,
    })
}

//! What has happened in a lab so far, in numbers.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::journal::{Journal, Record};

/// Conversations that the lab received, messages that it took and events that it logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) messages: u64,
    /// Those of the messages that came over TLS.
    pub(super) over_tls: u64,
    pub(super) events: BTreeSet<u16>,
}

/// Counts along with a journal, whatever falls out of it later.
pub(super) struct Tally(watch::Receiver<Counts>);

/// How long nothing may happen before a lab counts as quiet. A connection that waits to be taken is not
/// counted yet.
const LULL: Duration = Duration::from_millis(50);

impl Tally {
    /// Counts what `journal` holds and what is still to come.
    pub(super) fn of(journal: &Journal) -> Self {
        let (counts, seen) = watch::channel(Counts::default());
        journal.listen(Box::new(move |entry| {
            let receives = entry.place.as_ref().is_some_and(|place| !place.connector.sends());
            counts.send_if_modified(|counts| counts.note(&entry.record, receives));
        }));
        Self(seen)
    }

    /// The numbers now.
    pub(super) fn now(&self) -> Counts {
        self.0.borrow().clone()
    }

    /// Waits until the numbers are as `wanted`.
    pub(super) async fn until(&mut self, wanted: impl FnMut(&Counts) -> bool) {
        // The channel ends with the journal, and then nothing is left to wait for.
        self.0.wait_for(wanted).await.ok();
    }

    /// Waits until no conversation is open and none begins for a moment; at most so long.
    pub(super) async fn quiet(&mut self, longest: Duration) {
        let lull = async {
            loop {
                self.until(|counts| counts.begun == counts.ended).await;
                // The channel ends with the journal, and then it is quiet.
                if !matches!(timeout(LULL, self.0.changed()).await, Ok(Ok(()))) {
                    return;
                }
            }
        };
        timeout(longest, lull).await.ok();
    }
}

impl Counts {
    /// Returns whether something was counted.
    fn note(&mut self, record: &Record, receives: bool) -> bool {
        match record {
            Record::Connected if receives => self.begun += 1,
            Record::Disconnected(_) if receives => self.ended += 1,
            Record::Message(message) => {
                self.messages += 1;
                self.over_tls += u64::from(message.tls.is_some());
            }
            Record::Event(logged) => return self.events.insert(logged.event.event_id),
            _ => return false,
        }
        true
    }
}

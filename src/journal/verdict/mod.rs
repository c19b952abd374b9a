//! The verdict: what a client's conduct amounts to, audited out of the journal.
//!
//! A TLS alert does not say what went wrong, and many clients send none. So what the lab itself presented is
//! measured ([`Presented`]), and beside it stands what the client then did ([`Reaction`]). The conversations
//! of one client with one connector are one story, in which a fall-back to clear text can be seen as one.

mod conversation;
mod handshake;
mod inside;
mod leak;
mod met;
mod presented;
mod story;
mod symptom;
mod telling;
mod texts;

pub use conversation::{Conversation, Parting, StartTls, Turn};
pub use handshake::{HandshakeAudit, Reaction};
pub use inside::Injected;
pub use leak::{Leak, Said, Why};
pub use presented::Presented;
pub use story::{FallBack, Verdict};
pub use symptom::Symptom;
pub use texts::{ErrorText, Known, texts};

use super::record::{Entry, Place};

/// What the audit measures by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure<'a> {
    /// The name that a client had to expect; left away, the one the connector answers with.
    pub host: Option<&'a str>,
    /// The subject of the root that clients trust; left away, chains are believed as the store has them.
    pub root: Option<&'a str>,
}

/// A verdict on each client of each receive connector, in the order in which they first came.
///
/// Who comes from the same address to the same connector is taken for one client.
pub fn verdicts(entries: &[Entry], measure: Measure<'_>) -> Vec<Verdict> {
    let mut found: Vec<Found> = Vec::new();
    for entry in entries {
        let Some(place) = entry.place.as_ref().filter(|place| !place.connector.sends()) else { continue };
        let at = found.iter().position(|it| it.is_of(place)).unwrap_or_else(|| {
            found.push(Found::new(place));
            found.len() - 1
        });
        found[at].note(entry, place, measure);
    }
    found.into_iter().map(Found::judge).collect()
}

/// A client and what is known of its conversations so far.
struct Found {
    peer: std::net::IpAddr,
    computer: String,
    connector: String,
    conversations: Vec<conversation::Telling>,
}

impl Found {
    fn new(place: &Place) -> Self {
        Self {
            peer: place.remote.ip().to_canonical(),
            computer: place.computer.name.clone(),
            connector: place.connector.name().to_owned(),
            conversations: Vec::new(),
        }
    }

    fn is_of(&self, place: &Place) -> bool {
        self.peer == place.remote.ip().to_canonical()
            && self.computer == place.computer.name
            && self.connector == place.connector.name()
    }

    fn note(&mut self, entry: &Entry, place: &Place, measure: Measure<'_>) {
        let known = self.conversations.iter_mut().rev().find(|it| it.is(place.session));
        match known {
            Some(telling) => telling.note(entry, place, measure),
            None => {
                let mut telling = conversation::Telling::begin(entry, place);
                telling.note(entry, place, measure);
                self.conversations.push(telling);
            }
        }
    }

    fn judge(self) -> Verdict {
        let conversations = self.conversations.into_iter().map(conversation::Telling::end).collect();
        Verdict::of(self.peer, self.computer, self.connector, conversations)
    }
}

#[cfg(test)]
mod tests;

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

use std::borrow::Borrow;

use super::session::{SessionSummary, Sessions};
use crate::journal::{Entry, Place};
pub(super) use conversation::Telling;

/// What the audit measures by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure<'a> {
    /// The name that a client had to expect; left away, the one the connector answers with.
    pub host: Option<&'a str>,
    /// The subject of the root that clients trust; left away, chains are believed as the store has them.
    pub root: Option<&'a str>,
}

/// A verdict on each client of each receive connector, in the order in which they first came, as far as `entries`
/// tell of them.
///
/// Who comes from the same address to the same connector is taken for one client.
pub fn verdicts(entries: &[Entry], measure: Measure<'_>) -> Vec<Verdict> {
    let mut open = Sessions::default();
    let mut sessions: Vec<_> = entries.iter().filter_map(|entry| open.note(entry)).collect();
    sessions.extend(open.iter().cloned());
    of(sessions, measure)
}

/// A verdict on each client of these sessions.
pub(super) fn of<S: Borrow<SessionSummary>>(mut sessions: Vec<S>, measure: Measure<'_>) -> Vec<Verdict> {
    sessions.retain(|session| !session.borrow().sends());
    sessions.sort_by_key(|session| session.borrow().session);
    let mut clients: Vec<(&Place, Vec<Conversation>)> = Vec::new();
    for session in &sessions {
        let (place, conversation) = (&*session.borrow().place, session.borrow().conversation(measure));
        match clients.iter_mut().find(|(known, _)| is_same_client(known, place)) {
            Some((_, conversations)) => conversations.push(conversation),
            None => clients.push((place, vec![conversation])),
        }
    }
    let verdicts = clients.into_iter().map(|(place, conversations)| {
        let (computer, connector) = (place.computer.name.clone(), place.connector.name().to_owned());
        Verdict::of(place.remote.ip().to_canonical(), computer, connector, conversations)
    });
    verdicts.collect()
}

fn is_same_client(one: &Place, other: &Place) -> bool {
    one.remote.ip().to_canonical() == other.remote.ip().to_canonical()
        && one.computer.name == other.computer.name
        && one.connector.name() == other.connector.name()
}

impl SessionSummary {
    /// The conduct of the client in it, audited.
    pub fn conversation(&self, measure: Measure<'_>) -> Conversation {
        self.conduct.end(self, measure)
    }

    /// What was said in clear in it, each part once.
    pub fn leaks(&self) -> &[Leak] {
        self.conduct.leaks()
    }
}

#[cfg(test)]
mod tests;

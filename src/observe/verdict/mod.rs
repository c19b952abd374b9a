//! The verdict on a client's behavior, audited from the journal.
//!
//! A TLS alert does not say what went wrong, and many clients send none. So the audit measures what the lab
//! itself presented ([`Presented`]), and records beside it what the client then did ([`Reaction`]). The
//! conversations of one client with one connector are judged together, so that a fallback to clear text can
//! be seen as one.

mod builder;
mod conversation;
mod fall_back;
mod handshake;
mod inside;
mod leak;
mod met;
mod presented;
mod symptom;
mod telling;
mod texts;

pub use conversation::{CloseReason, Conversation, StartTls, Turn};
pub use fall_back::{FallBack, Verdict};
pub use handshake::{HandshakeAudit, Reaction};
pub use inside::Injected;
pub use leak::{Leak, Said, Why};
pub use presented::Presented;
pub use symptom::Symptom;
pub use texts::{ErrorText, Known, texts};

use std::borrow::Borrow;

use super::session::{SessionSummary, Sessions};
use crate::journal::{Entry, SessionContext};
pub(super) use builder::ConversationBuilder;

/// The parameters of the audit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure<'a> {
    /// The name that a client had to expect; without it, the one the connector answers with.
    pub host: Option<&'a str>,
    /// The subject of the root that clients trust; without it, a chain is judged by its status in the store.
    pub root: Option<&'a str>,
}

/// Returns a verdict on each client of each receive connector, in the order in which they first came, as far
/// as `entries` record them.
///
/// All connections from one address to one connector are taken for one client.
pub fn verdicts(entries: &[Entry], measure: Measure<'_>) -> Vec<Verdict> {
    let mut open = Sessions::default();
    let mut sessions: Vec<_> = entries.iter().filter_map(|entry| open.note(entry)).collect();
    sessions.extend(open.iter().cloned());
    of(sessions, measure)
}

/// Returns a verdict on each client of these sessions.
pub(super) fn of<S: Borrow<SessionSummary>>(mut sessions: Vec<S>, measure: Measure<'_>) -> Vec<Verdict> {
    sessions.retain(|session| !session.borrow().sends());
    sessions.sort_by_key(|session| session.borrow().session);
    let mut clients: Vec<(&SessionContext, Vec<Conversation>)> = Vec::new();
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

fn is_same_client(one: &SessionContext, other: &SessionContext) -> bool {
    one.remote.ip().to_canonical() == other.remote.ip().to_canonical()
        && one.computer.name == other.computer.name
        && one.connector.name() == other.connector.name()
}

impl SessionSummary {
    /// Returns the audit of the client's behavior in it.
    pub fn conversation(&self, measure: Measure<'_>) -> Conversation {
        self.conduct.end(self, measure)
    }

    /// Returns what was said in clear in it, each part once.
    pub fn leaks(&self) -> &[Leak] {
        self.conduct.leaks()
    }
}

#[cfg(test)]
mod tests;

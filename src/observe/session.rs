//! A session, as far as the journal has recorded it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::outcome::StartTls;
use super::verdict::ConversationBuilder;
use crate::journal::{
    Connector, Ending, Entry, FailedHandshake, Handshake, NoTls, Record, SessionContext, SessionId, Tls,
};
use crate::session::LimitReached;
use crate::session::send::{Attempt, Reason};
use crate::smtp::Verb;

/// A session that the lab has held or still holds. It is one that a receive connector answers or, in the
/// control API, one that a Send connector has begun.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionSummary {
    /// The session's number in the lab.
    pub session: SessionId,
    /// The session's computer, connector and addresses.
    pub place: Arc<SessionContext>,
    /// The time at which it began, by the lab's clock.
    pub began: Timestamp,
    /// The number of the newest journal entry that concerns it.
    pub seq: u64,
    /// The TLS handshake that succeeded, with what was negotiated and presented.
    pub tls: Option<Arc<Handshake>>,
    /// The TLS handshake that failed.
    pub tls_failure: Option<Arc<FailedHandshake>>,
    /// The number of messages that came before TLS or without it.
    pub messages_in_clear: u64,
    /// The number of messages that came through TLS.
    pub messages_over_tls: u64,
    /// The session's end; `None` while it is under way.
    pub ending: Option<Ending>,
    /// The connection limit that rejected the peer.
    pub limit: Option<LimitReached>,
    /// The TLS handshake that succeeded, the one that failed, and the end of the attempt, where the lab sends.
    pub(super) sent_tls: Option<Arc<Tls>>,
    pub(super) sent_tls_failure: Option<Arc<NoTls>>,
    pub(super) attempt: Option<Arc<Attempt>>,
    /// True if no further entry will concern it.
    pub(super) is_over: bool,
    pub(super) last_verb: Option<Verb>,
    /// The client's knowledge of STARTTLS in clear, at its greatest.
    pub(super) starttls: StartTls,
    /// The last reply that refused something.
    pub(super) refusal: Option<Bytes>,
    /// The client's behavior, from which its verdict is derived.
    pub(super) conduct: ConversationBuilder,
}

impl SessionSummary {
    fn begin(entry: &Entry, place: &Arc<SessionContext>) -> Self {
        Self {
            session: place.session,
            place: Arc::clone(place),
            began: entry.time,
            seq: entry.seq,
            tls: None,
            tls_failure: None,
            messages_in_clear: 0,
            messages_over_tls: 0,
            ending: None,
            limit: None,
            sent_tls: None,
            sent_tls_failure: None,
            attempt: None,
            is_over: false,
            last_verb: None,
            starttls: StartTls::NotAsked,
            refusal: None,
            conduct: ConversationBuilder::begin(entry),
        }
    }

    /// Returns the computer's name.
    pub fn computer(&self) -> &str {
        &self.place.computer.name
    }

    /// Returns the connector's name.
    pub fn connector(&self) -> &str {
        self.place.connector.name()
    }

    /// Returns the name that the connector answers or introduces itself with.
    pub fn fqdn(&self) -> &str {
        fqdn(&self.place)
    }

    /// Returns the peer. One that came over IPv4 has an IPv4 address, regardless of the socket's family.
    pub fn peer(&self) -> SocketAddr {
        SocketAddr::new(self.place.remote.ip().to_canonical(), self.place.remote.port())
    }

    /// Returns whether the lab is the one that sends.
    pub fn sends(&self) -> bool {
        self.place.connector.sends()
    }

    /// Returns the attempt that it was, where the lab sends and it has ended.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempt.as_deref()
    }

    /// Returns whether a reply refused something.
    pub fn was_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// Returns the approximate number of bytes that the session keeps of what its client has said.
    pub(super) fn text_weight(&self) -> usize {
        let tls = self.tls.as_ref().map_or(0, |tls| tls.facts.weight());
        let hello = self.tls_failure.as_ref().and_then(|failed| failed.client_hello.as_ref());
        tls + hello.map_or(0, |hello| hello.weight()) + self.conduct.weight()
    }

    fn note(&mut self, entry: &Entry) {
        self.seq = entry.seq;
        self.conduct.note(entry);
        match &entry.record {
            Record::Received(line) => self.received(line),
            Record::Sent(reply) => self.sent(reply),
            Record::TlsEstablished(handshake) => self.tls = Some(Arc::clone(handshake)),
            Record::TlsFailed(handshake) => self.tls_failure = Some(Arc::clone(handshake)),
            Record::Secured(tls) => self.sent_tls = Some(Arc::clone(tls)),
            Record::NotSecured(tls) => self.sent_tls_failure = Some(Arc::clone(tls)),
            Record::Attempt(attempt) => {
                // The result of the last message is recorded after the end, or where there was no connection
                // to end.
                self.is_over = self.ending.is_some() || matches!(attempt.reason, Reason::NoConnection { .. });
                self.attempt = Some(Arc::clone(attempt));
            }
            Record::Message(message) if message.tls.is_some() => self.messages_over_tls += 1,
            Record::Message(_) => self.messages_in_clear += 1,
            Record::LimitReached(limit) => self.limit = Some(*limit),
            Record::Disconnected(ending) => {
                self.is_over = !self.sends();
                self.ending = Some(ending.clone());
            }
            Record::Event(_)
            | Record::Connecting
            | Record::Connected
            | Record::ReceivedSecret
            | Record::SentSecret
            | Record::Content(_)
            | Record::Fault(_)
            | Record::Anomaly(_)
            | Record::Logon(_)
            | Record::Tracking(_)
            | Record::NoConnector(_)
            | Record::Changed { .. }
            | Record::ChangeRefused { .. } => {}
        }
    }
}

/// Returns the name that a connector answers or introduces itself with.
pub(super) fn fqdn(place: &SessionContext) -> &str {
    match &place.connector {
        Connector::Receive(connector) => place.computer.fqdn_of(connector).as_str(),
        Connector::Send(connector) => place.computer.send_fqdn_of(connector).as_str(),
    }
}

/// The sessions under way, built entry by entry.
///
/// They are shared with whoever looks at them; one that somebody holds while it goes on is copied then. A map
/// of values would move each of them several times, and half of its memory would be empty.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<SessionId, Arc<SessionSummary>>);

impl Sessions {
    /// Processes the next entry. Returns the session that ends with it.
    pub(super) fn note(&mut self, entry: &Entry) -> Option<Arc<SessionSummary>> {
        let place = entry.place.as_ref()?;
        let begin = || Arc::new(SessionSummary::begin(entry, place));
        let session = Arc::make_mut(self.0.entry(place.session).or_insert_with(begin));
        session.note(entry);
        if session.is_over { self.0.remove(&place.session) } else { None }
    }

    /// Returns the sessions under way, in the order of their beginning.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<SessionSummary>> {
        self.0.values()
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Arc<SessionSummary>> {
        self.0.get(&session)
    }
}

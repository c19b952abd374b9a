//! A session as far as the journal tells of it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::outcome::StartTls;
use super::verdict::Telling;
use crate::journal::{
    Connector, Ending, Entry, FailedHandshake, Handshake, NoTls, Place, Record, SessionId, Tls,
};
use crate::session::LimitReached;
use crate::session::send::{Attempt, Reason};
use crate::smtp::Verb;

/// A session that the lab has held or still holds: one that a receive connector answers or, in the control API,
/// one that a Send connector has begun.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionSummary {
    /// Its number in the lab.
    pub session: SessionId,
    /// Where it takes place: computer, connector and addresses.
    pub place: Arc<Place>,
    /// When it began, by the lab's clock.
    pub began: Timestamp,
    /// The number of the newest journal entry that tells of it.
    pub seq: u64,
    /// The TLS handshake that succeeded, with what was negotiated and presented.
    pub tls: Option<Arc<Handshake>>,
    /// The TLS handshake that failed.
    pub tls_failure: Option<Arc<FailedHandshake>>,
    /// How many messages came before TLS or without it.
    pub messages_in_clear: u64,
    /// How many messages came through TLS.
    pub messages_over_tls: u64,
    /// How it ended; `None` while it goes on.
    pub ending: Option<Ending>,
    /// The connection limit that turned the peer away.
    pub limit: Option<LimitReached>,
    /// Where the lab sends: the TLS handshake that succeeded, the one that failed, and how the attempt ended.
    pub(super) sent_tls: Option<Arc<Tls>>,
    pub(super) sent_tls_failure: Option<Arc<NoTls>>,
    pub(super) attempt: Option<Arc<Attempt>>,
    /// Whether nothing more will be told of it.
    pub(super) is_over: bool,
    pub(super) last_verb: Option<Verb>,
    /// What was learnt of STARTTLS in clear, the most that was.
    pub(super) starttls: StartTls,
    /// The last reply that refused something.
    pub(super) refusal: Option<Bytes>,
    /// The client's conduct, from which its verdict is read.
    pub(super) conduct: Telling,
}

impl SessionSummary {
    fn begin(entry: &Entry, place: &Arc<Place>) -> Self {
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
            conduct: Telling::begin(entry, place),
        }
    }

    /// The computer's name.
    pub fn computer(&self) -> &str {
        &self.place.computer.name
    }

    /// The connector's name.
    pub fn connector(&self) -> &str {
        self.place.connector.name()
    }

    /// The name that the connector answers or introduces itself with.
    pub fn fqdn(&self) -> &str {
        fqdn(&self.place)
    }

    /// The peer; one that came over IPv4 has an IPv4 address, whatever the socket was.
    pub fn peer(&self) -> SocketAddr {
        SocketAddr::new(self.place.remote.ip().to_canonical(), self.place.remote.port())
    }

    /// Whether the lab is the one that sends.
    pub fn sends(&self) -> bool {
        self.place.connector.sends()
    }

    fn note(&mut self, entry: &Entry) {
        self.seq = entry.seq;
        self.conduct.note(entry);
        match &entry.record {
            Record::Received(line) => self.received(line),
            Record::Sent(octets) => self.sent(octets),
            Record::TlsEstablished(handshake) => self.tls = Some(Arc::clone(handshake)),
            Record::TlsFailed(handshake) => self.tls_failure = Some(Arc::clone(handshake)),
            Record::Secured(tls) => self.sent_tls = Some(Arc::clone(tls)),
            Record::NotSecured(tls) => self.sent_tls_failure = Some(Arc::clone(tls)),
            Record::Attempt(attempt) => {
                // What came of the last message is told behind the end, or where there was no connection to end.
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
            | Record::Oddity(_)
            | Record::Logon { .. }
            | Record::Tracking(_)
            | Record::NoConnector { .. }
            | Record::Changed { .. }
            | Record::ChangeRefused { .. } => {}
        }
    }
}

impl fmt::Display for SessionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.outcome())
    }
}

/// The name that a connector answers or introduces itself with.
pub(super) fn fqdn(place: &Place) -> &str {
    match &place.connector {
        Connector::Receive(connector) => place.computer.fqdn_of(connector).as_str(),
        Connector::Send(connector) => place.computer.send_fqdn_of(connector).as_str(),
    }
}

/// The sessions that go on, entry by entry.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<SessionId, SessionSummary>);

impl Sessions {
    /// Takes the next entry; returns the session that ends with it.
    pub(super) fn note(&mut self, entry: &Entry) -> Option<SessionSummary> {
        let place = entry.place.as_ref()?;
        let session = self.0.entry(place.session).or_insert_with(|| SessionSummary::begin(entry, place));
        session.note(entry);
        if session.is_over { self.0.remove(&place.session) } else { None }
    }

    /// The sessions that go on, by their beginning.
    pub(super) fn iter(&self) -> impl Iterator<Item = &SessionSummary> {
        self.0.values()
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&SessionSummary> {
        self.0.get(&session)
    }
}

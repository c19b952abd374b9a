//! Conversations, messages and events, as the entries of the journal tell of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::journal::{
    Connector, Ending, Entry, MessageFacts, Place, Record, SessionId, Summaries, attempt_sentence,
    transcript_line,
};

/// Whether something came encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Security {
    /// Through TLS.
    Tls,
    /// In clear.
    Clear,
}

/// A conversation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Session {
    /// Its number, as in Exchange's protocol log.
    pub(super) session: String,
    /// The number of the newest entry that tells of it.
    pub(super) seq: u64,
    /// When it began.
    began: String,
    /// The computer's name.
    pub(super) computer: String,
    /// The connector's name.
    pub(super) connector: String,
    /// The name the connector answers or introduces itself with.
    pub(super) fqdn: String,
    /// Whether the lab is the one that sends.
    sends: bool,
    /// The lab's end.
    local: SocketAddr,
    /// The peer's end.
    remote: SocketAddr,
    /// The peer's name, where it is a computer of this lab.
    peer: Option<String>,
    /// The TLS that came about: verb, what was negotiated, and the certificate that the lab presented.
    pub(super) tls: Option<Value>,
    /// The TLS that did not come about, and why.
    pub(super) tls_failure: Option<Value>,
    /// How many messages came in clear.
    messages_in_clear: u64,
    /// How many messages came over TLS.
    messages_over_tls: u64,
    /// Who ended it: `local`, `remote` or `broken`; nothing while it goes on.
    pub(super) ending: Option<&'static str>,
    /// What came of it and why, in a line.
    pub(super) outcome: String,
}

/// A message that was taken.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Taken {
    /// Its number in the lab.
    pub(super) id: u64,
    /// The number of the entry that tells of it.
    pub(super) seq: u64,
    /// When it was taken.
    time: String,
    /// The name of the computer that took it.
    pub(super) computer: String,
    /// The name of the connector that took it.
    pub(super) connector: String,
    /// The name that connector answered with.
    pub(super) fqdn: String,
    /// The conversation it came in.
    session: String,
    /// What the client called itself.
    helo: String,
    /// The sender by MAIL FROM; empty for the null path.
    pub(super) mail_from: String,
    /// The recipients by RCPT TO.
    pub(super) rcpt_to: Vec<String>,
    /// Whether it came encrypted.
    pub(super) security: Security,
    /// The TLS it came through.
    pub(super) tls: Option<Value>,
    /// How it came, by the registered names of RFC 3848.
    protocol: &'static str,
    /// Who had logged on.
    user: Option<String>,
    /// Octets of content.
    size: u64,
    /// The subject.
    subject: Option<String>,
    /// The Message-ID it carries.
    message_id: Option<String>,
    /// Whether MAIL asked for REQUIRETLS (RFC 8689 section 2).
    requiretls: bool,
    /// What its `TLS-Required` field says (RFC 8689 section 3).
    tls_required: Option<String>,
    /// What a transcript says of it.
    #[serde(skip)]
    pub(super) line: String,
}

/// What the entries so far tell of.
#[derive(Debug, Default)]
pub(super) struct Seen {
    under_way: BTreeMap<SessionId, Session>,
    pub(super) ended: Vec<Session>,
    pub(super) messages: Vec<Taken>,
    pub(super) events: Vec<Entry>,
    pub(super) strangers: Vec<String>,
    summaries: Summaries,
}

impl Seen {
    /// What all of these entries tell of.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut seen = Self::default();
        entries.iter().for_each(|entry| seen.note(entry));
        seen
    }

    /// Takes the next entry.
    pub(super) fn note(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Event(_) => self.events.push(entry.clone()),
            Record::NoConnector { .. } => self.strangers.push(line(entry)),
            _ => {}
        }
        let Some(place) = &entry.place else { return };
        if let Record::Message(facts) = &entry.record {
            self.messages.push(Taken::of(entry, place, facts));
        }
        let session = self.under_way.entry(place.session).or_insert_with(|| Session::begin(entry, place));
        session.note(entry);
        let outcome = self.summaries.note(entry);
        if session.ending.is_some()
            && let Some(mut session) = self.under_way.remove(&place.session)
        {
            if let Some(outcome) = outcome {
                session.outcome = outcome;
            }
            self.ended.push(session);
        }
    }

    /// The conversations that go on.
    pub(super) fn under_way(&self) -> impl Iterator<Item = &Session> {
        self.under_way.values()
    }

    /// All conversations in the order in which they were last heard of, which is how pages count.
    pub(super) fn into_sessions(self) -> Vec<Session> {
        let mut sessions = self.ended;
        sessions.extend(self.under_way.into_values());
        sessions.sort_by_key(|session| session.seq);
        sessions
    }
}

impl Session {
    fn begin(entry: &Entry, place: &Place) -> Self {
        Self {
            session: place.session.to_string(),
            seq: entry.seq,
            began: format!("{:.3}", entry.time),
            computer: place.computer.name.clone(),
            connector: place.connector.name().to_owned(),
            fqdn: fqdn(place),
            sends: place.connector.sends(),
            local: place.local,
            remote: place.remote,
            peer: place.peer.clone(),
            tls: None,
            tls_failure: None,
            messages_in_clear: 0,
            messages_over_tls: 0,
            ending: None,
            outcome: format!("session {} with {}: has not ended", place.session, place.remote),
        }
    }

    fn note(&mut self, entry: &Entry) {
        self.seq = entry.seq;
        match &entry.record {
            Record::TlsEstablished(it) => {
                let (verb, facts, shown) = (it.verb.as_str(), &*it.facts, &it.certificate);
                self.tls = Some(json!({ "verb": verb, "facts": facts, "certificate": shown }));
            }
            Record::TlsFailed(it) => {
                let (verb, failure, shown) = (it.verb.as_str(), &it.failure, &it.certificate);
                self.tls_failure = Some(json!({ "verb": verb, "failure": failure, "certificate": shown }));
            }
            Record::Secured(it) => {
                let (verb, facts, own) = (it.verb.as_str(), &*it.facts, &it.own);
                self.tls = Some(json!({ "verb": verb, "facts": facts, "certificate": own }));
            }
            Record::NotSecured(it) => {
                let (verb, why, own) = (it.verb.as_str(), &it.why, &it.own);
                self.tls_failure = Some(json!({ "verb": verb, "failure": why, "certificate": own }));
            }
            Record::Attempt(attempt) => {
                self.outcome = attempt_sentence(attempt, &self.remote.to_string());
            }
            Record::Message(message) if message.tls.is_some() => self.messages_over_tls += 1,
            Record::Message(_) => self.messages_in_clear += 1,
            Record::Disconnected(ending) => {
                self.ending = Some(match ending {
                    Ending::Local => "local",
                    Ending::Remote => "remote",
                    Ending::Broken(_) => "broken",
                });
            }
            _ => {}
        }
    }
}

impl Taken {
    fn of(entry: &Entry, place: &Place, facts: &MessageFacts) -> Self {
        Self {
            id: facts.id,
            seq: entry.seq,
            time: format!("{:.3}", entry.time),
            computer: place.computer.name.clone(),
            connector: place.connector.name().to_owned(),
            fqdn: fqdn(place),
            session: place.session.to_string(),
            helo: facts.helo.clone(),
            mail_from: facts.mail_from.clone(),
            rcpt_to: facts.rcpt_to.clone(),
            security: if facts.tls.is_some() { Security::Tls } else { Security::Clear },
            tls: facts.tls.as_deref().map(|tls| json!(tls)),
            protocol: facts.protocol,
            user: facts.user.clone(),
            size: facts.size,
            subject: facts.subject.clone(),
            message_id: facts.message_id.clone(),
            requiretls: facts.requiretls,
            tls_required: facts.tls_required.clone(),
            line: line(entry),
        }
    }
}

/// What `entry` is in a transcript, without the mark at its beginning.
pub(super) fn line(entry: &Entry) -> String {
    transcript_line(entry).get(3..).unwrap_or_default().to_owned()
}

fn fqdn(place: &Place) -> String {
    match &place.connector {
        Connector::Receive(connector) => place.computer.fqdn_of(connector).to_string(),
        Connector::Send(connector) => place.computer.send_fqdn_of(connector).to_string(),
    }
}

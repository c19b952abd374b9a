//! One conversation, audited.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::Measure;
use super::handshake::{HandshakeAudit, Reaction};
use super::leak::{Leak, Said, Why};
use super::presented::Presented;
use crate::exchange::CertificateFacts;
use crate::journal::explain;
use crate::journal::record::{Ending, Entry, Place, Record, SECRET};
use crate::journal::shown::{is_auth, printable};
use crate::observe::outcome::offers_starttls;
use crate::observe::session::SessionSummary;
use crate::session::Oddity;
use crate::session::fault::Fired;
use crate::smtp::Verb;

/// What a client did in one conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversation {
    /// Its number, as the protocol log shows it.
    pub session: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// What was offered, asked and answered.
    pub starttls: StartTls,
    /// The handshake, where one began.
    pub handshake: Option<HandshakeAudit>,
    /// What the client said in clear, each part once.
    pub leaks: Vec<Leak>,
    /// What it said over TLS.
    pub said_over_tls: BTreeSet<Said>,
    /// How many messages were taken in clear.
    pub messages_in_clear: u64,
    /// How many were taken over TLS.
    pub messages_over_tls: u64,
    /// How it ended.
    pub parting: Parting,
    /// Whose turn it was in the end.
    pub turn: Turn,
    /// What the lab did wrong on purpose, each row once.
    #[serde(rename = "misconduct")]
    pub faults: Vec<String>,
    /// What was odd, in sentences.
    pub oddities: Vec<String>,
    /// Whether a ClientHello came where a command was due.
    pub client_hello_in_clear: bool,
    /// Whether something in clear followed the 220 to STARTTLS, from the lab.
    pub clear_text_after_go_ahead: bool,
}

/// What became of STARTTLS in clear (RFC 3207 section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StartTls {
    /// Whether the reply to EHLO had it; `None` where the client did not ask by EHLO.
    pub offered: Option<bool>,
    /// Whether the client asked for it.
    pub asked: bool,
    /// The first line of the answer.
    pub answer: Option<String>,
}

/// How a conversation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parting {
    /// The client said QUIT.
    Quit,
    /// The client closed without a word.
    Vanished,
    /// The connection broke; the operating system's word for it.
    Broke(String),
    /// The lab closed it.
    ByLab,
    /// It has not ended.
    Open,
}

/// Whose turn it was last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// The lab had something to say.
    Lab,
    /// The client had.
    Client,
    /// A handshake was due or under way.
    Handshake,
}

impl StartTls {
    /// Whether the answer was 220.
    pub fn is_granted(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.starts_with("220"))
    }
}

impl Conversation {
    /// Whether the client wanted TLS and did not get it.
    pub fn tls_failed(&self) -> bool {
        match &self.handshake {
            Some(handshake) => handshake.reaction.is_failure(),
            None => self.starttls.asked && self.parting != Parting::Open,
        }
    }

    /// Whether the client set out for TLS and got rid of nothing that way, whatever it was that failed.
    pub fn came_to_nothing(&self) -> bool {
        self.tls_failed() || (self.starttls.asked && self.messages_over_tls == 0 && self.ended.is_some())
    }

    /// Whether a handshake was begun, or at least granted.
    pub fn reached_handshake(&self) -> bool {
        self.handshake.is_some() || self.starttls.is_granted()
    }
}

/// A conversation as far as it has been told.
#[derive(Clone, Debug)]
pub(in crate::observe) struct Telling {
    told: Conversation,
    last_verb: Option<Verb>,
    awaits_answer: bool,
    said_quit: bool,
    spoke_inside: bool,
    established: bool,
    /// When the handshake came to its end.
    handshake_at: Option<Timestamp>,
    /// Whether the lab is silent, or slow, on purpose.
    lags: bool,
}

impl Telling {
    pub(in crate::observe) fn begin(entry: &Entry, place: &Place) -> Self {
        let told = Conversation {
            session: place.session.to_string(),
            began: entry.time,
            ended: None,
            starttls: StartTls::default(),
            handshake: None,
            leaks: Vec::new(),
            said_over_tls: BTreeSet::new(),
            messages_in_clear: 0,
            messages_over_tls: 0,
            parting: Parting::Open,
            turn: Turn::Lab,
            faults: Vec::new(),
            oddities: Vec::new(),
            client_hello_in_clear: false,
            clear_text_after_go_ahead: false,
        };
        Self {
            told,
            last_verb: None,
            awaits_answer: false,
            said_quit: false,
            spoke_inside: false,
            established: false,
            handshake_at: None,
            lags: false,
        }
    }

    /// What was said in clear, each part once.
    pub(super) fn leaks(&self) -> &[Leak] {
        &self.told.leaks
    }

    pub(in crate::observe) fn note(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Received(line) => self.received(line, entry.time),
            Record::ReceivedSecret => self.said(Said::Credentials, entry.time),
            Record::Content(octets) if *octets > 0 => self.said(Said::Body, entry.time),
            Record::Sent(octets) => self.sent(octets),
            Record::TlsEstablished(_) => {
                self.established = true;
                self.told.turn = Turn::Client;
                self.handshake_at = Some(entry.time);
            }
            Record::TlsFailed(_) => self.handshake_at = Some(entry.time),
            Record::Oddity(oddity) => {
                self.told.client_hello_in_clear |= *oddity == Oddity::ClientHelloInClear;
                let words = explain::oddity(oddity);
                if !self.told.oddities.contains(&words) {
                    self.told.oddities.push(words);
                }
            }
            Record::Fault(it) => self.fault(it),
            Record::LimitReached(limit) => {
                self.told.oddities.push(format!("it was turned away, {limit:?} is reached"));
            }
            Record::Disconnected(ending) => self.ended(ending, entry.time),
            _ => {}
        }
    }

    /// The conversation so far; what was presented is measured now.
    pub(super) fn end(&self, session: &SessionSummary, measure: Measure<'_>) -> Conversation {
        let mut told = Conversation {
            messages_in_clear: session.messages_in_clear,
            messages_over_tls: session.messages_over_tls,
            handshake: self.handshake(session, measure),
            ..self.told.clone()
        };
        let left = matches!(told.parting, Parting::Vanished | Parting::Broke(_));
        if let Some(handshake) = &mut told.handshake
            && self.established
            && !self.spoke_inside
            && left
        {
            handshake.reaction = Reaction::LeftAfter;
        }
        if self.lags {
            told.turn = Turn::Lab;
        }
        told
    }

    fn handshake(&self, session: &SessionSummary, measure: Measure<'_>) -> Option<HandshakeAudit> {
        let measured = |leaf: &CertificateFacts, asked: Option<&str>| {
            let at = self.handshake_at.unwrap_or(session.began);
            Presented::of(leaf, asked, &session.place, at, measure)
        };
        if let Some(it) = &session.tls_failure {
            let asked = it.client_hello.as_ref().and_then(|hello| hello.server_name.as_deref());
            return Some(HandshakeAudit {
                verb: it.verb.as_str(),
                version: None,
                server_name: asked.map(str::to_owned),
                client_hello: it.client_hello.clone(),
                presented: it.certificate.as_ref().map(|leaf| measured(leaf, asked)),
                reaction: Reaction::to(&it.failure),
            });
        }
        let it = session.tls.as_ref()?;
        let asked = it.facts.server_name.as_deref();
        Some(HandshakeAudit {
            verb: it.verb.as_str(),
            version: Some(it.facts.version.as_str()),
            server_name: asked.map(str::to_owned),
            client_hello: it.facts.client_hello.clone(),
            presented: Some(measured(&it.certificate, asked)),
            reaction: Reaction::Accepted,
        })
    }

    fn fault(&mut self, fired: &Fired) {
        self.lags = fired.rule.takes_time();
        let words = fired.to_string();
        if !self.told.faults.contains(&words) {
            self.told.faults.push(words);
        }
    }

    fn received(&mut self, line: &[u8], at: Timestamp) {
        self.told.turn = Turn::Lab;
        self.lags = false;
        self.spoke_inside |= self.established;
        let verb = Verb::of(line);
        self.last_verb = verb;
        self.said_quit = verb == Some(Verb::Quit);
        match verb {
            Some(Verb::Mail | Verb::Rcpt) => self.said(Said::Envelope, at),
            _ if is_auth(line) && line.ends_with(SECRET.as_bytes()) => self.said(Said::Credentials, at),
            Some(Verb::StartTls | Verb::XAnonymousTls) if !self.established => {
                self.told.starttls.asked = true;
                self.awaits_answer = true;
            }
            _ => {}
        }
    }

    fn sent(&mut self, octets: &[u8]) {
        self.told.turn = Turn::Client;
        if self.last_verb.take() == Some(Verb::Ehlo) && !self.established && octets.starts_with(b"250") {
            let offered = offers_starttls(octets);
            self.told.starttls.offered = Some(offered || self.told.starttls.offered == Some(true));
        }
        if std::mem::take(&mut self.awaits_answer) {
            let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
            self.told.starttls.answer = Some(printable(line.trim_ascii_end()));
            if self.told.starttls.is_granted() {
                self.told.turn = Turn::Handshake;
            }
        } else if self.told.starttls.is_granted() && self.handshake_at.is_none() {
            self.told.clear_text_after_go_ahead = true;
        }
    }

    fn said(&mut self, what: Said, at: Timestamp) {
        self.told.turn = Turn::Lab;
        if self.established {
            self.told.said_over_tls.insert(what);
            return;
        }
        if self.told.leaks.iter().any(|leak| leak.what == what) {
            return;
        }
        let starttls = &self.told.starttls;
        let why = match (starttls.asked, starttls.offered) {
            (true, _) => Why::Refused,
            (false, Some(true)) => Why::OfferedAndNotUsed,
            (false, _) => Why::NotOffered,
        };
        self.told.leaks.push(Leak { what, why, session: self.told.session.clone(), at });
    }

    fn ended(&mut self, ending: &Ending, at: Timestamp) {
        self.told.ended = Some(at);
        self.told.parting = match ending {
            _ if self.said_quit => Parting::Quit,
            Ending::Local => Parting::ByLab,
            Ending::Remote => Parting::Vanished,
            Ending::Broken(reason) => Parting::Broke(reason.clone()),
        };
    }
}

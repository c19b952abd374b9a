//! One conversation, audited.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::Measure;
use super::handshake::{HandshakeAudit, Reaction};
use super::inside::{Injected, Inside};
use super::leak::{Leak, Said, Why};
use super::presented::Presented;
use crate::exchange::CertificateFacts;
use crate::journal::explain;
use crate::journal::pipelined::CONTENT;
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
    /// The replies that followed the 220 to STARTTLS in clear, in the same write.
    pub injected: Option<Injected>,
    /// How the client used inside TLS what EHLO had offered in clear, in a sentence.
    pub stale_capabilities: Option<String>,
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
    /// Whether the lab did something wrong on purpose between the handshake and the client's first word.
    cut_short: bool,
    /// How many lines are still to be executed that stood in clear behind STARTTLS.
    from_clear: usize,
    inside: Inside,
    /// What the lab has said, the first of it.
    replies: Vec<Bytes>,
}

/// So many replies are compared with what stands behind the 220; it comes early in a conversation.
const REPLIES: usize = 16;

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
            injected: None,
            stale_capabilities: None,
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
            cut_short: false,
            from_clear: 0,
            inside: Inside::default(),
            replies: Vec::new(),
        }
    }

    /// What was said in clear, each part once.
    pub(super) fn leaks(&self) -> &[Leak] {
        &self.told.leaks
    }

    /// Whether the client said anything inside TLS.
    pub(in crate::observe) fn spoke_inside(&self) -> bool {
        self.spoke_inside
    }

    /// Whether the lab did something wrong on purpose between the handshake and the client's first word.
    pub(in crate::observe) fn is_cut_short(&self) -> bool {
        self.cut_short
    }

    /// Whether a ClientHello came where a command was due.
    pub(in crate::observe) fn has_hello_in_clear(&self) -> bool {
        self.told.client_hello_in_clear
    }

    /// What the lab did wrong on purpose, the last of it.
    pub(in crate::observe) fn on_purpose(&self) -> Option<&str> {
        self.told.faults.last().map(String::as_str)
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
            Record::Oddity(oddity) => self.odd(oddity, entry.time),
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
        if let Some(handshake) = told.handshake.as_mut().filter(|_| self.established) {
            handshake.reaction = if self.spoke_inside {
                Reaction::Accepted
            } else if left && !self.cut_short {
                Reaction::LeftAfter
            } else {
                Reaction::Completed
            };
        }
        if self.established {
            if let Some(injected) = &mut told.injected {
                injected.taken = self.inside.took(injected, left, told.messages_over_tls > 0);
            }
            told.stale_capabilities = self.inside.stale();
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
                certificate_sent: it.certificate_was_sent(),
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
            certificate_sent: true,
            reaction: Reaction::Completed,
        })
    }

    fn odd(&mut self, oddity: &Oddity, at: Timestamp) {
        self.told.client_hello_in_clear |= *oddity == Oddity::ClientHelloInClear;
        match oddity {
            Oddity::PipelinedBehindStartTls { lines, executed, .. } => {
                self.from_clear = if *executed { lines.len() } else { 0 };
                lines.iter().for_each(|line| self.said_behind_starttls(line, at));
            }
            Oddity::DidNotAwaitEhloReply { octets } if self.established => self.inside.did_not_wait(*octets),
            _ => {}
        }
        let words = explain::oddity(oddity);
        if !self.told.oddities.contains(&words) {
            self.told.oddities.push(words);
        }
    }

    fn said_behind_starttls(&mut self, line: &str, at: Timestamp) {
        let what = match Verb::of(line.as_bytes()) {
            Some(Verb::Mail | Verb::Rcpt) => Said::Envelope,
            _ if line == CONTENT => Said::Body,
            _ if line.ends_with(SECRET) => Said::Credentials,
            _ => return,
        };
        self.leak(what, Why::BehindStartTls, at);
    }

    fn fault(&mut self, fired: &Fired) {
        self.cut_short |= self.established && !self.spoke_inside;
        self.lags = fired.rule.takes_time();
        let words = fired.to_string();
        if !self.told.faults.contains(&words) {
            self.told.faults.push(words);
        }
    }

    fn received(&mut self, line: &[u8], at: Timestamp) {
        self.told.turn = Turn::Lab;
        self.lags = false;
        if self.established && self.from_clear > 0 {
            // The lab executes what stood in clear; the client has not said it inside TLS.
            self.from_clear -= 1;
            self.last_verb = Verb::of(line);
            return;
        }
        if self.established {
            self.spoke_inside = true;
            self.inside.said(line, self.told.injected.as_ref());
        }
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

    fn sent(&mut self, octets: &Bytes) {
        self.told.turn = Turn::Client;
        if !self.awaits_answer {
            self.told.injected.iter_mut().for_each(|injected| injected.compare(octets));
            if self.replies.len() < REPLIES {
                self.replies.push(octets.clone());
            }
        }
        if self.last_verb.take() == Some(Verb::Ehlo) && octets.starts_with(b"250") {
            self.inside.hello(octets, self.established);
            if !self.established {
                let offered = offers_starttls(octets);
                self.told.starttls.offered = Some(offered || self.told.starttls.offered == Some(true));
            }
        }
        if std::mem::take(&mut self.awaits_answer) {
            let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
            self.told.starttls.answer = Some(printable(line.trim_ascii_end()));
            if self.told.starttls.is_granted() {
                self.told.turn = Turn::Handshake;
                self.told.injected = Injected::behind(octets);
                let injected = self.told.injected.iter_mut();
                injected.for_each(|it| self.replies.iter().for_each(|reply| it.compare(reply)));
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
        let starttls = &self.told.starttls;
        let why = match (starttls.asked, starttls.offered) {
            (true, _) => Why::Refused,
            (false, Some(true)) => Why::OfferedAndNotUsed,
            (false, _) => Why::NotOffered,
        };
        self.leak(what, why, at);
    }

    /// Notes what was said in clear, each part once.
    fn leak(&mut self, what: Said, why: Why, at: Timestamp) {
        if self.told.leaks.iter().all(|leak| leak.what != what) {
            self.told.leaks.push(Leak { what, why, session: self.told.session.clone(), at });
        }
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

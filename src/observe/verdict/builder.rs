//! Builds the audit of a conversation from the entries of the journal, one by one.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;

use super::Measure;
use super::conversation::{CloseReason, Conversation, SENTENCES, StartTls, Turn};
use super::handshake::{HandshakeAudit, Reaction};
use super::inside::{Injected, Inside};
use super::leak::{Leak, Said, Why};
use super::presented::Presented;
use crate::exchange::CertificateFacts;
use crate::journal::explain;
use crate::journal::pipelined::CONTENT;
use crate::journal::record::{Ending, Entry, Record, SECRET};
use crate::journal::shown::{is_auth, printable};
use crate::observe::outcome::offers_starttls;
use crate::observe::session::SessionSummary;
use crate::session::Anomaly;
use crate::session::fault::Fired;
use crate::smtp::{Verb, tells_address};

/// A conversation as far as its entries have been read.
#[derive(Clone, Debug)]
pub(in crate::observe) struct ConversationBuilder {
    told: Conversation,
    last_verb: Option<Verb>,
    awaits_answer: bool,
    said_quit: bool,
    spoke_inside: bool,
    established: bool,
    /// The time at which the handshake ended.
    handshake_at: Option<Timestamp>,
    /// True if the lab is silent, or slow, on purpose.
    lags: bool,
    /// True if the lab produced a fault between the handshake and the client's first command.
    cut_short: bool,
    /// The number of lines sent in clear behind STARTTLS that are still to be executed.
    from_clear: usize,
    inside: Inside,
    /// The first replies of the lab, until a handshake or the end.
    replies: Vec<Bytes>,
}

/// The number of replies that are compared with the lines behind the 220, which comes early in a
/// conversation.
const REPLIES: usize = 16;

impl ConversationBuilder {
    pub(in crate::observe) fn begin(entry: &Entry) -> Self {
        let told = Conversation {
            // `end` formats the number, as most conversations are never audited.
            session: String::new(),
            began: entry.time,
            ended: None,
            starttls: StartTls::default(),
            handshake: None,
            leaks: Vec::new(),
            said_over_tls: BTreeSet::new(),
            messages_in_clear: 0,
            messages_over_tls: 0,
            parting: CloseReason::Open,
            turn: Turn::Lab,
            faults: Vec::new(),
            oddities: Vec::new(),
            client_hello_in_clear: false,
            clear_text_after_go_ahead: false,
            injected: None,
            unexplained: Vec::new(),
            went_on_inside: false,
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

    /// Returns what was said in clear, each part once.
    pub(super) fn leaks(&self) -> &[Leak] {
        &self.told.leaks
    }

    /// Returns the approximate number of bytes of text that are kept of the conversation.
    pub(in crate::observe) fn weight(&self) -> usize {
        let told = &self.told;
        let sentences = told.oddities.iter().chain(&told.faults).chain(self.inside.all_unexplained());
        sentences.map(|sentence| sentence.len() + size_of::<String>()).sum()
    }

    /// Returns whether the client said anything inside TLS.
    pub(in crate::observe) fn spoke_inside(&self) -> bool {
        self.spoke_inside
    }

    /// Returns whether the lab produced a fault between the handshake and the client's first command.
    pub(in crate::observe) fn is_cut_short(&self) -> bool {
        self.cut_short
    }

    /// Returns whether a ClientHello came where a command was due.
    pub(in crate::observe) fn has_hello_in_clear(&self) -> bool {
        self.told.client_hello_in_clear
    }

    /// Returns the last fault that the lab produced on purpose.
    pub(in crate::observe) fn on_purpose(&self) -> Option<&str> {
        self.told.faults.last().map(String::as_str)
    }

    pub(in crate::observe) fn note(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Received(line) => self.received(line, entry.time),
            Record::ReceivedSecret => {
                self.inside.followed_up();
                self.said(Said::Credentials, entry.time);
            }
            Record::Content(bytes) => {
                self.inside.followed_up();
                if *bytes > 0 {
                    self.said(Said::Body, entry.time);
                }
            }
            Record::Sent(reply) => self.sent(reply),
            Record::TlsEstablished(_) => {
                self.established = true;
                self.replies = Vec::new();
                self.told.turn = Turn::Client;
                self.handshake_at = Some(entry.time);
            }
            Record::TlsFailed(_) => self.handshake_at = Some(entry.time),
            Record::Anomaly(oddity) => self.odd(oddity, entry.time),
            Record::Fault(it) => self.fault(it),
            Record::LimitReached(limit) => {
                self.told.oddities.push(format!("it was turned away, {limit:?} is reached"));
            }
            Record::Disconnected(ending) => self.ended(ending, entry.time),
            _ => {}
        }
    }

    /// Returns the conversation so far. The certificate that was presented is measured now.
    pub(super) fn end(&self, session: &SessionSummary, measure: Measure<'_>) -> Conversation {
        let mut told = Conversation {
            session: session.session.to_string(),
            messages_in_clear: session.messages_in_clear,
            messages_over_tls: session.messages_over_tls,
            handshake: self.handshake(session, measure),
            ..self.told.clone()
        };
        for leak in &mut told.leaks {
            leak.session.clone_from(&told.session);
        }
        let left = matches!(told.parting, CloseReason::Vanished | CloseReason::Broke(_));
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
            told.unexplained = self.inside.all_unexplained().to_vec();
            told.went_on_inside = self.inside.went_on();
            told.stale_capabilities = self.inside.stale();
        }
        if self.lags {
            told.turn = Turn::Lab;
        }
        told
    }

    fn handshake(&self, session: &SessionSummary, measure: Measure<'_>) -> Option<Box<HandshakeAudit>> {
        let measured = |leaf: &CertificateFacts, asked: Option<&str>| {
            let at = self.handshake_at.unwrap_or(session.began);
            Presented::of(leaf, asked, &session.place, at, measure)
        };
        if let Some(it) = &session.tls_failure {
            let asked = it.client_hello.as_ref().and_then(|hello| hello.server_name.as_deref());
            return Some(Box::new(HandshakeAudit {
                verb: it.verb.as_str(),
                version: None,
                server_name: asked.map(str::to_owned),
                client_hello: it.client_hello.clone(),
                partial_hello: it.partial_hello,
                presented: it.certificate.as_ref().map(|leaf| measured(leaf, asked)),
                certificate_sent: it.certificate_was_sent(),
                reaction: Reaction::to(&it.failure),
            }));
        }
        let it = session.tls.as_ref()?;
        let asked = it.facts.server_name.as_deref();
        Some(Box::new(HandshakeAudit {
            verb: it.verb.as_str(),
            version: Some(it.facts.version.as_str()),
            server_name: asked.map(str::to_owned),
            client_hello: it.facts.client_hello.clone(),
            partial_hello: 0,
            presented: Some(measured(&it.certificate, asked)),
            certificate_sent: true,
            reaction: Reaction::Completed,
        }))
    }

    fn odd(&mut self, oddity: &Anomaly, at: Timestamp) {
        self.told.client_hello_in_clear |= *oddity == Anomaly::ClientHelloInClear;
        match oddity {
            Anomaly::PipelinedBehindStartTls { lines, executed, .. } => {
                self.from_clear = if *executed { lines.len() } else { 0 };
                lines.iter().for_each(|line| self.said_behind_starttls(line, at));
            }
            Anomaly::DidNotAwaitEhloReply { octets } if self.established => self.inside.did_not_wait(*octets),
            _ => {}
        }
        let words = explain::oddity(oddity);
        if self.told.oddities.len() < SENTENCES && !self.told.oddities.contains(&words) {
            self.told.oddities.push(words);
        }
    }

    fn said_behind_starttls(&mut self, line: &str, at: Timestamp) {
        let what = if line == CONTENT {
            Said::Body
        } else if line.ends_with(SECRET) {
            Said::Credentials
        } else if tells_address(line.as_bytes()) {
            Said::Envelope
        } else {
            return;
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
            // The lab executes what was sent in clear; the client has not said it inside TLS.
            self.from_clear -= 1;
            self.last_verb = Verb::of(line);
            return;
        }
        if self.established {
            self.spoke_inside = true;
            self.inside.said(line);
        }
        let verb = Verb::of(line);
        self.last_verb = verb;
        self.said_quit = verb == Some(Verb::Quit);
        match verb {
            _ if is_auth(line) && line.ends_with(SECRET.as_bytes()) => self.said(Said::Credentials, at),
            _ if tells_address(line) => self.said(Said::Envelope, at),
            Some(Verb::StartTls | Verb::XAnonymousTls) if !self.established => {
                self.told.starttls.asked = true;
                self.awaits_answer = true;
            }
            _ => {}
        }
    }

    fn sent(&mut self, reply: &Bytes) {
        self.told.turn = Turn::Client;
        if self.established {
            self.inside.replied(reply);
        }
        if !self.awaits_answer {
            self.told.injected.iter_mut().for_each(|injected| injected.compare(reply));
            if !self.established && self.replies.len() < REPLIES {
                self.replies.push(reply.clone());
            }
        }
        if self.last_verb.take() == Some(Verb::Ehlo) && reply.starts_with(b"250") {
            self.inside.hello(reply, self.established);
            if !self.established {
                let offered = offers_starttls(reply);
                self.told.starttls.offered = Some(offered || self.told.starttls.offered == Some(true));
            }
        }
        if std::mem::take(&mut self.awaits_answer) {
            let line = reply.split(|byte| *byte == b'\n').next().unwrap_or_default();
            self.told.starttls.answer = Some(printable(line.trim_ascii_end()));
            if self.told.starttls.is_granted() {
                self.told.turn = Turn::Handshake;
                self.told.injected = Injected::behind(reply);
                let injected = self.told.injected.iter_mut();
                injected.for_each(|it| self.replies.iter().for_each(|earlier| it.compare(earlier)));
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

    /// Records what was said in clear, each part once.
    fn leak(&mut self, what: Said, why: Why, at: Timestamp) {
        if self.told.leaks.iter().all(|leak| leak.what != what) {
            self.told.leaks.push(Leak { what, why, session: String::new(), at });
        }
    }

    fn ended(&mut self, ending: &Ending, at: Timestamp) {
        self.replies = Vec::new();
        self.told.ended = Some(at);
        self.told.parting = match ending {
            _ if self.said_quit => CloseReason::Quit,
            Ending::Local => CloseReason::ByLab,
            Ending::Remote => CloseReason::Vanished,
            Ending::Broken(reason) => CloseReason::Broke(reason.clone()),
        };
        if matches!(self.told.parting, CloseReason::Vanished | CloseReason::Broke(_)) {
            self.inside.left();
        }
    }
}

//! One sending conversation, from the banner to QUIT.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::check::CertificateProblem;
use super::logon::offers_login;
use super::outcome::{Attempt, Outcome, Reason, ResultType, SendStage};
use super::policy::{AfterRefusal, Queue, Use};
use super::step::{Handshake, Said, SendFact, SendInput, SendNext, SendStep};
use super::task::{Credentials, Secured, Task};
use crate::exchange::Event;
use crate::session::{TlsFailure, TlsVerb};
use crate::smtp::{Address, Reply};

/// One conversation, from the banner or from the end of a handshake on.
#[derive(Debug)]
pub struct SendSession {
    /// The message whose turn it is.
    pub(super) task: Arc<Task>,
    /// The number of that message in the connection, from 1.
    pub(super) message: u32,
    /// The messages after it.
    pub(super) waiting: VecDeque<Arc<Task>>,
    /// The number of messages after which the connection is closed.
    pub(super) most: Option<NonZeroU32>,
    stage: SendStage,
    pub(super) tls: Option<Arc<Secured>>,
    pub(super) size_offered: bool,
    pub(super) login_offered: bool,
    /// The index of the recipient that RCPT is about.
    pub(super) recipient: usize,
    pub(super) refused: Vec<(Address, Reply)>,
    /// The reason why the message goes in clear although TLS was preferred.
    pub(super) downgrade: Option<ResultType>,
    /// The attempt that has ended, while QUIT waits for its reply.
    pub(super) end: Option<Box<Attempt>>,
}

impl SendSession {
    /// Opens a conversation on a connection that was made; the server speaks first.
    pub fn open(task: Arc<Task>) -> (Self, SendStep) {
        Self::open_for(task, VecDeque::new(), None)
    }

    /// Opens a conversation for several tasks that differ in nothing but the message. After `most` messages
    /// it sends QUIT and leaves the others undecided; `None` stands for any number. If the conversation ends
    /// before that, this decides on all of them: each has an attempt, in order.
    pub fn open_for(
        first: Arc<Task>,
        then: VecDeque<Arc<Task>>,
        most: Option<NonZeroU32>,
    ) -> (Self, SendStep) {
        // A fallback after a failed handshake is a failure of TLS even if the message is delivered.
        let downgrade = first.in_clear.then_some(ResultType::ValidationFailure);
        (Self { downgrade, ..Self::new(first, then, most) }, SendStep::wait())
    }

    /// Returns the conversation after a successful handshake. Nothing is left of the one before it.
    pub fn secure(self, tls: Arc<Secured>) -> (Self, SendStep) {
        let problem = tls.assessment.problem(self.task.check().proof).cloned();
        let session = Self::new(self.task, self.waiting, self.most);
        let mut session = Self { tls: Some(tls), ..session };
        let step = match problem {
            Some(problem) => {
                let result_type = Some(problem.result_type());
                session.leave(Vec::new(), session.gives_up(), Reason::Certificate(problem), result_type)
            }
            None => session.ehlo(),
        };
        (session, step)
    }

    /// Returns the attempt that ends before there is a connection.
    pub fn no_connection(task: &Task, why: String) -> Attempt {
        Attempt {
            outcome: if task.policy.queue == Queue::Nobody { Outcome::Bounced } else { Outcome::Deferred },
            reason: Reason::NoConnection { why },
            result_type: None,
            tls: None,
            refused: Vec::new(),
            message: 1,
        }
    }

    fn new(task: Arc<Task>, waiting: VecDeque<Arc<Task>>, most: Option<NonZeroU32>) -> Self {
        Self {
            task,
            message: 1,
            waiting,
            most,
            stage: SendStage::Banner,
            tls: None,
            size_offered: false,
            login_offered: false,
            recipient: 0,
            refused: Vec::new(),
            downgrade: None,
            end: None,
        }
    }

    /// Answers one input.
    pub fn handle(&mut self, input: SendInput) -> SendStep {
        if let Some(end) = self.end.take() {
            // The answer to QUIT does not change the outcome.
            return SendStep::done(end);
        }
        let at = self.stage;
        match input {
            SendInput::Reply(reply) => self.reply(reply),
            SendInput::NotSmtp => self.lost(Reason::NotSmtp { at }),
            SendInput::Closed => self.lost(Reason::Closed { at }),
            SendInput::TimedOut => self.lost(Reason::TimedOut { at }),
            SendInput::Broken(why) => self.lost(Reason::Broken { at, why }),
            SendInput::HandshakeFailed { failure, problem } => self.handshake_failed(failure, problem),
        }
    }

    fn reply(&mut self, reply: Reply) -> SendStep {
        if reply.code() == 421 {
            // The server closes the connection after it (RFC 5321 section 3.8).
            return self.lost(Reason::Reply { at: self.stage, reply });
        }
        match self.stage {
            SendStage::Banner if reply.code() == 220 => self.greet(),
            SendStage::Ehlo if reply.code() == 250 => self.extended(&reply),
            // A server that does not know EHLO knows HELO, and no STARTTLS (RFC 5321 section 3.2).
            SendStage::Ehlo if reply.is_permanent_failure() && self.says_helo() => self.helo(),
            SendStage::Helo if reply.code() == 250 && self.tls.is_some() => self.log_on(),
            SendStage::Helo if reply.code() == 250 => self.without_tls(),
            SendStage::StartTls if self.task.policy.go_ahead.is_said_by(reply.code()) => self.handshake(),
            SendStage::StartTls => self.start_tls_refused(reply),
            SendStage::Mail if reply.code() == 250 => self.rcpt(),
            SendStage::Rcpt => self.recipient_answered(reply),
            SendStage::Data if reply.code() == 354 => self.content(),
            SendStage::Content if reply.code() == 250 => self.delivered(reply),
            SendStage::Rset if reply.code() == 250 => self.mail(),
            at @ (SendStage::Auth | SendStage::Username | SendStage::Password) => self.challenged(at, reply),
            at @ (SendStage::Mail | SendStage::Data | SendStage::Content) => self.message_refused(at, reply),
            at => {
                // A failed RSET says nothing about the messages that wait.
                let outcome = if at == SendStage::Rset { self.gives_up() } else { self.outcome_of(&reply) };
                self.leave(Vec::new(), outcome, Reason::Reply { at, reply }, self.downgrade)
            }
        }
    }

    /// Returns whether HELO follows where EHLO is refused.
    fn says_helo(&self) -> bool {
        self.tls.is_none() || self.task.policy.helo_inside
    }

    fn greet(&mut self) -> SendStep {
        if self.task.policy.helo { self.helo() } else { self.ehlo() }
    }

    fn ehlo(&mut self) -> SendStep {
        let line = format!("EHLO {}", self.task.helo);
        self.command(SendStage::Ehlo, &line)
    }

    fn helo(&mut self) -> SendStep {
        let line = format!("HELO {}", self.task.helo);
        self.command(SendStage::Helo, &line)
    }

    fn extended(&mut self, reply: &Reply) -> SendStep {
        let offers = |keyword: &str| {
            let mut words = reply.lines().iter().skip(1).filter_map(|line| line.split_whitespace().next());
            words.any(|word| word.eq_ignore_ascii_case(keyword))
        };
        self.size_offered = offers("SIZE");
        self.login_offered = offers_login(reply);
        let verb = self.task.policy.verb;
        if self.tls.is_some() {
            self.log_on()
        } else if self.task.in_clear || self.task.policy.tls == Use::Never || !offers(verb.as_str()) {
            self.without_tls()
        } else if self.credentials() == Credentials::PinNotFound {
            self.own_certificate(Credentials::PinNotFound)
        } else {
            self.command(SendStage::StartTls, verb.as_str())
        }
    }

    /// Goes on without TLS, which is not available or not wanted.
    fn without_tls(&mut self) -> SendStep {
        match self.task.policy.tls {
            Use::Never => self.log_on(),
            _ if self.task.in_clear => self.log_on(),
            Use::IfOffered => {
                self.downgrade = Some(ResultType::StarttlsNotSupported);
                self.log_on()
            }
            Use::Required => self.tls_missing(),
        }
    }

    /// Ends the attempt because TLS is required and not available.
    pub(super) fn tls_missing(&mut self) -> SendStep {
        let Task { policy, connector, host, .. } = &*self.task;
        let event = connector
            .as_ref()
            .filter(|_| policy.verb == TlsVerb::StartTls)
            .map(|connector| Event::send_tls_required(connector, self.task.recipient_domain(), host));
        let facts = event.map(SendFact::Event).into_iter().collect();
        let reason = Reason::NotOffered { verb: policy.verb };
        self.leave(facts, self.gives_up(), reason, Some(ResultType::StarttlsNotSupported))
    }

    fn start_tls_refused(&mut self, reply: Reply) -> SendStep {
        let policy = &self.task.policy;
        let result_type = Some(ResultType::StarttlsNotSupported);
        if policy.tls == Use::IfOffered && policy.refused == AfterRefusal::GoesOnInClear {
            self.downgrade = result_type;
            return self.log_on();
        }
        let permanent = policy.bounces_refusal && !reply.is_transient_failure();
        let outcome = if permanent { Outcome::Bounced } else { self.gives_up() };
        self.leave(Vec::new(), outcome, Reason::Reply { at: SendStage::StartTls, reply }, result_type)
    }

    fn handshake(&mut self) -> SendStep {
        match self.credentials() {
            Credentials::Usable => {
                let Task { policy, host, .. } = &*self.task;
                let handshake =
                    Handshake { verb: policy.verb, server_name: host.clone(), check: self.task.check() };
                SendStep { facts: Vec::new(), say: None, next: SendNext::Handshake(Box::new(handshake)) }
            }
            unusable => self.own_certificate(unusable),
        }
    }

    /// Returns what is wrong with the certificate of the selection. X-ANONYMOUSTLS uses another one.
    fn credentials(&self) -> Credentials {
        match self.task.policy.verb {
            TlsVerb::StartTls => self.task.credentials,
            TlsVerb::XAnonymousTls => Credentials::Usable,
        }
    }

    /// Ends the attempt because of the sender's own certificate, whatever the server would have done.
    fn own_certificate(&mut self, credentials: Credentials) -> SendStep {
        let result_type = Some(ResultType::ValidationFailure);
        let attempt = self.attempt(self.gives_up(), Reason::OwnCertificate(credentials), result_type);
        let fact = SendFact::OwnCertificate { verb: self.task.policy.verb, credentials };
        let (facts, last) = self.for_all(vec![fact], attempt);
        SendStep { facts, ..SendStep::done(last) }
    }

    /// Ends the attempt after a failed handshake: no clear text follows it (RFC 3207 section 4.1).
    fn handshake_failed(&mut self, failure: TlsFailure, problem: Option<CertificateProblem>) -> SendStep {
        let (reason, result_type) = match problem {
            Some(problem) => {
                let result_type = problem.result_type();
                (Reason::Certificate(problem), result_type)
            }
            None => (Reason::Handshake(failure), ResultType::ValidationFailure),
        };
        let attempt = self.attempt(self.gives_up(), reason, Some(result_type));
        let (facts, last) = self.for_all(Vec::new(), attempt);
        SendStep { facts, ..SendStep::done(last) }
    }

    /// Returns the outcome of a message after a reply that refuses something.
    pub(super) fn outcome_of(&self, reply: &Reply) -> Outcome {
        if reply.is_permanent_failure() { Outcome::Bounced } else { self.gives_up() }
    }

    /// Returns the outcome of a message that is given up for now.
    pub(super) fn gives_up(&self) -> Outcome {
        match self.task.policy.queue {
            Queue::Nobody => Outcome::Bounced,
            Queue::Server | Queue::Exchange(_) => Outcome::Deferred,
        }
    }

    pub(super) fn attempt(
        &self,
        outcome: Outcome,
        reason: Reason,
        result_type: Option<ResultType>,
    ) -> Attempt {
        let (tls, refused) = (self.tls.clone(), self.refused.clone());
        Attempt { outcome, reason, result_type, tls, refused, message: self.message }
    }

    /// Ends the conversation without QUIT: the connection is gone or must not be trusted.
    fn lost(&mut self, reason: Reason) -> SendStep {
        let attempt = self.attempt(self.gives_up(), reason, self.downgrade);
        let (facts, last) = self.for_all(Vec::new(), attempt);
        SendStep { facts, ..SendStep::done(last) }
    }

    /// Ends the conversation with QUIT, for the messages that wait as well.
    pub(super) fn leave(
        &mut self,
        facts: Vec<SendFact>,
        outcome: Outcome,
        reason: Reason,
        result_type: Option<ResultType>,
    ) -> SendStep {
        let attempt = self.attempt(outcome, reason, result_type);
        let (facts, last) = self.for_all(facts, attempt);
        self.end = Some(last);
        SendStep { facts, ..self.command(SendStage::Quit, "QUIT") }
    }

    /// Makes the attempt that ends the conversation that of every message that waits. All but the last become
    /// facts.
    fn for_all(&mut self, mut facts: Vec<SendFact>, attempt: Attempt) -> (Vec<SendFact>, Box<Attempt>) {
        let mut last = Box::new(attempt);
        for _ in self.waiting.drain(..) {
            let message = last.message.saturating_add(1);
            let next = Attempt { refused: Vec::new(), message, ..Attempt::clone(&last) };
            facts.push(SendFact::Attempt(std::mem::replace(&mut last, Box::new(next))));
        }
        (facts, last)
    }

    pub(super) fn command(&mut self, stage: SendStage, line: &str) -> SendStep {
        self.say(stage, Said::Command(format!("{line}\r\n").into()))
    }

    pub(super) fn say(&mut self, stage: SendStage, said: Said) -> SendStep {
        self.stage = stage;
        SendStep { say: Some(said), ..SendStep::wait() }
    }
}

//! One sending conversation, from the banner to QUIT.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use super::check::{CertificateProblem, Check};
use super::outcome::{Attempt, Outcome, Reason, ResultType, SendStage};
use super::policy::{AfterRefusal, Queue, Trust, Use};
use super::task::{Credentials, Secured, Task};
use crate::exchange::Event;
use crate::session::{TlsFailure, TlsVerb};
use crate::smtp::{Address, Reply, transparent};

/// What a session is told.
#[derive(Clone, Debug)]
pub enum SendInput {
    /// A reply came.
    Reply(Reply),
    /// What came where a reply was due is none.
    NotSmtp,
    /// The handshake failed; that it succeeded is told by [`SendSession::secure`].
    HandshakeFailed {
        /// How.
        failure: TlsFailure,
        /// What was wrong with the certificate, where that was the sender's reason to end it.
        problem: Option<CertificateProblem>,
    },
    /// The server closed the connection.
    Closed,
    /// The server was silent for too long.
    TimedOut,
    /// The connection broke, in the operating system's word.
    Broken(String),
}

/// The answer to one input.
#[derive(Clone, Debug)]
pub struct SendStep {
    /// What to write down before anything is sent.
    pub facts: Vec<SendFact>,
    /// What to send.
    pub say: Option<Said>,
    /// What to wait for.
    pub next: SendNext,
}

/// What a sender says, its line ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A command.
    Command(Bytes),
    /// The content with the dot that ends it.
    Content(Bytes),
}

/// What a session waits for.
#[derive(Clone, Debug)]
pub enum SendNext {
    /// A reply.
    Reply,
    /// A TLS handshake; what is buffered in clear is thrown away.
    Handshake(Box<Handshake>),
    /// Nothing: close the connection.
    Done(Box<Attempt>),
}

/// A handshake to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The verb that began it.
    pub verb: TlsVerb,
    /// The name to ask for (SNI).
    pub server_name: String,
    /// What to look for in the certificate.
    pub check: Check,
}

/// Something that happened beside commands and replies.
#[derive(Clone, Debug)]
pub enum SendFact {
    /// Something for the Application log.
    Event(Event),
    /// The sender could not use a certificate of its own, so that no handshake took place.
    OwnCertificate {
        /// The verb that would have begun the handshake.
        verb: TlsVerb,
        /// What is wrong with it.
        credentials: Credentials,
    },
}

/// One conversation, from the banner or from the end of a handshake on.
#[derive(Debug)]
pub struct SendSession {
    task: Arc<Task>,
    stage: SendStage,
    tls: Option<Arc<Secured>>,
    size_offered: bool,
    /// Which recipient RCPT is about.
    recipient: usize,
    refused: Vec<(Address, Reply)>,
    /// Why the message goes in clear although TLS would have been liked.
    downgrade: Option<ResultType>,
    /// How it ended, while QUIT waits for its answer.
    end: Option<Box<Attempt>>,
}

impl SendSession {
    /// Opens a conversation on a connection that was made; the server speaks first.
    pub fn open(task: Arc<Task>) -> (Self, SendStep) {
        // A fall-back after a failed handshake is a failure of TLS however well it goes.
        let downgrade = task.in_clear.then_some(ResultType::ValidationFailure);
        let session = Self { downgrade, ..Self::new(task, SendStage::Banner, None) };
        (session, SendStep::wait())
    }

    /// The conversation after a successful handshake; nothing is left of the one before it.
    pub fn secure(self, tls: Arc<Secured>) -> (Self, SendStep) {
        let problem = tls.assessment.problem(self.task.check().proof).cloned();
        let mut session = Self::new(self.task, SendStage::Ehlo, Some(tls));
        let step = match problem {
            Some(problem) => {
                let result_type = Some(problem.result_type());
                session.quit(session.gives_up(), Reason::Certificate(problem), result_type)
            }
            None => session.ehlo(),
        };
        (session, step)
    }

    /// The attempt that ends before there is a connection.
    pub fn no_connection(task: &Task, why: String) -> Attempt {
        Attempt {
            outcome: if task.policy.queue == Queue::Nobody { Outcome::Bounced } else { Outcome::Deferred },
            reason: Reason::NoConnection { why },
            result_type: None,
            tls: None,
            refused: Vec::new(),
        }
    }

    fn new(task: Arc<Task>, stage: SendStage, tls: Option<Arc<Secured>>) -> Self {
        Self {
            task,
            stage,
            tls,
            size_offered: false,
            recipient: 0,
            refused: Vec::new(),
            downgrade: None,
            end: None,
        }
    }

    /// Answers one input.
    pub fn handle(&mut self, input: SendInput) -> SendStep {
        if let Some(end) = self.end.take() {
            // Whatever the answer to QUIT is, the message is where it is.
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
            SendStage::Ehlo if reply.is_permanent_failure() && self.tls.is_none() => self.helo(),
            SendStage::Helo if reply.code() == 250 => self.without_tls(),
            SendStage::StartTls if reply.code() == 220 => self.handshake(),
            SendStage::StartTls => self.start_tls_refused(reply),
            SendStage::Mail if reply.code() == 250 => self.rcpt(),
            SendStage::Rcpt => self.recipient_answered(reply),
            SendStage::Data if reply.code() == 354 => {
                let content = transparent(&self.task.message.content);
                self.say(SendStage::Content, Said::Content(content))
            }
            SendStage::Content if reply.code() == 250 => self.delivered(reply),
            at => {
                let outcome = self.outcome_of(&reply);
                self.quit(outcome, Reason::Reply { at, reply }, self.downgrade)
            }
        }
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
        let verb = self.task.policy.verb;
        if self.tls.is_some() {
            self.mail()
        } else if self.task.in_clear || self.task.policy.tls == Use::Never || !offers(verb.as_str()) {
            self.without_tls()
        } else if self.credentials() == Credentials::PinNotFound {
            self.own_certificate(Credentials::PinNotFound)
        } else {
            self.command(SendStage::StartTls, verb.as_str())
        }
    }

    /// There is no TLS to be had, or none is wanted.
    fn without_tls(&mut self) -> SendStep {
        match self.task.policy.tls {
            Use::Never => self.mail(),
            _ if self.task.in_clear => self.mail(),
            Use::IfOffered => {
                self.downgrade = Some(ResultType::StarttlsNotSupported);
                self.mail()
            }
            Use::Required => {
                let Task { policy, connector, host, .. } = &*self.task;
                let event = connector
                    .as_ref()
                    .filter(|_| policy.verb == TlsVerb::StartTls)
                    .map(|connector| Event::send_tls_required(connector, self.task.recipient_domain(), host));
                let reason = Reason::NotOffered { verb: policy.verb };
                let mut step = self.quit(self.gives_up(), reason, Some(ResultType::StarttlsNotSupported));
                step.facts.extend(event.map(SendFact::Event));
                step
            }
        }
    }

    fn start_tls_refused(&mut self, reply: Reply) -> SendStep {
        let policy = &self.task.policy;
        let result_type = Some(ResultType::StarttlsNotSupported);
        if policy.tls == Use::IfOffered && policy.refused == AfterRefusal::GoesOnInClear {
            self.downgrade = result_type;
            return self.mail();
        }
        let permanent = policy.bounces_refusal && reply.is_permanent_failure();
        let outcome = if permanent { Outcome::Bounced } else { self.gives_up() };
        self.quit(outcome, Reason::Reply { at: SendStage::StartTls, reply }, result_type)
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

    /// What is wrong with the certificate of the selection; X-ANONYMOUSTLS goes by another one.
    fn credentials(&self) -> Credentials {
        match self.task.policy.verb {
            TlsVerb::StartTls => self.task.credentials,
            TlsVerb::XAnonymousTls => Credentials::Usable,
        }
    }

    /// The sender fails by itself, whatever the server would have done.
    fn own_certificate(&self, credentials: Credentials) -> SendStep {
        let result_type = Some(ResultType::ValidationFailure);
        let attempt = self.attempt(self.gives_up(), Reason::OwnCertificate(credentials), result_type);
        let facts = vec![SendFact::OwnCertificate { verb: self.task.policy.verb, credentials }];
        SendStep { facts, ..SendStep::done(Box::new(attempt)) }
    }

    /// No clear text follows a handshake that failed: the attempt is over (RFC 3207 section 4.1).
    fn handshake_failed(&self, failure: TlsFailure, problem: Option<CertificateProblem>) -> SendStep {
        let (reason, result_type) = match problem {
            Some(problem) => {
                let result_type = problem.result_type();
                (Reason::Certificate(problem), result_type)
            }
            None => (Reason::Handshake(failure), ResultType::ValidationFailure),
        };
        SendStep::done(Box::new(self.attempt(self.gives_up(), reason, Some(result_type))))
    }

    fn mail(&mut self) -> SendStep {
        let mut line = format!("MAIL FROM:<{}>", self.task.message.from);
        if self.size_offered {
            // Writing to a String cannot fail.
            let _ = write!(line, " SIZE={}", self.task.message.content.len());
        }
        self.command(SendStage::Mail, &line)
    }

    fn rcpt(&mut self) -> SendStep {
        match self.task.message.to.get(self.recipient) {
            Some(to) => {
                let line = format!("RCPT TO:<{to}>");
                self.command(SendStage::Rcpt, &line)
            }
            None => self.command(SendStage::Data, "DATA"),
        }
    }

    fn recipient_answered(&mut self, reply: Reply) -> SendStep {
        let all = self.task.message.to.len();
        if !matches!(reply.code(), 250..=252)
            && let Some(to) = self.task.message.to.get(self.recipient)
        {
            self.refused.push((to.clone(), reply.clone()));
        }
        self.recipient += 1;
        if self.recipient == all && self.refused.len() == all {
            let outcome = self.outcome_of(&reply);
            return self.quit(outcome, Reason::Reply { at: SendStage::Rcpt, reply }, self.downgrade);
        }
        self.rcpt()
    }

    fn delivered(&mut self, reply: Reply) -> SendStep {
        let outcome = match &self.tls {
            None => Outcome::DeliveredInClear,
            Some(_) => Outcome::DeliveredOverTls { authenticated: self.task.policy.trust != Trust::Nothing },
        };
        self.quit(outcome, Reason::Reply { at: SendStage::Content, reply }, self.downgrade)
    }

    /// What a reply that refuses something means for the message.
    fn outcome_of(&self, reply: &Reply) -> Outcome {
        if reply.is_permanent_failure() { Outcome::Bounced } else { self.gives_up() }
    }

    /// What giving up for now means for the message.
    fn gives_up(&self) -> Outcome {
        match self.task.policy.queue {
            Queue::Nobody => Outcome::Bounced,
            Queue::Server | Queue::Exchange(_) => Outcome::Deferred,
        }
    }

    fn attempt(&self, outcome: Outcome, reason: Reason, result_type: Option<ResultType>) -> Attempt {
        Attempt { outcome, reason, result_type, tls: self.tls.clone(), refused: self.refused.clone() }
    }

    /// The end without a word: the connection is gone or must not be trusted.
    fn lost(&self, reason: Reason) -> SendStep {
        SendStep::done(Box::new(self.attempt(self.gives_up(), reason, self.downgrade)))
    }

    /// The end in good order.
    fn quit(&mut self, outcome: Outcome, reason: Reason, result_type: Option<ResultType>) -> SendStep {
        self.end = Some(Box::new(self.attempt(outcome, reason, result_type)));
        self.command(SendStage::Quit, "QUIT")
    }

    fn command(&mut self, stage: SendStage, line: &str) -> SendStep {
        self.say(stage, Said::Command(format!("{line}\r\n").into()))
    }

    fn say(&mut self, stage: SendStage, said: Said) -> SendStep {
        self.stage = stage;
        SendStep { say: Some(said), ..SendStep::wait() }
    }
}

impl SendStep {
    fn wait() -> Self {
        Self { facts: Vec::new(), say: None, next: SendNext::Reply }
    }

    fn done(attempt: Box<Attempt>) -> Self {
        Self { next: SendNext::Done(attempt), ..Self::wait() }
    }
}

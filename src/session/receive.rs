//! The receiving side of a conversation.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::auth::Dialogue;
use super::fact::{Anomaly, Fact};
use super::fault::{Fired, StepAction, StepActions};
use super::reply;
use super::setting::{LimitReached, Setting};
use super::tls::TlsFacts;
use super::transaction::Transaction;
use crate::exchange::{PermissionGroups, Profile, ReceiveConnector, Stage, TimeSpan};
use crate::smtp::{Command, Ending, HelloName, Line, Received, Reply, Verb};

/// An input to a session.
#[derive(Debug)]
pub enum Input {
    /// A line arrived, when a line was due.
    Line(Line),
    /// A TLS record arrived where a line was due.
    ClientHello,
    /// The content after DATA, or of the last chunk, is complete.
    Content(Received),
    /// A chunk that is not the last is complete; its size in bytes.
    Chunk(u64),
    /// The content cannot be kept: the lab's memory for content in transit is used up.
    NoMemory,
    /// The peer was silent for ConnectionInactivityTimeout, or ConnectionTimeout has passed.
    TimedOut,
    /// The lab is shutting down.
    ShuttingDown,
}

/// The answer to one input.
#[derive(Debug)]
pub struct Step {
    /// The facts to note before anything is sent.
    pub facts: Vec<Fact>,
    /// The reply to send.
    pub reply: Option<Reply>,
    /// The time for which to hold the reply back (TarpitInterval).
    pub delay: Duration,
    /// The input to read next.
    pub next: Next,
    /// The effects of fault rules beside the reply. They are boxed, so that a connection without faults takes
    /// no more memory.
    pub actions: Option<Box<StepActions>>,
}

/// The input that a session reads next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A line.
    Line,
    /// Content that ends with CRLF dot CRLF; at most `limit` bytes are kept.
    Data {
        /// The limit in bytes.
        limit: u64,
    },
    /// Exactly `size` bytes of content.
    Chunk {
        /// The size in bytes.
        size: u64,
        /// True if the content is complete with it.
        last: bool,
        /// The number of bytes of the whole content that are kept; 0 if the chunk is discarded.
        limit: u64,
    },
    /// A TLS handshake; input that is buffered in clear is discarded.
    Handshake(TlsVerb),
    /// Nothing: close the connection.
    Close,
}

/// The verb that starts TLS, which decides the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVerb {
    /// STARTTLS: the certificate of the selection.
    StartTls,
    /// X-ANONYMOUSTLS: the internal transport certificate.
    XAnonymousTls,
}

impl TlsVerb {
    /// Returns the verb as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "STARTTLS",
            Self::XAnonymousTls => "X-ANONYMOUSTLS",
        }
    }

    const fn stage(self) -> Stage {
        match self {
            Self::StartTls => Stage::Tls,
            Self::XAnonymousTls => Stage::AnonymousTls,
        }
    }
}

/// One conversation, from the banner or from the end of a handshake on.
#[derive(Debug)]
pub struct ReceiveSession {
    pub(super) setting: Arc<Setting>,
    pub(super) stage: Stage,
    pub(super) tls: Option<Arc<TlsFacts>>,
    pub(super) hello: Option<Hello>,
    pub(super) user: Option<String>,
    /// True if the peer is known to be a server of the same organization.
    server: bool,
    /// True if REQUIRETLS was advertised. No parameter makes a connector do that, only a fault rule.
    pub(super) requiretls: bool,
    pub(super) dialogue: Option<Dialogue>,
    pub(super) transaction: Option<Box<Transaction>>,
    /// The reply to the chunk that is being read and discarded.
    pub(super) refused_chunk: Option<Reply>,
    protocol_errors: u32,
    pub(super) logon_failures: u32,
}

/// The client's EHLO or HELO.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) name: HelloName,
    pub(super) extended: bool,
}

impl ReceiveSession {
    /// Opens a conversation with the banner; `early` bytes had already come when it left.
    pub fn open(setting: Arc<Setting>, early: usize, now: Timestamp) -> (Self, Step) {
        let stage = Stage::Clear { starttls: setting.starttls, anonymous_tls: setting.anonymous_tls };
        let session = Self::new(setting, stage, None);
        let mut step = Step::say(reply::banner(&session.setting, now));
        if early > 0 {
            step.facts.push(Fact::Anomaly(Anomaly::TalkedBeforeBanner { octets: early }));
        }
        (session, step)
    }

    /// Rejects a peer in place of the banner.
    pub fn turn_away(connector: &ReceiveConnector, limit: LimitReached) -> Step {
        let reply = match limit {
            LimitReached::MaxInboundConnection => reply::TOO_MANY_CONNECTIONS,
            _ => reply::TOO_MANY_FROM_SOURCE,
        };
        Step { facts: vec![Fact::LimitReached(limit)], ..Step::last(reply) }.for_peers_of(connector)
    }

    /// Rejects a peer for which no connector answers.
    pub fn no_connector() -> Step {
        Step::last(reply::SERVICE_NOT_ACTIVE)
    }

    /// Returns the conversation after a successful handshake. Nothing is left of the one before it.
    pub fn secure(self, verb: TlsVerb, tls: Arc<TlsFacts>) -> Self {
        Self::new(self.setting, verb.stage(), Some(tls))
    }

    /// Like [`secure`](Self::secure), but keeps the state from before TLS, as a faulty server does (RFC 3207
    /// section 4.2 demands that it is discarded).
    pub(super) fn secure_and_remember(self, verb: TlsVerb, tls: Arc<TlsFacts>) -> Self {
        let Self { setting, hello, user, transaction, .. } = self;
        let fresh = Self::new(Arc::clone(&setting), verb.stage(), Some(tls));
        Self { hello, user, transaction, ..fresh }
    }

    /// Accepts from now on the parameters that the reply to EHLO advertised (RFC 8689 section 2).
    pub(super) fn advertised(&mut self, hello: Option<&Reply>) {
        let is_it = |line: &Cow<'static, str>| line.eq_ignore_ascii_case("REQUIRETLS");
        self.requiretls = hello.is_some_and(|hello| hello.lines().iter().skip(1).any(is_it));
    }

    /// Discards the transaction without a reply.
    pub(super) fn forget_transaction(&mut self) {
        self.transaction = None;
        self.refused_chunk = None;
    }

    /// Returns the conversation with a server of the same organization. It has the rights of the permission
    /// group ExchangeServers wherever the connector grants them. The caller has to make sure of the server's
    /// identity.
    pub fn with_exchange_server(self) -> Self {
        Self { server: true, ..self }
    }

    fn new(setting: Arc<Setting>, stage: Stage, tls: Option<Arc<TlsFacts>>) -> Self {
        Self {
            setting,
            stage,
            tls,
            hello: None,
            user: None,
            server: false,
            requiretls: false,
            dialogue: None,
            transaction: None,
            refused_chunk: None,
            protocol_errors: 0,
            logon_failures: 0,
        }
    }

    /// Returns the length of the longest line that is accepted, its ending included.
    ///
    /// RFC 5321 section 4.5.3.1.4 asks for 512 and lets extensions add to it; RFC 4954 section 4 asks for
    /// 12288 within AUTH; LongAddressesEnabled allows 8000.
    pub fn line_limit(&self) -> usize {
        match (&self.dialogue, self.setting.connector.long_addresses_enabled) {
            (Some(_), _) => 12_288,
            (None, true) => 8_000,
            (None, false) => 4_096,
        }
    }

    /// Returns whether content has come in chunks and more is due (RFC 3030 section 2).
    pub fn in_chunks(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| transaction.chunks)
    }

    /// Returns whether the next line answers a challenge of AUTH and must not be shown.
    pub fn expects_secret(&self) -> bool {
        self.dialogue.is_some()
    }

    /// Answers one input.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Step {
        let mut step = match input {
            Input::Line(line) => self.line(&line, now),
            Input::ClientHello => {
                let unknown = reply::unrecognized(self.profile(), "");
                let fact = Fact::Anomaly(Anomaly::ClientHelloInClear);
                Step { facts: vec![fact], next: Next::Close, ..Step::say(unknown) }
            }
            Input::Content(received) => self.content(received, now),
            Input::Chunk(size) => self.chunk(size),
            Input::NoMemory => {
                self.transaction = None;
                Step::last(reply::NO_RESOURCES)
            }
            Input::TimedOut => Step::last(reply::TIMED_OUT),
            Input::ShuttingDown => Step::last(reply::SERVICE_NOT_ACTIVE),
        };
        self.count_error(&mut step);
        self.hold_back(&mut step);
        step.for_peers_of(&self.setting.connector)
    }

    fn line(&mut self, line: &Line, now: Timestamp) -> Step {
        let mut facts = Vec::new();
        if line.ending == Ending::Lf {
            facts.push(Fact::Anomaly(Anomaly::BareLineFeedAfterCommand));
        }
        if line.has_nul {
            facts.push(Fact::Anomaly(Anomaly::NulInCommand));
        }
        let mut step = if line.overlong {
            facts.push(Fact::Anomaly(Anomaly::OverlongCommand { limit: self.line_limit() }));
            self.dialogue = None;
            Step::say(reply::LINE_TOO_LONG)
        } else if let Some(dialogue) = self.dialogue.take() {
            self.answer(dialogue, &line.text)
        } else {
            match Command::parse(&line.text) {
                Ok(command) => self.command(command, now),
                Err(error) => Step::say(reply::unreadable(self.profile(), &error)),
            }
        };
        facts.append(&mut step.facts);
        step.facts = facts;
        step
    }

    fn command(&mut self, command: Command, now: Timestamp) -> Step {
        match command {
            Command::Helo(name) => self.hello(name, false),
            Command::Ehlo(name) => self.hello(name, true),
            Command::StartTls => self.start_tls(TlsVerb::StartTls),
            Command::XAnonymousTls => self.start_tls(TlsVerb::XAnonymousTls),
            Command::Auth { mechanism, initial } => self.auth(&mechanism, initial),
            Command::XExps { .. } => self.x_exps(),
            Command::Mail(mail) => self.mail(mail, now),
            Command::Rcpt(rcpt) => self.rcpt(rcpt),
            Command::Data => self.data(),
            Command::Bdat { size, last } => self.bdat(size, last),
            Command::Rset => {
                self.transaction = None;
                Step::say(reply::RESETTING)
            }
            Command::Noop => Step::say(reply::OK),
            Command::Quit => Step::last(reply::CLOSING),
            Command::Help => Step::say(reply::help()),
            Command::Vrfy(_) => Step::say(reply::CANNOT_VRFY),
            Command::Expn(_) => Step::say(reply::NOT_IMPLEMENTED),
        }
    }

    fn hello(&mut self, name: HelloName, extended: bool) -> Step {
        if self.setting.connector.require_ehlo_domain && name.is_address_literal() {
            return Step::say(reply::INVALID_DOMAIN);
        }
        self.transaction = None;
        self.hello = Some(Hello { name, extended });
        Step::say(if extended {
            let Setting { counters, .. } = &*self.setting;
            counters.hello(&self.setting, self.stage, || reply::extended_hello(&self.setting, self.stage))
        } else {
            reply::hello(&self.setting)
        })
    }

    fn start_tls(&mut self, verb: TlsVerb) -> Step {
        let (offered, name) = match (self.stage, verb) {
            (Stage::Clear { starttls, .. }, TlsVerb::StartTls) => (starttls, Verb::StartTls),
            (Stage::Clear { anonymous_tls, .. }, TlsVerb::XAnonymousTls) => {
                (anonymous_tls, Verb::XAnonymousTls)
            }
            (_, TlsVerb::StartTls) => (false, Verb::StartTls),
            (_, TlsVerb::XAnonymousTls) => (false, Verb::XAnonymousTls),
        };
        if !offered {
            return Step::say(reply::unrecognized(self.profile(), name.as_str()));
        }
        if self.hello.is_none() {
            return Step::say(reply::HELLO_FIRST);
        }
        Step { next: Next::Handshake(verb), ..Step::say(reply::SERVER_READY) }
    }

    /// Counts a wrong command. MaxProtocolErrors of them are answered, and the next one ends the
    /// conversation.
    fn count_error(&mut self, step: &mut Step) {
        let wrong = step.reply.as_ref().is_some_and(|reply| matches!(reply.code(), 500..=504));
        if !wrong || step.next == Next::Close {
            return;
        }
        self.protocol_errors += 1;
        if self.setting.connector.max_protocol_errors.is_exceeded_by(u64::from(self.protocol_errors)) {
            let facts = std::mem::take(&mut step.facts);
            *step = Step { facts, ..Step::last(reply::TOO_MANY_ERRORS) };
        }
    }

    /// Holds a 5yz reply back for TarpitInterval if the client has not logged on.
    fn hold_back(&self, step: &mut Step) {
        let refused = step.reply.as_ref().is_some_and(Reply::is_permanent_failure);
        if refused && self.user.is_none() && !self.is_exchange_server() {
            let TimeSpan(interval) = self.setting.connector.tarpit_interval;
            step.delay = step.delay.max(interval);
        }
    }

    /// Returns whether the peer has the rights of ExchangeServers here.
    pub(super) fn is_exchange_server(&self) -> bool {
        let connector = &self.setting.connector;
        self.server && connector.permission_groups.contains(PermissionGroups::EXCHANGE_SERVERS)
    }

    pub(super) fn profile(&self) -> Profile {
        self.setting.computer.profile
    }

    pub(super) fn in_clear(&self) -> bool {
        matches!(self.stage, Stage::Clear { .. })
    }
}

impl Step {
    /// Leaves enhanced codes out if the connector does not announce them.
    fn for_peers_of(mut self, connector: &ReceiveConnector) -> Self {
        if !connector.enhanced_status_codes_enabled {
            self.reply = self.reply.map(Reply::without_enhanced);
        }
        self
    }

    pub(super) fn say(reply: Reply) -> Self {
        Self { reply: Some(reply), ..Self::silent(Next::Line) }
    }

    pub(super) fn last(reply: Reply) -> Self {
        Self { next: Next::Close, ..Self::say(reply) }
    }

    /// Returns the fault rule about what comes next: the handshake, the content or the end of the connection.
    pub fn fault_ahead(&self) -> Option<&Fired> {
        self.actions.as_ref()?.next.as_ref()
    }

    /// Returns whether a fault rule ends the connection with this step.
    pub fn ends(&self) -> bool {
        let now = self.actions.iter().flat_map(|actions| &actions.now);
        now.into_iter().any(|action| matches!(action, StepAction::End(_)))
    }

    /// Waits for a line without sending anything, as a session does after a handshake.
    pub fn wait() -> Self {
        Self::silent(Next::Line)
    }

    /// Reads on without sending anything.
    pub(super) fn silent(next: Next) -> Self {
        Self { facts: Vec::new(), reply: None, delay: Duration::ZERO, next, actions: None }
    }
}

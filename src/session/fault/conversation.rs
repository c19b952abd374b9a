//! A receiving session with the fault table in front of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::conduct::{Capabilities, Conduct};
use super::row::{FaultStage, Then};
use super::table::{Faults, Misconduct};
use crate::exchange::TimeSpan;
use crate::session::{Fact, Input, Next, ReceiveSession, Setting, Step, TlsFacts, TlsVerb};
use crate::smtp::{Reply, Verb};

/// How a step is other than the session would have it.
#[derive(Debug, Default)]
pub struct Twist {
    /// What is said in place of the reply, as it is.
    pub octets: Option<Bytes>,
    /// What is said beneath TLS, in the middle of what is encrypted.
    pub beneath: Option<Bytes>,
    /// How long to wait before each octet.
    pub pace: Option<Duration>,
    /// How the connection ends when all is said.
    pub then: Option<Then>,
    /// Whether what stands in clear behind STARTTLS is kept for the session inside TLS.
    pub keep_input: bool,
}

/// One conversation: the fault table is asked first, and what it decides the session never hears of.
#[derive(Debug)]
pub struct Conversation {
    session: ReceiveSession,
    faults: Option<Box<Faults>>,
    body: Option<Misconduct>,
}

impl Conversation {
    /// Opens a conversation with the banner, as [`ReceiveSession::open`] does.
    pub fn open(setting: Arc<Setting>, faults: Option<Faults>, early: usize, now: Timestamp) -> (Self, Step) {
        let (session, step) = ReceiveSession::open(setting, early, now);
        let mut conversation = Self { session, faults: faults.map(Box::new), body: None };
        let step = match conversation.at(FaultStage::Connect) {
            Some(misconduct) => twisted(&misconduct, || step),
            None => step,
        };
        (conversation, step)
    }

    /// The session itself.
    pub fn session(&self) -> &ReceiveSession {
        &self.session
    }

    /// Answers one input.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Step {
        let Some(stage) = self.faults.as_ref().and_then(|_| stage_of(&input, &self.session)) else {
            return self.session.handle(input, now);
        };
        if let (FaultStage::Ehlo | FaultStage::Helo, Input::Line(line)) = (stage, &input) {
            let name = String::from_utf8_lossy(line.text.get(4..).unwrap_or_default()).trim().to_owned();
            if let Some(faults) = &mut self.faults {
                faults.introduced(name);
            }
        }
        let step = match self.at(stage) {
            None => self.session.handle(input, now),
            Some(misconduct) => {
                let mut carried_out = false;
                let step = twisted(&misconduct, || {
                    carried_out = true;
                    self.session.handle(input, now)
                });
                if stage == FaultStage::EndOfData && !carried_out {
                    self.session.forget_transaction();
                }
                step
            }
        };
        if matches!(step.next, Next::Data { .. } | Next::Chunk { .. }) {
            self.body = self.at(FaultStage::Body);
        }
        step
    }

    /// What is done while the content comes that is due now; told once.
    pub fn body(&mut self) -> Option<Misconduct> {
        self.body.take()
    }

    /// What is done in place of, or to, the handshake that is due now.
    pub fn handshake(&mut self) -> Option<Misconduct> {
        self.at(FaultStage::Handshake)
    }

    /// What is done where the lab ends the connection.
    pub fn closing(&mut self) -> Option<Misconduct> {
        self.at(FaultStage::Close)
    }

    /// The conversation after a successful handshake, as [`ReceiveSession::secure`] has it, and what is
    /// said there unasked.
    #[must_use]
    pub fn secure(self, verb: TlsVerb, tls: Arc<TlsFacts>, exchange_server: bool) -> (Self, Step) {
        let Self { session, mut faults, .. } = self;
        let misconduct = faults.as_mut().and_then(|faults| {
            faults.secured();
            faults.at(FaultStage::AfterTls)
        });
        let keep = misconduct.as_ref().is_some_and(|it| *it.conduct() == Conduct::KeepState);
        let session = if keep { session.secure_and_remember(verb, tls) } else { session.secure(verb, tls) };
        let session = if exchange_server { session.with_exchange_server() } else { session };
        let step = match misconduct {
            Some(misconduct) => twisted(&misconduct, Step::wait),
            None => Step::wait(),
        };
        (Self { session, faults, body: None }, step)
    }

    fn at(&mut self, stage: FaultStage) -> Option<Misconduct> {
        self.faults.as_mut()?.at(stage)
    }
}

/// Which stage an input comes to.
fn stage_of(input: &Input, session: &ReceiveSession) -> Option<FaultStage> {
    let line = match input {
        Input::Line(line) if !line.overlong && !session.expects_secret() => line,
        Input::Content(_) => return Some(FaultStage::EndOfData),
        Input::Chunk(_) => return Some(FaultStage::Bdat),
        _ => return None,
    };
    Some(match Verb::of(&line.text) {
        Some(Verb::Ehlo) => FaultStage::Ehlo,
        Some(Verb::Helo) => FaultStage::Helo,
        Some(Verb::StartTls | Verb::XAnonymousTls) => FaultStage::Starttls,
        Some(Verb::Auth | Verb::XExps) => FaultStage::Auth,
        Some(Verb::Mail) => FaultStage::Mail,
        Some(Verb::Rcpt) => FaultStage::Rcpt,
        Some(Verb::Data) => FaultStage::Data,
        Some(Verb::Rset) => FaultStage::Rset,
        Some(Verb::Quit) => FaultStage::Quit,
        // Its content follows at once, whatever is answered; the stage is where the reply is due.
        Some(Verb::Bdat) => return None,
        Some(Verb::Noop | Verb::Help | Verb::Vrfy | Verb::Expn) | None => FaultStage::Other,
    })
}

/// The step of a row; `carry_out` is what the session does.
fn twisted(misconduct: &Misconduct, carry_out: impl FnOnce() -> Step) -> Step {
    let mut twist = Twist { then: misconduct.then(), ..Twist::default() };
    let silent = || Step::silent(Next::Line);
    let mut step = match misconduct.conduct() {
        Conduct::Silence | Conduct::Close | Conduct::Reset => silent(),
        // What does not parse was refused when the row was read; it is said as it stands.
        Conduct::Reply(text) => match text.parse::<Reply>() {
            Ok(reply) => Step::say(reply),
            Err(_) => {
                twist.octets = Some(format!("{text}\r\n").into());
                silent()
            }
        },
        Conduct::Raw(octets) => {
            twist.octets = octets.octets().ok().map(Bytes::from);
            silent()
        }
        Conduct::Say(text) => {
            twist.octets = Some(text.clone().into());
            carry_out()
        }
        Conduct::Append(text) => {
            let step = carry_out();
            twist.octets = Some([&said(&step), text.as_bytes()].concat().into());
            step
        }
        Conduct::Prepend(text) => {
            let step = carry_out();
            twist.octets = Some([text.as_bytes(), &said(&step)].concat().into());
            step
        }
        Conduct::Delay(TimeSpan(delay)) => {
            let step = carry_out();
            Step { delay: step.delay + *delay, ..step }
        }
        Conduct::Trickle(TimeSpan(pace)) => {
            twist.pace = Some(*pace);
            carry_out()
        }
        Conduct::LineFeeds => {
            let step = carry_out();
            twist.octets = Some(said(&step).iter().copied().filter(|octet| *octet != b'\r').collect());
            step
        }
        Conduct::Capabilities(capabilities) => {
            let step = carry_out();
            let reply = step.reply.map(|reply| capabilities.of(reply));
            Step { reply, ..step }
        }
        Conduct::ExecutePipelined => {
            twist.keep_input = true;
            carry_out()
        }
        Conduct::Alert(alert) => {
            // Level fatal, in a record of its own (RFC 8446 section 6).
            twist.beneath =
                alert.number().ok().map(|number| Bytes::copy_from_slice(&[21, 3, 3, 0, 2, 2, number]));
            silent()
        }
        _ => carry_out(),
    };
    step.facts.insert(0, Fact::Misconduct(misconduct.clone()));
    step.twist = Some(Box::new(twist));
    step
}

fn said(step: &Step) -> Bytes {
    step.reply.as_ref().map(Reply::to_bytes).unwrap_or_default()
}

impl Capabilities {
    /// The reply to EHLO with this list of capabilities; a refusal stays what it is.
    fn of(&self, reply: Reply) -> Reply {
        if reply.code() != 250 {
            return reply;
        }
        let mut lines = reply.lines().iter();
        let greeting = lines.next().cloned().unwrap_or_default();
        let kept = lines.filter(|line| !self.without.iter().any(|word| is_keyword(word, line)));
        let kept = kept.map(|line| {
            let masked = self.masked.iter().any(|word| is_keyword(word, line));
            let spelled = self.spelled.iter().find(|(word, _)| is_keyword(word, line));
            match spelled {
                _ if masked => format!("{}A", "X".repeat(line.len().saturating_sub(1))).into(),
                Some((word, spelled)) => format!("{spelled}{}", &line[word.len()..]).into(),
                None => line.clone(),
            }
        });
        let added = self.with.iter().map(|line| line.clone().into());
        Reply::multi(250, std::iter::once(greeting).chain(kept).chain(added).collect())
    }
}

/// Whether `line` of a reply to EHLO is about the keyword `word` (RFC 5321 section 4.1.1.1).
fn is_keyword(word: &str, line: &str) -> bool {
    let keyword = line.split([' ', '=']).next().unwrap_or_default();
    keyword.eq_ignore_ascii_case(word)
}

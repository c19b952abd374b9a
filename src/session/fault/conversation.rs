//! A receiving session with the fault table in front of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::conduct::{Capabilities, Conduct};
use super::row::{FaultStage, Then};
use super::table::{Came, Faults, Misconduct};
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
    /// Whether the content that is due is a chunk.
    chunk: bool,
    /// The banner, where it is said inside TLS.
    banner: Option<Box<Step>>,
}

impl Conversation {
    /// Opens a conversation with the banner, as [`ReceiveSession::open`] does.
    pub fn open(setting: Arc<Setting>, faults: Option<Faults>, early: usize, now: Timestamp) -> (Self, Step) {
        let mut faults = faults.map(Box::new);
        let misconduct = faults.as_mut().and_then(|faults| faults.at(FaultStage::Connect));
        let implicit = misconduct.as_ref().is_some_and(|it| *it.conduct() == Conduct::ImplicitTls);
        // Where TLS comes first, it is the client who begins.
        let (session, mut step) = ReceiveSession::open(setting, if implicit { 0 } else { early }, now);
        let (banner, step) = match misconduct {
            None => (None, step),
            Some(misconduct) if implicit => {
                let handshake = Step::silent(Next::Handshake(TlsVerb::StartTls));
                let facts = vec![Fact::Misconduct(misconduct)];
                (Some(Box::new(step)), Step { facts, ..handshake })
            }
            Some(misconduct) => {
                // Who talks before the banner does so whatever the banner is.
                let mut noticed = std::mem::take(&mut step.facts);
                let mut step = twisted(&misconduct, || step);
                step.facts.append(&mut noticed);
                (None, step)
            }
        };
        (Self { session, faults, body: None, chunk: false, banner }, step)
    }

    /// The session itself.
    pub fn session(&self) -> &ReceiveSession {
        &self.session
    }

    /// Answers one input.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Step {
        if self.faults.is_none() {
            return self.session.handle(input, now);
        }
        let stage = stage_of(&input, &self.session, std::mem::take(&mut self.chunk));
        if let (Some(FaultStage::Ehlo | FaultStage::Helo), Input::Line(line)) = (stage, &input) {
            let name = String::from_utf8_lossy(line.text.get(4..).unwrap_or_default()).trim().to_owned();
            if let Some(faults) = &mut self.faults {
                faults.introduced(name);
            }
        }
        let step = match stage.and_then(|stage| self.asked(stage, &input)) {
            None => self.session.handle(input, now),
            Some(misconduct) => self.misconduct(&misconduct, input, now),
        };
        if let (Some(FaultStage::Ehlo), Some(hello)) = (stage, &step.reply) {
            self.session.advertised(hello);
        }
        match step.next {
            Next::Data { .. } => self.body = self.at(FaultStage::Body, Came::default()),
            Next::Chunk { size, .. } => {
                self.chunk = true;
                // In a chunk of nothing there is no place to do anything.
                self.body = if size > 0 { self.at(FaultStage::Body, Came::default()) } else { None };
            }
            _ => {}
        }
        step
    }

    /// What the table says to an input; the last chunk is also the end of the content.
    fn asked(&mut self, stage: FaultStage, input: &Input) -> Option<Misconduct> {
        let text;
        let came = match input {
            Input::Line(line) => {
                text = String::from_utf8_lossy(&line.text);
                Came { line: Some(&text), longest: line.text.len() }
            }
            Input::Content(received) => Came { line: None, longest: received.oddities.longest_line },
            _ => Came::default(),
        };
        let found = self.at(stage, came);
        match (found, stage, input) {
            (None, FaultStage::Bdat, Input::Content(_)) => self.at(FaultStage::EndOfData, came),
            (found, ..) => found,
        }
    }

    /// Does what a row says; content that is not carried out is gone, and its transaction with it.
    fn misconduct(&mut self, misconduct: &Misconduct, input: Input, now: Timestamp) -> Step {
        let is_content = matches!(input, Input::Content(_) | Input::Chunk(_));
        let mut carried_out = false;
        let step = twisted(misconduct, || {
            carried_out = true;
            self.session.handle(input, now)
        });
        if is_content && !carried_out {
            self.session.forget_transaction();
        }
        step
    }

    /// What is done while the content comes that is due now; told once.
    pub fn body(&mut self) -> Option<Misconduct> {
        self.body.take()
    }

    /// Whether TLS comes before the banner, so that nothing was said in clear.
    pub fn begins_with_tls(&self) -> bool {
        self.banner.is_some()
    }

    /// What is done in place of, or to, the handshake that is due now.
    pub fn handshake(&mut self) -> Option<Misconduct> {
        self.at(FaultStage::Handshake, Came::default())
    }

    /// What is done where the lab ends the connection.
    pub fn closing(&mut self) -> Option<Misconduct> {
        self.at(FaultStage::Close, Came::default())
    }

    /// The conversation after a successful handshake, as [`ReceiveSession::secure`] has it, and what is
    /// said there unasked.
    #[must_use]
    pub fn secure(self, verb: TlsVerb, tls: Arc<TlsFacts>, exchange_server: bool) -> (Self, Step) {
        let Self { session, mut faults, banner, .. } = self;
        let unasked = || banner.map_or_else(Step::wait, |banner| *banner);
        let misconduct = faults.as_mut().and_then(|faults| {
            faults.secured();
            faults.at(FaultStage::AfterTls)
        });
        let keep = misconduct.as_ref().is_some_and(|it| *it.conduct() == Conduct::KeepState);
        let session = if keep { session.secure_and_remember(verb, tls) } else { session.secure(verb, tls) };
        let session = if exchange_server { session.with_exchange_server() } else { session };
        let step = match misconduct {
            Some(misconduct) => twisted(&misconduct, unasked),
            None => unasked(),
        };
        (Self { session, faults, body: None, chunk: false, banner: None }, step)
    }

    fn at(&mut self, stage: FaultStage, came: Came<'_>) -> Option<Misconduct> {
        self.faults.as_mut()?.at_which(stage, came)
    }
}

/// Which stage an input comes to; `chunk` where it is what a BDAT announced.
fn stage_of(input: &Input, session: &ReceiveSession, chunk: bool) -> Option<FaultStage> {
    let line = match input {
        Input::Line(line) if !line.overlong && !session.expects_secret() => line,
        Input::Content(_) if chunk => return Some(FaultStage::Bdat),
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

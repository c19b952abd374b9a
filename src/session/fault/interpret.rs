//! The part of a fault rule that the session itself carries out: the replies. The rest is left to the layer
//! that moves the bytes.

use std::time::Duration;

use bytes::Bytes;

use super::action::{AfterTlsAction, ConnectAction, EhloAction, ReplyAction, StageActions, StartTlsAction};
use super::payload::Capabilities;
use super::spec::Then;
use super::table::Fired;
use crate::session::{Fact, Next, Step};
use crate::smtp::Reply;

/// The effects of fault rules on a step beside its reply.
#[derive(Debug, Default)]
pub struct StepActions {
    /// The actions that follow once the reply has been sent, in this order.
    pub now: Vec<StepAction>,
    /// The rule about what comes next: the handshake, the content or the end of the connection.
    pub next: Option<Fired>,
}

/// An action that a session leaves to the layer that moves its bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// These bytes are sent as they are.
    Send(Bytes),
    /// These bytes are sent one by one.
    Trickle {
        /// The bytes.
        bytes: Bytes,
        /// The time to wait before each of them.
        pace: Duration,
    },
    /// These bytes are sent beneath TLS, in the middle of the encrypted stream.
    SendBeneath(Bytes),
    /// Input that stands in clear behind STARTTLS is kept for the session inside TLS.
    KeepInput,
    /// The connection ends.
    End(Then),
}

/// Returns the step of a rule. `carry_out` is what the session does with the command.
pub(super) fn interpret(fired: &Fired, carry_out: impl FnOnce() -> Step) -> Step {
    let replaced = fired.rule.replaces_command();
    let mut step = if replaced { Step::silent(Next::Line) } else { carry_out() };
    let actions = step.actions.take().map(|actions| actions.now).unwrap_or_default();
    let mut draft = Draft { step, bytes: None, pace: None, actions };
    match fired.rule.actions() {
        StageActions::Connect(list) => list.iter().for_each(|action| match action {
            ConnectAction::Common(action) => draft.reply(action),
            // The handshake comes before the banner; see `Conversation::open`.
            ConnectAction::ImplicitTls => {}
        }),
        StageActions::Ehlo(list) => list.iter().for_each(|action| match action {
            EhloAction::Common(action) => draft.reply(action),
            EhloAction::Capabilities(capabilities) => {
                draft.step.reply = draft.step.reply.take().map(|reply| capabilities.of(reply));
            }
        }),
        StageActions::StartTls(list) => list.iter().for_each(|action| match action {
            StartTlsAction::Common(action) => draft.reply(action),
            StartTlsAction::ExecutePipelined => draft.actions.push(StepAction::KeepInput),
        }),
        StageActions::AfterTls(list) => list.iter().for_each(|action| match action {
            AfterTlsAction::Reply(reply) => draft.step.reply = Some(reply.clone()),
            AfterTlsAction::Raw(bytes) => draft.bytes = Some(bytes.clone()),
            AfterTlsAction::Delay(delay) => draft.step.delay += *delay,
            // The kept state is in the session by now; see `Conversation::secure`.
            AfterTlsAction::KeepState => {}
            AfterTlsAction::Alert(alert) => {
                // Level fatal, in a record of its own (RFC 8446 section 6).
                let record = Bytes::copy_from_slice(&[21, 3, 3, 0, 2, 2, *alert]);
                draft.actions.push(StepAction::SendBeneath(record));
            }
        }),
        StageActions::Reply(list) => list.iter().for_each(|action| draft.reply(action)),
        // These are about what comes next, and the step before it carries them.
        StageActions::Handshake(_) | StageActions::Body(_) | StageActions::Close(_) => {}
    }
    draft.finish(fired)
}

/// A step that is being built.
struct Draft {
    step: Step,
    /// The bytes that are sent in place of the reply.
    bytes: Option<Bytes>,
    pace: Option<Duration>,
    actions: Vec<StepAction>,
}

impl Draft {
    fn reply(&mut self, action: &ReplyAction) {
        match action {
            ReplyAction::Reply(reply) => self.step.reply = Some(reply.clone()),
            ReplyAction::Say(bytes) | ReplyAction::Raw(bytes) => self.bytes = Some(bytes.clone()),
            ReplyAction::Append(bytes) => self.bytes = Some([&self.said()[..], bytes].concat().into()),
            ReplyAction::Prepend(bytes) => self.bytes = Some([&bytes[..], &self.said()].concat().into()),
            ReplyAction::Delay(delay) => self.step.delay += *delay,
            ReplyAction::Trickle(pace) => self.pace = Some(*pace),
            ReplyAction::LineFeeds => {
                self.bytes = Some(self.said().iter().copied().filter(|byte| *byte != b'\r').collect());
            }
        }
    }

    /// Returns the bytes to be sent so far.
    fn said(&self) -> Bytes {
        let reply = || self.step.reply.as_ref().map(Reply::to_bytes);
        self.bytes.clone().or_else(reply).unwrap_or_default()
    }

    fn finish(mut self, fired: &Fired) -> Step {
        match self.pace {
            Some(pace) => {
                let bytes = self.said();
                self.step.reply = None;
                self.actions.push(StepAction::Trickle { bytes, pace });
            }
            None => {
                if let Some(bytes) = self.bytes {
                    self.step.reply = None;
                    self.actions.push(StepAction::Send(bytes));
                }
            }
        }
        self.actions.extend(fired.rule.then().map(StepAction::End));
        let mut step = self.step;
        step.facts.insert(0, Fact::Fault(fired.clone()));
        if !self.actions.is_empty() {
            step.actions = Some(Box::new(StepActions { now: self.actions, next: None }));
        }
        step
    }
}

impl Capabilities {
    /// Returns the reply to EHLO with this list of capabilities. A refusal is not changed.
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

/// Returns whether `line` of a reply to EHLO is about the keyword `word` (RFC 5321 section 4.1.1.1).
fn is_keyword(word: &str, line: &str) -> bool {
    let keyword = line.split([' ', '=']).next().unwrap_or_default();
    keyword.eq_ignore_ascii_case(word)
}

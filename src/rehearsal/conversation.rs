//! One conversation: the two sessions, each handed what the other says.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use super::handshake::BothSides;
use crate::exchange::Event;
use crate::session::send::{Attempt, Handshake, Said, SendFact, SendInput, SendNext, SendSession, Task};
use crate::session::{Fact, Input, Next, ReceiveSession, Setting, Step, TlsFacts, TlsVerb};
use crate::smtp::{DataDecoder, DataProgress, LineDecoder, Reply};

/// What came of a conversation.
pub(super) struct Conversation {
    pub(super) attempt: Attempt,
    /// What the sender logged.
    pub(super) sent: Vec<Event>,
    /// What the receiver logged.
    pub(super) received: Vec<Event>,
}

/// Holds a conversation from the banner to its end; `handshake` says how one would end.
pub(super) fn converse(
    task: Arc<Task>,
    mut receiver: Receiver,
    handshake: impl Fn(&Handshake) -> Result<BothSides, SendInput>,
) -> Conversation {
    let mut sent = Vec::new();
    let (mut sender, mut step) = SendSession::open(task);
    loop {
        sent.extend(step.facts.into_iter().filter_map(|fact| match fact {
            SendFact::Event(event) => Some(event),
            _ => None,
        }));
        match step.say {
            Some(Said::Command(octets) | Said::Content(octets)) => receiver.hear(&octets),
            Some(Said::Secret(secret)) => receiver.hear(&secret.0),
            None => {}
        }
        step = match step.next {
            SendNext::Reply => sender.handle(receiver.answer()),
            SendNext::Handshake(wanted) => match handshake(&wanted) {
                Ok(BothSides { sender: secured, receiver: facts }) => {
                    receiver.secure(wanted.verb, facts);
                    let (secure, step) = sender.secure(secured);
                    sender = secure;
                    step
                }
                Err(failed) => sender.handle(failed),
            },
            SendNext::Done(attempt) => {
                return Conversation { attempt: *attempt, sent, received: receiver.events };
            }
        };
    }
}

/// The receiving side of a conversation, between octets and replies.
pub(super) struct Receiver {
    session: Option<ReceiveSession>,
    next: Next,
    input: BytesMut,
    said: VecDeque<Reply>,
    events: Vec<Event>,
    now: Timestamp,
}

impl Receiver {
    /// Says the banner.
    pub(super) fn open(setting: Arc<Setting>, now: Timestamp) -> Self {
        let (session, step) = ReceiveSession::open(setting, 0, now);
        let mut receiver = Self { session: Some(session), ..Self::new(now) };
        receiver.take(step);
        receiver
    }

    /// Says one thing and closes.
    pub(super) fn turn_away(step: Step, now: Timestamp) -> Self {
        let mut receiver = Self::new(now);
        receiver.take(step);
        receiver
    }

    fn new(now: Timestamp) -> Self {
        let (input, said, events) = (BytesMut::new(), VecDeque::new(), Vec::new());
        Self { session: None, next: Next::Close, input, said, events, now }
    }

    fn take(&mut self, step: Step) {
        self.events.extend(step.facts.into_iter().filter_map(|fact| match fact {
            Fact::Event(event) => Some(event),
            _ => None,
        }));
        self.said.extend(step.reply);
        self.next = step.next;
    }

    fn hear(&mut self, octets: &Bytes) {
        self.input.extend_from_slice(octets);
        while let Some(input) = self.read() {
            let Some(session) = &mut self.session else { return };
            let step = session.handle(input, self.now);
            self.take(step);
        }
    }

    /// The next input, where it is complete. The sender says one thing at a time, and all of it.
    fn read(&mut self) -> Option<Input> {
        match self.next {
            Next::Line => {
                let limit = self.session.as_ref()?.line_limit();
                LineDecoder::new(limit).decode(&mut self.input).map(Input::Line)
            }
            Next::Data { limit } => {
                let mut content = DataDecoder::new(limit);
                let done = content.decode(&mut self.input) == DataProgress::Done;
                done.then(|| Input::Content(content.finish()))
            }
            // The sender never says BDAT.
            Next::Chunk { .. } | Next::Handshake(_) | Next::Close => None,
        }
    }

    /// What the sender hears next.
    fn answer(&mut self) -> SendInput {
        self.said.pop_front().map_or(SendInput::Closed, SendInput::Reply)
    }

    fn secure(&mut self, verb: TlsVerb, facts: Arc<TlsFacts>) {
        self.session = self.session.take().map(|session| session.secure(verb, facts));
        self.next = Next::Line;
        self.input.clear();
    }
}

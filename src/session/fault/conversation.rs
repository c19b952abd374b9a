//! A receiving session with the fault table in front of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::interpret::interpret;
use super::stage::FaultStage;
use super::table::{Came, Faults, Fired};
use crate::session::{Input, Next, ReceiveSession, Setting, Step, TlsFacts, TlsVerb};
use crate::smtp::Verb;

/// One conversation behind its fault table. The table is asked first, and the session does not see an input
/// that the table has decided.
#[derive(Debug)]
pub struct Conversation {
    session: ReceiveSession,
    faults: Option<Box<Faults>>,
    /// True if the content that is due is a chunk.
    chunk: bool,
    /// The banner, if it is sent inside TLS.
    banner: Option<Box<Step>>,
}

impl Conversation {
    /// Opens a conversation with the banner, as [`ReceiveSession::open`] does.
    pub fn open(setting: Arc<Setting>, faults: Option<Faults>, early: usize, now: Timestamp) -> (Self, Step) {
        let mut faults = faults.map(Box::new);
        let fired = faults.as_mut().and_then(|faults| faults.at(FaultStage::Connect));
        let implicit = fired.as_ref().is_some_and(|fired| fired.rule.begins_with_tls());
        // With implicit TLS the client begins.
        let (session, mut step) = ReceiveSession::open(setting, if implicit { 0 } else { early }, now);
        let mut banner = None;
        if let Some(fired) = fired {
            // A client that talks before the banner is noted whatever the banner is.
            let mut noticed = std::mem::take(&mut step.facts);
            step = interpret(&fired, || step);
            step.facts.append(&mut noticed);
            if implicit {
                let facts = std::mem::take(&mut step.facts);
                banner = Some(Box::new(step));
                step = Step { facts, ..Step::silent(Next::Handshake(TlsVerb::StartTls)) };
            }
        }
        let mut conversation = Self { session, faults, chunk: false, banner };
        let step = conversation.look_ahead(step);
        (conversation, step)
    }

    /// Returns the session itself.
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
            Some(fired) => self.follow(&fired, input, now),
        };
        if stage == Some(FaultStage::Ehlo) {
            self.session.advertised(step.reply.as_ref());
        }
        self.look_ahead(step)
    }

    /// Asks the table about an input. The last chunk is also the end of the content.
    fn asked(&mut self, stage: FaultStage, input: &Input) -> Option<Fired> {
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

    /// Does what a rule says. Content that is not carried out is discarded, and its transaction with it.
    fn follow(&mut self, fired: &Fired, input: Input, now: Timestamp) -> Step {
        let is_content = matches!(input, Input::Content(_) | Input::Chunk(_));
        let mut carried_out = false;
        let step = interpret(fired, || {
            carried_out = true;
            self.session.handle(input, now)
        });
        if is_content && !carried_out {
            self.session.forget_transaction();
        }
        step
    }

    /// Adds to the step the rule about what comes next. Where the connection ends with the step, there is
    /// none.
    fn look_ahead(&mut self, mut step: Step) -> Step {
        if self.faults.is_none() || step.ends() {
            return step;
        }
        let stage = match step.next {
            Next::Line => return step,
            Next::Data { .. } => FaultStage::Body,
            Next::Chunk { size, .. } => {
                self.chunk = true;
                // An empty chunk has no content in which anything could be done.
                if size == 0 {
                    return step;
                }
                FaultStage::Body
            }
            Next::Handshake(_) => FaultStage::Handshake,
            Next::Close => FaultStage::Close,
        };
        if let Some(fired) = self.at(stage, Came::default()) {
            step.actions.get_or_insert_default().next = Some(fired);
        }
        step
    }

    /// Returns whether TLS comes before the banner, so that nothing is sent in clear.
    pub fn begins_with_tls(&self) -> bool {
        self.banner.is_some()
    }

    /// Returns the conversation after a successful handshake, as [`ReceiveSession::secure`] does, and the
    /// step of a rule that sends something there unasked.
    #[must_use]
    pub fn secure(self, verb: TlsVerb, tls: Arc<TlsFacts>, exchange_server: bool) -> (Self, Step) {
        let Self { session, mut faults, banner, .. } = self;
        let unasked = || banner.map_or_else(Step::wait, |banner| *banner);
        let fired = faults.as_mut().and_then(|faults| {
            faults.secured(Arc::clone(&tls));
            faults.at(FaultStage::AfterTls)
        });
        let keep = fired.as_ref().is_some_and(|fired| fired.rule.keeps_state());
        let session = if keep { session.secure_and_remember(verb, tls) } else { session.secure(verb, tls) };
        let session = if exchange_server { session.with_exchange_server() } else { session };
        let step = match fired {
            Some(fired) => interpret(&fired, unasked),
            None => unasked(),
        };
        (Self { session, faults, chunk: false, banner: None }, step)
    }

    fn at(&mut self, stage: FaultStage, came: Came<'_>) -> Option<Fired> {
        self.faults.as_mut()?.at_which(stage, came)
    }
}

/// Returns the stage that an input comes to. `chunk` is true for content that a BDAT announced.
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
        Some(Verb::StartTls | Verb::XAnonymousTls) => FaultStage::StartTls,
        Some(Verb::Auth | Verb::XExps) => FaultStage::Auth,
        Some(Verb::Mail) => FaultStage::Mail,
        Some(Verb::Rcpt) => FaultStage::Rcpt,
        Some(Verb::Data) => FaultStage::Data,
        Some(Verb::Rset) => FaultStage::Rset,
        Some(Verb::Quit) => FaultStage::Quit,
        // The content follows the command at once, whatever the reply is. The stage is where the reply is
        // due.
        Some(Verb::Bdat) => return None,
        Some(Verb::Noop | Verb::Help | Verb::Vrfy | Verb::Expn) | None => FaultStage::Other,
    })
}

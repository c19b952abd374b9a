//! The result of one entry of the fault catalogue when a client was tried with it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::injected::began_handshake;
use crate::observe::verdict::{CloseReason, Conversation, Reaction, Said, Turn, Verdict};
use crate::scenario::{Acceptance, ServerTrust};

/// One entry, and the client's behavior there.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The entry's name.
    pub entry: String,
    /// The trust that TLS deserves there.
    pub tls: ServerTrust,
    /// The server's acceptance of mail that is sent by the rules.
    pub mail: Acceptance,
    /// The way in which the client's process ended.
    pub exit: Exit,
    /// True if the client was still at work after its command had ended.
    pub outlived: bool,
    /// The reply that was injected behind the 220, if it occurs in the command's output.
    pub repeated: Option<String>,
    /// The lab's observations.
    pub verdicts: Vec<Verdict>,
}

/// The way in which a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
    /// It was killed when its time was up.
    Killed,
    /// It could not be run, for this reason.
    NotRun(String),
    /// The entry had no process of its own.
    Unknown,
}

/// The outcome for the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was accepted over TLS.
    OverTls,
    /// It was accepted in clear, all of it or a copy.
    InClear,
    /// It was not delivered.
    Refused,
    /// It was not delivered, and the client still waits for the lab, which is silent on purpose.
    Waits,
    /// It was not delivered, and the client does not go on although it is the client's turn.
    Hung,
    /// The client was not run.
    NotRun,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 6] =
        [Self::OverTls, Self::InClear, Self::Refused, Self::Waits, Self::Hung, Self::NotRun];

    /// Returns the outcome in two or three words.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::OverTls => "over TLS",
            Self::InClear => "in clear",
            Self::Refused => "not delivered",
            Self::Waits => "waits",
            Self::Hung => "hung",
            Self::NotRun => "not run",
        }
    }
}

/// The number of connections for one message from which on they are worth a remark.
const MANY: usize = 10;

/// SIGPIPE, which ends programs that write to a closed connection.
const SIGPIPE: i32 = 13;

impl Trial {
    /// Returns the number of messages that were accepted over TLS.
    pub fn over_tls(&self) -> u64 {
        self.verdicts.iter().map(|verdict| verdict.messages_over_tls).sum()
    }

    /// Returns the number of messages that were accepted in clear.
    pub fn in_clear(&self) -> u64 {
        self.verdicts.iter().map(|verdict| verdict.messages_in_clear).sum()
    }

    /// Returns the kinds of content that were said in clear.
    pub fn leaked(&self) -> BTreeSet<Said> {
        self.verdicts.iter().flat_map(Verdict::leaked).collect()
    }

    /// Returns the kinds of content that were said over TLS.
    pub fn said_over_tls(&self) -> BTreeSet<Said> {
        self.verdicts.iter().flat_map(Verdict::said_over_tls).collect()
    }

    /// Returns all conversations.
    pub fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.verdicts.iter().flat_map(|verdict| &verdict.conversations)
    }

    /// Returns the outcome for the mail.
    pub fn outcome(&self) -> Outcome {
        match &self.exit {
            _ if self.in_clear() > 0 => Outcome::InClear,
            _ if self.over_tls() > 0 => Outcome::OverTls,
            Exit::NotRun(_) => Outcome::NotRun,
            Exit::Killed if self.waits_for_the_lab() => Outcome::Waits,
            Exit::Killed => Outcome::Hung,
            _ => Outcome::Refused,
        }
    }

    fn waits_for_the_lab(&self) -> bool {
        self.conversations().last().is_some_and(|it| it.turn == Turn::Lab)
    }

    /// Returns whether the command reports success although nothing was delivered. A command that has left
    /// the work to another program, which is not done yet, does not count.
    pub fn claims_success(&self) -> bool {
        self.exit == Exit::Code(0) && self.over_tls() + self.in_clear() == 0 && !self.outlived
    }

    /// Returns whether the client took a reply that was injected behind the 220 for the server's.
    pub fn took_injected(&self) -> bool {
        self.conversations().any(|it| it.injected.as_ref().is_some_and(|it| it.taken.is_some()))
    }

    /// Returns whether an injected reply kept the client from delivering after it had begun TLS, and nothing shows
    /// that it took that reply for the server's.
    pub fn is_stopped_by_injected(&self) -> bool {
        let stopped = |it: &Conversation| it.injected.as_ref().is_some_and(|it| it.effect.is_some());
        !self.took_injected() && self.conversations().any(|it| stopped(it) && began_handshake(it))
    }

    /// Returns whether the client closed a connection without QUIT at its own turn, although nothing
    /// prevented a QUIT.
    fn left_without_quit(&self) -> bool {
        let by_itself = matches!(self.exit, Exit::Code(_) | Exit::Unknown);
        by_itself && self.conversations().any(is_without_quit)
    }

    /// Returns what is worth knowing of the trial beside the outcome, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let delivered = self.over_tls() + self.in_clear();
        match &self.exit {
            Exit::Code(0) if self.claims_success() => {
                notes.push("the command says success, and nothing was delivered".to_owned());
            }
            Exit::Code(code) if *code != 0 && delivered > 0 => notes.push(format!(
                "the command says failure (exit code {code}) although the mail was taken, so it may be sent twice"
            )),
            Exit::Signal(signal) => {
                let name = if *signal == SIGPIPE { " (SIGPIPE)" } else { "" };
                notes.push(format!("the command died by signal {signal}{name}"));
            }
            Exit::Killed if delivered > 0 => {
                notes.push("the mail was taken, and the command did not end; it was killed".to_owned());
            }
            Exit::Killed => notes.push("the command was killed when its time was up".to_owned()),
            Exit::NotRun(why) => notes.push(format!("the command could not be run: {why}")),
            Exit::Code(_) | Exit::Unknown => {}
        }
        if self.outlived {
            notes.push(
                "the client was still at work when its command had ended; for a program that works from a queue \
                 there is --daemon"
                    .to_owned(),
            );
        }
        if delivered > 1 {
            notes.push(format!("{delivered} messages were taken"));
        }
        match self.conversations().count() {
            0 if !matches!(self.exit, Exit::NotRun(_)) => notes.push("it never connected".to_owned()),
            count if count > MANY => notes.push(format!("it opened {count} connections")),
            _ => {}
        }
        if self.left_without_quit() {
            notes.push("it closed a connection without QUIT (RFC 5321 section 4.1.1.10)".to_owned());
        }
        for conversation in self.conversations() {
            let taken = conversation.injected.as_ref().and_then(|injected| injected.taken.as_ref());
            let taken =
                taken.map(|taken| format!("the reply that was injected behind the 220 was taken: {taken}"));
            let effect = conversation.injected.as_ref().and_then(|injected| injected.effect.clone());
            let more = taken.into_iter().chain(effect).chain(conversation.stale_capabilities.clone());
            for note in more.chain(conversation.oddities.iter().cloned()) {
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        notes
    }
}

/// Returns whether a client that had said something left at its own turn without QUIT. After a handshake that
/// failed there is no session left in which to say it.
fn is_without_quit(conversation: &Conversation) -> bool {
    let gone = matches!(conversation.parting, CloseReason::Vanished | CloseReason::Broke(_));
    let starttls = &conversation.starttls;
    let in_session = match &conversation.handshake {
        Some(handshake) => handshake.reaction == Reaction::Accepted,
        None => !starttls.is_granted() && starttls.offered.is_some(),
    };
    gone && in_session && conversation.turn == Turn::Client
}

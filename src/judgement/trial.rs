//! What became of one entry of the fault catalogue when a client was tried with it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::observe::verdict::{Conversation, Said, Turn, Verdict};
use crate::scenario::{Taken, Worth};

/// One entry, and what the client did there.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The entry's name.
    pub entry: String,
    /// What TLS is worth there.
    pub tls: Worth,
    /// What becomes of mail there that is sent by the rules.
    pub mail: Taken,
    /// How the client's process ended.
    pub exit: Exit,
    /// What the lab saw of it.
    pub verdicts: Vec<Verdict>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It had to be killed when its time was up.
    Killed,
    /// It could not be run; why.
    NotRun(String),
    /// There was no process of its own for this entry.
    Unknown,
}

/// What became of the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was taken over TLS.
    OverTls,
    /// It was taken in clear, all of it or a copy.
    InClear,
    /// It was not delivered.
    Refused,
    /// It was not delivered, and the client still waits for the lab, which is silent on purpose.
    Waits,
    /// It was not delivered, and the client does not go on although it is its turn.
    Hung,
    /// The client was not run.
    NotRun,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::OverTls, Self::InClear, Self::Refused, Self::Waits, Self::Hung, Self::NotRun];

    /// The outcome in two or three words.
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

/// So many connections for one message are worth a remark.
const MANY: usize = 10;

/// SIGPIPE, by which programs die that write to a connection that is closed.
const SIGPIPE: i32 = 13;

impl Trial {
    /// How many messages were taken over TLS.
    pub fn over_tls(&self) -> u64 {
        self.verdicts.iter().map(|verdict| verdict.messages_over_tls).sum()
    }

    /// How many messages were taken in clear.
    pub fn in_clear(&self) -> u64 {
        self.verdicts.iter().map(|verdict| verdict.messages_in_clear).sum()
    }

    /// What was said in clear.
    pub fn leaked(&self) -> BTreeSet<Said> {
        self.verdicts.iter().flat_map(Verdict::leaked).collect()
    }

    /// What was said over TLS.
    pub fn said_over_tls(&self) -> BTreeSet<Said> {
        self.verdicts.iter().flat_map(Verdict::said_over_tls).collect()
    }

    /// All conversations.
    pub fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.verdicts.iter().flat_map(|verdict| &verdict.conversations)
    }

    /// What became of the mail.
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

    /// What whoever runs the client should know beside the outcome, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let delivered = self.over_tls() + self.in_clear();
        match &self.exit {
            Exit::Code(0) if delivered == 0 => {
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
        if delivered > 1 {
            notes.push(format!("{delivered} messages were taken"));
        }
        match self.conversations().count() {
            0 if !matches!(self.exit, Exit::NotRun(_)) => notes.push("it never connected".to_owned()),
            count if count > MANY => notes.push(format!("it opened {count} connections")),
            _ => {}
        }
        for conversation in self.conversations() {
            for oddity in &conversation.oddities {
                if !notes.contains(oddity) {
                    notes.push(oddity.clone());
                }
            }
        }
        notes
    }
}

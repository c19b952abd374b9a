//! The part of a lab file that tells how a scenario is fixed, and who notices: senders, fixes, wrong fixes.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expect::Expectations;
use crate::exchange::Typed;
use crate::exchange::cmdlet::Answer;

/// Somebody who sends one message to the lab at every stage of the story.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SenderSpec {
    /// What expectations and tables call it; left away, its policy or the name of its connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One of the built-in senders by name or alias, such as `may`; `starttls-lab send --help` lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Or a Send connector of the lab, `SERVER\Name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The receive connector that it comes to, `SERVER\Name`. Left away for a Send connector, the lab's
    /// hosts and MX records lead there; left away for a policy, it is the first receive connector of the lab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The host name or address that it dials, by which it measures the certificate. Left away, the host of
    /// the entry, or else the name that the connector answers with before anything is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dials: Option<String>,
    /// The loopback address that it comes from; left away, 127.0.0.1, or where its computer lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// Whom the message is from; left away, a stranger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// Whom it is for; left away, the postmaster of the first accepted domain or of the dialled one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rcpt_to: Option<String>,
    /// What it logs on with, where LOGIN is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logon: Option<LogonSpec>,
    /// True if it trusts the lab's root; true where left away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusts_lab: Option<bool>,
}

/// A user with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogonSpec {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Commands that mend the story, or that do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepairSpec {
    /// What it is, in one line.
    pub title: String,
    /// The computer whose Exchange Management Shell runs the commands; left away, the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The cmdlets, as they are typed.
    pub run: String,
    /// The answers to the questions they ask, in order: `yes` or `no`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AnswerSpec>,
    /// What follows on other computers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<CommandsSpec>,
    /// Of a wrong fix: why it mends nothing, or what it breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Of a wrong fix: that the Shell refuses it, with words that contain these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What is different afterwards: for a fix from `[after]`, for a wrong fix from `[before]`.
    #[serde(skip_serializing_if = "Expectations::is_empty")]
    pub after: Expectations,
}

/// Commands on one computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandsSpec {
    /// The computer.
    pub on: String,
    /// The cmdlets, as they are typed.
    pub run: String,
    /// The answers to the questions they ask, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AnswerSpec>,
}

impl CommandsSpec {
    /// Returns the commands of a fix, for the computer that they are typed on.
    pub fn typed(on: &str, typed: &Typed) -> Self {
        let answers = typed.answers.iter().map(|answer| match answer {
            Answer::Yes => AnswerSpec::Yes,
            Answer::No => AnswerSpec::No,
        });
        Self { on: on.to_owned(), run: typed.run.clone(), answers: answers.collect() }
    }
}

/// An answer to a question of the Shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerSpec {
    /// `Y`.
    Yes,
    /// `N`.
    No,
}

/// A stage of a story: how it is in the beginning, or after commands that were given to a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "stage", content = "index", rename_all = "snake_case")]
pub enum Stage {
    /// Before anything is changed.
    Before,
    /// After the wrong fix of this index.
    WrongFix(usize),
    /// After the fix of this index.
    Fix(usize),
}

impl RepairSpec {
    /// Returns the commands of all computers, in order; `only` runs those that name no computer.
    pub fn commands(&self, only: &str) -> Vec<CommandsSpec> {
        let on = self.on.clone().unwrap_or_else(|| only.to_owned());
        let first = CommandsSpec { on, run: self.run.clone(), answers: self.answers.clone() };
        std::iter::once(first).chain(self.then.iter().cloned()).collect()
    }
}

//! The part of a lab file that tells how a scenario is fixed, and who notices: senders, fixes, wrong fixes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expect::Expectations;
use crate::exchange::cmdlet::Answer;
use crate::exchange::{ChainStatus, PrivateKey, Services, Typed};

/// A sender that sends one message to the lab at every stage of the scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SenderSpec {
    /// The name that expectations and tables use; if omitted, its policy or the name of its connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One of the built-in senders by name or alias, such as `may`; `starttls-lab send --help` lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// A Send connector of the lab, `SERVER\Name`, in place of `policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The receive connector that it sends to, `SERVER\Name`; for a policy also a host name, which stands for
    /// port 25 of the first of its computers in `hosts` that answers. If omitted, a Send connector follows
    /// the lab's hosts and MX records, and a policy sends to the first receive connector of the lab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The host name or address that it connects to, which it compares with the certificate. If omitted, the
    /// host of the entry, or else the name that the connector answers with before anything is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dials: Option<String>,
    /// The loopback address that it connects from; if omitted, 127.0.0.1, or the address of its computer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// The sender address of the message; if omitted, `stranger@sender.example`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// The recipient address; if omitted, the postmaster of the first accepted domain, or else of the host
    /// that it connects to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rcpt_to: Option<String>,
    /// The credentials that it logs on with where LOGIN is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logon: Option<LogonSpec>,
    /// True if it trusts the lab's root; true if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusts_lab: Option<bool>,
    /// For `exchange-domain-validation`: the name that the certificate has to carry, such as contoso.com, or
    /// *.contoso.com with the names below it; if omitted, the recipient's domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_domain: Option<String>,
    /// False for a sender without a queue, such as a program that calls a library: a message that would be
    /// deferred is returned at once. If omitted, the policy decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<bool>,
}

/// A change to a sender, on its own side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SenderChange {
    /// The host name or address that it connects to from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dials: Option<String>,
    /// True if it trusts the lab's root from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusts_lab: Option<bool>,
}

/// A change of a certificate that no cmdlet makes: the store is restored from a backup, a key loses its permissions, an
/// authority is distrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CertificateChange {
    /// False if the certificate is gone from the store from then on, true if it is back as it was in the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_store: Option<bool>,
    /// The state of the private key from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PrivateKey>,
    /// The status of the chain from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainStatus>,
    /// The services that it is enabled for from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Services>,
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

/// A fix or a wrong fix: the commands and other changes that it consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepairSpec {
    /// The fix, in one line.
    pub title: String,
    /// The computer whose Exchange Management Shell runs the commands; if omitted, the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The cmdlets, as they are typed; omitted where something other than Exchange is changed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// The changes of certificates that no cmdlet makes, by the certificate's label, or `SERVER\\label` where several
    /// computers have one of that label. They come before the commands of `run`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate: BTreeMap<String, CertificateChange>,
    /// The changes on the senders' side, by the sender's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sender: BTreeMap<String, SenderChange>,
    /// The computers whose fault rules end: a middlebox in front of them is removed, or a program is updated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults_off: Vec<String>,
    /// The answers to the questions they ask, in order: `yes` or `no`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<AnswerSpec>,
    /// The commands that follow on other computers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<CommandsSpec>,
    /// For a wrong fix: why it fixes nothing, or what it breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// For a wrong fix that the Shell refuses: a part of the error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The expectations afterwards, where they differ: for a fix from `[after]`, for a wrong fix from
    /// `[before]`.
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
    /// The changes of certificates that no cmdlet makes, by label, as in a fix; they come before these commands and
    /// after those above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificate: BTreeMap<String, CertificateChange>,
}

impl CommandsSpec {
    /// Returns commands that ask nothing.
    pub fn new(on: impl Into<String>, run: impl Into<String>) -> Self {
        Self { on: on.into(), run: run.into(), answers: Vec::new(), certificate: BTreeMap::new() }
    }

    /// Returns the commands of a fix, for the computer that they are typed on.
    pub fn typed(on: &str, typed: &Typed) -> Self {
        let answers = typed.answers.iter().map(|answer| match answer {
            Answer::Yes => AnswerSpec::Yes,
            Answer::No => AnswerSpec::No,
        });
        Self { answers: answers.collect(), ..Self::new(on, &typed.run) }
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

/// A stage of a scenario: how it is in the beginning, or after commands that were given to a copy of it.
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
        let (run, answers, certificate) = (self.run.clone(), self.answers.clone(), self.certificate.clone());
        let first = CommandsSpec { on, run, answers, certificate };
        let first = Some(first).filter(|it| !it.run.trim().is_empty() || !it.certificate.is_empty());
        first.into_iter().chain(self.then.iter().cloned()).collect()
    }
}

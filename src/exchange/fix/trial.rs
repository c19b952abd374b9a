//! Trying a proposal: its commands are run in the Shell on a copy of the lab, with stand-ins for the files
//! they name, before anybody is told to run them. What is observed afterwards is not looked at here.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::exchange::cmdlet::{
    Answer, CertificateError, CertificateRequest, CertificateSource, CmdletError, ErrorKind, Prompt,
    Question, Shell, ShellHost, ShellState, Wanted,
};
use crate::exchange::{CertificateFacts, ChainStatus, Computer, PrivateKey, Services, StoredCertificate};
use crate::pki::Thumbprint;

/// The result of trying the commands of a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "tried", content = "why", rename_all = "snake_case")]
pub enum Trial {
    /// The Shell ran them all, each alternative by itself.
    Ran,
    /// The Shell refuses one of them, in these words.
    Refused(String),
    /// They could not be tried, for this reason.
    Untried(String),
}

/// The lifetime of a stand-in.
const A_YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The line before an alternative to the command above it.
pub(super) const OR: &str = "# or, ";

/// The commands of a proposal as somebody types them who follows it: without the alternatives, and with the
/// answers to the questions that they ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The commands, a line each.
    pub run: String,
    /// The answers, in the order of the questions.
    pub answers: Vec<Answer>,
}

impl Typed {
    /// The file that stands in commands for the one that holds a certificate with its private key.
    pub const PFX: &str = "C:\\certificate.pfx";
}

/// Runs `commands` on a copy of `computers`, in the Shell of the computer called `on`. Each alternative is
/// run by itself. `file` stands in for whatever file holds a certificate.
///
/// Also returns what was typed for the commands without alternatives.
pub(super) fn try_commands(
    computers: &[Arc<Computer>],
    on: &str,
    commands: &[String],
    now: Timestamp,
    file: Option<&StoredCertificate>,
) -> (Trial, Typed) {
    let mut typed = Typed::default();
    for (at, script) in scripts(commands).iter().enumerate() {
        let mut host = StandIns { now, file, overwrite: answer(commands), answered: Vec::new() };
        let state = ShellState::default();
        let shell = Shell { computers, here: on, now, events: &[], queues: &[], state };
        let outcome = shell.run(script, &mut host);
        if at == 0 {
            typed = Typed { run: script.clone(), answers: host.answered };
        }
        if let Some(error) = outcome.error {
            return (failed(error), typed);
        }
    }
    (Trial::Ran, typed)
}

fn failed(error: CmdletError) -> Trial {
    match error.kind {
        ErrorKind::Syntax | ErrorKind::UnknownName => {
            Trial::Untried(format!("the lab's Shell does not know it: {}", error.message))
        }
        ErrorKind::Argument | ErrorKind::NotFound | ErrorKind::Refused => Trial::Refused(error.message),
        ErrorKind::Asked(prompt) => {
            Trial::Untried(format!("it asks, and the proposal says no answer: {}", prompt.text))
        }
    }
}

/// The commands without any alternative, and after that once with each in place of the command above it.
fn scripts(commands: &[String]) -> Vec<String> {
    let is_or = |at: usize| commands.get(at).is_some_and(|line| line.starts_with(OR));
    let alternatives: Vec<usize> = (0..commands.len()).filter(|at| is_or(*at)).map(|at| at + 1).collect();
    let without = |skipped: &dyn Fn(usize) -> bool| {
        let lines =
            commands.iter().enumerate().filter(|(at, _)| !skipped(*at)).map(|(_, line)| line.as_str());
        lines.collect::<Vec<_>>().join("\n")
    };
    let base = without(&|at| alternatives.contains(&at));
    let each = alternatives
        .iter()
        .map(|chosen| without(&|at| (alternatives.contains(&at) && at != *chosen) || at + 2 == *chosen));
    std::iter::once(base).chain(each).collect()
}

/// Returns the answer about the default SMTP certificate that the proposal prescribes.
fn answer(commands: &[String]) -> Option<Answer> {
    commands.iter().find_map(|line| {
        let asked = line.strip_prefix("# where it asks")?;
        Some(if asked.trim_end().ends_with('Y') { Answer::Yes } else { Answer::No })
    })
}

/// The stand-ins for files and for people.
struct StandIns<'a> {
    now: Timestamp,
    file: Option<&'a StoredCertificate>,
    overwrite: Option<Answer>,
    answered: Vec<Answer>,
}

impl ShellHost for StandIns<'_> {
    fn certificate(&mut self, request: &CertificateRequest) -> Result<StoredCertificate, CertificateError> {
        let stand_in = match (&request.source, self.file) {
            (CertificateSource::SelfSigned(wanted), None) => made(wanted, &wanted.subject, self.now),
            (CertificateSource::Authority { wanted, .. }, None) => {
                made(wanted, super::issue::SOME_AUTHORITY, self.now)
            }
            (_, Some(file)) => file.clone(),
            (CertificateSource::File { file, .. }, None) => {
                return Err(CertificateError::NoStandIn(file.clone()));
            }
        };
        Ok(StoredCertificate { services: Services::NONE, private_key: PrivateKey::Present, ..stand_in })
    }

    fn answer(&mut self, prompt: &Prompt) -> Option<Answer> {
        let answer = match prompt.question {
            Question::OverwriteDefaultSmtpCertificate => self.overwrite,
            // The reader who follows a proposal to remove something says Yes.
            Question::Remove => Some(Answer::Yes),
        };
        self.answered.extend(answer);
        answer
    }
}

fn made(wanted: &Wanted, issuer: &str, now: Timestamp) -> StoredCertificate {
    let facts = CertificateFacts {
        thumbprint: Thumbprint::of(wanted.subject.as_bytes()),
        subject: wanted.subject.clone(),
        issuer: issuer.to_owned(),
        serial_number: "00".to_owned(),
        common_names: Vec::new(),
        dns_names: wanted.names.clone(),
        not_before: now,
        not_after: now.checked_add(A_YEAR).unwrap_or(Timestamp::MAX),
        version: 3,
        self_signed: issuer == wanted.subject,
    };
    StoredCertificate {
        label: "new".to_owned(),
        facts,
        services: Services::NONE,
        private_key: PrivateKey::Present,
        chain: ChainStatus::Valid,
        material: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alternative_takes_the_place_of_the_command_above_it() {
        let commands = ["Import-A", "# or, where it is here:", "certutil", "Enable-B"].map(str::to_owned);
        assert_eq!(
            scripts(&commands),
            ["Import-A\n# or, where it is here:\nEnable-B", "# or, where it is here:\ncertutil\nEnable-B"]
        );
    }
}

//! The Exchange Management Shell of a lab. It runs commands one after the other, with the certificates of the
//! lab file's certificate files and with prepared answers to the questions that the commands ask.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::build::stand_in;
use super::issuer::{Issuer, Keys};
use super::repair::{AnswerSpec, CertificateChange, CommandsSpec};
use super::spec::{CertificateFileSpec, Scenario};
use crate::exchange::cmdlet::{
    Answer, CausedEvent, CertificateError, CertificateRequest, CertificateSource, CmdletError, LoggedEvent,
    MailQueue, Prompt, Shell, ShellHost, ShellState,
};
use crate::exchange::{CertificateStore, ChainStatus, Computer, PrivateKey, Services, StoredCertificate};
use crate::pki::{KeyAlgorithm, KeyPair, PkiError};

/// The Exchange Management Shell of a lab, with everything that its commands need.
pub struct LabShell<'a> {
    /// The lab file, whose certificate files can be imported.
    pub scenario: &'a Scenario,
    /// The issuer of the lab's certificates.
    pub issuer: &'a mut Issuer,
    /// The source of the certificates' keys.
    pub keys: Keys<'a>,
    /// The current time.
    pub now: Timestamp,
    /// The contents of the Application logs.
    pub events: &'a [LoggedEvent],
    /// The contents of the queues.
    pub queues: &'a [MailQueue],
    /// The state that earlier commands left behind.
    pub state: ShellState,
    /// The certificates of a run of the same commands that stopped at a question; they are used again, because
    /// the question names them.
    pub made: MadeCertificates,
}

/// Certificates that were made for commands, in their order.
pub type MadeCertificates = Vec<(CertificateRequest, StoredCertificate)>;

/// The result of commands.
#[derive(Clone, Debug)]
pub struct ShellRun {
    /// All computers after the commands.
    pub computers: Vec<Arc<Computer>>,
    /// The output on the screens.
    pub screen: String,
    /// The Shell's refusal. The lines before the one that was refused have taken effect; the lines after it
    /// were not run.
    pub refused: Option<String>,
    /// The error of the line that was refused; `None` where the refusal is not the Shell's.
    pub error: Option<CmdletError>,
    /// The state for the next commands.
    pub state: ShellState,
    /// The events that the commands caused servers to log.
    pub logged: Vec<CausedEvent>,
    /// The certificates that were made for the commands.
    pub made: MadeCertificates,
}

impl LabShell<'_> {
    /// Runs all commands, each on its computer, up to the first line that is refused.
    pub fn run_all(self, commands: &[CommandsSpec], computers: &[Arc<Computer>]) -> ShellRun {
        let mut done = ShellRun {
            computers: computers.to_vec(),
            screen: String::new(),
            refused: None,
            error: None,
            state: self.state,
            logged: Vec::new(),
            made: Vec::new(),
        };
        let mut again = VecDeque::from(self.made);
        for CommandsSpec { on, run, answers, certificate } in commands {
            happen(certificate, &mut done.computers, computers, self.issuer, self.keys);
            let shell = Shell {
                computers: &done.computers,
                here: on,
                now: self.now,
                events: self.events,
                queues: self.queues,
                state: done.state.clone(),
            };
            let answers = answers.iter().map(|answer| match answer {
                AnswerSpec::Yes => Answer::Yes,
                AnswerSpec::No => Answer::No,
            });
            let mut host = LabHost {
                scenario: self.scenario,
                issuer: self.issuer,
                keys: self.keys,
                now: self.now,
                answers: answers.collect(),
                again: std::mem::take(&mut again),
                made: Vec::new(),
            };
            let outcome = shell.run(run, &mut host);
            let unasked = host.answers.len();
            again = host.again;
            done.made.extend(host.made);
            if outcome.error.is_none() && unasked > 0 {
                // A mistake in the list of answers is no refusal of the Shell: nothing of the run counts.
                done.refused = Some(format!("{unasked} of the answers belong to no question: nothing asked"));
                break;
            }
            done.screen.push_str(&outcome.screen());
            done.logged.extend(outcome.logged);
            (done.computers, done.state) = (outcome.computers, outcome.state);
            done.refused = outcome.error.as_ref().map(ToString::to_string);
            done.error = outcome.error;
            if done.refused.is_some() {
                break;
            }
        }
        done
    }
}

/// Makes the changes of certificates that no cmdlet makes; `first` are the computers in the beginning.
fn happen(
    changes: &BTreeMap<String, CertificateChange>,
    computers: &mut [Arc<Computer>],
    first: &[Arc<Computer>],
    issuer: &mut Issuer,
    keys: Keys<'_>,
) {
    for (name, change) in changes {
        let (server, label) = match name.split_once('\\') {
            Some((server, label)) => (Some(server), label),
            None => (None, name.as_str()),
        };
        let wanted = |computer: &Computer| server.is_none_or(|name| computer.name.eq_ignore_ascii_case(name));
        for computer in computers.iter_mut().filter(|computer| wanted(computer)) {
            let called = |stored: &&StoredCertificate| stored.label.eq_ignore_ascii_case(label);
            let before = first.iter().find(|it| it.name == computer.name);
            let before = before.and_then(|it| it.store.iter().find(called).cloned());
            if before.is_some() || computer.store.iter().any(|stored| called(&stored)) {
                let computer = Arc::make_mut(computer);
                computer.store = changed(&computer.store, label, before, change);
                stand_in(computer, issuer, keys).ok();
            }
        }
    }
}

/// Returns a store after a change of the certificate of this label, which was `before` in the beginning.
fn changed(
    store: &CertificateStore,
    label: &str,
    before: Option<StoredCertificate>,
    change: &CertificateChange,
) -> CertificateStore {
    let mut changed = CertificateStore::default();
    let is = |stored: &StoredCertificate| stored.label.eq_ignore_ascii_case(label);
    let there = store.iter().any(is);
    let back = before.filter(|_| change.in_store == Some(true) && !there);
    for stored in store.iter().cloned().chain(back) {
        if !is(&stored) {
            changed.add(stored);
        } else if change.in_store != Some(false) {
            changed.add(StoredCertificate {
                private_key: change.private_key.unwrap_or(stored.private_key),
                chain: change.chain.unwrap_or(stored.chain),
                services: change.services.unwrap_or(stored.services),
                ..stored
            });
        }
    }
    changed
}

/// The resources that the Shell of a lab gets from outside: certificates, and answers in their order.
struct LabHost<'a, 'k> {
    scenario: &'a Scenario,
    issuer: &'a mut Issuer,
    keys: &'a mut (dyn FnMut(KeyAlgorithm) -> Result<KeyPair, PkiError> + 'k),
    now: Timestamp,
    answers: VecDeque<Answer>,
    /// The certificates of a run of the same commands.
    again: VecDeque<(CertificateRequest, StoredCertificate)>,
    made: MadeCertificates,
}

impl ShellHost for LabHost<'_, '_> {
    fn certificate(&mut self, request: &CertificateRequest) -> Result<StoredCertificate, CertificateError> {
        let known = self.again.pop_front().filter(|(of, _)| of == request);
        let stored = match known {
            Some((_, stored)) => stored,
            None => self.made_for(request)?,
        };
        self.made.push((request.clone(), stored.clone()));
        Ok(stored)
    }

    fn answer(&mut self, _: &Prompt) -> Option<Answer> {
        self.answers.pop_front()
    }
}

impl LabHost<'_, '_> {
    fn made_for(&mut self, request: &CertificateRequest) -> Result<StoredCertificate, CertificateError> {
        let computer = &request.computer;
        let (wanted, self_signed) = match &request.source {
            CertificateSource::File { file, .. } => return self.file(computer, file),
            CertificateSource::Authority { file, .. } if self.scenario.certificate_file(file).is_some() => {
                return self.file(computer, file);
            }
            CertificateSource::Authority { wanted, .. } => (wanted, false),
            CertificateSource::SelfSigned(wanted) => (wanted, true),
        };
        let (facts, material) = self.issuer.wanted(computer, wanted, self_signed, self.now, self.keys)?;
        let label = facts.common_names.first().unwrap_or(&facts.subject).clone();
        Ok(StoredCertificate {
            label,
            facts,
            services: Services::NONE,
            private_key: PrivateKey::Present,
            chain: ChainStatus::Valid,
            material: Some(material),
        })
    }

    fn file(&mut self, computer: &str, path: &str) -> Result<StoredCertificate, CertificateError> {
        let Some(CertificateFileSpec { of, certificate, .. }) = self.scenario.certificate_file(path) else {
            let known = self.scenario.certificate_file.iter().map(|file| file.path.clone()).collect();
            return Err(CertificateError::NoFile { file: path.to_owned(), known });
        };
        let (owner, spec) = match (of, certificate) {
            (Some(label), _) => {
                let computer =
                    self.scenario.computer.iter().find(|it| it.name.eq_ignore_ascii_case(computer));
                let spec = computer.and_then(|it| Some((it, it.certificate_called(label)?)));
                let found = spec.map(|(it, spec)| (it.name.as_str(), spec));
                found.ok_or_else(|| CertificateError::OtherComputer(path.to_owned()))?
            }
            (None, Some(spec)) => (path, spec),
            (None, None) => return Err(CertificateError::EmptyFile(path.to_owned())),
        };
        let issued = self.issuer.certificate(owner, spec, self.keys);
        let (facts, material) = issued.map_err(|refused| CertificateError::Specification(refused.message))?;
        let label = spec.label.clone().or_else(|| facts.common_names.first().cloned());
        Ok(StoredCertificate {
            label: label.unwrap_or_else(|| facts.subject.clone()),
            facts,
            services: Services::NONE,
            private_key: if of.is_some() { PrivateKey::Present } else { spec.private_key },
            chain: spec.chain,
            material: Some(material),
        })
    }
}

//! A Shell on a built-in story, and an outside that issues on paper and answers as it is told.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use starttls_lab::internal::exchange::cmdlet::{
    Answer, CertificateError, CertificateRequest, CertificateSource, CmdletError, Entry, LoggedEvent,
    Outcome, Output, Prompt, Question, Shell, ShellHost, ShellState,
};
use starttls_lab::internal::exchange::{
    CertificateFacts, ChainStatus, Computer, PrivateKey, ReceiveConnector, Selection, Services,
    StoredCertificate, select_for,
};
use starttls_lab::internal::pki::{KeyAlgorithm, KeyPair, Thumbprint};
use starttls_lab::internal::scenario::{Issuer, ScenarioText, scenario};

pub(crate) fn now() -> Timestamp {
    "2010-09-28T09:35:58Z".parse().unwrap()
}

pub(crate) fn computers(name: &str) -> Vec<Arc<Computer>> {
    built(scenario(name).unwrap().text, name)
}

/// The computers of a lab file.
pub(crate) fn built(text: &str, name: &str) -> Vec<Arc<Computer>> {
    let key = KeyPair::generate(KeyAlgorithm::default()).unwrap();
    let mut keys = move |_| Ok(key.clone());
    let mut issuer = Issuer::open(now(), &mut keys).unwrap();
    let text = ScenarioText::parse(text, name).unwrap();
    let built = text.build(&mut issuer, &mut keys).unwrap_or_else(|error| panic!("{error}"));
    built.into_iter().map(|built| built.computer).collect()
}

/// What stood on the screen, by kind.
pub(crate) trait Screen {
    /// The output of the statements.
    fn output(&self) -> Vec<&Output>;
    /// The warnings.
    fn warnings(&self) -> Vec<&str>;
    /// The questions that were asked, and the answers.
    fn answered(&self) -> Vec<(&Prompt, Answer)>;
}

impl Screen for Outcome {
    fn output(&self) -> Vec<&Output> {
        let output = self.transcript.iter().filter_map(|entry| match entry {
            Entry::Output(output) => Some(output),
            Entry::Warning(_) | Entry::Question { .. } => None,
        });
        output.collect()
    }

    fn warnings(&self) -> Vec<&str> {
        let warnings = self.transcript.iter().filter_map(|entry| match entry {
            Entry::Warning(warning) => Some(warning.as_str()),
            Entry::Output(_) | Entry::Question { .. } => None,
        });
        warnings.collect()
    }

    fn answered(&self) -> Vec<(&Prompt, Answer)> {
        let answered = self.transcript.iter().filter_map(|entry| match entry {
            Entry::Question { prompt, answer } => Some((prompt, *answer)),
            Entry::Output(_) | Entry::Warning(_) => None,
        });
        answered.collect()
    }
}

/// A Shell that goes on from script to script.
pub(crate) struct World {
    pub(crate) computers: Vec<Arc<Computer>>,
    pub(crate) here: String,
    pub(crate) events: Vec<LoggedEvent>,
    pub(crate) state: ShellState,
    /// The answer about the default SMTP certificate; none given, nobody is there.
    pub(crate) overwrite: Option<Answer>,
    /// The answer about removing.
    pub(crate) remove: Option<Answer>,
    pub(crate) requests: Vec<CertificateRequest>,
    /// What is handed in for every request, where it is not made up.
    pub(crate) certificate: Option<StoredCertificate>,
}

impl World {
    /// On the first computer of a story.
    pub(crate) fn of(story: &str) -> Self {
        Self::on(computers(story), 0)
    }

    pub(crate) fn on(computers: Vec<Arc<Computer>>, here: usize) -> Self {
        let here = computers[here].name.clone();
        let (events, state, requests) = (Vec::new(), ShellState::default(), Vec::new());
        let (overwrite, remove, certificate) = (None, Some(Answer::Yes), None);
        Self { computers, here, events, state, overwrite, remove, requests, certificate }
    }

    /// Runs a script and keeps what it did.
    pub(crate) fn run(&mut self, script: &str) -> Result<Outcome, CmdletError> {
        let (computers, here, events) = (self.computers.clone(), self.here.clone(), self.events.clone());
        let state = self.state.clone();
        let shell =
            Shell { computers: &computers, here: &here, now: now(), events: &events, queues: &[], state };
        let outcome = shell.run(script, self);
        self.computers.clone_from(&outcome.computers);
        self.state.clone_from(&outcome.state);
        match outcome.error {
            None => Ok(outcome),
            Some(error) => Err(error),
        }
    }

    /// What stands on the screen after a script that has to succeed.
    pub(crate) fn screen(&mut self, script: &str) -> String {
        self.run(script).unwrap_or_else(|error| panic!("{error}")).screen()
    }

    /// The words with which a script is refused; nothing has changed.
    pub(crate) fn refusal(&mut self, script: &str) -> CmdletError {
        let before = self.computers.clone();
        let error = self.run(script).map(|outcome| outcome.screen()).unwrap_err();
        assert!(before.iter().zip(&self.computers).all(|(old, new)| Arc::ptr_eq(old, new)), "{script}");
        error
    }

    /// The Shell goes on on another computer.
    pub(crate) fn moved_to(&mut self, here: &str) -> &mut Self {
        here.clone_into(&mut self.here);
        self
    }

    /// The computer of this name.
    pub(crate) fn called(&self, name: &str) -> &Computer {
        self.computers.iter().find(|computer| computer.name == name).unwrap()
    }

    /// The computer of the Shell.
    pub(crate) fn computer(&self) -> &Computer {
        self.called(&self.here)
    }

    pub(crate) fn connector(&self) -> &ReceiveConnector {
        &self.computer().receive_connectors[0]
    }

    pub(crate) fn selection(&self) -> Selection {
        select_for(self.connector(), self.computer(), now())
    }

    /// What the lab calls the certificate that the first connector offers STARTTLS with.
    pub(crate) fn offered(&self) -> Option<String> {
        let offered = self.selection().offered()?;
        self.computer().store.find(offered.thumbprint).map(|stored| stored.label.clone())
    }

    pub(crate) fn stored(&self, label: &str) -> &StoredCertificate {
        self.computer().store.iter().find(|stored| stored.label == label).unwrap()
    }

    pub(crate) fn thumbprint(&self, label: &str) -> Thumbprint {
        self.stored(label).facts.thumbprint
    }
}

impl ShellHost for World {
    fn certificate(&mut self, request: &CertificateRequest) -> Result<StoredCertificate, CertificateError> {
        self.requests.push(request.clone());
        if let Some(certificate) = &self.certificate {
            return Ok(certificate.clone());
        }
        let (wanted, issuer) = match &request.source {
            CertificateSource::SelfSigned(wanted) => (wanted, wanted.subject.as_str()),
            CertificateSource::Authority { wanted, .. } => (wanted, "CN=Authority"),
            CertificateSource::File { file, .. } => {
                return Err(CertificateError::NoStandIn(file.clone()));
            }
        };
        Ok(on_paper(&wanted.subject, issuer, &wanted.names))
    }

    fn answer(&mut self, prompt: &Prompt) -> Option<Answer> {
        match prompt.question {
            Question::OverwriteDefaultSmtpCertificate => self.overwrite,
            Question::Remove => self.remove,
        }
    }
}

/// A certificate without anything to serve it.
pub(crate) fn on_paper(subject: &str, issuer: &str, names: &[String]) -> StoredCertificate {
    let facts = CertificateFacts {
        thumbprint: Thumbprint::of(format!("{subject} {issuer} {names:?}").as_bytes()),
        subject: subject.to_owned(),
        issuer: issuer.to_owned(),
        serial_number: "0A0B".to_owned(),
        common_names: vec![subject.trim_start_matches("CN=").to_owned()],
        dns_names: names.to_vec(),
        not_before: now(),
        not_after: now() + SignedDuration::from_hours(365 * 24),
        version: 3,
        self_signed: subject == issuer,
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

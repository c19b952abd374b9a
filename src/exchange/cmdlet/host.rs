//! The interface of a Shell to the outside of the model: certificates made for it, answers, logs and queues.

use jiff::Timestamp;

use crate::exchange::{Event, Services, StoredCertificate};
use crate::pki::PkiError;

/// The world around a Shell. This layer makes no keys and asks nobody: the host of the Shell does.
pub trait ShellHost {
    /// The certificate that a cmdlet asks for. What it is enabled for is the cmdlet's business and set
    /// by it afterwards.
    ///
    /// # Errors
    ///
    /// Why there is none; the cmdlet then fails with these words.
    fn certificate(&mut self, request: &CertificateRequest) -> Result<StoredCertificate, CertificateError>;

    /// The answer to a question; `None` where nobody is there to give one, and the script then stops
    /// with [`ErrorKind::Asked`](super::ErrorKind::Asked) and can be run again with an answer.
    fn answer(&mut self, prompt: &Prompt) -> Option<Answer>;

    /// Retries the messages of a queue at once. Returns whether there are such queues.
    fn retry(&mut self, _queue: &MailQueue) -> bool {
        false
    }
}

/// The reason why a host has no certificate for a cmdlet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The command names a file that does not exist.
    #[error("there is no file {file}; the lab file's [[certificate_file]] has {}", listed(.known))]
    NoFile {
        /// The file, as it was typed.
        file: String,
        /// The files that exist.
        known: Vec<String>,
    },
    /// The command names a file for another computer.
    #[error("{0} holds a certificate of another computer")]
    OtherComputer(String),
    /// The lab file leaves the file empty.
    #[error("there is nothing in {0}")]
    EmptyFile(String),
    /// The lab file's certificate cannot be issued.
    #[error("{0}")]
    Specification(String),
    /// A certificate or a key could not be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The host has nothing in place of the file.
    #[error("nothing stands in for {0}")]
    NoStandIn(String),
    /// The host issues nothing.
    #[error("no certificates are issued here")]
    NothingIssued,
    /// The certificate of a renewal is in the store already.
    #[error("a renewal brings its certificate along")]
    RenewalBringsIt,
}

fn listed(files: &[String]) -> String {
    if files.is_empty() { "none".to_owned() } else { files.join(", ") }
}

/// A certificate that a cmdlet wants for a computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The computer whose store it goes to.
    pub computer: String,
    /// The source of the certificate.
    pub source: CertificateSource,
}

/// The sources of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// `New-ExchangeCertificate`: the server makes and signs it.
    SelfSigned(Wanted),
    /// `Import-ExchangeCertificate` with the answer of an authority to a request made with
    /// `New-ExchangeCertificate -GenerateRequest`.
    Authority {
        /// The content that was requested.
        wanted: Wanted,
        /// The file with the answer, as it was typed.
        file: String,
    },
    /// `Import-ExchangeCertificate` of a certificate that was not requested here.
    File {
        /// The file, as it was typed.
        file: String,
        /// True if a password was given, which a file with a key needs.
        password: bool,
    },
}

/// The requested content of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The subject as Windows writes it.
    pub subject: String,
    /// The DNS names among the subject alternative names.
    pub names: Vec<String>,
    /// The services it will be enabled for.
    pub services: Services,
    /// `KeySize`; 2048 where it was not given.
    pub key_size: u16,
    /// `FriendlyName`.
    pub friendly_name: String,
}

/// A question that a cmdlet asks before it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The subject of the question.
    pub question: Question,
    /// The question as it stands on the screen.
    pub text: String,
}

/// The subjects of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// "Overwrite the existing default SMTP certificate?": Yes makes the certificate the internal
    /// transport certificate; for STARTTLS No is enough.
    OverwriteDefaultSmtpCertificate,
    /// The removal of something.
    Remove,
}

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `Y`, which is what Enter means.
    Yes,
    /// `N`.
    No,
}

/// A host that issues nothing and answers nothing: enough for cmdlets that only look.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl ShellHost for Nobody {
    fn certificate(&mut self, _: &CertificateRequest) -> Result<StoredCertificate, CertificateError> {
        Err(CertificateError::NothingIssued)
    }

    fn answer(&mut self, _: &Prompt) -> Option<Answer> {
        None
    }
}

/// An event in a computer's Application log, for `Get-EventLog` and `Get-WinEvent`.
#[derive(Clone, Debug)]
pub struct LoggedEvent {
    /// Its number in the log.
    pub index: u64,
    /// When it was logged.
    pub time: Timestamp,
    /// The computer as the log shows it ([`Computer::event_log_name`](crate::exchange::Computer::event_log_name)).
    pub computer: String,
    /// `MSExchangeTransport`, `MSExchangeFrontEndTransport` or `MSExchange EdgeSync`.
    pub source: String,
    /// The event.
    pub event: Event,
}

/// An event that a cmdlet had a service log; [`Outcome::logged`](super::Outcome::logged) hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CausedEvent {
    /// The name of the computer in whose Application log it belongs.
    pub computer: String,
    /// The event.
    pub event: Event,
}

/// A queue of a computer with messages in it, for `Get-Queue` and `Retry-Queue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailQueue {
    /// The name of the computer.
    pub computer: String,
    /// The domain or smart host that the messages go to.
    pub next_hop: String,
    /// The number of messages that wait.
    pub messages: usize,
    /// When they are tried again, where an attempt has failed.
    pub next_retry: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

//! What can be wrong with a lab in a test, and what would be right.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::lab;
use crate::name::NotAnFqdn;
use crate::scenario::ScenarioError;
use crate::tls::TlsSetupError;

/// Why a lab did not start, or could not be changed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// No built-in story has this name.
    #[error("there is no story `{name}`; {}", match nearest { 
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "`starttls-lab list` and `starttls_lab::scenario::STORIES` have them all".to_owned(),
    })]
    Story {
        /// The name that was asked for.
        name: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The lab file could not be read.
    #[error("cannot read the lab file {}: {error}", path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// A connector without a file was given a name that is none.
    #[error(transparent)]
    Name(#[from] NotAnFqdn),
    /// What the lab was told to be is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The lab could not be started or changed.
    #[error(transparent)]
    Engine(#[from] lab::LabError),
    /// A client for the lab could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The machine has no thread or no event queue left.
    #[error("the lab has no thread to run on: {0}")]
    Thread(io::Error),
    /// The lab's thread has ended, because something in it panicked.
    #[error("the lab's thread has ended; what it said before is on standard error")]
    Ended,
}

/// What the Exchange Management Shell refused. What stands before the line that was refused is done and stays done.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct CmdletRefused {
    /// Why, with what would be right where that is known.
    pub why: String,
    /// What had been on the screen until then.
    pub screen: String,
}

/// A connector was asked for that is not there, or by a name that several have.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnknownConnector {
    /// The name that was asked for; `None` for the only connector.
    pub asked: Option<String>,
    /// Those that listen and that the name fits, or all, as `SERVER\Name (FQDN)`.
    pub known: Vec<String>,
    /// How many the name fits.
    pub fit: usize,
}

impl fmt::Display for UnknownConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = match &self.known[..] {
            [] => "no connector listens".to_owned(),
            known => known.join(", "),
        };
        match (&self.asked, self.fit) {
            (Some(asked), 0) => write!(f, "there is no connector `{asked}`; there are: {known}"),
            (Some(asked), fit) => write!(f, "`{asked}` may be any of {fit} connectors: {known}"),
            (None, 0) => write!(f, "the lab has no connector"),
            (None, fit) => write!(f, "the lab has {fit} connectors, so say which: {known}"),
        }
    }
}

/// Nothing that fits was seen in time; its text shows what was, newest first, and how it missed.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {wanted} within {within:?}; {instead}")]
pub struct WaitError {
    /// What was waited for, in words, such as `message to you@expta.com`.
    pub wanted: String,
    /// How long it was waited for.
    pub within: Duration,
    /// What there was instead.
    pub instead: String,
}

/// In a test an error is mostly met by `unwrap`, which shows it as `Debug` does; so that is the text, too.
macro_rules! debug_is_the_text {
    ($($error:ty),*) => {$(
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_is_the_text!(LabError, CmdletRefused, UnknownConnector, WaitError);

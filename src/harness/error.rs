//! The errors of a lab in a test, each with what would be right.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::lab;
use crate::name::NotAnFqdn;
use crate::scenario::ScenarioError;
use crate::tls::TlsSetupError;

/// The reason why a lab did not start, or could not be changed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// No built-in scenario has this name.
    #[error("there is no scenario `{name}`; {}", match nearest { 
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "`starttls-lab list` and `starttls_lab::scenario::SCENARIOS` have them all".to_owned(),
    })]
    BuiltIn {
        /// The name that was asked for.
        name: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The lab file could not be read.
    #[error("cannot read the lab file {}: {error}", path.display())]
    File {
        /// The path where it should be.
        path: PathBuf,
        /// The operating system's error.
        error: io::Error,
    },
    /// A connector without a file was given an invalid name.
    #[error(transparent)]
    Name(#[from] NotAnFqdn),
    /// The scenario is wrong.
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

/// An error of the Exchange Management Shell. Commands before the refused line have been carried out and are
/// not undone.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct CmdletRefused {
    /// The reason, with what would be right if that is known.
    pub why: String,
    /// The text on the screen until then.
    pub screen: String,
}

/// An error: a connector was asked for that does not exist, or by a name that several have.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct UnknownConnector {
    /// The name that was asked for; `None` for the only connector.
    pub asked: Option<String>,
    /// Those that listen and that the name fits, or all, as `SERVER\Name (FQDN)`.
    pub known: Vec<String>,
    /// The number of connectors that the name fits.
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

/// The error of a wait that timed out. Its text lists what arrived, newest first, and why it did not match.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {wanted} within {within:?}; {instead}")]
pub struct WaitError {
    /// The condition of the wait, in words, such as `message to you@expta.com`.
    pub wanted: String,
    /// The duration of the wait.
    pub within: Duration,
    /// A list of what there was instead.
    pub instead: String,
}

/// Implements `Debug` as the error's text, because a test mostly shows an error by `unwrap`, which prints
/// `Debug`.
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

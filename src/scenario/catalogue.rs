//! The built-in scenarios: the files of `lab/`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{ScenarioError, ScenarioText};

/// A built-in scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// The scenario's name: its file name without the extension.
    pub name: &'static str,
    /// The scenario's lab file.
    pub text: &'static str,
}

impl BuiltIn {
    /// Returns the scenario. The file is read once, however often a process starts it.
    ///
    /// # Errors
    ///
    /// Describes what is wrong with the file, with line and caret.
    pub fn read(&self) -> Result<ScenarioText, ScenarioError> {
        static READ: Mutex<BTreeMap<&'static str, ScenarioText>> = Mutex::new(BTreeMap::new());
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(self.name) {
            return Ok(known.clone());
        }
        let text = ScenarioText::parse(self.text, self.name)?;
        read.insert(self.name, text.clone());
        Ok(text)
    }
}

macro_rules! scenarios {
    ($($name:literal),* $(,)?) => {
        /// Every built-in scenario, the seed first.
        pub const SCENARIOS: &[BuiltIn] = &[
            $(BuiltIn { name: $name, text: include_str!(concat!("../../lab/", $name, ".toml")) }),*
        ];
    };
}

scenarios! {
    "fqdn-mismatch",
    "healthy",
    "no-certificate",
    "smtp-not-assigned",
    "smtp-not-assigned-chosen",
    "smtp-not-assigned-pinned",
    "smtp-not-assigned-outbound",
    "private-key-missing",
    "private-key-unreadable",
    "private-key-outbound",
    "fqdn-blank",
    "fqdn-blank-matches",
    "fqdn-guarded",
    "fqdn-guarded-2007",
    "tls-not-in-authmechanism",
    "tls-not-in-authmechanism-beside-587",
    "expired-withheld",
    "expired-offered",
    "expired-self-signed",
    "not-yet-valid",
    "not-yet-valid-offered",
    "expiring-soon",
    "chain-revoked",
    "chain-untrusted-passed-over",
    "chain-untrusted-withheld",
    "wildcard",
    "wildcard-two-labels",
    "common-name-only",
    "name-not-first",
    "several-candidates",
    "several-candidates-longest",
    "pin-matches",
    "pin-stale",
    "pin-stale-outbound",
    "self-signed-presented",
    "require-tls",
    "require-tls-withheld",
    "two-connectors-one-port",
    "relay-internal-fqdn",
    "submission-beside-25",
    "submission-without-tls",
    "internal-certificate-gone",
    "edgesync-fqdn-mismatch",
    "edgesync-hub-name-in-edge-store",
    "internal-certificate-expired",
    "internal-certificate-not-published",
    "internal-certificate-overwritten",
}

/// Returns the scenario called `name`.
pub fn scenario(name: &str) -> Option<&'static BuiltIn> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

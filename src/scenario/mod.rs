//! A whole lab as a file, and the built-in ones. A file is read ([`ScenarioText::parse`]), then resolved
//! ([`ScenarioText::resolve`]), then built ([`Resolved::build`]).

mod authorities;
mod build;
mod catalogue;
mod certificate_spec;
mod check;
mod ending;
mod entries;
mod entry;
mod expect;
mod faults;
mod issuer;
mod locate;
mod lookup;
mod names;
mod no_answer;
mod out_of_reach;
mod proof;
mod recent;
mod repair;
mod resolve;
mod route;
mod senders;
mod shell;
mod spec;
mod time_spec;
mod tried;

pub use build::{Built, issue};
pub use catalogue::{BuiltIn, SCENARIOS, scenario};
pub use certificate_spec::{CertificateSpec, ChainSent, IntermediateSpec, RootSpec};
pub use ending::{Achieved, Ending, EndingError};
pub use entries::{CatalogueEntry, ENTRIES, Group, entry};
pub use entry::{Acceptance, EntrySpec, ServerTrust};
pub use expect::{
    ABSENT, Aspect, Expectations, ExpectedComputer, ExpectedReceiveConnector, ExpectedSendConnector, NONE,
    Observation, Subject, Value,
};
pub use faults::resolve_faults;
pub use issuer::{Issuer, Keys, ROOT_SUBJECT, RevocationList};
pub use locate::ScenarioError;
pub use lookup::{NoSuchEntry, built_in, chosen, suggest_built_in};
pub use no_answer::NoAnswer;
pub use proof::{Played, Proof, ProvedStage, Regression, Row};
pub use repair::{
    AnswerSpec, CertificateChange, CommandsSpec, LogonSpec, RepairSpec, SenderChange, SenderSpec, Stage,
};
pub use resolve::{Resolved, receive_connector};
pub use route::{Answering, DeliveryRoute, Destination, MOST_ATTEMPTS, Round, next_attempt};
pub use senders::{Sender, SenderKind};
pub use shell::{LabShell, MadeCertificates, ShellRun};
pub use spec::{CertificateFileSpec, ClientSettingsSpec, ComputerSpec, Scenario};
pub use time_spec::{TimeSpec, TimeSpecError};
pub use tried::{ChangeKind, Compared, Tried};

use crate::exchange::Zone;
use crate::nearest::nearest;
use locate::span_of;

/// A scenario with the text it was read from, so that errors can be shown at their position.
#[derive(Clone, Debug)]
pub struct ScenarioText {
    /// The scenario that the text describes.
    pub scenario: Scenario,
    origin: String,
    text: String,
}

impl ScenarioText {
    /// Reads a lab file: JSON if it begins with a brace, else TOML. `origin` is its name in errors.
    ///
    /// # Errors
    ///
    /// Describes what is wrong, with line and caret.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ScenarioError> {
        let scenario = match text.trim_start().starts_with('{') {
            true => from_json(text, origin)?,
            false => from_toml(text, origin)?,
        };
        Ok(Self { scenario, origin: origin.to_owned(), text: text.to_owned() })
    }

    /// Returns whether it was read from a text, so that an error can be shown in its place.
    pub(super) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// Wraps a scenario that does not come from a file.
    pub fn without_text(scenario: Scenario, origin: &str) -> Self {
        Self { scenario, origin: origin.to_owned(), text: String::new() }
    }

    /// Returns the name of the lab file in errors.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Looks up every name in the scenario and checks it for contradictions.
    ///
    /// # Errors
    ///
    /// Describes the first thing that is wrong, with line and caret.
    pub fn resolve(&self) -> Result<Resolved<'_>, ScenarioError> {
        resolve::resolve(self).map_err(|wrong| self.error(wrong))
    }

    /// Resolves the scenario and builds its computers, with certificates from `issuer`.
    ///
    /// # Errors
    ///
    /// Describes the first thing that is wrong, with line and caret. Nothing is left half built.
    pub fn build(&self, issuer: &mut Issuer, keys: Keys<'_>) -> Result<Vec<Built>, ScenarioError> {
        self.resolve()?.build(issuer, keys)
    }

    /// Returns the lab's name service.
    pub fn zone(&self) -> Zone {
        resolve::zone(&self.scenario)
    }

    fn error(&self, wrong: resolve::Wrong) -> ScenarioError {
        match span_of(&self.text, &wrong.path) {
            Some(span) if !self.text.is_empty() => {
                ScenarioError::at(&self.origin, &self.text, &span, wrong.message)
            }
            _ => ScenarioError::whole(&self.origin, wrong.message),
        }
    }
}

fn from_toml(text: &str, origin: &str) -> Result<Scenario, ScenarioError> {
    toml::from_str(text).map_err(|error| {
        let message = advise(error.message());
        match error.span() {
            Some(span) => ScenarioError::at(origin, text, &span, message),
            None => ScenarioError::whole(origin, message),
        }
    })
}

fn from_json(text: &str, origin: &str) -> Result<Scenario, ScenarioError> {
    serde_json::from_str(text).map_err(|error| {
        let line_start: usize =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = line_start + error.column().saturating_sub(1);
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        ScenarioError::at(origin, text, &(at..at + 1), advise(message))
    })
}

/// Rephrases serde's "unknown field `x`, expected one of ..." so that it suggests the field that was probably
/// meant.
fn advise(message: &str) -> String {
    let kinds = [("unknown field `", "key"), ("unknown variant `", "value")];
    let found = kinds.into_iter().find_map(|(start, kind)| {
        let (wrong, rest) = message.strip_prefix(start)?.split_once('`')?;
        Some((kind, wrong, rest))
    });
    let Some((kind, wrong, rest)) = found else {
        return message.to_owned();
    };
    if let Some(why) = out_of_reach::out_of_reach(wrong) {
        return why;
    }
    let known = || rest.split('`').skip(1).step_by(2);
    let all = known().collect::<Vec<_>>().join(", ");
    match (nearest(wrong, known()), kind) {
        (Some(name), "key") => format!("unknown key `{wrong}`; did you mean `{name}`?"),
        (Some(name), _) => format!("unknown value `{wrong}`; did you mean `{name}`? There are {all}"),
        (None, _) => format!("unknown {kind} `{wrong}`; known here: {all}"),
    }
}

//! Identifies inputs and what can be done with them.

use jiff::Timestamp;

use super::explain::{self, Explanation};
use super::organization::{self, ImportError, Imported};
use super::question::{AnswerError, Answers};
use super::read::{self, Input, Pieces};
use super::record::Kind;
use crate::scenario::ScenarioText;

/// The result of recognizing a list of inputs.
#[derive(Debug)]
pub struct Recognized {
    /// Each input with its contents, such as `event.txt: event 12014`.
    pub described: Vec<String>,
    /// The lab files and scenarios among them.
    pub labs: Vec<ScenarioText>,
    /// The reason why a text that looks like a lab file is not valid.
    pub lab_error: Option<String>,
    /// The lab that the exports make, if there are any connectors or certificates.
    pub imported: Option<Result<Imported, ImportError>>,
    /// The meaning of the events, errors and dialogues.
    pub explanation: Explanation,
    /// True if there are exports, and not only an event.
    pub has_exports: bool,
    /// The number of connectors that the exports and the events name.
    pub connectors: usize,
    /// The number of certificates in the exports.
    pub certificates: usize,
}

/// Identifies inputs: lab files, events, errors, exports, certificates, in any mixture.
pub fn recognize(inputs: &[Input], answers: &Answers, password: Option<&str>, now: Timestamp) -> Recognized {
    let mut pieces: Vec<Pieces> = inputs.iter().map(|input| read::read(input, password, true)).collect();
    let described = pieces.iter().map(|piece| format!("{}: {piece}", piece.name)).collect();
    let labs = pieces.iter_mut().filter_map(|piece| piece.lab.take()).collect();
    let lab_error = pieces.iter().find_map(|piece| piece.lab_error.clone());
    let has_exports = pieces.iter().any(Pieces::has_exports);
    let makes = has_exports || pieces.iter().any(|piece| !piece.events.is_empty());
    let imported = makes.then(|| organization::assemble(&pieces, answers, now));
    let good = imported.as_ref().and_then(|imported| imported.as_ref().ok());
    let explanation = explain::explain(&pieces, good, now);
    let count = |kind| pieces.iter().map(|piece| piece.count(kind)).sum::<usize>();
    let named = pieces.iter().flat_map(|piece| &piece.events);
    let named = named.filter(|event| event.event_id == 12014 && event.value("connector").is_some()).count();
    Recognized {
        described,
        labs,
        lab_error,
        imported,
        explanation,
        has_exports,
        connectors: count(Kind::ReceiveConnector) + count(Kind::SendConnector) + named,
        certificates: count(Kind::Certificate),
    }
}

impl Recognized {
    /// Returns what was recognized, in one line.
    pub fn first_line(&self) -> String {
        self.described.join("; ")
    }

    /// Returns the inputs in one line, with what is to be noted of them.
    pub fn first_line_and_notes(&self) -> String {
        let notes: String = self.explanation.notes.iter().map(|note| format!("; {note}")).collect();
        self.first_line() + &notes
    }

    /// Returns an answer that cannot be used, if there is one.
    pub fn wrong_answer(&self) -> Option<&AnswerError> {
        match &self.imported {
            Some(Err(ImportError::Answer(error))) => Some(error),
            Some(Ok(_) | Err(ImportError::Nothing(_))) | None => None,
        }
    }

    /// Returns whether nothing was recognized.
    pub fn is_nothing(&self) -> bool {
        self.labs.is_empty() && self.lab_error.is_none() && self.explanation.is_empty() && !self.has_exports
    }
}

//! Questions about what an export leaves open: the assumption, and the flag with which to answer.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::nearest::nearest;

/// A question that the input leaves open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The identifier in `--answer ID=VALUE`.
    pub id: String,
    /// The missing fact, and why it matters.
    pub text: String,
    /// The value that the lab assumes without an answer.
    pub assumed: String,
    /// The accepted answers; empty if any text is accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// Answers by the questions' identifiers.
pub type Answers = BTreeMap<String, String>;

/// An answer that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The text has no `=`.
    #[error("`{0}` is no answer; write --answer ID=VALUE, such as --answer dates=mdy")]
    NoValue(String),
    /// No question has this identifier.
    #[error("no question is called `{id}`{hint}")]
    Unasked {
        /// The identifier that was given.
        id: String,
        /// The identifier that was probably meant, or the list of identifiers.
        hint: String,
    },
    /// The question does not accept the value.
    #[error("--answer {id}={value}: {problem}")]
    Wrong {
        /// The question.
        id: String,
        /// The value that was given.
        value: String,
        /// A description of the accepted values.
        problem: String,
    },
}

/// Reads `ID=VALUE`.
///
/// # Errors
///
/// If there is no `=`.
pub fn answer(text: &str) -> Result<(String, String), AnswerError> {
    let (id, value) = text.split_once('=').ok_or_else(|| AnswerError::NoValue(text.to_owned()))?;
    Ok((id.trim().to_lowercase(), value.trim().to_owned()))
}

/// The answers that were given, the questions that were asked, and notes for the user.
#[derive(Debug, Default)]
pub(super) struct Questions {
    answers: Answers,
    used: Vec<String>,
    pub(super) questions: Vec<Question>,
    pub(super) notes: Vec<String>,
    /// The notes that say what of the input is not in the lab.
    pub(super) left_out: Vec<String>,
    pub(super) errors: Vec<AnswerError>,
}

impl Questions {
    pub(super) fn new(answers: &Answers) -> Self {
        Self { answers: answers.clone(), ..Self::default() }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Notes what of the input is not in the lab.
    pub(super) fn leave_out(&mut self, note: impl Into<String>) {
        let note = note.into();
        self.note(note.clone());
        if !self.left_out.contains(&note) {
            self.left_out.push(note);
        }
    }

    /// Returns the answer to a question, read by `read`; without an answer, the question is noted.
    pub(super) fn ask<T>(
        &mut self,
        question: Question,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let id = question.id.to_lowercase();
        if let Some(value) = self.answers.get(&id) {
            self.used.push(id.clone());
            match read(value) {
                Ok(value) => return Some(value),
                Err(problem) => {
                    self.errors.push(AnswerError::Wrong { id, value: value.clone(), problem });
                    return None;
                }
            }
        }
        if !self.questions.iter().any(|asked| asked.id == question.id) {
            self.questions.push(question);
        }
        None
    }

    /// Returns the answer to a question that is not worth asking, if one was given.
    pub(super) fn optional<T>(
        &mut self,
        id: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let id = id.to_lowercase();
        let value = self.answers.get(&id)?.clone();
        self.used.push(id.clone());
        match read(&value) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.errors.push(AnswerError::Wrong { id, value, problem });
                None
            }
        }
    }

    /// Returns the first answer that could not be used.
    pub(super) fn wrong_answer(&self) -> Option<AnswerError> {
        if let Some(error) = self.errors.first() {
            return Some(error.clone());
        }
        let unused = self.answers.keys().find(|id| !self.used.contains(id))?;
        let asked = || self.questions.iter().map(|question| question.id.as_str());
        let hint = match nearest(unused, asked()) {
            Some(id) => format!("; did you mean `{id}`?"),
            None if self.questions.is_empty() => "; this input leaves nothing open".to_owned(),
            None => format!("; open here: {}", asked().collect::<Vec<_>>().join(", ")),
        };
        Some(AnswerError::Unasked { id: unused.clone(), hint })
    }
}

/// Reads one of a few words.
pub(super) fn one_of<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(value));
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        format!("it is one of {}", words.join(", "))
    })
}

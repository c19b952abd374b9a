//! What an export does not say, as questions: what was assumed, and the flag that answers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::nearest::nearest;

/// A question that the input leaves open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What an answer is given to, `--answer ID=VALUE`.
    pub id: String,
    /// What is not known, and why it matters.
    pub text: String,
    /// What the lab assumes until it is told.
    pub assumed: String,
    /// The answers that are taken; empty where any text is.
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
    /// Nothing asks this.
    #[error("no question is called `{id}`{hint}")]
    Unasked {
        /// The identifier that was given.
        id: String,
        /// What was probably meant, or what there is.
        hint: String,
    },
    /// The value is not one that the question takes.
    #[error("--answer {id}={value}: {problem}")]
    Wrong {
        /// The question.
        id: String,
        /// The value that was given.
        value: String,
        /// What would be right.
        problem: String,
    },
}

/// Reads `ID=VALUE`.
///
/// # Errors
///
/// Where there is no `=`.
pub fn answer(text: &str) -> Result<(String, String), AnswerError> {
    let (id, value) = text.split_once('=').ok_or_else(|| AnswerError::NoValue(text.to_owned()))?;
    Ok((id.trim().to_lowercase(), value.trim().to_owned()))
}

/// The answers that were given, what was asked, and what is worth saying.
#[derive(Debug, Default)]
pub(super) struct Desk {
    answers: Answers,
    used: Vec<String>,
    pub(super) questions: Vec<Question>,
    pub(super) notes: Vec<String>,
    pub(super) errors: Vec<AnswerError>,
}

impl Desk {
    pub(super) fn new(answers: &Answers) -> Self {
        Self { answers: answers.clone(), ..Self::default() }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The answer to a question, read by `read`; where there is none, the question is noted.
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

    /// The answer to a question that is not worth being asked, where one was given.
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

    /// The first answer that could not be used.
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

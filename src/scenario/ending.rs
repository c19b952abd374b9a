//! The final result of a message, as lab files write it.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

use crate::session::send::{Attempt, Outcome, ResultType};

/// The final result of a message, once further attempts by its sender would change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Achieved {
    /// The message is returned to its sender.
    Bounced,
    /// The message stays in the queue.
    Deferred,
    /// The message arrives in clear.
    Clear,
    /// The message arrives over TLS.
    Tls,
    /// The message arrives over TLS, and the certificate proved what the sender demands.
    TlsAuthenticated,
}

/// The final result of a message, and the result type of RFC 8460 for what prevented TLS.
///
/// Written as `clear`, or with the result type as `deferred: starttls-not-supported`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Ending {
    /// The final result.
    pub achieved: Achieved,
    /// The result type; an expectation without one is met by any.
    pub result_type: Option<ResultType>,
}

impl Ending {
    /// Returns the result after this last attempt.
    pub fn of(attempt: &Attempt) -> Self {
        let achieved = match attempt.outcome {
            Outcome::DeliveredOverTls { authenticated: true } => Achieved::TlsAuthenticated,
            Outcome::DeliveredOverTls { authenticated: false } => Achieved::Tls,
            Outcome::DeliveredInClear => Achieved::Clear,
            Outcome::Deferred => Achieved::Deferred,
            Outcome::Bounced => Achieved::Bounced,
        };
        Self { achieved, result_type: attempt.result_type }
    }
}

impl Achieved {
    const ALL: [Self; 5] = [Self::TlsAuthenticated, Self::Tls, Self::Clear, Self::Deferred, Self::Bounced];

    /// Returns the keyword in lab files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TlsAuthenticated => "tls-authenticated",
            Self::Tls => "tls",
            Self::Clear => "clear",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
        }
    }
}

/// The reason why a text is not the final result of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndingError {
    /// There is no such result.
    #[error(
        "`{0}` is nothing that becomes of a message; there are {known}",
        known = Achieved::ALL.map(Achieved::as_str).join(", ")
    )]
    Result(String),
    /// There is no such result type.
    #[error(
        "`{0}` is no result type of RFC 8460 that the lab reports; there are {known}",
        known = ResultType::ALL.map(ResultType::as_str).join(", ")
    )]
    ResultType(String),
}

impl FromStr for Ending {
    type Err = EndingError;

    fn from_str(text: &str) -> Result<Self, EndingError> {
        let (word, because) = match text.split_once(':') {
            Some((word, because)) => (word.trim(), Some(because.trim())),
            None => (text.trim(), None),
        };
        let achieved = Achieved::ALL
            .into_iter()
            .find(|known| known.as_str() == word)
            .ok_or_else(|| EndingError::Result(word.to_owned()))?;
        let result_type = because.map(|because| {
            ResultType::ALL
                .into_iter()
                .find(|known| known.as_str() == because)
                .ok_or_else(|| EndingError::ResultType(because.to_owned()))
        });
        Ok(Self { achieved, result_type: result_type.transpose()? })
    }
}

impl TryFrom<String> for Ending {
    type Error = EndingError;

    fn try_from(text: String) -> Result<Self, EndingError> {
        text.parse()
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.achieved.as_str())?;
        match self.result_type {
            Some(word) => write!(f, ": {}", word.as_str()),
            None => Ok(()),
        }
    }
}

impl Serialize for Ending {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl JsonSchema for Ending {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ending".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let endings = Achieved::ALL.map(Achieved::as_str).join("|");
        let words = ResultType::ALL.map(ResultType::as_str).join("|");
        json_schema!({
            "type": "string",
            "description": "The final result of a message, and the result type of RFC 8460 if it matters",
            "pattern": format!("^({endings})(: *({words}))?$"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_read_as_it_is_written() {
        for text in ["clear", "tls-authenticated", "deferred: starttls-not-supported"] {
            assert_eq!(text.parse::<Ending>().unwrap().to_string(), text);
        }
        assert!("plain".parse::<Ending>().unwrap_err().to_string().contains("tls-authenticated, tls, clear"));
        assert!(
            "bounced: bad".parse::<Ending>().unwrap_err().to_string().contains("certificate-host-mismatch")
        );
    }
}

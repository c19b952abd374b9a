//! The input of a request: its body, within bounds, and the parameters of its query.

use std::borrow::Cow;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::limits::BODY;
use super::problem::Problem;
use crate::nearest::nearest;

/// The maximum length of a body, in bytes.
const LONGEST_BODY: usize = 1 << 20;

/// Reads the whole body.
pub(super) async fn bytes(body: Body) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(BODY, to_bytes(body, LONGEST_BODY)).await;
    let read =
        read.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))?;
    read.map_err(|error| {
        let too_long = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("length limit exceeded"));
        if too_long {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a body has 1 MiB at most")
        } else {
            Problem::bad(format!("the body broke off: {error}"))
        }
    })
}

/// Reads the body as text.
pub(super) async fn text(body: Body) -> Result<String, Problem> {
    let bytes = bytes(body).await?;
    String::from_utf8(bytes.into()).map_err(|error| Problem::bad(format!("the body is not UTF-8: {error}")))
}

/// Reads the body as JSON of one type.
pub(super) async fn json<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(&bytes(body).await?)
        .map_err(|error| Problem::bad(format!("the body is not JSON: {error}")))?;
    fits(value)
}

/// Converts JSON into one type.
pub(super) fn fits<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    // serde would accept an array for an object, field by field, which is never intended.
    if !value.is_object() {
        return Err(Problem::refused("the body is to be a JSON object"));
    }
    serde_json::from_value(value).map_err(|error| Problem::refused(format!("the body does not fit: {error}")))
}

/// The parameters of a query; each is known and occurs once.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query of which only `known` parameters may be there.
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if !known.contains(&name.as_str()) {
                let hint = match (nearest(&name, known.iter().copied()), known) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, []) => "none is known here".to_owned(),
                    (None, known) => format!("known here: {}", known.join(", ")),
                };
                return Err(Problem::bad(format!("there is no parameter `{name}`; {hint}")));
            }
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(Problem::bad(format!("`{name}` is there twice")));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// Returns a parameter if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that is true or false.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Problem::bad(format!("{name}=`{other}` is neither true nor false"))),
        }
    }

    /// Returns a parameter that is a number of at most `most`.
    pub(super) fn number(&self, name: &str, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if digits && number <= most => Ok(Some(number)),
            _ => Err(Problem::bad(format!("{name}=`{text}` is no number from 0 to {most}"))),
        }
    }
}

/// Decodes percent-encoding, and a plus for a blank, as forms write it.
fn decoded(text: &str) -> Result<String, Problem> {
    let text = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decoded(&text).ok_or_else(badly_encoded)
}

/// Decodes percent-encoding (RFC 3986 section 2.1); `None` where the text is not encoded like that, or not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let byte = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
                rest = behind;
                digit(high)? << 4 | digit(low)?
            }
            (b'%', _) => return None,
            (plain, _) => *plain,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

fn badly_encoded() -> Problem {
    Problem::bad("the query is not percent-encoded UTF-8 (RFC 3986 section 2.1)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let begun = tokio::time::Instant::now();
        let stalled = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        assert!(bytes(Body::from_stream(stalled)).await.is_err());
        assert_eq!(begun.elapsed(), BODY);
    }

    #[test]
    fn a_query_is_decoded_and_what_is_unknown_or_there_twice_is_refused() {
        let query = Query::read(Some("to=a%2Bb%40c&&from=x+y"), &["to", "from"]).unwrap();
        assert_eq!((query.get("to"), query.get("from")), (Some("a+b@c"), Some("x y")));
        for wrong in ["too=1", "to=1&to=2", "to=%", "to=%4", "to=%zz", "to=%ff"] {
            assert!(Query::read(Some(wrong), &["to"]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_has_digits_only_and_a_bound() {
        let number = |text: &str| Query::read(Some(&format!("n={text}")), &["n"]).unwrap().number("n", 10);
        assert_eq!(number("10").unwrap(), Some(10));
        for wrong in ["11", "-1", "%2B1", "", "x", "99999999999999999999999"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }
}

//! A selection of ordinal numbers, counted from 1.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A selection of ordinal numbers, counted from 1: `3`, `first`, `odd`, `even`, `2..` (the second and all
/// behind it), or `2..4` (the second to the fourth).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nth {
    /// The first, third, fifth and so on.
    Odd,
    /// The second, fourth and so on.
    Even,
    /// From the first number to the second, both included; without a second, all from the first on.
    Range(u64, Option<u64>),
}

impl Nth {
    /// Returns whether the selection contains `number`.
    pub fn holds(self, number: u64) -> bool {
        match self {
            Self::Odd => !number.is_multiple_of(2),
            Self::Even => number.is_multiple_of(2),
            Self::Range(first, last) => first <= number && last.is_none_or(|last| number <= last),
        }
    }
}

/// The text is no selection of ordinal numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no count; write 3, \"first\", \"odd\", \"even\", \"2..\" or \"2..4\"")]
pub struct NthError(String);

impl FromStr for Nth {
    type Err = NthError;

    fn from_str(text: &str) -> Result<Self, NthError> {
        let wrong = || NthError(text.to_owned());
        let number = |text: &str| text.trim().parse::<u64>().ok().filter(|number| *number > 0);
        match text.trim() {
            "first" => Ok(Self::Range(1, Some(1))),
            "odd" => Ok(Self::Odd),
            "even" => Ok(Self::Even),
            other => match other.split_once("..") {
                None => number(other).map(|it| Self::Range(it, Some(it))).ok_or_else(wrong),
                Some((first, "")) => number(first).map(|it| Self::Range(it, None)).ok_or_else(wrong),
                Some((first, last)) => {
                    let ends = number(first).zip(number(last)).filter(|(first, last)| first <= last);
                    ends.map(|(first, last)| Self::Range(first, Some(last))).ok_or_else(wrong)
                }
            },
        }
    }
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Odd => f.write_str("odd"),
            Self::Even => f.write_str("even"),
            Self::Range(1, Some(1)) => f.write_str("first"),
            Self::Range(first, None) => write!(f, "{first}.."),
            Self::Range(first, Some(last)) if first == last => write!(f, "{first}"),
            Self::Range(first, Some(last)) => write!(f, "{first}..{last}"),
        }
    }
}

impl Serialize for Nth {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Range(first, Some(last)) if first == last => to.serialize_u64(*first),
            _ => to.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Nth {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a count such as 3, \"first\", \"odd\", \"even\", \"2..\" or \"2..4\"")]
        enum Written {
            Number(u64),
            Text(String),
        }
        let text = match Written::deserialize(from)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Nth {
    fn schema_name() -> Cow<'static, str> {
        "Nth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A position or positions, counted from 1: 3, \"first\", \"odd\", \"even\", \"2..\" or \
                \"2..4\".",
            "oneOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^(first|odd|even|[1-9][0-9]*([.][.]([1-9][0-9]*)?)?)$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_which_it_holds() {
        let held = |text: &str| -> Vec<u64> {
            let nth: Nth = text.parse().unwrap();
            (1..=6).filter(|number| nth.holds(*number)).collect()
        };
        assert_eq!(held("first"), [1]);
        assert_eq!(held("3"), [3]);
        assert_eq!(held("odd"), [1, 3, 5]);
        assert_eq!(held("even"), [2, 4, 6]);
        assert_eq!(held("4.."), [4, 5, 6]);
        assert_eq!(held("2..4"), [2, 3, 4]);
        for wrong in ["", "0", "4..2", "..2", "last", "-1", "1.5"] {
            assert!(wrong.parse::<Nth>().unwrap_err().to_string().contains("\"2..4\""), "{wrong}");
        }
    }

    #[test]
    fn a_count_is_written_as_it_is_read() {
        for text in ["first", "odd", "even", "4..", "2..4", "7"] {
            assert_eq!(text.parse::<Nth>().unwrap().to_string(), text);
        }
        let written = serde_json::to_string(&"7".parse::<Nth>().unwrap()).unwrap();
        assert_eq!(written, "7");
        assert_eq!(serde_json::from_str::<Nth>("7").unwrap(), Nth::Range(7, Some(7)));
    }
}

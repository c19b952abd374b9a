//! Dates relative to the start of the lab, so that they do not go out of date.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An instant: `-2d`, `+1y`, `+12h` from the start of the lab, or a date of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum TimeSpec {
    /// So many seconds after the start.
    Relative(i64),
    /// This instant.
    Absolute(Timestamp),
}

/// The reason why there is no such instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeSpecError {
    /// The text is no date.
    #[error(
        "`{0}` is not a date; write -2d, +1y, +12h (y, w, d, h, m, s), 2010-09-28 or 2010-09-28T09:35:58Z"
    )]
    NotADate(String),
    /// The instant cannot be written down.
    #[error("`{0}` lies outside of the years that can be written down")]
    OutsideOfYears(TimeSpec),
}

const UNITS: [(char, i64); 6] =
    [('y', 365 * 86_400), ('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl TimeSpec {
    /// Returns the instant this many days after the start.
    pub const fn in_days(days: i64) -> Self {
        Self::Relative(days * 86_400)
    }

    /// Returns the instant for a lab that starts at `start`, to the second, as certificates keep it.
    ///
    /// # Errors
    ///
    /// [`TimeSpecError::OutsideOfYears`] if the instant lies outside of the years that can be written down.
    pub fn from_start(self, start: Timestamp) -> Result<Timestamp, TimeSpecError> {
        let instant = match self {
            Self::Absolute(instant) => Some(instant),
            Self::Relative(seconds) => start.checked_add(SignedDuration::from_secs(seconds)).ok(),
        };
        let whole = instant.and_then(|instant| Timestamp::from_second(instant.as_second()).ok());
        whole.ok_or(TimeSpecError::OutsideOfYears(self))
    }
}

impl FromStr for TimeSpec {
    type Err = TimeSpecError;

    fn from_str(text: &str) -> Result<Self, TimeSpecError> {
        let wrong = || TimeSpecError::NotADate(text.to_owned());
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self::Absolute(instant));
        }
        if let Ok(date) = text.parse::<Date>() {
            let midnight = date.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
            return Ok(Self::Absolute(midnight.timestamp()));
        }
        let sign = match text.as_bytes() {
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Err(wrong()),
        };
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number = text.get(1..text.len() - unit.len_utf8()).ok_or_else(wrong)?;
        if !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: i64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(seconds * sign).map(Self::Relative).ok_or_else(wrong)
    }
}

impl fmt::Display for TimeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(instant) => instant.fmt(f),
            Self::Relative(seconds) => {
                // Years and weeks are shown in days: a year of 365 days would look like a calendar's.
                let days = UNITS.into_iter().skip(2);
                let (unit, size) = days.into_iter().find(|(_, size)| seconds % size == 0).unwrap_or(('s', 1));
                write!(f, "{:+}{unit}", seconds / size)
            }
        }
    }
}

impl TryFrom<String> for TimeSpec {
    type Error = TimeSpecError;

    fn try_from(text: String) -> Result<Self, TimeSpecError> {
        text.parse()
    }
}

impl From<TimeSpec> for String {
    fn from(moment: TimeSpec) -> Self {
        moment.to_string()
    }
}

impl JsonSchema for TimeSpec {
    fn schema_name() -> Cow<'static, str> {
        "TimeSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "-2d, +1y, +12h from the start of the lab, or a date such as 2010-09-28"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2010-09-28T09:35:58.500Z";

    #[test]
    fn relative_dates_count_from_the_start_to_the_second() {
        let start: Timestamp = START.parse().unwrap();
        for (text, instant) in [
            ("-2d", "2010-09-26T09:35:58Z"),
            ("+12h", "2010-09-28T21:35:58Z"),
            ("+1w", "2010-10-05T09:35:58Z"),
            ("-1y", "2009-09-28T09:35:58Z"),
            ("2012-02-29", "2012-02-29T00:00:00Z"),
            ("2012-02-29T12:00:00Z", "2012-02-29T12:00:00Z"),
        ] {
            let moment: TimeSpec = text.parse().unwrap();
            assert_eq!(moment.from_start(start).unwrap().to_string(), instant, "{text}");
        }
    }

    #[test]
    fn a_moment_is_shown_in_a_form_that_reads_back() {
        for text in ["-2d", "+335d", "+12h", "-90m", "+1s", "+0d", "2010-09-28T00:00:00Z"] {
            let moment: TimeSpec = text.parse().unwrap();
            assert_eq!(moment.to_string().parse(), Ok(moment), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_answered_with_the_forms() {
        for text in ["", "2d", "+", "+d", "+2x", "-", "tomorrow", "+-2d", "+99999999999999999y", "+1ü"] {
            assert!(text.parse::<TimeSpec>().unwrap_err().to_string().contains("-2d"), "{text}");
        }
    }

    #[test]
    fn a_date_beyond_all_years_is_an_error_and_no_panic() {
        let far: TimeSpec = "+20000y".parse().unwrap();
        assert!(far.from_start(START.parse().unwrap()).is_err());
    }
}

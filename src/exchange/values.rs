//! The small types that connector parameters are made of, spelled as the cmdlets spell them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ValueError;

/// A parameter that can be `$null`; in a lab file that is the empty string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nullable<T>(pub Option<T>);

impl<T> Nullable<T> {
    /// `$null`.
    pub const NULL: Self = Self(None);
}

impl<T: FromStr> FromStr for Nullable<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        match text {
            "" | "$null" => Ok(Self(None)),
            text => Ok(Self(Some(text.parse()?))),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Nullable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => Ok(()),
        }
    }
}

/// A length of time as .NET writes it, `d.hh:mm:ss`; a lab file may also say `5s`, `250ms`, `10m`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub Duration);

impl FromStr for TimeSpan {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let span = if text.contains(':') { dotnet_span(text) } else { short_span(text) };
        span.map(Self).ok_or_else(|| ValueError::TimeSpan(text.to_owned()))
    }
}

fn dotnet_span(text: &str) -> Option<Duration> {
    let (days, clock) = text.split_once('.').filter(|(days, _)| !days.contains(':')).unwrap_or(("0", text));
    let mut parts = clock.split(':');
    let hours: u64 = parts.next()?.parse().ok()?;
    let minutes: u64 = parts.next()?.parse().ok()?;
    let last = parts.next()?;
    let (seconds, fraction) = last.split_once('.').unwrap_or((last, ""));
    let seconds: u64 = seconds.parse().ok()?;
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 59 || fraction.len() > 7 {
        return None;
    }
    let nanos: u32 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
    let whole = days.parse::<u64>().ok()?.checked_mul(24)?.checked_add(hours)?;
    Some(Duration::new(whole.checked_mul(3600)?.checked_add(minutes * 60 + seconds)?, nanos))
}

fn short_span(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, rest) = (seconds / 86400, seconds % 86400);
        if days > 0 {
            write!(f, "{days}.")?;
        }
        write!(f, "{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)?;
        match self.0.subsec_nanos() / 100 {
            0 => Ok(()),
            ticks => write!(f, ".{ticks:07}"),
        }
    }
}

/// A number of bytes; written as `10485760`, `10MB`, or as Exchange shows it, `10 MB (10,485,760 bytes)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// `n` mebibytes, which Exchange writes as MB.
    pub const fn mb(n: u64) -> Self {
        Self(n * 1024 * 1024)
    }
}

impl FromStr for ByteSize {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || ValueError::ByteSize(text.to_owned());
        // What is shown is rounded, and says the exact number in brackets.
        let exact = text.split_once('(').and_then(|(_, exact)| exact.strip_suffix(" bytes)"));
        if let Some(exact) = exact {
            return exact.replace([',', '.', ' ', '\u{a0}', '\''], "").parse().map(Self).map_err(|_| wrong());
        }
        let short = text.to_ascii_uppercase();
        let at = short.find(|c: char| !c.is_ascii_digit()).unwrap_or(short.len());
        let (number, unit) = short.split_at(at);
        let factor = match unit.trim() {
            "" | "B" => 1,
            "KB" => 1 << 10,
            "MB" => 1 << 20,
            "GB" => 1 << 30,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")]
            .into_iter()
            .find(|(unit, _)| self.0 >= *unit)
            .unwrap_or((1, "B"));
        #[expect(clippy::cast_precision_loss, reason = "four digits are shown")]
        let rounded = format!("{:.3}", self.0 as f64 / unit as f64);
        let rounded = rounded.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{rounded} {name} ({} bytes)", thousands(self.0))
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count, or `Unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlimited {
    /// At most so many.
    Limited(u32),
    /// No limit.
    Unlimited,
}

impl Unlimited {
    /// Returns whether `count` exceeds the limit.
    pub fn is_exceeded_by(self, count: u64) -> bool {
        matches!(self, Self::Limited(limit) if count > u64::from(limit))
    }

    /// The number, where there is one.
    pub fn limit(self) -> Option<u32> {
        match self {
            Self::Limited(limit) => Some(limit),
            Self::Unlimited => None,
        }
    }
}

impl FromStr for Unlimited {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.eq_ignore_ascii_case("unlimited") {
            return Ok(Self::Unlimited);
        }
        text.parse().map(Self::Limited).map_err(|_| ValueError::Unlimited(text.to_owned()))
    }
}

impl fmt::Display for Unlimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(limit) => limit.fmt(f),
            Self::Unlimited => f.write_str("Unlimited"),
        }
    }
}

/// A lab file may write a number or a text for these.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or a text")]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl From<NumberOrText> for String {
    fn from(given: NumberOrText) -> Self {
        match given {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text,
        }
    }
}

macro_rules! written_as_text {
    ($($type:ident $(<$param:ident>)? from $from:ty: $about:literal, $schema:tt;)*) => {$(
        impl $(<$param: fmt::Display>)? Serialize for $type $(<$param>)? {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de $(, $param: FromStr<Err: fmt::Display>)?> Deserialize<'de> for $type $(<$param>)? {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text: String = <$from>::deserialize(from)?.into();
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl $(<$param>)? JsonSchema for $type $(<$param>)? {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": $schema, "description": $about })
            }
        }
    )*};
}

written_as_text! {
    Nullable<T> from String: "A value, or the empty string for $null", ["string"];
    TimeSpan from NumberOrText: "hh:mm:ss, or a number with ms, s, m, h or d", ["string"];
    ByteSize from NumberOrText: "A number of bytes, or a number with KB, MB or GB", ["string", "integer"];
    Unlimited from NumberOrText: "A number, or `unlimited`", ["string", "integer"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_read_in_both_forms_and_shown_as_dotnet_does() {
        for (text, shown) in [
            ("00:05:00", "00:05:00"),
            ("1.00:00:00", "1.00:00:00"),
            ("00:00:00.250", "00:00:00.2500000"),
            ("5m", "00:05:00"),
            ("0s", "00:00:00"),
            ("250ms", "00:00:00.2500000"),
            ("36h", "1.12:00:00"),
        ] {
            assert_eq!(text.parse::<TimeSpan>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "5", "five", "00:61:00", "24:00:00", "1:2:3:4", "-5s", "99999999999999999999d", "::"]
        {
            assert!(text.parse::<TimeSpan>().unwrap_err().to_string().contains("00:05:00"), "{text}");
        }
    }

    #[test]
    fn a_number_is_a_size_and_no_name() {
        assert_eq!(serde_json::from_str::<ByteSize>("65536").unwrap(), ByteSize(65_536));
        assert!(serde_json::from_str::<Nullable<String>>("0").unwrap_err().to_string().contains("string"));
    }

    #[test]
    fn sizes_are_read_as_typed_and_as_shown() {
        for (text, bytes) in [
            ("37748736", 37_748_736),
            ("36MB", 37_748_736),
            ("36 MB (37,748,736 bytes)", 37_748_736),
            ("64kb", 65_536),
            ("97.66 KB (100,000 bytes)", 100_000),
            ("35 MB (36.700.160 bytes)", 36_700_160),
        ] {
            assert_eq!(text.parse::<ByteSize>().unwrap(), ByteSize(bytes), "{text}");
        }
        assert_eq!(ByteSize(37_748_736).to_string(), "36 MB (37,748,736 bytes)");
        assert_eq!(ByteSize(65_536).to_string(), "64 KB (65,536 bytes)");
        assert!("12 elephants".parse::<ByteSize>().unwrap_err().to_string().contains("10MB"));
        assert!("99999999999GB".parse::<ByteSize>().is_err());
    }

    #[test]
    fn a_limit_is_a_number_or_unlimited() {
        assert_eq!("Unlimited".parse(), Ok(Unlimited::Unlimited));
        assert_eq!("20".parse(), Ok(Unlimited::Limited(20)));
        assert!(Unlimited::Limited(20).is_exceeded_by(21));
        assert!(!Unlimited::Limited(20).is_exceeded_by(20));
        assert!(!Unlimited::Unlimited.is_exceeded_by(u64::MAX));
        assert!("-1".parse::<Unlimited>().is_err());
    }
}

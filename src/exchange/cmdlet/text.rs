//! Dates, time spans and numbers as texts: read, shown, and formatted.
//!
//! The culture of the console is that of the United States, and its zone UTC. What is converted without
//! being shown, in a text in double quotes or beside an operator, is written in the invariant culture.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::value::Value;

/// A date as the console shows it.
pub(super) fn shown(date: Timestamp) -> String {
    zoned(date).strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string()
}

/// A date in the invariant culture.
pub(super) fn invariant(date: Timestamp) -> String {
    zoned(date).strftime("%m/%d/%Y %H:%M:%S").to_string()
}

fn zoned(date: Timestamp) -> Zoned {
    date.to_zoned(TimeZone::UTC)
}

/// The instant that a text stands for, read in the invariant culture: month before day. Without a zone it
/// is UTC, and a time alone is of the day of `now`.
///
/// # Errors
///
/// That it stands for none, and what would.
pub(super) fn instant(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{text}` is not a valid DateTime; write '12/31/2026', '12/31/2026 9:35 AM' or '2026-12-31T09:35:00Z'"
        )
    };
    if text.len() > 64 {
        return Err(wrong());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let civil = civil(text).or_else(|| {
        let time = TIMES.iter().find_map(|format| jiff::civil::Time::strptime(format, text).ok())?;
        Some(zoned(now).date().to_datetime(time))
    });
    civil
        .and_then(|civil| civil.to_zoned(TimeZone::UTC).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(wrong)
}

const TIMES: [&str; 4] = ["%I:%M:%S %p", "%I:%M %p", "%H:%M:%S", "%H:%M"];

const DAYS: [&str; 12] = [
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%Y-%m-%d",
    "%m-%d-%Y",
    "%m.%d.%Y",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%A, %B %d, %Y",
    "%B %d %Y",
    "%b %d %Y",
];

fn civil(text: &str) -> Option<DateTime> {
    for day in DAYS {
        if let Ok(day) = Date::strptime(day, text) {
            // `12/31/26` would be read as a year of the first century.
            return (day.year() >= 1000).then(|| day.at(0, 0, 0, 0));
        }
        for time in TIMES {
            if let Ok(found) = DateTime::strptime(format!("{day} {time}"), text) {
                return (found.year() >= 1000).then_some(found);
            }
        }
    }
    text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(|day| day.at(0, 0, 0, 0)))
}

/// A time span as .NET writes it, `d.hh:mm:ss`.
pub(super) fn span(span: SignedDuration) -> String {
    let sign = if span.is_negative() { "-" } else { "" };
    let length = crate::exchange::TimeSpan(span.unsigned_abs());
    format!("{sign}{length}")
}

/// The time span that a text stands for. A number alone is one of days, as in .NET.
///
/// # Errors
///
/// That it stands for none, and what would.
pub(super) fn read_span(text: &str) -> Result<SignedDuration, String> {
    let trimmed = text.trim();
    let wrong = || format!("`{text}` is not a time span; write '00:05:00' or '30.00:00:00'");
    let (negative, bare) = match trimmed.strip_prefix('-') {
        Some(bare) => (true, bare),
        None => (false, trimmed),
    };
    let days = bare.bytes().all(|byte| byte.is_ascii_digit()).then(|| bare.parse::<i64>().ok()).flatten();
    let length = match days {
        Some(days) => days.checked_mul(86400).map(SignedDuration::from_secs).ok_or_else(wrong)?,
        None => {
            // .NET takes hours and minutes alone.
            let parts = bare.matches(':').count();
            let whole = if parts == 1 { format!("{bare}:00") } else { bare.to_owned() };
            if parts == 0 {
                return Err(wrong());
            }
            let read = whole.parse::<crate::exchange::TimeSpan>().map_err(|_| wrong())?;
            SignedDuration::try_from(read.0).map_err(|_| wrong())?
        }
    };
    Ok(if negative { -length } else { length })
}

/// Formats `items` as the `-f` operator does (about_Operators, format operator).
///
/// # Errors
///
/// Fails if the format is invalid or an item is missing.
pub(super) fn format(format: &str, items: &[Value]) -> Result<String, String> {
    let wrong = || {
        format!(
            "`{format}` is not a format: {{0}} stands for the first value, and {{{{ for a brace of its own"
        )
    };
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if rest.starts_with(brace) {
            text.push_str(brace);
            rest = &rest[1..];
            continue;
        }
        if brace == "}" {
            return Err(wrong());
        }
        let (slot, after) = rest.split_once('}').ok_or_else(wrong)?;
        rest = after;
        let (place, how) = match slot.split_once(':') {
            Some((place, how)) => (place, Some(how)),
            None => (slot, None),
        };
        let (index, width) = match place.split_once(',') {
            Some((index, width)) => (index, width.trim().parse::<i32>().map_err(|_| wrong())?),
            None => (place, 0),
        };
        let index = index.trim().parse::<usize>().map_err(|_| wrong())?;
        let item = items.get(index).ok_or_else(|| {
            format!(
                "the format asks for {{{index}}}, and {} values are given, the first of them {{0}}",
                items.len()
            )
        })?;
        let filled = match how {
            Some(how) => formatted(item, how)?,
            None => cultural(item),
        };
        let length = usize::try_from(width.unsigned_abs()).unwrap_or(0).min(1000);
        if width < 0 {
            text.push_str(&format!("{filled:length$}"));
        } else {
            text.push_str(&format!("{filled:>length$}"));
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// A value in the culture of the console.
pub(super) fn cultural(value: &Value) -> String {
    match value {
        Value::Date(date) => shown(*date),
        Value::List(_) => "System.Object[]".to_owned(),
        other => other.in_text(),
    }
}

/// A value in a format of its own, such as `yyyy-MM-dd` or `N2`; what has none stands as it is, as in .NET.
///
/// # Errors
///
/// A format that is not supported here.
pub(super) fn formatted(value: &Value, how: &str) -> Result<String, String> {
    match value {
        Value::Date(date) => date_formatted(*date, how),
        Value::Integer(number) => number_formatted(super::number::real(*number), Some(*number), how),
        Value::Real(number) => number_formatted(*number, None, how),
        other => Ok(cultural(other)),
    }
}

fn number_formatted(number: f64, whole: Option<i64>, how: &str) -> Result<String, String> {
    let wrong = || format!("the format `{how}` is not supported here; N2, F1, D4, X, P0 and 0.00 are");
    let (letter, digits) = how.split_at(how.chars().next().map_or(0, char::len_utf8));
    if let Some(places) = how.strip_prefix("0.").filter(|zeros| zeros.bytes().all(|byte| byte == b'0')) {
        return Ok(format!("{number:.*}", places.len().min(30)));
    }
    if !how.is_empty() && how.bytes().all(|byte| byte == b'0') {
        return Ok(format!("{:0width$.0}", number, width = how.len().min(100)));
    }
    let places = match digits {
        "" => None,
        digits => Some(digits.parse::<usize>().map_err(|_| wrong())?.min(30)),
    };
    match letter.to_ascii_uppercase().as_str() {
        "N" => Ok(thousands(&format!("{number:.*}", places.unwrap_or(2)))),
        "F" => Ok(format!("{number:.*}", places.unwrap_or(2))),
        "P" => Ok(format!("{} %", thousands(&format!("{:.*}", places.unwrap_or(2), number * 100.0)))),
        "G" => Ok(number.to_string()),
        "D" => whole.map(|whole| format!("{whole:0width$}", width = places.unwrap_or(0))).ok_or_else(wrong),
        "X" => {
            let whole = whole.ok_or_else(wrong)?;
            Ok(if letter == "x" {
                format!("{whole:0width$x}", width = places.unwrap_or(0))
            } else {
                format!("{whole:0width$X}", width = places.unwrap_or(0))
            })
        }
        _ => Err(wrong()),
    }
}

fn thousands(number: &str) -> String {
    let (sign, bare) = match number.strip_prefix('-') {
        Some(bare) => ("-", bare),
        None => ("", number),
    };
    let (whole, fraction) = bare.split_at(bare.find('.').unwrap_or(bare.len()));
    let mut text = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

fn date_formatted(date: Timestamp, how: &str) -> Result<String, String> {
    let date = zoned(date);
    let standard = match how {
        "d" => Some("%-m/%-d/%Y"),
        "D" => Some("%A, %B %-d, %Y"),
        "g" => Some("%-m/%-d/%Y %-I:%M %p"),
        "G" => Some("%-m/%-d/%Y %-I:%M:%S %p"),
        "t" => Some("%-I:%M %p"),
        "T" => Some("%-I:%M:%S %p"),
        "s" => Some("%Y-%m-%dT%H:%M:%S"),
        "u" => Some("%Y-%m-%d %H:%M:%SZ"),
        "o" | "O" => Some("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "r" | "R" => Some("%a, %d %b %Y %H:%M:%S GMT"),
        _ => None,
    };
    if let Some(standard) = standard {
        return Ok(date.strftime(standard).to_string());
    }
    let mut text = String::new();
    let mut rest = how;
    while let Some(first) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(first).len();
        let token = &rest[..run];
        let written = match token {
            "yyyy" => "%Y",
            "yy" => "%y",
            "MMMM" => "%B",
            "MMM" => "%b",
            "MM" => "%m",
            "M" => "%-m",
            "dddd" => "%A",
            "ddd" => "%a",
            "dd" => "%d",
            "d" => "%-d",
            "HH" => "%H",
            "H" => "%-H",
            "hh" => "%I",
            "h" => "%-I",
            "mm" => "%M",
            "m" => "%-M",
            "ss" => "%S",
            "s" => "%-S",
            "tt" => "%p",
            "zzz" => "%:z",
            _ => "",
        };
        if !written.is_empty() {
            text.push_str(&date.strftime(written).to_string());
            rest = &rest[run..];
        } else if first == '\'' || first == '"' {
            let quoted = &rest[1..];
            let end = quoted.find(first).ok_or_else(|| format!("`{how}` has a quote that is not closed"))?;
            text.push_str(&quoted[..end]);
            rest = &quoted[end + 1..];
        } else if first == 'f' {
            text.push_str(&"0".repeat(run.min(7)));
            rest = &rest[run..];
        } else if first.is_ascii_alphabetic() && !matches!(first, 'T' | 'Z') {
            return Err(format!(
                "the format `{how}` is not supported here; one such as yyyy-MM-dd HH:mm:ss is"
            ));
        } else {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date() -> Timestamp {
        "2026-03-05T14:07:09Z".parse().unwrap()
    }

    #[test]
    fn dates_are_read_with_the_month_before_the_day() {
        for (text, read) in [
            ("12/31/2026", "2026-12-31T00:00:00Z"),
            ("1/2/2026 9:35 AM", "2026-01-02T09:35:00Z"),
            ("1/2/2026 9:35:58 PM", "2026-01-02T21:35:58Z"),
            ("2026-12-31", "2026-12-31T00:00:00Z"),
            ("2026-12-31 23:59", "2026-12-31T23:59:00Z"),
            ("2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
            ("31 December 2026", "2026-12-31T00:00:00Z"),
            ("Dec 31, 2026", "2026-12-31T00:00:00Z"),
            ("December 31, 2026 5:00 PM", "2026-12-31T17:00:00Z"),
            ("9:35 AM", "2026-03-05T09:35:00Z"),
        ] {
            assert_eq!(instant(text, date()), Ok(read.parse().unwrap()), "{text}");
        }
        for text in ["31/12/2026", "soon", "", "13/1/2026", "12/31/26", "2026"] {
            assert!(instant(text, date()).unwrap_err().contains("not a valid DateTime"), "{text}");
        }
    }

    #[test]
    fn values_are_filled_in_where_the_format_says() {
        let items = [Value::text("a"), Value::Integer(1_234_567), Value::Date(date())];
        for (how, filled) in [
            ("{0}-{0}", "a-a"),
            ("<{0,3}|{0,-3}>", "<  a|a  >"),
            ("{1:N0} {1:D9} {1:X}", "1,234,567 001234567 12D687"),
            ("{2:yyyy-MM-dd HH:mm} {2:d} {2:MMM}", "2026-03-05 14:07 3/5/2026 Mar"),
            ("{2}", "3/5/2026 2:07:09 PM"),
            ("{{0}}", "{0}"),
        ] {
            assert_eq!(format(how, &items).as_deref(), Ok(filled), "{how}");
        }
        for how in ["{", "}", "{3}", "{a}", "{1:Q}", "{1:\u{e9}2}", "{2:qq}", "{0:"] {
            assert!(format(how, &items).is_err(), "{how}");
        }
    }

    #[test]
    fn spans_are_read_as_dotnet_reads_them() {
        for (text, shown) in [
            ("5", "5.00:00:00"),
            ("00:05:00", "00:05:00"),
            ("1:30", "01:30:00"),
            ("-1.00:00:00", "-1.00:00:00"),
        ] {
            assert_eq!(span(read_span(text).unwrap()), shown, "{text}");
        }
        assert!(read_span("soon").is_err() && read_span("5m").is_err());
    }
}

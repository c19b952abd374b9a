//! Dates as the cultures of administrators write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// The order of day and month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

/// The possible meanings of a written date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// An instant, with its zone.
    Instant(Timestamp),
    /// The time on a clock whose zone is not given.
    Local(DateTime),
    /// Day and month can be either.
    Either { day_first: DateTime, month_first: DateTime },
}

/// Reads `text` as a date.
pub(super) fn read(text: &str) -> Option<Written> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(Written::Instant(instant));
    }
    if let Some(milliseconds) = text.trim_matches(['\\', '/']).strip_prefix("Date(") {
        let digits: String = milliseconds.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        return Timestamp::from_millisecond(digits.parse().ok()?).ok().map(Written::Instant);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return Some(Written::Local(local));
    }
    let numbers = numbers(text);
    let time = time(text, &numbers);
    if let Some(date) = with_month_name(text, &numbers) {
        return Some(Written::Local(date.to_datetime(time)));
    }
    let [(a, first), (b, after), (c, _), ..] = numbers.as_slice() else {
        return None;
    };
    if *first == ':' {
        return None; // a time and no date
    }
    let at = |year: i64, month: i64, day: i64| date(year, month, day).map(|date| date.to_datetime(time));
    if *a > 31 {
        return at(*a, *b, *c).map(Written::Local);
    }
    let (day_first, month_first) = (at(*c, *b, *a), at(*c, *a, *b));
    match (day_first, month_first) {
        (Some(day_first), Some(month_first)) if *after == '/' && day_first != month_first => {
            Some(Written::Either { day_first, month_first })
        }
        // If the separator is not a slash, every culture that puts the year last puts the day first.
        (Some(date), _) | (None, Some(date)) => Some(Written::Local(date)),
        (None, None) => None,
    }
}

/// Returns the order of day and month, if the date leaves no doubt about it.
pub(super) fn order(text: &str) -> Option<Order> {
    let numbers = numbers(text);
    let [(a, '/'), (b, _), (c, _), ..] = numbers.as_slice() else { return None };
    match (*a > 12, *b > 12) {
        _ if *c < 32 => None,
        (true, false) => Some(Order::DayFirst),
        (false, true) => Some(Order::MonthFirst),
        _ => None,
    }
}

/// Returns the instant of a written date, if day and month are in this order and clocks have this offset.
pub(super) fn instant(written: Written, order: Order, offset: Offset) -> Option<Timestamp> {
    let local = match written {
        Written::Instant(instant) => return Some(instant),
        Written::Local(local) => local,
        Written::Either { day_first, month_first } => match order {
            Order::DayFirst => day_first,
            Order::MonthFirst => month_first,
        },
    };
    offset.to_timestamp(local).ok()
}

/// Reads an offset such as `+01:00`, `-5` or `UTC`.
pub(super) fn offset(text: &str) -> Result<Offset, String> {
    let wrong = || "write it as +01:00 or -05:00".to_owned();
    let digits = text.trim().trim_start_matches("UTC").trim_start_matches("GMT");
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, digits.trim_start_matches('+')),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let hours: i32 = if hours.is_empty() { 0 } else { hours.parse().map_err(|_| wrong())? };
    let minutes: i32 = minutes.parse().map_err(|_| wrong())?;
    if !(0..=14).contains(&hours) || !(0..60).contains(&minutes) {
        return Err(wrong());
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| wrong())
}

/// Returns every number in the text, with the character behind it.
fn numbers(text: &str) -> Vec<(i64, char)> {
    let mut found = Vec::new();
    let mut digits = String::new();
    for c in text.chars().chain([' ']) {
        if let Some(digit) = c.to_digit(10) {
            digits.push(char::from_digit(digit, 10).unwrap_or('0'));
        } else if !digits.is_empty() {
            if let Ok(number) = digits.parse() {
                found.push((number, c));
            }
            digits.clear();
        }
    }
    found
}

fn time(text: &str, numbers: &[(i64, char)]) -> Time {
    let Some(at) = numbers.iter().position(|(_, after)| *after == ':') else {
        return Time::midnight();
    };
    let number = |at: usize| numbers.get(at).map_or(0, |(number, _)| *number);
    let minute = numbers.get(at + 1);
    let has_seconds = minute.is_some_and(|(_, after)| *after == ':');
    let (mut hour, minute, second) =
        (number(at), number(at + 1), if has_seconds { number(at + 2) } else { 0 });
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["pm", "p.m", "p. m", "下午", "午後", "오후", "μμ"]) && hour < 12 {
        hour += 12;
    } else if says(&["am", "a.m", "a. m", "上午", "午前", "오전", "πμ"]) && hour == 12 {
        hour = 0;
    }
    let part = |number: i64| i8::try_from(number).unwrap_or(-1);
    Time::new(part(hour), part(minute), part(second), 0).unwrap_or(Time::midnight())
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        // The Buddhist calendar of Thai Windows.
        2443..=2700 => year - 543,
        1950..=9999 => year,
        _ => return None,
    };
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Reads `Saturday, January 10, 2026 11:59:59 PM`, `10 Jan 2026`.
fn with_month_name(text: &str, numbers: &[(i64, char)]) -> Option<Date> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphabetic());
    let month = words.filter(|word| word.len() >= 3).find_map(|word| {
        MONTHS.iter().position(|month| word.starts_with(month) && !word.starts_with("mon"))
    })?;
    let [(a, _), (b, _), ..] = numbers else { return None };
    let (day, year) = if *a > 31 { (*b, *a) } else { (*a, *b) };
    date(year, i64::try_from(month).ok()? + 1, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Option<String> {
        match read(text)? {
            Written::Local(local) => Some(local.to_string()),
            Written::Instant(instant) => Some(instant.to_string()),
            Written::Either { day_first, month_first } => Some(format!("{day_first} or {month_first}")),
        }
    }

    #[test]
    fn dates_of_many_cultures_are_read_and_doubts_are_kept() {
        for (text, meant) in [
            ("10.01.2026 23:59:59", "2026-01-10T23:59:59"),
            ("02.02.2028 3:09:22", "2028-02-02T03:09:22"),
            ("9/13/2017 5:26:01 PM", "2017-09-13T17:26:01"),
            ("13/09/2017 17:26", "2017-09-13T17:26:00"),
            ("1/10/2026 11:59:59 PM", "2026-10-01T23:59:59 or 2026-01-10T23:59:59"),
            ("1/1/2026 12:00:00 AM", "2026-01-01T00:00:00"),
            ("2026/01/10 23:59:59", "2026-01-10T23:59:59"),
            ("2026-01-10 23:59:59", "2026-01-10T23:59:59"),
            ("10-01-2026 23:59:59", "2026-01-10T23:59:59"),
            ("2026/1/10 下午 11:59:59", "2026-01-10T23:59:59"),
            ("10/1/2569 23:59:59", "2026-01-10T23:59:59 or 2026-10-01T23:59:59"),
            ("Saturday, January 10, 2026 11:59:59 PM", "2026-01-10T23:59:59"),
            ("2026-01-10T23:59:59Z", "2026-01-10T23:59:59Z"),
            ("2026-01-10T23:59:59.0000000+01:00", "2026-01-10T22:59:59Z"),
            ("\\/Date(1768089599000)\\/", "2026-01-10T23:59:59Z"),
            ("10.01.26", "2026-01-10T00:00:00"),
        ] {
            assert_eq!(local(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["", "MM/DD/YYYY 0:00:00 AM", "99/99/2026", "tomorrow", "1:2:3", "1/2", "31/31/2026"] {
            assert_eq!(local(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_beyond_twelve_settles_the_order() {
        assert_eq!(order("9/13/2017 5:26:01 PM"), Some(Order::MonthFirst));
        assert_eq!(order("13/9/2017"), Some(Order::DayFirst));
        assert_eq!(order("1/10/2026"), None);
        assert_eq!(offset("+01:30").unwrap().seconds(), 5400);
        assert_eq!(offset("UTC-5").unwrap().seconds(), -18_000);
        assert!(offset("x").is_err() && offset("99").is_err());
    }
}

//! Properties, methods and items of values.

use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::convert::{to_date, to_integer, to_number, to_span};
use super::error::{Span, Wrong, nearest_first};
use super::number;
use super::run::Run;
use super::text;
use super::typed::Kind;
use super::value::Value;

/// A property of a value, or of each item of a list (about_Member-Access_Enumeration).
///
/// PowerShell answers with nothing where there is no such property; a slip of the pen in the name would
/// then pin a connector to an issuer of no letters, so here it is an error.
pub(super) fn property(of: &Value, name: &str, span: Span) -> Result<Value, Wrong> {
    let counts = name.eq_ignore_ascii_case("Count") || name.eq_ignore_ascii_case("Length");
    let none = |known: &[&str]| {
        let known = nearest_first(name, known.iter().copied());
        let there = if known.is_empty() { String::new() } else { format!("; there are: {known}") };
        Wrong::unknown(span, format!("there is no property {name}{there}"))
    };
    match of {
        Value::Null if counts => Ok(Value::Integer(0)),
        Value::Null => Ok(Value::Null),
        Value::Object(object) => match object.property(name) {
            Some(value) => Ok(value.clone()),
            None if counts => Ok(Value::Integer(1)),
            None => {
                let names: Vec<&str> = object.properties.iter().map(|(name, _)| name.as_str()).collect();
                Err(none(&names))
            }
        },
        Value::List(items) if counts => Ok(Value::count(items.len())),
        Value::List(items) => {
            let items: Result<Vec<Value>, Wrong> =
                items.iter().map(|item| property(item, name, span)).collect();
            Ok(Value::of(items?.into_iter().flat_map(Value::each).collect()))
        }
        Value::Table(entries) => {
            let found = entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            match found {
                Some((_, value)) => Ok(value.clone()),
                None if counts => Ok(Value::count(entries.len())),
                None if name.eq_ignore_ascii_case("Keys") => {
                    Ok(Value::List(entries.iter().map(|(key, _)| Value::text(key)).collect()))
                }
                None if name.eq_ignore_ascii_case("Values") => {
                    Ok(Value::List(entries.iter().map(|(_, value)| value.clone()).collect()))
                }
                None => Ok(Value::Null),
            }
        }
        Value::Text(text) if name.eq_ignore_ascii_case("Length") => Ok(Value::count(text.chars().count())),
        Value::Date(date) => of_date(*date, name).ok_or_else(|| none(DATE)),
        Value::Span(span) => of_span(*span, name).ok_or_else(|| none(SPAN)),
        Value::Typed(typed) => match (typed.kind(), name.to_ascii_lowercase().as_str()) {
            (Kind::Unlimited, "isunlimited") => Ok(Value::Bool(typed.number() == Some(u64::MAX))),
            (Kind::Unlimited | Kind::ByteSize, "value") => {
                let number = typed.number().and_then(|number| i64::try_from(number).ok());
                Ok(number.map_or(Value::Null, Value::Integer))
            }
            (Kind::Enumeration(..) | Kind::Services | Kind::AuthMechanism, "value" | "value__") => {
                let number = typed.number().and_then(|number| i64::try_from(number).ok());
                Ok(number.map_or(Value::Null, Value::Integer))
            }
            (Kind::Fqdn, "domain") => Ok(Value::Text(typed.to_string())),
            (Kind::Binding, "port") => {
                let text = typed.to_string();
                let port = text.rsplit(':').next().and_then(|port| port.parse().ok());
                Ok(port.map_or(Value::Null, Value::Integer))
            }
            _ if counts => Ok(Value::Integer(1)),
            _ => Err(none(&[])),
        },
        _ if counts => Ok(Value::Integer(1)),
        Value::Text(_)
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Real(_)
        | Value::File(_)
        | Value::Type(_)
        | Value::Block(_) => Err(Wrong::unknown(span, format!("`{of}` has no property {name}"))),
    }
}

const DATE: &[&str] = &[
    "Date",
    "Year",
    "Month",
    "Day",
    "Hour",
    "Minute",
    "Second",
    "DayOfWeek",
    "DayOfYear",
    "TimeOfDay",
    "Ticks",
];

fn of_date(date: Timestamp, name: &str) -> Option<Value> {
    let zoned = date.to_zoned(jiff::tz::TimeZone::UTC);
    let midnight = || zoned.start_of_day().ok().map(|zoned| zoned.timestamp());
    Some(match name.to_ascii_lowercase().as_str() {
        "date" => Value::Date(midnight()?),
        "year" => Value::Integer(zoned.year().into()),
        "month" => Value::Integer(zoned.month().into()),
        "day" => Value::Integer(zoned.day().into()),
        "hour" => Value::Integer(zoned.hour().into()),
        "minute" => Value::Integer(zoned.minute().into()),
        "second" => Value::Integer(zoned.second().into()),
        "dayofweek" => Value::text(zoned.strftime("%A").to_string()),
        "dayofyear" => Value::Integer(zoned.day_of_year().into()),
        "timeofday" => Value::Span(date.duration_since(midnight()?)),
        "ticks" => {
            // So many ticks lie between the years 1 and 1970.
            let since_1970 = date.as_second().checked_mul(10_000_000)?;
            Value::Integer(since_1970.checked_add(621_355_968_000_000_000)?)
        }
        _ => return None,
    })
}

const SPAN: &[&str] = &[
    "Days",
    "Hours",
    "Minutes",
    "Seconds",
    "TotalDays",
    "TotalHours",
    "TotalMinutes",
    "TotalSeconds",
    "Ticks",
];

fn of_span(span: SignedDuration, name: &str) -> Option<Value> {
    let seconds = span.as_secs();
    let total = |unit: i64| Value::Real(span.as_secs_f64() / number::real(unit));
    Some(match name.to_ascii_lowercase().as_str() {
        "days" => Value::Integer(seconds / 86400),
        "hours" => Value::Integer(seconds / 3600 % 24),
        "minutes" => Value::Integer(seconds / 60 % 60),
        "seconds" => Value::Integer(seconds % 60),
        "totaldays" => total(86400),
        "totalhours" => total(3600),
        "totalminutes" => total(60),
        "totalseconds" => total(1),
        "ticks" => Value::Integer(seconds.checked_mul(10_000_000)?),
        _ => return None,
    })
}

/// The item at a place, counted from the end where it is negative, or the one of a key; a single value is a
/// list of one. Several places give several items.
pub(super) fn item(of: &Value, at: &Value, span: Span) -> Result<Value, Wrong> {
    if let (Value::Table(entries), Value::Text(key)) = (of, at) {
        let found = entries.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        return Ok(found.map_or(Value::Null, |(_, value)| value.clone()));
    }
    if let Value::List(places) = at {
        let items: Result<Vec<Value>, Wrong> = places.iter().map(|at| item(of, at, span)).collect();
        return Ok(Value::List(items?));
    }
    let place =
        to_integer(at).map_err(|why| Wrong::argument(span, format!("in [ ] stands a number: {why}")))?;
    let place_in = |length: usize| {
        let place = if place < 0 { place.checked_add(i64::try_from(length).ok()?)? } else { place };
        usize::try_from(place).ok()
    };
    Ok(match of {
        Value::Null => return Err(Wrong::argument(span, "Cannot index into a null array.")),
        Value::List(items) => place_in(items.len()).and_then(|at| items.get(at)).cloned(),
        Value::Text(text) => place_in(text.chars().count())
            .and_then(|at| text.chars().nth(at))
            .map(|c| Value::text(c.to_string())),
        other => place_in(1).filter(|at| *at == 0).map(|_| other.clone()),
    }
    .unwrap_or(Value::Null))
}

/// Returns the result of a method. For a list, returns the results for its items.
pub(super) fn method(
    run: &Run<'_>,
    of: &Value,
    name: &str,
    given: &[Value],
    span: Span,
) -> Result<Value, Wrong> {
    let lower = name.to_ascii_lowercase();
    let called = match of {
        Value::Null => {
            let wrong = "You cannot call a method on a null-valued expression.";
            return Err(Wrong::argument(span, wrong));
        }
        Value::List(items) => match (lower.as_str(), given) {
            ("contains", [wanted]) => {
                let terms = run.terms(true);
                let found = items.iter().any(|item| super::convert::equal(item, wanted, terms) == Ok(true));
                Some(Ok(Value::Bool(found)))
            }
            ("tostring", []) => Some(Ok(Value::text("System.Object[]"))),
            _ => {
                let each: Result<Vec<Value>, Wrong> =
                    items.iter().map(|item| method(run, item, name, given, span)).collect();
                return each.map(Value::of);
            }
        },
        Value::Table(entries) => match (lower.as_str(), given) {
            ("containskey" | "contains", [key]) => {
                let key = key.in_text();
                Some(Ok(Value::Bool(entries.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)))))
            }
            _ => None,
        },
        Value::Date(date) => on_date(run, *date, &lower, given),
        Value::Span(time) => on_span(*time, &lower, given),
        Value::Text(text) => on_text(text, &lower, given),
        Value::Typed(typed) => on_typed(typed.kind(), typed.number(), &lower),
        Value::Bool(_)
        | Value::Integer(_)
        | Value::Real(_)
        | Value::Object(_)
        | Value::File(_)
        | Value::Type(_)
        | Value::Block(_) => None,
    };
    let common = || match (lower.as_str(), given) {
        ("tostring", []) => Some(Ok(Value::Text(text::cultural(of)))),
        ("tostring", [how]) => Some(text::formatted(of, &how.in_text()).map(Value::Text)),
        ("equals", [other]) => Some(super::convert::equal(of, other, run.terms(true)).map(Value::Bool)),
        ("gettype", []) => Some(Ok(Value::text(of.type_name()))),
        _ => None,
    };
    match called.or_else(common) {
        Some(Ok(value)) => Ok(value),
        Some(Err(why)) => Err(Wrong::argument(span, format!(".{name}(): {why}"))),
        None => {
            let wrong = format!(
                "a method .{name}() with {} arguments is not supported here on a value of the type {}",
                given.len(),
                of.type_name()
            );
            Err(Wrong::unknown(span, wrong))
        }
    }
}

type Called = Option<Result<Value, String>>;

fn on_date(run: &Run<'_>, date: Timestamp, name: &str, given: &[Value]) -> Called {
    let later = |unit: i64, count: &Value| {
        let seconds = match to_number(count)? {
            Value::Real(count) => number::whole(count * number::real(unit)).ok(),
            count => to_integer(&count)?.checked_mul(unit),
        };
        let later = seconds.and_then(|seconds| date.checked_add(SignedDuration::from_secs(seconds)).ok());
        later.map(Value::Date).ok_or_else(|| "there is no such date".to_owned())
    };
    let calendar = |months: bool, count: &Value| {
        let count = i32::try_from(to_integer(count)?).map_err(|_| "there is no such date".to_owned())?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC);
        let span = if months { count.months() } else { count.years() };
        let later = zoned.checked_add(span).map_err(|_| "there is no such date".to_owned())?;
        Ok(Value::Date(later.timestamp()))
    };
    Some(match (name, given) {
        ("adddays", [count]) => later(86400, count),
        ("addhours", [count]) => later(3600, count),
        ("addminutes", [count]) => later(60, count),
        ("addseconds", [count]) => later(1, count),
        ("addmonths", [count])
            if i32::try_from(to_integer(count).unwrap_or(0)).is_ok_and(|it| it.abs() < 100_000) =>
        {
            calendar(true, count)
        }
        ("addyears", [count])
            if i32::try_from(to_integer(count).unwrap_or(0)).is_ok_and(|it| it.abs() < 10_000) =>
        {
            calendar(false, count)
        }
        ("addmonths" | "addyears", [_]) => Err("there is no such date".to_owned()),
        ("add", [span]) => to_span(span).and_then(|span| {
            date.checked_add(span).map(Value::Date).map_err(|_| "there is no such date".to_owned())
        }),
        ("subtract", [other]) => match other {
            Value::Span(span) => {
                date.checked_sub(*span).map(Value::Date).map_err(|_| "there is no such date".to_owned())
            }
            other => to_date(other, run.now).map(|other| Value::Span(date.duration_since(other))),
        },
        ("toshortdatestring", []) => text::formatted(&Value::Date(date), "d").map(Value::Text),
        ("tolongdatestring", []) => text::formatted(&Value::Date(date), "D").map(Value::Text),
        ("toshorttimestring", []) => text::formatted(&Value::Date(date), "t").map(Value::Text),
        // The zone of a lab's computers is UTC.
        ("touniversaltime" | "tolocaltime", []) => Ok(Value::Date(date)),
        _ => return None,
    })
}

fn on_span(span: SignedDuration, name: &str, given: &[Value]) -> Called {
    let great = || "there is no such time span".to_owned();
    Some(match (name, given) {
        ("add", [other]) => {
            to_span(other).and_then(|other| span.checked_add(other).map(Value::Span).ok_or_else(great))
        }
        ("subtract", [other]) => {
            to_span(other).and_then(|other| span.checked_sub(other).map(Value::Span).ok_or_else(great))
        }
        _ => return None,
    })
}

fn on_typed(kind: Kind, number: Option<u64>, name: &str) -> Called {
    let bytes = number.filter(|_| kind == Kind::ByteSize)?;
    let shift = match name {
        "tobytes" => 0,
        "tokb" => 10,
        "tomb" => 20,
        "togb" => 30,
        _ => return None,
    };
    Some(i64::try_from(bytes >> shift).map(Value::Integer).map_err(|_| "it is too great a number".to_owned()))
}

/// The methods of a text; unlike the operators they heed letter case.
fn on_text(text: &str, name: &str, given: &[Value]) -> Called {
    let texts: Vec<String> = given.iter().map(Value::in_text).collect();
    let given: Vec<&str> = texts.iter().map(String::as_str).collect();
    let of = |text: &str| Some(Ok(Value::text(text)));
    let set = |chars: &str| chars.chars().collect::<Vec<char>>();
    match (name, given.as_slice()) {
        ("tolower" | "tolowerinvariant", []) => of(&text.to_lowercase()),
        ("toupper" | "toupperinvariant", []) => of(&text.to_uppercase()),
        ("trim", []) => of(text.trim()),
        ("trimstart", []) => of(text.trim_start()),
        ("trimend", []) => of(text.trim_end()),
        ("trim", [chars]) => of(text.trim_matches(set(chars).as_slice())),
        ("trimstart", [chars]) => of(text.trim_start_matches(set(chars).as_slice())),
        ("trimend", [chars]) => of(text.trim_end_matches(set(chars).as_slice())),
        ("startswith", [other]) => Some(Ok(Value::Bool(text.starts_with(other)))),
        ("endswith", [other]) => Some(Ok(Value::Bool(text.ends_with(other)))),
        ("contains", [other]) => Some(Ok(Value::Bool(text.contains(other)))),
        ("indexof", [other]) => Some(Ok(match text.find(other) {
            Some(at) => Value::count(text[..at].chars().count()),
            None => Value::Integer(-1),
        })),
        ("replace", [old, new]) if !old.is_empty() => Some(replaced(text, old, new)),
        ("split", [chars]) if !chars.is_empty() => {
            let separators = set(chars);
            let parts = text.split(separators.as_slice()).map(Value::text);
            Some(Ok(Value::List(parts.collect())))
        }
        ("split", []) => Some(Ok(Value::List(text.split_whitespace().map(Value::text).collect()))),
        ("substring", [from]) => Some(part(text, from, None)),
        ("substring", [from, length]) => Some(part(text, from, Some(length))),
        ("tostring", []) => of(text),
        _ => None,
    }
}

fn replaced(text: &str, old: &str, new: &str) -> Result<Value, String> {
    let more = text.matches(old).count().saturating_mul(new.len());
    if more > super::run::HEAVIEST {
        return Err("the text would become too long".to_owned());
    }
    Ok(Value::Text(text.replace(old, new)))
}

fn part(text: &str, from: &str, length: Option<&str>) -> Result<Value, String> {
    let number = |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no place in a text"));
    let (from, all) = (number(from)?, text.chars().count());
    let length = length.map_or(Ok(all.saturating_sub(from)), number)?;
    if from.saturating_add(length) > all {
        return Err(format!("the text has {all} characters only"));
    }
    Ok(Value::Text(text.chars().skip(from).take(length).collect()))
}

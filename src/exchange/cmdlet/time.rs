//! `Get-Date` and `New-TimeSpan`, by the clock of the lab.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::bind::Bound;
use super::convert::{to_date, to_integer};
use super::error::Wrong;
use super::run::Run;
use super::text;
use super::value::Value;

/// `Get-Date`.
pub(super) fn get_date(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let wrong = |name: &str, why: String| Wrong::argument(bound.place(name), format!("-{name}: {why}"));
    let date = match bound.get("Date") {
        Some(given) => to_date(&given.value, run.now).map_err(|why| wrong("Date", why))?,
        None => run.now,
    };
    let mut zoned = date.to_zoned(TimeZone::UTC).with();
    for name in ["Year", "Month", "Day", "Hour", "Minute", "Second"] {
        let Some(given) = bound.get(name) else { continue };
        let number = to_integer(&given.value).map_err(|why| wrong(name, why))?;
        let number = i16::try_from(number).map_err(|_| wrong(name, format!("{number} is out of range")))?;
        let small = i8::try_from(number).unwrap_or(i8::MAX);
        zoned = match name {
            "Year" => zoned.year(number),
            "Month" => zoned.month(small),
            "Day" => zoned.day(small),
            "Hour" => zoned.hour(small),
            "Minute" => zoned.minute(small),
            _ => zoned.second(small),
        };
    }
    let date = zoned.build().map_err(|error| Wrong::argument(bound.span, error.to_string()))?.timestamp();
    match bound.text("Format")? {
        Some(format) => text::formatted(&Value::Date(date), &format)
            .map(|text| vec![Value::Text(text)])
            .map_err(|why| wrong("Format", why)),
        None => Ok(vec![Value::Date(date)]),
    }
}

/// `New-TimeSpan`.
pub(super) fn new_time_span(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let wrong = |name: &str, why: String| Wrong::argument(bound.place(name), format!("-{name}: {why}"));
    if bound.get("Start").is_some() || bound.get("End").is_some() {
        let date = |name: &str| match bound.get(name) {
            Some(given) => to_date(&given.value, run.now).map_err(|why| wrong(name, why)),
            None => Ok(run.now),
        };
        return Ok(vec![Value::Span(date("End")?.duration_since(date("Start")?))]);
    }
    let mut seconds = Some(0_i64);
    for (name, unit) in [("Days", 86400), ("Hours", 3600), ("Minutes", 60), ("Seconds", 1)] {
        let Some(given) = bound.get(name) else { continue };
        let count = to_integer(&given.value).map_err(|why| wrong(name, why))?;
        seconds = seconds.and_then(|seconds| seconds.checked_add(count.checked_mul(unit)?));
    }
    let seconds = seconds.ok_or_else(|| Wrong::argument(bound.span, "there is no such time span"))?;
    Ok(vec![Value::Span(SignedDuration::from_secs(seconds))])
}

//! The static members of classes: `[datetime]::Now`, `[System.IO.File]::ReadAllBytes('C:\file')`.

use jiff::SignedDuration;

use super::convert::{to_date, to_integer, to_number};
use super::error::{Span, Wrong};
use super::run::Run;
use super::value::Value;
use super::{number, text};

/// A property of a class, or what its method gives back.
pub(super) fn member(
    run: &mut Run<'_>,
    class: &str,
    member: &str,
    given: Option<Vec<Value>>,
    span: Span,
) -> Result<Value, Wrong> {
    let name = class.to_ascii_lowercase();
    let name = name.strip_prefix("system.").unwrap_or(&name);
    let lower = member.to_ascii_lowercase();
    let called = given.is_some();
    let given = given.unwrap_or_default();
    let done = match (name, lower.as_str(), called, given.as_slice()) {
        ("io.file", "readallbytes", true, [path]) => Ok(run.file(&path.in_text())),
        ("io.file", "writeallbytes", true, [path, content]) => {
            run.write_file(&path.in_text(), content.clone(), span)?;
            Ok(Value::Null)
        }
        ("datetime", "now" | "utcnow", false, _) => Ok(Value::Date(run.now)),
        ("datetime", "today", false, _) => {
            super::member::property(&Value::Date(run.now), "Date", span).map_err(|wrong| wrong.message)
        }
        ("datetime", "parse", true, [text]) => to_date(text, run.now).map(Value::Date),
        ("timespan", "fromdays", true, [count]) => span_of(count, 86400),
        ("timespan", "fromhours", true, [count]) => span_of(count, 3600),
        ("timespan", "fromminutes", true, [count]) => span_of(count, 60),
        ("timespan", "fromseconds", true, [count]) => span_of(count, 1),
        ("timespan", "parse", true, [text]) => text::read_span(&text.in_text()).map(Value::Span),
        ("string", "isnullorempty", true, [text]) => Ok(Value::Bool(text.in_text().is_empty())),
        ("string", "isnullorwhitespace", true, [text]) => Ok(Value::Bool(text.in_text().trim().is_empty())),
        ("string", "empty", false, _) => Ok(Value::text("")),
        ("string", "join", true, [separator, items @ ..]) => {
            let items: Vec<String> =
                items.iter().flat_map(|item| item.clone().each()).map(|item| item.in_text()).collect();
            Ok(Value::Text(items.join(&separator.in_text())))
        }
        ("string", "format", true, [format, items @ ..]) => {
            text::format(&format.in_text(), items).map(Value::Text)
        }
        ("regex" | "text.regularexpressions.regex", "escape", true, [text]) => {
            Ok(Value::Text(regex::escape(&text.in_text())))
        }
        ("environment", "newline", false, _) => Ok(Value::text("\r\n")),
        ("environment", "machinename", false, _) => {
            Ok(run.computer(run.here).map_or(Value::Null, |computer| Value::text(&computer.name)))
        }
        ("math", "abs" | "floor" | "ceiling" | "round" | "truncate", true, [value]) => rounded(&lower, value),
        _ => {
            let parentheses = if called { "()" } else { "" };
            let wrong = format!(
                "[{class}]::{member}{parentheses} is not supported here; [System.IO.File]::ReadAllBytes('path'), [datetime]::Now and the like are"
            );
            return Err(Wrong::syntax(span, wrong));
        }
    };
    let value = done.map_err(|why| Wrong::argument(span, format!("[{class}]::{member}: {why}")))?;
    run.held(&value, span)?;
    Ok(value)
}

fn span_of(count: &Value, unit: i64) -> Result<Value, String> {
    let seconds = match to_number(count)? {
        Value::Real(count) => number::whole(count * number::real(unit)).ok(),
        count => to_integer(&count)?.checked_mul(unit),
    };
    let seconds = seconds.ok_or_else(|| "there is no such time span".to_owned())?;
    Ok(Value::Span(SignedDuration::from_secs(seconds)))
}

fn rounded(how: &str, value: &Value) -> Result<Value, String> {
    let number = match to_number(value)? {
        Value::Real(number) => number,
        Value::Integer(number) if how == "abs" => {
            return number.checked_abs().map(Value::Integer).ok_or_else(|| "it is too great".to_owned());
        }
        number => return Ok(number),
    };
    Ok(match how {
        "abs" => Value::Real(number.abs()),
        "floor" => Value::Real(number.floor()),
        "ceiling" => Value::Real(number.ceil()),
        "truncate" => Value::Real(number.trunc()),
        _ => Value::Real(number.round_ties_even()),
    })
}

//! Conversion and comparison of values: the left value decides (about_Comparison_Operators,
//! about_Type_Conversion). A value that cannot be converted is an error, never an answer.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::number;
use super::text;
use super::typed::{Kind, Typed};
use super::value::Value;

/// The context that conversions depend on besides the values.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// The current time; a time of day alone belongs to this day.
    pub(super) now: Timestamp,
    /// True if letter case counts.
    pub(super) case: bool,
}

/// Why two values cannot be compared: the sentence of PowerShell, and the reason.
fn incomparable(left: &Value, right: &Value, why: &str) -> String {
    format!("Could not compare \"{}\" to \"{}\": {why}", left.in_text(), right.in_text())
}

/// Returns whether both values are equal, after converting the right one to the type of the left one.
///
/// # Errors
///
/// Fails if the right value cannot be converted.
pub(super) fn equal(left: &Value, right: &Value, terms: Terms) -> Result<bool, String> {
    let because = |why: String| incomparable(left, right, &why);
    match (left, right) {
        (Value::Null, other) | (other, Value::Null) => Ok(*other == Value::Null),
        (Value::Text(left), right) => Ok(same_text(left, &right.in_text(), terms.case)),
        (Value::Bool(left), right) => Ok(*left == right.is_true()),
        // An empty text is no value of these types, and everybody knows what is meant.
        (Value::Typed(_) | Value::Date(_) | Value::Span(_), Value::Text(text)) if text.is_empty() => {
            Ok(false)
        }
        (Value::Typed(left), right) => {
            typed(left.kind(), right).map(|right| left.equals(&right)).map_err(because)
        }
        (Value::Date(_) | Value::Span(_) | Value::Integer(_) | Value::Real(_), _) => {
            order(left, right, terms).map(Ordering::is_eq)
        }
        (Value::Type(left), Value::Type(right)) => Ok(type_called(left) == type_called(right)),
        (Value::File(left), Value::File(right)) => Ok(left == right),
        (Value::Object(left), Value::Object(right)) => Ok(left == right),
        (Value::List(_) | Value::Table(_) | Value::Block(_), _) => Ok(false),
        (Value::Object(_), _) => {
            Err(because("an object is compared by one of its properties, such as $_.Name".to_owned()))
        }
        (Value::Type(_) | Value::File(_), _) => Ok(false),
    }
}

/// Which of both is the greater, the right one converted to the type of the left one.
///
/// # Errors
///
/// That it cannot be converted, or that the type has no order.
pub(super) fn order(left: &Value, right: &Value, terms: Terms) -> Result<Ordering, String> {
    let because = |why: String| incomparable(left, right, &why);
    match (left, right) {
        (Value::Null, Value::Null) => Ok(Ordering::Equal),
        // Nothing comes before everything but a negative number.
        (Value::Null, Value::Integer(number)) if *number < 0 => Ok(Ordering::Greater),
        (Value::Null, _) => Ok(Ordering::Less),
        (Value::Integer(number), Value::Null) if *number < 0 => Ok(Ordering::Less),
        (_, Value::Null) => Ok(Ordering::Greater),
        (Value::Text(left), right) => Ok(order_of_texts(left, &right.in_text(), terms.case)),
        (Value::Bool(left), right) => Ok(left.cmp(&right.is_true())),
        (Value::Integer(_) | Value::Real(_), right) => {
            let number = to_number(right).map_err(because)?;
            // A text with a fraction beside a whole number becomes a whole number, as PowerShell has it.
            let right = match (left, right, number) {
                (Value::Integer(_), Value::Text(_), Value::Real(real)) => {
                    Value::Integer(number::whole(real).map_err(because)?)
                }
                (_, _, number) => number,
            };
            order_of_numbers(left, &right).ok_or_else(|| because("one of them is no number".to_owned()))
        }
        (Value::Date(left), right) => {
            to_date(right, terms.now).map(|right| left.cmp(&right)).map_err(because)
        }
        (Value::Span(left), right) => to_span(right).map(|right| left.cmp(&right)).map_err(because),
        (Value::Typed(one), right) => {
            let other = typed(one.kind(), right).map_err(because)?;
            match (one.number(), other.number()) {
                (Some(one), Some(other)) => Ok(one.cmp(&other)),
                _ => Err(because(format!("values of the type {} have no order", one.kind().name()))),
            }
        }
        (
            Value::List(_)
            | Value::Table(_)
            | Value::Object(_)
            | Value::File(_)
            | Value::Type(_)
            | Value::Block(_),
            _,
        ) => Err(because(format!("values of the type {} have no order", left.type_name()))),
    }
}

fn order_of_numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Real(right)) => number::real(*left).partial_cmp(right),
        (Value::Real(left), Value::Integer(right)) => left.partial_cmp(&number::real(*right)),
        (Value::Real(left), Value::Real(right)) => left.partial_cmp(right),
        _ => None,
    }
}

pub(super) fn same_text(left: &str, right: &str, case: bool) -> bool {
    left == right || (!case && left.to_lowercase() == right.to_lowercase())
}

/// Texts in the order of a dictionary: letter case decides between two that are alike otherwise.
fn order_of_texts(left: &str, right: &str, case: bool) -> Ordering {
    let order = left.to_lowercase().cmp(&right.to_lowercase());
    if case && order.is_eq() {
        // In a dictionary the small letter stands first.
        right.cmp(left)
    } else {
        order
    }
}

/// The value as a number.
///
/// # Errors
///
/// That it is none.
pub(super) fn to_number(value: &Value) -> Result<Value, String> {
    match value {
        Value::Integer(_) | Value::Real(_) => Ok(value.clone()),
        Value::Null => Ok(Value::Integer(0)),
        Value::Bool(value) => Ok(Value::Integer(i64::from(*value))),
        Value::Text(text) => number::of_text(text),
        Value::Typed(typed) => match typed.number().map(i64::try_from) {
            Some(Ok(number)) => Ok(Value::Integer(number)),
            _ => Err(format!("`{typed}` of the type {} is not a number", typed.kind().name())),
        },
        Value::Date(_)
        | Value::Span(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Object(_)
        | Value::File(_)
        | Value::Type(_)
        | Value::Block(_) => Err(format!("`{}` is not a number", value.in_text())),
    }
}

/// The value as a whole number.
///
/// # Errors
///
/// That it is none.
pub(super) fn to_integer(value: &Value) -> Result<i64, String> {
    match to_number(value)? {
        Value::Real(number) => number::whole(number),
        Value::Integer(number) => Ok(number),
        other => Err(format!("`{}` is not a number", other.in_text())),
    }
}

/// The value as a DateTime.
///
/// # Errors
///
/// That it is none.
pub(super) fn to_date(value: &Value, now: Timestamp) -> Result<Timestamp, String> {
    match value {
        Value::Date(date) => Ok(*date),
        Value::Text(text) => text::instant(text, now),
        Value::Integer(_) | Value::Real(_) => Err(format!(
            "`{value}` would be a DateTime so many ticks after the year 1; write a date in quotes"
        )),
        Value::Null
        | Value::Bool(_)
        | Value::Span(_)
        | Value::Typed(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Object(_)
        | Value::File(_)
        | Value::Type(_)
        | Value::Block(_) => Err(format!("`{}` is not a DateTime", value.in_text())),
    }
}

/// The value as a TimeSpan.
///
/// # Errors
///
/// That it is none.
pub(super) fn to_span(value: &Value) -> Result<SignedDuration, String> {
    match value {
        Value::Span(span) => Ok(*span),
        Value::Text(text) => text::read_span(text),
        Value::Integer(0) => Ok(SignedDuration::ZERO),
        Value::Integer(_) | Value::Real(_) => Err(format!(
            "`{value}` would be a time span of so many ticks of 100 nanoseconds; write '00:05:00'"
        )),
        Value::Null
        | Value::Bool(_)
        | Value::Date(_)
        | Value::Typed(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Object(_)
        | Value::File(_)
        | Value::Type(_)
        | Value::Block(_) => Err(format!("`{}` is not a time span", value.in_text())),
    }
}

/// The value as one of Exchange's own types.
fn typed(kind: Kind, value: &Value) -> Result<Typed, String> {
    match value {
        Value::Typed(typed) if typed.kind() == kind => Ok(typed.clone()),
        Value::Integer(number) => kind.of_number(*number),
        Value::Text(_) | Value::Typed(_) => kind.read(&value.in_text()),
        Value::List(items) => {
            let names: Vec<String> = items.iter().map(Value::in_text).collect();
            kind.read(&names.join(", "))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Real(_)
        | Value::Date(_)
        | Value::Span(_)
        | Value::Table(_)
        | Value::Object(_)
        | Value::File(_)
        | Value::Type(_)
        | Value::Block(_) => Err(format!("`{}` is no {}", value.in_text(), kind.name())),
    }
}

/// A type, by what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Integer,
    Real,
    Bool,
    Date,
    Span,
    Bytes,
    List,
    Texts,
    Table,
    Object,
}

/// The type of this name, `System.` and letter case aside.
pub(super) fn type_called(name: &str) -> Option<Type> {
    let name = name.to_ascii_lowercase();
    let bare = name.strip_prefix("system.").unwrap_or(&name);
    Some(match bare {
        "string" => Type::Text,
        "int" | "int32" | "long" | "int64" | "uint32" | "uint64" | "int16" | "byte" => Type::Integer,
        "double" | "single" | "float" | "decimal" => Type::Real,
        "bool" | "boolean" | "switch" => Type::Bool,
        "datetime" => Type::Date,
        "timespan" => Type::Span,
        "byte[]" => Type::Bytes,
        "array" | "object[]" => Type::List,
        "string[]" => Type::Texts,
        "hashtable" | "collections.hashtable" => Type::Table,
        "pscustomobject" | "psobject" | "object" | "management.automation.psobject" => Type::Object,
        _ => return None,
    })
}

/// The names of types that are known here, for who has written another one.
pub(super) const TYPES: &str =
    "string, int, long, double, bool, datetime, timespan, array, string[], byte[], hashtable, pscustomobject";

/// The value converted to a type.
///
/// # Errors
///
/// That it cannot be.
pub(super) fn cast(value: Value, to: Type, now: Timestamp) -> Result<Value, String> {
    match to {
        Type::Text => Ok(Value::Text(value.in_text())),
        Type::Integer => to_integer(&value).map(Value::Integer),
        Type::Real => match to_number(&value)? {
            Value::Integer(number) => Ok(Value::Real(number::real(number))),
            number => Ok(number),
        },
        Type::Bool => Ok(Value::Bool(value.is_true())),
        Type::Date => to_date(&value, now).map(Value::Date),
        Type::Span => to_span(&value).map(Value::Span),
        Type::Bytes => match value {
            // Bytes are passed through: a file that lies outside, or content that was written here.
            Value::File(_) | Value::Text(_) | Value::Object(_) | Value::List(_) | Value::Null => Ok(value),
            other => Err(format!("`{}` holds no bytes", other.in_text())),
        },
        Type::List => Ok(Value::List(value.each())),
        Type::Texts => Ok(Value::List(value.each().iter().map(|item| Value::Text(item.in_text())).collect())),
        Type::Table => match value {
            Value::Table(_) => Ok(value),
            other => Err(format!("`{}` is no table", other.in_text())),
        },
        Type::Object => match value {
            Value::Table(entries) => Ok(super::value::Object::value(
                entries.iter().map(|(key, value)| (key.as_str(), value.clone())),
                super::view::Layout::Plain,
                "System.Management.Automation.PSCustomObject",
            )),
            other => Ok(other),
        },
    }
}

/// Returns whether the value is of the given type.
pub(super) fn is(value: &Value, of: Type) -> bool {
    match of {
        Type::Text => matches!(value, Value::Text(_)),
        Type::Integer => matches!(value, Value::Integer(_)),
        Type::Real => matches!(value, Value::Real(_)),
        Type::Bool => matches!(value, Value::Bool(_)),
        Type::Date => matches!(value, Value::Date(_)),
        Type::Span => matches!(value, Value::Span(_)),
        Type::Bytes => matches!(value, Value::File(_)),
        Type::List | Type::Texts => matches!(value, Value::List(_)),
        Type::Table => matches!(value, Value::Table(_)),
        Type::Object => *value != Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::cmdlet::typed::CERTIFICATE_STATUS;

    const TERMS: Terms = Terms { now: Timestamp::UNIX_EPOCH, case: false };

    fn date(text: &str) -> Value {
        Value::Date(text::instant(text, Timestamp::UNIX_EPOCH).unwrap())
    }

    #[test]
    fn the_left_value_decides_what_the_right_one_becomes() {
        let size = Value::Typed(Kind::ByteSize.read("36MB").unwrap());
        let services = Value::Typed(Kind::Services.read("IMAP, SMTP").unwrap());
        let fqdn = Value::Typed(Kind::Fqdn.read("mail.contoso.com").unwrap());
        for (left, right, expected) in [
            (date("12/10/2026"), Value::text("12/31/2026"), Ordering::Less),
            (date("12/10/2027"), Value::text("12/31/2026"), Ordering::Greater),
            (Value::text("12/10/2027"), Value::text("12/31/2026"), Ordering::Less),
            (Value::Integer(9), Value::text("10"), Ordering::Less),
            (Value::text("9"), Value::Integer(10), Ordering::Greater),
            (Value::Integer(5), Value::text("5.4"), Ordering::Equal),
            (Value::Integer(5), Value::Real(5.4), Ordering::Less),
            (size.clone(), Value::text("10MB"), Ordering::Greater),
            (size, Value::Integer(37_748_736), Ordering::Equal),
            (services.clone(), Value::text("smtp,imap"), Ordering::Equal),
            (Value::Span(SignedDuration::from_secs(5)), Value::text("00:00:06"), Ordering::Less),
            (Value::Bool(false), Value::text("False"), Ordering::Less),
        ] {
            assert_eq!(order(&left, &right, TERMS), Ok(expected), "{left} {right}");
        }
        assert_eq!(equal(&fqdn, &Value::text("MAIL.contoso.com"), TERMS), Ok(true));
        assert_eq!(equal(&services, &Value::text("SMTP"), TERMS), Ok(false));
        assert_eq!(equal(&Value::text("True"), &Value::Bool(true), TERMS), Ok(true));
        assert_eq!(equal(&Value::text("a"), &Value::Null, TERMS), Ok(false));
    }

    #[test]
    fn what_cannot_be_converted_is_an_error() {
        let status = Value::Typed(CERTIFICATE_STATUS.read("valid").unwrap());
        for (left, right, why) in [
            (date("12/10/2026"), Value::text("31/12/2026"), "not a valid DateTime"),
            (date("12/10/2026"), Value::Integer(5), "ticks"),
            (Value::Integer(5), Value::text("five"), "not a number"),
            (status, Value::text("Vald"), "RevocationCheckFailure"),
            (Value::Span(SignedDuration::ZERO), Value::Integer(5), "00:05:00"),
        ] {
            for wrong in [equal(&left, &right, TERMS).map(|_| ()), order(&left, &right, TERMS).map(|_| ())] {
                let wrong = wrong.unwrap_err();
                assert!(wrong.starts_with("Could not compare") && wrong.contains(why), "{wrong}");
            }
        }
    }
}

//! Numbers as PowerShell reads and writes them (about_Numeric_Literals).

use super::value::Value;

/// The number that is written so, such as `30`, `1.5`, `0x1F` or `10MB`.
pub(super) fn parse(text: &str) -> Option<Value> {
    let (negative, bare) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = bare.to_ascii_lowercase();
    let (digits, factor) = [("kb", 10_u32), ("mb", 20), ("gb", 30), ("tb", 40), ("pb", 50)]
        .into_iter()
        .find_map(|(unit, power)| Some((lower.strip_suffix(unit)?, 1_i64 << power)))
        .unwrap_or((&lower, 1));
    let hexadecimal = digits.strip_prefix("0x");
    if let Some(digits) = hexadecimal {
        let number = i64::from_str_radix(digits, 16).ok()?.checked_mul(factor)?;
        return Some(Value::Integer(if negative { number.checked_neg()? } else { number }));
    }
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let digits = digits.strip_suffix('l').unwrap_or(digits);
    let signed = |digits: &str| format!("{}{digits}", if negative { "-" } else { "" });
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(number) = signed(digits).parse::<i64>().ok().and_then(|it| it.checked_mul(factor))
    {
        return Some(Value::Integer(number));
    }
    let real = digits.strip_suffix('d').unwrap_or(digits);
    if !real.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-')) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    let number = signed(real).parse::<f64>().ok()? * factor as f64;
    number.is_finite().then_some(Value::Real(number))
}

/// The number that a text is converted to; an empty one is 0, as in PowerShell.
///
/// # Errors
///
/// That it is none.
pub(super) fn of_text(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Integer(0));
    }
    parse(text.trim()).ok_or_else(|| format!("`{text}` is not a number"))
}

/// The whole number nearest to `number`; halves go to the even one.
///
/// # Errors
///
/// That there is none that can be kept.
pub(super) fn whole(number: f64) -> Result<i64, String> {
    let rounded = number.round_ties_even();
    #[expect(clippy::cast_precision_loss, reason = "the bounds are what matters")]
    let fits = rounded >= i64::MIN as f64 && rounded < i64::MAX as f64;
    if !fits {
        return Err(format!("{number} is too great a number"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within the bounds")]
    Ok(rounded as i64)
}

/// The number as one with a fraction.
#[expect(clippy::cast_precision_loss, reason = "as in PowerShell")]
pub(super) fn real(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_form_that_powershell_has() {
        for (text, number) in [
            ("30", Value::Integer(30)),
            ("-5", Value::Integer(-5)),
            ("10MB", Value::Integer(10 << 20)),
            ("0x1F", Value::Integer(31)),
            ("1.5", Value::Real(1.5)),
            ("1e3", Value::Real(1000.0)),
            ("0.5kb", Value::Real(512.0)),
            ("12L", Value::Integer(12)),
        ] {
            assert_eq!(parse(text), Some(number), "{text}");
        }
        for text in ["", "abc", "1.2.3", "12abc", "0x", "e3", "--5", "1e999"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(whole(2.5), Ok(2));
        assert!(whole(1e300).is_err());
    }
}

//! Application of operators to two values (about_Operators).

use std::cmp::Ordering;

use super::convert::{Terms, equal, order, to_date, to_integer, to_number, to_span};
use super::error::{Span, Wrong};
use super::number;
use super::operator::{Operator, OperatorKind};
use super::pattern::{Wildcard, regex, replacement};
use super::run::{HEAVIEST, Run};
use super::text;
use super::value::Value;

impl Run<'_> {
    /// Returns the context that conversions depend on here.
    pub(super) fn terms(&self, case: bool) -> Terms {
        Terms { now: self.now, case }
    }

    /// Applies `operator` to both values. A comparison filters a list on its left.
    pub(super) fn operate(
        &mut self,
        left: Value,
        operator: Operator,
        right: Value,
        span: Span,
    ) -> Result<Value, Wrong> {
        use OperatorKind as Kind;
        self.step((left.weight() + right.weight()) / 64, span)?;
        let wrong = |why: String| Wrong::argument(span, why);
        match operator.kind {
            Kind::And => Ok(Value::Bool(left.is_true() && right.is_true())),
            Kind::Or => Ok(Value::Bool(left.is_true() || right.is_true())),
            Kind::Xor => Ok(Value::Bool(left.is_true() != right.is_true())),
            Kind::BitAnd | Kind::BitOr | Kind::BitXor => {
                bits(&left, operator.kind, &right).map_err(|why| wrong(format!("{operator}: {why}")))
            }
            Kind::Eq
            | Kind::Ne
            | Kind::Gt
            | Kind::Ge
            | Kind::Lt
            | Kind::Le
            | Kind::Like
            | Kind::NotLike
            | Kind::Match
            | Kind::NotMatch => self.compared(left, operator, &right, span),
            Kind::Contains => self.contains(&left, &right, operator).map(Value::Bool),
            Kind::NotContains => self.contains(&left, &right, operator).map(|found| Value::Bool(!found)),
            Kind::In => self.contains(&right, &left, operator).map(Value::Bool),
            Kind::NotIn => self.contains(&right, &left, operator).map(|found| Value::Bool(!found)),
            Kind::Replace => replace(left, &right, operator.heeds_case()).map_err(wrong),
            Kind::Split => split(left, &right, operator.heeds_case()).map_err(wrong),
            Kind::Join => {
                let items: Vec<String> = left.each().iter().map(Value::in_text).collect();
                let separator = right.in_text();
                let more = separator.len().saturating_mul(items.len());
                if more > HEAVIEST {
                    return Err(wrong("the text would become too long".to_owned()));
                }
                Ok(Value::Text(items.join(&separator)))
            }
            Kind::Format => {
                let items = match right {
                    Value::List(items) => items,
                    only => vec![only],
                };
                text::format(&left.in_text(), &items)
                    .map(Value::Text)
                    .map_err(|why| wrong(format!("Error formatting a string: {why}")))
            }
            Kind::Add | Kind::Subtract | Kind::Multiply | Kind::Divide | Kind::Remainder => {
                self.calculated(left, operator.kind, right).map_err(|why| wrong(format!("{operator}: {why}")))
            }
            Kind::Range => range(&left, &right).map_err(wrong),
            Kind::Is | Kind::IsNot | Kind::As => {
                Err(wrong(format!("{operator} is followed by a type in brackets, such as [datetime]")))
            }
        }
    }

    /// A comparison, or of a list the items for which it holds.
    fn compared(
        &mut self,
        left: Value,
        operator: Operator,
        right: &Value,
        span: Span,
    ) -> Result<Value, Wrong> {
        let Value::List(items) = left else {
            let holds = self.holds(&left, operator, right, span)?;
            return Ok(Value::Bool(holds));
        };
        let mut kept = Vec::new();
        for item in items {
            self.step(1, span)?;
            if self.holds(&item, operator, right, span)? {
                kept.push(item);
            }
        }
        Ok(Value::List(kept))
    }

    fn holds(&mut self, left: &Value, operator: Operator, right: &Value, span: Span) -> Result<bool, Wrong> {
        use OperatorKind as Kind;
        let terms = self.terms(operator.heeds_case());
        if let (Value::Bool(_), Value::Text(text)) = (left, right) {
            let name = text.trim_start_matches('$');
            if name.eq_ignore_ascii_case("false") || text == "0" {
                self.warn(format!(
                    "PowerShell takes the text '{text}' for $true, as every text with letters; write $false."
                ));
            }
        }
        let wrong = |why: String| Wrong::argument(span, why);
        let order = || order(left, right, terms).map_err(wrong);
        match operator.kind {
            Kind::Eq => equal(left, right, terms).map_err(wrong),
            Kind::Ne => equal(left, right, terms).map(|equal| !equal).map_err(wrong),
            Kind::Gt => order().map(Ordering::is_gt),
            Kind::Ge => order().map(Ordering::is_ge),
            Kind::Lt => order().map(Ordering::is_lt),
            Kind::Le => order().map(Ordering::is_le),
            Kind::Like | Kind::NotLike => {
                let pattern = Wildcard::new(&right.in_text(), operator.heeds_case()).map_err(wrong)?;
                Ok(pattern.fits(&left.in_text()) == (operator.kind == Kind::Like))
            }
            Kind::Match | Kind::NotMatch => {
                let regex = self.regex(&right.in_text(), operator.heeds_case(), span)?;
                let text = left.in_text();
                let found = regex.captures(&text);
                let is_match = found.is_some();
                if let Some(found) = found {
                    let named = regex.capture_names().enumerate().filter_map(|(at, name)| {
                        let name = name.map_or_else(|| at.to_string(), str::to_owned);
                        Some((name, Value::text(found.get(at)?.as_str())))
                    });
                    self.assign("Matches", Value::Table(named.collect()), span)?;
                }
                Ok(is_match == (operator.kind == Kind::Match))
            }
            Kind::And
            | Kind::Or
            | Kind::Xor
            | Kind::BitAnd
            | Kind::BitOr
            | Kind::BitXor
            | Kind::Contains
            | Kind::NotContains
            | Kind::In
            | Kind::NotIn
            | Kind::Replace
            | Kind::Split
            | Kind::Join
            | Kind::Is
            | Kind::IsNot
            | Kind::As
            | Kind::Add
            | Kind::Subtract
            | Kind::Multiply
            | Kind::Divide
            | Kind::Remainder
            | Kind::Format
            | Kind::Range => Err(wrong(format!("{operator} compares nothing"))),
        }
    }

    /// The expression that was read last, or a new one: a pipeline asks for the same again and again.
    fn regex(&mut self, pattern: &str, case: bool, span: Span) -> Result<regex::Regex, Wrong> {
        if let Some((_, _, regex)) =
            self.regex.as_ref().filter(|(known, of, _)| known == pattern && *of == case)
        {
            return Ok(regex.clone());
        }
        let read = regex(pattern, case).map_err(|why| Wrong::argument(span, why))?;
        self.step(1000, span)?;
        self.regex = Some((pattern.to_owned(), case, read.clone()));
        Ok(read)
    }

    /// Returns whether one of the items equals `wanted`. An item that cannot be compared is not equal.
    fn contains(&self, items: &Value, wanted: &Value, operator: Operator) -> Result<bool, Wrong> {
        let terms = self.terms(operator.heeds_case());
        let same = |item: &Value| equal(item, wanted, terms) == Ok(true);
        Ok(match items {
            Value::List(items) => items.iter().any(same),
            only => same(only),
        })
    }

    fn calculated(&self, left: Value, kind: OperatorKind, right: Value) -> Result<Value, String> {
        use OperatorKind as Kind;
        match (left, kind, right) {
            (Value::Null, Kind::Add, right) => Ok(right),
            (Value::Text(left), Kind::Add, right) => {
                let right = right.in_text();
                if left.len().saturating_add(right.len()) > HEAVIEST {
                    return Err("the text would become too long".to_owned());
                }
                Ok(Value::Text(left + &right))
            }
            (Value::List(mut left), Kind::Add, right) => {
                match right {
                    Value::List(right) => left.extend(right),
                    only => left.push(only),
                }
                Ok(Value::List(left))
            }
            (Value::Table(mut left), Kind::Add, Value::Table(right)) => {
                for (key, value) in right {
                    if left.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
                        return Err(format!("the key {key} is there already"));
                    }
                    left.push((key, value));
                }
                Ok(Value::Table(left))
            }
            (Value::Text(left), Kind::Multiply, right) => {
                let times = usize::try_from(to_integer(&right)?).map_err(|_| "it is negative".to_owned())?;
                if left.len().saturating_mul(times) > HEAVIEST {
                    return Err("the text would become too long".to_owned());
                }
                Ok(Value::Text(left.repeat(times)))
            }
            (Value::Date(left), Kind::Add, right) => {
                let span = to_span(&right)?;
                left.checked_add(span).map(Value::Date).map_err(|_| "there is no such date".to_owned())
            }
            (Value::Date(left), Kind::Subtract, Value::Span(span)) => {
                left.checked_sub(span).map(Value::Date).map_err(|_| "there is no such date".to_owned())
            }
            (Value::Date(left), Kind::Subtract, right) => {
                let right = to_date(&right, self.now)?;
                Ok(Value::Span(left.duration_since(right)))
            }
            (Value::Span(left), Kind::Add | Kind::Subtract, right) => {
                let right = to_span(&right)?;
                let sum = if kind == Kind::Add { left.checked_add(right) } else { left.checked_sub(right) };
                sum.map(Value::Span).ok_or_else(|| "there is no such time span".to_owned())
            }
            (left, kind, right) => {
                if matches!(left, Value::Object(_) | Value::List(_) | Value::Table(_)) {
                    return Err(format!(
                        "a value of the type {} cannot be calculated with; PowerShell joins texts, and lists with lists",
                        left.type_name()
                    ));
                }
                numbers(&to_number(&left)?, kind, &to_number(&right)?)
            }
        }
    }
}

fn numbers(left: &Value, kind: OperatorKind, right: &Value) -> Result<Value, String> {
    use OperatorKind as Kind;
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        if matches!(kind, Kind::Divide | Kind::Remainder) && *right == 0 {
            return Err("Attempted to divide by zero.".to_owned());
        }
        let whole = match kind {
            Kind::Add => left.checked_add(*right),
            Kind::Subtract => left.checked_sub(*right),
            Kind::Multiply => left.checked_mul(*right),
            Kind::Divide => left.checked_div(*right).filter(|_| left.checked_rem(*right) == Some(0)),
            _ => left.checked_rem(*right),
        };
        if let Some(whole) = whole {
            return Ok(Value::Integer(whole));
        }
    }
    let real = |value: &Value| match value {
        Value::Integer(number) => number::real(*number),
        Value::Real(number) => *number,
        _ => 0.0,
    };
    let (left, right) = (real(left), real(right));
    let number = match kind {
        Kind::Add => left + right,
        Kind::Subtract => left - right,
        Kind::Multiply => left * right,
        Kind::Divide => left / right,
        _ => left % right,
    };
    if number.is_finite() { Ok(Value::Real(number)) } else { Err("there is no such number".to_owned()) }
}

fn bits(left: &Value, kind: OperatorKind, right: &Value) -> Result<Value, String> {
    let right = match (left, right) {
        (Value::Typed(typed), Value::Text(text)) => to_integer(&Value::Typed(typed.kind().read(text)?))?,
        _ => to_integer(right)?,
    };
    let left = to_integer(left)?;
    Ok(Value::Integer(match kind {
        OperatorKind::BitAnd => left & right,
        OperatorKind::BitOr => left | right,
        _ => left ^ right,
    }))
}

fn range(from: &Value, to: &Value) -> Result<Value, String> {
    const LONGEST: u64 = 50_000;
    let (from, to) = (to_integer(from)?, to_integer(to)?);
    if from.abs_diff(to) > LONGEST {
        return Err(format!("a range has at most {LONGEST} numbers here"));
    }
    let numbers: Vec<Value> = if from <= to {
        (from..=to).map(Value::Integer).collect()
    } else {
        (to..=from).rev().map(Value::Integer).collect()
    };
    Ok(Value::List(numbers))
}

/// Does `work` on the text of a value, or on the text of each item of a list.
fn on_texts(value: Value, mut work: impl FnMut(&str) -> Result<Value, String>) -> Result<Value, String> {
    match value {
        Value::List(items) => {
            let items: Result<Vec<Value>, String> = items.iter().map(|item| work(&item.in_text())).collect();
            Ok(Value::List(items?.into_iter().flat_map(Value::each).collect()))
        }
        only => work(&only.in_text()),
    }
}

fn replace(left: Value, right: &Value, case: bool) -> Result<Value, String> {
    let (pattern, with) = match right {
        Value::List(items) => match items.as_slice() {
            [pattern] => (pattern.in_text(), String::new()),
            [pattern, with] => (pattern.in_text(), with.in_text()),
            _ => return Err("-replace is followed by an expression and a replacement".to_owned()),
        },
        pattern => (pattern.in_text(), String::new()),
    };
    let regex = regex(&pattern, case)?;
    let with = replacement(&with);
    on_texts(left, |text| {
        let mut out = String::new();
        let mut end = 0;
        for found in regex.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            found.expand(&with, &mut out);
            end = whole.end();
            if out.len() > HEAVIEST {
                return Err("the text would become too long".to_owned());
            }
        }
        out.push_str(&text[end..]);
        Ok(Value::Text(out))
    })
}

fn split(left: Value, right: &Value, case: bool) -> Result<Value, String> {
    let (pattern, at_most) = match right {
        Value::List(items) => match items.as_slice() {
            [pattern] => (pattern, 0),
            [pattern, at_most] => (pattern, to_integer(at_most)?),
            _ => return Err("-split is followed by an expression and the number of parts".to_owned()),
        },
        pattern => (pattern, 0),
    };
    if matches!(pattern, Value::Block(_)) {
        return Err("a block is not supported behind -split here; write an expression".to_owned());
    }
    let regex = regex(&pattern.in_text(), case)?;
    let at_most =
        usize::try_from(at_most).map_err(|_| "a negative number is not supported here".to_owned())?;
    let parts = on_texts(left, |text| {
        let parts: Vec<Value> = match at_most {
            0 => regex.split(text).map(Value::text).collect(),
            at_most => regex.splitn(text, at_most).map(Value::text).collect(),
        };
        Ok(Value::List(parts))
    })?;
    Ok(parts)
}

//! `Format-List`, `Format-Table`, `Select-Object` and `Where-Object`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::bind::Bound;
use super::error::{Wrong, nearest_first};
use super::run::{Piped, Run};
use super::syntax::{Argument, Command, Comparison, Expression, Node};
use super::value::{Object, Value};
use super::view::{Layout, View, asked, like};

/// `Format-List`.
pub(super) fn format_list(run: &mut Run<'_>, bound: &Bound, values: Vec<Value>) -> Result<Piped, Wrong> {
    let patterns = patterns(run, bound, &values)?;
    Ok(Piped { values, view: View::List(patterns) })
}

/// `Format-Table`.
pub(super) fn format_table(run: &mut Run<'_>, bound: &Bound, values: Vec<Value>) -> Result<Piped, Wrong> {
    let patterns = patterns(run, bound, &values)?;
    Ok(Piped { values, view: View::Table(patterns) })
}

/// `Select-Object`.
pub(super) fn select_object(
    run: &mut Run<'_>,
    bound: &Bound,
    mut values: Vec<Value>,
) -> Result<Piped, Wrong> {
    let count = |name| Ok(bound.number(name)?.map(|count| usize::try_from(count).unwrap_or(usize::MAX)));
    if let Some(first) = count("First")? {
        values.truncate(first);
    }
    if let Some(last) = count("Last")? {
        values.drain(..values.len().saturating_sub(last));
    }
    let patterns = patterns(run, bound, &values)?;
    if let Some(name) = bound.text("ExpandProperty")? {
        let expanded = values.iter().filter_map(as_object).filter_map(|object| object.property(&name));
        let values = expanded.flat_map(|value| value.clone().each()).collect();
        return Ok(Piped { values, view: View::Default });
    }
    if patterns.is_empty() {
        return Ok(Piped { values, view: View::Default });
    }
    let select = |value: Value| match &value {
        Value::Object(object) => {
            let chosen = asked(object, &patterns);
            let properties = chosen.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
            Value::Object(Arc::new(Object {
                properties: properties.collect(),
                layout: Layout::Plain,
                identity: object.identity.clone(),
            }))
        }
        _ => value,
    };
    Ok(Piped { values: values.into_iter().map(select).collect(), view: View::Default })
}

/// `Where-Object Property -eq value` and `Where-Object { $_.Property -eq value }`.
pub(super) fn where_object(
    run: &mut Run<'_>,
    command: &Command,
    mut values: Vec<Value>,
) -> Result<Piped, Wrong> {
    let comparisons = match command.arguments.as_slice() {
        [Argument::Value(Expression { node: Node::Filter(comparisons), .. })]
        | [_, Argument::Value(Expression { node: Node::Filter(comparisons), .. })] => comparisons.clone(),
        [
            Argument::Value(Expression { node: Node::Text(property), .. }),
            Argument::Parameter { name, value: None, span },
            Argument::Value(value),
        ] => vec![Comparison {
            property: property.clone(),
            operator: name.clone(),
            value: value.clone(),
            span: *span,
        }],
        _ => {
            let wrong = "Where-Object reads `EventID -eq 12014` or `{ $_.EventID -eq 12014 }`";
            return Err(Wrong::argument(command.span, wrong));
        }
    };
    for Comparison { property, operator, value, span } in comparisons {
        let wanted = run.expression(&value)?;
        let holds = operator_called(&operator).ok_or_else(|| {
            let known = nearest_first(&operator, OPERATORS.iter().map(|(name, _)| *name));
            Wrong::unknown(span, format!("there is no operator -{operator} here; there are: {known}"))
        })?;
        note_unknown(run, &values, &property);
        values.retain(|value| {
            let found = as_object(value).and_then(|object| object.property(&property));
            holds(found.unwrap_or(&Value::Null), &wanted)
        });
    }
    Ok(Piped { values, view: View::Default })
}

fn patterns(run: &mut Run<'_>, bound: &Bound, values: &[Value]) -> Result<Vec<String>, Wrong> {
    let Some(given) = bound.get("Property") else {
        return Ok(Vec::new());
    };
    let items = given.value.clone().each();
    if items.iter().any(|item| matches!(item, Value::Table(_))) {
        return Err(Wrong::argument(given.span, "properties are named here, not calculated"));
    }
    let patterns = bound.texts("Property");
    for pattern in patterns.iter().filter(|pattern| !pattern.contains(['*', '?'])) {
        note_unknown(run, values, pattern);
    }
    Ok(patterns)
}

/// PowerShell leaves such a column empty and says nothing; a lab says so.
fn note_unknown(run: &mut Run<'_>, values: &[Value], property: &str) {
    let Some(first) = values.iter().find_map(as_object) else {
        return;
    };
    if first.property(property).is_none() {
        let known = nearest_first(property, first.properties.iter().map(|(name, _)| name.as_str()));
        run.warn(format!("there is no property {property} here; there are: {known}"));
    }
}

fn as_object(value: &Value) -> Option<&Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// What an operator asks of a property and the value beside it (about_Comparison_Operators).
type Operator = fn(&Value, &Value) -> bool;

const OPERATORS: &[(&str, Operator)] = &[
    ("eq", |found, wanted| compare(found, wanted) == Ordering::Equal),
    ("ne", |found, wanted| compare(found, wanted) != Ordering::Equal),
    ("gt", |found, wanted| compare(found, wanted) == Ordering::Greater),
    ("ge", |found, wanted| compare(found, wanted) != Ordering::Less),
    ("lt", |found, wanted| compare(found, wanted) == Ordering::Less),
    ("le", |found, wanted| compare(found, wanted) != Ordering::Greater),
    ("like", |found, wanted| like(&wanted.to_string(), &found.in_text())),
    ("notlike", |found, wanted| !like(&wanted.to_string(), &found.in_text())),
    ("contains", |found, wanted| {
        found.clone().each().iter().any(|item| compare(item, wanted) == Ordering::Equal)
    }),
];

fn operator_called(name: &str) -> Option<Operator> {
    OPERATORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, operator)| *operator)
}

/// Numbers as numbers, everything else as text without letter case.
fn compare(found: &Value, wanted: &Value) -> Ordering {
    let (found, wanted) = (found.to_string().to_lowercase(), wanted.to_string().to_lowercase());
    match (found.parse::<i64>(), wanted.parse::<i64>()) {
        (Ok(found), Ok(wanted)) => found.cmp(&wanted),
        _ => found.cmp(&wanted),
    }
}

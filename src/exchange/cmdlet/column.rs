//! `-Property` of the cmdlets that work on a pipeline: names of properties, patterns of names, and properties
//! that are calculated.

use std::sync::Arc;

use super::bind::Bound;
use super::error::{Span, Wrong, nearest_first};
use super::member;
use super::run::Run;
use super::syntax::Script;
use super::value::{Object, Value};
use super::view::{Layout, asked};

/// A property by its name, or one that is calculated: a block, or `@{n='Name'; e={...}}`.
pub(super) struct Column {
    name: String,
    how: How,
    pub(super) descending: bool,
}

enum How {
    Property(String),
    Block(Arc<Script>),
}

impl Column {
    pub(super) fn of(&self, run: &mut Run<'_>, value: &Value, span: Span) -> Result<Value, Wrong> {
        match &self.how {
            How::Property(name) => member::property(value, name, span),
            How::Block(block) => Ok(Value::of(run.block(block, value.clone(), span)?)),
        }
    }

    fn read(value: &Value, span: Span) -> Result<Self, Wrong> {
        let Value::Table(entries) = value else {
            return Ok(match value {
                Value::Block(block) => {
                    Self { name: block.to_string(), how: How::Block(Arc::clone(block)), descending: false }
                }
                name => {
                    let name = name.in_text();
                    Self { name: name.clone(), how: How::Property(name), descending: false }
                }
            });
        };
        let (mut name, mut how, mut descending) = (None, None, false);
        for (key, value) in entries {
            match key.to_ascii_lowercase().as_str() {
                "n" | "name" | "l" | "label" => name = Some(value.in_text()),
                "e" | "expression" => {
                    how = Some(match value {
                        Value::Block(block) => How::Block(Arc::clone(block)),
                        property => How::Property(property.in_text()),
                    });
                }
                "descending" => descending = value.is_true(),
                "ascending" => descending = !value.is_true(),
                // Width and the like change how a table looks, and a lab cuts nothing.
                "width" | "align" | "alignment" | "formatstring" => {}
                _ => {
                    let wrong = format!("the key {key} is not one of Name, Expression");
                    return Err(Wrong::argument(span, wrong));
                }
            }
        }
        let how = how.ok_or_else(|| {
            Wrong::argument(span, "a calculated property is written @{Name='...'; Expression={...}}")
        })?;
        let name = name.unwrap_or_else(|| match &how {
            How::Property(name) => name.clone(),
            How::Block(block) => block.to_string(),
        });
        Ok(Self { name, how, descending })
    }
}

/// Returns the columns that `-Property` names.
pub(super) fn columns(bound: &Bound) -> Result<Vec<Column>, Wrong> {
    let Some(given) = bound.get("Property") else {
        return Ok(Vec::new());
    };
    // One table is one column, though its entries could be taken one by one.
    let items = match &given.value {
        Value::List(items) => items.clone(),
        only => vec![only.clone()],
    };
    items.iter().map(|item| Column::read(item, given.span)).collect()
}

/// The choice that `-Property` makes.
pub(super) enum Chosen {
    /// The values as they are, and the patterns of the properties.
    Named(Vec<Value>, Vec<String>),
    /// Objects that were made of calculated properties.
    Made(Vec<Value>),
}

/// Reads `-Property`, and applies what it calculates to `values`.
pub(super) fn chosen(run: &mut Run<'_>, bound: &Bound, values: Vec<Value>) -> Result<Chosen, Wrong> {
    let Some(given) = bound.get("Property") else {
        return Ok(Chosen::Named(values, Vec::new()));
    };
    let items = match &given.value {
        Value::List(items) => items.clone(),
        only => vec![only.clone()],
    };
    if !items.iter().any(|item| matches!(item, Value::Table(_) | Value::Block(_))) {
        let patterns: Vec<String> = items.iter().map(Value::in_text).collect();
        for pattern in patterns.iter().filter(|pattern| !pattern.contains(['*', '?'])) {
            note_unknown(run, &values, pattern);
        }
        return Ok(Chosen::Named(values, patterns));
    }
    let columns: Result<Vec<Column>, Wrong> =
        items.iter().map(|item| Column::read(item, given.span)).collect();
    let columns = columns?;
    let mut made = Vec::new();
    for value in values {
        let mut properties: Vec<(String, Value)> = Vec::new();
        for column in &columns {
            match (&column.how, &value) {
                (How::Property(name), Value::Object(object)) => {
                    let named = asked(object, std::slice::from_ref(name));
                    let renamed = named.len() == 1 && !name.contains(['*', '?']);
                    properties.extend(named.into_iter().map(|(known, value)| {
                        let shown = if renamed && column.name != *name { &column.name } else { known };
                        (shown.to_owned(), value.clone())
                    }));
                }
                _ => properties.push((column.name.clone(), column.of(run, &value, given.span)?)),
            }
        }
        let identity = value.in_text();
        let properties = properties.iter().map(|(name, value)| (name.as_str(), value.clone()));
        made.push(Object::value(properties, Layout::Plain, identity));
    }
    Ok(Chosen::Made(made))
}

/// PowerShell leaves such a column empty and says nothing; a lab says so.
fn note_unknown(run: &mut Run<'_>, values: &[Value], property: &str) {
    let objects = values.iter().find_map(|value| match value {
        Value::Object(object) => Some(object),
        _ => None,
    });
    let Some(first) = objects else {
        return;
    };
    if first.property(property).is_none() {
        let known = nearest_first(property, first.properties.iter().map(|(name, _)| name.as_str()));
        run.warn(format!("there is no property {property} here; there are: {known}"));
    }
}

//! What cmdlets hand on to each other: values, and objects with properties.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use super::view::Layout;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `$null`.
    Null,
    /// `$true` or `$false`.
    Bool(bool),
    /// A text, a number among them.
    Text(String),
    /// An instant.
    Date(Timestamp),
    /// Several values.
    List(Vec<Value>),
    /// `@{Add="a"}`.
    Table(Vec<(String, Value)>),
    /// What a cmdlet found or made.
    Object(Arc<Object>),
    /// The octets of a file that lies outside the lab.
    File(String),
}

/// What a cmdlet found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The properties, in the order in which they are shown.
    pub properties: Vec<Property>,
    /// How it is shown when nobody says how.
    pub(super) layout: Layout,
    /// What it is called where a text is wanted.
    pub(super) identity: String,
}

/// A property.
pub type Property = (String, Value);

impl Value {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// `values` as a pipeline leaves them: none, one, or a list.
    pub(super) fn of(mut values: Vec<Self>) -> Self {
        match values.pop() {
            None => Self::Null,
            Some(only) if values.is_empty() => only,
            last => {
                values.extend(last);
                Self::List(values)
            }
        }
    }

    /// The values one by one, as a pipeline takes them.
    pub(super) fn each(self) -> Vec<Self> {
        match self {
            Self::Null => Vec::new(),
            Self::List(items) => items,
            only => vec![only],
        }
    }

    /// How much it holds: characters and items, an object counting once because it is shared.
    pub(super) fn weight(&self) -> usize {
        let all =
            |values: &mut dyn Iterator<Item = &Self>| values.map(Self::weight).fold(1, usize::saturating_add);
        match self {
            Self::Text(text) | Self::File(text) => text.len().saturating_add(1),
            Self::List(items) => all(&mut items.iter()),
            Self::Table(entries) => all(&mut entries.iter().map(|(_, value)| value)),
            Self::Null | Self::Bool(_) | Self::Date(_) | Self::Object(_) => 1,
        }
    }

    /// The value inside a text in double quotes, where the items of a list stand side by side.
    pub(super) fn in_text(&self) -> String {
        match self {
            Self::List(items) => items.iter().map(Self::in_text).collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        }
    }
}

impl Object {
    /// The property called `name`, letter case aside.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl fmt::Display for Value {
    /// The value as `Format-List` shows it; dates as in the United States, in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Text(text) => f.write_str(text),
            Self::Date(date) => {
                let date = date.to_zoned(TimeZone::UTC);
                write!(f, "{}", date.strftime("%-m/%-d/%Y %-I:%M:%S %p"))
            }
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "{{{}}}", items.join(", "))
            }
            Self::Table(entries) => {
                let entries: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
            Self::Object(object) => f.write_str(&object.identity),
            Self::File(path) => write!(f, "(the octets of {path})"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Text(text) => to.serialize_str(text),
            Self::Date(date) => date.serialize(to),
            Self::List(items) => items.serialize(to),
            Self::Table(entries) => to.collect_map(entries.iter().map(|(key, value)| (key, value))),
            Self::Object(object) => object.serialize(to),
            Self::File(_) => to.collect_str(self),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.properties.iter().map(|(name, value)| (name, value)))
    }
}

//! The values that cmdlets hand on to each other, and objects with properties.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use super::syntax::Script;
use super::text;
use super::typed::Typed;
use super::view::Layout;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `$null`.
    Null,
    /// `$true` or `$false`.
    Bool(bool),
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// A DateTime.
    Date(Timestamp),
    /// A TimeSpan.
    Span(SignedDuration),
    /// A value of one of Exchange's own types, such as a set of services or a size.
    Typed(Typed),
    /// Several values.
    List(Vec<Value>),
    /// `@{Add="a"}`.
    Table(Vec<(String, Value)>),
    /// An object that a cmdlet found or made.
    Object(Arc<Object>),
    /// The bytes of a file that lies outside the lab.
    File(String),
    /// `[datetime]`, by the name as it was typed.
    Type(String),
    /// `{ ... }`.
    Block(Arc<Script>),
}

/// An object that a cmdlet found or made.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The properties, in the order in which they are shown.
    pub properties: Vec<Property>,
    /// The default layout.
    pub(super) layout: Layout,
    /// The text that stands for the object where a text is wanted.
    pub(super) identity: String,
}

/// A property.
pub type Property = (String, Value);

impl Value {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A count.
    pub(super) fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
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

    /// Returns the size: characters and items. An object counts once because it is shared.
    pub(super) fn weight(&self) -> usize {
        let all =
            |values: &mut dyn Iterator<Item = &Self>| values.map(Self::weight).fold(1, usize::saturating_add);
        match self {
            Self::Text(text) | Self::File(text) | Self::Type(text) => text.len().saturating_add(1),
            Self::List(items) => all(&mut items.iter()),
            Self::Table(entries) => all(&mut entries.iter().map(|(_, value)| value)),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Real(_)
            | Self::Date(_)
            | Self::Span(_)
            | Self::Typed(_)
            | Self::Object(_)
            | Self::Block(_) => 1,
        }
    }

    /// Returns the work of making it, in steps of a script. A connector has a hundred properties, each of which is
    /// made for it.
    pub(super) fn work(&self) -> usize {
        match self {
            Self::Object(object) => object.properties.len() + 1,
            other => other.weight() / 16 + 1,
        }
    }

    /// Returns the depth of nesting.
    pub(super) fn depth(&self) -> usize {
        let deepest =
            |values: &mut dyn Iterator<Item = &Self>| values.map(Self::depth).max().unwrap_or(0) + 1;
        match self {
            Self::List(items) => deepest(&mut items.iter()),
            Self::Table(entries) => deepest(&mut entries.iter().map(|(_, value)| value)),
            Self::Object(object) => deepest(&mut object.properties.iter().map(|(_, value)| value)),
            Self::Null
            | Self::Bool(_)
            | Self::Text(_)
            | Self::Integer(_)
            | Self::Real(_)
            | Self::Date(_)
            | Self::Span(_)
            | Self::Typed(_)
            | Self::File(_)
            | Self::Type(_)
            | Self::Block(_) => 1,
        }
    }

    /// The value where a text is wanted, as PowerShell converts it: the items of a list stand side by side,
    /// and a date is written in the invariant culture, whatever the console shows.
    pub(super) fn in_text(&self) -> String {
        match self {
            Self::List(items) => items.iter().map(Self::in_text).collect::<Vec<_>>().join(" "),
            Self::Date(date) => text::invariant(*date),
            Self::Table(_) => "System.Collections.Hashtable".to_owned(),
            other => other.to_string(),
        }
    }

    /// Returns whether the value counts as true (about_Booleans).
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Text(text) => !text.is_empty(),
            Self::Integer(number) => *number != 0,
            Self::Real(number) => *number != 0.0,
            Self::Typed(typed) => !typed.is_zero(),
            Self::List(items) => match items.as_slice() {
                [] => false,
                [only] => only.is_true(),
                _ => true,
            },
            Self::Date(_)
            | Self::Span(_)
            | Self::Table(_)
            | Self::Object(_)
            | Self::File(_)
            | Self::Type(_)
            | Self::Block(_) => true,
        }
    }

    /// Returns PowerShell's name for the type of the value.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "System.Boolean",
            Self::Text(_) => "System.String",
            Self::Integer(_) => "System.Int64",
            Self::Real(_) => "System.Double",
            Self::Date(_) => "System.DateTime",
            Self::Span(_) => "System.TimeSpan",
            Self::Typed(typed) => typed.kind().type_name(),
            Self::List(_) => "System.Object[]",
            Self::Table(_) => "System.Collections.Hashtable",
            Self::Object(_) => "System.Management.Automation.PSObject",
            Self::File(_) => "System.Byte[]",
            Self::Type(_) => "System.RuntimeType",
            Self::Block(_) => "System.Management.Automation.ScriptBlock",
        }
    }
}

impl Object {
    /// An object of these properties.
    pub(super) fn value<'a>(
        properties: impl IntoIterator<Item = (&'a str, Value)>,
        layout: Layout,
        identity: impl Into<String>,
    ) -> Value {
        let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Value::Object(Arc::new(Self { properties, layout, identity: identity.into() }))
    }

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
            Self::Integer(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Date(date) => f.write_str(&text::shown(*date)),
            Self::Span(span) => f.write_str(&text::span(*span)),
            Self::Typed(typed) => typed.fmt(f),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "{{{}}}", items.join(", "))
            }
            Self::Table(entries) => {
                let entries: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
            Self::Object(object) => f.write_str(&object.identity),
            Self::File(path) => write!(f, "(the bytes of {path})"),
            Self::Type(name) => f.write_str(name),
            Self::Block(script) => write!(f, " {script} "),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Text(text) => to.serialize_str(text),
            Self::Integer(number) => to.serialize_i64(*number),
            Self::Real(number) => to.serialize_f64(*number),
            Self::Date(date) => date.serialize(to),
            Self::List(items) => items.serialize(to),
            Self::Table(entries) => to.collect_map(entries.iter().map(|(key, value)| (key, value))),
            Self::Object(object) => object.serialize(to),
            Self::Span(_) | Self::Typed(_) | Self::File(_) | Self::Type(_) | Self::Block(_) => {
                to.collect_str(self)
            }
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.properties.iter().map(|(name, value)| (name, value)))
    }
}

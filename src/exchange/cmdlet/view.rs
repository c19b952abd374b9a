//! Output on the screen: lists and tables.
//!
//! Shapes are those of PowerShell's `Format-List` and `Format-Table` in real output. Nothing is cut to
//! the width of a window or to the first few items of a list, so that whatever is shown can be read back.

use std::fmt;

use super::value::{Object, Value};

/// The output of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The values.
    pub values: Vec<Value>,
    /// The view that shows them.
    pub view: View,
}

/// The ways to show values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// As befits them.
    #[default]
    Default,
    /// `Format-List` of these properties, of all that are usual where there are none.
    List(Vec<String>),
    /// `Format-Table` of these properties, of those that are usual where there are none.
    Table(Vec<String>),
}

/// The default layout of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// A table of these columns, and as a list all but the named properties.
    Table {
        /// The columns.
        columns: &'static [Column<'static>],
        /// The properties that only `Format-List *` shows.
        hidden: &'static [&'static str],
    },
    /// A list of everything.
    List,
    /// As PowerShell does where it knows nothing of an object: a table up to four properties.
    Plain,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column<'a> {
    property: &'a str,
    title: &'a str,
    /// At least so many characters; where there are more, the column grows.
    width: usize,
    /// At most so many; what is cut off ends in an ellipsis.
    at_most: usize,
}

impl<'a> Column<'a> {
    /// As wide as what stands in it.
    pub(super) const fn of(property: &'a str) -> Self {
        Self { property, title: property, width: 0, at_most: usize::MAX }
    }

    pub(super) const fn titled(self, title: &'a str) -> Self {
        Self { title, ..self }
    }

    pub(super) const fn width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    pub(super) const fn at_most(self, at_most: usize) -> Self {
        Self { at_most, ..self }
    }
}

/// Returns whether `pattern`, in which `*` stands for anything and `?` for one character, fits `text`.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), text.to_lowercase().chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stood, and how much of the text it has taken so far.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                (p, t) = (p + 1, t + 1);
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The properties of `object` that `patterns` ask for, in the order in which they are asked for; what
/// it does not have stays empty.
pub(super) fn asked<'a>(object: &'a Object, patterns: &'a [String]) -> Vec<(&'a str, &'a Value)> {
    let mut found: Vec<(&str, &Value)> = Vec::new();
    for pattern in patterns {
        let before = found.len();
        for (name, value) in object.properties.iter().filter(|(name, _)| like(pattern, name)) {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name, value));
            }
        }
        let there = object.properties.iter().any(|(name, _)| like(pattern, name));
        if found.len() == before && !there && !pattern.contains('*') {
            found.push((pattern, &Value::Null));
        }
    }
    found
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects: Vec<&Object> = self.values.iter().filter_map(as_object).collect();
        let Some(first) = objects.first().filter(|_| objects.len() == self.values.len()) else {
            return self.values.iter().try_for_each(|value| lines_of(f, value));
        };
        match (&self.view, first.layout) {
            (View::List(patterns), _) if !patterns.is_empty() => {
                list(f, objects.iter().map(|object| asked(object, patterns)))
            }
            (View::Table(patterns), _) if !patterns.is_empty() => {
                let columns: Vec<Column<'_>> =
                    asked(first, patterns).into_iter().map(|(name, _)| Column::of(name)).collect();
                table(f, &objects, &columns)
            }
            (View::Default | View::Table(_), Layout::Table { columns, .. }) => table(f, &objects, columns),
            (View::Default, Layout::Plain) if first.properties.len() <= 4 => {
                table(f, &objects, &every_column(first))
            }
            (View::Table(_), _) => table(f, &objects, &every_column(first)),
            (View::List(_) | View::Default, _) => list(f, objects.iter().map(|object| usual(object))),
        }
    }
}

fn as_object(value: &Value) -> Option<&Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn lines_of(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::List(items) => items.iter().try_for_each(|item| lines_of(f, item)),
        Value::Object(object) => list(f, std::iter::once(usual(object))),
        value => writeln!(f, "{value}"),
    }
}

fn usual(object: &Object) -> Vec<(&str, &Value)> {
    let hidden: &[&str] = match object.layout {
        Layout::Table { hidden, .. } => hidden,
        Layout::List | Layout::Plain => &[],
    };
    let shown = object.properties.iter().filter(|(name, _)| !hidden.contains(&name.as_str()));
    shown.map(|(name, value)| (name.as_str(), value)).collect()
}

fn every_column(object: &Object) -> Vec<Column<'_>> {
    object.properties.iter().map(|(name, _)| Column::of(name)).collect()
}

fn list<'a>(
    f: &mut fmt::Formatter<'_>,
    objects: impl Iterator<Item = Vec<(&'a str, &'a Value)>>,
) -> fmt::Result {
    f.write_str("\n")?;
    for properties in objects {
        let width = properties.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in properties {
            // A value of several lines goes on in its column; after the colon of an empty one stands nothing.
            let next_line = format!("\n{:width$}   ", "");
            let row = format!("{name:width$} : {}", value.to_string().replace('\n', &next_line));
            writeln!(f, "{}", row.trim_end())?;
        }
        f.write_str("\n")?;
    }
    Ok(())
}

fn table(f: &mut fmt::Formatter<'_>, objects: &[&Object], columns: &[Column<'_>]) -> fmt::Result {
    let cell = |object: &Object, column: &Column<'_>| {
        cut(&object.property(column.property).unwrap_or(&Value::Null).to_string(), column.at_most)
    };
    let mut rows: Vec<Vec<String>> = vec![
        columns.iter().map(|column| column.title.to_owned()).collect(),
        columns.iter().map(|column| "-".repeat(column.title.chars().count())).collect(),
    ];
    rows.extend(objects.iter().map(|object| columns.iter().map(|column| cell(object, column)).collect()));
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| widest(at).unwrap_or_default().max(column.width))
        .collect();
    f.write_str("\n")?;
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(f, "{}", cells.join(" ").trim_end())?;
    }
    f.write_str("\n")
}

fn cut(text: &str, at_most: usize) -> String {
    if text.chars().count() <= at_most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(at_most.saturating_sub(3)).collect();
    format!("{kept}...")
}

//! What an expression is worth.

use super::error::{Wrong, nearest_first};
use super::run::Run;
use super::syntax::{Enclosure, Expression, Node, Part};
use super::value::Value;

impl Run<'_> {
    /// The value of `expression`.
    pub(super) fn expression(&mut self, expression: &Expression) -> Result<Value, Wrong> {
        let span = expression.span;
        match &expression.node {
            Node::Null => Ok(Value::Null),
            Node::Bool(value) => Ok(Value::Bool(*value)),
            Node::Text(text) => Ok(Value::text(text)),
            Node::Interpolated(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(part) => text.push_str(part),
                        Part::Expression(part) => text.push_str(&self.expression(part)?.in_text()),
                    }
                }
                Ok(Value::Text(text))
            }
            Node::List(items) => {
                let items: Result<Vec<Value>, Wrong> =
                    items.iter().map(|item| self.expression(item)).collect();
                Ok(Value::List(items?))
            }
            Node::Table(entries) => {
                let mut table = Vec::new();
                for (key, value) in entries {
                    table.push((key.clone(), self.expression(value)?));
                }
                Ok(Value::Table(table))
            }
            Node::Variable(name) => self.variable(name, expression),
            Node::Property(of, name) => property(&self.expression(of)?, name, expression),
            Node::Index(of, at) => Ok(item(self.expression(of)?, *at)),
            Node::Enclosed(enclosure, script) => {
                let values = self.values_of(script)?;
                Ok(match enclosure {
                    Enclosure::Array => Value::List(values),
                    Enclosure::Parenthesis | Enclosure::Subexpression => Value::of(values),
                })
            }
            Node::Cast(to, value) => {
                if !["byte[]", "string", "string[]"].contains(&to.to_ascii_lowercase().as_str()) {
                    let wrong = format!("[{to}] is not spoken here; [Byte[]] and [string] are");
                    return Err(Wrong::syntax(span, wrong));
                }
                self.expression(value)
            }
            Node::Static { class, method, arguments } => {
                let class = class.to_ascii_lowercase();
                let reads = matches!(class.as_str(), "system.io.file" | "io.file")
                    && method.eq_ignore_ascii_case("ReadAllBytes");
                let [file] = arguments.as_slice() else {
                    return Err(Wrong::syntax(span, "one argument is expected, the path of a file"));
                };
                if !reads {
                    let wrong = "of all methods only [System.IO.File]::ReadAllBytes('path') is spoken here";
                    return Err(Wrong::syntax(span, wrong));
                }
                let path = self.expression(file)?.to_string();
                Ok(self.file(&path))
            }
            Node::Filter(_) => Err(Wrong::argument(span, "a filter in braces follows Where-Object only")),
        }
    }

    /// What a file holds; one that was not written here lies outside.
    pub(super) fn file(&self, path: &str) -> Value {
        let known = self.memory.files.get(&path.to_lowercase());
        known.cloned().unwrap_or_else(|| Value::File(path.to_owned()))
    }

    fn variable(&self, name: &str, expression: &Expression) -> Result<Value, Wrong> {
        if let Some(value) = self.memory.variable(name) {
            return Ok(value.clone());
        }
        if name.eq_ignore_ascii_case("env:COMPUTERNAME") {
            return Ok(self.computer(self.here).map_or(Value::Null, |computer| Value::text(&computer.name)));
        }
        let names = self.memory.variables.keys().map(String::as_str).chain(["env:COMPUTERNAME"]);
        let wrong = format!("${name} has not been set; there are: {}", nearest_first(name, names));
        Err(Wrong::unknown(expression.span, wrong))
    }
}

/// A property of an object, or of each object of a list (about_Member-Access_Enumeration).
///
/// PowerShell answers with nothing where there is no such property; a slip of the pen in the name would
/// then pin a connector to an issuer of no letters, so here it is an error.
fn property(of: &Value, name: &str, expression: &Expression) -> Result<Value, Wrong> {
    match of {
        Value::Null => Ok(Value::Null),
        Value::Object(object) => object.property(name).cloned().ok_or_else(|| {
            let names = object.properties.iter().map(|(name, _)| name.as_str());
            let wrong = format!("there is no property {name}; there are: {}", nearest_first(name, names));
            Wrong::unknown(expression.span, wrong)
        }),
        Value::List(items) if name.eq_ignore_ascii_case("Count") => Ok(Value::text(items.len().to_string())),
        Value::List(items) => {
            let items: Result<Vec<Value>, Wrong> =
                items.iter().map(|item| property(item, name, expression)).collect();
            Ok(Value::of(items?))
        }
        Value::Table(entries) => {
            let found = entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            Ok(found.map_or(Value::Null, |(_, value)| value.clone()))
        }
        other => Err(Wrong::unknown(expression.span, format!("`{other}` has no property {name}"))),
    }
}

/// An item, counted from the end where `at` is negative; a single value is a list of one.
fn item(of: Value, at: i32) -> Value {
    let items = of.each();
    let from_end = || items.len().checked_sub(usize::try_from(at.unsigned_abs()).ok()?);
    let at = usize::try_from(at).ok().or_else(from_end);
    at.and_then(|at| items.get(at)).cloned().unwrap_or(Value::Null)
}

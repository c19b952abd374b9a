//! Evaluation of expressions.

use super::convert::{TYPES, cast, is, type_called};
use super::error::{Span, Wrong, nearest_first};
use super::member;
use super::operator::{Operator, OperatorKind};
use super::run::Run;
use super::syntax::{Enclosure, Expression, Member, Node, Part, Unary};
use super::value::Value;
use super::{class, number};

impl Run<'_> {
    /// The value of `expression`.
    pub(super) fn expression(&mut self, expression: &Expression) -> Result<Value, Wrong> {
        let span = expression.span;
        self.step(1, span)?;
        match &expression.node {
            Node::Null => Ok(Value::Null),
            Node::Bool(value) => Ok(Value::Bool(*value)),
            Node::Text(text) => Ok(Value::text(text)),
            Node::Number(text) => number::parse(text)
                .ok_or_else(|| Wrong::syntax(span, format!("`{text}` is too great a number"))),
            Node::Interpolated(parts) => self.interpolated(parts),
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
            Node::Variable(name) => self.variable(name, span),
            Node::Members(of, members) => self.members(of, members, span),
            Node::Enclosed(enclosure, script) => {
                let values = self.values_of(script)?;
                Ok(match enclosure {
                    Enclosure::Array => Value::List(values),
                    Enclosure::Parenthesis | Enclosure::Subexpression => Value::of(values),
                })
            }
            Node::Cast(to, value) => {
                let value = self.expression(value)?;
                self.cast(value, to, span)
            }
            Node::Type(name) => match type_called(name) {
                Some(_) => Ok(Value::Type(name.clone())),
                None => Err(unknown_type(name, span)),
            },
            Node::Static { class, member, arguments } => {
                let given = match arguments {
                    None => None,
                    Some(arguments) => Some(self.all(arguments)?),
                };
                class::member(self, class, member, given, span)
            }
            Node::Unary(operator, value) => self.unary(*operator, value, span),
            Node::Operation(first, rest) => self.operation(first, rest),
            Node::Block(script) => Ok(Value::Block(std::sync::Arc::new(script.clone()))),
        }
    }

    fn all(&mut self, expressions: &[Expression]) -> Result<Vec<Value>, Wrong> {
        expressions.iter().map(|expression| self.expression(expression)).collect()
    }

    fn interpolated(&mut self, parts: &[Part]) -> Result<Value, Wrong> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Expression(part) => {
                    let value = self.expression(part)?;
                    self.held(&value, part.span)?;
                    text.push_str(&value.in_text());
                }
            }
        }
        Ok(Value::Text(text))
    }

    /// A value converted to the type that is called `to`.
    pub(super) fn cast(&self, value: Value, to: &str, span: Span) -> Result<Value, Wrong> {
        if to.eq_ignore_ascii_case("void") {
            return Ok(Value::Null);
        }
        let wanted = type_called(to).ok_or_else(|| unknown_type(to, span))?;
        let shown = value.in_text();
        cast(value, wanted, self.now).map_err(|why| {
            Wrong::argument(span, format!("Cannot convert value \"{shown}\" to type \"{to}\": {why}"))
        })
    }

    fn members(&mut self, of: &Expression, members: &[Member], span: Span) -> Result<Value, Wrong> {
        let mut value = self.expression(of)?;
        for member in members {
            value = self.member(&value, member, span)?;
        }
        Ok(value)
    }

    fn member(&mut self, of: &Value, member: &Member, span: Span) -> Result<Value, Wrong> {
        self.step(1, span)?;
        match member {
            Member::Property(name) => member::property(of, name, span),
            Member::Method(name, arguments) => {
                let arguments = self.all(arguments)?;
                let value = member::method(self, of, name, &arguments, span)?;
                self.held(&value, span)?;
                Ok(value)
            }
            Member::Index(at) => {
                let at = self.expression(at)?;
                member::item(of, &at, span)
            }
        }
    }

    fn unary(&mut self, operator: Unary, value: &Expression, span: Span) -> Result<Value, Wrong> {
        let value = self.expression(value)?;
        let plain = Operator::plain;
        match operator {
            Unary::Not => Ok(Value::Bool(!value.is_true())),
            Unary::Plus => self.operate(Value::Integer(0), plain(OperatorKind::Add), value, span),
            Unary::Minus => self.operate(Value::Integer(0), plain(OperatorKind::Subtract), value, span),
            Unary::Join => self.operate(value, plain(OperatorKind::Join), Value::text(""), span),
            Unary::Split => {
                let words: Vec<Value> = value
                    .each()
                    .iter()
                    .flat_map(|item| item.in_text().split_whitespace().map(Value::text).collect::<Vec<_>>())
                    .collect();
                Ok(Value::List(words))
            }
            Unary::Comma => Ok(Value::List(vec![value])),
        }
    }

    /// A value and operators of one precedence, from left to right; `-and` and `-or` look no further than
    /// they must.
    fn operation(
        &mut self,
        first: &Expression,
        rest: &[(Operator, Span, Expression)],
    ) -> Result<Value, Wrong> {
        let mut value = self.expression(first)?;
        for (operator, span, right) in rest {
            value = match operator.kind {
                OperatorKind::And if !value.is_true() => Value::Bool(false),
                OperatorKind::Or if value.is_true() => Value::Bool(true),
                OperatorKind::Is | OperatorKind::IsNot | OperatorKind::As => {
                    let right = self.expression(right)?;
                    self.of_type(&value, operator.kind, &right, *span)?
                }
                _ => {
                    let right = self.expression(right)?;
                    self.operate(value, *operator, right, *span)?
                }
            };
            self.held(&value, *span)?;
        }
        Ok(value)
    }

    fn of_type(&self, value: &Value, kind: OperatorKind, right: &Value, span: Span) -> Result<Value, Wrong> {
        let name = match right {
            Value::Type(name) | Value::Text(name) => name,
            other => return Err(unknown_type(&other.in_text(), span)),
        };
        let wanted = type_called(name).ok_or_else(|| unknown_type(name, span))?;
        Ok(match kind {
            OperatorKind::As => cast(value.clone(), wanted, self.now).unwrap_or(Value::Null),
            OperatorKind::IsNot => Value::Bool(!is(value, wanted)),
            _ => Value::Bool(is(value, wanted)),
        })
    }

    /// Returns the content of a file. A file that was not written here lies outside.
    pub(super) fn file(&self, path: &str) -> Value {
        let known = self.state.files.get(&path.to_lowercase());
        known.cloned().unwrap_or_else(|| Value::File(path.to_owned()))
    }

    fn variable(&mut self, name: &str, span: Span) -> Result<Value, Wrong> {
        if name == "_" || name.eq_ignore_ascii_case("PSItem") {
            return self.current.last().cloned().ok_or_else(|| {
                let wrong = "$_ stands for what comes through a pipeline, in braces behind Where-Object or ForEach-Object";
                Wrong::unknown(span, wrong)
            });
        }
        if let Some(value) = self.state.variable(name) {
            let value = value.clone();
            self.step(value.weight() / 64, span)?;
            return Ok(value);
        }
        if name.eq_ignore_ascii_case("env:COMPUTERNAME") {
            return Ok(self.computer(self.here).map_or(Value::Null, |computer| Value::text(&computer.name)));
        }
        let names = self.state.variables.keys().map(String::as_str).chain(["env:COMPUTERNAME"]);
        let wrong = format!("${name} has not been set; there are: {}", nearest_first(name, names));
        Err(Wrong::unknown(span, wrong))
    }
}

fn unknown_type(name: &str, span: Span) -> Wrong {
    Wrong::syntax(span, format!("the type [{name}] is not supported here; there are: {TYPES}"))
}

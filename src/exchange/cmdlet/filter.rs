//! `Where-Object`, in both of its forms.

use super::error::{Span, Wrong, nearest_first};
use super::execute::Piped;
use super::operator::{Operator, OperatorKind, words};
use super::run::Run;
use super::syntax::{Argument, Command, Expression, Node};
use super::value::Value;

/// `Where-Object { $_.Property -eq value }` and `Where-Object Property -eq value`.
pub(super) fn where_object(run: &mut Run<'_>, command: &Command, values: Vec<Value>) -> Result<Piped, Wrong> {
    let filter = Filter::read(run, command)?;
    let mut kept = Vec::new();
    for value in values {
        let holds = match &filter {
            Filter::Block(block, span) => Value::of(run.block(block, value.clone(), *span)?).is_true(),
            Filter::Simple { property, operator, value: wanted, span } => {
                run.step(1, *span)?;
                let found = super::member::property(&value, property, *span)?;
                match operator {
                    None => found.is_true(),
                    Some(Simple::Not) => !found.is_true(),
                    Some(Simple::Operator(operator)) => {
                        run.operate(found, *operator, wanted.clone(), *span)?.is_true()
                    }
                }
            }
        };
        if holds {
            kept.push(value);
        }
    }
    Ok(kept.into())
}

enum Filter {
    Block(std::sync::Arc<super::syntax::Script>, Span),
    Simple { property: String, operator: Option<Simple>, value: Value, span: Span },
}

#[derive(Clone, Copy)]
enum Simple {
    Not,
    Operator(Operator),
}

impl Filter {
    fn read(run: &mut Run<'_>, command: &Command) -> Result<Self, Wrong> {
        let form = "Where-Object reads `Subject -eq 'CN=x'` or `{ $_.Subject -eq 'CN=x' }`";
        let mut property: Option<(String, Span)> = None;
        let mut operator: Option<(Simple, Span)> = None;
        let mut wanted: Option<Value> = None;
        let mut takes: Option<&str> = None;
        let mut arguments = command.arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument {
                Argument::Parameter { name, value, span } => {
                    let attached = value;
                    match name.to_ascii_lowercase().as_str() {
                        "filterscript" | "property" | "value" | "inputobject" => {
                            takes = Some(if name.eq_ignore_ascii_case("value") { "value" } else { "first" });
                        }
                        "not" => operator = Some((Simple::Not, *span)),
                        _ => {
                            let found = Operator::named(name).filter(|operator| is_simple(operator.kind));
                            let found = found.ok_or_else(|| {
                                let known = nearest_first(name, words().filter(|word| simple_word(word)));
                                let wrong = format!("there is no operator -{name} here; there are: {known}");
                                Wrong::unknown(*span, wrong)
                            })?;
                            operator = Some((Simple::Operator(found), *span));
                        }
                    }
                    if let Some(value) = attached {
                        wanted = Some(run.expression(value)?);
                    }
                }
                Argument::Value(Expression { node: Node::Block(block), span })
                    if property.is_none() && operator.is_none() =>
                {
                    if let Some(Argument::Parameter { span, .. } | Argument::Value(Expression { span, .. })) =
                        arguments.next()
                    {
                        return Err(Wrong::argument(*span, "behind the braces of a filter stands nothing"));
                    }
                    return Ok(Self::Block(std::sync::Arc::new(block.clone()), *span));
                }
                Argument::Value(value) if property.is_none() && takes != Some("value") => {
                    property = Some((run.expression(value)?.in_text(), value.span));
                }
                Argument::Value(value) if wanted.is_none() => wanted = Some(run.expression(value)?),
                Argument::Value(value) => {
                    let wrong =
                        format!("{form}; several comparisons stand in braces, with -and between them");
                    return Err(Wrong::argument(value.span, wrong));
                }
            }
        }
        let Some((property, at)) = property else {
            return Err(Wrong::argument(command.span, form));
        };
        match (operator, wanted) {
            (None, Some(_)) => Err(Wrong::argument(command.span, form)),
            (Some((Simple::Operator(_), span)), None) => {
                Err(Wrong::argument(span, "a value is missing behind the operator"))
            }
            (operator, wanted) => {
                let span = operator.map_or(at, |(_, span)| span);
                let value = wanted.unwrap_or(Value::Null);
                let operator = operator.map(|(operator, _)| operator);
                // A misspelled property is told under its name.
                let span = if operator.is_none() { at } else { span };
                Ok(Self::Simple { property, operator, value, span })
            }
        }
    }
}

fn simple_word(word: &str) -> bool {
    Operator::named(word).is_some_and(|operator| is_simple(operator.kind))
}

/// The operators that Where-Object has parameters for.
fn is_simple(kind: OperatorKind) -> bool {
    match kind {
        OperatorKind::Eq
        | OperatorKind::Ne
        | OperatorKind::Gt
        | OperatorKind::Ge
        | OperatorKind::Lt
        | OperatorKind::Le
        | OperatorKind::Like
        | OperatorKind::NotLike
        | OperatorKind::Match
        | OperatorKind::NotMatch
        | OperatorKind::Contains
        | OperatorKind::NotContains
        | OperatorKind::In
        | OperatorKind::NotIn => true,
        OperatorKind::And
        | OperatorKind::Or
        | OperatorKind::Xor
        | OperatorKind::BitAnd
        | OperatorKind::BitOr
        | OperatorKind::BitXor
        | OperatorKind::Replace
        | OperatorKind::Split
        | OperatorKind::Join
        | OperatorKind::Is
        | OperatorKind::IsNot
        | OperatorKind::As
        | OperatorKind::Add
        | OperatorKind::Subtract
        | OperatorKind::Multiply
        | OperatorKind::Divide
        | OperatorKind::Remainder
        | OperatorKind::Format
        | OperatorKind::Range => false,
    }
}

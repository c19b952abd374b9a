//! The printing of a script: what is printed is read back as the same value.

use std::fmt::{self, Display as _, Write as _};

use super::syntax::{
    Argument, Command, Enclosure, Expression, Member, Node, Part, Pipeline, Script, Stage, Statement, Unary,
};
use super::word::{is_double_quote, is_single_quote};

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, &self.0, "; ", |f, statement| statement.fmt(f))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(pipeline) => pipeline.fmt(f),
            Self::Assignment { variable, adds, value } => {
                let sign = if *adds { "+=" } else { "=" };
                write!(f, "{} {sign} {value}", Variable(variable))
            }
            Self::If { branches, otherwise } => {
                separated(f, branches, " else", |f, (condition, body)| {
                    write!(f, "if ({condition}) {{ {body} }}")
                })?;
                match otherwise {
                    Some(body) => write!(f, " else {{ {body} }}"),
                    None => Ok(()),
                }
            }
            Self::ForEach { variable, of, body } => {
                write!(f, "foreach ({} in {of}) {{ {body} }}", Variable(variable))
            }
        }
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, &self.0, " | ", |f, stage| match stage {
            Stage::Command(command) => command.fmt(f),
            Stage::Value(value) => value.write(f, Mode::Expression),
        })
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for argument in &self.arguments {
            f.write_char(' ')?;
            match argument {
                Argument::Parameter { name, value: None, .. } => write!(f, "-{name}")?,
                Argument::Parameter { name, value: Some(value), .. } => {
                    write!(f, "-{name}:")?;
                    value.write(f, Mode::Argument)?;
                }
                Argument::Value(value) => value.write(f, Mode::Argument)?,
            }
        }
        Ok(())
    }
}

/// PowerShell reads words without quotes only where arguments stand (about_Parsing).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Argument,
    Expression,
}

impl Expression {
    fn write(&self, f: &mut fmt::Formatter<'_>, mode: Mode) -> fmt::Result {
        let expression = |f: &mut fmt::Formatter<'_>, value: &Self| value.write(f, Mode::Expression);
        match &self.node {
            Node::Null => f.write_str("$null"),
            Node::Bool(true) => f.write_str("$true"),
            Node::Bool(false) => f.write_str("$false"),
            Node::Number(number) => f.write_str(number),
            Node::Text(text) if mode == Mode::Argument && needs_no_quotes(text) => f.write_str(text),
            Node::Text(text) => write!(f, "'{}'", doubled(text)),
            Node::Interpolated(parts) => interpolated(f, parts),
            Node::List(items) => separated(f, items, ", ", |f, item| item.write(f, mode)),
            Node::Table(entries) => {
                f.write_str("@{")?;
                separated(f, entries, "; ", |f, (key, value)| {
                    write!(f, "'{}' = ", doubled(key))?;
                    value.write(f, Mode::Expression)
                })?;
                f.write_char('}')
            }
            Node::Variable(name) => Variable(name).fmt(f),
            Node::Members(of, members) => {
                of.write(f, Mode::Expression)?;
                members.iter().try_for_each(|member| match member {
                    Member::Property(name) => write!(f, ".{name}"),
                    Member::Method(name, arguments) => {
                        write!(f, ".{name}(")?;
                        separated(f, arguments, ", ", expression)?;
                        f.write_char(')')
                    }
                    Member::Index(at) => {
                        f.write_char('[')?;
                        at.write(f, Mode::Expression)?;
                        f.write_char(']')
                    }
                })
            }
            Node::Enclosed(enclosure, script) => match enclosure {
                Enclosure::Parenthesis => write!(f, "({script})"),
                Enclosure::Subexpression => write!(f, "$({script})"),
                Enclosure::Array => write!(f, "@({script})"),
            },
            Node::Cast(to, value) => {
                write!(f, "[{to}]")?;
                value.write(f, Mode::Expression)
            }
            Node::Type(name) => write!(f, "[{name}]"),
            Node::Static { class, member, arguments } => {
                write!(f, "[{class}]::{member}")?;
                let Some(arguments) = arguments else { return Ok(()) };
                f.write_char('(')?;
                separated(f, arguments, ", ", expression)?;
                f.write_char(')')
            }
            Node::Unary(operator, value) => {
                f.write_str(match operator {
                    Unary::Not => "-not ",
                    Unary::Minus if matches!(value.node, Node::Number(_)) => "-",
                    Unary::Minus => "- ",
                    Unary::Plus => "+ ",
                    Unary::Join => "-join ",
                    Unary::Split => "-split ",
                    Unary::Comma => ", ",
                })?;
                value.write(f, Mode::Expression)
            }
            Node::Operation(first, rest) => {
                first.write(f, Mode::Expression)?;
                rest.iter().try_for_each(|(operator, _, value)| {
                    write!(f, " {operator} ")?;
                    value.write(f, Mode::Expression)
                })
            }
            Node::Block(script) => write!(f, "{{ {script} }}"),
        }
    }
}

fn interpolated(f: &mut fmt::Formatter<'_>, parts: &[Part]) -> fmt::Result {
    f.write_char('"')?;
    for part in parts {
        match part {
            Part::Text(text) => f.write_str(&escaped(text))?,
            Part::Expression(expression) => match &expression.node {
                // In braces, because a letter may follow.
                Node::Variable(name) => write!(f, "${{{name}}}")?,
                Node::Null => f.write_str("${null}")?,
                Node::Bool(value) => write!(f, "${{{value}}}")?,
                _ => expression.write(f, Mode::Expression)?,
            },
        }
    }
    f.write_char('"')
}

struct Variable<'a>(&'a str);

impl fmt::Display for Variable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.0.strip_prefix("env:").unwrap_or(self.0);
        if plain.chars().all(|c| c.is_alphanumeric() || c == '_') && !plain.is_empty() {
            write!(f, "${}", self.0)
        } else {
            write!(f, "${{{}}}", self.0)
        }
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

fn needs_no_quotes(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '\\' | '/' | '*');
    text.chars().all(plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '*')
}

/// For single quotes: a quote stands twice.
fn doubled(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        quoted.push(c);
        if is_single_quote(c) {
            quoted.push(c);
        }
    }
    quoted
}

/// For double quotes: what would end them or begin an expression has a backtick before it.
fn escaped(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '$' | '`') || is_double_quote(c) {
            quoted.push('`');
        }
        quoted.push(c);
    }
    quoted
}

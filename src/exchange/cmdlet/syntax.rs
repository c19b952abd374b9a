//! A script as a value, and how it is written.
//!
//! Sources: about_Parsing, about_Quoting_Rules, about_Special_Characters and about_Pipelines of the
//! PowerShell documentation. What is printed is read back as the same value.

use std::fmt::{self, Display as _, Write as _};

use super::error::Span;
use super::word::{is_double_quote, is_single_quote};

/// Statements, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script(pub Vec<Statement>);

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The variable that takes the result, without its `$`.
    pub variable: Option<String>,
    /// What is done.
    pub pipeline: Pipeline,
}

/// Stages with `|` between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline(pub Vec<Stage>);

/// One stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A cmdlet with its arguments.
    Command(Command),
    /// A value, at the beginning of a pipeline.
    Value(Expression),
}

/// A cmdlet with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The name as it was typed.
    pub name: String,
    /// The arguments; which of them belong together depends on the cmdlet.
    pub arguments: Vec<Argument>,
    /// Where the name stands.
    pub span: Span,
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `-Name`, or `-Name:value`.
    Parameter {
        /// The name as it was typed, without its hyphen.
        name: String,
        /// What follows the colon.
        value: Option<Expression>,
        /// Where it stands.
        span: Span,
    },
    /// A value.
    Value(Expression),
}

/// A value as it is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// What is written.
    pub node: Node,
    /// Where.
    pub span: Span,
}

/// A value as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// `$null`.
    Null,
    /// `$true` or `$false`.
    Bool(bool),
    /// A text, in whatever quotes or none; numbers are texts until a parameter wants one.
    Text(String),
    /// A text in double quotes, or in none, that holds expressions.
    Interpolated(Vec<Part>),
    /// `a, b`.
    List(Vec<Expression>),
    /// `@{Add="a"; Remove="b"}`.
    Table(Vec<(String, Expression)>),
    /// `$name`.
    Variable(String),
    /// `$name.Property`.
    Property(Box<Expression>, String),
    /// `$name[0]`.
    Index(Box<Expression>, i32),
    /// `(...)`, `$(...)` or `@(...)`.
    Enclosed(Enclosure, Script),
    /// `[Byte[]]` before a value.
    Cast(String, Box<Expression>),
    /// `[System.IO.File]::ReadAllBytes('C:\file')`.
    Static {
        /// The class.
        class: String,
        /// The method.
        method: String,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
    /// `{ $_.Property -eq value -and ... }`.
    Filter(Vec<Comparison>),
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Characters.
    Text(String),
    /// `$name` or `$(...)`.
    Expression(Expression),
}

/// What stands around statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enclosure {
    /// `( )`.
    Parenthesis,
    /// `$( )`.
    Subexpression,
    /// `@( )`.
    Array,
}

/// `$_.Property -eq value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The property.
    pub property: String,
    /// The operator, without its hyphen.
    pub operator: String,
    /// The value.
    pub value: Expression,
    /// Where the operator stands.
    pub span: Span,
}

impl Stage {
    /// Where it begins.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Command(command) => command.span,
            Self::Value(value) => value.span,
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, &self.0, "; ", |f, statement| statement.fmt(f))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(variable) = &self.variable {
            write!(f, "{} = ", Variable(variable))?;
        }
        self.pipeline.fmt(f)
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
        match &self.node {
            Node::Null => f.write_str("$null"),
            Node::Bool(true) => f.write_str("$true"),
            Node::Bool(false) => f.write_str("$false"),
            Node::Text(text) if mode == Mode::Argument && needs_no_quotes(text) => f.write_str(text),
            Node::Text(text) => write!(f, "'{}'", doubled(text)),
            Node::Interpolated(parts) => {
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
            Node::Property(of, name) => {
                of.write(f, Mode::Expression)?;
                write!(f, ".{name}")
            }
            Node::Index(of, at) => {
                of.write(f, Mode::Expression)?;
                write!(f, "[{at}]")
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
            Node::Static { class, method, arguments } => {
                write!(f, "[{class}]::{method}(")?;
                separated(f, arguments, ", ", |f, argument| argument.write(f, Mode::Expression))?;
                f.write_char(')')
            }
            Node::Filter(comparisons) => {
                f.write_str("{ ")?;
                separated(f, comparisons, " -and ", |f, comparison| {
                    write!(f, "$_.{} -{} ", comparison.property, comparison.operator)?;
                    comparison.value.write(f, Mode::Expression)
                })?;
                f.write_str(" }")
            }
        }
    }
}

struct Variable<'a>(&'a str);

impl fmt::Display for Variable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.0.strip_prefix("env:").unwrap_or(self.0);
        match plain.chars().all(|c| c.is_alphanumeric() || c == '_') && !plain.is_empty() {
            true => write!(f, "${}", self.0),
            false => write!(f, "${{{}}}", self.0),
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

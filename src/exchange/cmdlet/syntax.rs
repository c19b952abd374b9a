//! A script as a value.
//!
//! Sources: about_Parsing, about_Operators, about_Operator_Precedence, about_Quoting_Rules,
//! about_Special_Characters and about_Pipelines of the PowerShell documentation. `printed` writes it.

use super::error::Span;
use super::operator::Operator;

/// Statements, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script(pub Vec<Statement>);

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// A pipeline that runs and whose result is output.
    Pipeline(Pipeline),
    /// `$name = ...`, or `$name += ...`.
    Assignment {
        /// The variable, without its `$`.
        variable: String,
        /// True if the value is added to what the variable holds.
        adds: bool,
        /// The assigned value.
        value: Box<Statement>,
    },
    /// `if (...) {...} elseif (...) {...} else {...}`.
    If {
        /// Each condition with what is done where it holds.
        branches: Vec<(Pipeline, Script)>,
        /// The block that runs if no condition holds.
        otherwise: Option<Script>,
    },
    /// `foreach ($name in ...) {...}`.
    ForEach {
        /// The variable, without its `$`.
        variable: String,
        /// The pipeline whose values it iterates over.
        of: Pipeline,
        /// The block that runs for each value.
        body: Script,
    },
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
    /// The position of the name.
    pub span: Span,
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `-Name`, or `-Name:value`.
    Parameter {
        /// The name as it was typed, without its hyphen.
        name: String,
        /// The value after the colon.
        value: Option<Expression>,
        /// The position of the parameter.
        span: Span,
    },
    /// A value.
    Value(Expression),
}

/// A value as it is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The value as it is written.
    pub node: Node,
    /// The position of the value.
    pub span: Span,
}

/// A value as it is written. What may be repeated without end, members and operators, is a list and no
/// nest, so that the depth of a script is what its brackets say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// `$null`.
    Null,
    /// `$true` or `$false`.
    Bool(bool),
    /// A text, in whatever quotes or none; a number among arguments is one too.
    Text(String),
    /// A number where no argument stands, such as `30`, `1.5` or `10MB`.
    Number(String),
    /// A text in double quotes, or in none, that holds expressions.
    Interpolated(Vec<Part>),
    /// `a, b`.
    List(Vec<Expression>),
    /// `@{Add="a"; Remove="b"}`.
    Table(Vec<(String, Expression)>),
    /// `$name`.
    Variable(String),
    /// A value and what is asked of it, one after the other: `$name.Property[0].Method()`.
    Members(Box<Expression>, Vec<Member>),
    /// `(...)`, `$(...)` or `@(...)`.
    Enclosed(Enclosure, Script),
    /// `[Byte[]]` before a value.
    Cast(String, Box<Expression>),
    /// `[datetime]` alone, beside `-is` and `-as`.
    Type(String),
    /// `[System.IO.File]::ReadAllBytes('C:\file')`, or `[datetime]::Now` without arguments.
    Static {
        /// The class.
        class: String,
        /// The method or property.
        member: String,
        /// The arguments of a method.
        arguments: Option<Vec<Expression>>,
    },
    /// An operator before a value.
    Unary(Unary, Box<Expression>),
    /// A value and operators of one precedence, each with the value behind it, from left to right.
    Operation(Box<Expression>, Vec<(Operator, Span, Expression)>),
    /// `{ ... }`.
    Block(Script),
}

/// One access to a value: a property, an index or a method call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// `.Name`.
    Property(String),
    /// `.Name(...)`.
    Method(String, Vec<Expression>),
    /// `[0]`.
    Index(Expression),
}

/// An operator before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-not` or `!`.
    Not,
    /// `-`.
    Minus,
    /// `+`.
    Plus,
    /// `-join`.
    Join,
    /// `-split`.
    Split,
    /// `,`: a list of one.
    Comma,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Characters.
    Text(String),
    /// `$name` or `$(...)`.
    Expression(Expression),
}

/// The kinds of brackets around statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enclosure {
    /// `( )`.
    Parenthesis,
    /// `$( )`.
    Subexpression,
    /// `@( )`.
    Array,
}

impl Stage {
    /// Returns its position.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Command(command) => command.span,
            Self::Value(value) => value.span,
        }
    }
}

impl Pipeline {
    /// Returns its position.
    pub(super) fn span(&self) -> Span {
        self.0.first().map_or(Span::default(), Stage::span)
    }
}

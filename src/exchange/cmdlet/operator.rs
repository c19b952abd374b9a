//! The operators between values: their names and which of them bind tighter (about_Operators,
//! about_Operator_Precedence).

use std::fmt;

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The operation.
    pub kind: OperatorKind,
    /// Case sensitivity: `Some(true)` for `-ceq`, `Some(false)` for `-ieq`, `None` for `-eq`.
    pub case: Option<bool>,
}

/// The operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called as PowerShell calls them")]
pub enum OperatorKind {
    And,
    Or,
    Xor,
    BitAnd,
    BitOr,
    BitXor,
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Like,
    NotLike,
    Match,
    NotMatch,
    Contains,
    NotContains,
    In,
    NotIn,
    Replace,
    Split,
    Join,
    Is,
    IsNot,
    As,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Format,
    Range,
}

/// The precedence of an operator; a later one binds tighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precedence {
    Logical,
    Bitwise,
    Comparison,
    Additive,
    Multiplicative,
    Format,
    Range,
}

impl Precedence {
    /// The next tighter one.
    pub(super) const fn tighter(self) -> Option<Self> {
        match self {
            Self::Logical => Some(Self::Bitwise),
            Self::Bitwise => Some(Self::Comparison),
            Self::Comparison => Some(Self::Additive),
            Self::Additive => Some(Self::Multiplicative),
            Self::Multiplicative => Some(Self::Format),
            Self::Format => Some(Self::Range),
            Self::Range => None,
        }
    }
}

/// The operators that are words behind a hyphen.
const WORDS: &[(&str, OperatorKind)] = &[
    ("and", OperatorKind::And),
    ("or", OperatorKind::Or),
    ("xor", OperatorKind::Xor),
    ("band", OperatorKind::BitAnd),
    ("bor", OperatorKind::BitOr),
    ("bxor", OperatorKind::BitXor),
    ("eq", OperatorKind::Eq),
    ("ne", OperatorKind::Ne),
    ("gt", OperatorKind::Gt),
    ("ge", OperatorKind::Ge),
    ("lt", OperatorKind::Lt),
    ("le", OperatorKind::Le),
    ("like", OperatorKind::Like),
    ("notlike", OperatorKind::NotLike),
    ("match", OperatorKind::Match),
    ("notmatch", OperatorKind::NotMatch),
    ("contains", OperatorKind::Contains),
    ("notcontains", OperatorKind::NotContains),
    ("in", OperatorKind::In),
    ("notin", OperatorKind::NotIn),
    ("replace", OperatorKind::Replace),
    ("split", OperatorKind::Split),
    ("join", OperatorKind::Join),
    ("is", OperatorKind::Is),
    ("isnot", OperatorKind::IsNot),
    ("as", OperatorKind::As),
    ("f", OperatorKind::Format),
];

/// Returns the names of all operators that are words, without the hyphen.
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, _)| *word)
}

impl Operator {
    /// The operator that is called so behind its hyphen, such as `eq` or `cmatch`.
    pub fn named(name: &str) -> Option<Self> {
        let known = |name: &str| {
            WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
        };
        if let Some(kind) = known(name) {
            return Some(Self { kind, case: None });
        }
        let case = match name.as_bytes().first()?.to_ascii_lowercase() {
            b'c' => true,
            b'i' => false,
            _ => return None,
        };
        let kind = known(name.get(1..)?).filter(|kind| kind.has_case())?;
        Some(Self { kind, case: Some(case) })
    }

    pub(super) const fn plain(kind: OperatorKind) -> Self {
        Self { kind, case: None }
    }

    /// Returns whether letter case counts.
    pub(super) fn heeds_case(self) -> bool {
        self.case == Some(true)
    }
}

impl OperatorKind {
    /// Returns the operator's precedence.
    pub(super) const fn precedence(self) -> Precedence {
        match self {
            Self::And | Self::Or | Self::Xor => Precedence::Logical,
            Self::BitAnd | Self::BitOr | Self::BitXor => Precedence::Bitwise,
            Self::Add | Self::Subtract => Precedence::Additive,
            Self::Multiply | Self::Divide | Self::Remainder => Precedence::Multiplicative,
            Self::Format => Precedence::Format,
            Self::Range => Precedence::Range,
            Self::Eq
            | Self::Ne
            | Self::Gt
            | Self::Ge
            | Self::Lt
            | Self::Le
            | Self::Like
            | Self::NotLike
            | Self::Match
            | Self::NotMatch
            | Self::Contains
            | Self::NotContains
            | Self::In
            | Self::NotIn
            | Self::Replace
            | Self::Split
            | Self::Join
            | Self::Is
            | Self::IsNot
            | Self::As => Precedence::Comparison,
        }
    }

    /// Returns whether the operator has forms for both kinds of case sensitivity.
    fn has_case(self) -> bool {
        self.precedence() == Precedence::Comparison
            && !matches!(self, Self::Join | Self::Is | Self::IsNot | Self::As)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
            Self::BitAnd => "band",
            Self::BitOr => "bor",
            Self::BitXor => "bxor",
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Like => "like",
            Self::NotLike => "notlike",
            Self::Match => "match",
            Self::NotMatch => "notmatch",
            Self::Contains => "contains",
            Self::NotContains => "notcontains",
            Self::In => "in",
            Self::NotIn => "notin",
            Self::Replace => "replace",
            Self::Split => "split",
            Self::Join => "join",
            Self::Is => "is",
            Self::IsNot => "isnot",
            Self::As => "as",
            Self::Format => "f",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Range => "..",
        }
    }
}

impl fmt::Display for Operator {
    /// The operator as it is typed, with its hyphen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind.as_str();
        let case = match self.case {
            Some(true) => "c",
            Some(false) => "i",
            None => "",
        };
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            write!(f, "-{case}{name}")
        } else {
            f.write_str(name)
        }
    }
}

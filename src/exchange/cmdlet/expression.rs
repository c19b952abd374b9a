//! Reading what is calculated: operators between values, the tighter ones first (about_Operator_Precedence).

use super::cursor::Parser;
use super::error::{Span, Wrong, nearest_first};
use super::operator::{Operator, OperatorKind, Precedence, words};
use super::syntax::{Expression, Node};
use super::word::is_dash;

impl Parser<'_> {
    /// A value where no argument stands, with everything that is done to it: words need quotes.
    pub(super) fn expression(&mut self) -> Result<Expression, Wrong> {
        self.operation(Precedence::Logical, true)
    }

    /// Like `expression`, but only up to the next comma.
    pub(super) fn expression_item(&mut self) -> Result<Expression, Wrong> {
        self.operation(Precedence::Logical, false)
    }

    /// Values with operators of this precedence between them, or tighter.
    fn operation(&mut self, precedence: Precedence, lists: bool) -> Result<Expression, Wrong> {
        let start = self.at;
        let tighter = |parser: &mut Self| match precedence.tighter() {
            Some(tighter) => parser.operation(tighter, lists),
            None if lists => parser.listed(Self::unary),
            None => parser.unary(),
        };
        let first = tighter(self)?;
        let mut rest = Vec::new();
        loop {
            let end = self.at;
            self.skip_blanks()?;
            match self.operator_ahead()? {
                Some((operator, span)) if operator.kind.precedence() == precedence => {
                    self.at = span.end;
                    self.skip_lines()?;
                    rest.push((operator, span, tighter(self)?));
                }
                _ => {
                    self.at = end;
                    break;
                }
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expression { node: Node::Operation(Box::new(first), rest), span: self.since(start) })
    }

    /// The operator that stands here; it is not read.
    fn operator_ahead(&self) -> Result<Option<(Operator, Span)>, Wrong> {
        let rest = self.rest();
        let plain = |kind: OperatorKind, length: usize| {
            Ok(Some((Operator::plain(kind), Span { start: self.at, end: self.at + length })))
        };
        let mut chars = rest.chars();
        match chars.next() {
            Some('+') if rest.starts_with("++") => {
                Err(Wrong::syntax(self.here(), "`++` is not supported here; write $a = $a + 1"))
            }
            Some('+') => plain(OperatorKind::Add, 1),
            Some('*') => plain(OperatorKind::Multiply, 1),
            Some('/') => plain(OperatorKind::Divide, 1),
            Some('%') => plain(OperatorKind::Remainder, 1),
            Some('.') if rest.starts_with("..") => plain(OperatorKind::Range, 2),
            Some(c) if is_dash(c) => {
                let name: String = chars.by_ref().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let length = c.len_utf8() + name.len();
                if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
                    if rest[c.len_utf8()..].starts_with(is_dash) {
                        return Err(Wrong::syntax(
                            self.here(),
                            "`--` is not supported here; write $a = $a - 1",
                        ));
                    }
                    return plain(OperatorKind::Subtract, c.len_utf8());
                }
                let span = Span { start: self.at, end: self.at + length };
                match Operator::named(&name) {
                    Some(operator) => Ok(Some((operator, span))),
                    None => {
                        let known = nearest_first(&name, words());
                        let wrong = format!("there is no operator -{name} here; there are: {known}");
                        Err(Wrong::unknown(span, wrong))
                    }
                }
            }
            _ => Ok(None),
        }
    }
}

//! Reading values: variables, lists, tables, blocks, types, and what stands in parentheses.

use super::cursor::{Parser, is_blank, is_line_end};
use super::error::{Span, Wrong};
use super::syntax::{Enclosure, Expression, Member, Node, Unary};
use super::word::{is_dash, is_double_quote, is_single_quote};

impl Parser<'_> {
    /// A value among arguments, where a word needs no quotes.
    pub(super) fn argument_item(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        match self.peek() {
            Some('$') => {
                let value = self.postfixed(start)?;
                if self.at_word_end() {
                    return Ok(value);
                }
                if self.peek() == Some('+') {
                    return Err(self.not_joined());
                }
                // `$env:COMPUTERNAME\Default` is one word that begins with a variable.
                if matches!(value.node, Node::Members(..)) {
                    let wrong = "in double quotes a property stands in $( ): \"$($cert.Subject) and more\"";
                    return Err(Wrong::syntax(self.since(start), wrong));
                }
                self.word(Some(value))
            }
            Some('@' | '(') => {
                let value = self.primary()?;
                if self.peek() == Some('+') { Err(self.not_joined()) } else { Ok(value) }
            }
            Some('{') => self.block(),
            Some(c) if is_single_quote(c) || is_double_quote(c) => {
                let value = self.quoted(c)?;
                if self.peek() == Some('+') {
                    return Err(self.not_joined());
                }
                if !self.at_word_end() {
                    let wrong = "PowerShell begins another argument after the quote; put all of it in quotes";
                    return Err(Wrong::syntax(self.here(), wrong));
                }
                Ok(value)
            }
            _ => self.word(None),
        }
    }

    fn not_joined(&self) -> Wrong {
        let wrong = "PowerShell calculates nothing among arguments; put it in parentheses: ('<I>'+$cert.Issuer+'<S>'+$cert.Subject)";
        Wrong::syntax(self.here(), wrong)
    }

    /// A value where no argument stands, with the operators before it.
    pub(super) fn unary(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        let before = |parser: &mut Self, operator: Unary, length: usize| {
            parser.at += length;
            parser.skip_lines()?;
            let value = parser.nested(Self::unary)?;
            let node = Node::Unary(operator, Box::new(value));
            Ok(Expression { node, span: parser.since(start) })
        };
        match self.peek() {
            Some('!') => before(self, Unary::Not, 1),
            Some('+') => before(self, Unary::Plus, 1),
            Some(',') => before(self, Unary::Comma, 1),
            Some(c) if is_dash(c) => {
                let name: String =
                    self.rest().chars().skip(1).take_while(char::is_ascii_alphabetic).collect();
                let length = c.len_utf8() + name.len();
                match name.to_ascii_lowercase().as_str() {
                    "" if self.peek_second().is_some_and(is_dash) => {
                        Err(Wrong::syntax(self.here(), "`--` is not supported here; write $a = $a - 1"))
                    }
                    "" => before(self, Unary::Minus, length),
                    "not" => before(self, Unary::Not, length),
                    "join" => before(self, Unary::Join, length),
                    "split" => before(self, Unary::Split, length),
                    _ => {
                        let span = Span { start, end: start + length };
                        let wrong = format!("a value is missing before -{name}");
                        Err(Wrong::syntax(span, wrong))
                    }
                }
            }
            _ => self.primary(),
        }
    }

    /// A value where no argument stands, with the members asked of it.
    fn primary(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        match self.peek() {
            Some('$' | '(') => self.postfixed(start),
            Some('@') => match self.peek_second() {
                Some('{' | '(') => self.postfixed(start),
                Some(c) if is_single_quote(c) || is_double_quote(c) => {
                    Err(Wrong::syntax(self.here(), "here-strings are not supported here; use quotes"))
                }
                _ => {
                    let wrong = "after @ comes { or (; splatting is not supported here: write each parameter with its value";
                    Err(Wrong::syntax(self.here(), wrong))
                }
            },
            Some('[') => self.typed(),
            Some('{') => self.block(),
            Some(c) if is_single_quote(c) || is_double_quote(c) => self.postfixed(start),
            Some(c) if c.is_ascii_digit() => self.number(),
            Some(c) => {
                let word = self.rest().split(|c: char| is_blank(c) || is_line_end(c) || ",;)}".contains(c));
                let word = word.into_iter().next().filter(|word| !word.is_empty()).unwrap_or_default();
                let wrong = match word {
                    "" => format!("a value is missing before {}", self.found()),
                    word => format!("a text needs quotes here, such as '{word}'"),
                };
                let span = Span { start, end: start + word.len().max(c.len_utf8()) };
                Err(Wrong::syntax(span, wrong))
            }
            None => Err(Wrong::syntax(self.here(), "a value is missing at the end")),
        }
    }

    fn number(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        let digits = |parser: &mut Self| parser.take_while(|c| c.is_ascii_alphanumeric()).len();
        digits(self);
        // `1..5` is a range, `1.5` a number.
        if self.peek() == Some('.') && self.peek_second().is_some_and(|c| c.is_ascii_digit()) {
            self.next();
            digits(self);
        }
        let number = self.text[start..self.at].to_owned();
        let more = self.peek().is_some_and(|c| {
            c.is_alphanumeric()
                || (c == '.' && self.peek_second() != Some('.'))
                || matches!(c, '_' | ':' | '\\' | '@')
        });
        if more || super::number::parse(&number).is_none() {
            let word = self.rest().split(|c: char| is_blank(c) || is_line_end(c) || ",;)}".contains(c));
            let rest = word.into_iter().next().unwrap_or_default().len();
            let span = Span { start, end: self.at + rest };
            let wrong = format!("a text needs quotes here, such as '{}'", &self.text[start..span.end]);
            return Err(Wrong::syntax(span, wrong));
        }
        Ok(Expression { node: Node::Number(number), span: self.since(start) })
    }

    /// A variable, a text or something in parentheses, and the members asked of it.
    fn postfixed(&mut self, start: usize) -> Result<Expression, Wrong> {
        let (first, second) = (self.peek(), self.peek_second());
        let node = match (first, second) {
            (Some('$'), Some('(')) => self.enclosed("$(", Enclosure::Subexpression)?,
            (Some('@'), Some('{')) => self.table()?.node,
            (Some('@'), _) => self.enclosed("@(", Enclosure::Array)?,
            (Some('('), _) => self.enclosed("(", Enclosure::Parenthesis)?,
            (Some(c), _) if is_single_quote(c) || is_double_quote(c) => self.quoted(c)?.node,
            _ => named(self.variable_name()?),
        };
        let value = Expression { node, span: self.since(start) };
        self.members(value, start)
    }

    /// Reads the members of `value`, one after the other.
    fn members(&mut self, value: Expression, start: usize) -> Result<Expression, Wrong> {
        let mut members = Vec::new();
        loop {
            let second = self.peek_second();
            match self.peek() {
                Some('.') if second.is_some_and(|c| c.is_alphabetic() || c == '_') => {
                    self.next();
                    let name = self.identifier();
                    members.push(if self.peek() == Some('(') {
                        Member::Method(name, self.arguments()?)
                    } else {
                        Member::Property(name)
                    });
                }
                Some('[') => {
                    self.next();
                    self.skip_lines()?;
                    let at = self.nested(Self::expression)?;
                    self.skip_lines()?;
                    self.expect(']', "after the place in the list")?;
                    members.push(Member::Index(at));
                }
                _ if members.is_empty() => return Ok(value),
                _ => {
                    let node = Node::Members(Box::new(value), members);
                    return Ok(Expression { node, span: self.since(start) });
                }
            }
        }
    }

    /// The arguments of a method, in parentheses.
    fn arguments(&mut self) -> Result<Vec<Expression>, Wrong> {
        self.expect('(', "after the method")?;
        self.skip_lines()?;
        let mut arguments = Vec::new();
        if self.peek() != Some(')') {
            loop {
                arguments.push(self.nested(Self::expression_item)?);
                self.skip_lines()?;
                if !self.eat(',') {
                    break;
                }
                self.skip_lines()?;
            }
        }
        self.expect(')', "after the arguments")?;
        Ok(arguments)
    }

    pub(super) fn enclosed(&mut self, opening: &str, enclosure: Enclosure) -> Result<Node, Wrong> {
        let start = self.at;
        self.eat_all(opening);
        let opened = self.since(start);
        let script = self.nested(Self::script)?;
        if !self.eat(')') {
            return Err(Wrong::syntax(opened, format!("`{opening}` is not closed")));
        }
        if enclosure == Enclosure::Parenthesis && script.0.len() != 1 {
            return Err(Wrong::syntax(self.since(start), "in parentheses stands one statement"));
        }
        Ok(Node::Enclosed(enclosure, script))
    }

    /// `{ ... }`.
    fn block(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        self.eat('{');
        let opened = self.since(start);
        let script = self.nested(Self::script)?;
        if !self.eat('}') {
            return Err(match self.peek() {
                None => Wrong::syntax(opened, "`{` is not closed"),
                Some(c) => Wrong::syntax(
                    self.here(),
                    format!("Unexpected token '{c}' in expression or statement: it closes nothing."),
                ),
            });
        }
        Ok(Expression { node: Node::Block(script), span: self.since(start) })
    }

    /// `[Type]value`, `[Class]::Method(...)`, `[Class]::Property`, or `[Type]` alone.
    fn typed(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        self.next();
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
        let name = if self.eat_all("[]") { format!("{name}[]") } else { name.to_owned() };
        if name.is_empty() || !self.eat(']') {
            return Err(Wrong::syntax(self.since(start), "after [ comes a type, such as [Byte[]]"));
        }
        if !self.eat_all("::") {
            let end = self.at;
            self.skip_blanks()?;
            let value = self.peek().is_some_and(|c| {
                c.is_ascii_digit() || is_single_quote(c) || is_double_quote(c) || "$(@[!{".contains(c)
            });
            let minus = self.peek().is_some_and(is_dash)
                && self.peek_second().is_some_and(|c| c.is_ascii_digit() || c == '$' || c == '(');
            if !value && !minus {
                self.at = end;
                return Ok(Expression { node: Node::Type(name), span: self.since(start) });
            }
            let value = self.nested(Self::unary)?;
            let node = Node::Cast(name, Box::new(value));
            return Ok(Expression { node, span: self.since(start) });
        }
        let member = self.identifier();
        if member.is_empty() {
            return Err(Wrong::syntax(self.here(), "after :: comes a method or property"));
        }
        let arguments = if self.peek() == Some('(') { Some(self.arguments()?) } else { None };
        let value =
            Expression { node: Node::Static { class: name, member, arguments }, span: self.since(start) };
        self.members(value, start)
    }

    fn table(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        self.eat_all("@{");
        let opened = self.since(start);
        let mut entries = Vec::new();
        loop {
            self.skip_lines()?;
            while self.eat(';') {
                self.skip_lines()?;
            }
            match self.peek() {
                Some('}') => {
                    self.next();
                    return Ok(Expression { node: Node::Table(entries), span: self.since(start) });
                }
                None => return Err(Wrong::syntax(opened, "`@{` is not closed")),
                Some(_) => {}
            }
            let key = match self.peek() {
                Some(c) if is_single_quote(c) || is_double_quote(c) => self.quoted(c)?.node,
                _ => Node::Text(self.identifier()),
            };
            let Node::Text(key) = key else {
                return Err(Wrong::syntax(self.here(), "a key is a plain text"));
            };
            self.skip_blanks()?;
            self.expect('=', "after the key")?;
            self.skip_lines()?;
            entries.push((key, self.nested(Self::expression)?));
            self.skip_blanks()?;
            if !matches!(self.peek(), Some(';' | '}' | '\n' | '\r')) {
                self.expect('}', "or `;` is missing after the value")?;
            }
        }
    }
}

/// A variable, or one of the three that are constants.
pub(super) fn named(name: String) -> Node {
    match name.to_ascii_lowercase().as_str() {
        "null" => Node::Null,
        "true" => Node::Bool(true),
        "false" => Node::Bool(false),
        _ => Node::Variable(name),
    }
}

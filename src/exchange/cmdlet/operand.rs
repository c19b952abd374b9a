//! Reading values: variables, lists, tables, and what stands in parentheses.

use super::cursor::{Parser, is_blank, is_line_end};
use super::error::{Span, Wrong};
use super::syntax::{Comparison, Enclosure, Expression, Node};
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
                // `$env:COMPUTERNAME\Default` is one word that begins with a variable.
                if matches!(value.node, Node::Property(..) | Node::Index(..)) {
                    let wrong = "in double quotes a property stands in $( ): \"$($cert.Subject) and more\"";
                    return Err(Wrong::syntax(self.since(start), wrong));
                }
                self.word(Some(value))
            }
            Some('@' | '(') => self.expression_item(),
            Some('{') => self.filter(),
            Some(c) if is_single_quote(c) || is_double_quote(c) => {
                let value = self.quoted(c)?;
                if !self.at_word_end() {
                    let wrong = "PowerShell begins another argument after the quote; put all of it in quotes";
                    return Err(Wrong::syntax(self.here(), wrong));
                }
                Ok(value)
            }
            _ => self.word(None),
        }
    }

    /// A value where no argument stands.
    pub(super) fn expression_item(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        match self.peek() {
            Some('$' | '(') => self.postfixed(start),
            Some('@') => match self.peek_second() {
                Some('{') => self.table(),
                Some('(') => self.postfixed(start),
                Some(c) if is_single_quote(c) || is_double_quote(c) => {
                    Err(Wrong::syntax(self.here(), "here-strings are not spoken here; use quotes"))
                }
                _ => Err(Wrong::syntax(self.here(), "after @ comes { or (; splatting is not spoken here")),
            },
            Some('[') => self.typed(),
            Some(c) if is_single_quote(c) || is_double_quote(c) => self.quoted(c),
            Some(c) if c.is_ascii_digit() => {
                let number = self.take_while(|c| c.is_ascii_alphanumeric() || c == '.').to_owned();
                let digits = number.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let unit = &number[digits.len()..];
                let sized = ["", "kb", "mb", "gb"].iter().any(|known| unit.eq_ignore_ascii_case(known));
                if !sized || digits.matches('.').count() > 1 || !self.at_value_end() {
                    let wrong = format!("a text needs quotes here, such as '{number}'");
                    return Err(Wrong::syntax(self.since(start), wrong));
                }
                Ok(Expression { node: Node::Text(number), span: self.since(start) })
            }
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

    /// A variable or something in parentheses, and the properties asked of it.
    fn postfixed(&mut self, start: usize) -> Result<Expression, Wrong> {
        let node = match (self.peek(), self.peek_second()) {
            (Some('$'), Some('(')) => self.enclosed("$(", Enclosure::Subexpression)?,
            (Some('@'), _) => self.enclosed("@(", Enclosure::Array)?,
            (Some('('), _) => self.enclosed("(", Enclosure::Parenthesis)?,
            _ => named(self.variable_name()?),
        };
        let mut value = Expression { node, span: self.since(start) };
        loop {
            let second = self.peek_second();
            let node = match self.peek() {
                Some('.') if second.is_some_and(|c| c.is_alphabetic() || c == '_') => {
                    self.next();
                    let name = self.identifier();
                    if self.peek() == Some('(') {
                        let wrong = format!("methods such as .{name}() are not called here");
                        return Err(Wrong::syntax(self.here(), wrong));
                    }
                    Node::Property(Box::new(value), name)
                }
                Some('[') if second.is_some_and(|c| c.is_ascii_digit() || c == '-') => {
                    self.next();
                    let number = self.take_while(|c| c.is_ascii_digit() || c == '-');
                    let at = number.parse().map_err(|_| {
                        Wrong::syntax(self.since(start), format!("`{number}` is no place in a list"))
                    })?;
                    self.expect(']', "after the number")?;
                    Node::Index(Box::new(value), at)
                }
                _ => return Ok(value),
            };
            value = Expression { node, span: self.since(start) };
        }
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

    /// `[Type]value` or `[Class]::Method(...)`.
    fn typed(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        self.next();
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
        let name = if self.eat_all("[]") { format!("{name}[]") } else { name.to_owned() };
        if name.is_empty() || !self.eat(']') {
            return Err(Wrong::syntax(self.since(start), "after [ comes a type, such as [Byte[]]"));
        }
        if !self.eat_all("::") {
            self.skip_blanks()?;
            let value = self.nested(Self::expression_item)?;
            let node = Node::Cast(name, Box::new(value));
            return Ok(Expression { node, span: self.since(start) });
        }
        let method = self.identifier();
        self.expect('(', "after the method")?;
        self.skip_lines()?;
        let arguments = match self.peek() {
            Some(')') => Vec::new(),
            _ => match self.nested(Self::expression)? {
                Expression { node: Node::List(items), .. } => items,
                only => vec![only],
            },
        };
        self.skip_lines()?;
        self.expect(')', "after the arguments")?;
        Ok(Expression { node: Node::Static { class: name, method, arguments }, span: self.since(start) })
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
            if self.peek() == Some('{') {
                return Err(Wrong::syntax(self.here(), "properties that are calculated are not spoken here"));
            }
            entries.push((key, self.nested(Self::expression)?));
            self.skip_blanks()?;
            if !matches!(self.peek(), Some(';' | '}' | '\n' | '\r')) {
                self.expect('}', "or `;` is missing after the value")?;
            }
        }
    }

    /// `{ $_.Property -eq value }`.
    fn filter(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        self.eat('{');
        let mut comparisons = Vec::new();
        loop {
            self.skip_lines()?;
            let at = self.at;
            let subject = match self.peek() {
                Some('$') => self.postfixed(at)?.node,
                _ => Node::Null,
            };
            let property = match subject {
                Node::Property(of, property) if matches!(&of.node, Node::Variable(name) if name == "_" || name.eq_ignore_ascii_case("PSItem")) => {
                    property
                }
                _ => {
                    let wrong = "a filter reads { $_.Property -eq value }";
                    return Err(Wrong::syntax(self.since(at), wrong));
                }
            };
            let (operator, span) = self.operator()?;
            self.skip_lines()?;
            let value = self.nested(Self::expression)?;
            comparisons.push(Comparison { property, operator, value, span });
            self.skip_lines()?;
            if self.eat('}') {
                return Ok(Expression { node: Node::Filter(comparisons), span: self.since(start) });
            }
            let (joint, span) = self.operator()?;
            if !joint.eq_ignore_ascii_case("and") {
                let wrong = format!("comparisons are joined with -and here, not with -{joint}");
                return Err(Wrong::syntax(span, wrong));
            }
        }
    }

    fn operator(&mut self) -> Result<(String, Span), Wrong> {
        self.skip_lines()?;
        let start = self.at;
        if !self.peek().is_some_and(is_dash) {
            return Err(Wrong::syntax(self.here(), "an operator such as -eq is missing"));
        }
        self.next();
        let name = self.take_while(|c| c.is_ascii_alphabetic()).to_owned();
        Ok((name, self.since(start)))
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

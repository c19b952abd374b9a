//! Reading a script: statements, pipelines, commands.

use std::str::FromStr;

use super::cursor::{Parser, is_blank, is_line_end};
use super::error::{CmdletError, Span, Wrong};
use super::syntax::{Argument, Command, Expression, Node, Pipeline, Script, Stage, Statement};
use super::word::{is_dash, is_double_quote, is_single_quote};

impl FromStr for Script {
    type Err = CmdletError;

    /// Reads a script as PowerShell does.
    ///
    /// # Errors
    ///
    /// Fails, with line and caret, if the text is not PowerShell or uses PowerShell that is not supported
    /// here.
    fn from_str(text: &str) -> Result<Self, CmdletError> {
        let (script, wrong) = Self::read(text);
        match wrong {
            None => Ok(Self(script.into_iter().map(|(statement, _)| statement).collect())),
            Some(wrong) => Err(wrong.in_script(text)),
        }
    }
}

impl Script {
    /// Reads as much of a script as is right, each statement with its place, and what is wrong then.
    ///
    /// A Shell reads a line as a whole before it does any of it, so the statements that stand on the line of
    /// what is wrong are not among those that are handed back.
    pub(super) fn read(text: &str) -> (Vec<(Statement, Span)>, Option<Wrong>) {
        let mut parser = Parser::new(text);
        let mut statements: Vec<(Statement, Span)> = Vec::new();
        let wrong = loop {
            match parser.next_statement() {
                Ok(Some(statement)) => statements.push(statement),
                Ok(None) => match parser.peek() {
                    None => return (statements, None),
                    Some(c) => {
                        break Wrong::syntax(
                            parser.here(),
                            format!("Unexpected token '{c}' in expression or statement: it closes nothing."),
                        );
                    }
                },
                Err(wrong) => break wrong,
            }
        };
        let line = text[..parser.statement_start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
        statements.retain(|(_, span)| span.end <= line);
        (statements, Some(wrong))
    }
}

/// The words that begin a statement which is not supported here, and what is to be written in its place.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("while", "loops are written with foreach or ForEach-Object"),
    ("do", "loops are written with foreach or ForEach-Object"),
    ("for", "loops are written with foreach or ForEach-Object"),
    ("switch", "write if and elseif"),
    ("function", "write its commands one after the other"),
    ("filter", "write its commands one after the other"),
    ("param", "assign the variables instead"),
    ("try", "write its commands without try and catch"),
    ("trap", "write its commands without it"),
    ("throw", "leave it away"),
    ("return", "leave it away"),
    ("exit", "leave it away"),
    ("break", "filter with Where-Object before the loop"),
    ("continue", "filter with Where-Object before the loop"),
    ("begin", "write its commands one after the other"),
    ("process", "write its commands one after the other"),
    ("end", "write its commands one after the other"),
    ("class", "write its commands one after the other"),
    ("using", "leave it away"),
    ("elseif", "it follows the closing brace of an if"),
    ("else", "it follows the closing brace of an if"),
];

impl Parser<'_> {
    /// Statements up to what closes them, which is left standing, or to the end of the text.
    pub(super) fn script(&mut self) -> Result<Script, Wrong> {
        let mut statements = Vec::new();
        while let Some((statement, _)) = self.next_statement()? {
            statements.push(statement);
        }
        Ok(Script(statements))
    }

    /// The next statement with its place; `None` before what closes the script, and at its end.
    fn next_statement(&mut self) -> Result<Option<(Statement, Span)>, Wrong> {
        self.skip_lines()?;
        while self.eat(';') {
            self.skip_lines()?;
        }
        if matches!(self.peek(), None | Some(')' | '}' | ']')) {
            return Ok(None);
        }
        let start = self.at;
        if self.is_outermost() {
            self.statement_start = start;
        }
        let statement = self.statement()?;
        let span = self.since(start);
        self.skip_blanks()?;
        match self.peek() {
            None | Some(';' | '\n' | '\r' | ')' | '}' | ']') => {}
            // A block that has just been closed needs nothing behind it.
            Some(_) if self.text[..span.end].ends_with('}') && is_block(&statement) => {}
            Some('&') if self.rest().starts_with("&&") => {
                return Err(Wrong::syntax(self.here(), "`&&` is not supported here; begin a new line"));
            }
            Some('>') => {
                let wrong = "files are not written with `>` here; pipe into Set-Content -Path";
                return Err(Wrong::syntax(self.here(), wrong));
            }
            Some(c) => {
                let wrong = format!("`;`, `|` or a new line is missing before `{c}`");
                return Err(Wrong::syntax(self.here(), wrong));
            }
        }
        Ok(Some((statement, span)))
    }

    fn statement(&mut self) -> Result<Statement, Wrong> {
        let start = self.at;
        if let Some((variable, adds)) = self.assigned()? {
            let value = Box::new(self.nested(Self::statement)?);
            return Ok(Statement::Assignment { variable, adds, value });
        }
        if self.keyword("if") {
            return self.nested(Self::conditional);
        }
        if self.keyword("foreach") {
            return self.nested(Self::for_each);
        }
        let word = self.word_ahead();
        if let Some((word, instead)) = UNSUPPORTED.iter().find(|(known, _)| known.eq_ignore_ascii_case(word))
        {
            let span = Span { start, end: start + word.len() };
            return Err(Wrong::syntax(span, format!("`{word}` is not supported here; {instead}")));
        }
        Ok(Statement::Pipeline(self.pipeline()?))
    }

    fn word_ahead(&self) -> &str {
        let rest = self.rest();
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(rest.len())]
    }

    /// Reads a keyword that a parenthesis follows; where there is none, nothing is read.
    fn keyword(&mut self, word: &str) -> bool {
        let ahead = self.word_ahead();
        let after = self.rest()[ahead.len()..].trim_start_matches(is_blank);
        let there = ahead.eq_ignore_ascii_case(word) && after.starts_with('(');
        if there {
            self.at += ahead.len();
        }
        there
    }

    fn conditional(&mut self) -> Result<Statement, Wrong> {
        let mut branches = Vec::new();
        loop {
            self.skip_lines()?;
            self.expect('(', "before the condition")?;
            self.skip_lines()?;
            let condition = self.pipeline()?;
            self.skip_lines()?;
            self.expect(')', "after the condition")?;
            branches.push((condition, self.body()?));
            let end = self.at;
            self.skip_lines()?;
            if self.keyword("elseif") {
                continue;
            }
            if self.word_ahead().eq_ignore_ascii_case("else") {
                self.at += "else".len();
                return Ok(Statement::If { branches, otherwise: Some(self.body()?) });
            }
            self.at = end;
            return Ok(Statement::If { branches, otherwise: None });
        }
    }

    fn for_each(&mut self) -> Result<Statement, Wrong> {
        self.skip_lines()?;
        self.expect('(', "after foreach")?;
        self.skip_lines()?;
        let start = self.at;
        let variable = self.variable_name()?;
        self.settable(&variable, self.since(start))?;
        self.skip_lines()?;
        if !self.word_ahead().eq_ignore_ascii_case("in") {
            return Err(Wrong::syntax(self.here(), "`in` is missing after the variable"));
        }
        self.at += "in".len();
        self.skip_lines()?;
        let of = self.pipeline()?;
        self.skip_lines()?;
        self.expect(')', "after what it goes through")?;
        Ok(Statement::ForEach { variable, of, body: self.body()? })
    }

    fn body(&mut self) -> Result<Script, Wrong> {
        self.skip_lines()?;
        self.expect('{', "before what is done")?;
        let body = self.nested(Self::script)?;
        self.expect('}', "after what is done")?;
        Ok(body)
    }

    /// `$name =` or `$name +=`; where there is none, nothing is read.
    fn assigned(&mut self) -> Result<Option<(String, bool)>, Wrong> {
        let start = self.at;
        if self.peek() != Some('$') || self.peek_second() == Some('(') {
            return Ok(None);
        }
        let name = self.variable_name()?;
        let span = self.since(start);
        self.skip_blanks()?;
        let adds = match self.rest().as_bytes() {
            [b'+', b'=', ..] => {
                self.at += 1;
                true
            }
            [b'-' | b'*' | b'/' | b'%', b'=', ..] | [b'+', b'+', ..] | [b'-', b'-', ..] => {
                return Err(Wrong::syntax(self.here(), "a variable is set with `=` or `+=` here"));
            }
            _ => false,
        };
        if !self.eat('=') {
            self.at = start;
            return Ok(None);
        }
        self.settable(&name, span)?;
        self.skip_lines()?;
        Ok(Some((name, adds)))
    }

    fn settable(&self, name: &str, span: Span) -> Result<(), Wrong> {
        let constants = ["true", "false", "null", "_", "psitem"];
        let constant = constants.iter().any(|fixed| name.eq_ignore_ascii_case(fixed));
        if constant || name.to_ascii_lowercase().starts_with("env:") {
            return Err(Wrong::syntax(span, format!("${name} cannot be set")));
        }
        Ok(())
    }

    fn pipeline(&mut self) -> Result<Pipeline, Wrong> {
        let first = match self.peek() {
            Some('&') => {
                let wrong = format!(
                    "a cmdlet such as Get-ReceiveConnector is expected here, not {}; what stands in braces or in a variable is not called",
                    self.found()
                );
                return Err(Wrong::syntax(self.here(), wrong));
            }
            Some(_) if self.begins_a_value() => Stage::Value(self.expression()?),
            _ => Stage::Command(self.command()?),
        };
        if let Stage::Value(_) = first {
            let after = self.at;
            self.skip_blanks()?;
            if matches!(self.peek(), Some('=')) || matches!(self.rest().as_bytes(), [b'+' | b'-', b'=', ..]) {
                let wrong = "only a variable can be set here, not a property or an item of one; values are compared with -eq";
                return Err(Wrong::syntax(self.here(), wrong));
            }
            self.at = after;
        }
        let mut stages = vec![first];
        loop {
            self.skip_blanks()?;
            if self.rest().starts_with("||") {
                return Err(Wrong::syntax(self.here(), "`||` is not supported here; begin a new line"));
            }
            if !self.eat('|') {
                return Ok(Pipeline(stages));
            }
            self.skip_lines()?;
            stages.push(Stage::Command(self.command()?));
        }
    }

    fn command(&mut self) -> Result<Command, Wrong> {
        let start = self.at;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '\\' | ':' | '?' | '%');
        let name = self.take_while(plain).to_owned();
        let span = self.since(start);
        let ends = self.peek().is_none_or(|c| is_blank(c) || is_line_end(c) || ";|)}{`(".contains(c));
        if name.is_empty() || !ends {
            let wrong =
                format!("a cmdlet such as Get-ReceiveConnector is expected here, not {}", self.found());
            return Err(Wrong::syntax(self.here(), wrong));
        }
        let mut arguments = Vec::new();
        loop {
            self.skip_blanks()?;
            match self.peek() {
                None | Some('\n' | '\r' | ';' | '|' | ')' | '}') => {
                    return Ok(Command { name, arguments, span });
                }
                Some(c)
                    if is_dash(c) && self.peek_second().is_some_and(|c| c.is_alphabetic() || c == '_') =>
                {
                    arguments.push(self.parameter()?);
                }
                Some(_) => arguments.push(Argument::Value(self.argument()?)),
            }
        }
    }

    fn parameter(&mut self) -> Result<Argument, Wrong> {
        let start = self.at;
        self.next();
        let name = self.take_while(|c| c.is_alphanumeric() || c == '_' || is_dash(c)).to_owned();
        let span = self.since(start);
        if !self.eat(':') {
            return Ok(Argument::Parameter { name, value: None, span });
        }
        self.skip_blanks()?;
        let value = self.argument()?;
        Ok(Argument::Parameter { name, value: Some(value), span })
    }

    /// One argument: a value, or several with commas between them.
    pub(super) fn argument(&mut self) -> Result<Expression, Wrong> {
        self.listed(Self::argument_item)
    }

    /// Reads one `item`, or several with commas between them.
    pub(super) fn listed(
        &mut self,
        item: impl Fn(&mut Self) -> Result<Expression, Wrong>,
    ) -> Result<Expression, Wrong> {
        let start = self.at;
        let first = item(self)?;
        let mut items = vec![first];
        loop {
            let end = self.at;
            self.skip_blanks()?;
            if !self.eat(',') {
                self.at = end;
                break;
            }
            self.skip_lines()?;
            items.push(item(self)?);
        }
        match items.pop() {
            Some(only) if items.is_empty() => Ok(only),
            last => {
                items.extend(last);
                Ok(Expression { node: Node::List(items), span: self.since(start) })
            }
        }
    }

    /// Returns whether a value begins here rather than a command.
    fn begins_a_value(&self) -> bool {
        let second = self.peek_second();
        match self.peek() {
            None => false,
            Some(c) if c.is_ascii_digit() || is_single_quote(c) || is_double_quote(c) => true,
            Some('$' | '(' | '@' | '[' | '{' | '!' | '+' | ',') => true,
            Some(c) => is_dash(c) && second.is_some_and(|c| c.is_alphanumeric() || c == '(' || c == '$'),
        }
    }
}

/// Returns whether the statement ends with the brace of its own block.
fn is_block(statement: &Statement) -> bool {
    match statement {
        Statement::If { .. } | Statement::ForEach { .. } => true,
        Statement::Assignment { value, .. } => is_block(value),
        Statement::Pipeline(_) => false,
    }
}

#[cfg(test)]
mod tests;

//! Reading texts: quotes and their escapes, words without quotes, variables inside both.
//!
//! Sources: about_Quoting_Rules, about_Special_Characters.

use super::cursor::{Parser, is_blank, is_line_end};
use super::error::{Span, Wrong};
use super::operand::named;
use super::syntax::{Enclosure, Expression, Node, Part};

/// PowerShell takes the quotes of a word processor for quotes, and guides are full of them.
pub(super) fn is_single_quote(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}'..='\u{201b}')
}

pub(super) fn is_double_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}'..='\u{201e}')
}

/// PowerShell also takes the dashes of a word processor for hyphens.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2013}'..='\u{2015}')
}

impl Parser<'_> {
    /// A text in quotes.
    pub(super) fn quoted(&mut self, quote: char) -> Result<Expression, Wrong> {
        let start = self.at;
        let mut parts = Parts::default();
        self.next();
        if is_single_quote(quote) {
            self.single_quoted(start, &mut parts)?;
        } else {
            self.double_quoted(start, &mut parts)?;
        }
        Ok(Expression { node: parts.into_node(), span: self.since(start) })
    }

    fn single_quoted(&mut self, start: usize, parts: &mut Parts) -> Result<(), Wrong> {
        loop {
            match self.next() {
                Some(c) if is_single_quote(c) => match self.peek() {
                    Some(again) if is_single_quote(again) => {
                        self.next();
                        parts.push(again);
                    }
                    _ => return Ok(()),
                },
                Some(c) => parts.push(c),
                None => return Err(self.unclosed(start)),
            }
        }
    }

    fn double_quoted(&mut self, start: usize, parts: &mut Parts) -> Result<(), Wrong> {
        loop {
            match self.peek() {
                Some(c) if is_double_quote(c) => {
                    self.next();
                    match self.peek() {
                        Some(again) if is_double_quote(again) => {
                            self.next();
                            parts.push(again);
                        }
                        _ => return Ok(()),
                    }
                }
                Some('`') => {
                    self.next();
                    parts.push(self.next().map(unescaped).ok_or_else(|| self.unclosed(start))?);
                }
                Some('$') if self.expands() => parts.0.push(Part::Expression(self.expansion()?)),
                Some(c) => {
                    self.next();
                    parts.push(c);
                }
                None => return Err(self.unclosed(start)),
            }
        }
    }

    fn unclosed(&self, start: usize) -> Wrong {
        let quote = self.text[start..].chars().next().unwrap_or('"');
        let span = Span { start, end: start + quote.len_utf8() };
        Wrong::syntax(span, format!("the text that begins with {quote} is not closed"))
    }

    /// A text without quotes, or with quotes only around parts of it; `first` has been read already.
    pub(super) fn word(&mut self, first: Option<Expression>) -> Result<Expression, Wrong> {
        let start = first.as_ref().map_or(self.at, |first| first.span.start);
        let mut parts = Parts(first.into_iter().map(Part::Expression).collect());
        loop {
            match self.peek() {
                Some(c) if is_single_quote(c) => {
                    let from = self.at;
                    self.next();
                    self.single_quoted(from, &mut parts)?;
                }
                Some(c) if is_double_quote(c) => {
                    let from = self.at;
                    self.next();
                    self.double_quoted(from, &mut parts)?;
                }
                Some('`') if !self.rest()[1..].starts_with(is_line_end) && self.rest().len() > 1 => {
                    self.next();
                    parts.extend(self.next().map(unescaped));
                }
                Some('$') if self.expands() => parts.0.push(Part::Expression(self.expansion()?)),
                Some(c @ ('<' | '>' | '&' | '(' | '{')) => {
                    let instead = match c {
                        '>' => "; files are written with Set-Content -Path",
                        '&' => "; for another command begin a new line",
                        _ => "",
                    };
                    let wrong =
                        format!("`{c}` means something to PowerShell; put the text in quotes{instead}");
                    return Err(Wrong::syntax(self.here(), wrong));
                }
                Some(c) if !ends_a_word(c) => {
                    self.next();
                    parts.push(c);
                }
                _ => break,
            }
        }
        if self.at == start {
            return Err(Wrong::syntax(self.here(), format!("a value is missing before {}", self.found())));
        }
        Ok(Expression { node: parts.into_node(), span: self.since(start) })
    }

    pub(super) fn at_word_end(&self) -> bool {
        self.peek().is_none_or(ends_a_word)
            || self.rest().starts_with("`\n")
            || self.rest().starts_with("`\r")
    }

    /// Returns whether the `$` here begins an expression. Otherwise it is a dollar sign.
    fn expands(&self) -> bool {
        self.peek_second().is_some_and(|c| c == '(' || c == '{' || is_of_name(c))
    }

    /// `$name` or `$(...)` inside a text: a property needs the second form.
    fn expansion(&mut self) -> Result<Expression, Wrong> {
        let start = self.at;
        let node = match self.peek_second() {
            Some('(') => self.enclosed("$(", Enclosure::Subexpression)?,
            _ => named(self.variable_name()?),
        };
        Ok(Expression { node, span: self.since(start) })
    }

    /// `$name`, `${name}` or `$env:NAME`.
    pub(super) fn variable_name(&mut self) -> Result<String, Wrong> {
        let start = self.at;
        self.eat('$');
        if self.eat('{') {
            let name = self.take_while(|c| c != '}' && c != '`' && !is_line_end(c)).to_owned();
            if name.is_empty() || name.contains('$') || !self.eat('}') {
                return Err(Wrong::syntax(self.since(start), "`${` is closed with `}` after the name"));
            }
            return Ok(name);
        }
        let name = self.take_while(is_of_name);
        if name.is_empty() {
            return Err(Wrong::syntax(self.since(start), "a variable has a name, such as $cert"));
        }
        if self.peek() != Some(':') || !self.peek_second().is_some_and(is_of_name) {
            return Ok(name.to_owned());
        }
        if !name.eq_ignore_ascii_case("env") {
            let wrong = format!("PowerShell takes `{name}:` for a drive; write ${{{name}}}: instead");
            return Err(Wrong::syntax(self.since(start), wrong));
        }
        self.next();
        Ok(format!("env:{}", self.take_while(is_of_name)))
    }

    pub(super) fn identifier(&mut self) -> String {
        self.take_while(is_of_name).to_owned()
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn ends_a_word(c: char) -> bool {
    is_blank(c) || is_line_end(c) || matches!(c, ',' | ';' | '|' | ')' | '}')
}

/// Returns the character that a backtick and `c` stand for (about_Special_Characters).
fn unescaped(c: char) -> char {
    match c {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        c => c,
    }
}

/// The pieces of a text, with no two texts side by side.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn push(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.0.push(Part::Text(c.to_string())),
        }
    }

    fn extend(&mut self, c: Option<char>) {
        c.into_iter().for_each(|c| self.push(c));
    }

    fn into_node(mut self) -> Node {
        match self.0.pop() {
            None => Node::Text(String::new()),
            Some(Part::Text(text)) if self.0.is_empty() => Node::Text(text),
            last => {
                self.0.extend(last);
                Node::Interpolated(self.0)
            }
        }
    }
}

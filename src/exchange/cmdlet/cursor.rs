//! A place in a script, and the steps over what says nothing: blanks, comments, continued lines.

use super::error::{Span, Wrong};

/// The text that is being read, and the position in it.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// The start of the outermost statement that is being read.
    pub(super) statement_start: usize,
    depth: usize,
}

/// Deeper than any guide nests, and shallow enough for every stack.
const DEEPEST: usize = 24;

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, statement_start: 0, depth: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn eat(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        if there {
            self.at += c.len_utf8();
        }
        there
    }

    pub(super) fn eat_all(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// From `start` to here.
    pub(super) fn since(&self, start: usize) -> Span {
        Span { start, end: self.at }
    }

    /// The character here.
    pub(super) fn here(&self) -> Span {
        Span { start: self.at, end: self.at + self.peek().map_or(0, char::len_utf8) }
    }

    pub(super) fn expect(&mut self, c: char, after: &str) -> Result<(), Wrong> {
        if self.eat(c) {
            return Ok(());
        }
        Err(Wrong::syntax(self.here(), format!("`{c}` is missing {after}; here is {}", self.found())))
    }

    /// The character here as a message names it.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(c) if c.is_control() => format!("`{}`", c.escape_debug()),
            Some(c) => format!("`{c}`"),
        }
    }

    /// Returns whether no nested construct is open here.
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 0
    }

    /// Goes one level deeper for as long as `read` takes.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if self.depth == DEEPEST {
            return Err(Wrong::syntax(
                self.here(),
                format!("what is nested here is more than {DEEPEST} deep"),
            ));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Steps over blanks and comments within a line, and over a backtick with its line end.
    pub(super) fn skip_blanks(&mut self) -> Result<(), Wrong> {
        loop {
            match self.peek() {
                Some(c) if is_blank(c) => self.at += c.len_utf8(),
                Some('`') if self.continues() => {
                    self.next();
                    self.eat('\r');
                    self.eat('\n');
                }
                Some('`') if self.backtick_before_blanks() => {
                    let wrong = "a backtick continues a line only as its last character; blanks follow it";
                    return Err(Wrong::syntax(self.here(), wrong));
                }
                Some('#') => {
                    self.take_while(|c| !is_line_end(c));
                }
                Some('<') if self.rest().starts_with("<#") => {
                    let end = self.rest().find("#>").ok_or_else(|| {
                        Wrong::syntax(Span { start: self.at, end: self.at + 2 }, "the comment has no `#>`")
                    })?;
                    self.at += end + 2;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Steps over line ends as well.
    pub(super) fn skip_lines(&mut self) -> Result<(), Wrong> {
        self.skip_blanks()?;
        while self.peek().is_some_and(is_line_end) {
            self.next();
            self.skip_blanks()?;
        }
        Ok(())
    }

    fn continues(&self) -> bool {
        let after = &self.rest()[1..];
        after.is_empty() || after.starts_with(is_line_end)
    }

    fn backtick_before_blanks(&self) -> bool {
        let after = &self.rest()[1..];
        let rest = after.trim_start_matches(is_blank);
        rest.len() < after.len() && (rest.is_empty() || rest.starts_with(is_line_end))
    }
}

pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() && !is_line_end(c)
}

pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

//! Reading a script: statements, pipelines, commands.

use std::str::FromStr;

use super::cursor::{Parser, is_blank, is_line_end};
use super::error::{CmdletError, Wrong};
use super::syntax::{Argument, Command, Expression, Node, Pipeline, Script, Stage, Statement};
use super::word::{is_dash, is_double_quote, is_single_quote};

impl FromStr for Script {
    type Err = CmdletError;

    /// Reads a script as PowerShell does.
    ///
    /// # Errors
    ///
    /// What is no PowerShell, or none that is spoken here, with line and caret.
    fn from_str(text: &str) -> Result<Self, CmdletError> {
        let mut parser = Parser::new(text);
        let script = parser.script().and_then(|script| match parser.peek() {
            None => Ok(script),
            Some(c) => Err(Wrong::syntax(parser.here(), format!("`{c}` closes nothing"))),
        });
        script.map_err(|wrong| wrong.in_script(text))
    }
}

impl Parser<'_> {
    /// Statements up to what closes them, which is left standing, or to the end of the text.
    pub(super) fn script(&mut self) -> Result<Script, Wrong> {
        let mut statements = Vec::new();
        loop {
            self.skip_lines()?;
            while self.eat(';') {
                self.skip_lines()?;
            }
            if matches!(self.peek(), None | Some(')' | '}' | ']')) {
                return Ok(Script(statements));
            }
            statements.push(self.statement()?);
            self.skip_blanks()?;
            match self.peek() {
                None | Some(';' | '\n' | '\r' | ')' | '}' | ']') => {}
                Some('+' | '*' | '/') => {
                    let wrong = "nothing is calculated here; texts are joined inside double quotes: \"$a$b\"";
                    return Err(Wrong::syntax(self.here(), wrong));
                }
                Some(c) => {
                    let wrong = format!("`;`, `|` or a new line is missing before `{c}`");
                    return Err(Wrong::syntax(self.here(), wrong));
                }
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, Wrong> {
        let variable = self.assigned()?;
        Ok(Statement { variable, pipeline: self.pipeline()? })
    }

    /// `$name =`; where there is none, nothing is read.
    fn assigned(&mut self) -> Result<Option<String>, Wrong> {
        let start = self.at;
        if self.peek() != Some('$') || self.peek_second() == Some('(') {
            return Ok(None);
        }
        let name = self.variable_name()?;
        let span = self.since(start);
        self.skip_blanks()?;
        if matches!(self.rest().as_bytes(), [b'+' | b'-' | b'*', b'=', ..]) {
            return Err(Wrong::syntax(self.here(), "a variable is only set with `=` here"));
        }
        if !self.eat('=') {
            self.at = start;
            return Ok(None);
        }
        let constant = ["true", "false", "null", "_"].iter().any(|fixed| name.eq_ignore_ascii_case(fixed));
        if constant || name.contains(':') {
            return Err(Wrong::syntax(span, format!("${name} cannot be set")));
        }
        self.skip_lines()?;
        Ok(Some(name))
    }

    fn pipeline(&mut self) -> Result<Pipeline, Wrong> {
        let first = match self.peek() {
            Some(c) if begins_a_value(c) => Stage::Value(self.expression()?),
            _ => Stage::Command(self.command()?),
        };
        let mut stages = vec![first];
        loop {
            self.skip_blanks()?;
            if !self.eat('|') {
                return Ok(Pipeline(stages));
            }
            self.skip_lines()?;
            stages.push(Stage::Command(self.command()?));
        }
    }

    fn command(&mut self) -> Result<Command, Wrong> {
        let start = self.at;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '\\' | ':' | '?');
        let name = self.take_while(plain).to_owned();
        let span = self.since(start);
        let ends = self.peek().is_none_or(|c| is_blank(c) || is_line_end(c) || ";|)}{`".contains(c));
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

    /// A value where no argument stands: words need quotes.
    pub(super) fn expression(&mut self) -> Result<Expression, Wrong> {
        self.listed(Self::expression_item)
    }

    fn listed(&mut self, item: impl Fn(&mut Self) -> Result<Expression, Wrong>) -> Result<Expression, Wrong> {
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
}

fn begins_a_value(c: char) -> bool {
    matches!(c, '$' | '(' | '@' | '[') || c.is_ascii_digit() || is_single_quote(c) || is_double_quote(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read, as it is printed.
    fn read(text: &str) -> String {
        text.parse::<Script>().unwrap_or_else(|error| panic!("{error}")).to_string()
    }

    #[test]
    fn a_script_is_read_whatever_its_quotes_and_layout() {
        for (text, printed) in [
            ("Get-X", "Get-X"),
            ("  get-x ; ; Get-Y\r\n\r\nGet-Z # and so on", "get-x; Get-Y; Get-Z"),
            ("Get-X <# over\ntwo lines #> -A 1", "Get-X -A 1"),
            ("Set-X -A `\n  b `\r\n  -C d", "Set-X -A b -C d"),
            ("Set-X 'it''s' \"say \"\"no\"\" `$5\"", "Set-X 'it''s' 'say \"no\" $5'"),
            ("Set-X \"`t`n``\"", "Set-X '\t\n`'"),
            ("Set-X a` b", "Set-X 'a b'"),
            ("Set-X a'b c'd", "Set-X 'ab cd'"),
            ("Set-X \"\" ''", "Set-X '' ''"),
            ("Set-X \u{201c}two words\u{201d} \u{2013}A \u{2018}x\u{2019}", "Set-X 'two words' -A x"),
            ("Set-X '\u{2019}\u{2019}'", "Set-X '\u{2019}\u{2019}'"),
            ("Set-X [::]:25, 0.0.0.0:25", "Set-X '[::]:25', 0.0.0.0:25"),
            ("Set-X -A:$false -B: 'x','y'", "Set-X -A:$false -B:x, y"),
            ("Set-X -1 '-A' 10MB", "Set-X '-1' '-A' 10MB"),
            ("Set-X C:\\a.req, *.b.test", "Set-X C:\\a.req, *.b.test"),
            ("Set-X a,`\n b,\n c", "Set-X a, b, c"),
            (
                "Set-X @{Add='a','b'; \"Remove\" = 5\n C=$true}",
                "Set-X @{'Add' = 'a', 'b'; 'Remove' = '5'; 'C' = $true}",
            ),
            ("Set-X @()", "Set-X @()"),
            ("$a=Get-X|fl *", "$a = Get-X | fl *"),
            ("$a = 'x'", "$a = 'x'"),
            ("$a.B | ft C,D", "$a.B | ft C, D"),
            ("Set-X $a.B $a[0].B ($a)[-1]", "Set-X $a.B $a[0].B ($a)[-1]"),
            ("Set-X $env:COMPUTERNAME\\A", "Set-X \"${env:COMPUTERNAME}\\A\""),
            ("Set-X \"<I>$($a.B)<S>$($a.C)\"", "Set-X \"<I>$($a.B)<S>$($a.C)\""),
            ("Set-X \"$a.B ${c}d $ 5$\"", "Set-X \"${a}.B ${c}d `$ 5`$\""),
            ("Set-X \"$null$true\"", "Set-X \"${null}${true}\""),
            ("Set-X (Get-Y -A (Get-Z).B).C", "Set-X (Get-Y -A (Get-Z).B).C"),
            ("Set-X ([Byte[]]$(Get-Y a))", "Set-X ([Byte[]]$(Get-Y a))"),
            (
                "Set-X ([System.IO.File]::ReadAllBytes('C:\\a'))",
                "Set-X ([System.IO.File]::ReadAllBytes('C:\\a'))",
            ),
            (
                "Get-X | ? {$_.Id -eq 5 -and $_.B -like 'a*'}",
                "Get-X | ? { $_.Id -eq '5' -and $_.B -like 'a*' }",
            ),
            ("Get-X |\n  ? Id -eq 5", "Get-X | ? Id -eq 5"),
            ("", ""),
            ("# nothing\n", ""),
        ] {
            assert_eq!(read(text), printed, "{text}");
            assert_eq!(read(printed), printed, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_shown_in_its_place_with_what_would_be_right() {
        for (text, place, hint) in [
            ("Set-X 'a", "1:7", "not closed"),
            ("Set-X\n \"a", "2:2", "not closed"),
            ("Set-X -A <I>CN=a", "1:10", "in quotes"),
            ("Set-X \"a\"b", "1:10", "put all of it in quotes"),
            ("Set-X -A ` \n -B", "1:10", "last character"),
            ("Set-X -A:", "1:10", "missing"),
            ("Set-X a,", "1:9", "missing"),
            ("Set-X a, | b", "1:10", "missing"),
            ("$a = , b", "1:6", "not `,`"),
            ("$a = @{Add=b}", "1:12", "such as 'b'"),
            ("$a = @{Add=10.0.0.1}", "1:12", "such as '10.0.0.1'"),
            ("$a = @{Add 'b'}", "1:12", "`=` is missing"),
            ("$a = @{Add='b'", "1:15", "missing"),
            ("$a = @{", "1:6", "not closed"),
            ("$a = @\"\nx\n\"@", "1:6", "here-strings"),
            ("Set-X @a", "1:7", "splatting"),
            ("Set-X (Get-Y", "1:7", "not closed"),
            ("Set-X \"$(Get-Y\"", "1:15", "not `\"`"),
            ("Get-X)", "1:6", "closes nothing"),
            ("$a + $b", "1:4", "calculated"),
            ("$a += 1", "1:4", "only set with `=`"),
            ("$true = 1", "1:1", "cannot be set"),
            ("$a.Trim()", "1:8", "not called"),
            ("Set-X \"$a:b\"", "1:8", "${a}:"),
            ("Get-X | ", "1:9", "cmdlet"),
            ("& Get-X", "1:1", "not `&`"),
            ("Get-X | ? {$_.A -eq 1 -or $_.B -eq 2}", "1:23", "-and"),
            ("Get-X | ? {A -eq 1}", "1:12", "$_.Property"),
            ("Get-X <# a", "1:7", "`#>`"),
        ] {
            let error = text.parse::<Script>().unwrap_err().to_string();
            let shown = error.starts_with(&format!("{place}: ")) && error.contains(hint);
            assert!(shown && error.ends_with('^'), "{text}\n{error}");
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = |levels: usize| format!("{}Get-X{}", "(".repeat(levels), ")".repeat(levels));
        assert!(deep(20).parse::<Script>().is_ok());
        let error = deep(100_000).parse::<Script>().unwrap_err();
        assert!(error.message.contains("deep"), "{error}");
    }
}

//! A script in pieces: its statements with their places, which of them change something, and how each is written
//! to be only tried.

use super::error::{CmdletError, Span};
use super::known::cmdlets;
use super::syntax::{Argument, Command, Expression, Member, Node, Part, Pipeline, Script, Stage, Statement};
use crate::exchange::Profile;

/// A statement of a script, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedStatement {
    /// The text of the statement.
    pub text: String,
    /// The line that it begins in, from 1.
    pub line: usize,
    /// The column that it begins in, from 1.
    pub column: usize,
    /// True if a cmdlet in it changes something, and is not only tried by `-WhatIf`.
    pub changes: bool,
    /// True if it sets a variable.
    pub assigns: bool,
    /// The statement with `-WhatIf` behind every cmdlet that changes something; `None` where one of them cannot
    /// be only tried.
    pub what_if: Option<String>,
}

impl TypedStatement {
    /// Returns the statement alone, in the line and column that it has in its script, so that an error names them.
    pub fn in_place(&self) -> String {
        format!("{}{}{}", "\n".repeat(self.line - 1), " ".repeat(self.column - 1), self.text)
    }
}

/// Returns the statements of `script` up to the line that cannot be read, and the error in that line.
pub fn statements(script: &str, profile: Profile) -> (Vec<TypedStatement>, Option<CmdletError>) {
    let (read, wrong) = Script::read(script);
    let changing = Changing::of(profile);
    let all = read.iter().map(|(statement, span)| typed(script, statement, *span, &changing));
    (all.collect(), wrong.map(|wrong| wrong.in_script(script)))
}

/// The names of the cmdlets that change something.
struct Changing(Vec<&'static str>);

/// The program that changes something and knows no `-WhatIf`.
const WITHOUT_WHAT_IF: &str = "certutil";

impl Changing {
    fn of(profile: Profile) -> Self {
        let changing =
            cmdlets(profile).into_iter().filter(|it| it.parameters.iter().any(|it| it.name == "WhatIf"));
        let names = changing.flat_map(|it| std::iter::once(it.name).chain(it.aliases.iter().copied()));
        Self(names.collect())
    }

    fn holds(&self, command: &Command) -> bool {
        self.0.iter().any(|name| name.eq_ignore_ascii_case(&command.name))
    }
}

fn is_certutil(command: &Command) -> bool {
    command.name.strip_suffix(".exe").unwrap_or(&command.name).eq_ignore_ascii_case(WITHOUT_WHAT_IF)
}

/// The value of `-WhatIf`, where it is given.
fn what_if_of(command: &Command) -> Option<bool> {
    command.arguments.iter().find_map(|argument| match argument {
        Argument::Parameter { name, value, .. } => {
            let off = value.as_ref().is_some_and(|value| value.node == Node::Bool(false));
            name.eq_ignore_ascii_case("WhatIf").then_some(!off)
        }
        Argument::Value(_) => None,
    })
}

fn typed(script: &str, statement: &Statement, span: Span, changing: &Changing) -> TypedStatement {
    let mut commands = Vec::new();
    in_statement(statement, &mut commands);
    let mut what_if = script[span.start..span.end].to_owned();
    let changed: Vec<&Command> = commands
        .into_iter()
        .filter(|command| {
            is_certutil(command) || changing.holds(command) && what_if_of(command) != Some(true)
        })
        .collect();
    let can_be_tried = !changed.iter().any(|it| is_certutil(it) || what_if_of(it).is_some());
    let mut ends: Vec<usize> = changed.iter().map(|command| command.span.end - span.start).collect();
    ends.sort_unstable();
    ends.iter().rev().for_each(|end| what_if.insert_str(*end, " -WhatIf"));
    let before = &script[..span.start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    TypedStatement {
        text: script[span.start..span.end].to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        changes: !changed.is_empty(),
        assigns: assigns(statement),
        what_if: can_be_tried.then_some(what_if),
    }
}

fn assigns(statement: &Statement) -> bool {
    let within = |script: &Script| script.0.iter().any(assigns);
    match statement {
        Statement::Assignment { .. } => true,
        Statement::Pipeline(_) => false,
        Statement::ForEach { body, .. } => within(body),
        Statement::If { branches, otherwise } => {
            branches.iter().any(|(_, body)| within(body)) || otherwise.as_ref().is_some_and(within)
        }
    }
}

fn in_script<'a>(script: &'a Script, found: &mut Vec<&'a Command>) {
    script.0.iter().for_each(|statement| in_statement(statement, found));
}

fn in_statement<'a>(statement: &'a Statement, found: &mut Vec<&'a Command>) {
    match statement {
        Statement::Pipeline(pipeline) => in_pipeline(pipeline, found),
        Statement::Assignment { value, .. } => in_statement(value, found),
        Statement::If { branches, otherwise } => {
            for (condition, body) in branches {
                in_pipeline(condition, found);
                in_script(body, found);
            }
            otherwise.iter().for_each(|body| in_script(body, found));
        }
        Statement::ForEach { of, body, .. } => {
            in_pipeline(of, found);
            in_script(body, found);
        }
    }
}

fn in_pipeline<'a>(pipeline: &'a Pipeline, found: &mut Vec<&'a Command>) {
    for stage in &pipeline.0 {
        match stage {
            Stage::Value(value) => in_expression(value, found),
            Stage::Command(command) => {
                found.push(command);
                for argument in &command.arguments {
                    match argument {
                        Argument::Value(value) => in_expression(value, found),
                        Argument::Parameter { value, .. } => {
                            value.iter().for_each(|value| in_expression(value, found));
                        }
                    }
                }
            }
        }
    }
}

fn in_expression<'a>(expression: &'a Expression, found: &mut Vec<&'a Command>) {
    match &expression.node {
        Node::Null | Node::Bool(_) | Node::Text(_) | Node::Number(_) | Node::Variable(_) | Node::Type(_) => {}
        Node::Interpolated(parts) => {
            for part in parts {
                match part {
                    Part::Text(_) => {}
                    Part::Expression(inner) => in_expression(inner, found),
                }
            }
        }
        Node::List(items) => items.iter().for_each(|item| in_expression(item, found)),
        Node::Table(entries) => entries.iter().for_each(|(_, value)| in_expression(value, found)),
        Node::Members(of, members) => {
            in_expression(of, found);
            for member in members {
                match member {
                    Member::Property(_) => {}
                    Member::Method(_, arguments) => arguments.iter().for_each(|it| in_expression(it, found)),
                    Member::Index(index) => in_expression(index, found),
                }
            }
        }
        Node::Enclosed(_, script) | Node::Block(script) => in_script(script, found),
        Node::Cast(_, inner) | Node::Unary(_, inner) => in_expression(inner, found),
        Node::Static { arguments, .. } => {
            arguments.iter().flatten().for_each(|argument| in_expression(argument, found));
        }
        Node::Operation(first, rest) => {
            in_expression(first, found);
            rest.iter().for_each(|(_, _, value)| in_expression(value, found));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what fails in a test is a failed test")]
mod tests {
    use super::*;

    fn all(script: &str) -> (Vec<TypedStatement>, Option<CmdletError>) {
        statements(script, Profile::Exchange2019)
    }

    #[test]
    fn every_cmdlet_that_changes_something_is_only_tried() {
        let (read, wrong) =
            all("$c = Get-ExchangeCertificate; Get-ReceiveConnector | Set-ReceiveConnector -Fqdn x\n\
             foreach ($a in $b) { Remove-ReceiveConnector $a; Set-ReceiveConnector a -WhatIf }");
        assert!(wrong.is_none());
        let shown: Vec<_> = read.iter().map(|it| (it.line, it.column, it.changes, it.assigns)).collect();
        assert_eq!(shown, [(1, 1, false, true), (1, 31, true, false), (2, 1, true, false)]);
        assert_eq!(
            read[1].what_if.as_deref(),
            Some("Get-ReceiveConnector | Set-ReceiveConnector -WhatIf -Fqdn x")
        );
        let tried = read[2].what_if.as_deref().unwrap();
        assert_eq!(tried.matches("-WhatIf").count(), 2, "{tried}");
        assert_eq!(read[1].in_place().find("Get-ReceiveConnector"), Some(30));
    }

    #[test]
    fn a_cmdlet_inside_of_a_value_counts() {
        let (read, _) =
            all("Write-Output \"$(New-ExchangeCertificate)\" @{ a = (Remove-ReceiveConnector x) }");
        assert_eq!(read[0].what_if.as_deref().unwrap().matches(" -WhatIf").count(), 2);
    }

    #[test]
    fn what_cannot_be_only_tried_is_left_out() {
        let (read, _) = all("certutil -repairstore my 00; Set-Content a b -WhatIf:$false");
        assert_eq!((read[0].changes, read[0].what_if.as_ref()), (true, None));
        assert_eq!((read[1].changes, read[1].what_if.as_ref()), (true, None));
    }

    #[test]
    fn statements_before_a_line_that_cannot_be_read_are_there() {
        let (read, wrong) = all("Get-Date\nGet-Date; )");
        assert_eq!((read.len(), wrong.map(|it| it.line)), (1, Some(2)));
    }
}

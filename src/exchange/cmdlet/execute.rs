//! Carrying out statements, pipelines and commands.

use super::bind::Bound;
use super::error::{Span, Wrong};
use super::known;
use super::operator::{Operator, OperatorKind};
use super::run::Run;
use super::signature::Verb;
use super::syntax::{Command, Pipeline, Script, Stage, Statement};
use super::value::Value;
use super::view::View;

/// The values that pass from one stage of a pipeline to the next.
#[derive(Default)]
pub(super) struct Piped {
    pub(super) values: Vec<Value>,
    pub(super) view: View,
}

impl From<Vec<Value>> for Piped {
    fn from(values: Vec<Value>) -> Self {
        Self { values, view: View::Default }
    }
}

impl Run<'_> {
    /// Carries statements out, up to the first that fails.
    pub(super) fn top_level(&mut self, statements: &[(Statement, Span)]) -> Result<(), Wrong> {
        for (statement, _) in statements {
            self.carry_out(statement)?;
        }
        Ok(())
    }

    /// Carries a statement out, and puts what comes of it on the screen at once.
    fn carry_out(&mut self, statement: &Statement) -> Result<(), Wrong> {
        if let Statement::Pipeline(pipeline) = statement {
            let Piped { values, view } = self.pipeline(&pipeline.0)?;
            self.put_out(values, view);
            return Ok(());
        }
        let bodies: &mut dyn FnMut(&mut Self, &Script) -> Result<(), Wrong> =
            &mut |run, body| body.0.iter().try_for_each(|statement| run.carry_out(statement));
        self.controlled(statement, bodies)
    }

    /// The values of all statements of a block or in parentheses.
    pub(super) fn values_of(&mut self, script: &Script) -> Result<Vec<Value>, Wrong> {
        let mut all = Vec::new();
        for statement in &script.0 {
            all.extend(self.values_of_statement(statement)?);
        }
        Ok(all)
    }

    fn values_of_statement(&mut self, statement: &Statement) -> Result<Vec<Value>, Wrong> {
        if let Statement::Pipeline(pipeline) = statement {
            return Ok(self.pipeline(&pipeline.0)?.values);
        }
        let mut all = Vec::new();
        let bodies: &mut dyn FnMut(&mut Self, &Script) -> Result<(), Wrong> = &mut |run, body| {
            all.extend(run.values_of(body)?);
            Ok(())
        };
        self.controlled(statement, bodies)?;
        Ok(all)
    }

    /// Carries out a statement that is no pipeline; `bodies` carries out what stands in its braces.
    fn controlled(
        &mut self,
        statement: &Statement,
        bodies: &mut dyn FnMut(&mut Self, &Script) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        match statement {
            Statement::Pipeline(_) => Ok(()),
            Statement::Assignment { variable, adds, value } => {
                let span = value.span();
                let value = self.assigned(value)?;
                let value = match (adds, self.state.variable(variable).cloned()) {
                    (true, Some(held)) => {
                        let plus = Operator::plain(OperatorKind::Add);
                        self.operate(held, plus, value, span)?
                    }
                    _ => value,
                };
                self.assign(variable, value, span)
            }
            Statement::If { branches, otherwise } => {
                for (condition, body) in branches {
                    let values = self.pipeline(&condition.0)?.values;
                    if Value::of(values).is_true() {
                        return bodies(self, body);
                    }
                }
                otherwise.as_ref().map_or(Ok(()), |body| bodies(self, body))
            }
            Statement::ForEach { variable, of, body } => {
                let span = of.span();
                for value in self.pipeline(&of.0)?.values {
                    self.step(1, span)?;
                    self.assign(variable, value, span)?;
                    bodies(self, body)?;
                }
                Ok(())
            }
        }
    }

    /// Returns the value that is assigned. An expression keeps its value, even a list of one. A single value
    /// from a pipeline is not a list.
    fn assigned(&mut self, statement: &Statement) -> Result<Value, Wrong> {
        match statement {
            Statement::Pipeline(Pipeline(stages)) => match stages.as_slice() {
                [Stage::Value(value)] => self.expression(value),
                stages => Ok(Value::of(self.pipeline(stages)?.values)),
            },
            Statement::Assignment { .. } | Statement::If { .. } | Statement::ForEach { .. } => {
                Ok(Value::of(self.values_of_statement(statement)?))
            }
        }
    }

    fn pipeline(&mut self, stages: &[Stage]) -> Result<Piped, Wrong> {
        let mut piped: Option<Piped> = None;
        for stage in stages {
            piped = Some(match stage {
                Stage::Value(value) => self.expression(value)?.each().into(),
                Stage::Command(command) => self.command(command, piped)?,
            });
            // What goes through a pipeline is work as well, and is bounded by it.
            let values = piped.iter().flat_map(|piped| &piped.values);
            self.step(values.map(Value::work).fold(0, usize::saturating_add), stage.span())?;
        }
        Ok(piped.unwrap_or_default())
    }

    fn command(&mut self, command: &Command, input: Option<Piped>) -> Result<Piped, Wrong> {
        self.step(1, command.span)?;
        let cmdlet = known::cmdlet(&command.name, command.span, self.profile())?;
        if input.as_ref().is_some_and(|piped| piped.view != View::Default) && !cmdlet.takes_a_view() {
            let wrong =
                "after Format-List and Format-Table nothing can follow; filter and select before them";
            return Err(Wrong::argument(command.span, wrong));
        }
        let (work, takes) = match cmdlet.verb {
            Verb::Raw(work) => {
                let values = input.map(|piped| piped.values).unwrap_or_default();
                return work(self, command, values);
            }
            Verb::Shape(work) => {
                let bound = Bound::new(self, cmdlet, command)?;
                return work(self, &bound, input.unwrap_or_default());
            }
            Verb::Model(work, takes) => (work, takes),
        };
        let all = match (input, takes) {
            (None, _) => vec![Bound::new(self, cmdlet, command)?],
            (Some(input), Some((parameter, property))) => {
                // `Get-... | Set-...` works wherever the object came from, so no version stands in the way.
                let parameter = cmdlet.all_parameters().find(|known| known.name == parameter);
                let handed_on = |value: Value| match &value {
                    Value::Object(object) => object.property(property).cloned().unwrap_or(value),
                    _ => value,
                };
                let mut all = Vec::new();
                for value in input.values {
                    // An argument in braces is worth what it is for each value that comes.
                    self.current.push(value.clone());
                    let bound = Bound::new(self, cmdlet, command);
                    self.current.pop();
                    let bound = bound?;
                    all.push(match parameter {
                        Some(parameter) => bound.with_input(parameter, handed_on(value)),
                        None => bound,
                    });
                }
                all
            }
            (Some(_), None) => {
                let wrong = format!("{} takes nothing from a pipeline", cmdlet.name);
                return Err(Wrong::argument(command.span, wrong));
            }
        };
        let mut made = Vec::new();
        for bound in all {
            if bound.switch("WhatIf") {
                self.only_try(work, &bound)?;
            } else {
                made.extend(work(self, &bound)?);
            }
        }
        Ok(made.into())
    }
}

impl Statement {
    /// Returns its position, as far as it is known.
    fn span(&self) -> Span {
        match self {
            Self::Pipeline(pipeline) => pipeline.span(),
            Self::Assignment { value, .. } => value.span(),
            Self::If { branches, .. } => {
                branches.first().map_or(Span::default(), |(condition, _)| condition.span())
            }
            Self::ForEach { of, .. } => of.span(),
        }
    }
}

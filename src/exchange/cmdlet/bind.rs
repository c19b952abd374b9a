//! From the arguments of a command to the parameters of its cmdlet (about_Parameters).

use super::error::{Span, Wrong};
use super::run::Run;
use super::signature::{Cmdlet, Parameter, Takes};
use super::syntax::{Argument, Command, Expression};
use super::value::Value;
use crate::pki::Thumbprint;

/// A command whose arguments have found their parameters.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) cmdlet: &'static str,
    /// The position of the command's name.
    pub(super) span: Span,
    given: Vec<Given>,
}

/// A parameter with its value.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) parameter: &'static Parameter,
    pub(super) value: Value,
    /// The position of the value, or of the parameter if it is a switch.
    pub(super) span: Span,
}

impl Bound {
    /// Finds the parameter of each argument, and evaluates the arguments in their order.
    pub(super) fn new(run: &mut Run<'_>, cmdlet: &'static Cmdlet, command: &Command) -> Result<Self, Wrong> {
        let mut bound = Self { cmdlet: cmdlet.name, span: command.span, given: Vec::new() };
        let mut without_name: Vec<(Value, Span)> = Vec::new();
        let mut arguments = command.arguments.iter().peekable();
        while let Some(argument) = arguments.next() {
            let (name, attached, span) = match argument {
                Argument::Parameter { name, value, span } => (name, value.as_ref(), *span),
                Argument::Value(value) => {
                    without_name.push((run.expression(value)?, value.span));
                    continue;
                }
            };
            let parameter = cmdlet.parameter(name, span, run.profile())?;
            let mut following = || arguments.next_if(|next| matches!(next, Argument::Value(_)));
            let (value, span) = match (parameter.takes, attached) {
                (_, Some(value)) => (run.expression(value)?, value.span),
                (Takes::Switch, None) => (Value::Bool(true), span),
                (Takes::Value | Takes::Idle, None) => match following() {
                    Some(Argument::Value(value)) => (run.expression(value)?, value.span),
                    _ => {
                        let wrong = format!("Missing an argument for parameter '{}'.", parameter.name);
                        return Err(Wrong::argument(span, wrong));
                    }
                },
            };
            bound.give(parameter, value, span)?;
        }
        bound.give_positional(run, cmdlet, without_name)?;
        for given in bound.given.iter().filter(|given| given.parameter.takes == Takes::Idle) {
            let common = cmdlet.parameters.iter().all(|own| !own.contains(given.parameter));
            if !common {
                run.warn(format!("-{} makes no difference in a lab.", given.parameter.name));
            }
        }
        Ok(bound)
    }

    fn give(&mut self, parameter: &'static Parameter, value: Value, span: Span) -> Result<(), Wrong> {
        if self.get(parameter.name).is_some() {
            let wrong = format!(
                "Cannot bind parameter because parameter '{}' is specified more than once.",
                parameter.name
            );
            return Err(Wrong::argument(span, wrong));
        }
        self.given.push(Given { parameter, value, span });
        Ok(())
    }

    fn give_positional(
        &mut self,
        run: &Run<'_>,
        cmdlet: &'static Cmdlet,
        values: Vec<(Value, Span)>,
    ) -> Result<(), Wrong> {
        let mut free: Vec<&Parameter> = cmdlet
            .all_parameters()
            .filter(|parameter| parameter.position.is_some() && parameter.since <= run.profile())
            .filter(|parameter| self.get(parameter.name).is_none())
            .collect();
        free.sort_by_key(|parameter| parameter.position);
        let mut free = free.into_iter();
        let mut before: Option<Value> = None;
        for (value, span) in values {
            let Some(parameter) = free.next() else {
                let hint = match before {
                    Some(before) => format!(" A text with blanks needs quotes: \"{before} {value}\"."),
                    None => String::new(),
                };
                let wrong =
                    format!("A positional parameter cannot be found that accepts argument '{value}'.{hint}");
                return Err(Wrong::argument(span, wrong));
            };
            before = Some(value.clone());
            self.give(parameter, value, span)?;
        }
        Ok(())
    }

    /// Adds a value that comes through a pipeline, unless the parameter was given.
    pub(super) fn with_input(mut self, parameter: &'static Parameter, value: Value) -> Self {
        if self.get(parameter.name).is_none() {
            self.given.push(Given { parameter, value, span: self.span });
        }
        self
    }

    /// The parameter, where it was given.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.parameter.name == name)
    }

    /// Returns whether a switch is on; `-Name:$false` turns it off.
    pub(super) fn switch(&self, name: &str) -> bool {
        self.get(name).is_some_and(|given| given.value != Value::Bool(false))
    }

    /// Returns the position of the parameter, or of the command if the parameter was not given.
    pub(super) fn place(&self, name: &str) -> Span {
        self.get(name).map_or(self.span, |given| given.span)
    }

    /// One text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        let Some(given) = self.get(name) else {
            return Ok(None);
        };
        match &given.value {
            Value::List(_) | Value::Table(_) | Value::Null => {
                let shown = if given.value == Value::Null { "$null" } else { &given.value.to_string() };
                let wrong = format!("-{name} takes one text, not {shown}");
                Err(Wrong::argument(given.span, wrong))
            }
            value => Ok(Some(value.to_string())),
        }
    }

    /// Texts.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let values = self.get(name).map(|given| given.value.clone().each()).unwrap_or_default();
        values.iter().map(ToString::to_string).collect()
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Wrong> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let wrong = || Wrong::argument(self.place(name), format!("-{name}: `{text}` is not a whole number"));
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// A thumbprint, or the one of a certificate that was handed on.
    pub(super) fn thumbprint(&self) -> Result<Option<(Thumbprint, Span)>, Wrong> {
        let Some(given) = ["Thumbprint", "Identity"].iter().find_map(|name| self.get(name)) else {
            return Ok(None);
        };
        let text = match &given.value {
            Value::Object(object) => object.property("Thumbprint").map(ToString::to_string),
            Value::Text(text) => Some(text.rsplit('\\').next().unwrap_or(text).to_owned()),
            _ => None,
        };
        let wrong = |why: &str| {
            Wrong::argument(given.span, format!("-{} takes one thumbprint: {why}", given.parameter.name))
        };
        let text = text.ok_or_else(|| wrong(&format!("`{}` is none", given.value)))?;
        text.parse()
            .map(|thumbprint| Some((thumbprint, given.span)))
            .map_err(|error: crate::pki::ParseThumbprintError| wrong(&format!("`{text}` is none; {error}")))
    }

    /// Fails where one of these was not given.
    pub(super) fn need(&self, names: &[&str]) -> Result<(), Wrong> {
        let missing: Vec<&str> = names.iter().copied().filter(|name| self.get(name).is_none()).collect();
        if missing.is_empty() { Ok(()) } else { Err(self.missing(&missing)) }
    }

    /// Returns PowerShell's error for missing mandatory parameters that it cannot ask for.
    pub(super) fn missing(&self, names: &[&str]) -> Wrong {
        let wrong = format!(
            "Cannot process command because of one or more missing mandatory parameters: {}.",
            names.join(" ")
        );
        Wrong::argument(self.span, wrong)
    }
}

/// The arguments as they stand, for a program that reads them itself.
pub(super) fn unbound(command: &Command) -> impl Iterator<Item = Result<&str, &Expression>> {
    command.arguments.iter().map(|argument| match argument {
        Argument::Parameter { name, .. } => Ok(name.as_str()),
        Argument::Value(value) => Err(value),
    })
}

//! The names and parameters of the cmdlets.

use super::bind::Bound;
use super::error::{Span, Wrong, nearest_first};
use super::execute::Piped;
use super::run::Run;
use super::syntax::Command;
use super::value::Value;
use crate::exchange::Profile;

/// A cmdlet.
#[derive(Clone, Copy)]
pub(super) struct Cmdlet {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    /// A one-line description.
    pub(super) synopsis: &'static str,
    pub(super) verb: Verb,
    pub(super) parameters: &'static [&'static [Parameter]],
    /// The first and the last Exchange that has it.
    pub(super) exists: (Profile, Profile),
}

/// The action of a cmdlet.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    /// It works on the model, once, or once for each object that comes through a pipeline: the first
    /// name is the parameter that takes it, the others are properties of the object.
    Model(fn(&mut Run<'_>, &Bound) -> Result<Vec<Value>, Wrong>, Option<FromPipeline>),
    /// It works on what comes through a pipeline.
    Shape(fn(&mut Run<'_>, &Bound, Piped) -> Result<Piped, Wrong>),
    /// It reads its arguments itself.
    Raw(fn(&mut Run<'_>, &Command, Vec<Value>) -> Result<Piped, Wrong>),
}

/// The parameter that takes an object out of a pipeline, and the property that it takes of it.
pub(super) type FromPipeline = (&'static str, &'static str);

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    /// Its place among the arguments without a name.
    pub(super) position: Option<u8>,
    pub(super) since: Profile,
}

/// The kind of value that a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A value.
    Value,
    /// Nothing, or a truth value after a colon.
    Switch,
    /// A value that makes no difference in a lab.
    Idle,
}

impl Parameter {
    pub(super) const fn value(name: &'static str) -> Self {
        Self { name, takes: Takes::Value, position: None, since: Profile::Exchange2007 }
    }

    pub(super) const fn switch(name: &'static str) -> Self {
        Self { takes: Takes::Switch, ..Self::value(name) }
    }

    pub(super) const fn idle(name: &'static str) -> Self {
        Self { takes: Takes::Idle, ..Self::value(name) }
    }

    pub(super) const fn at(self, position: u8) -> Self {
        Self { position: Some(position), ..self }
    }

    pub(super) const fn since(self, since: Profile) -> Self {
        Self { since, ..self }
    }
}

/// The parameters of every cmdlet (about_CommonParameters) that a lab has no use for.
const COMMON: &[Parameter] = &[
    Parameter::idle("DomainController"),
    Parameter::idle("ErrorAction"),
    Parameter::idle("ErrorVariable"),
    Parameter::idle("OutVariable"),
    Parameter::idle("WarningAction"),
    Parameter::switch("Debug"),
    Parameter::switch("Verbose"),
];

impl Cmdlet {
    /// A cmdlet that every version has, without parameters of its own.
    pub(super) const fn new(name: &'static str, synopsis: &'static str, verb: Verb) -> Self {
        let exists = (Profile::Exchange2007, Profile::Exchange2019);
        Self { name, aliases: &[], synopsis, verb, parameters: &[], exists }
    }

    pub(super) const fn with(self, parameters: &'static [&'static [Parameter]]) -> Self {
        Self { parameters, ..self }
    }

    pub(super) const fn called(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    pub(super) const fn since(self, first: Profile) -> Self {
        Self { exists: (first, Profile::Exchange2019), ..self }
    }

    /// Returns whether the cmdlet takes the output of Format-List and Format-Table.
    pub(super) fn takes_a_view(&self) -> bool {
        self.name.starts_with("Out-")
    }

    /// Every parameter, whichever Exchange it came with; what all cmdlets take stands last.
    pub(super) fn all_parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        self.parameters.iter().copied().flatten().chain(COMMON)
    }

    /// The parameter that `typed` means: the whole name, or a beginning that is that of no other.
    pub(super) fn parameter(
        &self,
        typed: &str,
        span: Span,
        profile: Profile,
    ) -> Result<&'static Parameter, Wrong> {
        let all = || self.all_parameters().filter(|parameter| parameter.since <= profile);
        if let Some(exact) = all().find(|parameter| parameter.name.eq_ignore_ascii_case(typed)) {
            return Ok(exact);
        }
        let begins = |parameter: &&Parameter| {
            parameter.name.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed))
        };
        let own: Vec<_> = self
            .parameters
            .iter()
            .copied()
            .flatten()
            .filter(|parameter| parameter.since <= profile)
            .filter(begins)
            .collect();
        let candidates = if own.is_empty() { COMMON.iter().filter(begins).collect() } else { own };
        match candidates.as_slice() {
            [only] => Ok(only),
            [] => Err(self.no_such_parameter(typed, span, profile)),
            several => {
                let names: Vec<String> = several.iter().map(|one| format!("-{}", one.name)).collect();
                let wrong = format!(
                    "Parameter cannot be processed because the parameter name '{typed}' is ambiguous. Possible matches include: {}.",
                    names.join(" ")
                );
                Err(Wrong::unknown(span, wrong))
            }
        }
    }

    fn no_such_parameter(&self, typed: &str, span: Span, profile: Profile) -> Wrong {
        let later = self.all_parameters().find(|parameter| parameter.name.eq_ignore_ascii_case(typed));
        let hint = match later {
            Some(later) => format!("It came with {}; this is {profile}.", later.since),
            None => {
                let known = self.all_parameters().filter(|parameter| parameter.since <= profile);
                format!("{} has: {}", self.name, nearest_first(typed, known.map(|parameter| parameter.name)))
            }
        };
        let wrong = format!("A parameter cannot be found that matches parameter name '{typed}'. {hint}");
        Wrong::unknown(span, wrong)
    }
}

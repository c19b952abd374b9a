//! The cmdlets that a Shell has: found by name, listed, and explained.

use super::error::{Span, Wrong, near};
use super::signature::{Cmdlet, Takes};
use super::table;
use crate::exchange::Profile;

/// A cmdlet as it is listed, for completion and help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmdletHelp {
    /// The name.
    pub name: &'static str,
    /// Its other names.
    pub aliases: &'static [&'static str],
    /// A one-line description.
    pub synopsis: &'static str,
    /// Its parameters; those that every cmdlet takes are left out.
    pub parameters: Vec<ParameterHelp>,
}

/// A parameter as it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterHelp {
    /// The name, without its hyphen.
    pub name: &'static str,
    /// True if a value follows; a switch stands alone.
    pub takes_value: bool,
    /// Its place among the arguments without a name, from 0.
    pub position: Option<u8>,
    /// True if it makes a difference in a lab.
    pub matters: bool,
}

/// The cmdlets of this version of Exchange, by name.
pub fn cmdlets(profile: Profile) -> Vec<CmdletHelp> {
    let mut all: Vec<CmdletHelp> = there(profile).map(|cmdlet| help(cmdlet, profile)).collect();
    all.sort_by_key(|cmdlet| cmdlet.name);
    all
}

fn help(cmdlet: &Cmdlet, profile: Profile) -> CmdletHelp {
    let parameters = cmdlet.parameters.iter().copied().flatten();
    let parameters =
        parameters.filter(|parameter| parameter.since <= profile).map(|parameter| ParameterHelp {
            name: parameter.name,
            takes_value: parameter.takes != Takes::Switch,
            position: parameter.position,
            matters: parameter.takes != Takes::Idle,
        });
    CmdletHelp {
        name: cmdlet.name,
        aliases: cmdlet.aliases,
        synopsis: cmdlet.synopsis,
        parameters: parameters.collect(),
    }
}

fn there(profile: Profile) -> impl Iterator<Item = &'static Cmdlet> {
    table::all().filter(move |cmdlet| (cmdlet.exists.0..=cmdlet.exists.1).contains(&profile))
}

/// The cmdlet called `name`, by whatever letter case or alias, on an Exchange of this version.
pub(super) fn cmdlet(name: &str, span: Span, profile: Profile) -> Result<&'static Cmdlet, Wrong> {
    let bare = name.strip_suffix(".exe").unwrap_or(name);
    let called = |cmdlet: &&Cmdlet| {
        std::iter::once(&cmdlet.name).chain(cmdlet.aliases).any(|known| known.eq_ignore_ascii_case(bare))
    };
    if let Some(found) = there(profile).find(called) {
        return Ok(found);
    }
    let mut hint = match table::all().find(called) {
        Some(other) => format!("{} came with {}; this is {profile}. ", other.name, other.exists.0),
        None => String::new(),
    };
    let near = near(bare, there(profile).map(|cmdlet| cmdlet.name));
    if !near.is_empty() {
        hint.push_str(&format!("Near it: {}. ", near.join(", ")));
    }
    let wrong = format!(
        "The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. {hint}Get-Command lists all that a lab has."
    );
    Err(Wrong::unknown(span, wrong))
}

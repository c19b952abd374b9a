//! `Get-Command` and `Get-Help`: what a Shell has, listed completely.

use super::bind::Bound;
use super::error::Wrong;
use super::known::{self, CmdletHelp, cmdlets};
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout, like};

/// `Get-Command`, with a name that may hold wildcards.
pub(super) fn get_command(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let patterns = bound.texts("Name");
    let wanted = |cmdlet: &CmdletHelp| {
        let names = || std::iter::once(&cmdlet.name).chain(cmdlet.aliases);
        patterns.is_empty() || patterns.iter().any(|pattern| names().any(|name| like(pattern, name)))
    };
    let found: Vec<CmdletHelp> = cmdlets(run.profile()).into_iter().filter(wanted).collect();
    if let (true, [name]) = (found.is_empty(), patterns.as_slice()) {
        known::cmdlet(name, bound.place("Name"), run.profile())?;
    }
    Ok(found.iter().map(listed).collect())
}

fn listed(cmdlet: &CmdletHelp) -> Value {
    let properties = [
        ("CommandType", Value::text("Cmdlet")),
        ("Name", Value::text(cmdlet.name)),
        ("Synopsis", Value::text(cmdlet.synopsis)),
    ];
    const LAYOUT: Layout =
        Layout::Table { columns: &[Column::of("CommandType"), Column::of("Name")], hidden: &[] };
    Object::value(properties, LAYOUT, cmdlet.name)
}

/// `Get-Help`: a cmdlet in a line, and its parameters.
pub(super) fn get_help(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let Some(name) = bound.text("Name")? else {
        return get_command(run, bound);
    };
    let cmdlet = known::cmdlet(&name, bound.place("Name"), run.profile())?;
    let all = cmdlets(run.profile());
    let Some(help) = all.iter().find(|help| help.name == cmdlet.name) else {
        return Ok(Vec::new());
    };
    let mut syntax = help.name.to_owned();
    for parameter in &help.parameters {
        let value = if parameter.takes_value { " <value>" } else { "" };
        let bare = if parameter.position.is_some() {
            format!("[-{}]", parameter.name)
        } else {
            format!("-{}", parameter.name)
        };
        syntax.push_str(&format!(" [{bare}{value}]"));
    }
    let idle: Vec<&str> = help
        .parameters
        .iter()
        .filter(|parameter| !parameter.matters)
        .map(|parameter| parameter.name)
        .collect();
    let properties = [
        ("Name", Value::text(help.name)),
        ("Aliases", Value::Text(help.aliases.join(", "))),
        ("Synopsis", Value::text(help.synopsis)),
        ("Syntax", Value::Text(syntax)),
        ("MakesNoDifference", Value::Text(idle.join(", "))),
    ];
    Ok(vec![Object::value(properties, Layout::List, help.name)])
}

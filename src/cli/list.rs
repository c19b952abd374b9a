//! `list` and `show`: the built-in scenarios and fault catalogue.

use serde::Serialize;

use super::output::{self, Failure};
use super::{Output, catalogue_page, load};
use crate::scenario::{Acceptance, ENTRIES, SCENARIOS, Scenario, ServerTrust, built_in};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// List the fault catalogue in place of the scenarios: what `judge` tries a mail client with
    #[arg(long)]
    faults: bool,
    /// Print the catalogue as the page docs/faults.md
    #[arg(long, requires = "faults")]
    markdown: bool,
    /// The format of the list
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The scenario, or the entry of the fault catalogue
    name: String,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    title: String,
    profiles: Vec<String>,
    #[serde(flatten)]
    fault: Option<FaultRow>,
}

/// The additional fields of an entry of the fault catalogue.
#[derive(Serialize)]
struct FaultRow {
    group: &'static str,
    aliases: Vec<String>,
    rfc: Vec<String>,
    wire: String,
    tls: ServerTrust,
    mail: Acceptance,
}

pub(super) fn list(args: &Args) -> Result<(), Failure> {
    if args.markdown {
        return output::text(&catalogue_page::page()?);
    }
    let rows = if args.faults { faults()? } else { scenarios()? };
    match args.output {
        Output::Json => output::json(&rows),
        Output::List => output::text(&rows.iter().map(listed).collect::<String>()),
        Output::Table => {
            let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
            let mut group = None;
            let mut text = String::new();
            for row in &rows {
                let own = row.fault.as_ref().map(|fault| fault.group);
                if own != group {
                    let space = if group.is_some() { "\n" } else { "" };
                    text.push_str(&format!("{space}{}:\n", own.unwrap_or_default()));
                    group = own;
                }
                text.push_str(&format!("{:width$}  {}\n", row.name, row.title));
            }
            output::text(&text)
        }
    }
}

fn scenarios() -> Result<Vec<Row>, Failure> {
    SCENARIOS
        .iter()
        .map(|scenario| Ok(row(scenario.name, load::load(scenario.name)?.text.scenario, None)))
        .collect()
}

fn faults() -> Result<Vec<Row>, Failure> {
    let each = ENTRIES.iter().map(|entry| {
        let scenario = entry.read()?.scenario;
        let fault = scenario.entry.clone().map(|spec| FaultRow {
            group: entry.group.as_str(),
            aliases: spec.aliases,
            rfc: spec.rfc,
            wire: spec.wire,
            tls: spec.tls,
            mail: spec.mail,
        });
        Ok(row(entry.scenario.name, scenario, fault))
    });
    each.collect()
}

fn row(name: &'static str, scenario: Scenario, fault: Option<FaultRow>) -> Row {
    let Scenario { title, computer, .. } = scenario;
    let profiles = computer.iter().map(|computer| computer.profile.to_string()).collect();
    Row { name, title, profiles, fault }
}

fn listed(row: &Row) -> String {
    let mut text =
        format!("Name    : {}\nTitle   : {}\nProfile : {}\n", row.name, row.title, row.profiles.join(", "));
    if let Some(fault) = &row.fault {
        let (aliases, rfc) = (fault.aliases.join(", "), fault.rfc.join(", "));
        text.push_str(&format!(
            "Group   : {}\nAliases : {aliases}\nRFC     : {rfc}\nWire    : {}\n",
            fault.group, fault.wire
        ));
    }
    text.push('\n');
    text
}

pub(super) fn show(args: &ShowArgs) -> Result<(), Failure> {
    match built_in(&args.name) {
        Some(scenario) => output::verbatim(scenario.text),
        None => {
            let loaded = load::load(&args.name)?;
            // A file is shown only after it was read as a lab file.
            output::verbatim(&loaded.file.map(|(_, text)| text).unwrap_or_default())
        }
    }
}

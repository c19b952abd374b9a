//! `check`: the diagnosis, and a dry run of the scenario, both without a socket.

use serde::Serialize;
use serde_json::Value;

use super::output::{self, Failure};
use super::{Output, inputs, load};
use crate::clock::Clock;
use crate::import::{Imported, Recognized, recognize};
use crate::lab::Plan;
use crate::report::proof::{self, counted};
use crate::report::{self, Report};
use crate::scenario::{Proof, Scenario, ScenarioText};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A lab file, the name of a scenario, or what an administrator has: an event, exports, certificates, several of
    /// them, `-` for standard input
    #[arg(value_name = "FILE|NAME|-", required = true)]
    scenarios: Vec<String>,
    /// Answers a question that an export leaves open; each question names its ID
    #[arg(long, value_name = "ID=VALUE")]
    answer: Vec<String>,
    /// How the report is laid out
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// The diagnosis, and the results that `verify` would have.
#[derive(Serialize)]
struct Checked<'a> {
    /// The input and its meaning, where it is not a lab file.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pasted: Option<Value>,
    #[serde(flatten)]
    report: &'a Report,
    #[serde(rename = "rehearsal", skip_serializing_if = "Option::is_none")]
    dry_run: Option<&'a Proof>,
}

pub(super) fn check(args: &Args) -> Result<(), Failure> {
    let found = recognize(
        &inputs::gather(&args.scenarios)?,
        &inputs::answers(&args.answer)?,
        None,
        Clock::system().now(),
    );
    match (args.scenarios.as_slice(), found.labs.as_slice()) {
        // Input that is neither a lab nor anything else that is known was meant to be a lab file.
        ([word], []) if word != "-" && (found.is_nothing() || found.lab_error.is_some()) => {
            lab(args, &load::load(word)?.text, word, None)
        }
        (_, []) => pasted(args, &found),
        ([word], [text]) => lab(args, text, word, None),
        _ => Err(Failure::usage(format!("{}; check takes one lab at a time", found.first_line()))),
    }
}

/// Explains what an administrator has pasted, and shows what the connectors in it would do.
fn pasted(args: &Args, found: &Recognized) -> Result<(), Failure> {
    let imported = match &found.imported {
        Some(Ok(imported)) if found.has_exports => Some(imported),
        Some(Err(error)) if found.explanation.is_empty() => return Err(Failure::usage(error.to_string())),
        _ => None,
    };
    let Some(imported) = imported else {
        return match args.output {
            _ if found.explanation.is_empty() => Err(Failure::usage(found.first_line())),
            Output::Json => output::json(&found.explanation.to_json()),
            Output::Table | Output::List => {
                output::text(&format!("{}\n\n{}", found.first_line(), found.explanation))
            }
        };
    };
    let text = ScenarioText::without_text(imported.scenario.clone(), &found.first_line());
    lab(args, &text, &found.first_line(), Some((found, imported)))
}

/// Returns the diagnosis of a lab, and of an import with the thumbprints of the real certificates.
fn lab(
    args: &Args,
    text: &ScenarioText,
    name: &str,
    pasted: Option<(&Recognized, &Imported)>,
) -> Result<(), Failure> {
    let plan = Plan::new(text)?;
    let mut computers = plan.computers.clone();
    if let Some((_, imported)) = pasted {
        imported.name_originals(&mut computers);
    }
    let report = report::check(&computers, plan.clock.now());
    let dry_run = if says_something(&text.scenario) { Some(plan.dry_run(name)?) } else { None };
    let played = |layout: fn(&Proof) -> String| {
        let played = dry_run.as_ref().map(|proof| format!("\n{HEADING}{}", layout(proof)));
        played.unwrap_or_default()
    };
    let said = pasted.map(|(found, _)| format!("{}\n\n{}\n", found.first_line(), found.explanation));
    let said = said.unwrap_or_default();
    match args.output {
        Output::Table => output::text(&(said + &report.table() + &played(proof::table)))?,
        Output::List => output::text(&(said + &report.list() + &played(proof::list)))?,
        Output::Json => {
            let pasted = pasted.map(|(found, _)| found.explanation.to_json());
            output::json(&Checked { pasted, report: &report, dry_run: dry_run.as_ref() })?;
        }
    }
    let unmet = dry_run.map_or(0, |proof| proof.differences().count());
    match unmet {
        0 => Ok(()),
        _ if pasted.is_some() => Err(Failure::unmet(
            "by these exports the server would not do what the event says; they may be of another computer or time",
        )),
        unmet => {
            let things = counted(unmet, "expectation");
            Err(Failure::unmet(format!("{things} of {name} not met in the dry run")))
        }
    }
}

const HEADING: &str = "A dry run in memory; `starttls-lab verify` does the same over sockets.\n\n";

/// Returns whether a dry run would show anything: the file has senders, fault rules, expectations or fixes.
fn says_something(scenario: &Scenario) -> bool {
    !(scenario.sender.is_empty()
        && scenario.computer.iter().all(|computer| computer.fault.is_empty())
        && scenario.before.is_empty()
        && scenario.fix.is_empty()
        && scenario.wrong_fix.is_empty())
}

//! `check`: the diagnosis, and a dry run of the scenario, both without a socket.

use serde::Serialize;

use super::output::{self, Failure};
use super::report::proof::{self, counted};
use super::report::{self, Report};
use super::{Output, load};
use crate::lab::Plan;
use crate::scenario::{Proof, Scenario};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A lab file, or the name of a story
    #[arg(value_name = "FILE|NAME")]
    scenario: String,
    /// How the report is laid out
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// The diagnosis, and what `verify` would find.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(rename = "rehearsal", skip_serializing_if = "Option::is_none")]
    dry_run: Option<&'a Proof>,
}

pub(super) fn check(args: &Args) -> Result<(), Failure> {
    let text = load::load(&args.scenario)?.text;
    let plan = Plan::new(&text)?;
    let report = report::check(&plan.computers, plan.clock.now());
    let dry_run = if says_something(&text.scenario) { Some(plan.dry_run(&args.scenario)?) } else { None };
    let played = |layout: fn(&Proof) -> String| {
        let played = dry_run.as_ref().map(|proof| format!("\n{HEADING}{}", layout(proof)));
        played.unwrap_or_default()
    };
    match args.output {
        Output::Table => output::text(&(report.table() + &played(proof::table)))?,
        Output::List => output::text(&(report.list() + &played(proof::list)))?,
        Output::Json => output::json(&Checked { report: &report, dry_run: dry_run.as_ref() })?,
    }
    let unmet = dry_run.map_or(0, |proof| proof.differences().count());
    match unmet {
        0 => Ok(()),
        unmet => {
            let things = counted(unmet, "expectation");
            Err(Failure::unmet(format!("{things} of {} not met in the dry run", args.scenario)))
        }
    }
}

const HEADING: &str = "A dry run in memory; `starttls-lab verify` does the same over sockets.\n\n";

/// Whether a dry run would show anything: the file says who sends, what is done wrong on purpose, what is
/// expected, or what fixes it.
fn says_something(scenario: &Scenario) -> bool {
    !(scenario.sender.is_empty()
        && scenario.computer.iter().all(|computer| computer.fault.is_empty())
        && scenario.before.is_empty()
        && scenario.fix.is_empty()
        && scenario.wrong_fix.is_empty())
}

//! `check`: the diagnosis, and the story rehearsed, both without a socket.

use serde::Serialize;

use super::output::{self, Failure};
use super::report::proof::{self, counted};
use super::report::{self, Report};
use super::{Output, load};
use crate::lab::Paper;
use crate::pki::KeyPair;
use crate::rehearsal::rehearse;
use crate::scenario::{Proof, ScenarioText};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    rehearsal: Option<&'a Proof>,
}

pub(super) fn check(args: &Args) -> Result<(), Failure> {
    let text = load::load(&args.scenario)?.text;
    let paper = Paper::new(&text)?;
    let report = report::check(&paper.computers, paper.clock.now());
    let rehearsal = rehearsed(&text, &args.scenario, &paper)?;
    let played = |layout: fn(&Proof) -> String| {
        let played = rehearsal.as_ref().map(|proof| format!("\n{HEADING}{}", layout(proof)));
        played.unwrap_or_default()
    };
    match args.output {
        Output::Table => output::text(&(report.table() + &played(proof::table)))?,
        Output::List => output::text(&(report.list() + &played(proof::list)))?,
        Output::Json => output::json(&Checked { report: &report, rehearsal: rehearsal.as_ref() })?,
    }
    let unmet = rehearsal.map_or(0, |proof| proof.differences().count());
    match unmet {
        0 => Ok(()),
        unmet => {
            let things = counted(unmet, "expectation");
            Err(Failure::unmet(format!("{things} of {} not met on paper", args.scenario)))
        }
    }
}

const HEADING: &str = "Rehearsed on paper; `starttls-lab verify` plays it over sockets.\n\n";

/// The story played on paper, where the file says who sends, what is expected, or what mends it.
fn rehearsed(text: &ScenarioText, name: &str, paper: &Paper) -> Result<Option<Proof>, Failure> {
    let scenario = &text.scenario;
    let silent = scenario.sender.is_empty()
        && scenario.before.is_empty()
        && scenario.fix.is_empty()
        && scenario.wrong_fix.is_empty();
    // Paper knows the configuration and not the faults: what a sender comes to, only sockets can tell.
    let misbehaves = scenario.computer.iter().any(|computer| !computer.fault.is_empty());
    if silent || misbehaves {
        return Ok(None);
    }
    let proof = rehearse(text, name, paper.clock.now(), &mut KeyPair::generate);
    proof.map(Some).map_err(|error| Failure::usage(error.to_string()))
}

//! `check`: the diagnosis, and the story rehearsed, both without a socket.

use serde::Serialize;
use serde_json::Value;

use super::output::{self, Failure};
use super::report::proof::{self, counted};
use super::report::{self, Report};
use super::{Output, inputs, load};
use crate::clock::Clock;
use crate::import::{Imported, Recognized, recognize};
use crate::lab::Paper;
use crate::pki::KeyPair;
use crate::rehearsal::rehearse;
use crate::scenario::{Proof, ScenarioText};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A lab file, the name of a story, or what an administrator has: an event, exports, certificates, several of
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

/// The diagnosis, and what `verify` would find.
#[derive(Serialize)]
struct Checked<'a> {
    /// What the input is and means, where it is no lab file.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pasted: Option<Value>,
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    rehearsal: Option<&'a Proof>,
}

pub(super) fn check(args: &Args) -> Result<(), Failure> {
    let found = recognize(
        &inputs::gather(&args.scenarios)?,
        &inputs::answers(&args.answer)?,
        None,
        Clock::system().now(),
    );
    match (args.scenarios.as_slice(), found.labs.as_slice()) {
        // What is no lab and nothing else that is known was meant to be a lab file.
        ([word], []) if word != "-" && (found.is_nothing() || found.lab_error.is_some()) => {
            lab(args, &load::load(word)?.text, word, None)
        }
        (_, []) => pasted(args, &found),
        ([word], [text]) => lab(args, text, word, None),
        _ => Err(Failure::usage(format!("{}; check takes one lab at a time", found.first_line()))),
    }
}

/// What an administrator has pasted: what it means, and what the connectors in it would do.
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

/// The diagnosis of a lab, and of an import with the thumbprints of the real certificates.
fn lab(
    args: &Args,
    text: &ScenarioText,
    name: &str,
    pasted: Option<(&Recognized, &Imported)>,
) -> Result<(), Failure> {
    let mut paper = Paper::new(text)?;
    if let Some((_, imported)) = pasted {
        imported.name_originals(&mut paper.computers);
    }
    let report = report::check(&paper.computers, paper.clock.now());
    let rehearsal = rehearsed(text, name, &paper)?;
    let played = |layout: fn(&Proof) -> String| {
        let played = rehearsal.as_ref().map(|proof| format!("\n{HEADING}{}", layout(proof)));
        played.unwrap_or_default()
    };
    let said = pasted.map(|(found, _)| format!("{}\n\n{}\n", found.first_line(), found.explanation));
    let said = said.unwrap_or_default();
    match args.output {
        Output::Table => output::text(&(said + &report.table() + &played(proof::table)))?,
        Output::List => output::text(&(said + &report.list() + &played(proof::list)))?,
        Output::Json => {
            let pasted = pasted.map(|(found, _)| found.explanation.to_json());
            output::json(&Checked { pasted, report: &report, rehearsal: rehearsal.as_ref() })?;
        }
    }
    let unmet = rehearsal.map_or(0, |proof| proof.differences().count());
    match unmet {
        0 => Ok(()),
        _ if pasted.is_some() => Err(Failure::unmet(
            "by these exports the server would not do what the event says; they may be of another computer or time",
        )),
        unmet => {
            let things = counted(unmet, "expectation");
            Err(Failure::unmet(format!("{things} of {name} not met on paper")))
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
    // Paper knows the rules and not the misconduct: what a sender comes to, only sockets can tell.
    let misbehaves = scenario.computer.iter().any(|computer| !computer.fault.is_empty());
    if silent || misbehaves {
        return Ok(None);
    }
    let proof = rehearse(text, name, paper.clock.now(), &mut KeyPair::generate);
    proof.map(Some).map_err(|error| Failure::usage(error.to_string()))
}

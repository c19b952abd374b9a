//! `verify`: runs scenarios on the network and reports whether the results are as their files say.

mod html;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::junit::junit;
use super::output::{self, Failure};
use super::progress::Progress;
use super::{Output, load};
use crate::exchange::EventKind;
use crate::lab::{LabError, Plan};
use crate::pki::SharedKeys;
use crate::report::proof::{self, Count, counted, stage_words};
use crate::scenario::{Proof, SCENARIOS, ScenarioText};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Lab files, or names of scenarios
    #[arg(value_name = "FILE|NAME", required_unless_present = "all", conflicts_with = "all")]
    scenarios: Vec<String>,
    /// Verify every built-in scenario
    #[arg(long)]
    all: bool,
    /// The number of scenarios that are run at a time; if omitted, the number of this machine's cores
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write a report in JUnit's XML to this file as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a page that a browser shows to this file as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// With several scenarios, also show those in full that are as their files say
    #[arg(short, long)]
    verbose: bool,
    /// The format of standard output
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// A scenario by its name, and its result.
pub(super) type Verified = (String, Result<Proof, LabError>);

pub(super) fn verify(args: &Args) -> Result<(), Failure> {
    let words: Vec<String> = if args.all {
        SCENARIOS.iter().map(|scenario| scenario.name.to_owned()).collect()
    } else {
        args.scenarios.clone()
    };
    // A mistake in the last file is reported before the first scenario runs.
    let scenarios = words.into_iter().map(|word| load::load(&word).map(|loaded| (word, loaded.text)));
    let scenarios = scenarios.collect::<Result<Vec<_>, _>>()?;
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    let verified = runtime.block_on(play(scenarios, jobs))?;
    write_reports(args, &verified)?;
    report(args, &verified)?;
    outcome(verified)
}

/// Writes the reports that are files.
fn write_reports(args: &Args, verified: &[Verified]) -> Result<(), Failure> {
    if let Some(path) = &args.junit {
        fs::write(path, junit(verified))
            .map_err(|error| Failure::usage(format!("--junit {}: {error}", path.display())))?;
    }
    if let Some(path) = &args.html {
        super::html::write(path, &html::html(verified))?;
    }
    Ok(())
}

/// Runs the scenarios, a limited number at a time; the results are in the order of the scenarios.
async fn play(scenarios: Vec<(String, ScenarioText)>, jobs: usize) -> Result<Vec<Verified>, Failure> {
    let stages = scenarios.iter().map(|(_, text)| text.scenario.stages().len()).sum();
    let progress = Arc::new(Progress::of(stages, "stages"));
    let places = Arc::new(Semaphore::new(jobs));
    let keys = SharedKeys::default();
    let mut playing = JoinSet::new();
    for (number, (name, text)) in scenarios.into_iter().enumerate() {
        let (places, progress, keys) = (Arc::clone(&places), Arc::clone(&progress), keys.clone());
        playing.spawn(async move {
            // The semaphore is never closed, so every scenario gets a permit in the end.
            let _place = places.acquire_owned().await;
            let ended = |stage| progress.advance(1, &format!("{name}: {}", stage_words(stage)));
            let proof = match Plan::with_keys(&text, &mut keys.of_a_lab()) {
                Ok(plan) => plan.verify_by_stage(&name, ended).await,
                Err(error) => Err(error),
            };
            (number, (name, proof))
        });
    }
    let mut verified = BTreeMap::new();
    while let Some(done) = playing.join_next().await {
        let (number, scenario) = done.map_err(|error| Failure::unmet(error.to_string()))?;
        verified.insert(number, scenario);
    }
    Ok(verified.into_values().collect())
}

fn report(args: &Args, verified: &[Verified]) -> Result<(), Failure> {
    let proofs: Vec<&Proof> = verified.iter().filter_map(|(_, proof)| proof.as_ref().ok()).collect();
    match args.output {
        Output::Json => output::json(&proofs),
        Output::List => output::text(&proofs.into_iter().map(proof::list).collect::<String>()),
        Output::Table => match proofs.as_slice() {
            [only] if verified.len() == 1 => output::text(&proof::table(only)),
            _ => output::text(&several(verified, args.verbose)),
        },
    }
}

/// Returns a line for each scenario, the tables of the interesting ones, and the totals.
fn several(verified: &[Verified], verbose: bool) -> String {
    let width = verified.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    let (mut as_said, mut otherwise, mut silent, mut broken) = (0, 0, 0, 0);
    for (name, proof) in verified {
        let words = match proof {
            Ok(proof) => {
                let count = Count::of(proof);
                *match (count.is_silent(), count.unmet) {
                    (true, _) => &mut silent,
                    (false, 0) => &mut as_said,
                    _ => &mut otherwise,
                } += 1;
                let worse = proof::regressions(proof).len();
                let worse = if worse > 0 { format!("; {worse} worse off") } else { String::new() };
                format!("{}{worse}", proof::verdict(proof))
            }
            Err(_) => {
                broken += 1;
                "could NOT be run".to_owned()
            }
        };
        text.push_str(&format!("{name:width$}  {words}\n"));
    }
    let shown = verified.iter().filter_map(|(_, proof)| proof.as_ref().ok());
    for proof in shown.filter(|proof| verbose || !proof.holds()) {
        text.push_str(&format!("\n{}", proof::table(proof)));
    }
    let mut sum = vec![format!("{as_said} as the file says")];
    let others = [(otherwise, "NOT"), (silent, "with nothing expected"), (broken, "that could not be run")];
    sum.extend(
        others.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")),
    );
    text.push_str(&format!("\n{}: {}\n", scenarios(verified.len()), sum.join(", ")));
    text
}

/// Returns the exit code, with the reason where it is not 0.
fn outcome(verified: Vec<Verified>) -> Result<(), Failure> {
    let total = verified.len();
    let (mut unmet, mut differ, mut silent) = (0, Vec::new(), Vec::new());
    let mut failed = None;
    for (name, proof) in verified {
        match proof {
            Ok(proof) => {
                let count = Count::of(&proof);
                unmet += count.unmet;
                if count.unmet > 0 {
                    differ.push(name);
                } else if count.is_silent() {
                    silent.push(name);
                }
            }
            Err(error) => {
                let failure = Failure::from(error);
                failed.get_or_insert_with(|| failure.about(&name));
            }
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    if unmet > 0 {
        let (things, names) = (counted(unmet, "expectation"), differ.join(", "));
        return Err(Failure::unmet(format!("{things} not met in {names}")));
    }
    if silent.len() == total {
        return Err(Failure::usage(format!(
            "nothing is expected of {}, so nothing is proved; say in the lab file what is seen, such as\n\
             [before.receive_connector.'SERVER\\Name']\nstarttls = \"none\"\nevents = [{}]",
            if total == 1 { silent.join("") } else { format!("any of these {}", scenarios(total)) },
            EventKind::NoCertificateForStarttls.id(),
        )));
    }
    Ok(())
}

fn scenarios(number: usize) -> String {
    if number == 1 { "1 scenario".to_owned() } else { format!("{number} scenarios") }
}

//! `check`: the diagnosis, without a socket.

use super::output::{self, Failure};
use super::{Output, load, report};
use crate::lab::Paper;

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

pub(super) fn check(args: &Args) -> Result<(), Failure> {
    let paper = Paper::new(&load::load(&args.scenario)?.text)?;
    let report = report::check(&paper.computers, paper.clock.now());
    match args.output {
        Output::Table => output::text(&report.table()),
        Output::List => output::text(&report.list()),
        Output::Json => output::text(&report.json()),
    }
}

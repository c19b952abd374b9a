//! `man`: writes the manual pages, one for each verb.

use std::path::PathBuf;

use clap::CommandFactory;

use super::Cli;
use super::output::Failure;
use super::recording::file_error;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory to write them to; it has to be there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Writes `starttls-lab.1`, `starttls-lab-serve.1` and so on.
pub(super) fn man(args: &Args) -> Result<(), Failure> {
    let written = clap_mangen::generate_to(Cli::command(), &args.directory);
    written.map_err(|error| file_error(&args.directory, &error))
}

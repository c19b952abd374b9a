//! `import`: makes a lab from the output of Exchange's cmdlets.

use super::output::{self, Failure, aside};
use super::progress::Progress;
use super::{Output, inputs};
use crate::clock::Clock;
use crate::import::{COLLECT, Imported, Input, import_by_input};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Exports, pastes and certificates: files, or `-` for standard input
    #[arg(value_name = "FILE|-")]
    inputs: Vec<String>,
    /// Print the PowerShell that collects everything in one file, and nothing else
    #[arg(long, conflicts_with_all = ["inputs", "anonymize", "answer"])]
    collect: bool,
    /// Replace names of hosts, domains, servers and organizations; equal names stay equal
    #[arg(long)]
    anonymize: bool,
    /// Answers a question that an export leaves open; each question names its ID
    #[arg(long, value_name = "ID=VALUE")]
    answer: Vec<String>,
    #[command(flatten)]
    password: inputs::PasswordArgs,
    /// `json` prints the lab with its questions and notes for programs; else it is a lab file
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

pub(super) fn import(args: &Args) -> Result<(), Failure> {
    if args.collect {
        return output::text(&format!("{COLLECT}\n"));
    }
    let inputs = inputs::gather(&args.inputs)?;
    let password = args.password.read()?;
    let answers = inputs::answers(&args.answer)?;
    let now = Clock::system().now();
    let made = {
        let progress = Progress::of_bytes(inputs.iter().map(|input| input.bytes.len()).sum());
        let mut before = 0;
        let reads = |input: &Input| {
            progress.advance(before, &input.name);
            before = input.bytes.len();
        };
        import_by_input(&inputs, &answers, password.as_deref(), now, reads)
    };
    let mut made = made.map_err(|error| Failure::usage(error.to_string()))?;
    if args.anonymize {
        made = made.anonymized();
    }
    match args.output {
        Output::Json => output::json(&serde_json::json!({
            "scenario": made.scenario,
            "questions": made.questions,
            "notes": made.notes,
            "originals": made.originals,
        })),
        Output::Table | Output::List => {
            output::verbatim(&made.to_toml())?;
            aside(&open(&made));
            Ok(())
        }
    }
}

/// Returns the questions, for a user who has redirected the lab file.
fn open(made: &Imported) -> String {
    let each = made.questions.iter().map(|question| {
        let choices = if question.choices.is_empty() { "...".to_owned() } else { question.choices.join("|") };
        format!(
            "starttls-lab: open: {} (assumed: {}; --answer \"{}={choices}\")\n",
            question.text, question.assumed, question.id
        )
    });
    each.collect()
}

//! `explain`: the meaning of an event, an error, a bounce, a reply to EHLO or a protocol log.

use super::output::{self, Failure};
use super::{Output, inputs};
use crate::clock::Clock;
use crate::import::recognize;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files, `-` for standard input, or the text itself; exports beside an event settle its cause
    #[arg(value_name = "FILE|-|TEXT")]
    inputs: Vec<String>,
    /// Answers a question that an export leaves open; each question names its ID
    #[arg(long, value_name = "ID=VALUE")]
    answer: Vec<String>,
    #[command(flatten)]
    password: inputs::PasswordArgs,
    /// The format of the answer; `list` shows every possible cause and how to recognize it
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

pub(super) fn explain(args: &Args) -> Result<(), Failure> {
    let inputs = inputs::gather(&args.inputs)?;
    let password = args.password.read()?;
    let answers = inputs::answers(&args.answer)?;
    let found = recognize(&inputs, &answers, password.as_deref(), Clock::system().now());
    if let Some(lab) = found.labs.first() {
        let name = lab.origin();
        return Err(Failure::usage(format!(
            "{name} is a lab, and no text of a server's; starttls-lab check explains it"
        )));
    }
    if let (false, Some(error)) = (answers.is_empty(), found.wrong_answer()) {
        return Err(Failure::usage(error.to_string()));
    }
    if found.explanation.is_empty() {
        return Err(Failure::usage(nothing(&found)));
    }
    match args.output {
        Output::Json => output::json(&found.explanation.to_json()),
        Output::Table => output::text(&found.explanation.to_string()),
        Output::List => output::text(&format!("{:#}", found.explanation)),
    }
}

fn nothing(found: &crate::import::Recognized) -> String {
    if found.has_exports {
        return format!(
            "{}; there is no event, error or log in it to explain. `starttls-lab check` says what these connectors \
             would do, and `starttls-lab import` makes a lab of them",
            found.first_line()
        );
    }
    format!(
        "{}. Known are events of Exchange transport (12014 and others), errors that senders and queues print, bounces, \
         replies to EHLO, protocol logs, and what the cmdlets refuse",
        found.first_line_and_notes()
    )
}

//! The beginning of a Shell: the lab that it works on, and what is said of it first.

use std::sync::Arc;

use super::lab::Lab;
use super::session::Session;
use super::{Args, page};
use crate::cli::client::Client;
use crate::cli::output::Failure;
use crate::cli::printer::told;
use crate::cli::{inputs, load};
use crate::clock::Clock;
use crate::import::{Imported, Recognized, recognize};
use crate::lab::{Engine, Options, Plan};
use crate::scenario::ScenarioText;
use crate::wire::Ports;

/// A lab, and a description of its input.
pub(super) struct Started {
    pub(super) lab: Lab,
    pub(super) said: String,
}

/// Starts the lab that the arguments name, or finds the running one.
pub(super) fn start(args: &Args) -> Result<Started, Failure> {
    if let Some(control) = &args.attach {
        let client = Client::new(control, args.control_token.clone());
        let said = format!("The lab at {}, which goes on after the Shell.\n", client.authority());
        return Ok(Started { lab: Lab::Attached(client), said });
    }
    let (plan, said) = plan(args)?;
    let ports = match args.port {
        None | Some(0) => Ports::Free,
        Some(port) => Ports::Only(port),
    };
    // One thread serves the lab while another one waits at the prompt.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::not_ready(format!("no runtime: {error}")))?;
    let options = Options { ports, ..Options::default() };
    let engine = runtime.block_on(Engine::start_plan(plan, options))?;
    Ok(Started { lab: Lab::Own(runtime, Arc::new(engine)), said })
}

fn plan(args: &Args) -> Result<(Plan, String), Failure> {
    if args.inputs.is_empty() {
        return planned(&load::load("fqdn-mismatch")?.text);
    }
    let answers = inputs::answers(&args.answer)?;
    let password = args.password.read()?;
    let gathered = inputs::gather(&args.inputs)?;
    let found = recognize(&gathered, &answers, password.as_deref(), Clock::system().now());
    match (args.inputs.as_slice(), found.labs.as_slice(), &found.imported) {
        (_, [text], None) => planned(text),
        (_, [], Some(Ok(imported))) => of_import(&found, imported),
        (_, [], Some(Err(error))) => Err(Failure::usage(error.to_string())),
        // Input that is nothing else was meant to be a lab file, and is told what is wrong with it.
        ([word], [], None) if word != "-" => planned(&load::load(word)?.text),
        (_, [], None) => {
            let why = found.lab_error.clone().unwrap_or_else(|| "nothing in it makes a lab".to_owned());
            Err(Failure::usage(format!("{}: {why}", found.first_line())))
        }
        (_, [_, ..], _) => Err(Failure::usage(format!("{}; a Shell works on one lab", found.first_line()))),
    }
}

fn planned(text: &ScenarioText) -> Result<(Plan, String), Failure> {
    Ok((Plan::new(text)?, format!("{}\n", text.scenario.title)))
}

/// Returns the lab of an import, whose certificates go by the thumbprints of the real ones.
fn of_import(found: &Recognized, imported: &Imported) -> Result<(Plan, String), Failure> {
    let text = ScenarioText::without_text(imported.with_original_thumbprints(), &found.first_line());
    let plan = Plan::new(&text)?;
    let mut said = format!("{}\n", found.first_line());
    for question in &imported.questions {
        said.push_str(&format!(
            "open: {} (assumed: {}; --answer \"{}=...\")\n",
            question.text, question.assumed, question.id
        ));
    }
    imported.notes.iter().for_each(|note| said.push_str(&format!("note: {note}\n")));
    Ok((plan, said))
}

/// The maximum number of connectors that are listed at the beginning.
const MOST_LISTED: usize = 6;

/// Returns the text before the first prompt.
pub(super) fn introduction(session: &Session, said: &str) -> Result<String, Failure> {
    let connectors = session.lab.connectors()?;
    let mut text = format!("\nThe Exchange Management Shell of a lab.\n{said}\n");
    connectors.iter().take(MOST_LISTED).for_each(|connector| text.push_str(&told(connector)));
    if let Some(more) = connectors.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more: Get-ReceiveConnector\n"));
    }
    let servers = session.lab.servers()?;
    if servers.len() > 1 {
        let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
        text.push_str(&format!("\nServers: {} (Connect-ExchangeServer NAME)\n", names.join(", ")));
    }
    text.push_str(page::BEGINNING);
    text.push_str(&session.connected());
    Ok(text)
}

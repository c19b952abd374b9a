//! The program: parses arguments, prints results and returns an exit code.
//!
//! Results go to standard output, diagnostics to standard error. Exit codes: 0 as expected, 1 an expectation
//! failed, a policy was violated or a recording is incomplete, 2 wrong usage or file, 3 could not bind or not
//! ready in time. `exec` passes its command's exit code on.

mod appender;
mod catalogue_page;
mod certs;
mod check;
mod client;
mod color;
mod control;
mod diagnostics;
mod ending;
mod exec;
mod explain;
mod follow;
mod html;
mod import;
mod inputs;
mod judge;
mod junit;
mod list;
mod load;
mod logs;
mod man;
mod notify;
mod output;
mod planning;
mod printer;
mod probe;
mod progress;
mod quick;
mod ready;
mod readyz;
mod recording;
mod renew;
mod send;
mod serve;
mod shell;
mod signals;
mod time;
mod verify;
mod watch;
mod whole_file;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use output::Failure;

/// A lab in which SMTP fails to become TLS, on purpose.
///
/// Start with `starttls-lab serve`: it runs the built-in scenario `fqdn-mismatch`, in which an Exchange
/// receive connector logs event 12014 and stops offering STARTTLS.
#[derive(Debug, Parser)]
#[command(name = "starttls-lab", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// The diagnostics to show on standard error: error, warn, info, debug, or a filter of tracing's
    #[arg(long, global = true, env = "STARTTLS_LAB_LOG", default_value = "warn", value_name = "LEVEL")]
    log: String,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the built-in scenarios, one a line
    List(list::Args),
    /// Print a scenario's lab file, to copy and change
    Show(list::ShowArgs),
    /// Report what each connector would offer, why, and what would fix it; opens no socket
    Check(check::Args),
    /// Explain an event, a sender's error, a bounce, a reply to EHLO or a protocol log
    Explain(explain::Args),
    /// Make a lab file of what Exchange's cmdlets print: connectors, certificates, servers
    Import(import::Args),
    /// Run a lab file or a scenario on loopback
    Serve(Box<serve::Args>),
    /// Run a command against a lab of its own, and check the result
    Exec(Box<exec::Args>),
    /// Try a mail client with every entry of the fault catalogue, and judge its behavior
    Judge(Box<judge::Args>),
    /// Run scenarios stage by stage on loopback, and compare the results with their files
    Verify(verify::Args),
    /// Issue a lab's certificates and print or write them
    Certs(certs::Args),
    /// Print the JSON schema of lab files
    Schema {
        /// Print the OpenAPI document of the control API instead
        #[arg(long)]
        openapi: bool,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    #[command(hide = true)]
    Man(man::Args),
    /// Type Exchange's cmdlets at a prompt, in a new lab or a running one, and see what each of them changes
    Shell(Box<shell::Args>),
    /// Send one message to an address, as one of several kinds of sender, and report the result
    Send(Box<send::Args>),
    /// Read what SMTP servers show, real ones or a lab's, without sending mail; connects to the servers that are named
    Probe(Box<probe::Args>),
    /// Rehearse the renewal of a certificate: what each connector does at each step, and on which day it would break
    Renew(Box<renew::Args>),
    /// Ask a running lab whether it takes connections
    Readyz(readyz::Args),
}

/// The layout of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Table,
    /// Like PowerShell's Format-List
    List,
    /// For programs
    Json,
}

/// The time that the last diagnostics may take to be written.
const LAST_DIAGNOSTICS: Duration = Duration::from_millis(100);

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_new(&cli.log);
    let done = match filter {
        Ok(filter) => {
            let colours = std::io::stderr().is_terminal() && understands_colors();
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_writer(diagnostics::MakeDiagnostics)
                .with_ansi(colours)
                .init();
            run(cli.verb)
        }
        Err(error) => Err(Failure::usage(format!("--log {}: {error}", cli.log))),
    };
    diagnostics::flush(LAST_DIAGNOSTICS);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Enables color sequences in a Windows console, which does not interpret them by default.
#[cfg(windows)]
fn understands_colors() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(false)
}

/// Returns true: other terminals interpret color sequences by default.
#[cfg(not(windows))]
fn understands_colors() -> bool {
    true
}

fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::List(args) => list::list(&args),
        Verb::Show(args) => list::show(&args),
        Verb::Check(args) => check::check(&args),
        Verb::Explain(args) => explain::explain(&args),
        Verb::Import(args) => import::import(&args),
        Verb::Serve(args) => serve::serve(&args),
        Verb::Exec(args) => exec::exec(&args),
        Verb::Judge(args) => judge::judge(&args),
        Verb::Verify(args) => verify::verify(&args),
        Verb::Certs(args) => certs::certs(&args),
        Verb::Schema { openapi: true } => output::json(&crate::http::openapi()),
        Verb::Schema { openapi: false } => {
            let schema = schemars::schema_for!(crate::scenario::Scenario);
            output::json(&schema)
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "starttls-lab", &mut script);
            // clap_complete 4.6 spells a name with a hyphen in two ways, and bash completes no option of a command
            // (clap-rs/clap#6421).
            let script = String::from_utf8_lossy(&script).replace("starttls__subcmd__lab", "starttls__lab");
            output::text(&script)
        }
        Verb::Man(args) => man::man(&args),
        Verb::Shell(args) => shell::shell(&args),
        Verb::Send(args) => send::send(&args),
        Verb::Probe(args) => probe::probe(&args),
        Verb::Renew(args) => renew::renew(&args),
        Verb::Readyz(args) => readyz::readyz(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

//! `check`: the diagnosis, and a dry run of the scenario, both without a socket.

mod described;

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::output::{self, Failure};
use super::{Output, color, inputs, load};
use crate::clock::Clock;
use crate::exchange::{Fix, Trial};
use crate::import::{Imported, Recognized, recognize};
use crate::lab::{Plan, Trials};
use crate::pki::SharedKeys;
use crate::report::proof::{self, counted};
use crate::report::{self, Cause, CauseReport, Lacking, Report, Screen, SharedFix};
use crate::scenario::{CommandsSpec, Proof, Scenario, ScenarioText};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A lab file, the name of a scenario, or what an administrator has: an event, exports, certificates, several of
    /// them, `-` for standard input
    #[arg(value_name = "FILE|NAME|-", required_unless_present_any = ["fqdn", "certificate"])]
    scenarios: Vec<String>,
    /// Check a connector of this FQDN rather than a file
    #[arg(long, value_name = "NAME")]
    fqdn: Option<String>,
    /// A certificate in the connector's store: a file in PEM, DER or PKCS#12 (.pfx), or names and states with commas
    /// between them, such as `expired` or `mail.example.com,no-key`; the states are `expired`, `not-yet-valid`, `no-key`,
    /// `unreadable-key`, `no-smtp`, `self-signed`, `untrusted` and `revoked`; may be given for several certificates
    #[arg(long, value_name = "FILE|NAME[,NAME...]")]
    certificate: Vec<String>,
    #[command(flatten)]
    password: inputs::PasswordArgs,
    /// Answers a question that an export leaves open; each question names its ID
    #[arg(long, value_name = "ID=VALUE")]
    answer: Vec<String>,
    /// Show everything: each certificate with its reason, every fix, EHLO, the events and the dry run
    #[arg(long)]
    full: bool,
    /// The format of the report; `list` and `json` show everything
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// The diagnosis, and the results that `verify` would have.
#[derive(Serialize)]
struct Checked<'a> {
    /// The input and its meaning, where it is not a lab file.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pasted: Option<Value>,
    /// The half of the input that is lacking, where nothing is known of STARTTLS without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lacking: Option<Lacking>,
    #[serde(flatten)]
    report: &'a Report,
    /// The causes of what is wrong, each with its connectors; none where nothing is known.
    causes: Vec<CauseReport<'a>>,
    #[serde(rename = "rehearsal", skip_serializing_if = "Option::is_none")]
    dry_run: Option<&'a Proof>,
}

/// The input of a diagnosis.
struct Subject<'a> {
    /// The argument, or what was recognized, for messages.
    name: &'a str,
    /// The description of the input in one line.
    described: &'a str,
    /// The pasted input, where it is no lab file.
    pasted: Option<&'a Recognized>,
}

pub(super) fn check(args: &Args) -> Result<(), Failure> {
    let mut words = args.scenarios.clone();
    words.extend(args.certificate.iter().filter(|word| described::is_file(word)).cloned());
    let given = if words.is_empty() { Vec::new() } else { inputs::gather(&words)? };
    let password = args.password.read()?;
    let answers = inputs::answers(&args.answer)?;
    let now = Clock::system().now();
    for file in given.iter().filter(|input| args.certificate.contains(&input.name)) {
        described::has_certificate(&recognize(
            std::slice::from_ref(file),
            &answers,
            password.as_deref(),
            now,
        ))?;
    }
    let found = recognize(&given, &answers, password.as_deref(), now);
    if args.fqdn.is_some() || !args.certificate.is_empty() {
        return with_options(args, &found);
    }
    match (args.scenarios.as_slice(), found.labs.as_slice()) {
        // A file of that name that is nothing else was meant to be a lab file.
        ([word], [])
            if word != "-" && (found.lab_error.is_some() || (found.is_nothing() && is_toml(word))) =>
        {
            of_lab_file(args, &load::load(word)?.text, word)
        }
        (_, []) if found.lab_error.is_some() => {
            Err(Failure::usage(found.lab_error.as_deref().unwrap_or_default()))
        }
        (_, []) if found.is_nothing() => Err(Failure::usage(nothing(&found))),
        (_, []) => pasted(args, &found),
        ([word], [text]) => of_lab_file(args, text, word),
        _ => Err(Failure::usage(format!("{}; check takes one lab at a time", found.first_line()))),
    }
}

/// Returns whether this is the name of a lab file.
fn is_toml(word: &str) -> bool {
    Path::new(word).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// Describes input of which nothing is known, and what would be.
fn nothing(found: &Recognized) -> String {
    format!(
        "{}. Known are lab files, events of Exchange transport, errors of senders and queues, bounces, replies to \
         EHLO, protocol logs, certificates (PEM, DER, PFX), and Get-ReceiveConnector, Get-SendConnector, \
         Get-ExchangeCertificate and Get-TransportService as | fl, Export-Clixml, CSV or JSON",
        found.first_line_and_notes()
    )
}

fn of_lab_file(args: &Args, text: &ScenarioText, name: &str) -> Result<(), Failure> {
    let kind = if text.origin().starts_with("scenario ") { "scenario" } else { "lab file" };
    let described = format!("{kind} {name}: {}", text.scenario.title);
    lab(args, text, &Subject { name, described: &described, pasted: None })
}

/// Checks what `--fqdn` and `--certificate` describe, with the exports beside them.
fn with_options(args: &Args, found: &Recognized) -> Result<(), Failure> {
    let scenario = described::scenario(args.fqdn.as_deref(), &args.certificate, found)?;
    let what = described::words(args.fqdn.as_deref(), &args.certificate, found);
    let text = ScenarioText::without_text(scenario, &what);
    let pasted = Some(found).filter(|found| found.has_exports);
    lab(args, &text, &Subject { name: &what, described: &what, pasted })
}

/// Explains what an administrator has pasted, and shows what the connectors in it would do.
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
    of_import(args, found, imported)
}

fn of_import(args: &Args, found: &Recognized, imported: &Imported) -> Result<(), Failure> {
    let line = found.first_line();
    let text = ScenarioText::without_text(imported.with_original_thumbprints(), &line);
    lab(args, &text, &Subject { name: &line, described: &line, pasted: Some(found) })
}

/// Shows the diagnosis of a lab.
fn lab(args: &Args, text: &ScenarioText, subject: &Subject<'_>) -> Result<(), Failure> {
    let Subject { name, described, pasted } = *subject;
    let plan = Plan::with_keys(text, &mut SharedKeys::default().of_a_lab())?;
    let mut report = report::check(&plan.computers, plan.clock.now());
    if let Some(Ok(imported)) = pasted.and_then(|found| found.imported.as_ref()) {
        imported.mark_doubts(&mut report);
    }
    let dry_run = if says_something(&text.scenario) { Some(plan.dry_run(name)?) } else { None };
    let played = |layout: fn(&Proof) -> String| {
        let played = dry_run.as_ref().map(|proof| format!("\n{HEADING}{}", layout(proof)));
        played.unwrap_or_default()
    };
    let lacking = pasted.and_then(|found| lacking(args, found));
    let said = || {
        let unknown = lacking.map(|lacking| format!("{}\n\n", lacking.in_words())).unwrap_or_default();
        let said = pasted.map(|found| format!("{}\n\n{}\n", found.first_line(), found.explanation));
        said.map(|said| said + &unknown)
    };
    match args.output {
        Output::Table if args.full => {
            output::text(&(said().unwrap_or_default() + &report.table() + &played(proof::table)))?;
        }
        Output::Table => {
            let named = |found: &Recognized| !found.explanation.questions.iter().any(|it| it.id == "server");
            let causes =
                if lacking.is_some() { Vec::new() } else { causes(&mut plan.trials()?, &mut report)? };
            let screen = Screen {
                input: described,
                pasted: pasted.is_some(),
                named: pasted.is_none_or(named),
                files: &in_a_command(args),
                beside: &pasted
                    .map(|found| found.explanation.beyond_the_exports().to_string())
                    .unwrap_or_default(),
                notes: pasted.map_or(&[], |found| &found.explanation.notes),
                assumed: &pasted.map(|found| assumptions(found, lacking)).unwrap_or_default(),
                lacking,
                report: &report,
                causes: &causes,
                dry_run: dry_run.as_ref(),
                colors: color::of_standard_output(),
            };
            output::text(&screen.text())?;
        }
        Output::List => {
            output::text(&(said().unwrap_or_default() + &report.list() + &played(proof::list)))?;
        }
        Output::Json => {
            let mut trials = plan.trials()?;
            try_fixes(&mut trials, &mut report)?;
            report.connectors.iter_mut().for_each(|it| it.known = lacking.is_none());
            report.send_connectors.iter_mut().for_each(|it| it.known = lacking.is_none());
            let pasted = pasted.map(|found| found.explanation.to_json());
            let causes = if lacking.is_some() { Vec::new() } else { tried_causes(&mut trials, &report)? };
            let causes = causes.iter().map(|cause| report.named(cause)).collect();
            output::json(&Checked { pasted, lacking, report: &report, causes, dry_run: dry_run.as_ref() })?;
        }
    }
    let unmet = dry_run.map_or(0, |proof| proof.differences().count());
    match unmet {
        0 => Ok(()),
        _ if pasted.is_some() => Err(Failure::unmet(
            "by these exports the server would not do what the event says; they may be of another computer or time",
        )),
        unmet => {
            let things = counted(unmet, "expectation");
            Err(Failure::unmet(format!("{things} of {name} not met in the dry run")))
        }
    }
}

/// Tries fixes on copies of the lab, and notes their effects in the report: all fixes of a single connector, and of
/// several connectors the first fix of each.
fn try_fixes(trials: &mut Trials, report: &mut Report) -> Result<(), Failure> {
    let alone = report.connectors.len() + report.send_connectors.len() == 1;
    let most = if alone { usize::MAX } else { 1 };
    for connector in &mut report.connectors {
        let fixes: Vec<_> = connector.fixes.iter().take(most).collect();
        let ran = |fix: &Fix| fix.trial == Trial::Ran;
        let mut tried =
            trials.fixes(&connector.identity, fixes.iter().copied().filter(|fix| ran(fix)))?.into_iter();
        let effects: Vec<_> = fixes.iter().map(|fix| if ran(fix) { tried.next() } else { None }).collect();
        connector.effects = effects;
    }
    for connector in &mut report.send_connectors {
        for fix in connector.fixes.iter().take(most) {
            let ran = fix.trial == Trial::Ran && fix.is_observable;
            connector.effects.push(ran.then(|| trials.send_fix(fix)).transpose()?);
        }
    }
    Ok(())
}

/// Returns the causes of several connectors, the fix of each tried on a copy of the lab; of a single connector
/// every fix is tried.
fn causes(trials: &mut Trials, report: &mut Report) -> Result<Vec<Cause>, Failure> {
    if report.connectors.len() + report.send_connectors.len() == 1 {
        try_fixes(trials, report)?;
        return Ok(Vec::new());
    }
    tried_causes(trials, report)
}

/// Returns the causes behind the connectors, the fix of each tried on a copy of the lab.
fn tried_causes(trials: &mut Trials, report: &Report) -> Result<Vec<Cause>, Failure> {
    let mut causes = report.causes();
    for cause in &mut causes {
        let receiving = cause.connectors.first().and_then(|first| report.receiving(*first));
        let receiving = receiving.map(|connector| connector.identity.as_str());
        let shows = |fix: &&mut SharedFix| fix.trial == Trial::Ran && fix.is_observable;
        if let Some(fix) = cause.fix.as_mut().filter(shows) {
            let commands = CommandsSpec::typed(&fix.on, &fix.typed);
            fix.effect = Some(trials.commands(&[commands], receiving)?);
        }
    }
    Ok(causes)
}

/// Returns the arguments that name the input, as they are typed in a command.
fn in_a_command(args: &Args) -> String {
    let quoted = |word: &String| {
        if word.contains(char::is_whitespace) { format!("\"{word}\"") } else { word.clone() }
    };
    let certificates = args.certificate.iter().map(|word| format!("--certificate {}", quoted(word)));
    args.scenarios.iter().map(quoted).chain(certificates).collect::<Vec<_>>().join(" ")
}

/// Returns the half that was not pasted, without which nothing can be said of STARTTLS.
fn lacking(args: &Args, found: &Recognized) -> Option<Lacking> {
    let connectors = found.connectors + usize::from(args.fqdn.is_some());
    match (connectors, found.certificates + args.certificate.len()) {
        (_, 0) => Some(Lacking::Certificates),
        (0, _) => Some(Lacking::Connectors),
        (_, _) => None,
    }
}

/// Returns what is assumed where an export leaves a question open, as the answer that would say the same. Without
/// connectors no question about the server matters.
fn assumptions(found: &Recognized, lacking: Option<Lacking>) -> Vec<String> {
    let matters = |id: &str| {
        let of_server = id == "server" || id == "version" || id.starts_with("fqdn:");
        lacking != Some(Lacking::Connectors) || !of_server
    };
    let questions = found.explanation.questions.iter().filter(|question| matters(&question.id));
    questions.map(|question| format!("\"{}={}\"", question.id, question.assumed)).collect()
}

const HEADING: &str = "A dry run in memory; `starttls-lab verify` does the same over sockets.\n\n";

/// Returns whether a dry run would show anything: the file has senders, fault rules, expectations or fixes.
fn says_something(scenario: &Scenario) -> bool {
    !(scenario.sender.is_empty()
        && scenario.computer.iter().all(|computer| computer.fault.is_empty())
        && scenario.before.is_empty()
        && scenario.fix.is_empty()
        && scenario.wrong_fix.is_empty())
}

//! `shell`: the Exchange Management Shell of a lab, at a prompt or from a script.

mod arrivals;
mod editor;
mod history;
mod lab;
mod page;
mod save;
mod session;
mod start;

use std::cell::RefCell;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::PathBuf;
use std::rc::Rc;

use super::inputs;
use super::output::{self, Failure};
use crate::exchange::cmdlet::{is_unfinished, statements};
use editor::{Place, Terminal, Typed};
use history::History;
use page::{CONTINUED, PROMPT};
use save::Save;
use session::{Answers, Next, Nobody, Session};

/// Arguments of `shell`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct Args {
    /// A lab file, the name of a scenario, or what an administrator has: exports, certificates, an event, several of
    /// them, `-` for standard input; `fqdn-mismatch` if omitted
    #[arg(value_name = "FILE|NAME|-")]
    inputs: Vec<String>,
    /// Work on a running lab instead: the URL of its control API, which the ready line names, or PORT or ADDRESS:PORT
    #[arg(long, value_name = "URL", conflicts_with_all = ["inputs", "answer", "password_file", "port"])]
    attach: Option<String>,
    /// The token that the control API requires
    #[arg(long, env = "STARTTLS_LAB_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// The server whose Shell it is; if omitted, the first of the lab
    #[arg(long, value_name = "NAME")]
    computer: Option<String>,
    /// Run a script, `-` for standard input, and stop at the first line that is refused
    #[arg(long, value_name = "FILE|-")]
    script: Option<String>,
    /// Write what succeeded as a script for production to this new file, and its twin with -WhatIf beside it
    #[arg(long, value_name = "FILE.ps1")]
    save: Option<PathBuf>,
    /// Keep the history in this file; inputs that may hold a password are left out
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// The port of the lab, if it has one binding; if omitted, a free port of loopback for every binding
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Answers a question that an export leaves open; each question names its ID
    #[arg(long, value_name = "ID=VALUE")]
    answer: Vec<String>,
    #[command(flatten)]
    password: inputs::PasswordArgs,
}

const HELP: &str = "\
A lab of the Shell's own listens on loopback, on free ports that it prints, so that swaks and `send` reach it; it ends \
with the Shell. Where standard input is no terminal, commands are read from it line by line, without a prompt.

Exit codes: 0; 1 where --script was stopped by a line that is refused, or standard input held such a line; 2 for wrong \
usage or file; 3 where the lab could not listen or be reached.";

/// The maximum length of an input, and of a script.
const LONGEST_INPUT: usize = 64 << 10;
const LONGEST_SCRIPT: usize = 1 << 20;

pub(super) fn shell(args: &Args) -> Result<(), Failure> {
    let of_inputs = args.inputs.iter().any(|input| input == "-");
    if of_inputs && args.script.as_deref() == Some("-") {
        return Err(Failure::usage("standard input cannot be both the lab and the script"));
    }
    let script = match args.script.as_deref() {
        Some(name) => Some((name, read_script(name)?)),
        None => None,
    };
    let history = History::open(args.history.as_deref())?;
    let started = start::start(args)?;
    let save = args.save.as_deref().map(Save::new).transpose()?;
    let mut session = Session::new(started.lab, args.computer.as_deref(), history, save)?;
    let ran = match &script {
        Some((name, text)) => run_script(&mut session, name, text),
        None if of_inputs || io::stdin().is_terminal() => {
            let begun = start::introduction(&session, &started.said);
            begun.and_then(|text| output::text(&text)).and_then(|()| at_terminal(&mut session, of_inputs))
        }
        None => from_standard_input(&mut session),
    };
    let closed = session.close();
    ran.and(closed)
}

/// Reads a script, which may be UTF-16 as Windows PowerShell writes it.
fn read_script(name: &str) -> Result<String, Failure> {
    let wrong = |problem: String| Failure::usage(format!("--script {name}: {problem}"));
    let mut bytes = Vec::new();
    let longest = LONGEST_SCRIPT as u64 + 1;
    let read = if name == "-" {
        io::stdin().lock().take(longest).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(name).and_then(|file| file.take(longest).read_to_end(&mut bytes))
    };
    read.map_err(|error| wrong(error.to_string()))?;
    if bytes.len() > LONGEST_SCRIPT {
        return Err(wrong("longer than 1 MiB, which no script here is".to_owned()));
    }
    let text = super::load::decoded(bytes).map_err(|error| wrong(error.to_string()))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// Runs a script up to the first line that is refused. A script that cannot be read does nothing, as in PowerShell.
fn run_script(session: &mut Session, name: &str, script: &str) -> Result<(), Failure> {
    let place = if name == "-" { "standard input" } else { name };
    let (typed, wrong) = statements(script, session.profile());
    if let Some(error) = wrong {
        output::text(&session.colors.error(&error.at_prompt()))?;
        return Err(Failure::unmet(format!(
            "{place}:{}: it cannot be read, and nothing was run",
            error.line
        )));
    }
    let mut terminal =
        if name != "-" && io::stdin().is_terminal() { Some(StandardInput::default()) } else { None };
    for statement in &typed {
        output::text(&format!("{PROMPT}{}\n", statement.text))?;
        let answers: &mut dyn Answers = match &mut terminal {
            Some(terminal) => terminal,
            None => &mut Nobody,
        };
        if !session.run(statement, answers)? {
            return Err(Failure::unmet(format!(
                "{place}:{}: refused; the lines before it took effect, and those after it were not run",
                statement.line
            )));
        }
    }
    Ok(())
}

/// Reads commands line by line until the end of standard input.
fn from_standard_input(session: &mut Session) -> Result<(), Failure> {
    let mut input = StandardInput::default();
    let (mut pending, mut refused) = (String::new(), false);
    loop {
        let line = input.line()?;
        let ended = line.is_none();
        pending.push_str(line.as_deref().unwrap_or_default());
        // An empty line ends what is unfinished, as at the prompt.
        let goes_on = !ended && line.is_some_and(|line| !line.trim().is_empty()) && is_unfinished(&pending);
        if goes_on && pending.len() <= LONGEST_INPUT {
            continue;
        }
        match enter(session, &std::mem::take(&mut pending), &mut input)? {
            Next::Goes => {}
            Next::Refused => refused = true,
            Next::Ends => break,
        }
        if ended {
            break;
        }
    }
    if refused { Err(Failure::told(1)) } else { Ok(()) }
}

/// Carries out an input that is not too long.
fn enter(session: &mut Session, input: &str, answers: &mut dyn Answers) -> Result<Next, Failure> {
    if input.len() > LONGEST_INPUT {
        let wrong =
            "An input is at most 64 KiB long; write longer scripts into a file, and run it with --script.\n";
        output::text(&session.colors.error(wrong))?;
        return Ok(Next::Refused);
    }
    let typed = input.trim_end();
    if !typed.is_empty() {
        session.history.add(typed);
    }
    session.enter(input, answers)
}

/// The lines of standard input.
#[derive(Default)]
struct StandardInput {
    begun: bool,
}

impl StandardInput {
    /// Returns the next line with its end; `None` at the end of the input.
    fn line(&mut self) -> Result<Option<String>, Failure> {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(LONGEST_INPUT as u64 + 1).read_until(b'\n', &mut bytes);
        let wrong = |problem: String| Failure::usage(format!("standard input: {problem}"));
        if read.map_err(|error| wrong(error.to_string()))? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8(bytes).map_err(|_| wrong("a line is not UTF-8".to_owned()))?;
        let first = !std::mem::replace(&mut self.begun, true);
        Ok(Some(if first { line.trim_start_matches('\u{feff}').to_owned() } else { line }))
    }
}

impl Answers for StandardInput {
    fn answer(&mut self, question: &str) -> Result<Option<String>, Failure> {
        output::text(question)?;
        let answer = self.line()?;
        if !io::stdin().is_terminal() {
            output::text("\n")?;
        }
        Ok(answer)
    }
}

/// Reads inputs at a terminal until `exit` or Ctrl-D.
fn at_terminal(session: &mut Session, beside_input: bool) -> Result<(), Failure> {
    let place = Rc::clone(&session.place);
    let mut terminal = Terminal::new(Rc::clone(&session.lab), Rc::clone(&place), beside_input)?;
    session.history.inputs().for_each(|input| terminal.remember(input));
    if let Some(printer) = terminal.printer() {
        arrivals::follow(&session.lab, printer);
    }
    let mut pending = String::new();
    loop {
        pending.clone_into(&mut place.borrow_mut().pending);
        match terminal.read(if pending.is_empty() { PROMPT } else { CONTINUED })? {
            Typed::Dropped => pending.clear(),
            Typed::End if pending.is_empty() => return Ok(()),
            Typed::End => pending.clear(),
            Typed::Line(line) => {
                let goes_on = !line.trim().is_empty() && pending.len() <= LONGEST_INPUT;
                pending.push_str(&line);
                if goes_on && is_unfinished(&pending) {
                    pending.push('\n');
                    continue;
                }
                let input = std::mem::take(&mut pending);
                let input = input.trim_end();
                if !input.is_empty() {
                    terminal.remember(input);
                }
                let mut person = Person { terminal: &mut terminal, place: Rc::clone(&place) };
                match enter(session, input, &mut person)? {
                    Next::Goes | Next::Refused => {}
                    Next::Ends => return Ok(()),
                }
            }
        }
    }
}

/// The person at the terminal.
struct Person<'a> {
    terminal: &'a mut Terminal,
    place: Rc<RefCell<Place>>,
}

impl Answers for Person<'_> {
    fn answer(&mut self, question: &str) -> Result<Option<String>, Failure> {
        // The last line is the prompt; the editor moves the cursor in one line only.
        let (text, prompt) = question.rsplit_once('\n').unwrap_or(("", question));
        output::text(&format!("{text}\n"))?;
        self.place.borrow_mut().asking = true;
        let typed = self.terminal.read(prompt);
        self.place.borrow_mut().asking = false;
        match typed? {
            Typed::Line(line) => Ok(Some(line)),
            Typed::Dropped | Typed::End => Ok(None),
        }
    }
}

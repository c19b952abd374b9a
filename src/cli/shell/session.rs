//! A session at the prompt: inputs in, screens out.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::editor::Place;
use super::history::History;
use super::lab::{End, Lab, Ran, Server};
use super::page::{self, Colors};
use super::save::Save;
use crate::cli::output::{self, Failure};
use crate::exchange::Profile;
use crate::exchange::cmdlet::{NameableCertificate, TypedStatement, statements};
use crate::scenario::AnswerSpec;

/// A session.
pub(super) struct Session {
    pub(super) lab: Rc<Lab>,
    pub(super) place: Rc<RefCell<Place>>,
    pub(super) history: History,
    pub(super) colors: Colors,
    pub(super) save: Option<Save>,
    server: Server,
}

/// The continuation after an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next input.
    Goes,
    /// The next input, after something was refused.
    Refused,
    /// The end of the session.
    Ends,
}

/// Answers the questions of cmdlets.
pub(super) trait Answers {
    /// Returns the words of the person who is asked; `None` where nobody answers.
    fn answer(&mut self, question: &str) -> Result<Option<String>, Failure>;
}

/// Nobody who could be asked.
pub(super) struct Nobody;

impl Answers for Nobody {
    fn answer(&mut self, _: &str) -> Result<Option<String>, Failure> {
        Ok(None)
    }
}

/// The choices behind a question that does not name them itself.
const CHOICES: &str = "[Y] Yes  [A] Yes to All  [N] No  [L] No to All  [?] Help (default is \"Y\"):";

const CHOICES_EXPLAINED: &str = "Y - Continue with only the next step of the operation.\n\
    A - Continue with all the steps of the operation.\n\
    N - Skip this operation and proceed with the next operation.\n\
    L - Skip this operation and all subsequent operations.\n";

impl Session {
    /// Begins a session in the Shell of a server, by default that of the first one.
    pub(super) fn new(
        lab: Lab,
        server: Option<&str>,
        history: History,
        save: Option<Save>,
    ) -> Result<Self, Failure> {
        let servers = lab.servers()?;
        let server = match server {
            Some(name) => find(servers, name)?,
            None => servers.into_iter().next().ok_or_else(|| Failure::usage("the lab has no computer"))?,
        };
        let place = Place { server: server.name.clone(), ..Place::default() };
        Ok(Self {
            lab: Rc::new(lab),
            place: Rc::new(RefCell::new(place)),
            history,
            colors: Colors::of_standard_output(),
            save,
            server,
        })
    }

    /// Returns the version of Exchange that the server runs.
    pub(super) fn profile(&self) -> Profile {
        self.server.profile
    }

    /// Returns the line with which the Shell begins.
    pub(super) fn connected(&self) -> String {
        format!("VERBOSE: Connected to {}.\n", self.server.fqdn)
    }

    /// Carries out an input: commands of the Shell itself, or statements up to the first that is refused.
    pub(super) fn enter(&mut self, input: &str, answers: &mut dyn Answers) -> Result<Next, Failure> {
        if let Some(next) = self.own_command(input)? {
            return Ok(next);
        }
        let (typed, wrong) = statements(input, self.profile());
        for statement in &typed {
            if !self.run(statement, answers)? {
                return Ok(Next::Refused);
            }
        }
        match wrong {
            None => Ok(Next::Goes),
            Some(error) => {
                output::text(&self.colors.error(&error.at_prompt()))?;
                Ok(Next::Refused)
            }
        }
    }

    /// Carries out a command that is the Shell's own and not a cmdlet of the lab.
    fn own_command(&mut self, input: &str) -> Result<Option<Next>, Failure> {
        let mut words = input.split_whitespace();
        let (Some(command), rest) = (words.next(), words.collect::<Vec<_>>()) else {
            return Ok(Some(Next::Goes));
        };
        match (command.to_ascii_lowercase().as_str(), rest.as_slice()) {
            ("exit" | "quit" | "logout", []) => return Ok(Some(Next::Ends)),
            ("get-history" | "history" | "h", []) => output::text(&self.history.listed())?,
            ("clear-host" | "clear" | "cls", []) => output::verbatim("\u{1b}[2J\u{1b}[H")?,
            ("get-help" | "help", []) => output::text(&page::help())?,
            ("connect-exchangeserver", [name] | [_, name]) => return self.connect(name).map(Some),
            _ => return Ok(None),
        }
        Ok(Some(Next::Goes))
    }

    /// Goes on in the Shell of another server.
    fn connect(&mut self, name: &str) -> Result<Next, Failure> {
        match find(self.lab.servers()?, name.trim_matches(['"', '\''])) {
            Ok(server) => {
                self.place.borrow_mut().server.clone_from(&server.name);
                self.server = server;
                output::text(&self.connected())?;
                Ok(Next::Goes)
            }
            Err(failure) => {
                output::text(&self.colors.error(&format!("{failure}\n")))?;
                Ok(Next::Refused)
            }
        }
    }

    /// Runs a statement, asks what it asks, and shows what it did. Returns whether it was done.
    pub(super) fn run(
        &mut self,
        statement: &TypedStatement,
        answers: &mut dyn Answers,
    ) -> Result<bool, Failure> {
        let before = self.certificates_to_save();
        let mut asked = Asked::default();
        let Ran { screen, changed, changes, ending } = loop {
            let ran = self.lab.enter(&self.server.name, &statement.in_place(), &asked.given())?;
            match &ran.ending {
                End::Asks(question) => {
                    if !asked.ask(question, answers)? {
                        break Ran { ending: End::Refused(unanswered(question)), ..ran };
                    }
                }
                End::Done | End::Refused(_) => break ran,
            }
        };
        output::text(&self.colors.screen(&screen))?;
        if let End::Refused(why) = &ending {
            output::text(&self.colors.error(why))?;
        }
        if changed {
            output::text(&page::changes(&changes, self.colors))?;
        }
        let done = matches!(ending, End::Done);
        if let Some(save) = &mut self.save {
            if done && (statement.changes || statement.assigns) {
                let mut known = before;
                known.extend(self.lab.nameable(&self.server.name).certificates);
                save.take(&self.server.name, statement, &asked.shown(), &known)?;
            } else if changed {
                save.note_partial(&self.server.name, statement)?;
            }
        }
        Ok(done)
    }

    fn certificates_to_save(&self) -> Vec<NameableCertificate> {
        let known = self.save.as_ref().map(|_| self.lab.nameable(&self.server.name).certificates);
        known.unwrap_or_default()
    }

    /// Ends the session, and a lab of its own.
    pub(super) fn close(self) -> Result<(), Failure> {
        let Self { lab, history, .. } = self;
        if let Ok(lab) = Rc::try_unwrap(lab) {
            lab.close();
        }
        history.close()
    }
}

fn find(servers: Vec<Server>, name: &str) -> Result<Server, Failure> {
    let known: Vec<String> = servers.iter().map(|server| server.name.clone()).collect();
    let called = |it: &Server| it.name.eq_ignore_ascii_case(name) || it.fqdn.eq_ignore_ascii_case(name);
    let found = servers.into_iter().find(called);
    found
        .ok_or_else(|| Failure::usage(format!("the lab has no server `{name}`; it has {}", known.join(", "))))
}

fn unanswered(question: &str) -> String {
    let question = question.trim_end();
    format!(
        "{question}\nIt asks, and nobody is there to answer; -Confirm:$false or -Force answers beforehand.\n"
    )
}

/// The questions of one statement, with their answers.
#[derive(Default)]
struct Asked {
    answered: VecDeque<(String, AnswerSpec)>,
    /// The answer to all further questions.
    to_all: Option<AnswerSpec>,
}

impl Asked {
    /// Has a question answered. Returns whether it was.
    fn ask(&mut self, question: &str, answers: &mut dyn Answers) -> Result<bool, Failure> {
        let shown =
            if question.contains("[Y]") { question.to_owned() } else { format!("{question}\n{CHOICES}") };
        let answer = loop {
            if let Some(to_all) = self.to_all {
                break to_all;
            }
            let Some(said) = answers.answer(&format!("\n{shown} "))? else { return Ok(false) };
            match said.trim().to_ascii_lowercase().as_str() {
                "" | "y" | "yes" => break AnswerSpec::Yes,
                "n" | "no" => break AnswerSpec::No,
                "a" => self.to_all = Some(AnswerSpec::Yes),
                "l" => self.to_all = Some(AnswerSpec::No),
                _ => output::text(CHOICES_EXPLAINED)?,
            }
        };
        self.answered.push_back((question.to_owned(), answer));
        Ok(true)
    }

    fn given(&self) -> Vec<AnswerSpec> {
        self.answered.iter().map(|(_, answer)| *answer).collect()
    }

    /// The questions in a line each, with the words of the answers.
    fn shown(&self) -> Vec<(String, &'static str)> {
        let each = self.answered.iter().map(|(question, answer)| {
            let line = question.lines().find(|line| line.ends_with('?') && !line.contains("sure"));
            let line = line.or_else(|| question.lines().rfind(|line| !line.is_empty()));
            let answer = match answer {
                AnswerSpec::Yes => "Yes",
                AnswerSpec::No => "No",
            };
            (line.unwrap_or_default().to_owned(), answer)
        });
        each.collect()
    }
}

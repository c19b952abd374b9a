//! The methods of a running lab that need no waiting.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::error::{CmdletRefused, LabError, UnknownConnector};
use super::thread::Started;
use crate::clock::Clock;
use crate::exchange::cmdlet::Answer;
use crate::journal::Journal;
use crate::lab::{Engine, Listening};
use crate::observe::{Checked, EventLogEntry, Observer, ReceivedMessage, SessionSummary, is_called};
use crate::scenario::{AnswerSpec, CommandsSpec, Scenario, ScenarioText};
use crate::session::fault::FaultSpec;
use crate::tls::{ClientConfig, ClientTls, Versions};

/// A lab at work. [`Lab`](super::Lab) and [`AsyncLab`](super::AsyncLab) are one, and have these methods.
#[derive(Debug)]
pub struct Running {
    engine: Arc<Engine>,
    pub(super) handle: Handle,
    scenario: Arc<Mutex<ScenarioText>>,
    client: ClientTls,
}

impl Running {
    pub(super) fn new(started: Started, text: ScenarioText) -> Result<Self, LabError> {
        let Started { engine, handle } = started;
        let client = ClientTls::trusting(&[engine.root().clone()], engine.clock(), Versions::Both)?;
        Ok(Self { engine, handle, scenario: Arc::new(Mutex::new(text)), client })
    }

    /// Returns the address of the lab's only connector.
    ///
    /// # Panics
    ///
    /// There is none, or there are several; the message lists them.
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        or_panic(self.find(None))
    }

    /// Returns the address of the connector of this name: its own name, `SERVER\Name`, or its FQDN, letter
    /// case aside.
    ///
    /// # Panics
    ///
    /// No connector has that name, or several have it that listen on different addresses; the message lists
    /// them.
    #[track_caller]
    pub fn address(&self, connector: &str) -> SocketAddr {
        or_panic(self.find(Some(connector)))
    }

    /// Like `address`, but returns an error instead of a panic.
    ///
    /// # Errors
    ///
    /// No connector has that name, or several have it that listen on different addresses.
    pub fn try_address(&self, connector: &str) -> Result<SocketAddr, UnknownConnector> {
        self.find(Some(connector))
    }

    fn find(&self, asked: Option<&str>) -> Result<SocketAddr, UnknownConnector> {
        let all = self.connectors();
        let names = |it: &Listening, asked: &str| is_called(asked, [&it.computer, &it.name, &it.fqdn]);
        let fit: Vec<_> = all.iter().filter(|it| asked.is_none_or(|asked| names(it, asked))).collect();
        match &fit[..] {
            // A name may stand for several connectors that share one port.
            [first, rest @ ..] if rest.iter().all(|it| it.addr == first.addr) => Ok(first.addr),
            _ => {
                let listed = if fit.is_empty() { all.iter().collect() } else { fit.clone() };
                let listed = listed
                    .into_iter()
                    .map(|Listening { computer, name, fqdn, .. }| format!("{computer}\\{name} ({fqdn})"));
                let asked = asked.map(str::to_owned);
                Err(UnknownConnector { asked, known: listed.collect(), fit: fit.len() })
            }
        }
    }

    /// Checks for every fault rule whether it was done.
    pub(super) fn faults(&self) -> Vec<Checked> {
        let rows = self.engine.faults();
        let checked = rows.into_iter().filter(|row| !row.optional).map(|row| Checked {
            expected: row.to_string(),
            met: row.done > 0,
            instead: "it was never done".to_owned(),
        });
        checked.collect()
    }

    /// Returns all connectors that listen, with their addresses and whether STARTTLS is offered.
    pub fn connectors(&self) -> Vec<Listening> {
        self.engine.connectors()
    }

    /// Returns the root certificate of the lab, for the test's client to trust; nothing else should trust it.
    pub fn ca_pem(&self) -> String {
        self.engine.root().to_pem()
    }

    /// Returns a configuration of rustls 0.23 that trusts the lab's root, at the time of the lab's clock.
    ///
    /// Each one is fresh, so no client resumes a session of another.
    pub fn client_config(&self) -> ClientConfig {
        self.client.config()
    }

    /// Returns the lab's clock.
    pub fn clock(&self) -> &Clock {
        self.engine.clock()
    }

    /// Moves the lab's clock forward: certificates age, queues retry, and every wait in the lab that `by` passes
    /// is over, as of a tarpit or a time-out. Returns the time in the lab then.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use starttls_lab::Lab;
    /// let lab = Lab::scenario("fqdn-mismatch").start()?;
    /// let before = lab.clock().now();
    /// let after = lab.advance(Duration::from_secs(300));
    /// assert_eq!(after.duration_since(before).as_secs(), 300);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advance(&self, by: Duration) -> Timestamp {
        self.engine.advance(by)
    }

    /// Returns the messages so far, in the order in which they were taken.
    pub fn messages(&self) -> Vec<ReceivedMessage> {
        owned(self.observer().messages(0))
    }

    /// Returns the conversations so far, by their beginning, those that go on included.
    pub fn sessions(&self) -> Vec<SessionSummary> {
        let mut sessions: Vec<SessionSummary> = owned(self.observer().sessions(0));
        sessions.retain(|session| !session.sends());
        sessions.sort_by_key(|session| session.session);
        sessions
    }

    /// Returns the Application logs of all computers so far.
    pub fn events(&self) -> Vec<EventLogEntry> {
        owned(self.observer().events(0))
    }

    /// Returns the observer, with sessions, messages, events and their numbers so far.
    pub fn observer(&self) -> &Arc<Observer> {
        self.engine.observer()
    }

    /// Returns the number of the newest entry of the journal, from which
    /// [`Condition::after`](super::Condition::after) counts.
    pub fn seq(&self) -> u64 {
        self.observer().newest()
    }

    /// Returns the journal of everything that happened so far.
    pub fn journal(&self) -> &Arc<Journal> {
        self.engine.journal()
    }

    /// Returns everything that happened so far, in readable lines; a test that panics prints it.
    pub fn transcript(&self) -> String {
        super::transcript::transcript(self.journal(), self.observer())
    }

    pub(super) async fn run(&self, commands: &str, answers: &[Answer]) -> Result<String, CmdletRefused> {
        let computers = self.engine.computers();
        let names: Vec<_> = computers.iter().map(|computer| computer.name.as_str()).collect();
        match &names[..] {
            [only] => self.run_on(only, commands, answers).await,
            names => Err(refused(format!(
                "the lab has {} computers, so say on which with `run_on`: {}",
                names.len(),
                names.join(", ")
            ))),
        }
    }

    pub(super) async fn run_on(
        &self,
        computer: &str,
        commands: &str,
        answers: &[Answer],
    ) -> Result<String, CmdletRefused> {
        let answers = answers.iter().map(|answer| match answer {
            Answer::Yes => AnswerSpec::Yes,
            Answer::No => AnswerSpec::No,
        });
        let (on, run) = (computer.to_owned(), commands.to_owned());
        let commands = [CommandsSpec { answers: answers.collect(), ..CommandsSpec::new(on, run) }];
        let engine = Arc::clone(&self.engine);
        let typed = self.in_lab(async move { engine.run(&commands).await }).await;
        let typed = typed.and_then(|typed| Ok(typed?)).map_err(|error| refused(error.to_string()))?;
        match typed.refused {
            Some(why) => Err(CmdletRefused { why, screen: typed.screen }),
            None => Ok(typed.screen),
        }
    }

    pub(super) async fn reconfigure(
        &self,
        edit: impl FnOnce(&mut Scenario),
    ) -> Result<Vec<String>, LabError> {
        let mut current = Arc::clone(&self.scenario).lock_owned().await;
        let mut scenario = current.scenario.clone();
        edit(&mut scenario);
        let text = ScenarioText::without_text(scenario, current.origin());
        let engine = Arc::clone(&self.engine);
        let change = async move {
            let what = engine.change(&text).await?;
            *current = text;
            Ok(what)
        };
        self.in_lab(change).await?
    }

    pub(super) async fn set_faults(&self, computer: &str, rows: Vec<FaultSpec>) -> Result<(), LabError> {
        let (engine, computer) = (Arc::clone(&self.engine), computer.to_owned());
        let change = async move { engine.set_faults(&computer, rows).await };
        self.in_lab(change).await?.map_err(LabError::from)
    }

    /// Runs a future to its end on the lab's thread, even if its caller no longer waits for it.
    async fn in_lab<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, LabError> {
        self.handle.spawn(future).await.map_err(|_| LabError::Ended)
    }
}

fn refused(why: String) -> CmdletRefused {
    CmdletRefused { why, screen: String::new() }
}

fn owned<T: Clone>(shared: Vec<Arc<T>>) -> Vec<T> {
    shared.into_iter().map(Arc::unwrap_or_clone).collect()
}

#[track_caller]
#[expect(clippy::panic, reason = "a test asks for it, and this is how it fails")]
fn or_panic(found: Result<SocketAddr, UnknownConnector>) -> SocketAddr {
    found.unwrap_or_else(|error| panic!("{error}"))
}

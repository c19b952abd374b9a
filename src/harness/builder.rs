//! A lab before it starts.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::async_lab::AsyncLab;
use super::error::LabError;
use super::lab::Lab;
use super::thread::{Plan, block_on};
use crate::clock::Clock;
use crate::exchange::Profile;
use crate::name::Fqdn;
use crate::observe::verdict::Said;
use crate::observe::{EventLogEntry, Expectation, IntoCondition, ReceivedMessage, SessionSummary, a_message};
use crate::scenario::{CertificateSpec, Scenario, ScenarioText, built_in, suggest_built_in};
use crate::session::fault::FaultSpec;

/// A lab that has not started; [`Lab::scenario`], [`Lab::file`], [`Lab::text`] and [`Lab::connector`] make
/// one.
#[must_use = "a lab does nothing before it starts"]
pub struct LabBuilder {
    source: Source,
    edits: Vec<Edit>,
    settings: Settings,
    clock: Option<Clock>,
}

/// The settings that a lab keeps from its builder.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) patience: Duration,
    pub(super) quiet: bool,
    pub(super) expectations: Vec<Expectation>,
}

type Edit = Box<dyn FnOnce(&mut Scenario) + Send>;

#[derive(Debug)]
pub(super) enum Source {
    BuiltIn(String),
    File(PathBuf),
    Text(String),
    Connector(String),
}

/// The default patience of a wait.
const PATIENCE: Duration = Duration::from_secs(5);

impl LabBuilder {
    pub(super) fn new(source: Source) -> Self {
        let settings = Settings { patience: PATIENCE, quiet: false, expectations: Vec::new() };
        Self { source, edits: Vec::new(), settings, clock: None }
    }

    /// Gives the lab's first computer a certificate with these names, enabled for SMTP and issued by the
    /// lab's authority. It can be called again for a further certificate.
    pub fn certificate<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        self.edit(move |scenario| {
            let Some(computer) = scenario.computer.first_mut() else { return };
            computer.certificate.push(CertificateSpec::naming(names));
        })
    }

    /// Sets the Exchange version of every computer. Without a file it is [`Profile::Exchange2019`].
    pub fn profile(self, profile: Profile) -> Self {
        self.edit(move |scenario| {
            scenario.computer.iter_mut().for_each(|computer| computer.profile = profile);
        })
    }

    /// Adds a fault rule to the receive connectors of the first computer. A rule that was never done fails
    /// the report of `finish`, unless it is `optional`.
    ///
    /// ```
    /// # use starttls_lab::{Fault, Lab, StartTls};
    /// let refused = Fault::at(StartTls).reply("454 4.7.0 TLS not available");
    /// let lab = Lab::connector("mx.lab.test").certificate(["mx.lab.test"]).fault(refused).start()?;
    /// assert!(!lab.finish().is_ok(), "nobody has said STARTTLS");
    /// # Ok::<(), starttls_lab::LabError>(())
    /// ```
    pub fn fault(self, fault: impl Into<FaultSpec>) -> Self {
        let fault = fault.into();
        self.edit(move |scenario| {
            let Some(computer) = scenario.computer.first_mut() else { return };
            computer.fault.push(fault);
        })
    }

    /// Changes anything else before the lab starts.
    ///
    /// ```
    /// # use starttls_lab::Lab;
    /// let lab = Lab::scenario("healthy").edit(|scenario| scenario.computer[0].certificate.clear()).start()?;
    /// assert_eq!(lab.events()[0].id(), 12014);
    /// # Ok::<(), starttls_lab::LabError>(())
    /// ```
    pub fn edit(mut self, edit: impl FnOnce(&mut Scenario) + Send + 'static) -> Self {
        self.edits.push(Box::new(edit));
        self
    }

    /// Sets the patience of waits that do not specify one; the default is 5 seconds. It is measured in the
    /// machine's time, whatever the lab's clock says.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// Sets the lab's clock. By default the lab follows the scenario's `now`, or the machine's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Turns off the transcript that is printed when a test panics.
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// Expects that such a message is taken before the lab is finished.
    pub fn expect_message(self, message: impl IntoCondition<'static, ReceivedMessage>) -> Self {
        self.expect(Expectation::Message(message.into_condition()))
    }

    /// Expects that no such message is taken.
    pub fn expect_no_message(self, message: impl IntoCondition<'static, ReceivedMessage>) -> Self {
        self.expect(Expectation::NoMessage(message.into_condition()))
    }

    /// Expects that no message comes in clear.
    pub fn expect_no_message_in_clear(self) -> Self {
        self.expect_no_message(a_message().in_clear())
    }

    /// Expects that nothing is said in clear: no credentials, no envelope, no content, whether or not the lab
    /// takes it. A client that says `MAIL FROM` before TLS has disclosed the sender, even if no message
    /// comes.
    pub fn expect_nothing_in_clear(self) -> Self {
        self.expect(Expectation::NothingInClear(Said::ALL.into()))
    }

    /// Expects that there is such a conversation, and that it has ended before the lab is finished.
    pub fn expect_session(self, session: impl IntoCondition<'static, SessionSummary>) -> Self {
        self.expect(Expectation::Session(session.into_condition()))
    }

    /// Expects that there is no such conversation, not even one that does not end.
    pub fn expect_no_session(self, session: impl IntoCondition<'static, SessionSummary>) -> Self {
        self.expect(Expectation::NoSession(session.into_condition()))
    }

    /// Expects that such an event is logged, such as `12014`.
    pub fn expect_event(self, event: impl IntoCondition<'static, EventLogEntry>) -> Self {
        self.expect(Expectation::Event(event.into_condition()))
    }

    /// Expects that no such event is logged.
    pub fn expect_no_event(self, event: impl IntoCondition<'static, EventLogEntry>) -> Self {
        self.expect(Expectation::NoEvent(event.into_condition()))
    }

    fn expect(mut self, expectation: Expectation) -> Self {
        self.settings.expectations.push(expectation);
        self
    }

    /// Starts the lab and waits until it takes connections; for `#[test]`.
    ///
    /// # Errors
    ///
    /// The scenario is wrong (the error has line and caret if there is a text), or the machine lacks a
    /// resource.
    pub fn start(self) -> Result<Lab, LabError> {
        block_on(self.start_async()).map(Lab)
    }

    /// Like `start`, for `#[tokio::test]` or any other executor.
    ///
    /// # Errors
    ///
    /// As for [`LabBuilder::start`].
    pub async fn start_async(self) -> Result<AsyncLab, LabError> {
        let text = self.source.read(self.edits)?;
        AsyncLab::start(Plan { text, clock: self.clock }, self.settings).await
    }
}

impl Source {
    /// Reads the scenario and applies the edits.
    fn read(self, edits: Vec<Edit>) -> Result<ScenarioText, LabError> {
        let mut text = match self {
            Self::BuiltIn(name) => match built_in(&name) {
                Some(scenario) => scenario.read()?,
                None => return Err(LabError::BuiltIn { nearest: suggest_built_in(&name), name }),
            },
            Self::File(path) => match std::fs::read_to_string(&path) {
                Ok(text) => ScenarioText::parse(&text, &path.display().to_string())?,
                Err(error) => return Err(LabError::File { path, error }),
            },
            Self::Text(text) => ScenarioText::parse(&text, "Lab::text")?,
            Self::Connector(fqdn) => connector(&fqdn.parse()?)?,
        };
        if !edits.is_empty() {
            // The text no longer matches the scenario, so errors must not point into it.
            let origin = text.origin().to_owned();
            edits.into_iter().for_each(|edit| edit(&mut text.scenario));
            text = ScenarioText::without_text(text.scenario, &origin);
        }
        Ok(text)
    }
}

/// Returns a scenario with one Edge and one connector. It offers Tls alone: X-ANONYMOUSTLS and its events
/// would be about another certificate.
fn connector(fqdn: &Fqdn) -> Result<ScenarioText, LabError> {
    let scenario = json!({
        "title": format!("A connector that answers as {fqdn}"),
        "computer": [{
            "name": "LAB",
            "fqdn": fqdn,
            "role": "edge",
            "profile": Profile::Exchange2019,
            "receive_connector": [{
                "name": "Default internal receive connector LAB",
                "fqdn": fqdn,
                "auth_mechanism": ["Tls"],
                "permission_groups": ["AnonymousUsers"],
                "protocol_logging_level": "Verbose",
                "tarpit_interval": "0s",
                // A test connects from one address, and may open many connections at once.
                "max_inbound_connection_per_source": "unlimited",
                "max_inbound_connection_percentage_per_source": 100,
                "message_rate_limit": "unlimited",
            }],
        }],
    });
    Ok(ScenarioText::parse(&scenario.to_string(), "Lab::connector")?)
}

impl fmt::Debug for LabBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabBuilder").field("source", &self.source).finish_non_exhaustive()
    }
}

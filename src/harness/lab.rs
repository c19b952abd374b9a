//! A lab whose methods block.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use super::async_lab::AsyncLab;
use super::builder::{LabBuilder, Source};
use super::error::{CmdletRefused, LabError, WaitError};
use super::report::Report;
use super::running::Running;
use super::thread::block_on;
use crate::exchange::cmdlet::Answer;
use crate::observe::{EventLogEntry, IntoCondition, ReceivedMessage, SessionSummary};
use crate::scenario::Scenario;
use crate::session::fault::FaultSpec;

/// A lab at work, for `#[test]`. [`Running`] has what needs no waiting.
///
/// When it is dropped, its port is free again and its thread has ended; that takes a tenth of a second at
/// most. Expectations are checked by [`Lab::finish`] only.
///
/// ```
/// use starttls_lab::Lab;
///
/// let lab = Lab::scenario("fqdn-mismatch").start()?;
/// assert!(!lab.connectors()[0].starttls);
/// lab.run("Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com")?;
/// assert!(lab.connectors()[0].starttls);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Lab(pub(super) AsyncLab);

impl Lab {
    /// Returns the builder of a built-in scenario, such as `fqdn-mismatch`.
    pub fn scenario(name: impl Into<String>) -> LabBuilder {
        LabBuilder::new(Source::BuiltIn(name.into()))
    }

    /// Returns the builder of a lab from a file, TOML or JSON.
    pub fn file(path: impl Into<PathBuf>) -> LabBuilder {
        LabBuilder::new(Source::File(path.into()))
    }

    /// Returns the builder of a lab from the text of a lab file.
    pub fn text(text: impl Into<String>) -> LabBuilder {
        LabBuilder::new(Source::Text(text.into()))
    }

    /// Returns the builder of a lab without a file: an Edge with one receive connector that answers as
    /// `fqdn`, and with as many certificates as [`LabBuilder::certificate`] gives it. Without one that fits,
    /// it withholds STARTTLS.
    ///
    /// It replies without tarpit, and without the limits that Exchange puts on one address; everything else
    /// has Exchange's defaults.
    pub fn connector(fqdn: impl Into<String>) -> LabBuilder {
        LabBuilder::new(Source::Connector(fqdn.into()))
    }

    /// Runs commands in the Exchange Management Shell of the only computer; their changes count from the next
    /// connection. Returns the text on the screen.
    ///
    /// # Errors
    ///
    /// The Shell refuses a command, or there are several computers. Commands before the refused line have
    /// been carried out and are not undone.
    pub fn run(&self, commands: &str) -> Result<String, CmdletRefused> {
        block_on(self.0.run(commands))
    }

    /// Like `run`, on the computer of this name.
    ///
    /// # Errors
    ///
    /// The Shell refuses a command. Commands before the refused line have been carried out and are not
    /// undone.
    pub fn run_on(&self, computer: &str, commands: &str) -> Result<String, CmdletRefused> {
        block_on(self.0.run_on(computer, commands))
    }

    /// Runs commands as [`Lab::run`] does, and answers the questions that they ask, in order.
    ///
    /// # Errors
    ///
    /// The Shell refuses a command; a question without an answer, an answer without a question. Commands
    /// before the refused line have been carried out and are not undone.
    pub fn run_answering(&self, commands: &str, answers: &[Answer]) -> Result<String, CmdletRefused> {
        block_on(self.0.run_answering(commands, answers))
    }

    /// Like `run_answering`, on the computer of this name.
    ///
    /// ```
    /// # use starttls_lab::{Answer, Lab};
    /// # let lab = Lab::scenario("internal-certificate-overwritten").start()?;
    /// // "Overwrite the existing default SMTP certificate?"
    /// let enable = "Get-ExchangeCertificate -DomainName mail.contoso.com | Enable-ExchangeCertificate -Services SMTP";
    /// lab.run_on_answering("EDGE01", enable, &[Answer::No])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Lab::run_answering`].
    pub fn run_on_answering(
        &self,
        computer: &str,
        commands: &str,
        answers: &[Answer],
    ) -> Result<String, CmdletRefused> {
        block_on(self.0.run_on_answering(computer, commands, answers))
    }

    /// Puts a changed scenario in place, as [`AsyncLab::reconfigure`] does.
    ///
    /// # Errors
    ///
    /// The changed scenario is wrong. Nothing has changed then.
    pub fn reconfigure(&self, edit: impl FnOnce(&mut Scenario)) -> Result<Vec<String>, LabError> {
        block_on(self.0.reconfigure(edit))
    }

    /// Replaces the fault rules of a computer, as [`AsyncLab::set_faults`] does.
    ///
    /// # Errors
    ///
    /// There is no such computer, or a rule is wrong. Nothing has changed then.
    pub fn set_faults(&self, computer: &str, rows: Vec<FaultSpec>) -> Result<(), LabError> {
        block_on(self.0.set_faults(computer, rows))
    }

    /// Waits until such a message has been taken; returns the first one, at once if it is there already. No
    /// later wait for a message returns the same message again.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text lists those that have, and why they did not match.
    pub fn wait_for_message<'a>(
        &self,
        message: impl IntoCondition<'a, ReceivedMessage>,
    ) -> Result<ReceivedMessage, WaitError> {
        block_on(self.0.wait_for_message(message))
    }

    /// Like `wait_for_message`, but waits at most `within`.
    ///
    /// # Errors
    ///
    /// None has within that time.
    pub fn wait_for_message_within<'a>(
        &self,
        within: Duration,
        message: impl IntoCondition<'a, ReceivedMessage>,
    ) -> Result<ReceivedMessage, WaitError> {
        block_on(self.0.wait_for_message_within(within, message))
    }

    /// Waits until such a conversation has ended; returns the first one, at once if it has already. No later
    /// wait for a conversation returns the same conversation again.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text lists those that there are, and why they did not match.
    pub fn wait_for_session<'a>(
        &self,
        session: impl IntoCondition<'a, SessionSummary>,
    ) -> Result<SessionSummary, WaitError> {
        block_on(self.0.wait_for_session(session))
    }

    /// Like `wait_for_session`, but waits at most `within`.
    ///
    /// # Errors
    ///
    /// None has within that time.
    pub fn wait_for_session_within<'a>(
        &self,
        within: Duration,
        session: impl IntoCondition<'a, SessionSummary>,
    ) -> Result<SessionSummary, WaitError> {
        block_on(self.0.wait_for_session_within(within, session))
    }

    /// Waits until such an event has been logged, such as `12014`; returns the first one, at once if it is
    /// there already. No later wait for an event returns the same event again.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text lists those that have, and why they did not match.
    pub fn wait_for_event<'a>(
        &self,
        event: impl IntoCondition<'a, EventLogEntry>,
    ) -> Result<EventLogEntry, WaitError> {
        block_on(self.0.wait_for_event(event))
    }

    /// Like `wait_for_event`, but waits at most `within`.
    ///
    /// # Errors
    ///
    /// None has within that time.
    pub fn wait_for_event_within<'a>(
        &self,
        within: Duration,
        event: impl IntoCondition<'a, EventLogEntry>,
    ) -> Result<EventLogEntry, WaitError> {
        block_on(self.0.wait_for_event_within(within, event))
    }

    /// Ends the lab: stops accepting, lets conversations end, and checks what was expected.
    ///
    /// Conversations may go on by themselves for half a second. Clients that are still connected then get a
    /// 421 reply, and are cut off a second and a half later. The port is free and the thread has ended
    /// afterwards.
    pub fn finish(self) -> Report {
        block_on(self.0.finish())
    }

    /// Like `finish`, but lets conversations go on by themselves for up to `by_themselves`.
    pub fn finish_within(self, by_themselves: Duration) -> Report {
        block_on(self.0.finish_within(by_themselves))
    }
}

impl Deref for Lab {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}

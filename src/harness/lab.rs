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
    /// A built-in story, such as `fqdn-mismatch`.
    pub fn scenario(name: impl Into<String>) -> LabBuilder {
        LabBuilder::new(Source::Story(name.into()))
    }

    /// A lab file, TOML or JSON.
    pub fn file(path: impl Into<PathBuf>) -> LabBuilder {
        LabBuilder::new(Source::File(path.into()))
    }

    /// The text of a lab file.
    pub fn text(text: impl Into<String>) -> LabBuilder {
        LabBuilder::new(Source::Text(text.into()))
    }

    /// A lab without a file: an Edge with one receive connector that answers as `fqdn`, and with as many
    /// certificates as [`LabBuilder::certificate`] gives it. Without one that fits, it withholds STARTTLS.
    ///
    /// It replies without tarpit, and without the limits that Exchange puts on one address; all else is as
    /// Exchange has it by default.
    pub fn connector(fqdn: impl Into<String>) -> LabBuilder {
        LabBuilder::new(Source::Connector(fqdn.into()))
    }

    /// Types commands into the Exchange Management Shell of the only computer; what they change counts from
    /// the next connection. Returns what stands on the screen.
    ///
    /// # Errors
    ///
    /// What the Shell refuses, or that there are several computers. What stands before the line that was refused is
    /// done and stays done.
    pub fn run(&self, commands: &str) -> Result<String, CmdletRefused> {
        block_on(self.0.run(commands))
    }

    /// The same on the computer of this name.
    ///
    /// # Errors
    ///
    /// What the Shell refuses. What stands before the line that was refused is done and stays done.
    pub fn run_on(&self, computer: &str, commands: &str) -> Result<String, CmdletRefused> {
        block_on(self.0.run_on(computer, commands))
    }

    /// Types commands as [`Lab::run`] does, and answers the questions that they ask, in order.
    ///
    /// # Errors
    ///
    /// What the Shell refuses; a question without an answer, an answer without a question. What stands before
    /// the line that was refused is done and stays done.
    pub fn run_answering(&self, commands: &str, answers: &[Answer]) -> Result<String, CmdletRefused> {
        block_on(self.0.run_answering(commands, answers))
    }

    /// The same on the computer of this name.
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
    /// What is wrong with it. Nothing has changed then.
    pub fn reconfigure(&self, edit: impl FnOnce(&mut Scenario)) -> Result<Vec<String>, LabError> {
        block_on(self.0.reconfigure(edit))
    }

    /// Lets a computer do something else wrong on purpose, as [`AsyncLab::set_faults`] does.
    ///
    /// # Errors
    ///
    /// There is no such computer, or what is wrong with a row. Nothing has changed then.
    pub fn set_faults(&self, computer: &str, rows: Vec<FaultSpec>) -> Result<(), LabError> {
        block_on(self.0.set_faults(computer, rows))
    }

    /// Waits until such a message has been taken; returns the first one, at once where it is there already. A
    /// message that one wait has returned, no later wait for a message returns.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text shows those that have, and how they miss.
    pub fn wait_for_message<'a>(
        &self,
        message: impl IntoCondition<'a, ReceivedMessage>,
    ) -> Result<ReceivedMessage, WaitError> {
        block_on(self.0.wait_for_message(message))
    }

    /// The same for at most so long.
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

    /// Waits until such a conversation has ended; returns the first one, at once where it has already. A
    /// conversation that one wait has returned, no later wait for a conversation returns.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text shows those that there are, and how they miss.
    pub fn wait_for_session<'a>(
        &self,
        session: impl IntoCondition<'a, SessionSummary>,
    ) -> Result<SessionSummary, WaitError> {
        block_on(self.0.wait_for_session(session))
    }

    /// The same for at most so long.
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

    /// Waits until such an event has been logged, such as `12014`; returns the first one, at once where it
    /// is there already. An event that one wait has returned, no later wait for an event returns.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text shows those that have, and how they miss.
    pub fn wait_for_event<'a>(
        &self,
        event: impl IntoCondition<'a, EventLogEntry>,
    ) -> Result<EventLogEntry, WaitError> {
        block_on(self.0.wait_for_event(event))
    }

    /// The same for at most so long.
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
    /// Conversations may go on by themselves for half a second; who is still there then is told goodbye, and
    /// cut off a second and a half later. The port is free and the thread has ended afterwards.
    pub fn finish(self) -> Report {
        block_on(self.0.finish())
    }

    /// The same where conversations may go on by themselves for so long.
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

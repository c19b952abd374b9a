//! A lab whose methods wait without blocking.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::builder::Settings;
use super::error::{CmdletRefused, LabError, WaitError};
use super::report::Report;
use super::running::Running;
use super::thread::{LabThread, Plan, ShutdownPolicy};
use super::transcript::OnPanic;
use crate::exchange::cmdlet::Answer;
use crate::observe::{
    Condition, EventLogEntry, Expectation, IntoCondition, Kind, ReceivedMessage, SessionSummary,
};
use crate::scenario::Scenario;
use crate::session::fault::FaultSpec;

/// A lab at work, for `#[tokio::test]` or any other executor. [`Running`] has what needs no waiting.
///
/// When it is dropped, its port is free again and its thread has ended; that takes a tenth of a second at
/// most, and it is the thread of the test that waits for it. Expectations are checked by
/// [`AsyncLab::finish`] only.
///
/// ```
/// use starttls_lab::{Lab, an_event};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lab = Lab::scenario("fqdn-mismatch").start_async().await?;
/// lab.wait_for_event(an_event(12014).mentioning("mail.expta.com")).await?;
/// lab.finish().await.assert();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncLab {
    // The fields are dropped in this order, so that the transcript includes the end of the lab.
    thread: LabThread,
    running: Running,
    patience: Duration,
    expectations: Vec<Expectation>,
    on_panic: OnPanic,
}

/// The time for which conversations may go on by themselves when a lab is finished. Input that a client has
/// sent before is read at once; the time is for a client that still sends, on another thread.
const BY_THEMSELVES: Duration = Duration::from_millis(500);

/// The time for which they may go on after the 421 reply: as long as the lab lingers, and a little more.
const AFTER_GOODBYE: Duration = Duration::from_millis(1500);

impl AsyncLab {
    pub(super) async fn start(plan: Plan, settings: Settings) -> Result<Self, LabError> {
        let Settings { patience, quiet, expectations } = settings;
        let (text, title) = (plan.text.clone(), plan.text.scenario.title.clone());
        let (thread, started) = LabThread::start(plan).await?;
        let (journal, observer) =
            (Arc::clone(started.engine.journal()), Arc::clone(started.engine.observer()));
        let running = Running::new(started, text)?;
        let on_panic = OnPanic { journal, observer, title, quiet };
        Ok(Self { thread, running, patience, expectations, on_panic })
    }

    /// Runs commands in the Exchange Management Shell of the only computer; their changes count from the next
    /// connection. Returns the text on the screen.
    ///
    /// # Errors
    ///
    /// The Shell refuses a command, or there are several computers. Commands before the refused line have
    /// been carried out and are not undone.
    pub async fn run(&self, commands: &str) -> Result<String, CmdletRefused> {
        self.running.run(commands, &[]).await
    }

    /// Like `run`, on the computer of this name.
    ///
    /// # Errors
    ///
    /// The Shell refuses a command. Commands before the refused line have been carried out and are not
    /// undone.
    pub async fn run_on(&self, computer: &str, commands: &str) -> Result<String, CmdletRefused> {
        self.running.run_on(computer, commands, &[]).await
    }

    /// Runs commands as [`AsyncLab::run`] does, and answers the questions that they ask, in order.
    ///
    /// # Errors
    ///
    /// The Shell refuses a command; a question without an answer, an answer without a question. Commands
    /// before the refused line have been carried out and are not undone.
    pub async fn run_answering(&self, commands: &str, answers: &[Answer]) -> Result<String, CmdletRefused> {
        self.running.run(commands, answers).await
    }

    /// Like `run_answering`, on the computer of this name.
    ///
    /// # Errors
    ///
    /// As for [`AsyncLab::run_answering`].
    pub async fn run_on_answering(
        &self,
        computer: &str,
        commands: &str,
        answers: &[Answer],
    ) -> Result<String, CmdletRefused> {
        self.running.run_on(computer, commands, answers).await
    }

    /// Puts a changed scenario in place; it counts from the next connection. Returns what changed for which
    /// clients, a line for each connector.
    ///
    /// `edit` gets the scenario that the lab was started with or last reconfigured to. Changes by commands
    /// are not in it, and are undone.
    ///
    /// # Errors
    ///
    /// The changed scenario is wrong. Nothing has changed then.
    pub async fn reconfigure(&self, edit: impl FnOnce(&mut Scenario)) -> Result<Vec<String>, LabError> {
        self.running.reconfigure(edit).await
    }

    /// Replaces the fault rules of a computer's receive connectors, from the next connection on. The counters
    /// of unchanged rules go on.
    ///
    /// # Errors
    ///
    /// There is no such computer, or a rule is wrong. Nothing has changed then.
    pub async fn set_faults(&self, computer: &str, rows: Vec<FaultSpec>) -> Result<(), LabError> {
        self.running.set_faults(computer, rows).await
    }

    /// Waits until such a message has been taken; returns the first one, at once if it is there already. No
    /// later wait for a message returns the same message again.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text lists those that have, and why they did not match.
    pub async fn wait_for_message<'a>(
        &self,
        message: impl IntoCondition<'a, ReceivedMessage>,
    ) -> Result<ReceivedMessage, WaitError> {
        self.wait_for_message_within(self.patience, message).await
    }

    /// Like `wait_for_message`, but waits at most `within`.
    ///
    /// # Errors
    ///
    /// None has within that time.
    pub async fn wait_for_message_within<'a>(
        &self,
        within: Duration,
        message: impl IntoCondition<'a, ReceivedMessage>,
    ) -> Result<ReceivedMessage, WaitError> {
        self.wait(&message.into_condition(), within).await
    }

    /// Waits until such a conversation has ended; returns the first one, at once if it has already. No later
    /// wait for a conversation returns the same conversation again.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text lists those that there are, and why they did not match.
    pub async fn wait_for_session<'a>(
        &self,
        session: impl IntoCondition<'a, SessionSummary>,
    ) -> Result<SessionSummary, WaitError> {
        self.wait_for_session_within(self.patience, session).await
    }

    /// Like `wait_for_session`, but waits at most `within`.
    ///
    /// # Errors
    ///
    /// None has within that time.
    pub async fn wait_for_session_within<'a>(
        &self,
        within: Duration,
        session: impl IntoCondition<'a, SessionSummary>,
    ) -> Result<SessionSummary, WaitError> {
        self.wait(&session.into_condition(), within).await
    }

    /// Waits until such an event has been logged, such as `12014`; returns the first one, at once if it is
    /// there already. No later wait for an event returns the same event again.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text lists those that have, and why they did not match.
    pub async fn wait_for_event<'a>(
        &self,
        event: impl IntoCondition<'a, EventLogEntry>,
    ) -> Result<EventLogEntry, WaitError> {
        self.wait_for_event_within(self.patience, event).await
    }

    /// Like `wait_for_event`, but waits at most `within`.
    ///
    /// # Errors
    ///
    /// None has within that time.
    pub async fn wait_for_event_within<'a>(
        &self,
        within: Duration,
        event: impl IntoCondition<'a, EventLogEntry>,
    ) -> Result<EventLogEntry, WaitError> {
        self.wait(&event.into_condition(), within).await
    }

    /// Returns the first match that no wait has returned yet, at once if it is there already.
    async fn wait<T: Kind>(&self, condition: &Condition<'_, T>, within: Duration) -> Result<T, WaitError> {
        let observer = self.running.observer();
        // On the lab's runtime, because the test's may not be a tokio runtime, or may stop its clock.
        let sleep = async move { tokio::time::sleep(within).await };
        let mut alarm = Alarm(self.running.handle.spawn(sleep));
        let deadline = async {
            // After the runtime has ended, nothing arrives any more.
            (&mut alarm.0).await.ok();
        };
        let found = observer.wait(condition, 1, deadline).await.and_then(|found| found.into_iter().next());
        found.map(Arc::unwrap_or_clone).ok_or_else(|| WaitError {
            wanted: condition.bare(),
            within,
            instead: observer.near_misses(condition).to_string(),
        })
    }

    /// Ends the lab: stops accepting, lets conversations end, and checks what was expected.
    ///
    /// Conversations may go on by themselves for half a second. Clients that are still connected then get a
    /// 421 reply, and are cut off a second and a half later. The port is free and the thread has ended
    /// afterwards.
    pub async fn finish(self) -> Report {
        self.finish_within(BY_THEMSELVES).await
    }

    /// Like `finish`, but lets conversations go on by themselves for up to `by_themselves`.
    pub async fn finish_within(self, by_themselves: Duration) -> Report {
        let Self { thread, running, expectations, on_panic, .. } = self;
        let all_ended = thread.stop(ShutdownPolicy { by_themselves, after_goodbye: AFTER_GOODBYE }).await;
        Report {
            sessions: running.sessions(),
            messages: running.messages(),
            events: running.events(),
            expectations: expectations
                .iter()
                .map(|it| it.check(running.observer()))
                .chain(running.faults())
                .collect(),
            all_ended,
            on_panic,
        }
    }
}

/// A timer that stops if nothing waits for it any more.
struct Alarm(JoinHandle<()>);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Deref for AsyncLab {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

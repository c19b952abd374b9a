//! A lab whose methods wait without blocking.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::builder::Settings;
use super::error::{CmdletRefused, LabError, WaitError};
use super::report::Report;
use super::running::Running;
use super::thread::{Farewell, LabThread, Plan};
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
    // In this order they are dropped: what happens at the end is in the transcript.
    thread: LabThread,
    running: Running,
    patience: Duration,
    expectations: Vec<Expectation>,
    on_panic: OnPanic,
}

/// How long conversations may go on by themselves when a lab is finished. What a client has sent before is
/// read at once; this is for one that still speaks, on another thread.
const BY_THEMSELVES: Duration = Duration::from_millis(500);

/// How long they may go on after they were told goodbye: as long as the lab lingers, and a little more.
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

    /// Types commands into the Exchange Management Shell of the only computer; what they change counts from
    /// the next connection. Returns what stands on the screen.
    ///
    /// # Errors
    ///
    /// What the Shell refuses, or that there are several computers. What stands before the line that was refused is
    /// done and stays done.
    pub async fn run(&self, commands: &str) -> Result<String, CmdletRefused> {
        self.running.run(commands, &[]).await
    }

    /// The same on the computer of this name.
    ///
    /// # Errors
    ///
    /// What the Shell refuses. What stands before the line that was refused is done and stays done.
    pub async fn run_on(&self, computer: &str, commands: &str) -> Result<String, CmdletRefused> {
        self.running.run_on(computer, commands, &[]).await
    }

    /// Types commands as [`AsyncLab::run`] does, and answers the questions that they ask, in order.
    ///
    /// # Errors
    ///
    /// What the Shell refuses; a question without an answer, an answer without a question. What stands before
    /// the line that was refused is done and stays done.
    pub async fn run_answering(&self, commands: &str, answers: &[Answer]) -> Result<String, CmdletRefused> {
        self.running.run(commands, answers).await
    }

    /// The same on the computer of this name.
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

    /// Puts a changed scenario in place; it counts from the next connection. Returns what changed for whom,
    /// a line for each connector.
    ///
    /// `edit` is handed the scenario as the lab was started with and reconfigured since; what commands have
    /// changed is not in it, and is undone.
    ///
    /// # Errors
    ///
    /// What is wrong with it. Nothing has changed then.
    pub async fn reconfigure(&self, edit: impl FnOnce(&mut Scenario)) -> Result<Vec<String>, LabError> {
        self.running.reconfigure(edit).await
    }

    /// Lets the receive connectors of a computer do something else wrong on purpose, from the next connection
    /// on. Rows that are the same as before go on counting.
    ///
    /// # Errors
    ///
    /// There is no such computer, or what is wrong with a row. Nothing has changed then.
    pub async fn set_faults(&self, computer: &str, rows: Vec<FaultSpec>) -> Result<(), LabError> {
        self.running.set_faults(computer, rows).await
    }

    /// Waits until such a message has been taken; returns the first one, at once where it is there already. A
    /// message that one wait has returned, no later wait for a message returns.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text shows those that have, and how they miss.
    pub async fn wait_for_message<'a>(
        &self,
        message: impl IntoCondition<'a, ReceivedMessage>,
    ) -> Result<ReceivedMessage, WaitError> {
        self.wait_for_message_within(self.patience, message).await
    }

    /// The same for at most so long.
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

    /// Waits until such a conversation has ended; returns the first one, at once where it has already. A
    /// conversation that one wait has returned, no later wait for a conversation returns.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text shows those that there are, and how they miss.
    pub async fn wait_for_session<'a>(
        &self,
        session: impl IntoCondition<'a, SessionSummary>,
    ) -> Result<SessionSummary, WaitError> {
        self.wait_for_session_within(self.patience, session).await
    }

    /// The same for at most so long.
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

    /// Waits until such an event has been logged, such as `12014`; returns the first one, at once where it
    /// is there already. An event that one wait has returned, no later wait for an event returns.
    ///
    /// # Errors
    ///
    /// None has within the lab's patience. The text shows those that have, and how they miss.
    pub async fn wait_for_event<'a>(
        &self,
        event: impl IntoCondition<'a, EventLogEntry>,
    ) -> Result<EventLogEntry, WaitError> {
        self.wait_for_event_within(self.patience, event).await
    }

    /// The same for at most so long.
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

    /// Returns the first answer that no wait has returned yet, at once where it is there already.
    async fn wait<T: Kind>(&self, condition: &Condition<'_, T>, within: Duration) -> Result<T, WaitError> {
        let observer = self.running.observer();
        // On the lab's runtime, because the test's may be none of tokio's, or stop its clock.
        let sleep = async move { tokio::time::sleep(within).await };
        let mut alarm = Alarm(self.running.handle.spawn(sleep));
        let deadline = async {
            // A runtime that has ended lets nothing come any more.
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
    /// Conversations may go on by themselves for half a second; who is still there then is told goodbye, and
    /// cut off a second and a half later. The port is free and the thread has ended afterwards.
    pub async fn finish(self) -> Report {
        self.finish_within(BY_THEMSELVES).await
    }

    /// The same where conversations may go on by themselves for so long.
    pub async fn finish_within(self, by_themselves: Duration) -> Report {
        let Self { thread, running, expectations, on_panic, .. } = self;
        let all_ended = thread.stop(Farewell { by_themselves, after_goodbye: AFTER_GOODBYE }).await;
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

/// A timer that stops where nobody waits for it any more.
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

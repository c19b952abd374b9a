//! The thread and the runtime of one lab.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::error::LabError;
use crate::clock::Clock;
use crate::lab::{self, Engine, Options};
use crate::scenario::ScenarioText;
use crate::wire::Ports;

/// The lab that is to be started.
pub(super) struct Plan {
    pub(super) text: ScenarioText,
    pub(super) clock: Option<Clock>,
}

/// The lab that has been started.
pub(super) struct Started {
    pub(super) engine: Arc<Engine>,
    pub(super) handle: Handle,
}

/// The time that a lab may take to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShutdownPolicy {
    /// The time for which conversations may go on by themselves.
    pub(super) by_themselves: Duration,
    /// The time for which they may go on after the 421 reply.
    pub(super) after_goodbye: Duration,
}

impl ShutdownPolicy {
    /// The policy for a lab that is dropped. Input that peers have sent by now is still read.
    const WHEN_DROPPED: Self =
        Self { by_themselves: Duration::from_millis(50), after_goodbye: Duration::from_millis(50) };
}

/// The time for which `drop` waits for a lab; it takes at most the time of its shutdown policy, unless the
/// machine stands still.
const PATIENCE_OF_DROP: Duration = Duration::from_secs(5);

/// A lab's thread; it ends when this is dropped, and with it everything that the lab has opened.
#[derive(Debug)]
pub(super) struct LabThread {
    stop: Option<oneshot::Sender<ShutdownPolicy>>,
    ended: Option<oneshot::Receiver<bool>>,
    thread: Option<JoinHandle<()>>,
}

/// The channel that reports when the lab takes connections, or why it does not.
type Ready = oneshot::Sender<Result<Started, LabError>>;

impl LabThread {
    /// Starts the lab on a thread of its own.
    pub(super) async fn start(plan: Plan) -> Result<(Self, Started), LabError> {
        let (ready, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let body = move || {
            let all_ended = play(plan, ready, stopped);
            // The receiver may be gone by now.
            end.send(all_ended).ok();
        };
        let thread = thread::Builder::new().name("starttls-lab".to_owned()).spawn(body);
        let thread = thread.map_err(LabError::Thread)?;
        // From here on, a caller that stops waiting ends the thread by dropping this.
        let it = Self { stop: Some(stop), ended: Some(ended), thread: Some(thread) };
        let started = started.await.map_err(|_| LabError::Ended)??;
        Ok((it, started))
    }

    /// Ends the lab. Returns whether all conversations had ended.
    pub(super) async fn stop(mut self, farewell: ShutdownPolicy) -> bool {
        if let Some(stop) = self.stop.take() {
            stop.send(farewell).ok();
        }
        let Some(ended) = &mut self.ended else { return true };
        let all_ended = ended.await.unwrap_or(false);
        self.ended = None;
        all_ended
    }
}

impl Drop for LabThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return };
        let in_time = match &mut self.ended {
            Some(ended) => block_on_within(ended, PATIENCE_OF_DROP).is_some(),
            None => true,
        };
        // A thread that has sent its result ends at once; one that has not may never end.
        if in_time && thread.thread().id() != thread::current().id() {
            thread.join().ok();
        }
    }
}

/// Runs the body of the thread. When it returns, every socket of the lab is closed.
fn play(plan: Plan, ready: Ready, stopped: oneshot::Receiver<ShutdownPolicy>) -> bool {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ready.send(Err(LabError::Thread(error))).ok();
            return true;
        }
    };
    runtime.block_on(async {
        let started = match begin(plan).await {
            Ok(started) => started,
            Err(error) => {
                ready.send(Err(error)).ok();
                return true;
            }
        };
        let engine = Arc::clone(&started.engine);
        ready.send(Ok(started)).ok();
        let farewell = stopped.await.unwrap_or(ShutdownPolicy::WHEN_DROPPED);
        engine.drain(farewell.by_themselves).await;
        engine.finish(farewell.after_goodbye).await
    })
}

async fn begin(plan: Plan) -> Result<Started, LabError> {
    let lab = match plan.clock {
        Some(clock) => lab::Plan::at(&plan.text, clock)?,
        None => lab::Plan::new(&plan.text)?,
    };
    let options = Options { ports: Ports::Free, ..Options::default() };
    let engine = Engine::start_plan(lab, options).await?;
    Ok(Started { engine: Arc::new(engine), handle: Handle::current() })
}

/// Runs a future to its end on this thread, inside a runtime as well as outside of one.
///
/// The futures of the harness are driven by the lab's own thread, so nothing else has to run here.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = unpark_this_thread();
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Like `block_on`, but gives up after `bound`.
fn block_on_within<F: Future>(future: F, bound: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = unpark_this_thread();
    let mut context = Context::from_waker(&waker);
    let begin = Instant::now();
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending => thread::park_timeout(bound.checked_sub(begin.elapsed())?),
        }
    }
}

fn unpark_this_thread() -> Waker {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    Arc::new(Unpark(thread::current())).into()
}

//! Dry runs: machine time that jumps from deadline to deadline.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::{Builder, Handle};

use super::{Clock, LabTime, Machine, Shared, whole_millisecond};

/// A run on virtual machine time: whenever every task waits, the time jumps to the next deadline of any of
/// its clocks. If there is no deadline, the clock whose lab waits for the nearest time is advanced to it.
///
/// Its runtime has one thread, no timers and no I/O, so nothing in it can wait for the machine or open a socket.
#[derive(Clone, Debug, Default)]
pub struct DryRun(Arc<VirtualTime>);

/// The reason why a dry run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    /// The thread or the runtime could not be made.
    #[error("no runtime: {0}")]
    Runtime(#[from] io::Error),
    /// Every task waits, and no deadline is left that could end that.
    #[error("everything waits for something that never happens")]
    Stuck,
}

/// The time of a dry run.
#[derive(Default)]
pub(super) struct VirtualTime {
    /// The present time, in nanoseconds.
    now: AtomicU64,
    clocks: Mutex<Vec<Weak<Shared>>>,
    /// The number of pieces of work under way on other threads.
    at_work: AtomicUsize,
    stuck: AtomicBool,
    /// The task that is woken if the run is stuck.
    main: Mutex<Option<Waker>>,
}

/// Work on another thread; the time of the dry run stands still until this is dropped.
#[derive(Debug)]
pub struct Working(Arc<VirtualTime>);

impl DryRun {
    /// Returns a clock of this run, pinned at `now`.
    pub fn clock(&self, now: Timestamp) -> Clock {
        self.0.add(LabTime::Pinned(whole_millisecond(now)))
    }

    /// Notes that work for this run goes on elsewhere, so that a thread without tasks is not taken for the end
    /// of all work.
    pub fn working(&self) -> Working {
        self.0.at_work.fetch_add(1, Ordering::SeqCst);
        Working(Arc::clone(&self.0))
    }

    /// Runs `future`, and what it spawns, to its end: on this thread, or on a new one if this one belongs to
    /// a runtime.
    ///
    /// # Errors
    ///
    /// Nothing is left that could happen before it ends.
    pub fn run<F: Future<Output: Send> + Send>(&self, future: F) -> Result<F::Output, DryRunError> {
        if Handle::try_current().is_err() {
            return self.run_here(future);
        }
        thread::scope(|scope| {
            let running = thread::Builder::new().spawn_scoped(scope, || self.run_here(future))?;
            running.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    fn run_here<F: Future>(&self, future: F) -> Result<F::Output, DryRunError> {
        let time = Arc::clone(&self.0);
        let runtime = Builder::new_current_thread().on_thread_park(move || time.jump()).build()?;
        let mut future = pin!(future);
        let time = &self.0;
        let output = runtime.block_on(poll_fn(|cx| {
            *time.main() = Some(cx.waker().clone());
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending if time.stuck.load(Ordering::SeqCst) => Poll::Ready(Err(DryRunError::Stuck)),
                Poll::Pending => Poll::Pending,
            }
        }));
        // The waker holds the runtime, whose callback holds this time: neither would ever be freed.
        *time.main() = None;
        output
    }
}

impl VirtualTime {
    pub(super) fn now(&self) -> Duration {
        Duration::from_nanos(self.now.load(Ordering::SeqCst))
    }

    pub(super) fn add(self: &Arc<Self>, lab: LabTime) -> Clock {
        let clock = Clock::new(Machine::Virtual(Arc::clone(self)), lab);
        let mut clocks = self.clocks();
        clocks.retain(|clock| clock.strong_count() > 0);
        clocks.push(Arc::downgrade(&clock.0));
        clock
    }

    /// Jumps to the next deadline. The runtime calls it just before its thread would wait.
    fn jump(&self) {
        if self.at_work.load(Ordering::SeqCst) > 0 {
            return;
        }
        let clocks: Vec<_> = self.clocks().iter().filter_map(Weak::upgrade).collect();
        let deadline = |clock: &Arc<Shared>| {
            let state = clock.lock();
            let ((due, _), _) = state.sleeping.first_key_value()?;
            Some(due.saturating_sub(state.advanced))
        };
        if let Some(next) = clocks.iter().filter_map(deadline).min() {
            let nanoseconds = u64::try_from(next.as_nanos()).unwrap_or(u64::MAX);
            let now = self.now.fetch_max(nanoseconds, Ordering::SeqCst).max(nanoseconds);
            let woken: Vec<_> =
                clocks.iter().flat_map(|clock| clock.past(Duration::from_nanos(now))).collect();
            return woken.into_iter().for_each(Waker::wake);
        }
        let until = |clock: Arc<Shared>| {
            let state = clock.lock();
            let (at, _) = *state.until.first_key_value()?.0;
            let left = at.duration_since(state.lab.now());
            drop(state);
            Some((left, clock))
        };
        match clocks.into_iter().filter_map(until).min_by_key(|(left, _)| *left) {
            // The clock is advanced to the millisecond that the time lies in.
            Some((left, clock)) => {
                Clock(clock).advance(left.saturating_add(jiff::SignedDuration::from_nanos(999_999)));
            }
            None => {
                self.stuck.store(true, Ordering::SeqCst);
                if let Some(main) = self.main().take() {
                    main.wake();
                }
            }
        }
    }

    // Nothing is left half changed under these locks, so a panic elsewhere does not spoil them.
    fn clocks(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Shared>>> {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn main(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.main.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Removes and returns the futures whose deadline has passed at this machine time.
    fn past(&self, now: Duration) -> Vec<Waker> {
        let mut state = self.lock();
        let now = now.saturating_add(state.advanced);
        let still = state.sleeping.split_off(&(now, u64::MAX));
        std::mem::replace(&mut state.sleeping, still).into_values().collect()
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualTime({:?})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_dry_run_is_left_once_it_is_over() {
        let run = DryRun::default();
        let clock = run.clock(Timestamp::UNIX_EPOCH);
        assert!(run.run(async { clock.sleep(Duration::from_secs(9)).await }).is_ok());
        drop(clock);
        assert_eq!(Arc::strong_count(&run.0), 1);
    }
}

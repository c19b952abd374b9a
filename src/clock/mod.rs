//! The lab's clock: the time in the lab, and every wait.
//!
//! A clock tells two times. The time in the lab ([`Clock::now`]) is the time of certificates, logs and
//! queues; it may be pinned. The machine's time is the time of waits that last some seconds: a tarpit, a
//! time-out, a delayed reply. It always runs, or a client of a lab with a pinned clock would never be
//! answered.
//!
//! [`Clock::advance`] moves both: the lab's time goes forward, and every wait gets shorter by as much. So a
//! wait of five seconds ends after five seconds, or as soon as the clock has been advanced past it.
//!
//! In a [`DryRun`] the machine's time is virtual: it jumps to the next deadline as soon as nothing is left to
//! do, so that waits cost no time and still end in their order.

mod dry_run;
mod sleep;
#[cfg(test)]
mod tests;

pub use dry_run::{DryRun, DryRunError, Working};
pub use sleep::Sleep;
use sleep::Until;

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use dry_run::VirtualTime;

/// The clock of one lab. Clones tell the same time.
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

/// An instant that a wait ends at, on the scale of one clock's machine time with its advances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

/// The error of a time-out: the time was up before the future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time is up")]
pub struct Elapsed;

struct Shared {
    machine: Machine,
    /// The number of advances so far.
    advances: AtomicU64,
    state: Mutex<State>,
}

/// The machine's time, counted from when the clock was made.
enum Machine {
    Real(Instant),
    Virtual(Arc<VirtualTime>),
}

struct State {
    lab: LabTime,
    /// The sum of all advances.
    advanced: Duration,
    /// Futures that wait for a deadline.
    sleeping: Waiting<Duration>,
    /// Futures that wait for a time in the lab.
    until: Waiting<Timestamp>,
    /// The number of the next future that waits.
    next: u64,
}

enum LabTime {
    /// The machine's time of day, plus an offset.
    Running(SignedDuration),
    /// A time that stands still between advances.
    Pinned(Timestamp),
}

/// Futures that wait, by what they wait for and their numbers.
type Waiting<T> = BTreeMap<(T, u64), Waker>;

impl Clock {
    /// Returns a clock that follows the machine's.
    pub fn system() -> Self {
        Self::new(Machine::Real(Instant::now()), LabTime::Running(SignedDuration::ZERO))
    }

    /// Returns a clock that stands at `now`, rounded down to the millisecond, until it is
    /// [advanced](Self::advance).
    pub fn pinned(now: Timestamp) -> Self {
        Self::new(Machine::Real(Instant::now()), LabTime::Pinned(whole_millisecond(now)))
    }

    fn new(machine: Machine, lab: LabTime) -> Self {
        let (sleeping, until) = (BTreeMap::new(), BTreeMap::new());
        let state = Mutex::new(State { lab, advanced: Duration::ZERO, sleeping, until, next: 0 });
        Self(Arc::new(Shared { machine, advances: AtomicU64::new(0), state }))
    }

    /// Returns a clock on the same machine time, pinned at the time that this one tells now. No advance of
    /// either moves the other, so a limit on it is one of machine time only.
    pub(crate) fn stopwatch(&self) -> Self {
        let lab = LabTime::Pinned(whole_millisecond(self.now()));
        match &self.0.machine {
            Machine::Real(_) => Self::new(Machine::Real(Instant::now()), lab),
            Machine::Virtual(time) => time.add(lab),
        }
    }

    /// Returns the time in the lab.
    pub fn now(&self) -> Timestamp {
        self.0.lock().lab.now()
    }

    /// Moves the clock forward by `by`, to the millisecond, and wakes every future whose wait is over with it.
    pub fn advance(&self, by: SignedDuration) {
        let by = Duration::from_millis(u64::try_from(by.as_millis().max(0)).unwrap_or(u64::MAX));
        let woken: Vec<Waker> = {
            let mut state = self.0.lock();
            state.lab.advance(by);
            state.advanced = state.advanced.saturating_add(by);
            self.0.advances.fetch_add(1, Ordering::SeqCst);
            // Each deadline has come nearer: a future that has not reached its own waits for a shorter time.
            let sleeping = std::mem::take(&mut state.sleeping).into_values();
            sleeping.chain(std::mem::take(&mut state.until).into_values()).collect()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Waits until it is `at` in the lab; a pinned clock gets there only by advances.
    pub async fn until(&self, at: Timestamp) {
        loop {
            let left = {
                let state = self.0.lock();
                match &state.lab {
                    LabTime::Running(_) => Some(at.duration_since(state.lab.now())),
                    LabTime::Pinned(_) => None,
                }
            };
            match left {
                Some(left) if !left.is_positive() => return,
                // The machine's time of day may be changed meanwhile, so it is checked again.
                Some(left) => self.sleep(Duration::try_from(left).unwrap_or(LONGEST).min(LONGEST)).await,
                None => return Until::new(self, at).await,
            }
        }
    }

    /// Returns the deadline after `time` from now.
    pub(crate) fn after(&self, time: Duration) -> Deadline {
        Deadline(self.elapsed().saturating_add(time))
    }

    /// Returns the deadline after `time` from now, or `latest` if that comes before it; `None` if `latest` has
    /// passed.
    pub(crate) fn after_within(&self, time: Duration, latest: Deadline) -> Option<Deadline> {
        let now = self.elapsed();
        (now < latest.0).then(|| latest.min(Deadline(now.saturating_add(time))))
    }

    /// Returns whether a deadline of this clock has passed.
    pub(crate) fn has_passed(&self, deadline: Deadline) -> bool {
        deadline.0 <= self.elapsed()
    }

    /// Waits for `time`.
    pub fn sleep(&self, time: Duration) -> Sleep<'_> {
        self.sleep_until(self.after(time))
    }

    /// Waits until a deadline has passed.
    pub(crate) fn sleep_until(&self, deadline: Deadline) -> Sleep<'_> {
        Sleep::new(self, deadline)
    }

    /// Runs `future` for at most `time`.
    ///
    /// # Errors
    ///
    /// The time was up first.
    pub async fn timeout<F: Future + Unpin>(
        &self,
        time: Duration,
        mut future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut sleep = None;
        poll_fn(|cx| match Pin::new(&mut future).poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            // What is ready at once asks no clock.
            Poll::Pending => {
                let sleep = sleep.get_or_insert_with(|| self.sleep(time));
                Pin::new(sleep).poll(cx).map(|()| Err(Elapsed))
            }
        })
        .await
    }

    /// Runs `future` until a deadline at most. A future that is ready at once is never too late.
    ///
    /// # Errors
    ///
    /// The deadline passed first.
    pub(crate) async fn timeout_at<F: Future + Unpin>(
        &self,
        deadline: Deadline,
        mut future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut sleep = self.sleep_until(deadline);
        poll_fn(|cx| match Pin::new(&mut future).poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => Pin::new(&mut sleep).poll(cx).map(|()| Err(Elapsed)),
        })
        .await
    }

    /// Returns the machine's time since the clock was made, and all advances.
    fn elapsed(&self) -> Duration {
        self.0.machine.elapsed().saturating_add(self.0.lock().advanced)
    }
}

/// The time for which the machine's time of day is trusted to run on without a change.
const LONGEST: Duration = Duration::from_secs(60);

impl Shared {
    // Nothing is left half changed under this lock, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine {
    fn elapsed(&self) -> Duration {
        match self {
            Self::Real(start) => start.elapsed(),
            Self::Virtual(time) => time.now(),
        }
    }
}

impl LabTime {
    fn now(&self) -> Timestamp {
        match self {
            Self::Running(ahead) => {
                #[expect(clippy::disallowed_methods, reason = "this is the clock everything else asks")]
                let now = Timestamp::now();
                // Every entry of the journal asks, and hardly any clock has been advanced.
                if ahead.is_zero() { now } else { now.saturating_add(*ahead).unwrap_or(Timestamp::MAX) }
            }
            Self::Pinned(now) => *now,
        }
    }

    fn advance(&mut self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        match self {
            Self::Running(ahead) => *ahead = ahead.saturating_add(by),
            Self::Pinned(now) => *now = now.saturating_add(by).unwrap_or(Timestamp::MAX),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

fn whole_millisecond(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

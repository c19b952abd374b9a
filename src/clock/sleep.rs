//! The futures that wait for a clock.

use std::collections::btree_map::Entry;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep_until;

use super::{Clock, Deadline, Machine};

/// A wait for a deadline, which can be [set](Self::set) again for the next one.
///
/// Nothing is set up for a wait that is never polled, such as the one of a read whose bytes are there
/// already.
pub struct Sleep<'a> {
    clock: &'a Clock,
    due: Duration,
    /// Its key among the futures that wait.
    key: Option<(Duration, u64)>,
    /// The timer of the machine, if its time is real.
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    /// The number of the clock's advances when the timer was set for this deadline or an earlier one; [`NEVER`] if it was
    /// not.
    set_after: u64,
}

impl<'a> Sleep<'a> {
    pub(super) fn new(clock: &'a Clock, Deadline(due): Deadline) -> Self {
        Self { clock, due, key: None, timer: None, set_after: NEVER }
    }

    /// Returns whether what was set up for an earlier wait of the same task will wake it by `deadline`, so that this
    /// wait need not be polled before.
    pub fn will_wake_by(&self, Deadline(due): Deadline) -> bool {
        let timer = self.timer.as_ref().filter(|timer| !timer.is_elapsed());
        let advances = self.clock.0.advances.load(Ordering::SeqCst);
        timer.is_some() && self.set_after == advances && self.due <= due
    }

    /// Sets the deadline of the next wait.
    ///
    /// On a machine whose time is real, what was set up for the last wait stays: its timer is moved when it
    /// fires too early, so that the many waits of a conversation do not set and remove one each.
    pub fn set(&mut self, Deadline(due): Deadline) {
        if due != self.due {
            self.cease();
            (self.due, self.set_after) = (due, NEVER);
        }
    }

    /// Ends a wait before its deadline, so that the time of a dry run does not jump there.
    pub fn cease(&mut self) {
        if let Machine::Virtual(_) = self.clock.0.machine {
            self.forget();
        }
    }

    fn forget(&mut self) {
        if let Some(key) = self.key.take() {
            self.clock.0.lock().sleeping.remove(&key);
        }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { clock, due, key, timer, set_after } = self.get_mut();
        let machine = &clock.0.machine;
        let advances = clock.0.advances.load(Ordering::SeqCst);
        // The machine's time at which the wait is over, as far as the clock has been advanced by now.
        let at = {
            let mut state = clock.0.lock();
            let at = due.saturating_sub(state.advanced);
            if at <= machine.elapsed() {
                return Poll::Ready(());
            }
            let key = *key.get_or_insert_with(|| (*due, state.number()));
            match state.sleeping.entry(key) {
                Entry::Occupied(known) if known.get().will_wake(cx.waker()) => {}
                Entry::Occupied(mut other) => {
                    other.insert(cx.waker().clone());
                }
                Entry::Vacant(place) => {
                    place.insert(cx.waker().clone());
                }
            }
            at
        };
        match machine {
            Machine::Virtual(_) => Poll::Pending,
            Machine::Real(start) => {
                let at = start.checked_add(at).unwrap_or_else(|| *start + FAR_AWAY);
                let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
                if timer.deadline() > at {
                    timer.as_mut().reset(at);
                }
                while timer.as_mut().poll(cx).is_ready() {
                    if timer.deadline() >= at {
                        return Poll::Ready(());
                    }
                    // It was set for an earlier wait.
                    timer.as_mut().reset(at);
                }
                *set_after = advances;
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}

impl fmt::Debug for Sleep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sleep({:?})", self.due)
    }
}

/// A number of advances that no clock comes to.
const NEVER: u64 = u64::MAX;

/// A deadline that is never reached in practice.
const FAR_AWAY: Duration = Duration::from_secs(30 * 365 * 86_400);

/// A wait for a time in a lab whose clock is pinned.
pub(super) struct Until<'a> {
    clock: &'a Clock,
    at: Timestamp,
    number: Option<u64>,
}

impl<'a> Until<'a> {
    pub(super) fn new(clock: &'a Clock, at: Timestamp) -> Self {
        Self { clock, at, number: None }
    }
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { clock, at, number } = self.get_mut();
        let mut state = clock.0.lock();
        if state.lab.now() >= *at {
            return Poll::Ready(());
        }
        let number = *number.get_or_insert_with(|| state.number());
        state.until.insert((*at, number), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Until<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.0.lock().until.remove(&(self.at, number));
        }
    }
}

impl super::State {
    fn number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }
}

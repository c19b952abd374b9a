//! The lab's clock, the only one that anything asks for the time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Tells the time of one lab. Clones tell the same time.
///
/// [`Clock::system`] follows the machine; [`Clock::pinned`] stands still until it is
/// [advanced](Clock::advance), so a lab that names its `now` replays to the byte.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Milliseconds; whoever waits is woken when they change.
    Pinned(Arc<watch::Sender<i64>>),
}

impl Clock {
    /// The machine's own time.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Stands at `now`, rounded down to the millisecond, until it is advanced.
    pub fn pinned(now: Timestamp) -> Self {
        Self(Source::Pinned(Arc::new(watch::Sender::new(now.as_millisecond()))))
    }

    /// The time in this lab.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the clock everything else asks")]
            Source::System => Timestamp::now(),
            Source::Pinned(millis) => at_millisecond(*millis.borrow()),
        }
    }

    /// Moves a pinned clock forward by `by`, to the millisecond; the machine's own clock is left alone.
    ///
    /// Returns whether the clock moved.
    pub fn advance(&self, by: SignedDuration) -> bool {
        match &self.0 {
            Source::System => false,
            Source::Pinned(millis) => {
                let step = i64::try_from(by.as_millis()).unwrap_or(i64::MAX).max(0);
                millis.send_modify(|now| *now = now.saturating_add(step));
                true
            }
        }
    }

    /// Waits until it is `at` in this lab; a pinned clock gets there by being [advanced](Self::advance)
    /// only, and this wakes whoever waits for it.
    pub async fn until(&self, at: Timestamp) {
        match &self.0 {
            Source::System => loop {
                let left = at.duration_since(self.now());
                if !left.is_positive() {
                    return;
                }
                // The machine's time may be set while this sleeps, so it is looked at again.
                tokio::time::sleep(Duration::try_from(left).unwrap_or(LONGEST).min(LONGEST)).await;
            },
            Source::Pinned(millis) => {
                // The clock is held here, so it cannot be gone.
                millis.subscribe().wait_for(|now| at_millisecond(*now) >= at).await.ok();
            }
        }
    }
}

/// How long the machine's clock is trusted to run on as it does.
const LONGEST: Duration = Duration::from_secs(60);

fn at_millisecond(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_clock_stands_still_and_its_clones_move_together() {
        let start: Timestamp = "2010-09-28T09:35:58Z".parse().unwrap();
        let clock = Clock::pinned(start);
        let twin = clock.clone();
        assert_eq!(clock.now(), start);
        assert!(clock.advance(SignedDuration::from_mins(5)));
        assert_eq!(twin.now(), start + SignedDuration::from_mins(5));
    }

    #[tokio::test]
    async fn whoever_waits_for_a_pinned_clock_is_woken_by_the_advance_that_gets_there() {
        let start: Timestamp = "2010-09-28T09:35:58Z".parse().unwrap();
        let clock = Clock::pinned(start);
        clock.until(start).await;
        let waiting = clock.clone();
        let due = start + SignedDuration::from_mins(5);
        let waiting = tokio::spawn(async move { waiting.until(due).await });
        tokio::task::yield_now().await;
        clock.advance(SignedDuration::from_mins(4));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(SignedDuration::from_mins(1));
        waiting.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_system_clock_is_waited_for_by_the_machines_timer() {
        let clock = Clock::system();
        clock.until(clock.now()).await;
        let hour = clock.now() + SignedDuration::from_hours(1);
        let longer = tokio::time::timeout(Duration::from_millis(1), clock.until(hour));
        assert!(longer.await.is_err());
    }

    #[test]
    fn the_system_clock_cannot_be_advanced() {
        assert!(!Clock::system().advance(SignedDuration::from_hours(1)));
    }
}

//! The lab's clock, the only one that anything asks for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Tells the time of one lab. Clones tell the same time.
///
/// [`Clock::system`] follows the machine; [`Clock::pinned`] stands still until it is
/// [advanced](Clock::advance), so a lab that names its `now` replays to the byte.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Pinned(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's own time.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Stands at `now`, rounded down to the millisecond, until it is advanced.
    pub fn pinned(now: Timestamp) -> Self {
        Self(Source::Pinned(Arc::new(AtomicI64::new(now.as_millisecond()))))
    }

    /// The time in this lab.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the clock everything else asks")]
            Source::System => Timestamp::now(),
            Source::Pinned(millis) => {
                Timestamp::from_millisecond(millis.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
            }
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
                let moved = |now: i64| Some(now.saturating_add(step));
                millis.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved).is_ok()
            }
        }
    }
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

    #[test]
    fn the_system_clock_cannot_be_advanced() {
        assert!(!Clock::system().advance(SignedDuration::from_hours(1)));
    }
}

//! Waits for what a test needs to see, and says what there was instead.

use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::condition::Condition;
use super::error::debug_is_the_text;
use super::seen::SessionSummary;
use super::watcher::{Kind, Watcher};

/// Nothing that fits was seen in time; its text shows what was, newest first, and how it missed.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct WaitError {
    /// What was waited for, in words, such as `message to you@expta.com`.
    pub wanted: String,
    /// How long it was waited for.
    pub within: Duration,
    /// What there was instead.
    pub instead: String,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} within {:?}; {}", self.wanted, self.within, self.instead)
    }
}

debug_is_the_text!(WaitError);

/// Returns the first that fits, at once where it is there already.
pub(super) async fn wait<T: Kind>(
    watcher: &Watcher,
    lab: &Handle,
    condition: &Condition<'_, T>,
    within: Duration,
) -> Result<T, WaitError> {
    let mut alarm = None;
    let mut after = 0;
    loop {
        let changed = watcher.changed();
        if let Some(found) = look(watcher, condition, &mut after) {
            return Ok(found);
        }
        // On the lab's runtime, because the test's may be none of tokio's, or stop its clock.
        let alarm =
            alarm.get_or_insert_with(|| Alarm(lab.spawn(async move { tokio::time::sleep(within).await })));
        let in_time = tokio::select! {
            biased;
            () = changed => true,
            _ = &mut alarm.0 => false,
        };
        if !in_time {
            return look(watcher, condition, &mut after).ok_or_else(|| WaitError {
                wanted: condition.bare(),
                within,
                instead: instead(watcher, condition),
            });
        }
    }
}

/// The first that fits among those that are new or have changed since the last look.
fn look<T: Kind>(watcher: &Watcher, condition: &Condition<'_, T>, after: &mut u64) -> Option<T> {
    let fresh = T::since(watcher, *after);
    *after = fresh.last().map_or(*after, |item| item.seq());
    fresh.iter().find(|item| counts(condition, item)).map(|item| T::clone(item))
}

/// Whether `item` is an answer.
pub(super) fn counts<T: Kind>(condition: &Condition<'_, T>, item: &T) -> bool {
    (item.is_complete() || condition.under_way) && condition.fits(item)
}

/// A timer that stops where nobody waits for it any more.
struct Alarm(JoinHandle<()>);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How many candidates are shown.
const SHOWN: usize = 10;

/// What there is instead of what was wanted, newest first.
pub(super) fn instead<T: Kind>(watcher: &Watcher, condition: &Condition<'_, T>) -> String {
    let (one, several) = T::NAMES;
    let all = T::since(watcher, 0);
    let candidates = all.iter().rev().map(|item| {
        let mut misses = condition.misses(item);
        if !item.is_complete() && !condition.under_way {
            misses.insert(0, "it goes on".to_owned());
        }
        format!("\n  {item}\n    {}", misses.join("; "))
    });
    if !all.is_empty() {
        return format!("{several} so far, newest first:{}", shown(candidates, all.len()));
    }
    let sessions = SessionSummary::since(watcher, 0);
    let strangers = watcher.strangers();
    let beside = strangers.iter().map(|line| format!("\n  {line}"));
    let beside = beside.chain(sessions.iter().rev().map(|session| format!("\n  {session}")));
    match strangers.len() + sessions.len() {
        0 => format!("there is no {one} at all, and nobody has connected"),
        count => format!("there is no {one} at all. Conversations, newest first:{}", shown(beside, count)),
    }
}

fn shown(lines: impl Iterator<Item = String>, count: usize) -> String {
    let mut text: String = lines.take(SHOWN).collect();
    if let Some(more @ 1..) = count.checked_sub(SHOWN) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

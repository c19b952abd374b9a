//! Waits for messages, sessions and events, and reports what there was instead.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::condition::{Condition, counts, is_candidate};
use super::counts::Counts;
use super::observer::{Kind, Observer, all};
use super::session::SessionSummary;

/// A candidate that does not match the condition.
#[derive(Clone, Debug)]
pub struct NearMiss<T> {
    /// The candidate.
    pub item: Arc<T>,
    /// The reasons why it does not match, in words.
    pub misses: Vec<String>,
}

/// The candidates and sessions that there are instead of an answer.
#[derive(Clone, Debug)]
pub struct NearMisses<T> {
    /// The newest candidates, newest first.
    pub near: Vec<NearMiss<T>>,
    /// The number of all candidates.
    pub count: usize,
    /// Sessions and peers that no connector answered, in a line each, newest first.
    pub sessions: Vec<String>,
    /// The number of all such sessions and peers.
    pub session_count: usize,
    /// The number of the journal entry after which the wait looked.
    pub after: u64,
    names: (&'static str, &'static str),
}

/// The time without a new session after which a lab counts as quiet. A connection that waits to be accepted
/// is not counted yet.
const LULL: Duration = Duration::from_millis(50);

/// The highest number of candidates that are shown.
const SHOWN: usize = 10;

impl Observer {
    /// Waits until there are `count` answers that no wait has returned before, and returns them, oldest
    /// first. Returns nothing if `deadline` comes before that.
    ///
    /// No later wait returns these answers again.
    pub(crate) async fn wait<T: Kind>(
        &self,
        condition: &Condition<'_, T>,
        count: usize,
        deadline: impl Future<Output = ()>,
    ) -> Option<Vec<Arc<T>>> {
        let (mut changes, mut deadline) = (self.changes(), pin!(deadline));
        let mut looking = Looking { found: Vec::new(), after: condition.after };
        loop {
            changes.borrow_and_update();
            if let Some(found) = looking.look(self, condition, count) {
                return Some(found);
            }
            let in_time = tokio::select! {
                biased;
                // The sender is this observer's own.
                _ = changes.changed() => true,
                () = &mut deadline => false,
            };
            if !in_time {
                return looking.look(self, condition, count);
            }
        }
    }

    /// Waits until the counts are as `wanted`.
    pub async fn until(&self, wanted: impl Fn(&Counts) -> bool) {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            if self.count(&wanted) {
                return;
            }
            // The sender is this observer's own.
            changes.changed().await.ok();
        }
    }

    /// Waits until no session that the lab answers is open.
    pub(crate) async fn no_open_session(&self) {
        self.until(|counts| counts.begun == counts.ended).await;
    }

    /// Waits for a moment in which no session begins and none is open, and returns whether there was one.
    pub(crate) async fn is_quiet(&self) -> bool {
        let begun = self.count(|counts| counts.begun);
        timeout(LULL, self.until(|counts| counts.begun != begun || counts.begun != counts.ended))
            .await
            .is_err()
    }

    /// Waits until the lab answers no open session and none begins for a moment, for at most `longest`.
    pub async fn quiet(&self, longest: Duration) {
        let lull = async {
            while {
                self.no_open_session().await;
                !self.is_quiet().await
            } {}
        };
        timeout(longest, lull).await.ok();
    }

    /// Returns whether an answer has come after entry number `after`.
    #[cfg(feature = "http")]
    pub(crate) fn has<T: Kind>(&self, condition: &Condition<'_, T>, after: u64) -> bool {
        let fresh = { T::complete(&self.lock(), after) };
        fresh.iter().any(|item| counts(condition, item))
    }

    /// Returns the number of answers that no wait has returned.
    #[cfg(feature = "http")]
    pub(crate) fn answers<T: Kind>(&self, condition: &Condition<'_, T>) -> usize {
        let answers = self.candidates(condition).into_iter().filter(|item| counts(condition, item));
        answers.filter(|item| !item.is_returned(&self.lock())).count()
    }

    /// Returns all candidates of a condition, oldest first.
    pub(super) fn candidates<T: Kind>(&self, condition: &Condition<'_, T>) -> Vec<Arc<T>> {
        let mut all = { all(&self.lock(), condition.after) };
        all.retain(|item: &Arc<T>| is_candidate(condition, item));
        all
    }

    /// Returns what there is instead of an answer.
    pub(crate) fn near_misses<T: Kind>(&self, condition: &Condition<'_, T>) -> NearMisses<T> {
        let candidates = self.candidates(condition);
        let mut near = Vec::new();
        let mut count = 0;
        for item in candidates.into_iter().rev() {
            let returned = { item.is_returned(&self.lock()) };
            let mut misses = condition.misses(&item);
            if !item.is_complete() && !condition.under_way {
                misses.insert(0, "it goes on".to_owned());
            }
            if returned && misses.is_empty() {
                misses.push("an earlier wait has returned it".to_owned());
            }
            if misses.is_empty() {
                continue;
            }
            count += 1;
            if near.len() < SHOWN {
                near.push(NearMiss { item, misses });
            }
        }
        let mut sessions: Vec<Arc<SessionSummary>> = self.sessions(condition.after);
        sessions.retain(|session| condition.own || !session.sends());
        let strangers = self.strangers(condition.after);
        let session_count = sessions.len() + strangers.len();
        let lines = sessions.iter().rev().map(ToString::to_string).take(SHOWN);
        let lines = lines.chain(strangers.into_iter().rev()).take(SHOWN);
        NearMisses {
            near,
            count,
            sessions: lines.collect(),
            session_count,
            after: condition.after,
            names: T::NAMES,
        }
    }
}

/// The state of a wait: the answers so far, and the last entry that was looked at.
struct Looking<T> {
    found: Vec<Arc<T>>,
    after: u64,
}

impl<T: Kind> Looking<T> {
    /// Looks at the values that are new or have changed. Returns the answers if there are enough.
    fn look(
        &mut self,
        observer: &Observer,
        condition: &Condition<'_, T>,
        count: usize,
    ) -> Option<Vec<Arc<T>>> {
        // Conditions may be closures that ask the lab, so they are asked without the lock.
        let fresh = {
            let seen = observer.lock();
            if condition.under_way { all(&seen, self.after) } else { T::complete(&seen, self.after) }
        };
        self.after = fresh.last().map_or(self.after, |item| item.seq());
        self.found.extend(fresh.into_iter().filter(|item| counts(condition, item)));
        if self.found.len() < count {
            return None;
        }
        let mut seen = observer.lock();
        self.found.retain(|item| !item.is_returned(&seen));
        if self.found.len() < count {
            return None;
        }
        self.found.truncate(count);
        self.found.iter().for_each(|item| item.set_returned(&mut seen));
        Some(std::mem::take(&mut self.found))
    }
}

impl<T: fmt::Display> fmt::Display for NearMisses<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, several) = self.names;
        if self.count > 0 {
            let behind =
                if self.after == 0 { String::new() } else { format!(" behind entry {}", self.after) };
            write!(f, "{several} so far{behind}, newest first:")?;
            for NearMiss { item, misses } in &self.near {
                write!(f, "\n  {item}\n    {}", misses.join("; "))?;
            }
            return more(f, self.count, self.near.len());
        }
        if self.after == 0 {
            write!(f, "there is no {one} at all")?;
        } else {
            write!(f, "there is no other {one} behind entry {}", self.after)?;
        }
        match (self.session_count, self.after) {
            (0, 0) => f.write_str(", and nobody has connected"),
            (0, _) => f.write_str(", and nobody has connected since"),
            (count, _) => {
                f.write_str(". Sessions, newest first:")?;
                self.sessions.iter().try_for_each(|line| write!(f, "\n  {line}"))?;
                more(f, count, self.sessions.len())
            }
        }
    }
}

fn more(f: &mut fmt::Formatter<'_>, count: usize, shown: usize) -> fmt::Result {
    match count.checked_sub(shown) {
        None | Some(0) => Ok(()),
        Some(more) => write!(f, "\n  and {more} more"),
    }
}

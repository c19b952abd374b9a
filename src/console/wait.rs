//! Waits for what a client needs to see, and says what there was instead.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::answer::{self, Answer};
use super::condition::{Candidate, Condition, Kind, settled, under_way};
use super::house::ending;
use super::input::Query;
use super::problem::Problem;
use super::seen::Seen;

/// How long is waited where nobody says, and at most.
const USUAL: u64 = 10_000;
const LONGEST: u64 = 600_000;
/// How many things can be waited for at once.
const MOST: u64 = 10_000;
/// How many near misses are shown.
const SHOWN: usize = 10;

/// What was waited for.
#[derive(Serialize, JsonSchema)]
pub(super) struct Found {
    /// The messages, conversations or events that fit, oldest first; none for quiet.
    items: Vec<Value>,
    /// What `after` has to be to wait for the next: the number of the entry that made it true.
    seq: u64,
}

pub(super) async fn wait(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let known =
        ["for", "to", "from", "security", "connector", "event_id", "after", "count", "timeout_ms", "ms"];
    let query = Query::read(query.as_deref(), &known)?;
    let wanted = query.get("for").ok_or_else(|| Problem::bad(format!("`for` is missing: {KINDS}")))?;
    let within = Duration::from_millis(query.number("timeout_ms", LONGEST)?.unwrap_or(USUAL));
    let kind = match wanted {
        "message" | "quiet" => Kind::Message,
        "session" => Kind::Session,
        "event" => Kind::Event,
        other => return Err(Problem::bad(format!("for=`{other}` is nothing to wait for: {KINDS}"))),
    };
    let condition = Condition::read(kind, &query)?;
    let after = query.number("after", u64::MAX)?;
    let (silence, count) = (query.number("ms", LONGEST)?, query.number("count", MOST)?);
    let mut waiting = Waiting::begin(&shared, condition, within, after);
    let found = if wanted == "quiet" {
        if count.is_some() || after.is_some() {
            return Err(Problem::refused("`count` and `after` say nothing of quiet, which counts from now"));
        }
        let silence =
            silence.ok_or_else(|| Problem::refused("`ms` is missing: for how long it has to be quiet"))?;
        waiting.quiet(Duration::from_millis(silence)).await
    } else {
        if silence.is_some() {
            return Err(Problem::refused("`ms` is for for=quiet; `timeout_ms` says how long to wait"));
        }
        if count == Some(0) {
            return Err(Problem::bad("`count` is 1 at least; for=quiet waits until none has come"));
        }
        waiting.several(usize::try_from(count.unwrap_or(1)).unwrap_or(usize::MAX)).await
    };
    answer::json(&found?)
}

const KINDS: &str = "there are message, session, event and quiet";

/// Somebody who waits.
struct Waiting<'a> {
    shared: &'a Shared,
    condition: Condition,
    within: Duration,
    deadline: Instant,
    newest: watch::Receiver<u64>,
    after: u64,
    seen: Seen,
    /// The number of the last entry that was read.
    read: u64,
}

impl<'a> Waiting<'a> {
    fn begin(shared: &'a Shared, condition: Condition, within: Duration, after: Option<u64>) -> Self {
        Self {
            shared,
            condition,
            within,
            deadline: Instant::now() + within,
            newest: shared.newest.clone(),
            after: after.unwrap_or_else(|| shared.mark()),
            seen: Seen::default(),
            // Conversations that began before `after` are read from their beginning.
            read: shared.mark(),
        }
    }

    /// Reads what is new and returns what of it fits.
    fn look(&mut self) -> Vec<Candidate> {
        self.newest.borrow_and_update();
        let before = self.read;
        for entry in self.shared.lab.journal().entries(before.saturating_add(1)) {
            self.read = entry.seq;
            self.seen.note(&entry);
        }
        let mut fresh = settled(&self.seen, self.condition.kind, before.max(self.after));
        fresh.retain(|candidate| self.condition.fits(candidate));
        fresh
    }

    /// Waits until so many have come.
    async fn several(&mut self, count: usize) -> Result<Found, Problem> {
        let mut found = Vec::new();
        loop {
            found.extend(self.look());
            if found.len() >= count {
                found.truncate(count);
                let seq = found.last().map_or(self.read, |last| last.seq);
                return Ok(Found { items: found.into_iter().map(|it| it.json).collect(), seq });
            }
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Err(ending()),
                _ = self.newest.changed() => {}
                () = sleep_until(self.deadline) => return Err(self.in_vain(count, found.len())),
            }
        }
    }

    /// Waits until none has come for so long.
    async fn quiet(&mut self, silence: Duration) -> Result<Found, Problem> {
        self.look();
        let mut since = Instant::now();
        loop {
            let quiet = since + silence;
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Err(ending()),
                _ = self.newest.changed() => {
                    if !self.look().is_empty() {
                        since = Instant::now();
                    }
                }
                () = sleep_until(quiet) => return Ok(Found { items: Vec::new(), seq: self.read }),
                () = sleep_until(self.deadline) => {
                    let detail = format!(
                        "it has not been quiet for {silence:?} within {:?}: a {} came {:?} ago",
                        self.within, self.condition.words(), since.elapsed()
                    );
                    return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
                }
            }
        }
    }

    /// What there was instead, newest first.
    fn in_vain(&self, count: usize, found: usize) -> Problem {
        let (kind, words) = (self.condition.kind, self.condition.words());
        let mut near = settled(&self.seen, kind, self.after);
        near.extend(under_way(&self.seen, kind));
        near.retain(|candidate| !self.condition.fits(candidate));
        near.sort_by_key(|candidate| std::cmp::Reverse(candidate.seq));
        let misses: Vec<_> = near.iter().map(|it| (it, self.condition.misses(it).join("; "))).collect();
        let within = self.within;
        let mut detail = match count {
            1 => format!("no {words} within {within:?}"),
            _ => format!("{found} of {count} {words} within {within:?}"),
        };
        let connected = settled(&self.seen, Kind::Session, self.after).into_iter();
        let connected = connected.chain(under_way(&self.seen, Kind::Session)).map(|it| it.line);
        let beside: Vec<_> = self.seen.strangers.iter().cloned().chain(connected).collect();
        match (misses.as_slice(), beside.as_slice()) {
            ([], []) => {
                detail.push_str(&format!("; there is no other {}, and nobody has connected", kind.name()));
            }
            ([], beside) => {
                detail.push_str(&format!("; there is no other {}. Conversations:", kind.name()));
                beside.iter().rev().take(SHOWN).for_each(|line| detail.push_str(&format!("\n  {line}")));
            }
            (misses, _) => {
                detail.push_str(&format!("; {} so far, newest first:", kind.names()));
                for (it, miss) in misses.iter().take(SHOWN) {
                    detail.push_str(&format!("\n  {}\n    {miss}", it.line));
                }
                if let Some(more @ 1..) = misses.len().checked_sub(SHOWN) {
                    detail.push_str(&format!("\n  and {more} more"));
                }
            }
        }
        let shown = misses.iter().take(SHOWN);
        let near_misses = shown.map(|(it, _)| {
            json!({ "seq": it.seq, "what": it.line, "misses": self.condition.misses(it), "item": it.json })
        });
        let near_misses: Vec<Value> = near_misses.collect();
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
            .with("near_misses", near_misses)
            .with("conversations", beside.into_iter().rev().take(SHOWN).collect::<Vec<_>>())
            .with("seq", self.read)
    }
}

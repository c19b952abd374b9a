//! The endpoints that wait for something, and list what there was instead if it does not come.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::answer::{self, Answer};
use super::input::Query;
use super::limits::{MOST_WAITS, too_many};
use super::problem::Problem;
use super::resources::ending;
use crate::observe::{
    Condition, EventLogEntry, Kind, NearMiss, ReceivedMessage, SessionSummary, a_message, a_session,
    any_event,
};

/// The default and the maximum time of a wait, in milliseconds.
const USUAL: u64 = 10_000;
const LONGEST: u64 = 600_000;
/// The maximum number of things that one wait can ask for.
const MOST: u64 = 10_000;

/// The result of a wait.
#[derive(Serialize, JsonSchema)]
pub(super) struct Found {
    /// The messages, sessions or events that match, oldest first; none for quiet.
    items: Vec<Value>,
    /// The value of `after` for the next wait: the number of the entry that ended this one.
    seq: u64,
}

const KNOWN: [&str; 10] =
    ["for", "to", "from", "security", "connector", "event_id", "after", "count", "timeout_ms", "ms"];
const KINDS: &str = "there are message, session, event and quiet";

pub(super) async fn wait(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::read(query.as_deref(), &KNOWN)?;
    let wanted = query.get("for").ok_or_else(|| Problem::bad(format!("`for` is missing: {KINDS}")))?;
    let _place = shared.waits.try_acquire().map_err(|_| too_many("waits", MOST_WAITS))?;
    match wanted {
        "message" => several(&shared, message(&query)?, &query).await,
        "session" => several(&shared, session(&query)?, &query).await,
        "event" => several(&shared, event(&query)?, &query).await,
        "quiet" => quiet(&shared, message(&query)?, &query).await,
        other => Err(Problem::bad(format!("for=`{other}` is nothing to wait for: {KINDS}"))),
    }
}

fn message(query: &Query) -> Result<Condition<'static, ReceivedMessage>, Problem> {
    says_nothing_of(query, "message", &["event_id"])?;
    let mut wanted = a_message();
    if let Some(from) = query.get("from") {
        wanted = wanted.from(from);
    }
    if let Some(to) = query.get("to") {
        wanted = wanted.to(to);
    }
    wanted = match is_over_tls(query)? {
        Some(true) => wanted.over_tls(),
        Some(false) => wanted.in_clear(),
        None => wanted,
    };
    Ok(match query.get("connector") {
        Some(connector) => wanted.on(connector),
        None => wanted,
    })
}

fn session(query: &Query) -> Result<Condition<'static, SessionSummary>, Problem> {
    says_nothing_of(query, "conversation", &["from", "to", "event_id"])?;
    let wanted = match is_over_tls(query)? {
        Some(true) => a_session().over_tls(),
        Some(false) => a_session().in_clear(),
        None => a_session(),
    };
    Ok(match query.get("connector") {
        Some(connector) => wanted.on(connector).or_own(),
        None => wanted.or_own(),
    })
}

fn event(query: &Query) -> Result<Condition<'static, EventLogEntry>, Problem> {
    says_nothing_of(query, "event", &["from", "to", "security"])?;
    let mut wanted = any_event();
    if let Some(connector) = query.get("connector") {
        wanted = wanted.on(connector);
    }
    let id = query.number("event_id", u64::from(u16::MAX))?.and_then(|id| u16::try_from(id).ok());
    Ok(match id {
        Some(id) => wanted.numbered(id),
        None => wanted,
    })
}

fn says_nothing_of(query: &Query, kind: &str, parameters: &[&str]) -> Result<(), Problem> {
    match parameters.iter().find(|name| query.get(name).is_some()) {
        Some(name) => Err(Problem::refused(format!("`{name}` says nothing of a {kind}"))),
        None => Ok(()),
    }
}

fn is_over_tls(query: &Query) -> Result<Option<bool>, Problem> {
    match query.get("security") {
        None => Ok(None),
        Some("tls") => Ok(Some(true)),
        Some("clear") => Ok(Some(false)),
        Some(other) => Err(Problem::bad(format!("security=`{other}` is neither tls nor clear"))),
    }
}

fn within(query: &Query) -> Result<Duration, Problem> {
    Ok(Duration::from_millis(query.number("timeout_ms", LONGEST)?.unwrap_or(USUAL)))
}

/// Waits until the wanted number has come.
async fn several<T: Kind + Serialize>(
    shared: &Shared,
    condition: Condition<'static, T>,
    query: &Query,
) -> Answer {
    let within = within(query)?;
    let (after, count) = (query.number("after", u64::MAX)?, query.number("count", MOST)?);
    if query.number("ms", LONGEST)?.is_some() {
        return Err(Problem::refused("`ms` is for for=quiet; `timeout_ms` says how long to wait"));
    }
    if count == Some(0) {
        return Err(Problem::bad("`count` is 1 at least; for=quiet waits until none has come"));
    }
    let count = usize::try_from(count.unwrap_or(1)).unwrap_or(usize::MAX);
    let condition = condition.after(after.unwrap_or_else(|| shared.mark()));
    let observer = shared.observer();
    let found = tokio::select! {
        biased;
        () = shared.stop.cancelled() => return Err(ending()),
        found = observer.wait(&condition, count, sleep_until(Instant::now() + within)) => found,
    };
    let Some(found) = found else { return Err(in_vain(shared, &condition, count, within)) };
    let seq = found.last().map_or_else(|| observer.newest(), |last| last.seq());
    answer::json(&Found { items: found.iter().map(|item| json!(item)).collect(), seq })
}

/// Waits until no message has come for the wanted time.
async fn quiet(shared: &Shared, condition: Condition<'static, ReceivedMessage>, query: &Query) -> Answer {
    let within = within(query)?;
    if query.get("count").is_some() || query.get("after").is_some() {
        return Err(Problem::refused("`count` and `after` say nothing of quiet, which counts from now"));
    }
    let silence = query.number("ms", LONGEST)?;
    let silence =
        silence.ok_or_else(|| Problem::refused("`ms` is missing: for how long it has to be quiet"))?;
    let silence = Duration::from_millis(silence);
    let (observer, deadline) = (shared.observer(), Instant::now() + within);
    let mut changes = observer.changes();
    let (mut seen, mut since) = (*changes.borrow_and_update(), Instant::now());
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Err(ending()),
            _ = changes.changed() => {
                let newest = *changes.borrow_and_update();
                if observer.has(&condition, seen) {
                    since = Instant::now();
                }
                seen = newest;
            }
            () = sleep_until(since + silence) => {
                return answer::json(&Found { items: Vec::new(), seq: observer.newest() });
            }
            () = sleep_until(deadline) => {
                let detail = format!(
                    "it has not been quiet for {silence:?} within {within:?}: a {} came {:?} ago",
                    condition.bare(), since.elapsed()
                );
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
            }
        }
    }
}

/// Describes what there was instead, newest first.
fn in_vain<T: Kind + Serialize>(
    shared: &Shared,
    condition: &Condition<'_, T>,
    count: usize,
    within: Duration,
) -> Problem {
    let observer = shared.observer();
    let (instead, newest) = (observer.near_misses(condition), observer.newest());
    let words = condition.bare();
    let detail = match count {
        1 => format!("no {words} within {within:?}; {instead}"),
        _ => {
            let found = observer.answers(condition);
            format!("{found} of {count} {words} within {within:?}; {instead}")
        }
    };
    let near_misses: Vec<Value> = instead
        .near
        .iter()
        .map(|NearMiss { item, misses }| {
            json!({ "seq": item.seq(), "what": item.to_string(), "misses": misses, "item": item })
        })
        .collect();
    Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
        .with("near_misses", near_misses)
        .with("conversations", instead.sessions)
        .with("seq", newest)
}

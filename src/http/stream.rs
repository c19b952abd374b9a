//! The journal as a stream of server-sent events, without a gap from one connection to the next.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Shared;
use super::answer;
use super::input::Query;
use super::limits::{MOST_STREAMS, too_many};
use super::listing::{MOST, USUAL};
use super::problem::Problem;
use crate::journal::{self, Entry};

/// A stretch of the journal.
#[derive(Serialize, JsonSchema)]
pub(super) struct Stretch {
    /// The entries, oldest first.
    entries: Vec<Value>,
    /// The number of entries of the stretch that the journal has discarded.
    dropped: u64,
    /// The value of `after` for the next stretch.
    next: u64,
}

pub(super) async fn journal(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["after", "limit"])?;
    let after = match (headers.get("last-event-id"), query.number("after", u64::MAX)?) {
        (Some(id), _) => {
            let number = id.to_str().ok().and_then(|id| id.trim().parse().ok());
            number.ok_or_else(|| Problem::bad("Last-Event-ID is the number of an entry of the journal"))?
        }
        (None, Some(after)) => after,
        (None, None) => shared.mark(),
    };
    let limit = query.number("limit", MOST)?;
    if wants_json(&headers) {
        return answer::json(&stretch(&shared, after, limit.unwrap_or(USUAL)));
    }
    let place =
        Arc::clone(&shared.streams).try_acquire_owned().map_err(|_| too_many("streams", MOST_STREAMS))?;
    if limit.is_some() {
        return Err(Problem::bad("`limit` is for Accept: application/json; a stream has no end"));
    }
    let following = Following {
        newest: shared.observer().changes(),
        shared,
        after,
        waiting: VecDeque::new(),
        is_new: true,
        _place: place,
    };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Returns whether a request asks for JSON; all others get a stream.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds: Vec<_> = accept.flat_map(|value| value.split(',')).map(str::trim).collect();
    let has = |wanted: &str| kinds.iter().any(|kind| kind.split(';').next() == Some(wanted));
    has("application/json") && !has("text/event-stream")
}

fn stretch(shared: &Shared, after: u64, limit: u64) -> Stretch {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let journal::Stretch { entries, dropped } = shared.lab.journal().stretch(after.saturating_add(1), limit);
    let next = entries.last().map_or(after, |last| last.seq);
    Stretch { entries: entries.iter().map(|entry| json!(entry)).collect(), dropped, next }
}

/// The number of entries that are read from the journal at a time.
const AT_A_TIME: usize = 32;

/// A reader that follows the journal.
struct Following {
    shared: Arc<Shared>,
    newest: watch::Receiver<u64>,
    /// The number of the last entry that was read from the journal.
    after: u64,
    /// The entries that were read and have not been sent: a few, however many there are to read.
    waiting: VecDeque<Entry>,
    /// True until the first event.
    is_new: bool,
    /// One of the places that there are for streams.
    _place: OwnedSemaphorePermit,
}

impl Following {
    /// Returns the next event; `None` at the lab's end.
    async fn next(&mut self) -> Option<Event> {
        // Some readers (Firefox in a worker) learn that they are answered only with the first byte of the body.
        if std::mem::take(&mut self.is_new) {
            return Some(Event::default().comment("the journal"));
        }
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                let from = self.after.saturating_add(1);
                if entry.seq > from {
                    let (to, count) = (entry.seq - 1, entry.seq - from);
                    self.after = to;
                    self.waiting.push_front(entry);
                    let data = json!({ "from": from, "to": to, "count": count });
                    return Some(Event::default().id(to.to_string()).event("dropped").data(data.to_string()));
                }
                self.after = entry.seq;
                let event = Event::default().id(entry.seq.to_string()).event(entry.record.name());
                return Some(event.data(entry.to_json()));
            }
            self.newest.borrow_and_update();
            let from = self.after.saturating_add(1);
            self.waiting = self.shared.lab.journal().stretch(from, AT_A_TIME).entries.into();
            // A reader cannot go on behind a number that the journal has not reached yet.
            self.waiting.retain(|entry| entry.seq > self.after);
            if !self.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return None,
                changed = self.newest.changed() => changed.ok()?,
            }
        }
    }
}

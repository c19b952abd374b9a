//! The endpoints of the history: conversations, messages and events.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, json, typed};
use super::input::Query;
use super::mime::{Field, Part, fields, structure};
use super::problem::Problem;
use crate::journal::transcript_line;
use crate::observe::{ReceivedMessage, SessionSummary};

/// The default and the maximum number of items in a list.
pub(super) const USUAL: u64 = 1000;
pub(super) const MOST: u64 = 10_000;

/// A conversation with every word of it.
#[derive(Serialize, JsonSchema)]
pub(super) struct SessionView {
    /// The conversation.
    #[serde(flatten)]
    session: Arc<SessionSummary>,
    /// A line for everything that was said and done.
    transcript: Vec<String>,
}

/// A message with what is in it.
#[derive(Serialize, JsonSchema)]
pub(super) struct MessageView {
    /// The message.
    #[serde(flatten)]
    taken: Arc<ReceivedMessage>,
    /// The `Received:` field that the lab put before it.
    received: String,
    /// The fields of its header.
    headers: Vec<Field>,
    /// Its structure (RFC 2045), as far as it can be told.
    structure: Part,
}

/// The part of a list that is asked for: the items behind `after`, and never those before a reset, at most
/// `limit`.
struct Page {
    after: u64,
    limit: usize,
}

impl Page {
    fn read(shared: &Shared, query: Option<&str>) -> Result<Self, Problem> {
        let query = Query::read(query, &["after", "limit"])?;
        let after = query.number("after", u64::MAX)?.unwrap_or(0).max(shared.mark());
        let limit = query.number("limit", MOST)?.unwrap_or(USUAL);
        Ok(Self { after, limit: usize::try_from(limit).unwrap_or(usize::MAX) })
    }

    fn json(&self, mut items: Vec<Arc<impl Serialize>>) -> Answer {
        items.truncate(self.limit);
        json(&items)
    }
}

pub(super) async fn sessions(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let page = Page::read(&shared, query.as_deref())?;
    page.json(shared.observer().sessions(page.after))
}

pub(super) async fn session(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let sessions = shared.observer().sessions(shared.mark());
    let found = sessions.into_iter().find(|it| it.session.to_string().eq_ignore_ascii_case(&id));
    let session = found.ok_or_else(|| {
        Problem::unknown(format!("the journal tells of no conversation `{id}`; /api/v1/sessions lists them"))
    })?;
    let entries = shared.lab.journal().entries(shared.mark() + 1);
    let of_it = entries
        .iter()
        .filter(|entry| entry.place.as_ref().is_some_and(|place| place.session == session.session));
    let lines = of_it.map(transcript_line);
    let transcript = lines.flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    json(&SessionView { session, transcript })
}

pub(super) async fn messages(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let page = Page::read(&shared, query.as_deref())?;
    page.json(shared.observer().messages(page.after))
}

pub(super) async fn message(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let taken = kept(&shared, &id)?;
    let content = taken.content();
    json(&MessageView {
        received: taken.message.received.clone(),
        headers: fields(&content),
        structure: structure(&content),
        taken,
    })
}

pub(super) async fn raw(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(typed("message/rfc822", kept(&shared, &id)?.message.raw()))
}

/// Returns the message of this number, as long as it is kept.
fn kept(shared: &Shared, id: &str) -> Result<Arc<ReceivedMessage>, Problem> {
    let messages = shared.observer().messages(shared.mark());
    let found = messages.into_iter().find(|message| message.id.to_string() == id);
    found.ok_or_else(|| {
        Problem::unknown(format!("the journal holds no message `{id}`; /api/v1/messages lists them"))
    })
}

pub(super) async fn events(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let page = Page::read(&shared, query.as_deref())?;
    page.json(shared.observer().events(page.after))
}

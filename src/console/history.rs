//! What happened: conversations, messages and events.

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
use super::seen::{Seen, Session, Taken};
use crate::journal::{Entry, transcript_line};
use crate::session::Message;

/// How many items a list has where nobody says, and at most.
pub(super) const USUAL: u64 = 1000;
pub(super) const MOST: u64 = 10_000;

/// A conversation with every word of it.
#[derive(Serialize, JsonSchema)]
pub(super) struct SessionView {
    /// The conversation.
    #[serde(flatten)]
    session: Session,
    /// A line for everything that was said and done.
    transcript: Vec<String>,
}

/// A message with what is in it.
#[derive(Serialize, JsonSchema)]
pub(super) struct MessageView {
    /// The message.
    #[serde(flatten)]
    taken: Taken,
    /// The `Received:` field that the lab put before it.
    received: String,
    /// The fields of its header.
    headers: Vec<Field>,
    /// Its structure (RFC 2045), as far as it can be told.
    structure: Part,
}

/// The entries of the journal behind the mark.
fn entries(shared: &Shared) -> Vec<Entry> {
    shared.lab.journal().entries(shared.mark() + 1)
}

/// The items behind `after`, at most `limit` of them.
fn page<T>(items: Vec<T>, seq: impl Fn(&T) -> u64, query: Option<&str>) -> Result<Vec<T>, Problem> {
    let query = Query::read(query, &["after", "limit"])?;
    let after = query.number("after", u64::MAX)?.unwrap_or(0);
    let limit = query.number("limit", MOST)?.unwrap_or(USUAL);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(items.into_iter().filter(|item| seq(item) > after).take(limit).collect())
}

pub(super) async fn sessions(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let sessions = Seen::of(&entries(&shared)).into_sessions();
    json(&page(sessions, |session| session.seq, query.as_deref())?)
}

pub(super) async fn session(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let entries = entries(&shared);
    let found =
        Seen::of(&entries).into_sessions().into_iter().find(|it| it.session.eq_ignore_ascii_case(&id));
    let session = found.ok_or_else(|| {
        Problem::unknown(format!("the journal tells of no conversation `{id}`; /api/v1/sessions lists them"))
    })?;
    let of_it =
        |entry: &&Entry| entry.place.as_ref().is_some_and(|it| it.session.to_string() == session.session);
    let lines = entries.iter().filter(of_it).map(transcript_line);
    let transcript = lines.flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    json(&SessionView { session, transcript })
}

pub(super) async fn messages(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let messages = Seen::of(&entries(&shared)).messages;
    json(&page(messages, |message| message.seq, query.as_deref())?)
}

pub(super) async fn message(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let taken = Seen::of(&entries(&shared)).messages.into_iter().find(|taken| taken.id.to_string() == id);
    let (Some(taken), Some(message)) = (taken, kept(&shared, &id)) else { return Err(no_message(&id)) };
    let content = message.body.to_bytes();
    json(&MessageView {
        taken,
        received: message.received.clone(),
        headers: fields(&content),
        structure: structure(&content),
    })
}

pub(super) async fn raw(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let known = Seen::of(&entries(&shared)).messages.iter().any(|taken| taken.id.to_string() == id);
    let message = kept(&shared, &id).filter(|_| known).ok_or_else(|| no_message(&id))?;
    Ok(typed("message/rfc822", message.raw()))
}

/// The message itself, as long as the journal keeps it.
fn kept(shared: &Shared, id: &str) -> Option<Arc<Message>> {
    shared.lab.journal().messages().into_iter().find(|message| message.id.to_string() == id)
}

fn no_message(id: &str) -> Problem {
    Problem::unknown(format!("the journal holds no message `{id}`; /api/v1/messages lists them"))
}

pub(super) async fn events(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let events = Seen::of(&entries(&shared)).events;
    json(&page(events, |event| event.seq, query.as_deref())?)
}

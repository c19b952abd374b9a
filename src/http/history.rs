//! The endpoints of the history: conversations and events.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, attachment, json, typed};
use super::listing::Listing;
use super::problem::Problem;
use crate::journal::{Entry, Record, transcript_line};
use crate::observe::{SessionSummary, is_called};

/// A session with its transcript.
#[derive(Serialize, JsonSchema)]
pub(super) struct SessionView {
    /// The session.
    #[serde(flatten)]
    session: Arc<SessionSummary>,
    /// The transcript, one line for each thing that was sent and done.
    transcript: Vec<String>,
    /// The fault rules that fired in it, one line each.
    faults: Vec<String>,
    /// The previous session of the same peer with the same connector: the origin of a fallback.
    previous: Option<String>,
    /// The next session of the same peer with the same connector: the target of a fallback.
    next: Option<String>,
}

pub(super) async fn sessions(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let (listing, query) = Listing::read(&shared, query.as_deref(), &["connector", "peer", "open"])?;
    let (connector, peer, open) = (query.get("connector"), query.get("peer"), query.flag("open")?);
    let mut sessions = shared.observer().sessions(listing.after);
    sessions.retain(|it| {
        let names = [it.computer(), it.connector(), it.fqdn()];
        connector.is_none_or(|wanted| is_called(wanted, names))
            && peer.is_none_or(|wanted| it.peer().ip().to_string() == wanted)
            && open.is_none_or(|wanted| it.ending.is_none() == wanted)
            && listing.finds(&[&|| {
                let texts = [
                    ("session", it.session.to_string()),
                    ("peer", it.peer().to_string()),
                    ("outcome", it.outcome()),
                ];
                let peer = it.place.peer.as_deref().map(|name| ("peer", name));
                let names = ["computer", "connector", "fqdn"].into_iter().zip(names).chain(peer);
                let texts = texts.into_iter().map(|(name, text)| (name, Cow::Owned(text.into_bytes())));
                texts.chain(names.map(|(name, text)| (name, text.as_bytes().into()))).collect()
            }])
    });
    listing.answer(sessions, |it| it.seq, |it| it)
}

pub(super) async fn session(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let mut sessions = shared.observer().sessions(shared.mark());
    let session = find(&sessions, &id)?;
    let entries = entries(&shared, &session);
    let fired = entries.iter().filter(|entry| matches!(entry.record, Record::Fault(_)));
    let faults = fired.map(|entry| transcript_line(entry).trim().to_owned()).collect();
    let of_both = |it: &SessionSummary| {
        (it.peer().ip(), it.sends(), it.computer().to_owned(), it.connector().to_owned())
    };
    let both = of_both(&session);
    sessions.retain(|it| of_both(it) == both);
    sessions.sort_by_key(|it| it.session);
    let at = sessions.iter().position(|it| it.session == session.session).unwrap_or_default();
    let named = |at: Option<usize>| Some(sessions.get(at?)?.session.to_string());
    json(&SessionView {
        transcript: transcript(&entries),
        faults,
        previous: named(at.checked_sub(1)),
        next: named(at.checked_add(1)),
        session,
    })
}

/// Answers with the transcript as a file.
pub(super) async fn session_text(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let session = find(&shared.observer().sessions(shared.mark()), &id)?;
    let text = transcript(&entries(&shared, &session)).join("\n") + "\n";
    let file = typed("text/plain; charset=utf-8", text);
    Ok(attachment(file, &format!("session-{}.txt", session.session)))
}

fn find(sessions: &[Arc<SessionSummary>], id: &str) -> Result<Arc<SessionSummary>, Problem> {
    let found = sessions.iter().find(|it| it.session.to_string().eq_ignore_ascii_case(id)).cloned();
    found.ok_or_else(|| {
        Problem::unknown(format!("the journal has no session `{id}`; /api/v1/sessions lists them"))
    })
}

/// Returns the entries of a conversation.
fn entries(shared: &Shared, session: &SessionSummary) -> Vec<Entry> {
    let mut entries = shared.lab.journal().entries(shared.mark() + 1);
    entries.retain(|entry| entry.place.as_ref().is_some_and(|place| place.session == session.session));
    entries
}

fn transcript(entries: &[Entry]) -> Vec<String> {
    let lines = entries.iter().map(transcript_line);
    lines.flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

pub(super) async fn events(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let (listing, query) =
        Listing::read(&shared, query.as_deref(), &["computer", "connector", "event_id", "level"])?;
    let (computer, connector, level) = (query.get("computer"), query.get("connector"), query.get("level"));
    let number = query.number("event_id", u16::MAX.into())?;
    let mut events = shared.observer().events(listing.after);
    let is = |wanted: Option<&str>, text: &str| wanted.is_none_or(|it| it.eq_ignore_ascii_case(text));
    events.retain(|it| {
        let about = it.connector.as_deref().unwrap_or_default();
        is(computer, &it.computer)
            && is(connector, about)
            && is(level, it.event.level.as_str())
            && number.is_none_or(|wanted| wanted == u64::from(it.id()))
            && listing.finds(&[&|| {
                let texts = [("id", it.id().to_string()), ("text", it.event.message())];
                let names = [
                    ("source", it.source),
                    ("computer", it.computer.as_str()),
                    ("connector", about),
                    ("level", it.event.level.as_str()),
                ];
                let texts = texts.into_iter().map(|(name, text)| (name, Cow::Owned(text.into_bytes())));
                texts.chain(names.map(|(name, text)| (name, text.as_bytes().into()))).collect()
            }])
    });
    listing.answer(events, |it| it.seq, |it| it)
}

//! The endpoints of messages: listing and searching them, reading their parts, and taking them out of the
//! views.
//!
//! Nothing of a message is ever shown by a media type that it names itself: a part is a file to be saved, plain
//! text, or HTML that may do nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, attachment, json, typed};
use super::input::Query;
use super::listing::{Listing, Texts};
use super::mime::{Field, Found, Part, fields, find, structure};
use super::problem::Problem;
use crate::lab::LabError;
use crate::observe::{ReceivedMessage, is_called};

/// The number of bytes of a message's content that are searched for a word.
const SEARCHED: usize = 1 << 16;
/// The number of bytes of a part that are shown.
const SHOWN: usize = 1 << 20;

/// The policy of the frame that shows a mail's HTML: its own styles and images, and nothing else.
const HTML_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

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

/// The number of messages that were removed from the views.
#[derive(Serialize, JsonSchema)]
pub(super) struct Removed {
    /// The number of messages.
    removed: usize,
}

/// The numbers of the messages that are not listed any more; the journal keeps them as long as others.
#[derive(Debug, Default)]
pub(super) struct Hidden(Mutex<BTreeSet<u64>>);

impl Hidden {
    // A set of numbers is whole after a panic, too.
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hides messages, and forgets those that are no longer kept.
    fn hide(&self, messages: impl Iterator<Item = u64>, shared: &Shared) {
        let kept: BTreeSet<u64> = shared.observer().messages(0).iter().map(|it| it.seq).collect();
        let mut hidden = self.lock();
        hidden.extend(messages);
        hidden.retain(|seq| kept.contains(seq));
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let (listing, found) = search(&shared, query.as_deref()).await?;
    listing.answer(found, |it| it.seq)
}

/// Takes the messages that a list with the same parameters would show out of the views.
pub(super) async fn clear(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let (_, found) = search(&shared, query.as_deref()).await?;
    shared.hidden.hide(found.iter().map(|it| it.seq), &shared);
    json(&Removed { removed: found.len() })
}

pub(super) async fn remove(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let message = kept(&shared, &id)?;
    shared.hidden.hide(std::iter::once(message.seq), &shared);
    json(&Removed { removed: 1 })
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
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
    let message = kept(&shared, &id)?;
    Ok(attachment(typed("message/rfc822", message.message.raw()), &format!("message-{}.eml", message.id)))
}

/// Answers with one part of a message, decoded.
pub(super) async fn part(
    State(shared): State<Arc<Shared>>,
    Path((id, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["as"])?;
    let content = kept(&shared, &id)?.content();
    let part = find(&content, &path).ok_or_else(|| {
        Problem::unknown(format!("message {id} has no part `{path}`; its `structure` has the paths"))
    })?;
    match query.get("as") {
        None => {
            let name = part.filename.clone().unwrap_or_else(|| format!("message-{id}-part-{path}"));
            Ok(attachment(typed("application/octet-stream", part.bytes()), &name))
        }
        Some("text") => Ok(typed("text/plain; charset=utf-8", shown(&part))),
        Some("html") if part.content_type == "text/html" => {
            let mut response = typed("text/html; charset=utf-8", shown(&part));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(HTML_POLICY));
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
            Ok(response)
        }
        Some("html") => {
            Err(Problem::refused(format!("part `{path}` is {}, and no text/html", part.content_type)))
        }
        Some(other) => Err(Problem::bad(format!("as=`{other}` is neither text nor html"))),
    }
}

/// Returns the text of a part, as much of it as is shown.
fn shown(part: &Found<'_>) -> Bytes {
    let mut text = part.text();
    if text.len() > SHOWN {
        text.truncate(text.floor_char_boundary(SHOWN));
        text.push_str("\n[...]\n");
    }
    text.into()
}

/// Returns the messages that fit a query, in the order of their numbers. The contents are searched on another
/// thread.
async fn search(
    shared: &Arc<Shared>,
    query: Option<&str>,
) -> Result<(Listing, Vec<Arc<ReceivedMessage>>), Problem> {
    let (listing, query) = Listing::read(shared, query, &["security", "connector", "peer"])?;
    let tls = match query.get("security") {
        None => None,
        Some("tls") => Some(true),
        Some("clear") => Some(false),
        Some(other) => return Err(Problem::bad(format!("security=`{other}` is neither tls nor clear"))),
    };
    let mut messages = visible(shared, listing.after);
    let searching = tokio::task::spawn_blocking(move || {
        let (connector, peer) = (query.get("connector"), query.get("peer"));
        messages.retain(|it| {
            connector.is_none_or(|wanted| is_called(wanted, [it.computer(), it.connector(), it.fqdn()]))
                && peer.is_none_or(|wanted| it.place.remote.ip().to_canonical().to_string() == wanted)
                && tls.is_none_or(|wanted| it.tls.is_some() == wanted)
                && listing.finds(&[&|| texts(it), &|| vec![beginning(it)]])
        });
        (listing, messages)
    });
    Ok(searching.await.map_err(|error| LabError::Unobserved(error.to_string()))?)
}

/// Returns the short texts of a message that are searched.
fn texts(message: &ReceivedMessage) -> Texts<'_> {
    let facts = &*message.facts;
    let some = [facts.subject.as_deref(), facts.message_id.as_deref(), facts.user.as_deref()];
    let names = [&facts.helo, &facts.mail_from].into_iter().chain(&facts.rcpt_to).map(String::as_str);
    let all = some.into_iter().flatten().chain(names).chain([message.computer(), message.connector()]);
    let peer = message.place.remote.ip().to_canonical().to_string().into_bytes();
    all.map(|text| text.as_bytes().into()).chain([peer.into()]).collect()
}

/// Returns the beginning of the content, as it was sent.
fn beginning(message: &ReceivedMessage) -> Cow<'_, [u8]> {
    let mut bytes = Vec::new();
    for chunk in message.message.body.chunks() {
        let left = SEARCHED - bytes.len();
        bytes.extend_from_slice(chunk.get(..left).unwrap_or(chunk));
        if bytes.len() == SEARCHED {
            break;
        }
    }
    bytes.into()
}

/// Returns the messages behind `after` that are listed.
fn visible(shared: &Shared, after: u64) -> Vec<Arc<ReceivedMessage>> {
    let mut messages = shared.observer().messages(after);
    let hidden = shared.hidden.lock();
    messages.retain(|it| !hidden.contains(&it.seq));
    messages
}

/// Returns the message of this number, as long as it is kept.
fn kept(shared: &Shared, id: &str) -> Result<Arc<ReceivedMessage>, Problem> {
    let found = visible(shared, shared.mark()).into_iter().find(|message| message.id.to_string() == id);
    found.ok_or_else(|| {
        Problem::unknown(format!("the journal holds no message `{id}`; /api/v1/messages lists them"))
    })
}

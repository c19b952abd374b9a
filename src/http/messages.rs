//! The endpoints of messages: listing and searching them, reading their parts, marking them as read, and taking
//! them out of the views.
//!
//! Nothing of a message is ever shown by a media type that it names itself: a part is a file to be saved, plain
//! text, or HTML that may do nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shared;
use super::answer::{Answer, attachment, json, typed};
use super::input::{self, Query};
use super::listing::{Listing, Texts};
use super::mail_html::prepared;
use super::mime::{Field, Found, Part, fields, find, source, structure};
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

/// The number of messages that can be named one by one.
const MOST_IDS: usize = 1000;

/// A message in a list.
#[derive(Serialize, JsonSchema)]
pub(super) struct MessageItem {
    /// The message.
    #[serde(flatten)]
    taken: Arc<ReceivedMessage>,
    /// True if it was marked as read.
    read: bool,
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

/// The number of messages that were removed from the views.
#[derive(Serialize, JsonSchema)]
pub(super) struct Removed {
    /// The number of messages.
    removed: usize,
}

/// A mark for messages.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// True for read, false for unread.
    read: bool,
}

/// The number of messages that were marked.
#[derive(Serialize, JsonSchema)]
pub(super) struct Marked {
    /// The number of messages.
    marked: usize,
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let (listing, found) = search(&shared, query.as_deref()).await?;
    let item = |taken: Arc<ReceivedMessage>| MessageItem { read: shared.marks.is_read(taken.seq), taken };
    listing.answer(found, |it| it.seq, item)
}

/// Marks the messages that a list with the same parameters would show.
pub(super) async fn mark_all(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Answer {
    let Mark { read } = input::json(body).await?;
    let (_, found) = search(&shared, query.as_deref()).await?;
    shared.marks.set_read(read, found.iter().map(|it| it.seq), shared.observer().oldest_message());
    json(&Marked { marked: found.len() })
}

pub(super) async fn mark(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Answer {
    let Mark { read } = input::json(body).await?;
    let message = kept(&shared, &id)?;
    shared.marks.set_read(read, std::iter::once(message.seq), shared.observer().oldest_message());
    json(&Marked { marked: 1 })
}

/// Takes the messages that a list with the same parameters would show out of the views.
pub(super) async fn clear(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let (_, found) = search(&shared, query.as_deref()).await?;
    shared.marks.remove(found.iter().map(|it| it.seq), shared.observer().oldest_message());
    json(&Removed { removed: found.len() })
}

pub(super) async fn remove(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let message = kept(&shared, &id)?;
    shared.marks.remove(std::iter::once(message.seq), shared.observer().oldest_message());
    json(&Removed { removed: 1 })
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answer {
    let taken = kept(&shared, &id)?;
    let content = taken.content();
    json(&MessageView {
        received: taken.message.received(),
        headers: fields(&content),
        structure: structure(&content),
        taken,
    })
}

pub(super) async fn raw(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["as"])?;
    let message = kept(&shared, &id)?;
    match query.get("as") {
        None => {}
        Some("text") => {
            let content = beginning(&message, SHOWN);
            let is_cut = message.message.size() > SHOWN as u64;
            let text = message.message.received() + &cut(source(&content), is_cut);
            return Ok(typed("text/plain; charset=utf-8", text));
        }
        Some(other) => return Err(Problem::bad(format!("as=`{other}` is not text"))),
    }
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
            let mut response = typed("text/html; charset=utf-8", prepared(&shown(&part), &content));
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
fn shown(part: &Found<'_>) -> String {
    let text = part.text();
    let is_long = text.len() > SHOWN;
    cut(text, is_long)
}

/// Returns a text of at most the length that is shown, which says where it was cut.
fn cut(mut text: String, is_cut: bool) -> String {
    text.truncate(text.floor_char_boundary(SHOWN));
    if is_cut {
        text.push_str("\n[... the rest is in the download]\n");
    }
    text
}

/// Returns the messages that fit a query, in the order of their numbers. The contents are searched on another
/// thread.
async fn search(
    shared: &Arc<Shared>,
    query: Option<&str>,
) -> Result<(Listing, Vec<Arc<ReceivedMessage>>), Problem> {
    let more = ["security", "connector", "peer", "read", "ids"];
    let (listing, query) = Listing::read(shared, query, &more)?;
    let tls = match query.get("security") {
        None => None,
        Some("tls") => Some(true),
        Some("clear") => Some(false),
        Some(other) => return Err(Problem::bad(format!("security=`{other}` is neither tls nor clear"))),
    };
    let ids = query.get("ids").map(ids).transpose()?;
    let mut messages = visible(shared, listing.after);
    if let Some(read) = query.flag("read")? {
        shared.marks.retain_read(read, &mut messages, |it| it.seq);
    }
    let searching = tokio::task::spawn_blocking(move || {
        let (connector, peer) = (query.get("connector"), query.get("peer"));
        messages.retain(|it| {
            ids.as_ref().is_none_or(|ids| ids.contains(&it.id.to_string()))
                && connector
                    .is_none_or(|wanted| is_called(wanted, [it.computer(), it.connector(), it.fqdn()]))
                && peer.is_none_or(|wanted| it.place.remote.ip().to_canonical().to_string() == wanted)
                && tls.is_none_or(|wanted| it.tls.is_some() == wanted)
                && listing.finds(&[&|| texts(it), &|| vec![("body", beginning(it, SEARCHED))]])
        });
        (listing, messages)
    });
    Ok(searching.await.map_err(|error| LabError::Unobserved(error.to_string()))?)
}

/// Reads the numbers of messages, with commas between them.
fn ids(text: &str) -> Result<BTreeSet<String>, Problem> {
    let ids: BTreeSet<String> = text.split(',').map(str::to_owned).collect();
    if ids.len() > MOST_IDS {
        return Err(Problem::bad(format!("ids names {} messages, and {MOST_IDS} are the most", ids.len())));
    }
    let is_number = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    match ids.iter().find(|id| !is_number(id)) {
        Some(wrong) => Err(Problem::bad(format!("ids has `{wrong}`, which is no number; write 1,2,3"))),
        None => Ok(ids),
    }
}

/// Returns the short texts of a message that are searched, by the names that a search may give.
fn texts(message: &ReceivedMessage) -> Texts<'_> {
    let facts = &*message.message.facts;
    let some = [("subject", &facts.subject), ("id", &facts.message_id), ("user", &facts.user)];
    let some = some.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
    let names = [
        ("helo", facts.helo.as_str()),
        ("from", facts.mail_from()),
        ("connector", message.connector()),
        ("computer", message.computer()),
    ];
    let to = facts.rcpt_to().map(|to| ("to", to));
    let peer = message.place.remote.ip().to_canonical().to_string().into_bytes();
    let all = some.chain(names).chain(to).map(|(name, text)| (name, Cow::from(text.as_bytes())));
    all.chain([("peer", peer.into())]).collect()
}

/// Returns the beginning of the content as it was sent, of at most `most` bytes.
fn beginning(message: &ReceivedMessage, most: usize) -> Cow<'_, [u8]> {
    let body = &message.message.body;
    let first = body.chunks().next().unwrap_or_default();
    if first.len() >= most || first.len() as u64 == body.len() {
        return first.get(..most).unwrap_or(first).into();
    }
    let mut bytes = Vec::new();
    for chunk in body.chunks() {
        let left = most - bytes.len();
        bytes.extend_from_slice(chunk.get(..left).unwrap_or(chunk));
        if bytes.len() == most {
            break;
        }
    }
    bytes.into()
}

/// Returns the messages behind `after` that are listed.
fn visible(shared: &Shared, after: u64) -> Vec<Arc<ReceivedMessage>> {
    let mut messages = shared.observer().messages(after);
    shared.marks.retain(&mut messages, |it| it.seq);
    messages
}

/// Returns the message of this number, as long as it is kept.
fn kept(shared: &Shared, id: &str) -> Result<Arc<ReceivedMessage>, Problem> {
    // A number is written in one way only: 7, not 07.
    let number = id.parse().ok().filter(|number: &u64| number.to_string() == id);
    let found = number.and_then(|number| shared.observer().message(number));
    let is_listed = |it: &Arc<ReceivedMessage>| it.seq > shared.mark() && !shared.marks.is_removed(it.seq);
    found.filter(is_listed).ok_or_else(|| {
        Problem::unknown(format!("the journal holds no message `{id}`; /api/v1/messages lists them"))
    })
}

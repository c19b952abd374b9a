//! Event XML as Event Viewer shows and saves it, well-formed or as it was copied from a browser.

use super::header::{Header, level};
use crate::import::text::unescape;

/// An event's XML: its header, and the values that were filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EventXml {
    pub(super) header: Header,
    pub(super) data: Vec<String>,
    /// The text, if the event was saved with it.
    pub(super) message: Option<String>,
}

/// Reads every event in `text`.
pub(super) fn read(text: &str) -> Vec<EventXml> {
    if !text.contains("<Ev") && !text.contains("EventID") {
        return Vec::new();
    }
    let mut events = Vec::new();
    let text = unwrapped(text);
    let mut rest = text.as_str();
    while let Some((from, _)) = tag(rest, "Event") {
        let body = &rest[from..];
        let to = body.find("</Event>").unwrap_or(body.len());
        let event = one(body.get(..to).unwrap_or_default());
        // A page that only mentions events contains none.
        if event.header.event_id.is_some() {
            events.push(event);
        }
        rest = body.get(to..).and_then(|rest| rest.strip_prefix("</Event>")).unwrap_or_default();
    }
    events
}

/// Joins the lines. They were broken at spaces or anywhere; the reading with more whole tags is the right
/// one.
fn unwrapped(text: &str) -> String {
    const TAGS: [&str; 14] = [
        "<Event ",
        "<Event>",
        "<System>",
        "<Provider Name=",
        "<EventID",
        "</EventID>",
        "<Level>",
        "<TimeCreated SystemTime=",
        "<Computer>",
        "</Computer>",
        "<EventData>",
        "<Data>",
        "</Data>",
        "</Event>",
    ];
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let (_, broken) = lines.split_last().unwrap_or((&"", &[]));
    let longest = broken.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let mut mixed = String::with_capacity(text.len());
    for line in &lines {
        mixed.push_str(line);
        // A line that is full may have been broken within a word.
        mixed.push_str(if line.chars().count() < longest { " " } else { "" });
    }
    let cut = broken.len() > 1 && broken.iter().all(|line| line.chars().count() + 1 >= longest);
    let whole = |text: &str| TAGS.iter().map(|tag| text.matches(tag).count()).sum::<usize>();
    let mut readings = [lines.join(" "), mixed, lines.concat()];
    if cut {
        readings.reverse();
    }
    // The first of several equally good readings.
    readings.into_iter().rev().max_by_key(|reading| whole(reading)).unwrap_or_default()
}

fn one(body: &str) -> EventXml {
    let text = |name: &str| content(body, name).map(|(text, _)| text);
    let attribute = |name: &str, key: &str| {
        let (from, to) = tag(body, name)?;
        attribute(body.get(from..to)?, key)
    };
    let mut data = Vec::new();
    let mut rest = body;
    while let Some((value, after)) = content(rest, "Data") {
        data.push(value);
        rest = after;
    }
    let header = Header {
        provider: attribute("Provider", "Name"),
        time: attribute("TimeCreated", "SystemTime"),
        event_id: text("EventID").and_then(|text| super::header::number(&text)),
        category: text("Task").and_then(|task| category(&task)),
        level: text("Level").and_then(|number| level(&number)).map(str::to_owned),
        computer: text("Computer").filter(|text| !text.is_empty()),
    };
    EventXml { header, data, message: text("Message") }
}

/// Returns the numbers of transport's task categories, as far as an event shows them.
fn category(task: &str) -> Option<String> {
    match task.trim() {
        "1" => Some("SmtpReceive".to_owned()),
        "2" => Some("SmtpSend".to_owned()),
        "12" => Some("TransportService".to_owned()),
        "" => None,
        other => Some(other.to_owned()),
    }
}

/// Returns the range of the first tag of this name.
fn tag(text: &str, name: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find('<').map(|at| at + from) {
        let inner = text.get(at + 1..)?;
        let local = inner
            .split_once(':')
            .filter(|(prefix, _)| prefix.bytes().all(|b| b.is_ascii_alphanumeric()) && prefix.len() < 8);
        let inner = local.filter(|(_, rest)| rest.starts_with(name)).map_or(inner, |(_, rest)| rest);
        let after = inner.strip_prefix(name).and_then(|rest| rest.chars().next());
        if after.is_some_and(|c| matches!(c, '>' | '/' | ' ' | '\n' | '\t')) {
            let end = text.get(at..)?.find('>')? + at + 1;
            return Some((at, end));
        }
        from = at + 1;
    }
    None
}

/// Returns the text between the first tag of this name and its end, and the text that follows.
fn content<'a>(text: &'a str, name: &str) -> Option<(String, &'a str)> {
    let (from, to) = tag(text, name)?;
    let rest = text.get(to..)?;
    if text.get(from..to)?.ends_with("/>") {
        return Some((String::new(), rest));
    }
    let end = rest.find(&format!("</{name}>")).or_else(|| rest.find("</"))?;
    let value = super::super::text::folded(&unescape(rest.get(..end)?));
    Some((value, rest.get(end + 2..)?))
}

fn attribute(tag: &str, key: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{key}="))?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, _) = rest.get(1..)?.split_once(quote)?;
    Some(unescape(value).into_owned())
}

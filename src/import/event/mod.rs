//! Events of Exchange transport, in any form in which they are pasted.

mod frame;
mod header;
mod template;
mod xml;

use serde::Serialize;
use serde_json::{Map, Value};

use super::record::{Kind, Record};
use super::text::{dense, folded};
use frame::Match;
use header::Header;
use template::{Template, templates};

/// The key by which a connector was looking for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum SelectionKey {
    /// A name.
    #[serde(rename = "fqdn")]
    Fqdn,
    /// A pin, `<I>issuer<S>subject`.
    #[serde(rename = "tls_certificate_name")]
    TlsCertificateName,
    /// The name of the computer, because the connector has none of its own.
    #[serde(rename = "computer-fqdn")]
    ComputerFqdn,
}

/// An event that was recognized.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FoundEvent {
    /// Its number.
    pub event_id: u32,
    /// Its symbolic name, if a source documents it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<&'static str>,
    /// The service that logged it.
    pub provider: Option<String>,
    /// The computer that logged it.
    pub computer: Option<String>,
    /// Its level; the usual one if the text does not contain it.
    pub level: Option<String>,
    /// Its task category.
    pub task_category: Option<String>,
    /// The time at which it was logged, as it was written.
    pub time_text: Option<String>,
    /// The names of the values, in the order of the text.
    pub slots: Vec<&'static str>,
    /// The values by these names.
    #[serde(flatten)]
    pub values: Map<String, Value>,
    /// Of 12014: the key by which the certificate was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection_key: Option<SelectionKey>,
    /// Of 12014: true if the text has the same name in both places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields_agree: Option<bool>,
    /// True if the text ends early.
    pub truncated: bool,
    /// True if it is the name of a monitoring rule and not the event's own text.
    pub alias: bool,
    /// True if a value was lost in copying.
    pub values_lost: bool,
    /// True if the text was not in the paste, or is in a language that is not supported.
    pub text_missing: bool,
}

impl FoundEvent {
    /// Returns a value by its name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// Returns the text of the event with these values, as Exchange writes it.
    pub fn message(&self) -> Option<String> {
        let template = templates().into_iter().find(|it| it.event_id == self.event_id && !it.alias)?;
        let mut message = template.text.to_owned();
        for (number, slot) in template.slots.iter().enumerate() {
            let value = self.values.get(*slot)?;
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            message = message.replace(&format!("%{}", number + 1), &value);
        }
        Some(message)
    }
}

/// Finds every event in a text from which quoting and markup were removed; `records` are the objects that
/// were read from it.
pub(super) fn find(text: &str, records: &[Record]) -> Vec<FoundEvent> {
    let templates = templates();
    let mut events: Vec<FoundEvent> = Vec::new();
    for it in xml::read(text) {
        events.push(of_xml(&it, &templates));
    }
    if events.is_empty() {
        let objects = records.iter().filter(|record| record.kind() == Some(Kind::Event));
        events.extend(objects.filter_map(|record| of_record(record, &templates)));
    }
    if events.iter().all(|event| event.text_missing) {
        let in_text = in_text(text, &templates);
        if !in_text.is_empty() || events.is_empty() {
            events = in_text;
        }
    }
    let mut once: Vec<FoundEvent> = Vec::new();
    for event in events {
        if !once.contains(&event) {
            once.push(event);
        }
    }
    once
}

fn in_text(text: &str, templates: &[Template]) -> Vec<FoundEvent> {
    let found = frame::find(text, templates);
    if found.is_empty() {
        return headless(text, templates);
    }
    let mut events = Vec::new();
    for (at, it) in found.iter().enumerate() {
        let from = at.checked_sub(1).and_then(|before| found.get(before)).map_or(0, |before| before.to);
        let before = text.get(from..it.from).unwrap_or_default();
        let mut header = header::read(before);
        if header == Header::default() {
            let to = found.get(at + 1).map_or(text.len(), |next| next.from);
            header = header::read(text.get(it.to..to).unwrap_or_default());
        }
        events.push(of_match(text, it, header));
    }
    events
}

/// Finds headers without a known text: the text is in another language, or was not copied.
fn headless(text: &str, templates: &[Template]) -> Vec<FoundEvent> {
    let header = header::read(text);
    let of_exchange = header.provider.as_deref().is_some_and(|provider| provider.contains("MSExchange"));
    let known = |id| templates.iter().find(|it| it.event_id == id && !it.alias);
    let template = header.event_id.filter(|_| of_exchange).and_then(known);
    match template.or_else(|| header::number_alone(text).and_then(known)) {
        Some(template) => vec![without_text(header, Some(template))],
        None => other_words(text),
    }
}

/// Finds the rest of event 12014, if its beginning was not copied.
fn other_words(text: &str) -> Vec<FoundEvent> {
    let flat = folded(text);
    let lower = flat.to_ascii_lowercase();
    let middle = [" with a FQDN parameter of ", " with an FQDN parameter of "];
    let start = "unable to support the starttls smtp verb for the connector ";
    let after = |start: &str, end: usize| Some(lower.get(..end)?.find(start)? + start.len());
    // Of less than half there is only the name, between these words.
    let name = || {
        let end = middle.iter().find_map(|middle| lower.find(&middle.to_ascii_lowercase()))?;
        after("the connector ", end).or_else(|| after("connector ", end))
    };
    let Some(from) = after(start, lower.len()).or_else(name) else { return Vec::new() };
    let rest = flat.get(from..).unwrap_or_default();
    let split = middle.iter().find_map(|middle| rest.split_once(middle));
    let (connector, fqdn) = split.map_or((rest, None), |(connector, fqdn)| (connector, Some(fqdn)));
    let fqdn = fqdn.map(|fqdn| fqdn.split(". If ").next().unwrap_or(fqdn).trim_end_matches('.').to_owned());
    let values = [("domain_name", None), ("connector", Some(connector.to_owned())), ("fqdn", fqdn)];
    let template = templates().into_iter().find(|it| it.event_id == 12014);
    let mut event = without_text(header::read(text), template.as_ref());
    event.event_id = 12014;
    event.text_missing = false;
    event.truncated = true;
    event.values = values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.map_or(Value::Null, Value::from)))
        .collect();
    judge(&mut event);
    vec![event]
}

fn without_text(header: Header, template: Option<&Template>) -> FoundEvent {
    let mut event = with_header(header, template);
    event.text_missing = true;
    event.values = event.slots.iter().map(|slot| ((*slot).to_owned(), Value::Null)).collect();
    event
}

fn with_header(header: Header, template: Option<&Template>) -> FoundEvent {
    FoundEvent {
        event_id: template.map_or_else(|| header.event_id.unwrap_or(0), |template| template.event_id),
        symbol: template.and_then(|template| template.symbol),
        level: header.level.or_else(|| template.map(|template| template.level.to_owned())),
        provider: header.provider,
        computer: header.computer,
        task_category: header.category,
        time_text: header.time,
        slots: template.map(|template| template.slots.to_vec()).unwrap_or_default(),
        alias: template.is_some_and(|template| template.alias),
        ..FoundEvent::default()
    }
}

fn of_match(text: &str, found: &Match, header: Header) -> FoundEvent {
    let mut event = with_header(header, Some(&found.template));
    event.truncated = found.truncated;
    let lines = Lines::of(text, found);
    for (slot, range) in &found.values {
        let Some(name) = found.template.slots.get(*slot) else { continue };
        put(&mut event, name, range.map(|(from, to)| lines.value(name, from, to)));
    }
    // The lab's own text has the first name in both places, but the event may have two.
    if found.template.event_id == 12014
        && let [_, _, (_, Some((from, to)))] = found.values.as_slice()
    {
        event.values.insert("fqdn".to_owned(), Value::from(lines.value("fqdn", *from, *to)));
    }
    for slot in event.slots.clone() {
        event.values.entry(slot).or_insert(Value::Null);
    }
    judge(&mut event);
    event
}

/// Stores a value; one that was found twice keeps its first reading.
fn put(event: &mut FoundEvent, name: &str, value: Option<String>) {
    let value = match (name, value) {
        (_, None) => Value::Null,
        ("hours" | "limit", Some(text)) => text.parse::<i64>().map_or(Value::from(text), Value::from),
        (_, Some(text)) => Value::from(text),
    };
    let known = event.values.get(name);
    if known.is_none_or(Value::is_null) {
        event.values.insert(name.to_owned(), value);
    }
}

/// The way in which the lines of an event's text were broken.
struct Lines<'a> {
    text: &'a str,
    /// The length of a full line, if lines were cut at a column rather than at a space.
    cut_at: Option<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str, found: &Match) -> Self {
        let from = text.get(..found.from).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let region = text.get(from..found.to).unwrap_or_default();
        let lengths: Vec<usize> = region.lines().map(|line| line.trim_end().chars().count()).collect();
        let width = lengths.iter().copied().max().unwrap_or(0);
        let (_, whole) = lengths.split_last().unwrap_or((&0, &[]));
        let full = whole.len() > 1 && whole.iter().skip(1).all(|length| length + 1 >= width);
        let cut = full || breaks_words(region, found.template.text, width);
        Self { text, cut_at: cut.then_some(width) }
    }

    /// Returns a value without the line breaks in it.
    fn value(&self, name: &str, from: usize, to: usize) -> String {
        let value = self.text.get(from..to).unwrap_or_default();
        let names_nothing = !value.contains("CN=") && !value.contains('<') && !value.contains(", ");
        let one_word = [
            "domain_name",
            "fqdn",
            "thumbprint",
            "ephemeral_thumbprint",
            "replacement_thumbprint",
            "hours",
            "peer",
        ];
        if one_word.contains(&name) && names_nothing {
            return dense(value);
        }
        let Some(width) = self.cut_at else { return folded(value) };
        let mut whole = String::new();
        let mut at = from;
        for line in value.split('\n') {
            if at > from {
                // The line before, from its own start: a full one continues in the middle of a word.
                let before = self.text.get(..at.saturating_sub(1)).unwrap_or_default();
                let before = before.rsplit('\n').next().unwrap_or_default();
                let full = before.trim_end().chars().count() >= width;
                let listed = before.trim_end().ends_with(',');
                if !full || listed || line.starts_with(' ') && !line.starts_with("  ") {
                    whole.push(' ');
                }
            }
            whole.push_str(line.trim());
            at += line.len() + 1;
        }
        folded(&whole)
    }
}

/// Returns whether a line ends in the middle of a word of the fixed text that would have fitted into a line.
fn breaks_words(region: &str, fixed: &str, width: usize) -> bool {
    let words: Vec<&str> = fixed.split_whitespace().collect();
    let lines: Vec<&str> = region.lines().collect();
    lines.windows(2).any(|pair| {
        let before = pair[0].split_whitespace().next_back().unwrap_or_default();
        let after = pair[1].split_whitespace().next().unwrap_or_default();
        let joined = format!("{before}{after}");
        let fits = !before.is_empty() && !after.is_empty() && joined.len() <= width;
        fits && words.contains(&joined.as_str()) && !words.contains(&before)
    })
}

fn of_xml(found: &xml::EventXml, templates: &[Template]) -> FoundEvent {
    if let Some(message) = &found.message
        && let Some(first) = frame::find(message, templates).first()
    {
        return of_match(message, first, found.header.clone());
    }
    let template =
        found.header.event_id.and_then(|id| templates.iter().find(|it| it.event_id == id && !it.alias));
    let mut event = with_header(found.header.clone(), template);
    insert_data(&mut event, &found.data);
    event
}

fn of_record(record: &Record, templates: &[Template]) -> Option<FoundEvent> {
    let header = header::of_record(record);
    let message = record.text(&["Message"]).unwrap_or_default();
    if let Some(first) = frame::find(&message, templates).first() {
        return Some(of_match(&message, first, header));
    }
    let template = templates.iter().find(|it| Some(it.event_id) == header.event_id && !it.alias)?;
    let data = ["ReplacementStrings", "Properties", "Data"].into_iter().find_map(|name| record.get(name));
    let data = data.map(super::record::Field::items).unwrap_or_default();
    if data.is_empty() {
        return Some(without_text(header, Some(template)));
    }
    let mut event = with_header(header, Some(template));
    insert_data(&mut event, &data);
    Some(event)
}

/// Reads the insertion strings of an event, in the order of the numbers; of 12014 the third is the first
/// again.
fn insert_data(event: &mut FoundEvent, data: &[String]) {
    let data: Vec<String> = if event.event_id == 12014 { names_of_12014(data) } else { data.to_vec() };
    for (slot, value) in event.slots.clone().into_iter().zip(&data) {
        put(event, slot, Some(value.clone()));
    }
    if event.event_id == 12014 && data.len() == 2 {
        put(event, "fqdn", data.first().cloned());
    }
    for slot in event.slots.clone() {
        event.values.entry(slot).or_insert(Value::Null);
    }
    event.text_missing = data.is_empty();
    judge(event);
}

/// Restores a list that was split at the commas within a pin: the text that occurs twice is the pin, and the
/// connector stands between the two.
fn names_of_12014(data: &[String]) -> Vec<String> {
    if data.len() <= 3 {
        return data.to_vec();
    }
    let half = (data.len() - 1) / 2;
    let pin = |part: &[String]| part.join(", ");
    match (data.get(..half), data.get(half..data.len() - half), data.get(data.len() - half..)) {
        (Some(first), Some(middle), Some(last)) if first == last => vec![pin(first), pin(middle), pin(last)],
        _ => data.to_vec(),
    }
}

/// Sets the fields that follow from the values of 12014.
fn judge(event: &mut FoundEvent) {
    if event.event_id != 12014 || event.alias {
        return;
    }
    let text = |name: &str| event.values.get(name).and_then(Value::as_str).map(str::to_owned);
    let (name, fqdn) = (text("domain_name"), text("fqdn"));
    let key = name.as_deref().filter(|name| !name.is_empty()).or(fqdn.as_deref()).unwrap_or_default();
    let lower = key.to_ascii_lowercase();
    let marks = lower.find("<i>").zip(lower.rfind("<s>").or_else(|| lower.find("<s>")));
    event.selection_key = if marks.is_some() || lower.contains("cn=") {
        Some(SelectionKey::TlsCertificateName)
    } else if key.is_empty() {
        // Both values are there and empty: what was copied had lost them.
        None
    } else if fqdn.as_deref() == Some("") {
        Some(SelectionKey::ComputerFqdn)
    } else if name.is_some() || fqdn.is_some() {
        Some(SelectionKey::Fqdn)
    } else {
        None
    };
    if let Some((issuer, subject)) = marks.filter(|(issuer, subject)| issuer < subject) {
        for (name, part) in [("issuer", key.get(issuer + 3..subject)), ("subject", key.get(subject + 3..))] {
            let part = part.map_or(Value::Null, |part| Value::from(part.trim()));
            event.values.insert(name.to_owned(), part);
        }
    }
    event.fields_agree = match (&name, &fqdn) {
        (Some(name), Some(fqdn)) => Some(dense(name).eq_ignore_ascii_case(&dense(fqdn))),
        _ => None,
    };
    let empty = |name: &str| event.values.get(name).is_some_and(|value| value.as_str() == Some(""));
    event.values_lost = (empty("domain_name") || empty("connector"))
        || (event.selection_key == Some(SelectionKey::TlsCertificateName) && marks.is_none());
}

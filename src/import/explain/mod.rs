//! The meaning of a pasted input, and what to do about it.

mod cause;
mod evidence;
mod print;
mod sibling;

use serde::Serialize;

use super::dialogue::Dialogue;
use super::event::{FoundEvent, SelectionKey};
use super::organization::Imported;
use super::protocol::{ProtocolExcerpt, TrackingExcerpt};
use super::read::Pieces;
use super::refusal::Refusal;
use super::sender::SenderError;
pub use cause::Cause;
pub use evidence::{CertificateSeen, Evidence};
pub use sibling::Sibling;

/// The answer to a pasted input.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// A description of each input that was pasted.
    pub recognized: Vec<String>,
    /// The meaning, item by item, the one to act on first.
    pub items: Vec<Item>,
    /// The inputs that should be pasted as well.
    pub missing: Vec<String>,
    /// The commands of this program that lead on from an event whose cause is open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Next>,
    /// The questions that the pasted exports leave open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<super::question::Question>,
    /// Notes on the reading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A command of this program, and its purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The command.
    pub command: String,
    /// Its purpose, in a few words.
    pub purpose: &'static str,
}

/// One thing that was recognized.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Item {
    /// An event of transport.
    Event(Box<EventItem>),
    /// The output of a cmdlet.
    Cmdlet(Refusal),
    /// The error of a sender.
    Sender(SenderItem),
    /// A protocol log.
    Protocol(ProtocolExcerpt),
    /// Message tracking.
    Tracking(TrackingExcerpt),
    /// A reply to EHLO.
    Dialogue(Dialogue),
}

/// A sender's error with what it means.
#[derive(Clone, Debug, Serialize)]
pub struct SenderItem {
    /// The constant `sender-error`.
    pub kind: &'static str,
    /// The error text.
    #[serde(flatten)]
    pub error: SenderError,
    /// A sentence that states what happened.
    pub says: &'static str,
    /// The usual fault.
    pub usually: &'static str,
    /// The commands that confirm it.
    pub run: Vec<&'static str>,
}

/// An event with what it means.
#[derive(Clone, Debug, Serialize)]
pub struct EventItem {
    /// The constant `event`.
    pub kind: &'static str,
    /// The recognized event.
    #[serde(flatten)]
    pub event: FoundEvent,
    /// Of 12014: the connector, and the place where it is edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// The possible causes, the likeliest first; only one if the exports settle it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// The evidence of the exports, if any were pasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Of other events: their meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sibling: Option<Sibling>,
    /// The advice of the event, and what that would and would not fix.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
    /// The facts that are inferred and not written in the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inferred: Vec<String>,
}

/// The connector that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct About {
    /// `receive`, `send` or `unknown`.
    pub connector_kind: &'static str,
    /// The kind of connector, in words.
    pub connector_words: String,
    /// The computer that looked for the certificate.
    pub on: Option<String>,
    /// The place where the connector is edited, and the command for it.
    pub edited: String,
}

impl Explanation {
    /// Returns the explanation without the events that the exports settle, which a check of the connectors says as
    /// well, and without questions and notes.
    #[must_use]
    pub fn beyond_the_exports(&self) -> Self {
        let settled = |item: &&Item| match item {
            Item::Event(item) => item.evidence.as_ref().is_some_and(|evidence| evidence.decided),
            Item::Cmdlet(_) | Item::Sender(_) | Item::Protocol(_) | Item::Tracking(_) | Item::Dialogue(_) => {
                false
            }
        };
        Self {
            recognized: self.recognized.clone(),
            items: self.items.iter().filter(|item| !settled(item)).cloned().collect(),
            missing: self.missing.clone(),
            next: Vec::new(),
            questions: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Combines everything that was pasted.
pub(super) fn explain(pieces: &[Pieces], imported: Option<&Imported>, now: jiff::Timestamp) -> Explanation {
    let recognized = pieces.iter().map(|piece| format!("{}: {piece}", piece.name)).collect();
    let papers = imported.map(|imported| evidence::papers(imported, now)).unwrap_or_default();
    let mut items: Vec<Item> = Vec::new();
    for event in pieces.iter().flat_map(|piece| &piece.events) {
        items.push(Item::Event(Box::new(of_event(event, pieces, imported, &papers, now))));
    }
    items.extend(pieces.iter().flat_map(|piece| &piece.refusals).cloned().map(Item::Cmdlet));
    items.extend(pieces.iter().flat_map(|piece| &piece.protocols).cloned().map(Item::Protocol));
    items.extend(pieces.iter().filter_map(|piece| piece.tracking.clone()).map(Item::Tracking));
    items.extend(pieces.iter().flat_map(|piece| &piece.dialogues).cloned().map(Item::Dialogue));
    for error in pieces.iter().flat_map(|piece| &piece.errors) {
        let (usually, run) = error.meaning.advice();
        let says = error.meaning.as_words();
        items.push(Item::Sender(SenderItem {
            kind: "sender-error",
            error: error.clone(),
            says,
            usually,
            run: run.to_vec(),
        }));
    }
    let missing = missing(pieces, &items);
    let pasted = pieces.iter().any(Pieces::has_exports);
    let left_out = imported.filter(|_| pasted).map(|imported| &imported.left_out).into_iter().flatten();
    Explanation {
        recognized,
        items,
        missing,
        next: next(pieces),
        // The open questions of an export; for an event alone the exports are asked for first.
        questions: imported.filter(|_| pasted).map(|imported| imported.questions.clone()).unwrap_or_default(),
        notes: pieces.iter().flat_map(|piece| &piece.notes).chain(left_out).cloned().collect(),
    }
}

fn of_event(
    event: &FoundEvent,
    pieces: &[Pieces],
    imported: Option<&Imported>,
    papers: &[crate::exchange::Computer],
    now: jiff::Timestamp,
) -> EventItem {
    let mut item = EventItem {
        kind: "event",
        event: event.clone(),
        about: None,
        causes: Vec::new(),
        evidence: None,
        sibling: None,
        advice: String::new(),
        inferred: Vec::new(),
    };
    if event.event_id != 12014 || event.alias {
        item.sibling = Some(sibling::sibling(event));
        return item;
    }
    let pasted = pieces.iter().any(Pieces::has_exports);
    if event.slots.iter().any(|slot| event.value(slot).is_some_and(|value| value.starts_with('%'))) {
        item.inferred.push("this is the template of the event, and no values are filled in".to_owned());
    }
    let about = about(event, imported.filter(|_| pasted), &mut item.inferred);
    item.evidence =
        imported.filter(|_| pasted).and_then(|imported| evidence::weigh(event, imported, papers, now));
    item.causes = cause::causes(event, &about, item.evidence.as_ref());
    item.advice = cause::advice(event, item.evidence.as_ref());
    item.about = Some(about);
    item
}

/// Identifies the connector by its name, by the service that logged the event, and by the exports.
fn about(event: &FoundEvent, imported: Option<&Imported>, inferred: &mut Vec<String>) -> About {
    let name = event.value("connector").unwrap_or_default();
    let computers = || imported.iter().flat_map(|imported| &imported.scenario.computer);
    let is = |own: &Option<String>| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    let receives = computers().find(|it| it.receive_connector.iter().any(|it| is(&it.name)));
    let sends = computers().find(|it| it.send_connector.iter().any(|it| is(&it.name)));
    let computer = event.computer.clone().filter(|name| !name.contains('<'));
    let trailing = name.split_whitespace().next_back().filter(|_| super::organization::receives(name));
    let known = sends.or(receives).map(|computer| computer.name.clone());
    let on = computer.clone().or(known).or_else(|| trailing.map(str::to_owned));
    if computer.is_none()
        && let Some(on) = &on
    {
        inferred.push(format!("the computer is {on}, by the name of the connector"));
    }
    let server = on.as_deref().map_or("<SERVER>", |on| on.split('.').next().unwrap_or(on)).to_owned();
    let front = event.provider.as_deref() == Some("MSExchangeFrontEndTransport");
    let edge_sync = name.starts_with("EdgeSync - ");
    let shown = if name.is_empty() { "<connector>" } else { name };
    let receive = |words: &str| About {
        connector_kind: "receive",
        connector_words: format!("a receive connector{words}"),
        on: on.clone(),
        edited: format!("on {server}: Set-ReceiveConnector \"{server}\\{shown}\""),
    };
    if edge_sync {
        inferred.push("it is a Send connector: EdgeSync gives such names".to_owned());
        return About {
            connector_kind: "send",
            connector_words: "a Send connector of an Edge subscription, which runs on the Edge".to_owned(),
            on,
            edited: format!(
                "on the Hub or Mailbox server, not on the Edge: Set-SendConnector \"{shown}\", then Start-EdgeSynchronization"
            ),
        };
    }
    if sends.is_some() || (receives.is_none() && super::organization::sends(name)) {
        if sends.is_none() {
            inferred
                .push("it is a Send connector: the Hybrid Configuration Wizard gives such names".to_owned());
        }
        return About {
            connector_kind: "send",
            connector_words: "a Send connector".to_owned(),
            on,
            edited: format!("in the organization: Set-SendConnector \"{shown}\""),
        };
    }
    if receives.is_some() {
        return receive("");
    }
    if name.starts_with("Default internal receive connector") {
        return receive(" of an Edge server");
    }
    if front {
        return receive(" of the front end");
    }
    if super::organization::receives(name) {
        inferred.push("it is a receive connector: setup gives such names".to_owned());
        return receive("");
    }
    About {
        connector_kind: "unknown",
        connector_words: "receive or Send: the name does not tell".to_owned(),
        on,
        edited: format!(
            "Get-ReceiveConnector | ? Name -eq \"{shown}\"; Get-SendConnector \"{shown}\" (one of the two finds it)"
        ),
    }
}

/// Returns the commands that lead on from an event to one cause, and to a lab; none if there are exports beside it.
fn next(pieces: &[Pieces]) -> Vec<Next> {
    let opens = |event: &FoundEvent| {
        event.event_id == 12014 && event.value("connector").is_some_and(|it| !it.is_empty())
    };
    let Some(piece) = pieces.iter().find(|piece| piece.events.iter().any(opens)) else { return Vec::new() };
    if pieces.iter().any(Pieces::has_exports) {
        return Vec::new();
    }
    let file = match piece.name.as_str() {
        name if name.starts_with("standard input") || name == "the text" => "event.txt".to_owned(),
        name if name.contains(char::is_whitespace) => format!("\"{name}\""),
        name => name.to_owned(),
    };
    vec![
        Next {
            command: format!("starttls-lab check {file} certificates.txt"),
            purpose: "one cause, with its commands",
        },
        Next {
            command: format!("starttls-lab import {file} > lab.toml"),
            purpose: "a lab that fails the same way",
        },
        Next { command: "starttls-lab check lab.toml".to_owned(), purpose: "what each sender meets there" },
    ]
}

/// Returns what would settle it and was not pasted.
fn missing(pieces: &[Pieces], items: &[Item]) -> Vec<String> {
    use super::record::Kind;
    let events = items.iter().filter_map(|item| match item {
        Item::Event(item) if item.event.event_id == 12014 => Some(item),
        Item::Event(_)
        | Item::Cmdlet(_)
        | Item::Sender(_)
        | Item::Protocol(_)
        | Item::Tracking(_)
        | Item::Dialogue(_) => None,
    });
    let count = |kind: Kind| pieces.iter().map(|piece| piece.count(kind)).sum::<usize>();
    let mut missing = Vec::new();
    for item in events {
        let event = &item.event;
        if event.text_missing {
            missing.push(
                "the event's text (Event Viewer, Copy) or its XML, which names the connector and what it looks for"
                    .to_owned(),
            );
        } else if event.values_lost || event.value("connector").is_none() {
            missing.push(
                "the event's XML (Event Viewer, tab Details, XML view): values were lost in copying"
                    .to_owned(),
            );
        }
        let on = item.about.as_ref().and_then(|about| about.on.clone());
        let on = on.map(|on| format!(" on {on}")).unwrap_or_default();
        if count(Kind::Certificate) == 0 {
            missing.push(format!("Get-ExchangeCertificate | fl{on}"));
        }
        if item.about.as_ref().is_some_and(|about| about.connector_kind == "unknown") {
            missing.push("Get-ReceiveConnector | fl; Get-SendConnector | fl".to_owned());
        }
    }
    missing.dedup();
    missing
}

impl Explanation {
    /// Returns whether nothing was recognized.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the JSON of `explain`: the fields of the first item at the top, and all of them in `items`.
    pub fn to_json(&self) -> serde_json::Value {
        let mut all = serde_json::to_value(self).unwrap_or_default();
        let first = self.items.first().map(|item| serde_json::to_value(item).unwrap_or_default());
        if let (Some(all), Some(serde_json::Value::Object(first))) = (all.as_object_mut(), first) {
            for (name, value) in first {
                all.entry(name).or_insert(value);
            }
        }
        // A keyword that was masked in one of several replies was masked on one path.
        let masked = self.items.iter().filter_map(|item| match item {
            Item::Dialogue(found) => Some(found.masked_keyword.clone()),
            Item::Event(_) | Item::Cmdlet(_) | Item::Sender(_) | Item::Protocol(_) | Item::Tracking(_) => {
                None
            }
        });
        let masked: Vec<String> = masked.flatten().collect();
        if let (false, Some(all)) = (masked.is_empty(), all.as_object_mut()) {
            all.insert("masked_keyword".to_owned(), masked.into());
        }
        all
    }
}

/// Returns the key that 12014 looked for, in words.
pub(super) fn key_words(key: Option<SelectionKey>) -> &'static str {
    match key {
        Some(SelectionKey::Fqdn) => "a name (FQDN)",
        Some(SelectionKey::TlsCertificateName) => {
            "a pin: issuer <I> and subject <S> (TlsCertificateName), not a name"
        }
        Some(SelectionKey::ComputerFqdn) => "the computer's own name: the connector's FQDN is blank",
        None => "not told by the text",
    }
}

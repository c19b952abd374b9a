//! Splits every input into its parts, by its contents and not by its file name.

use std::fmt;

use super::dialogue::{self, Dialogue};
use super::event::{self, FoundEvent};
use super::material::{self, Filed};
use super::protocol::{self, ProtocolExcerpt, TrackingExcerpt};
use super::record::{Kind, Record};
use super::refusal::{self, Refusal};
use super::sender::{self, SenderError};
use super::{clixml, command, delimited, json, list, table, text};
use crate::scenario::ScenarioText;

/// A file, standard input, or an argument.
#[derive(Clone, Debug)]
pub struct Input {
    /// The name of the input in messages.
    pub name: String,
    /// The contents.
    pub bytes: Vec<u8>,
}

/// The maximum length of an input, in bytes; an export of a large organization has a tenth of it.
pub const LONGEST_INPUT: usize = 16 << 20;

/// The contents of one input.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) name: String,
    pub(super) lab: Option<ScenarioText>,
    /// The reason why a text that looks like a lab file is not valid.
    pub(super) lab_error: Option<String>,
    pub(super) records: Vec<Record>,
    pub(super) files: Vec<Filed>,
    pub(super) events: Vec<FoundEvent>,
    pub(super) errors: Vec<SenderError>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) dialogues: Vec<Dialogue>,
    pub(super) protocols: Vec<ProtocolExcerpt>,
    pub(super) tracking: Option<TrackingExcerpt>,
    /// True if it is a non-delivery report.
    pub(super) bounce: bool,
    pub(super) notes: Vec<String>,
    /// True if the text breaks off in the middle of an object.
    pub(super) cut: bool,
    /// The properties of an object of PowerShell that is neither a connector nor a certificate.
    pub(super) other_object: Vec<String>,
}

/// Splits an input into its parts; a lab file is only looked for if `labs` is true.
pub(super) fn read(input: &Input, password: Option<&str>, labs: bool) -> Pieces {
    let mut pieces = Pieces { name: input.name.clone(), ..Pieces::default() };
    if input.bytes.len() > LONGEST_INPUT {
        pieces.notes.push(format!("it is longer than {} MiB and was not read", LONGEST_INPUT >> 20));
        return pieces;
    }
    if let Some(files) = material::binary(&input.bytes, password) {
        (pieces.files, pieces.notes) = (files.certificates, files.notes);
        return pieces;
    }
    let Some(raw) = text::decode(&input.bytes) else {
        pieces.notes.push("it is neither text nor a certificate".to_owned());
        return pieces;
    };
    if raw.trim().is_empty() {
        pieces.notes.push("it is empty".to_owned());
        return pieces;
    }
    if labs && looks_like_lab(&raw) {
        match ScenarioText::parse(&raw, &input.name) {
            Ok(lab) => pieces.lab = Some(lab),
            Err(error) => pieces.lab_error = Some(error.to_string()),
        }
        return pieces;
    }
    of_text(&raw, &mut pieces);
    pieces
}

/// Returns whether the text looks like a lab file, which has tables or JSON keys of its own; no output of
/// Exchange has them.
fn looks_like_lab(raw: &str) -> bool {
    let toml = raw.lines().any(|line| {
        let line = line.trim();
        line.starts_with("[[computer]]") || line.starts_with("[entry]") || line.starts_with("title = ")
    });
    toml || (raw.trim_start().starts_with('{') && raw.contains("\"computer\""))
}

fn of_text(raw: &str, pieces: &mut Pieces) {
    if let Some(files) = material::pem(raw) {
        (pieces.files, pieces.notes) = (files.certificates, files.notes);
    }
    let (exports, rest) = clixml::split(raw);
    for export in exports {
        let read = clixml::read(export);
        pieces.records.extend(read.records);
        pieces
            .notes
            .extend(read.problem.map(|problem| format!("the export cannot be read to its end: {problem}")));
    }
    let clean = text::clean(&rest);
    let mut records = delimited::read(&rest);
    if records.is_empty() {
        records = json::read(&clean);
        records.extend(list::read(&clean));
        records.extend(table::read(&clean));
        records.extend(command::read(&clean));
    }
    pieces.records.extend(records);
    pieces.cut = pieces.records.iter().any(|record| record.cut);
    if pieces.records.is_empty() {
        pieces.other_object = other_object(&clean);
        if table::is_broken(&clean) {
            pieces
                .notes
                .push("it holds a table that was wrapped; take | fl in place of the table".to_owned());
        }
    }
    words(&clean, pieces);
}

/// Finds events, errors, dialogues and logs, which are text.
fn words(clean: &str, pieces: &mut Pieces) {
    pieces.events = event::find(clean, &pieces.records);
    pieces.refusals = refusal::find(clean);
    pieces.protocols = protocol::find(clean);
    if pieces.protocols.is_empty() {
        pieces.dialogues = dialogue::find(clean);
    }
    pieces.tracking = protocol::tracking(clean);
    pieces.bounce = ["Diagnostic-Code:", "Final-Recipient:", "Generating server:", "Remote Server returned"]
        .iter()
        .any(|mark| clean.contains(mark));
    // The advice of an event, and the text of a refusal, are not a sender's error.
    if pieces.events.is_empty() && pieces.refusals.is_empty() {
        pieces.errors = sender::look_up(clean);
    }
    // A log that names the cause says more than that TLS failed.
    if pieces.protocols.iter().any(|log| log.cause.is_some()) {
        pieces.errors.retain(|error| error.meaning != sender::Meaning::TlsFailed);
    }
    if pieces.errors.is_empty() && pieces.dialogues.iter().any(|it| it.middlebox) && pieces.events.is_empty()
    {
        pieces.errors = sender::middlebox();
    }
}

/// Returns the names of rows with a colon in one column, if there are several.
fn other_object(clean: &str) -> Vec<String> {
    const FEWEST: usize = 4;
    let named: Vec<(usize, &str)> = clean
        .lines()
        .filter_map(|line| {
            let (name, _) = line
                .split_once(" : ")
                .or_else(|| line.trim_end().strip_suffix(" :").map(|name| (name, "")))?;
            let plain = name.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            plain.then_some((name.len(), name.trim()))
        })
        .collect();
    let Some((column, _)) = named.first().copied() else { return Vec::new() };
    let names = named.iter().filter(|(its, _)| *its == column).map(|(_, name)| (*name).to_owned());
    let names: Vec<String> = names.collect();
    if names.len() < FEWEST { Vec::new() } else { names }
}

impl Pieces {
    /// Returns whether nothing in it was recognized.
    pub(super) fn is_empty(&self) -> bool {
        self.lab.is_none()
            && self.records.is_empty()
            && self.files.is_empty()
            && self.events.is_empty()
            && self.errors.is_empty()
            && self.refusals.is_empty()
            && self.dialogues.is_empty()
            && self.protocols.is_empty()
            && self.tracking.is_none()
    }

    /// Returns whether there are exports or certificates in it, and not only events.
    pub(super) fn has_exports(&self) -> bool {
        !self.files.is_empty() || self.records.iter().any(|record| record.kind() != Some(Kind::Event))
    }

    /// Returns the number of objects of this kind.
    pub(super) fn count(&self, kind: Kind) -> usize {
        let files = if kind == Kind::Certificate { self.files.len() } else { 0 };
        files + self.records.iter().filter(|record| record.kind() == Some(kind)).count()
    }
}

/// Describes the input, for the first line of an answer.
impl fmt::Display for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if let Some(lab) = &self.lab {
            parts.push(
                if lab.origin().starts_with("scenario ") { "a scenario" } else { "a lab file" }.to_owned(),
            );
        }
        for event in &self.events {
            let part = format!("event {}", event.event_id);
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        let kinds = [
            (Kind::ReceiveConnector, "receive connector"),
            (Kind::SendConnector, "Send connector"),
            (Kind::Certificate, "certificate"),
            (Kind::Server, "server"),
            (Kind::ClientSettings, "service for mail clients"),
            (Kind::AcceptedDomain, "accepted domain"),
        ];
        for (kind, word) in kinds {
            match self.count(kind) {
                0 => {}
                1 => parts.push(format!("1 {word}")),
                count if word == "service for mail clients" => {
                    parts.push(format!("{count} services for mail clients"));
                }
                count => parts.push(format!("{count} {word}s")),
            }
        }
        if !self.refusals.is_empty() {
            parts.push("what a cmdlet said".to_owned());
        }
        if !self.protocols.is_empty() {
            let words = if self.protocols.iter().all(|it| it.direction == "send") {
                "an SmtpSend protocol log"
            } else {
                "an SmtpReceive protocol log"
            };
            parts.push(words.to_owned());
        }
        if !self.dialogues.is_empty() {
            parts.push(
                if self.dialogues.len() == 1 { "a reply to EHLO" } else { "an SMTP dialogue" }.to_owned(),
            );
        }
        if self.tracking.is_some() {
            parts.push("message tracking".to_owned());
        } else if self.bounce {
            let words =
                if self.errors.is_empty() { "a bounce with no error that is known here" } else { "a bounce" };
            parts.push(words.to_owned());
        } else if !self.errors.is_empty() && self.protocols.is_empty() && self.dialogues.is_empty() {
            parts.push("a sender's error".to_owned());
        }
        const MOST_PROPERTIES: usize = 4;
        let properties: Vec<&str> =
            self.other_object.iter().take(MOST_PROPERTIES).map(String::as_str).collect();
        f.write_str(&if parts.is_empty() && !properties.is_empty() {
            format!(
                "an object of PowerShell that is neither a connector nor a certificate ({}, ...)",
                properties.join(", ")
            )
        } else if parts.is_empty() {
            "nothing that is known here".to_owned()
        } else {
            parts.join(", ")
        })
    }
}

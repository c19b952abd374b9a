//! Builds a lab from pasted exports: assigns connectors and certificates to computers.

mod certificates;
mod clients;
mod computers;
mod receive;
mod send;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use super::certificate::{Clock, Known};
use super::connector;
use super::date::{self, Order, Written};
use super::event::FoundEvent;
use super::question::{AnswerError, Answers, Question, Questions, one_of};
use super::read::Pieces;
use super::record::{Kind, Record};
use crate::exchange::{Reason, StoredCertificate, Verdict};
use crate::pki::Thumbprint;
use crate::report::{Report, Starttls};
use crate::scenario::Scenario;
use computers::Server;
pub(super) use receive::{receives, sends};

/// A lab that was made from exports.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The lab.
    pub scenario: Scenario,
    /// The questions that the exports leave open.
    pub questions: Vec<Question>,
    /// Notes on what differs from the original, and on what was inferred.
    pub notes: Vec<String>,
    /// Those of the notes that say what of the exports is not in the lab.
    pub left_out: Vec<String>,
    /// The real certificates that stand-ins were made for.
    pub originals: Vec<Original>,
    /// The events that were pasted with the exports.
    pub events: Vec<FoundEvent>,
}

/// A certificate of the organization, and the stand-in for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Original {
    /// The computer in whose store it is.
    pub computer: String,
    /// The label of the stand-in in the lab.
    pub label: String,
    /// The thumbprint of the real one, if it is known.
    pub thumbprint: Option<String>,
    /// True if its list of names was cut, so that it may carry more of them.
    pub names_cut: bool,
    /// True if only the columns of a table are known of it.
    pub sketchy: bool,
}

/// The reason why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// There is neither a connector nor a certificate.
    #[error("{0}")]
    Nothing(String),
    /// An answer cannot be used.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl Imported {
    /// Returns the lab with the thumbprints of the real certificates, so that commands can be copied to the real
    /// server.
    pub fn with_original_thumbprints(&self) -> Scenario {
        let mut scenario = self.scenario.clone();
        for original in &self.originals {
            let computer = scenario.computer.iter_mut().find(|it| it.name == original.computer);
            let spec =
                computer.and_then(|it| it.certificate.iter_mut().find(|it| it.is_called(&original.label)));
            let thumbprint = original.thumbprint.as_deref().map(str::parse::<Thumbprint>);
            if let (Some(spec), Some(Ok(thumbprint))) = (spec, thumbprint) {
                spec.thumbprint = Some(thumbprint);
            }
        }
        scenario
    }

    /// Marks where a report cannot be certain: no certificate carries a name by those that are shown, and not all names
    /// of one of them are shown.
    pub fn mark_doubts(&self, report: &mut Report) {
        for connector in &mut report.connectors {
            if connector.starttls != Starttls::Withheld || connector.pinned {
                continue;
            }
            let computer = connector.identity.split('\\').next().unwrap_or_default();
            let hidden: Vec<&Original> = connector
                .certificates
                .iter()
                .filter(|it| lacks_the_name(&it.verdict))
                .filter_map(|it| {
                    self.originals.iter().find(|own| own.computer == computer && own.label == it.label)
                })
                .filter(|own| own.names_cut || own.sketchy)
                .collect();
            let Some(first) = hidden.first() else { continue };
            let labels: Vec<&str> = hidden.iter().map(|it| it.label.as_str()).collect();
            let thumbprint = first.thumbprint.as_deref().unwrap_or("<thumbprint>");
            let shows = if first.names_cut {
                format!("(Get-ExchangeCertificate {thumbprint}).CertificateDomains shows them")
            } else {
                "Get-ExchangeCertificate | fl shows them".to_owned()
            };
            connector.verdict.push_str(", by the names that are shown");
            let note = format!(
                "Not certain: {} may be among the names of {} that are not shown; {shows}",
                connector.search_key,
                labels.join(", ")
            );
            connector.notes.insert(0, note);
        }
    }

    /// Returns the original behind a certificate of a store.
    pub fn original(&self, computer: &str, stored: &StoredCertificate) -> Option<&Original> {
        self.originals.iter().find(|it| it.computer == computer && it.label == stored.label)
    }
}

/// Returns whether a certificate is not used because it lacks the name, as far as its names are known.
fn lacks_the_name(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::NotEligible { reasons } if reasons.contains(&Reason::NameDiffers))
}

/// The input of all parts of the import.
pub(super) struct Material {
    pub(super) receive: Vec<Record>,
    pub(super) send: Vec<Record>,
    pub(super) servers: Vec<Record>,
    pub(super) client_settings: Vec<Record>,
    pub(super) certificates: Vec<Known>,
    pub(super) domains: Vec<String>,
    pub(super) events: Vec<FoundEvent>,
}

/// Combines the pieces; `now` is only used to settle which of two dates is meant.
pub(super) fn assemble(
    pieces: &[Pieces],
    answers: &Answers,
    now: Timestamp,
) -> Result<Imported, ImportError> {
    let mut desk = Questions::new(answers);
    let material = material(pieces, &mut desk, now);
    let something = !material.receive.is_empty()
        || !material.send.is_empty()
        || !material.certificates.is_empty()
        || material.events.iter().any(|event| event.event_id == 12014 && event.value("connector").is_some());
    if !something {
        return Err(ImportError::Nothing(nothing(pieces)));
    }
    for piece in pieces.iter().filter(|piece| piece.cut) {
        desk.leave_out(format!(
            "{} ends in the middle of an object; what would follow is not known",
            piece.name
        ));
    }
    for piece in pieces {
        piece.notes.iter().for_each(|note| desk.note(format!("{}: {note}", piece.name)));
    }
    let mut servers = computers::servers(&material, &mut desk);
    let receive = receive::connectors(&material, &servers, &mut desk);
    let originals = certificates::file(&material, &mut servers, &mut desk);
    receive::place(receive, &material, &mut servers, &mut desk);
    send::place(&material, &mut servers, &mut desk);
    clients::place(&material, &mut servers, &mut desk);
    let mut scenario = scenario(&material, servers, &mut desk);
    receive::expectations(&material, &mut scenario, &mut desk);
    match desk.wrong_answer() {
        Some(error) => Err(error.into()),
        None => Ok(Imported {
            scenario,
            questions: desk.questions,
            notes: desk.notes,
            left_out: desk.left_out,
            originals,
            events: material.events,
        }),
    }
}

fn material(pieces: &[Pieces], desk: &mut Questions, now: Timestamp) -> Material {
    let of = |kind: Kind| {
        let records = pieces.iter().flat_map(|piece| &piece.records);
        records.filter(|record| record.kind() == Some(kind)).cloned().collect::<Vec<Record>>()
    };
    let shown = of(Kind::Certificate);
    let clock = clock(&shown, desk, now);
    let mut certificates: Vec<Known> = Vec::new();
    let files = pieces.iter().flat_map(|piece| &piece.files).map(Known::filed);
    for known in shown.iter().map(|record| Known::of_record(record, clock)).chain(files) {
        match certificates.iter_mut().find(|other| other.is_same(&known)) {
            Some(other) => other.join(known),
            None => certificates.push(known),
        }
    }
    let domains = of(Kind::AcceptedDomain);
    let domains = domains.iter().filter_map(|record| record.text(&["DomainName"]));
    Material {
        receive: joined(of(Kind::ReceiveConnector), |record| record.text(&["Identity", "Name"])),
        send: joined(of(Kind::SendConnector), |record| record.text(&["Name", "Identity"])),
        servers: joined(of(Kind::Server), |record| {
            record.text(&["Name", "Identity", "Fqdn"]).map(|name| connector::short(&name))
        }),
        client_settings: of(Kind::ClientSettings),
        certificates,
        domains: domains.map(|domain| domain.trim_start_matches("*.").to_owned()).collect(),
        events: pieces.iter().flat_map(|piece| &piece.events).cloned().collect(),
    }
}

/// Merges objects of one identity; later ones add what the first does not contain.
fn joined(records: Vec<Record>, identity: impl Fn(&Record) -> Option<String>) -> Vec<Record> {
    let mut kept: Vec<Record> = Vec::new();
    for record in records {
        let own = identity(&record).map(|name| super::text::dense(&name).to_lowercase());
        let same = own.as_ref().and_then(|own| {
            kept.iter_mut().find(|other| {
                identity(other).is_some_and(|name| super::text::dense(&name).to_lowercase() == *own)
            })
        });
        match same {
            Some(other) => record.fields.into_iter().for_each(|(name, field)| other.set(&name, field)),
            None => kept.push(record),
        }
    }
    kept
}

/// Determines the order of day and month, and the offset of the clocks from UTC.
fn clock(certificates: &[Record], desk: &mut Questions, now: Timestamp) -> Clock {
    let text = |record: &Record, name: &str| record.text(&[name]).filter(|_| record.get("RawData").is_none());
    let dates: Vec<(String, Option<String>)> = certificates
        .iter()
        .flat_map(|record| {
            let status = record.text(&["Status"]);
            [(text(record, "NotAfter"), status), (text(record, "NotBefore"), None)]
        })
        .filter_map(|(date, status)| Some((date?, status)))
        .collect();
    let doubtful: Vec<&(String, Option<String>)> =
        dates.iter().filter(|(text, _)| matches!(date::read(text), Some(Written::Either { .. }))).collect();
    let settled = dates.iter().find_map(|(text, _)| date::order(text));
    let offset = desk.optional("utc-offset", date::offset).unwrap_or(Offset::UTC);
    let local = |text: &str| matches!(date::read(text), Some(Written::Local(_) | Written::Either { .. }));
    if offset == Offset::UTC && dates.iter().any(|(text, _)| local(text)) {
        desk.note(
            "dates are the server's local time and were read as UTC; --answer utc-offset=+01:00 shifts them",
        );
    }
    let by_status =
        doubtful.iter().find_map(|(text, status)| by_status(text, status.as_deref()?, offset, now));
    let order = match (doubtful.first(), settled.or(by_status)) {
        (_, Some(order)) => order,
        (None, None) => Order::MonthFirst,
        (Some((example, _)), None) => {
            let half_days = example.to_ascii_uppercase().ends_with('M');
            let (assumed, order) =
                if half_days { ("mdy", Order::MonthFirst) } else { ("dmy", Order::DayFirst) };
            let meant = if half_days { "month first" } else { "day first" };
            let question = Question {
                id: "dates".to_owned(),
                text: format!(
                    "is `{example}` day first (dmy) or month first (mdy)? Nothing in the paste tells"
                ),
                assumed: format!("{assumed}, {meant}"),
                choices: vec!["mdy".to_owned(), "dmy".to_owned()],
            };
            let choices = [("mdy", Order::MonthFirst), ("dmy", Order::DayFirst)];
            desk.ask(question, |answer| one_of(answer, &choices)).unwrap_or(order)
        }
    };
    Clock { order, offset }
}

/// Returns the order of day and month by which a certificate is as valid as Exchange says that it is.
fn by_status(text: &str, status: &str, offset: Offset, now: Timestamp) -> Option<Order> {
    let Some(Written::Either { day_first, month_first }) = date::read(text) else { return None };
    let expired = |local| offset.to_timestamp(local).is_ok_and(|instant| instant < now);
    let wanted = match status.to_ascii_lowercase().as_str() {
        "valid" => false,
        "dateinvalid" => true,
        _ => return None,
    };
    match (expired(day_first) == wanted, expired(month_first) == wanted) {
        (true, false) => Some(Order::DayFirst),
        (false, true) => Some(Order::MonthFirst),
        _ => None,
    }
}

fn scenario(material: &Material, servers: Vec<Server>, desk: &mut Questions) -> Scenario {
    let names: Vec<&str> = servers.iter().map(|server| server.spec.name.as_str()).collect();
    let title = format!("Imported: {}", names.join(", "));
    let mut computer: Vec<_> = servers.into_iter().map(|server| server.spec).collect();
    for spec in &mut computer {
        for domain in &material.domains {
            match domain.parse() {
                Ok(domain) => spec.accepted_domains.push(domain),
                Err(error) => desk.leave_out(format!("accepted domain left out: {error}")),
            }
        }
    }
    Scenario { title, computer, ..Scenario::default() }
}

/// Describes the input that has neither connectors nor certificates.
fn nothing(pieces: &[Pieces]) -> String {
    let names: Vec<&str> = pieces.iter().map(|piece| piece.name.as_str()).collect();
    let what = match pieces {
        [only] if !only.is_empty() || !only.other_object.is_empty() => only.to_string(),
        _ => "neither a connector nor a certificate".to_owned(),
    };
    let notes: Vec<&String> = pieces.iter().flat_map(|piece| &piece.notes).collect();
    let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
    format!(
        "{} holds {what}{notes}; paste the output of Get-ReceiveConnector | fl and Get-ExchangeCertificate | fl, \
         or run what `starttls-lab import --collect` prints",
        names.join(", ")
    )
}

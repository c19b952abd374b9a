//! `Get-EventLog` and `Get-WinEvent`: the Application log of the computer that the Shell runs on.

use jiff::Timestamp;

use super::bind::{Bound, Given};
use super::certificate::of_kind;
use super::convert::to_date;
use super::error::{Wrong, nearest_first};
use super::host::LoggedEvent;
use super::run::Run;
use super::typed::ENTRY_TYPE;
use super::value::{Object, Value};
use super::view::{Column, Layout, like};
use crate::exchange::EventKind;

/// `Get-EventLog`, newest first.
pub(super) fn get_event_log(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    bound.need(&["LogName"])?;
    only_application(bound.texts("LogName").as_slice(), bound)?;
    let computer = computer(run, bound)?;
    let one_of = |name: &str, found: &str| {
        let wanted = bound.texts(name);
        wanted.is_empty() || wanted.iter().any(|pattern| like(pattern, found))
    };
    let after = instant(run, bound.get("After"))?;
    let before = instant(run, bound.get("Before"))?;
    let message = bound.text("Message")?;
    let mut found: Vec<&LoggedEvent> = newest_first(run.events, &computer)
        .filter(|logged| one_of("Source", &logged.source))
        .filter(|logged| one_of("EntryType", logged.event.level.as_str()))
        .filter(|logged| {
            one_of("InstanceId", &instance_id(logged).map(|id| id.to_string()).unwrap_or_default())
        })
        .filter(|logged| one_of("Index", &logged.index.to_string()))
        .filter(|logged| message.as_ref().is_none_or(|message| like(message, &logged.event.message())))
        .filter(|logged| after.is_none_or(|after| logged.time > after))
        .filter(|logged| before.is_none_or(|before| logged.time < before))
        .collect();
    limit(&mut found, bound.number("Newest")?);
    if found.is_empty() {
        return Err(Wrong::not_found(bound.span, "No matches found"));
    }
    Ok(found.into_iter().map(entry).collect())
}

/// `Get-WinEvent`, newest first.
pub(super) fn get_win_event(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let computer = computer(run, bound)?;
    let mut wanted = Wanted::default();
    if let Some(given) = bound.get("FilterHashtable") {
        let Value::Table(entries) = &given.value else {
            let wrong = format!(
                "-FilterHashtable takes @{{LogName='Application'; Id={}}}",
                EventKind::NoCertificateForStarttls.id()
            );
            return Err(Wrong::argument(given.span, wrong));
        };
        for (key, value) in entries {
            wanted.read(run, key, value, given)?;
        }
    }
    wanted.logs.extend(bound.texts("LogName"));
    wanted.providers.extend(bound.texts("ProviderName"));
    if wanted.logs.is_empty() && wanted.providers.is_empty() {
        return Err(Wrong::argument(bound.span, "name the log: -LogName Application"));
    }
    only_application(&wanted.logs, bound)?;
    let mut found: Vec<&LoggedEvent> =
        newest_first(run.events, &computer).filter(|logged| wanted.fits(logged)).collect();
    if bound.switch("Oldest") {
        found.reverse();
    }
    limit(&mut found, bound.number("MaxEvents")?);
    if found.is_empty() {
        let wrong = "No events were found that match the specified selection criteria.";
        return Err(Wrong::not_found(bound.span, wrong));
    }
    Ok(found.into_iter().map(record).collect())
}

/// The keys of `-FilterHashtable`.
#[derive(Default)]
struct Wanted {
    logs: Vec<String>,
    providers: Vec<String>,
    ids: Vec<String>,
    levels: Vec<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Wanted {
    fn read(&mut self, run: &Run<'_>, key: &str, value: &Value, given: &Given) -> Result<(), Wrong> {
        let texts = || value.clone().each().iter().map(ToString::to_string).collect();
        let at = || instant(run, Some(&Given { value: value.clone(), ..given.clone() }));
        match key.to_ascii_lowercase().as_str() {
            "logname" => self.logs = texts(),
            "providername" => self.providers = texts(),
            "id" => self.ids = texts(),
            "level" => self.levels = texts(),
            "starttime" => self.from = at()?,
            "endtime" => self.to = at()?,
            _ => {
                let known = ["LogName", "ProviderName", "Id", "Level", "StartTime", "EndTime"];
                let wrong = format!("the key {key} is not known; {}", nearest_first(key, known.into_iter()));
                return Err(Wrong::argument(given.span, wrong));
            }
        }
        Ok(())
    }

    fn fits(&self, logged: &LoggedEvent) -> bool {
        let one_of = |wanted: &[String], found: &str| {
            wanted.is_empty() || wanted.iter().any(|pattern| like(pattern, found))
        };
        one_of(&self.providers, &logged.source)
            && one_of(&self.ids, &logged.event.event_id.to_string())
            && one_of(&self.levels, &logged.event.level.number().to_string())
            && self.from.is_none_or(|from| logged.time >= from)
            && self.to.is_none_or(|to| logged.time <= to)
    }
}

fn only_application(logs: &[String], bound: &Bound) -> Result<(), Wrong> {
    match logs.iter().find(|log| !log.eq_ignore_ascii_case("Application")) {
        None => Ok(()),
        Some(other) => {
            let wrong = format!(
                "There is not an event log on this computer that matches \"{other}\"; transport writes to Application."
            );
            let place = if bound.get("LogName").is_some() { "LogName" } else { "FilterHashtable" };
            Err(Wrong::not_found(bound.place(place), wrong))
        }
    }
}

/// The computer as its own log calls it.
fn computer(run: &Run<'_>, bound: &Bound) -> Result<String, Wrong> {
    let at = match bound.text("ComputerName")? {
        Some(name) => run.server(&name, bound.place("ComputerName"))?,
        None => run.here,
    };
    Ok(run.computer(at).map(|computer| computer.event_log_name().to_owned()).unwrap_or_default())
}

fn newest_first<'a>(events: &'a [LoggedEvent], computer: &str) -> impl Iterator<Item = &'a LoggedEvent> {
    let mut of_computer: Vec<&LoggedEvent> =
        events.iter().filter(|logged| logged.computer.eq_ignore_ascii_case(computer)).collect();
    of_computer.sort_by_key(|logged| std::cmp::Reverse(logged.index));
    of_computer.into_iter()
}

fn limit(found: &mut Vec<&LoggedEvent>, at_most: Option<u64>) {
    if let Some(at_most) = at_most {
        found.truncate(usize::try_from(at_most).unwrap_or(usize::MAX));
    }
}

/// The instant that a parameter stands for.
fn instant(run: &Run<'_>, given: Option<&Given>) -> Result<Option<Timestamp>, Wrong> {
    let Some(given) = given else {
        return Ok(None);
    };
    let read = to_date(&given.value, run.now);
    read.map(Some).map_err(|why| Wrong::argument(given.span, format!("-{}: {why}", given.parameter.name)))
}

const MESSAGE_WIDTH: usize = 48;

fn entry(logged: &LoggedEvent) -> Value {
    let event = &logged.event;
    let properties = [
        ("EventID", Value::Integer(event.event_id.into())),
        ("MachineName", Value::text(&logged.computer)),
        ("Index", number(logged.index)),
        ("Category", Value::text(event.category.as_str())),
        ("EntryType", of_kind(ENTRY_TYPE, event.level.as_str())),
        ("Message", Value::text(event.message())),
        ("Source", Value::text(&logged.source)),
        ("ReplacementStrings", strings(&event.parameters)),
        ("InstanceId", instance_id(logged).map_or(Value::Null, number)),
        ("TimeGenerated", Value::Date(logged.time)),
        ("TimeWritten", Value::Date(logged.time)),
    ];
    let columns = &const {
        [
            Column::of("Index"),
            Column::of("TimeGenerated").titled("Time"),
            Column::of("EntryType"),
            Column::of("Source"),
            Column::of("EventID"),
            Column::of("Message").at_most(MESSAGE_WIDTH),
        ]
    };
    object(properties.into(), Layout::Table { columns, hidden: &["TimeWritten"] }, logged)
}

fn record(logged: &LoggedEvent) -> Value {
    let event = &logged.event;
    let properties = [
        ("TimeCreated", Value::Date(logged.time)),
        ("ProviderName", Value::text(&logged.source)),
        ("Id", Value::Integer(event.event_id.into())),
        ("Level", Value::Integer(event.level.number().into())),
        ("LevelDisplayName", Value::text(event.level.as_str())),
        ("TaskDisplayName", Value::text(event.category.as_str())),
        ("LogName", Value::text("Application")),
        ("MachineName", Value::text(&logged.computer)),
        ("RecordId", number(logged.index)),
        ("Properties", strings(&event.parameters)),
        ("Message", Value::text(event.message())),
    ];
    let columns = &const {
        [
            Column::of("TimeCreated"),
            Column::of("Id"),
            Column::of("LevelDisplayName"),
            Column::of("Message").at_most(MESSAGE_WIDTH),
        ]
    };
    let hidden = &["Level", "TaskDisplayName", "LogName", "MachineName", "RecordId", "Properties"];
    object(properties.into(), Layout::Table { columns, hidden }, logged)
}

fn object(properties: Vec<(&str, Value)>, layout: Layout, logged: &LoggedEvent) -> Value {
    Object::value(properties, layout, format!("{} {}", logged.source, logged.event.event_id))
}

fn strings(parameters: &[String]) -> Value {
    Value::List(parameters.iter().map(Value::text).collect())
}

/// The number with its qualifiers, where these are known.
fn instance_id(logged: &LoggedEvent) -> Option<u64> {
    logged.event.kind.instance_id().map(u64::from)
}

fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

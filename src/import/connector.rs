//! Connectors from exported objects: each property becomes the parameter of its name.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::question::{Question, Questions};
use super::record::{Field, Record};
use super::text::{dense, folded};
use crate::exchange::{
    PIN_FORM, ReceiveConnectorParameters, SendConnectorParameters, TlsCertificateName, ValueError,
};

/// A connector as it was exported.
#[derive(Clone, Debug)]
pub(super) struct Found<P> {
    pub(super) name: String,
    pub(super) server: Option<String>,
    pub(super) given: P,
    /// The properties that decide about STARTTLS and that are not in the export.
    pub(super) missing: Vec<&'static str>,
    /// True if the object ended in the middle.
    pub(super) cut: bool,
    /// The computers that a Send connector runs on.
    pub(super) sources: Vec<String>,
}

/// The text of a pin, with spaces in it that line wrapping may have added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) text: String,
    pub(super) wrapped: bool,
}

/// The properties that decide whether STARTTLS is offered, and with which certificate.
const DECIDES: [&str; 4] = ["AuthMechanism", "Fqdn", "TlsCertificateName", "Bindings"];

/// Reads a receive connector.
pub(super) fn receive(record: &Record, desk: &mut Questions) -> Found<ReceiveConnectorParameters> {
    let identity = record.text(&["Identity", "Id"]).map(|text| folded(&text));
    let (server, name) = match identity.as_deref().and_then(|identity| identity.split_once('\\')) {
        Some((server, name)) => (Some(server.to_owned()), Some(name.to_owned())),
        None => (None, identity.clone()),
    };
    let name = record.text(&["Name"]).map(|name| folded(&name)).or(name);
    let named = name.is_some();
    let name = name.unwrap_or_else(|| unnamed(record));
    let server = record.text(&["Server"]).or(server).or_else(|| record.text(&["PSComputerName"]));
    let server = server.map(|server| short(&server));
    let name = server.as_deref().and_then(|server| of_setup(&name, server)).unwrap_or(name);
    let missing = DECIDES.into_iter().filter(|key| record.get(key).is_none_or(|it| *it == Field::Lost));
    let mut missing: Vec<_> = missing.collect();
    if !named {
        missing.insert(0, "Name");
    }
    let given = parameters(record, &name, &receive_keys(), desk);
    Found { name, server, given, missing, cut: record.cut, sources: Vec::new() }
}

/// Reads a Send connector.
pub(super) fn send(record: &Record, desk: &mut Questions) -> Found<SendConnectorParameters> {
    let name = record.text(&["Name", "Identity", "Id"]).map(|name| folded(&name));
    let name = name.map(|name| name.rsplit('\\').next().unwrap_or_default().to_owned());
    let name = name.unwrap_or_else(|| "Send connector".to_owned());
    let sources = record.get("SourceTransportServers").map(Field::items).unwrap_or_default();
    let sources: Vec<String> = sources.iter().map(|name| short(&dense(name))).collect();
    let missing = ["Fqdn", "TlsCertificateName"].into_iter();
    let missing = missing.filter(|key| record.get(key).is_none_or(|it| *it == Field::Lost)).collect();
    let given = parameters(record, &name, &send_keys(), desk);
    Found { name, server: sources.first().cloned(), given, missing, cut: record.cut, sources }
}

/// Returns the pin as it is written, if it can be one.
pub(super) fn pin(record: &Record) -> Option<Pin> {
    let field = record.get("TlsCertificateName")?;
    let text = folded(&field.as_text()?);
    (!text.is_empty()).then(|| Pin { text, wrapped: field.is_wrapped() })
}

/// Returns why no cmdlet accepts the pin, and how it should be written; `None` for a valid pin.
pub(super) fn pin_problem(text: &str) -> Option<String> {
    if text.contains("...") {
        return Some("it is abbreviated".to_owned());
    }
    match text.parse::<TlsCertificateName>() {
        Err(ValueError::TlsCertificateName { problem, .. }) => Some(format!("{problem}; write {PIN_FORM}")),
        Ok(_) | Err(_) => None,
    }
}

/// Converts every property that is a parameter in the lab.
fn parameters<P: DeserializeOwned + Default>(
    record: &Record,
    connector: &str,
    keys: &[String],
    desk: &mut Questions,
) -> P {
    let mut all = Map::new();
    for (name, field) in &record.fields {
        let plain = name.to_ascii_lowercase();
        let Some(key) = keys.iter().find(|key| key.replace('_', "") == plain) else { continue };
        if matches!(key.as_str(), "name" | "usage" | "tls_certificate_name" | "authentication_credential") {
            continue;
        }
        if field.is_cut() {
            let text = format!("{name} of {connector} was cut; what is behind the dots is not known");
            let assumed = format!("the {} that are shown", field.items().len());
            let question =
                Question { id: format!("{plain}:{connector}"), text, assumed, choices: Vec::new() };
            let answer = desk.ask(question, |answer| Ok(answer.to_owned()));
            if let Some(answer) = answer {
                let items: Vec<Value> = answer.split(',').map(|item| Value::from(item.trim())).collect();
                all.insert(key.clone(), Value::from(items));
                continue;
            }
        }
        match value::<P>(key, field) {
            Ok(Some(value)) => drop(all.insert(key.clone(), value)),
            Ok(None) => {}
            Err(problem) => desk.leave_out(format!("{connector}: {name} is left at its default: {problem}")),
        }
    }
    serde_json::from_value(Value::Object(all)).unwrap_or_default()
}

/// Returns the value of one parameter in the form that its type takes.
fn value<P: DeserializeOwned>(key: &str, field: &Field) -> Result<Option<Value>, String> {
    let fits = |value: &Value| {
        let one: Map<String, Value> = [(key.to_owned(), value.clone())].into_iter().collect();
        serde_json::from_value::<P>(Value::Object(one)).map(|_| ()).map_err(|error| error.to_string())
    };
    let text = field.as_text().unwrap_or_default();
    let mut tried = Vec::new();
    match field {
        Field::Lost => return Ok(None),
        // An empty value is $null if the parameter has that.
        Field::Null => return Ok(Some(Value::from("")).filter(|value| fits(value).is_ok())),
        Field::List { items, .. } => {
            tried.push(Value::from(items.iter().map(|item| dense(item)).collect::<Vec<_>>()));
        }
        Field::Text { .. } => {}
    }
    if let Some(yes) = field.as_bool() {
        tried.push(Value::from(yes));
    }
    if let Some(names) = flag_names(key, &text) {
        tried.push(Value::from(names));
    }
    tried.push(Value::from(text.clone()));
    tried.push(Value::from(dense(&text)));
    tried.extend(dense(&text).parse::<u64>().ok().map(Value::from));
    // The cost of an address space stands behind a semicolon, which elsewhere may come between items.
    let between: &[char] = if key == "address_spaces" { &[',', '\n'] } else { &[',', '\n', ';'] };
    tried.push(Value::from(
        text.split(between).map(dense).filter(|item| !item.is_empty()).collect::<Vec<_>>(),
    ));
    let mut problem = String::new();
    for value in tried {
        match fits(&value) {
            Ok(()) => return Ok(Some(value)),
            Err(error) => problem = if problem.is_empty() { error } else { problem },
        }
    }
    Err(problem)
}

/// Returns the names behind the number of an enum, which an export holds if its text was not asked for.
fn flag_names(key: &str, text: &str) -> Option<String> {
    let number: u32 = text.trim().parse().ok()?;
    let names: &[(u32, &str)] = match key {
        "auth_mechanism" => &[
            (1, "Tls"),
            (2, "Integrated"),
            (4, "BasicAuth"),
            (8, "BasicAuthRequireTLS"),
            (16, "ExchangeServer"),
            (32, "ExternalAuthoritative"),
        ],
        "permission_groups" => &[
            (1, "AnonymousUsers"),
            (2, "ExchangeUsers"),
            (4, "ExchangeServers"),
            (8, "ExchangeLegacyServers"),
            (16, "Partners"),
            (32, "Custom"),
        ],
        // The numbers are those of the server roles in Active Directory (msExchCurrentServerRoles).
        "transport_role" if number == 32 => return Some("HubTransport".to_owned()),
        "transport_role" if number == 16_384 => return Some("FrontendTransport".to_owned()),
        "protocol_logging_level" => return Some(if number == 0 { "None" } else { "Verbose" }.to_owned()),
        "size_enabled" => {
            let words = ["Disabled", "Enabled", "EnabledWithoutValue"];
            return words.get(usize::try_from(number).ok()?).map(|word| (*word).to_owned());
        }
        _ => return None,
    };
    let set: Vec<&str> = names.iter().filter(|(bit, _)| number & bit != 0).map(|(_, name)| *name).collect();
    Some(if set.is_empty() { "None".to_owned() } else { set.join(", ") })
}

/// Returns the keys that the lab file's schema has for a connector.
fn receive_keys() -> Vec<String> {
    keys(&schemars::schema_for!(ReceiveConnectorParameters))
}

fn send_keys() -> Vec<String> {
    keys(&schemars::schema_for!(SendConnectorParameters))
}

fn keys(schema: &schemars::Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

/// Returns the name that setup gives, if wrapping has removed a space from it or added one.
fn of_setup(name: &str, server: &str) -> Option<String> {
    let starts = [
        "Default Frontend",
        "Client Frontend",
        "Client Proxy",
        "Outbound Proxy Frontend",
        "Default",
        "Client",
        "Default internal receive connector",
    ];
    let written = dense(name).to_lowercase();
    let whole = starts.into_iter().map(|start| format!("{start} {server}"));
    whole.into_iter().find(|whole| dense(whole).to_lowercase() == written)
}

/// Returns a name for a connector that came without one.
fn unnamed(record: &Record) -> String {
    let ports: Vec<String> = record.get("Bindings").map(Field::items).unwrap_or_default();
    let port = ports.first().and_then(|binding| binding.rsplit(':').next()).unwrap_or("25").to_owned();
    format!("Connector on port {port}")
}

/// Returns `EX01` for `EX01.contoso.com`, or for the path that a directory object has.
pub(super) fn short(server: &str) -> String {
    let last = server.trim().rsplit(['/', '\\']).next().unwrap_or_default();
    last.split('.').next().unwrap_or_default().to_owned()
}

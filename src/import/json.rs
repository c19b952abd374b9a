//! `ConvertTo-Json` output in its forms, which differ by version, depth and by how the object was created.

use serde_json::{Map, Value};

use super::record::{Field, Record};

/// The depth below which objects are not read; `ConvertTo-Json` goes 100 deep at most.
const DEEPEST: usize = 12;

/// Reads every recognizable object in every JSON document of `text`.
pub(super) fn read(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut rest = text;
    while let Some(at) = start(rest) {
        rest = &rest[at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                collect(&value, 0, &mut records);
                rest = rest.get(values.byte_offset()..).unwrap_or_default();
            }
            // Text that begins with a bracket and is not a document is not read again.
            _ => rest = rest.split_once('\n').map_or("", |(_, rest)| rest),
        }
    }
    records
}

/// Returns the offset at which the next document may begin: a bracket at the start of a line.
fn start(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let body = line.trim_start();
        let bracket = body.starts_with(['{', '[']);
        // `{[::]:25, ...}` is a PowerShell list.
        let next = body.get(1..).and_then(|rest| rest.trim_start().chars().next());
        if bracket && next.is_none_or(|c| matches!(c, '{' | '[' | '"' | ']' | '}')) {
            return Some(at + indent);
        }
        at += line.len();
    }
    None
}

fn collect(value: &Value, depth: usize, records: &mut Vec<Record>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, depth + 1, records)),
        Value::Object(object) => {
            let record = record(object);
            if record.kind().is_some() && object.len() > 1 {
                records.push(record);
            } else {
                object.values().for_each(|value| collect(value, depth + 1, records));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn record(object: &Map<String, Value>) -> Record {
    let mut record = Record::default();
    for (name, value) in object {
        record.set(name, field(value, 0));
    }
    record
}

fn field(value: &Value, depth: usize) -> Field {
    match value {
        Value::Null => Field::Null,
        Value::Bool(yes) => Field::text(if *yes { "True" } else { "False" }),
        Value::Number(number) => Field::text(number.to_string()),
        Value::String(text) => string(text),
        Value::Array(items) if is_bytes(items) => Field::text(base64(items)),
        Value::Array(items) => {
            let items = items.iter().filter_map(|item| field(item, depth + 1).as_text());
            Field::List { items: items.collect(), cut: false }
        }
        Value::Object(_) if depth > 3 => Field::Lost,
        Value::Object(object) => of_object(object, depth),
    }
}

fn string(text: &str) -> Field {
    // A value that -Depth cut off is a type name or `@{...}`.
    let lost =
        text.starts_with("System.") || text.starts_with("Microsoft.Exchange.") || text.starts_with("@{");
    if lost { Field::Lost } else { Field::shown(text, false) }
}

/// Returns a value that has properties of its own as the one text that represents it.
fn of_object(object: &Map<String, Value>, depth: usize) -> Field {
    let get = |name: &str| {
        object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let text = |name: &str| get(name).and_then(|value| field(value, depth + 1).as_text());
    // An enum or a date that an object came with: {"value":31,"Value":"Tls, ..."}.
    if let Some(Value::String(word)) = object.get("Value") {
        return string(word);
    }
    if let (Some(Value::Array(items)), true) = (object.get("value"), get("Count").is_some()) {
        return field(&Value::Array(items.clone()), depth + 1);
    }
    if get("IsUnlimited") == Some(&Value::Bool(true)) {
        return Field::text("Unlimited");
    }
    if let (Some(address), Some(port)) = (address(object, depth), text("Port")) {
        let bracket = address.contains(':');
        return Field::text(if bracket {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        });
    }
    if let Some(expression) = text("Expression") {
        return Field::text(expression);
    }
    if let (Some(low), Some(high)) = (bound(get("LowerBound"), depth), bound(get("UpperBound"), depth)) {
        return Field::text(if low == high { low } else { format!("{low}-{high}") });
    }
    if let Some(ticks) = get("Ticks").and_then(Value::as_i64).filter(|_| get("TotalSeconds").is_some()) {
        return Field::text(span(ticks));
    }
    if let (Some(domain), Some(cost)) = (text("Domain").or_else(|| text("Address")), text("Cost")) {
        return Field::text(format!("{}:{domain};{cost}", text("Type").unwrap_or_else(|| "SMTP".to_owned())));
    }
    if let (Some(issuer), Some(subject)) = (text("CertificateIssuer"), text("CertificateSubject")) {
        return Field::text(format!("<I>{issuer}<S>{subject}"));
    }
    let names = ["value", "DateTime", "IPAddressToString", "Domain", "DistinguishedName", "Name", "ToString"];
    names.into_iter().find_map(text).map_or(Field::Lost, Field::text)
}

fn address(object: &Map<String, Value>, depth: usize) -> Option<String> {
    match object.get("Address")? {
        Value::String(text) => Some(text.clone()),
        Value::Object(inner) => inner.get("IPAddressToString").and_then(|it| field(it, depth + 1).as_text()),
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()).map(v4),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// Reads an IPv4 address: .NET keeps it in network order, read as a little-endian number.
fn v4(number: u32) -> String {
    std::net::Ipv4Addr::from(number.to_le_bytes()).to_string()
}

fn bound(value: Option<&Value>, depth: usize) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Object(inner) => inner
            .get("IPAddressToString")
            .or_else(|| inner.get("Address"))
            .and_then(|it| field(it, depth + 1).as_text()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// Returns the time span of ticks of 100 ns, as .NET writes one.
fn span(ticks: i64) -> String {
    let seconds = ticks.max(0) / 10_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    format!("{days}{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Returns whether the items are a certificate's DER as numbers.
fn is_bytes(items: &[Value]) -> bool {
    items.len() > 64 && items.iter().all(|item| item.as_u64().is_some_and(|byte| byte < 256))
}

fn base64(items: &[Value]) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> = items.iter().filter_map(|item| u8::try_from(item.as_u64()?).ok()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_a_connector_reads_alike() {
        let shapes = [
            r#"{"Identity":"EX01\\A","Bindings":["[::]:25","0.0.0.0:25"],"AuthMechanism":31,"Fqdn":"a.test","ConnectionTimeout":"00:10:00","MaxInboundConnection":"5000"}"#,
            r#"[{"Identity":{"Name":"EX01\\A"},"Bindings":[{"AddressFamily":23,"Address":{"IPAddressToString":"::"},"Port":25},{"AddressFamily":2,"Address":{"Address":0,"IPAddressToString":"0.0.0.0"},"Port":25}],"AuthMechanism":{"value":31,"Value":"31"},"Fqdn":{"Domain":"a.test"},"ConnectionTimeout":{"Ticks":6000000000,"TotalSeconds":600},"MaxInboundConnection":{"IsUnlimited":false,"Value":"5000"}}]"#,
            r#"{"value":[{"Identity":"EX01\\A","Bindings":{"value":["[::]:25","0.0.0.0:25"],"Count":2},"AuthMechanism":31,"Fqdn":{"Domain":"a.test"},"ConnectionTimeout":"00:10:00","MaxInboundConnection":"5000"}],"Count":1}"#,
        ];
        for shape in shapes {
            let records = read(&format!("PS C:\\> Get\n{shape}\ntail"));
            assert_eq!(records.len(), 1, "{shape}");
            let text = |name: &str| records[0].text(&[name]).unwrap();
            assert_eq!(records[0].get("Bindings").unwrap().items(), ["[::]:25", "0.0.0.0:25"]);
            assert_eq!((text("AuthMechanism"), text("Fqdn")), ("31".to_owned(), "a.test".to_owned()));
            assert_eq!(
                (text("ConnectionTimeout"), text("Identity")),
                ("00:10:00".to_owned(), "EX01\\A".to_owned())
            );
            assert_eq!(text("MaxInboundConnection"), "5000");
        }
    }

    #[test]
    fn what_depth_cut_off_is_lost_and_not_empty() {
        let records = read(r#"{"Bindings":"System.Object[]","AuthMechanism":"Tls","RemoteIPRanges":null}"#);
        assert_eq!(records[0].get("Bindings"), Some(&Field::Lost));
        assert_eq!(records[0].get("RemoteIPRanges"), Some(&Field::Null));
    }

    #[test]
    fn a_broken_document_is_passed_over() {
        assert!(read("{\"a\": \n[[[[[[\n{\"Bindings\"").is_empty());
        assert!(read(&"[".repeat(100_000)).is_empty());
    }
}

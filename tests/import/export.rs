//! What Exchange's cmdlets print of a lab, in each of their formats, to be imported again.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use starttls_lab::internal::exchange::{ChainStatus, Computer, PrivateKey};

/// An object: properties by name, lists as lists.
pub(crate) type Object = Vec<(String, Value)>;

/// Which culture writes the dates.
#[derive(Clone, Copy)]
pub(crate) enum Culture {
    American,
    German,
    Swedish,
}

/// `Get-ReceiveConnector`, `Get-SendConnector`, `Get-ExchangeServer` with `Get-TransportService`, and
/// `Get-ExchangeCertificate` of a computer.
pub(crate) fn objects(computer: &Computer, culture: Culture) -> Vec<Object> {
    let mut all = vec![server(computer)];
    let shown = |name: &str, properties: Vec<(&'static str, String)>| {
        let mut object: Object =
            properties.into_iter().map(|(name, value)| (name.to_owned(), shaped(&value))).collect();
        object.push(("Server".to_owned(), json!(computer.name)));
        object.push(("Identity".to_owned(), json!(format!("{}\\{name}", computer.name))));
        object
    };
    all.extend(computer.receive_connectors.iter().map(|it| shown(&it.name, it.properties())));
    for connector in &computer.send_connectors {
        let mut object = shown(&connector.name, connector.properties());
        object
            .retain(|(name, _)| name != "Server" && name != "Identity" && name != "AuthenticationCredential");
        object.push(("SourceTransportServers".to_owned(), json!([computer.name])));
        all.push(object);
    }
    all.extend(certificates(computer, culture));
    all
}

fn server(computer: &Computer) -> Object {
    let version = match computer.profile.as_str() {
        "exchange-2007" => "Version 8.3 (Build 83.6)",
        "exchange-2010" => "Version 14.3 (Build 123.4)",
        "exchange-2013" => "Version 15.0 (Build 1497.2)",
        _ => "Version 15.2 (Build 1118.7)",
    };
    let role = if computer.role.as_str() == "edge" { "Edge" } else { "Mailbox" };
    let internal = computer.internal_transport_certificate.map(|it| it.to_string());
    let pairs = [
        ("Name", json!(computer.name)),
        ("Fqdn", json!(computer.fqdn.as_str())),
        ("ServerRole", json!(role)),
        ("AdminDisplayVersion", json!(version)),
        ("InternalTransportCertificateThumbprint", json!(internal.unwrap_or_default())),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

fn certificates(computer: &Computer, culture: Culture) -> Vec<Object> {
    let each = computer.store.iter().map(|stored| {
        let facts = &stored.facts;
        let names: Vec<&str> = facts.names();
        let expired = facts.has_expired(super::now()) || facts.is_not_yet_valid(super::now());
        let status = match stored.chain {
            ChainStatus::Untrusted => "Untrusted",
            ChainStatus::Revoked => "Revoked",
            ChainStatus::Valid if expired => "DateInvalid",
            ChainStatus::Valid => "Valid",
        };
        let bits = stored.material.as_ref().map_or(256, |material| material.certificate.public_key().bits);
        let raw = stored.material.as_ref().map(|material| STANDARD.encode(material.certificate.der()));
        let pairs = [
            ("CertificateDomains", json!(names)),
            ("HasPrivateKey", json!(stored.private_key != PrivateKey::Missing)),
            ("IsSelfSigned", json!(facts.self_signed)),
            ("Issuer", json!(facts.issuer)),
            ("NotAfter", json!(date(facts.not_after, culture))),
            ("NotBefore", json!(date(facts.not_before, culture))),
            ("PublicKeySize", json!(bits.to_string())),
            ("RootCAType", json!(if facts.self_signed { "None" } else { "ThirdParty" })),
            ("Services", json!(stored.services.to_string())),
            ("Status", json!(status)),
            ("Subject", json!(facts.subject)),
            ("Thumbprint", json!(facts.thumbprint.to_string())),
            ("RawData", json!(raw.unwrap_or_default())),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    });
    each.collect()
}

fn date(instant: jiff::Timestamp, culture: Culture) -> String {
    let local = jiff::tz::Offset::UTC.to_datetime(instant);
    let (day, month, year) = (local.day(), local.month(), local.year());
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    match culture {
        Culture::German => format!("{day:02}.{month:02}.{year} {hour:02}:{minute:02}:{second:02}"),
        Culture::Swedish => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
        Culture::American => {
            let half = if hour < 12 { "AM" } else { "PM" };
            let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
            format!("{month}/{day}/{year} {twelve}:{minute:02}:{second:02} {half}")
        }
    }
}

/// `{a, b}` as a list, `True` as a Boolean.
fn shaped(text: &str) -> Value {
    match text {
        "True" => json!(true),
        "False" => json!(false),
        text => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some("") => json!([]),
            Some(inner) => json!(inner.split(", ").collect::<Vec<_>>()),
            None => json!(text),
        },
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(yes) => if *yes { "True" } else { "False" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("{{{}}}", items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// `Format-List`, wrapped as PowerShell does: at a width, by words or in the middle of them.
pub(crate) fn format_list(objects: &[Object], width: Option<(usize, bool)>) -> String {
    let mut text = String::new();
    for object in objects {
        let rows: Vec<&(String, Value)> = object.iter().filter(|(name, _)| name != "RawData").collect();
        let column = rows.iter().map(|(name, _)| name.len()).max().unwrap();
        text.push('\n');
        for (name, value) in rows {
            let line = format!("{name:column$} : {}", plain(value));
            match width {
                None => writeln!(text, "{}", line.trim_end()).unwrap(),
                Some((width, words)) => wrap(&mut text, &line, column + 3, width, words),
            }
        }
    }
    text + "\n"
}

fn wrap(text: &mut String, line: &str, indent: usize, width: usize, words: bool) {
    let mut rest: Vec<char> = line.chars().collect();
    let mut first = true;
    while !rest.is_empty() {
        let room = if first { width } else { width - indent };
        let mut cut = rest.len().min(room);
        if words && cut < rest.len() {
            let from = if first { indent } else { 0 };
            cut = rest
                .get(from..cut)
                .and_then(|part| part.iter().rposition(|c| *c == ' '))
                .map_or(cut, |at| from + at + 1);
        }
        let part: String = rest.drain(..cut).collect();
        let part = if first { part } else { format!("{:indent$}{part}", "") };
        writeln!(text, "{}", part.trim_end()).unwrap();
        first = false;
    }
}

/// `ConvertTo-Json`: plain, with the wrapper of a remote session, or with objects in place of texts.
pub(crate) fn json_of(objects: &[Object], shape: usize) -> String {
    let object = |object: &Object| {
        let pairs = object.iter().map(|(name, value)| {
            let nested = match (shape, name.as_str(), value) {
                (2, "Fqdn", Value::String(text)) if !text.is_empty() => {
                    json!({ "Domain": text, "Length": text.len() })
                }
                (2, "AuthMechanism" | "TransportRole", Value::String(text)) => {
                    json!({ "value": 1, "Value": text })
                }
                (2, "Bindings", Value::Array(items)) => json!({ "value": items, "Count": items.len() }),
                (_, _, Value::String(text)) if text.is_empty() => Value::Null,
                _ => value.clone(),
            };
            (name.clone(), nested)
        });
        Value::Object(pairs.collect::<Map<_, _>>())
    };
    let all: Vec<Value> = objects.iter().map(object).collect();
    match shape {
        1 => serde_json::to_string_pretty(&json!({ "value": all, "Count": all.len() })).unwrap(),
        _ => serde_json::to_string_pretty(&all).unwrap(),
    }
}

/// `Export-Csv`, one file for each kind of object, with lists joined.
pub(crate) fn csv_of(objects: &[Object]) -> Vec<String> {
    let mut files: Vec<(Vec<String>, String)> = Vec::new();
    for object in objects {
        let names: Vec<String> = object.iter().map(|(name, _)| name.clone()).collect();
        let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let row = object.iter().map(|(_, value)| cell(plain(value).trim_matches(['{', '}'])));
        let row = row.collect::<Vec<_>>().join(",") + "\n";
        match files.iter_mut().find(|(known, _)| *known == names) {
            Some((_, text)) => text.push_str(&row),
            None => {
                let head = names.iter().map(|name| cell(name)).collect::<Vec<_>>().join(",");
                files.push((
                    names,
                    format!("#TYPE Selected.System.Management.Automation.PSCustomObject\n{head}\n{row}"),
                ));
            }
        }
    }
    files.into_iter().map(|(_, text)| text).collect()
}

/// `Export-Clixml` as out of a remote session: a certificate is its RawData and an opaque blob.
pub(crate) fn clixml(objects: &[Object]) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text =
        "\u{feff}<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\n"
            .to_owned();
    for (id, object) in objects.iter().enumerate() {
        let certificate = object.iter().any(|(name, _)| name == "Thumbprint");
        let kind = if certificate {
            "System.Security.Cryptography.X509Certificates.X509Certificate2"
        } else {
            "x.Connector"
        };
        write!(
            text,
            "  <Obj RefId=\"{id}\"><TN RefId=\"{id}\"><T>{kind}</T></TN><ToString>x</ToString><Props>"
        )
        .unwrap();
        for (number, (name, value)) in object.iter().enumerate() {
            match value {
                _ if certificate && name == "RawData" => {
                    write!(text, "<BA N=\"{name}\">{}</BA>", plain(value))
                }
                _ if certificate => Ok(()),
                Value::Bool(yes) => write!(text, "<B N=\"{name}\">{yes}</B>"),
                Value::Array(items) => {
                    let items: String = items
                        .iter()
                        .filter_map(Value::as_str)
                        .enumerate()
                        .map(|(at, item)| {
                            format!(
                                "<Obj RefId=\"{id}-{number}-{at}\"><ToString>{}</ToString></Obj>",
                                escape(item)
                            )
                        })
                        .collect();
                    write!(text, "<Obj N=\"{name}\" RefId=\"{id}-{number}\"><LST>{items}</LST></Obj>")
                }
                Value::String(value) if value.is_empty() => write!(text, "<Nil N=\"{name}\" />"),
                value => write!(text, "<S N=\"{name}\">{}</S>", escape(&plain(value))),
            }
            .unwrap();
        }
        text.push_str("</Props><MS>");
        if certificate {
            write!(text, "<BA N=\"SerializationData\">{}</BA>", STANDARD.encode(blob(object))).unwrap();
        }
        text.push_str("</MS></Obj>\n");
    }
    text + "</Objs>\n"
}

/// The .NET stream of a certificate (MS-NRBF): eight members, of which the enums are objects with a number.
fn blob(object: &Object) -> Vec<u8> {
    let text =
        |name: &str| object.iter().find(|(known, _)| known == name).map(|(_, value)| plain(value)).unwrap();
    let services = text("Services").parse::<starttls_lab::internal::exchange::Services>().unwrap().bits();
    let status = match text("Status").as_str() {
        "Valid" => 1,
        "Revoked" => 2,
        "DateInvalid" => 3,
        "Untrusted" => 4,
        other => panic!("{other}"),
    };
    let root = if text("RootCAType") == "ThirdParty" { 1 } else { 0 };
    let der = STANDARD.decode(text("RawData")).unwrap();
    let mut stored = Vec::new();
    let mut property = |id: u32, data: &[u8]| {
        stored.extend(id.to_le_bytes());
        stored.extend(1u32.to_le_bytes());
        stored.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        stored.extend(data);
    };
    if text("HasPrivateKey") == "True" {
        property(2, &[0; 28]);
    }
    property(32, &der);
    let mut bytes = vec![0];
    let int = |bytes: &mut Vec<u8>, number: i32| bytes.extend(number.to_le_bytes());
    let name = |bytes: &mut Vec<u8>, text: &str| {
        let mut length = text.len();
        while length > 127 {
            bytes.push(u8::try_from(length & 127).unwrap() | 128);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend(text.as_bytes());
    };
    [1, -1, 1, 0].into_iter().for_each(|number| int(&mut bytes, number));
    bytes.push(12);
    int(&mut bytes, 2);
    name(&mut bytes, "Library, Version=1.0.0.0");
    bytes.push(5);
    int(&mut bytes, 1);
    name(&mut bytes, "A.Certificate");
    int(&mut bytes, 8);
    let members = [
        "CertData",
        "SelfSigned",
        "Status",
        "RootCAType",
        "Services",
        "IISServices",
        "PrivateKeyExportable",
        "Identity",
    ];
    members.into_iter().for_each(|member| name(&mut bytes, member));
    bytes.extend([7, 0, 4, 4, 4, 3, 0, 1]);
    bytes.extend([2, 1]);
    for kind in ["A.Status", "A.Root", "A.Services"] {
        name(&mut bytes, kind);
        int(&mut bytes, 2);
    }
    name(&mut bytes, &format!("System.Collections.Generic.List`1[[{}]]", "x".repeat(150)));
    bytes.push(1);
    int(&mut bytes, 2);
    bytes.push(9);
    int(&mut bytes, 3);
    bytes.push(u8::from(text("IsSelfSigned") == "True"));
    for (id, (kind, number)) in
        [("A.Status", status), ("A.Root", root), ("A.Services", i32::from(services))].into_iter().enumerate()
    {
        bytes.push(5);
        int(&mut bytes, -4 - i32::try_from(id).unwrap());
        name(&mut bytes, kind);
        int(&mut bytes, 1);
        name(&mut bytes, "value__");
        bytes.extend([0, 8]);
        int(&mut bytes, 2);
        int(&mut bytes, number);
    }
    bytes.push(10);
    bytes.push(1);
    bytes.push(10);
    bytes.push(15);
    int(&mut bytes, 3);
    int(&mut bytes, i32::try_from(stored.len()).unwrap());
    bytes.push(2);
    bytes.extend(stored);
    bytes.push(11);
    bytes
}

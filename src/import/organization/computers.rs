//! The computers that connectors and certificates belong to: names, versions, roles.

use crate::exchange::{Profile, Role};
use crate::import::connector::short;
use crate::import::question::{Question, Questions, one_of};
use crate::import::record::Record;
use crate::name::Fqdn;
use crate::scenario::ComputerSpec;

use super::{Material, clients};

/// A computer of the lab that is being built.
pub(in crate::import) struct Server {
    pub(in crate::import) spec: ComputerSpec,
    /// The internal transport certificate in the directory; `None` if no source gave it.
    pub(in crate::import) internal: Option<String>,
}

impl Server {
    pub(in crate::import) fn is(&self, name: &str) -> bool {
        self.spec.name.eq_ignore_ascii_case(&short(name))
    }
}

/// Returns every computer that a source names, or one with a made-up name.
pub(super) fn servers(material: &Material, desk: &mut Questions) -> Vec<Server> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: String| {
        let name = short(&name);
        if is_netbios(&name) && !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            names.push(name);
        }
    };
    let named = |record: &Record| record.text(&["Name", "Identity", "Fqdn"]);
    material.servers.iter().filter_map(named).for_each(&mut add);
    for record in &material.receive {
        let identity = record.text(&["Identity", "Id"]).filter(|identity| identity.contains('\\'));
        let server = record.text(&["Server"]);
        let server = server.or_else(|| identity?.split_once('\\').map(|(server, _)| server.to_owned()));
        server.into_iter().for_each(&mut add);
    }
    for record in &material.client_settings {
        clients::server(record).into_iter().for_each(&mut add);
    }
    for record in &material.send {
        let sources =
            record.get("SourceTransportServers").map(super::super::record::Field::items).unwrap_or_default();
        sources.into_iter().for_each(&mut add);
    }
    material.certificates.iter().filter_map(|known| known.server.clone()).for_each(&mut add);
    material.events.iter().filter_map(|event| event.computer.clone()).for_each(&mut add);
    if names.is_empty() {
        names.push(made_up(material, desk));
    }
    let version = version(material, desk);
    let mut servers = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let record = material
            .servers
            .iter()
            .find(|it| named(it).is_some_and(|it| short(&it).eq_ignore_ascii_case(name)));
        let profile = record.and_then(of_version).unwrap_or(version);
        let role = role(name, record, profile, material);
        let Some(fqdn) = fqdn(name, record, material, desk) else { continue };
        let last = u8::try_from(at + 1).unwrap_or(u8::MAX);
        let internal = record.filter(|it| it.get("InternalTransportCertificateThumbprint").is_some());
        servers.push(Server {
            spec: ComputerSpec {
                name: name.clone(),
                fqdn,
                role,
                profile,
                address: std::net::Ipv4Addr::new(127, 0, 0, last).into(),
                internal_transport_certificate: None,
                imap_settings: Default::default(),
                pop_settings: Default::default(),
                accepted_domains: Vec::new(),
                users: Default::default(),
                organization: String::new(),
                subscribed_to: None,
                rules: Default::default(),
                certificate: Vec::new(),
                receive_connector: Vec::new(),
                fault: Vec::new(),
                send_connector: Vec::new(),
            },
            internal: internal
                .map(|it| it.text(&["InternalTransportCertificateThumbprint"]).unwrap_or_default()),
        });
    }
    servers
}

fn is_netbios(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (1..=15).contains(&name.len()) && plain && !name.starts_with('-') && !name.ends_with('-')
}

/// Returns a name for a computer that no source names: the last word of a connector that setup made, or the
/// common name of a certificate that the server signed itself.
fn made_up(material: &Material, desk: &mut Questions) -> String {
    let default = |name: String| {
        let of_setup = name.starts_with("Default ")
            || name.starts_with("Client ")
            || name.starts_with("Outbound Proxy ");
        let last = name.split_whitespace().next_back().map(str::to_owned);
        last.filter(|last| of_setup && is_netbios(last))
    };
    let connectors = material.receive.iter().filter_map(|record| record.text(&["Name"]));
    let events = material.events.iter().filter_map(|event| event.value("connector").map(str::to_owned));
    let signed = material.certificates.iter().filter(|known| known.self_signed == Some(true));
    let signed =
        signed.filter_map(super::super::certificate::Known::common_name).filter(|name| is_netbios(name));
    let inferred = connectors.chain(events).find_map(default).or_else(|| signed.into_iter().next());
    if let Some(name) = inferred {
        desk.note(format!("the server is called {name}, inferred from a name that setup gives"));
        return name;
    }
    let question = Question {
        id: "server".to_owned(),
        text: "which server is it? Nothing in the paste names one".to_owned(),
        assumed: "EX01".to_owned(),
        choices: Vec::new(),
    };
    let read = |answer: &str| {
        let name = short(answer);
        if is_netbios(&name) {
            Ok(name)
        } else {
            Err("a NetBIOS name has 1 to 15 letters, digits or -".to_owned())
        }
    };
    desk.ask(question, read).unwrap_or_else(|| "EX01".to_owned())
}

/// Reads the version from `Version 15.1 (Build 2507.6)`.
fn of_version(record: &Record) -> Option<Profile> {
    let text = record.text(&["AdminDisplayVersion"])?;
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut parts = digits.split(|c: char| !c.is_ascii_digit());
    let major: u32 = parts.next()?.parse().ok()?;
    let minor: u32 = parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
    match (major, minor) {
        (8, _) => Some(Profile::Exchange2007),
        (14, _) => Some(Profile::Exchange2010),
        (15, 0) => Some(Profile::Exchange2013),
        (15, _) => Some(Profile::Exchange2019),
        _ => None,
    }
}

/// Infers the version from the properties of the connectors, if no server states its own.
fn version(material: &Material, desk: &mut Questions) -> Profile {
    let choices = [
        ("exchange-2007", Profile::Exchange2007),
        ("exchange-2010", Profile::Exchange2010),
        ("exchange-2013", Profile::Exchange2013),
        ("exchange-2016", Profile::Exchange2019),
        ("exchange-2019", Profile::Exchange2019),
        ("exchange-se", Profile::Exchange2019),
    ];
    let has = |name: &str| material.receive.iter().any(|record| record.get(name).is_some());
    let whole = material.receive.iter().any(|record| record.fields.len() > 25);
    let front =
        material.events.iter().any(|event| event.provider.as_deref() == Some("MSExchangeFrontEndTransport"));
    let of_2013 = ["Default Frontend ", "Client Frontend ", "Outbound Proxy Frontend ", "Client Proxy "];
    let named = material
        .receive
        .iter()
        .filter_map(|record| record.text(&["Name", "Identity"]))
        .any(|name| of_2013.iter().any(|start| name.contains(start)));
    // Parameters of Send connectors that came with 2013.
    let modern = ["TlsCertificateName", "CloudServicesMailEnabled", "FrontendProxyEnabled"];
    let sends = material.send.iter().any(|record| modern.iter().any(|name| record.get(name).is_some()));
    let told = material.servers.iter().find_map(of_version);
    let inferred = if has("SmtpUtf8Enabled") {
        Some(Profile::Exchange2019)
    } else if has("TransportRole") || has("TlsCertificateName") || front || named || sends {
        // Both behave alike in what an export does not show; 2016 and later are the versions still in use.
        Some(if whole { Profile::Exchange2013 } else { Profile::Exchange2019 })
    } else if whole {
        Some(Profile::Exchange2010)
    } else {
        None
    };
    if let Some(answer) = desk.optional("version", |answer| one_of(answer, &choices)) {
        return answer;
    }
    if let Some(version) = told.or(inferred) {
        if told.is_none() {
            desk.note(format!("the version is {version}, inferred from the properties and names that there are; --answer version=... says otherwise"));
        }
        return version;
    }
    let question = Question {
        id: "version".to_owned(),
        text: "which version of Exchange is it? Up to 2010 an expired certificate is withheld, later ones offer it".to_owned(),
        assumed: "exchange-2019".to_owned(),
        choices: choices.iter().map(|(word, _)| (*word).to_owned()).collect(),
    };
    desk.ask(question, |answer| one_of(answer, &choices)).unwrap_or(Profile::Exchange2019)
}

fn role(name: &str, record: Option<&Record>, profile: Profile, material: &Material) -> Role {
    let told =
        record.and_then(|record| record.text(&["ServerRole"])).unwrap_or_default().to_ascii_lowercase();
    let edge_by_name = |connector: String| {
        connector.starts_with("Default internal receive connector")
            && connector.to_lowercase().ends_with(&name.to_lowercase())
    };
    let names = material.receive.iter().filter_map(|record| record.text(&["Name"]));
    let events = material.events.iter().filter_map(|event| event.value("connector").map(str::to_owned));
    let edge_sync = material.events.iter().any(|event| {
        event.value("connector").is_some_and(|connector| connector.starts_with("EdgeSync - "))
            && event.computer.as_deref().is_none_or(|computer| short(computer).eq_ignore_ascii_case(name))
    });
    if told.contains("edge")
        || names.chain(events).any(edge_by_name)
        || (edge_sync && material.receive.is_empty())
    {
        Role::Edge
    } else if profile >= Profile::Exchange2013 {
        Role::Mailbox
    } else {
        Role::HubTransport
    }
}

fn fqdn(name: &str, record: Option<&Record>, material: &Material, desk: &mut Questions) -> Option<Fqdn> {
    let own = |text: &String| {
        let label = text.split('.').next().unwrap_or_default();
        text.contains('.') && label.eq_ignore_ascii_case(name)
    };
    let mut candidates: Vec<String> = Vec::new();
    candidates.extend(material.receive.iter().filter_map(|record| record.text(&["Fqdn"])));
    candidates.extend(material.certificates.iter().filter_map(|known| known.server.clone()));
    candidates.extend(material.events.iter().filter_map(|event| event.computer.clone()));
    let names = |known: &crate::import::certificate::Known| known.names.clone().unwrap_or_default();
    candidates.extend(material.certificates.iter().flat_map(names));
    candidates.extend(material.events.iter().filter_map(|event| event.value("fqdn").map(str::to_owned)));
    candidates.extend(material.receive.iter().chain(&material.send).filter_map(|record| {
        let domain = domain_of(&record.text(&["DistinguishedName"])?)?;
        Some(format!("{name}.{domain}"))
    }));
    let told = record.and_then(|record| record.text(&["Fqdn"])).and_then(|text| text.parse().ok());
    let found = told.or_else(|| candidates.iter().find(|text| own(text)).and_then(|text| text.parse().ok()));
    let asked = desk.optional(&format!("fqdn:{name}"), |answer| {
        answer.parse::<Fqdn>().map_err(|error| error.to_string())
    });
    if let Some(fqdn) = asked.or(found) {
        return Some(fqdn);
    }
    let assumed = format!("{name}.example.test");
    let question = Question {
        id: format!("fqdn:{name}"),
        text: format!("what is the FQDN of {name}? A connector with a blank FQDN uses it"),
        assumed: assumed.clone(),
        choices: Vec::new(),
    };
    desk.ask(question, |answer| answer.parse::<Fqdn>().map_err(|error| error.to_string()));
    assumed.parse().ok()
}

/// Returns `contoso.local` for `CN=...,DC=contoso,DC=local`.
fn domain_of(name: &str) -> Option<String> {
    let dense = crate::import::text::dense(name);
    let labels: Vec<&str> = dense.split(',').filter_map(|part| part.strip_prefix("DC=")).collect();
    (!labels.is_empty()).then(|| labels.join("."))
}

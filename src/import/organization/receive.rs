//! Puts receive connectors on the computers, with the behavior that the pasted events report.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use crate::exchange::{
    AuthMechanism, IpRange, Nullable, PermissionGroups, Profile, ReceiveConnector,
    ReceiveConnectorParameters, Refusal, Role, TransportRole, Usage,
};
use crate::import::connector::{Found, Pin, pin, pin_problem, receive};
use crate::import::event::{FoundEvent, SelectionKey};
use crate::import::question::{Question, Questions};
use crate::import::text::dense;
use crate::scenario::{ComputerSpec, ExpectedReceiveConnector, NONE, Scenario};

use super::Material;
use super::computers::Server;

/// A connector, and the pin as it was written.
pub(super) struct Pinned {
    found: Found<ReceiveConnectorParameters>,
    pin: Option<Pin>,
}

/// Reads every receive connector.
pub(super) fn connectors(material: &Material, _: &[Server], desk: &mut Questions) -> Vec<Pinned> {
    let read = |record| Pinned { pin: pin(record), found: receive(record, desk) };
    let mut all: Vec<Pinned> = material.receive.iter().map(read).collect();
    ask(&mut all, desk);
    all
}

/// Asks about the properties that decide about STARTTLS and are not in the paste: one question for each
/// property.
fn ask(all: &mut [Pinned], desk: &mut Questions) {
    let properties = [
        ("TlsCertificateName", "pin", "none: the FQDN decides"),
        ("Fqdn", "connector-fqdn", "blank: the computer's FQDN"),
        ("AuthMechanism", "auth", "as setup or New-ReceiveConnector makes it"),
    ];
    for (property, id, assumed) in properties {
        let mut open = Vec::new();
        for pinned in all.iter_mut().filter(|pinned| pinned.found.missing.contains(&property)) {
            let name = pinned.found.name.clone();
            match desk.optional(&format!("{id}:{name}"), |answer| Ok(answer.to_owned())) {
                Some(answer) => {
                    let key = match property {
                        "TlsCertificateName" => {
                            pinned.pin = (!answer.is_empty()).then_some(Pin { text: answer, wrapped: false });
                            continue;
                        }
                        "Fqdn" => "fqdn",
                        _ => "auth_mechanism",
                    };
                    let given: Result<ReceiveConnectorParameters, _> =
                        serde_json::from_value(serde_json::json!({ key: answer }));
                    match given {
                        Ok(given) if key == "fqdn" => pinned.found.given.fqdn = given.fqdn,
                        Ok(given) => pinned.found.given.auth_mechanism = given.auth_mechanism,
                        Err(error) => desk.note(format!("--answer {id}:{name}: {error}")),
                    }
                }
                None => open.push(name),
            }
        }
        if let Some(first) = open.first().cloned() {
            let which = if open.len() == 1 { first.clone() } else { format!("{} connectors", open.len()) };
            let question = Question {
                id: format!("{id}:{first}"),
                text: format!(
                    "{property} of {which} is not in the paste; Get-ReceiveConnector | fl shows it"
                ),
                assumed: assumed.to_owned(),
                choices: Vec::new(),
            };
            desk.ask(question, |_| Ok(()));
        }
    }
}

/// Puts the connectors on their computers.
pub(super) fn place(
    connectors: Vec<Pinned>,
    material: &Material,
    servers: &mut [Server],
    desk: &mut Questions,
) {
    for Pinned { found, pin } in connectors {
        let mut given = found.given;
        if let Some(pin) = pin {
            given.tls_certificate_name = settled(&pin, &found.name, material, desk);
        }
        if found.cut {
            desk.leave_out(format!("{}: the paste ends in the middle of it", found.name));
        }
        let at = found.server.as_deref().and_then(|name| servers.iter().position(|server| server.is(name)));
        let at = at.unwrap_or_else(|| home(&found.name, servers, desk));
        if let Some(server) = servers.get_mut(at) {
            let spec = &mut server.spec;
            let mut added = add(spec, &found.name, given.clone(), desk);
            if added.is_err() && given.remote_ip_ranges.is_none() {
                // It stands beside the others on its server, so it has ranges of its own.
                given.remote_ip_ranges = Some(ranges(&found.name, spec.receive_connector.len(), desk));
                added = add(spec, &found.name, given, desk);
            }
            left_out(&found.name, added, desk);
        }
    }
    // Connectors of setup have ports that are known; the others take what is left.
    let events = material.events.iter().filter(|event| event.event_id == 12014);
    let (of_setup, others): (Vec<_>, Vec<_>) =
        events.partition(|event| event.value("connector").is_some_and(receives));
    for event in of_setup.into_iter().chain(others) {
        from_event(event, servers, desk);
    }
    if servers.iter().any(|server| !server.spec.receive_connector.is_empty()) {
        return;
    }
    // A lab has to listen somewhere.
    for server in servers.iter_mut() {
        let role = server.spec.role;
        let name = match role {
            Role::Edge => format!("Default internal receive connector {}", server.spec.name),
            Role::Mailbox => format!("Default Frontend {}", server.spec.name),
            Role::HubTransport => format!("Default {}", server.spec.name),
        };
        desk.note(format!(
            "no receive connector of {} was pasted; {name} is assumed, as setup makes it",
            server.spec.name
        ));
        let added = add(&mut server.spec, &name, ReceiveConnectorParameters::default(), desk);
        left_out(&name, added, desk);
    }
}

fn home(connector: &str, servers: &[Server], desk: &mut Questions) -> usize {
    let ends = |server: &Server| connector.to_lowercase().ends_with(&server.spec.name.to_lowercase());
    if let Some(at) = servers.iter().position(ends) {
        return at;
    }
    if servers.len() > 1 {
        desk.note(format!("{connector}: no server is named with it; it was put on the first"));
    }
    0
}

/// Returns the pin with its original spaces: those of a certificate that it names, if there is one.
pub(super) fn settled(
    pin: &Pin,
    connector: &str,
    material: &Material,
    desk: &mut Questions,
) -> Option<Nullable<crate::exchange::TlsCertificateName>> {
    let own = dense(&pin.text);
    for known in &material.certificates {
        let (Some(issuer), Some(subject)) = (&known.issuer, &known.subject) else { continue };
        let whole = format!("<I>{issuer}<S>{subject}");
        if dense(&whole) == own {
            return whole.parse().ok().map(|pin| Nullable(Some(pin)));
        }
    }
    match pin_problem(&pin.text) {
        None => {
            if pin.wrapped {
                desk.note(format!("{connector}: its pin was wrapped over lines, and no certificate here has these names; check the spaces in `{}`", pin.text));
            }
            pin.text.parse().ok().map(|pin| Nullable(Some(pin)))
        }
        Some(problem) => {
            let question = Question {
                id: format!("pin:{connector}"),
                text: format!(
                    "what is TlsCertificateName of {connector}? `{}` cannot be it: {problem}",
                    pin.text
                ),
                assumed: "none: the FQDN decides".to_owned(),
                choices: Vec::new(),
            };
            let read = |answer: &str| {
                answer.parse::<crate::exchange::TlsCertificateName>().map_err(|it| it.to_string())
            };
            desk.ask(question, read).map(|pin| Nullable(Some(pin)))
        }
    }
}

/// Returns the usage that setup gives a connector of this name.
fn usage(name: &str, given: &ReceiveConnectorParameters, role: Role) -> Usage {
    let starts = |start: &str| name.to_lowercase().starts_with(&start.to_lowercase());
    if starts("Default internal receive connector") {
        Usage::Default
    } else if role == Role::Mailbox && starts("Default Frontend ") {
        Usage::DefaultFrontend
    } else if role == Role::Mailbox && starts("Client Frontend ") {
        Usage::ClientFrontend
    } else if role == Role::Mailbox && starts("Client Proxy ") {
        Usage::ClientProxy
    } else if role == Role::Mailbox && starts("Outbound Proxy Frontend ") {
        Usage::OutboundProxyFrontend
    } else if starts("Default ") {
        Usage::Default
    } else if starts("Client ") {
        Usage::Client
    } else if given.auth_mechanism.is_none() && given.permission_groups.is_none() {
        Usage::of_role(role)
    } else {
        Usage::Custom
    }
}

/// Adds a connector to its computer, unless it is there; fails where it is in conflict with another.
fn add(
    spec: &mut ComputerSpec,
    name: &str,
    mut given: ReceiveConnectorParameters,
    desk: &mut Questions,
) -> Result<(), Refusal> {
    let name: String = name.chars().take(64).collect();
    given.name = Some(name.clone());
    let usage = usage(&name, &given, spec.role);
    given.usage = Some(usage);
    if spec.role != Role::Mailbox && given.transport_role == Some(TransportRole::FrontendTransport) {
        given.transport_role = None;
    }
    if spec.profile < Profile::Exchange2013 {
        given.tls_certificate_name = None;
    }
    let fresh = ReceiveConnector::new(name.clone(), usage, spec.role, spec.profile);
    // A value that Exchange would refuse cannot be exported; a value that the lab nevertheless refuses is
    // left at its default.
    let mut refused = Vec::new();
    for _ in 0..40 {
        let mut connector = fresh.clone();
        given.apply_to(&mut connector);
        let Some(refusal) = connector.refusal(spec.profile) else { break };
        if refused.contains(&refusal.key) || !without(&mut given, refusal.key) {
            break;
        }
        desk.leave_out(format!("{name}: {} is left at its default: {}", refusal.key, refusal.message));
        refused.push(refusal.key);
    }
    let mut connector = fresh.clone();
    given.apply_to(&mut connector);
    let others = spec.receive_connector.iter().map(|other| {
        let role = other.usage.unwrap_or(Usage::of_role(spec.role));
        let mut built =
            ReceiveConnector::new(other.name.clone().unwrap_or_default(), role, spec.role, spec.profile);
        other.apply_to(&mut built);
        built
    });
    if let Some(conflict) = others.into_iter().find_map(|other| connector.conflict_with(&other, &spec.name)) {
        return Err(conflict);
    }
    if spec.receive_connector.iter().any(|other| other.name.as_deref() == Some(name.as_str())) {
        return Ok(());
    }
    spec.receive_connector.push(essential(given, &fresh));
    Ok(())
}

fn left_out(name: &str, added: Result<(), Refusal>, desk: &mut Questions) {
    if let Err(conflict) = added {
        desk.leave_out(format!("{name} is left out: {}", conflict.message));
    }
}

/// Asks for the ranges of a connector whose paste does not show them. Without an answer it is one address for
/// documentation (RFC 5737), which differs with `number`.
fn ranges(name: &str, number: usize, desk: &mut Questions) -> Vec<IpRange> {
    let assumed = Ipv4Addr::from([192, 0, 2, (number % 254) as u8 + 1]);
    let question = Question {
        id: format!("remoteipranges:{name}"),
        text: format!(
            "RemoteIPRanges of {name} is not in the paste, and cannot be those of the connector before it on the \
             same port; Get-ReceiveConnector | fl shows it"
        ),
        assumed: assumed.to_string(),
        choices: Vec::new(),
    };
    let read = |answer: &str| {
        let ranges = answer.split(',').map(|range| range.trim().parse::<IpRange>());
        ranges.collect::<Result<_, _>>().map_err(|error| error.to_string())
    };
    desk.ask(question, read).unwrap_or_else(|| vec![IpRange::from(IpAddr::from(assumed))])
}

/// Removes a parameter; `false` if it was not given.
fn without(given: &mut ReceiveConnectorParameters, key: &str) -> bool {
    let Ok(Value::Object(mut all)) = serde_json::to_value(&*given) else { return false };
    let gone = all.remove(key).is_some();
    if let Ok(less) = serde_json::from_value(Value::Object(all)) {
        *given = less;
    }
    gone
}

/// Keeps the parameters that differ from a fresh connector of the usage, and those that administrators look
/// at first.
fn essential(given: ReceiveConnectorParameters, fresh: &ReceiveConnector) -> ReceiveConnectorParameters {
    let Ok(Value::Object(all)) = serde_json::to_value(&given) else { return given };
    let differs = |key: &String, value: &Value| {
        let one = serde_json::json!({ key: value });
        let Ok(one) = serde_json::from_value::<ReceiveConnectorParameters>(one) else { return true };
        let mut changed = fresh.clone();
        one.apply_to(&mut changed);
        changed != *fresh
    };
    let always = ["name", "usage", "fqdn", "bindings"];
    let kept = all.into_iter().filter(|(key, value)| always.contains(&key.as_str()) || differs(key, value));
    serde_json::from_value(Value::Object(kept.collect())).unwrap_or(given)
}

/// Adds a connector that only an event mentions: its name, and the name that it looks for.
fn from_event(event: &FoundEvent, servers: &mut [Server], desk: &mut Questions) {
    let Some(name) = event.value("connector").filter(|name| !name.is_empty()) else { return };
    let all = || servers.iter().flat_map(|server| &server.spec.receive_connector);
    let known = all().any(|it| it.name.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(name)));
    if known
        || sends(name)
        || servers.iter().any(|server| !server.spec.send_connector.is_empty()) && !receives(name)
    {
        return;
    }
    let mut given = ReceiveConnectorParameters::default();
    let key =
        event.value("domain_name").filter(|key| !key.is_empty()).or(event.value("fqdn")).unwrap_or_default();
    match event.selection_key {
        Some(SelectionKey::TlsCertificateName) => given.tls_certificate_name = key.parse().ok(),
        Some(SelectionKey::Fqdn) => given.fqdn = key.parse().ok(),
        Some(SelectionKey::ComputerFqdn) | None => {}
    }
    let at = event.computer.as_deref().and_then(|name| servers.iter().position(|server| server.is(name)));
    let at = at.unwrap_or_else(|| home(name, servers, desk));
    if let Some(server) = servers.get_mut(at) {
        desk.note(format!(
            "{name} is known from the event only; all but its name and what it looks for is as setup makes it"
        ));
        if has_name_of_its_own(name, &given, &server.spec) {
            // As New-ReceiveConnector -Usage Internet makes it.
            given.auth_mechanism = Some(AuthMechanism::TLS);
            given.permission_groups = Some(PermissionGroups::ANONYMOUS_USERS);
            desk.note(format!(
                "{name}: ExchangeServer is taken to be not in its AuthMechanism, with which Exchange refuses such an Fqdn"
            ));
        }
        let mut added = add(&mut server.spec, name, given.clone(), desk);
        let port = SPARE_PORT + u16::try_from(server.spec.receive_connector.len()).unwrap_or_default();
        if let (true, Ok(binding)) = (added.is_err(), format!("0.0.0.0:{port}").parse()) {
            // Another connector has the port that setup would give it.
            given.bindings = Some(vec![binding]);
            added = add(&mut server.spec, name, given, desk);
            if added.is_ok() {
                desk.note(format!("{name} is put at port {port}: no source tells its port, and 25 is taken"));
            }
        }
        left_out(name, added, desk);
    }
}

/// Returns whether a connector that setup does not make has an FQDN that the cmdlets refuse while AuthMechanism contains
/// ExchangeServer.
fn has_name_of_its_own(name: &str, given: &ReceiveConnectorParameters, spec: &ComputerSpec) -> bool {
    let Some(Nullable(Some(fqdn))) = &given.fqdn else { return false };
    let of_server = *fqdn == spec.fqdn || *fqdn == *spec.name.as_str();
    !receives(name) && spec.role != Role::Edge && !of_server
}

/// The first port for connectors whose port no source tells.
const SPARE_PORT: u16 = 2600;

/// Returns whether a name is one that EdgeSync or the hybrid wizard gives a Send connector.
pub(in crate::import) fn sends(name: &str) -> bool {
    name.starts_with("EdgeSync - ") || name.starts_with("Outbound to ")
}

/// Returns whether a name is one that setup gives a receive connector.
pub(in crate::import) fn receives(name: &str) -> bool {
    ["Default ", "Client ", "Outbound Proxy Frontend "].iter().any(|start| name.starts_with(start))
}

/// Adds expectations for what the events report before anything is changed.
pub(super) fn expectations(material: &Material, scenario: &mut Scenario, desk: &mut Questions) {
    for event in &material.events {
        let (Some(name), 12014) = (event.value("connector"), event.event_id) else { continue };
        let home = scenario.computer.iter().find_map(|computer| {
            let own = computer.receive_connector.iter().filter_map(|it| it.name.as_deref());
            let own = own.into_iter().find(|own| own.eq_ignore_ascii_case(name))?;
            Some(format!("{}\\{own}", computer.name))
        });
        let sending = scenario.computer.iter().find_map(|computer| {
            let own = computer.send_connector.iter().filter_map(|it| it.name.as_deref());
            let own = own.into_iter().find(|own| own.eq_ignore_ascii_case(name))?;
            Some(format!("{}\\{own}", computer.name))
        });
        if let Some(identity) = home {
            let expected = scenario.before.receive_connector.entry(identity).or_default();
            *expected = ExpectedReceiveConnector {
                starttls: Some(NONE.to_owned()),
                events: Some(vec![12014]),
                ..expected.clone()
            };
        } else if let Some(identity) = sending {
            scenario.before.send_connector.entry(identity).or_default().events = Some(vec![12014]);
        } else {
            desk.note(format!("event 12014 is about {name}, which is not among the connectors here"));
        }
    }
}

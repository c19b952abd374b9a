//! Puts Send connectors on the computers that they run on.

use serde_json::Value;

use crate::exchange::{
    Nullable, Profile, Role, SendConnector, SendConnectorParameters, SendUsage, SmartHostAuthMechanism,
};
use crate::import::connector::{pin, send};
use crate::import::question::{Question, Questions};
use crate::import::record::Field;
use crate::scenario::ComputerSpec;

use super::Material;
use super::computers::Server;
use super::receive::{sends, settled};

/// Puts every Send connector on the computers that it runs on.
pub(super) fn place(material: &Material, servers: &mut [Server], desk: &mut Questions) {
    for record in &material.send {
        let found = send(record, desk);
        let mut given = found.given;
        if let Some(pin) = pin(record) {
            given.tls_certificate_name = settled(&pin, &found.name, material, desk);
        } else if record.get("TlsCertificateName") == Some(&Field::Lost) {
            let question = Question {
                id: format!("pin:{}", found.name),
                text: format!("what is TlsCertificateName of {}? The command gives a variable", found.name),
                assumed: "none: the FQDN decides".to_owned(),
                choices: Vec::new(),
            };
            let read = |answer: &str| {
                answer.parse::<crate::exchange::TlsCertificateName>().map_err(|it| it.to_string())
            };
            given.tls_certificate_name = desk.ask(question, read).map(|pin| Nullable(Some(pin)));
        }
        let sources =
            if found.sources.is_empty() { found.server.into_iter().collect() } else { found.sources };
        let mut placed = false;
        for server in servers.iter_mut().filter(|server| sources.iter().any(|name| server.is(name))) {
            add(&mut server.spec, &found.name, given.clone(), desk);
            placed = true;
        }
        if !placed && let Some(server) = servers.first_mut() {
            if !sources.is_empty() {
                desk.note(format!(
                    "{}: its source server {} is not here; it was put on {}",
                    found.name,
                    sources.join(", "),
                    server.spec.name
                ));
            }
            add(&mut server.spec, &found.name, given, desk);
        }
    }
    for event in material.events.iter().filter(|event| event.event_id == 12014) {
        let Some(name) = event.value("connector").filter(|name| sends(name)) else { continue };
        let known = servers
            .iter()
            .flat_map(|server| &server.spec.send_connector)
            .any(|it| it.name.as_deref() == Some(name));
        if let (false, Some(server)) = (known, servers.first_mut()) {
            let mut given = SendConnectorParameters::default();
            let key = event.value("domain_name").unwrap_or_default();
            match event.selection_key {
                Some(crate::import::event::SelectionKey::TlsCertificateName) => {
                    given.tls_certificate_name = key.parse().ok();
                }
                Some(_) => given.fqdn = key.parse().ok(),
                None => {}
            }
            desk.note(format!("{name} is known from the event only"));
            add(&mut server.spec, name, given, desk);
        }
    }
}

fn add(spec: &mut ComputerSpec, name: &str, mut given: SendConnectorParameters, desk: &mut Questions) {
    given.name = Some(name.chars().take(64).collect());
    let usage = if spec.role != Role::Edge {
        SendUsage::Custom
    } else if name.starts_with("EdgeSync - Inbound to ") {
        SendUsage::EdgeSyncInbound
    } else if name.starts_with("EdgeSync - ") {
        SendUsage::EdgeSyncToInternet
    } else {
        SendUsage::Custom
    };
    given.usage = (usage != SendUsage::Custom).then_some(usage);
    if spec.profile < Profile::Exchange2013 {
        given.tls_certificate_name = None;
    }
    if given.smart_host_auth_mechanism.is_some_and(SmartHostAuthMechanism::is_basic) {
        let placeholder = serde_json::json!({ "user": "imported", "password": "not-exported" });
        given.authentication_credential = serde_json::from_value(placeholder).ok();
        desk.note(format!("{name}: an export holds no password; the lab logs on as imported / not-exported"));
    }
    if given.smart_hosts.as_ref().is_some_and(Vec::is_empty) {
        given.smart_hosts = None;
    }
    let fresh = SendConnector::new(name.to_owned(), usage);
    for _ in 0..20 {
        let mut connector = fresh.clone();
        given.apply_to(&mut connector);
        given.settle(&mut connector);
        let Some(refusal) = connector.refusal(spec.role, spec.profile) else { break };
        if !without(&mut given, refusal.key) {
            desk.leave_out(format!("{name} is left out: {}", refusal.message));
            return;
        }
        desk.leave_out(format!("{name}: {} is left at its default: {}", refusal.key, refusal.message));
    }
    if spec.send_connector.iter().any(|other| other.name == given.name) {
        return;
    }
    spec.send_connector.push(essential(given, &fresh));
}

fn without(given: &mut SendConnectorParameters, key: &str) -> bool {
    let Ok(Value::Object(mut all)) = serde_json::to_value(&*given) else { return false };
    let gone = all.remove(key).is_some();
    if let Ok(less) = serde_json::from_value(Value::Object(all)) {
        *given = less;
    }
    gone
}

/// Keeps the parameters that differ from a fresh connector, and those that administrators look at first.
fn essential(given: SendConnectorParameters, fresh: &SendConnector) -> SendConnectorParameters {
    let Ok(Value::Object(all)) = serde_json::to_value(&given) else { return given };
    let differs = |key: &String, value: &Value| {
        let one = serde_json::json!({ key: value });
        let Ok(one) = serde_json::from_value::<SendConnectorParameters>(one) else { return true };
        let mut changed = fresh.clone();
        one.apply_to(&mut changed);
        changed != *fresh
    };
    let always = ["name", "usage", "fqdn", "address_spaces"];
    let kept = all.into_iter().filter(|(key, value)| always.contains(&key.as_str()) || differs(key, value));
    serde_json::from_value(Value::Object(kept.collect())).unwrap_or(given)
}

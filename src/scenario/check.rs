//! Checks of a lab file across its computers: subscriptions, host names, expectations.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expect::{ABSENT, Expectations, NONE};
use super::locate::Step;
use super::names::{self, called, computer_of, missing};
use super::repair::{CertificateChange, RepairSpec};
use super::resolve::{EPHEMERAL, Store, Wrong};
use super::senders::Sender;
use super::spec::{ComputerSpec, Scenario};
use crate::exchange::{Computer, Role};
use crate::nearest::nearest;

/// Checks everything across the computers except the expectations. Returns the subscribed Edges, each with
/// the server that it is subscribed to, by their indexes.
pub(super) fn across(scenario: &Scenario, computers: &[Arc<Computer>]) -> Result<Vec<(usize, usize)>, Wrong> {
    let subscriptions = subscriptions(computers)?;
    let empty = |computer: &Arc<Computer>| {
        computer.receive_connectors.is_empty() && computer.send_connectors.is_empty()
    };
    if computers.iter().all(empty) {
        let message = "there is nothing to look at: no computer has a [[computer.receive_connector]] or a [[computer.send_connector]]";
        return Err(Wrong::new(message));
    }
    hosts(scenario, computers)?;
    files(scenario)?;
    Ok(subscriptions)
}

fn subscriptions(computers: &[Arc<Computer>]) -> Result<Vec<(usize, usize)>, Wrong> {
    let mut subscriptions = Vec::new();
    for (index, edge) in computers.iter().enumerate() {
        let Some(server) = &edge.subscribed_to else { continue };
        let wrong = |message: String| Wrong::at("subscribed_to", message).in_item("computer", index);
        if edge.role != Role::Edge {
            return Err(wrong(format!("only an Edge is subscribed; this computer is {}", edge.role)));
        }
        let (place, inside) = match called(server, computers) {
            Some((place, inside)) if inside.role != Role::Edge => (place, inside),
            Some((_, inside)) => {
                let name = &inside.name;
                return Err(wrong(format!("{name} is an Edge; a subscription is made with a server inside")));
            }
            None => return Err(wrong(format!("there is no computer `{server}` in this lab"))),
        };
        if inside.organization != edge.organization {
            return Err(wrong(format!("{server} belongs to another organization than {}", edge.name)));
        }
        subscriptions.push((index, place));
    }
    Ok(subscriptions)
}

/// Checks that every host leads to computers that exist.
fn hosts(scenario: &Scenario, computers: &[Arc<Computer>]) -> Result<(), Wrong> {
    let wrong = |list: &'static str, name: String, message: String| {
        let mut wrong = Wrong::new(message);
        wrong.path = vec![Step::Key(list), Step::Name(name)];
        wrong
    };
    for (host, pool) in &scenario.hosts {
        if pool.is_empty() {
            let message = format!("{host} leads nowhere; name a computer, or leave the line away");
            return Err(wrong("hosts", host.to_string(), message));
        }
        for computer in pool {
            if called(computer, computers).is_none() {
                let known = names::known(computers);
                let message = format!("there is no computer `{computer}`; there are {known}");
                return Err(wrong("hosts", host.to_string(), message));
            }
        }
    }
    if let Some((domain, _)) = scenario.mx.iter().find(|(_, hosts)| hosts.is_empty()) {
        let message = format!("{domain} has no mail exchanger; name a host, or leave the line away");
        return Err(wrong("mx", domain.to_string(), message));
    }
    Ok(())
}

/// Checks that every file holds one certificate, and that no two files have one name.
fn files(scenario: &Scenario) -> Result<(), Wrong> {
    for (index, file) in scenario.certificate_file.iter().enumerate() {
        let wrong = |key, message: String| Err(Wrong::at(key, message).in_item("certificate_file", index));
        let earlier = scenario.certificate_file.iter().take(index);
        if earlier.into_iter().any(|other| other.path.eq_ignore_ascii_case(&file.path)) {
            return wrong("path", format!("another file is called {} already", file.path));
        }
        match (&file.of, &file.certificate) {
            (Some(label), None) => {
                let mut all = scenario.computer.iter();
                if !all.any(|computer| computer.certificate_called(label).is_some()) {
                    return wrong("of", format!("no computer has a certificate called `{label}`"));
                }
            }
            (None, Some(_)) => {}
            _ => {
                let message = "a file holds one certificate: either of = \"label\" or certificate = { ... }";
                return wrong("path", message.to_owned());
            }
        }
    }
    Ok(())
}

/// Checks that every expectation is about something that exists, or that a fix may create.
pub(super) fn expectations(
    scenario: &Scenario,
    computers: &[Arc<Computer>],
    senders: &[Sender],
) -> Result<(), Wrong> {
    let in_path = |mut wrong: Wrong, path: &[Step]| {
        wrong.path.splice(0..0, path.iter().cloned());
        wrong
    };
    let before = |wrong| in_path(wrong, &[Step::Key("before")]);
    known(&scenario.before, computers, senders).map_err(before)?;
    connectors_are_there(&scenario.before, computers).map_err(before)?;
    if scenario.fix.is_empty() && !scenario.after.is_empty() {
        return Err(Wrong::at("after", "there is no [[fix]] after which this could be seen"));
    }
    let after = [Step::Key("after")];
    known(&scenario.after, computers, senders).map_err(|wrong| in_path(wrong, &after))?;
    for (list, repairs) in [("fix", &scenario.fix), ("wrong_fix", &scenario.wrong_fix)] {
        for (index, repair) in repairs.iter().enumerate() {
            check_repair(repair, list == "fix", computers).map_err(|wrong| wrong.in_item(list, index))?;
            check_sides(repair, computers, senders).map_err(|wrong| wrong.in_item(list, index))?;
            check_changes(scenario, repair).map_err(|wrong| wrong.in_item(list, index))?;
            let place = [Step::Key(list), Step::Index(index), Step::Key("after")];
            known(&repair.after, computers, senders).map_err(|wrong| in_path(wrong, &place))?;
        }
    }
    Ok(())
}

fn check_repair(repair: &RepairSpec, right: bool, computers: &[Arc<Computer>]) -> Result<(), Wrong> {
    if repair.title.is_empty() {
        return Err(Wrong::new("say what this does, in one line: title = \"...\""));
    }
    let no_commands = repair.run.trim().is_empty();
    let nothing_else =
        repair.sender.is_empty() && repair.faults_off.is_empty() && repair.certificate.is_empty();
    if no_commands && nothing_else {
        return Err(Wrong::new("there are no commands; write run = '''Set-ReceiveConnector ...'''"));
    }
    if let Some(index) = repair.then.iter().position(|then| then.run.trim().is_empty()) {
        let message = "there are no commands; write run = '''Start-EdgeSynchronization'''";
        return Err(Wrong::at("run", message).in_item("then", index));
    }
    if right && repair.refused.is_some() {
        return Err(Wrong::at("refused", "a fix that is refused fixes nothing; move it to [[wrong_fix]]"));
    }
    if repair.on.is_none() && computers.len() > 1 && !no_commands {
        let message = format!("say whose Shell runs this: on = one of {}", names::known(computers));
        return Err(Wrong::new(message));
    }
    let unknown = |name: &String| {
        called(name, computers)
            .is_none()
            .then(|| Wrong::at("on", format!("there is no computer `{name}` in this lab")))
    };
    if let Some(wrong) = repair.on.as_ref().and_then(unknown) {
        return Err(wrong);
    }
    for (index, then) in repair.then.iter().enumerate() {
        if let Some(wrong) = unknown(&then.on) {
            return Err(wrong.in_item("then", index));
        }
    }
    Ok(())
}

/// Checks what a fix changes on the side of senders, and which faults it ends.
fn check_sides(repair: &RepairSpec, computers: &[Arc<Computer>], senders: &[Sender]) -> Result<(), Wrong> {
    for (name, change) in &repair.sender {
        let wrong = |mut wrong: Wrong| {
            wrong.path.splice(0..0, [Step::Key("sender"), Step::Name(name.clone())]);
            wrong
        };
        let Some(sender) = senders.iter().find(|sender| sender.name.eq_ignore_ascii_case(name)) else {
            return Err(no_sender(name, senders));
        };
        sender.check_change(change).map_err(wrong)?;
    }
    match repair.faults_off.iter().find(|name| called(name, computers).is_none()) {
        Some(name) => Err(Wrong::at("faults_off", format!("there is no computer `{name}` in this lab"))),
        None => Ok(()),
    }
}

/// Checks the changes of certificates that no cmdlet makes.
fn check_changes(scenario: &Scenario, repair: &RepairSpec) -> Result<(), Wrong> {
    changes_are_clear(scenario, &repair.certificate)?;
    for (index, then) in repair.then.iter().enumerate() {
        changes_are_clear(scenario, &then.certificate).map_err(|wrong| wrong.in_item("then", index))?;
    }
    Ok(())
}

/// Checks that each change says what it changes, of one certificate of the lab file.
fn changes_are_clear(
    scenario: &Scenario,
    changes: &BTreeMap<String, CertificateChange>,
) -> Result<(), Wrong> {
    for (name, change) in changes {
        let wrong = |message: String| Err(at("certificate", name, message));
        if *change == CertificateChange::default() {
            return wrong(format!(
                "nothing changes of `{name}`; give in_store, private_key, chain or services"
            ));
        }
        let (server, label) = match name.split_once('\\') {
            Some((server, label)) => (Some(server), label),
            None => (None, name.as_str()),
        };
        let of = |spec: &&ComputerSpec| server.is_none_or(|name| spec.name.eq_ignore_ascii_case(name));
        let specs: Vec<&ComputerSpec> = scenario.computer.iter().filter(of).collect();
        let labels =
            || specs.iter().flat_map(|spec| spec.certificate.iter().filter_map(|it| it.called().ok()));
        let has = |spec: &&&ComputerSpec| {
            let mut own = spec.certificate.iter().filter_map(|it| it.called().ok());
            own.any(|own| own.eq_ignore_ascii_case(label))
        };
        let owners: Vec<&str> = specs.iter().filter(has).map(|spec| spec.name.as_str()).collect();
        match (owners.as_slice(), server) {
            ([_], _) => {}
            ([], Some(server)) if specs.is_empty() => {
                return wrong(format!("there is no computer `{server}` in this lab"));
            }
            ([], _) => {
                let known: Vec<String> = labels().collect();
                let hint = match nearest(label, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known.join(", ")),
                };
                return wrong(format!("no certificate of this lab file is called `{label}`; {hint}"));
            }
            ([first, ..], _) => {
                let all = owners.join(", ");
                return wrong(format!(
                    "several computers have a certificate called `{label}` ({all}); write '{first}\\{label}'"
                ));
            }
        }
    }
    Ok(())
}

fn no_sender(name: &str, senders: &[Sender]) -> Wrong {
    let hint = match nearest(name, senders.iter().map(|sender| sender.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "each needs a [[sender]]".to_owned(),
    };
    at("sender", name, format!("there is no sender `{name}`; {hint}"))
}

fn known(expected: &Expectations, computers: &[Arc<Computer>], senders: &[Sender]) -> Result<(), Wrong> {
    for name in expected.computer.keys() {
        if called(name, computers).is_none() {
            return Err(at("computer", name, format!("there is no computer `{name}` in this lab")));
        }
    }
    for name in expected.receive_connector.keys() {
        computer_of(name, computers).map_err(|why| at("receive_connector", name, why))?;
    }
    for name in expected.send_connector.keys() {
        computer_of(name, computers).map_err(|why| at("send_connector", name, why))?;
    }
    for name in expected.sender.keys() {
        if !senders.iter().any(|sender| sender.name.eq_ignore_ascii_case(name)) {
            return Err(no_sender(name, senders));
        }
    }
    Ok(())
}

/// Checks that the expectations before any change name no connector that a command would have to create
/// first.
fn connectors_are_there(expected: &Expectations, computers: &[Arc<Computer>]) -> Result<(), Wrong> {
    for identity in expected.receive_connector.keys() {
        let Ok((computer, name)) = computer_of(identity, computers) else { continue };
        if computer.receive_connector(name).is_none() {
            let known = computer.receive_connectors.iter().map(|connector| connector.name.as_str());
            let message = missing("receive connector", name, computer, known);
            return Err(at("receive_connector", identity, message));
        }
    }
    for identity in expected.send_connector.keys() {
        let Ok((computer, name)) = computer_of(identity, computers) else { continue };
        if computer.send_connector(name).is_none() {
            let known = computer.send_connectors.iter().map(|connector| connector.name.as_str());
            let message = missing("Send connector", name, computer, known);
            return Err(at("send_connector", identity, message));
        }
    }
    Ok(())
}

/// Checks the labels of certificates in every expectation. Before any command there is no certificate but those of
/// the lab file; a command may make one, whose label is not known here.
pub(super) fn labels(
    scenario: &Scenario,
    computers: &[Arc<Computer>],
    stores: &[Store],
) -> Result<(), Wrong> {
    let check = |expected: &Expectations, path: Vec<Step>| {
        labels_are_there(expected, computers, stores).map_err(|mut wrong| {
            wrong.path.splice(0..0, path);
            wrong
        })
    };
    check(&scenario.before, vec![Step::Key("before")])?;
    if !scenario.fix.iter().any(makes_certificates) {
        check(&scenario.after, vec![Step::Key("after")])?;
    }
    for (list, repairs) in [("fix", &scenario.fix), ("wrong_fix", &scenario.wrong_fix)] {
        for (index, repair) in repairs.iter().enumerate().filter(|(_, repair)| !makes_certificates(repair)) {
            check(&repair.after, vec![Step::Key(list), Step::Index(index), Step::Key("after")])?;
        }
    }
    Ok(())
}

fn makes_certificates(repair: &RepairSpec) -> bool {
    let makes = |run: &str| {
        let run = run.to_ascii_lowercase();
        ["new-exchangecertificate", "import-"].iter().any(|cmdlet| run.contains(cmdlet))
    };
    makes(&repair.run) || repair.then.iter().any(|then| makes(&then.run))
}

fn labels_are_there(
    expected: &Expectations,
    computers: &[Arc<Computer>],
    stores: &[Store],
) -> Result<(), Wrong> {
    let check =
        |kind: &'static str, identity: &str, key: &'static str, label: &Option<String>, words: &[&str]| {
            let (Some(label), Ok((computer, _))) = (label, computer_of(identity, computers)) else {
                return Ok(());
            };
            let of = computers.iter().zip(stores).find(|(known, _)| known.name == computer.name);
            let labels = of.into_iter().flat_map(|(_, store)| store.labels.iter().map(String::as_str));
            let labels: Vec<&str> = labels.chain([EPHEMERAL]).collect();
            let there = labels.iter().any(|known| known.eq_ignore_ascii_case(label));
            if there || words.iter().any(|word| word.eq_ignore_ascii_case(label)) {
                return Ok(());
            }
            let known = labels.iter().chain(words).copied();
            let hint = match nearest(label, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no certificate of {} is called `{label}`; {hint}", computer.name);
            let mut wrong = at(kind, identity, message);
            wrong.path.push(Step::Key(key));
            Err(wrong)
        };
    for (identity, connector) in &expected.receive_connector {
        let words = [NONE, ABSENT];
        check("receive_connector", identity, "starttls", &connector.starttls, &words)?;
        check("receive_connector", identity, "anonymous_tls", &connector.anonymous_tls, &words)?;
    }
    for (identity, connector) in &expected.send_connector {
        let words = [NONE, ABSENT, "NoCredentials", "UnknownCredentials"];
        check("send_connector", identity, "presents", &connector.presents, &words)?;
    }
    Ok(())
}

fn at(kind: &'static str, name: &str, message: String) -> Wrong {
    let mut wrong = Wrong::at(kind, message);
    wrong.path.push(Step::Name(name.to_owned()));
    wrong
}

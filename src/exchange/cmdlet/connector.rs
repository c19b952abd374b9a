//! `Get-`, `Set-`, `New-` and `Remove-ReceiveConnector`.

use std::sync::Arc;

use super::bind::Bound;
use super::error::{Span, Wrong};
use super::host::{Answer, Question};
use super::parameters::{in_cmdlet_words, parameter_of, settings};
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout, like};
use crate::exchange::parameters::{ConnectorParameter, Values};
use crate::exchange::{Computer, Profile, ReceiveConnector, Refusal, Role, TransportRole, Usage, fqdn_guard};

/// `Get-ReceiveConnector`.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let computers = match bound.text("Server")? {
        Some(server) => vec![run.server(&server, bound.place("Server"))?],
        None => run.reachable(),
    };
    let identity = bound.text("Identity")?;
    if let Some(identity) = identity.as_ref().filter(|identity| !identity.contains('*')) {
        let (at, name) = find(run, identity, bound.place("Identity"))?;
        return Ok(run.computer(at).and_then(|computer| shown(computer, &name)).into_iter().collect());
    }
    let mut found = Vec::new();
    for computer in computers.into_iter().filter_map(|at| run.computer(at)) {
        let names = computer.receive_connectors.iter().map(|connector| &connector.name);
        let fits = |name: &&String| match identity.as_deref() {
            Some(pattern) => like(pattern, name) || like(pattern, &format!("{}\\{name}", computer.name)),
            None => true,
        };
        found.extend(names.filter(fits).filter_map(|name| shown(computer, name)));
    }
    Ok(found)
}

/// `Set-ReceiveConnector`.
pub(super) fn set(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    bound.need(&["Identity"])?;
    let identity = bound.text("Identity")?.unwrap_or_default();
    let (at, name) = find(run, &identity, bound.place("Identity"))?;
    let Some(computer) = run.computer(at) else {
        return Ok(Vec::new());
    };
    let Some(old) = computer.receive_connector(&name) else {
        return Ok(Vec::new());
    };
    let mut parameters = settings(bound, old)?;
    parameters.name = bound.text("Name")?;
    let mut new = ReceiveConnector::clone(old);
    parameters.apply_to(&mut new);
    let others = || computer.receive_connectors.iter().filter(|other| !Arc::ptr_eq(other, old));
    check(&new, others(), computer, bound)?;
    if new == **old {
        run.warn(format!(
            "The command completed successfully but no settings of '{}\\{name}' have been modified.",
            computer.name
        ));
        return Ok(Vec::new());
    }
    run.change(at, |computer| {
        let called = |known: &&mut Arc<ReceiveConnector>| known.name == name;
        if let Some(known) = computer.receive_connectors.iter_mut().find(called) {
            *known = Arc::new(new);
        }
    });
    Ok(Vec::new())
}

/// `New-ReceiveConnector`.
pub(super) fn new(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let usage = usage(bound)?;
    // The parameter sets of the cmdlet's page.
    bound.need(match usage {
        Usage::Client | Usage::Internal => &["Name", "RemoteIPRanges"],
        Usage::Internet => &["Name", "Bindings"],
        _ => &["Name", "Bindings", "RemoteIPRanges"],
    })?;
    let at = run.server_of(bound)?;
    let Some(computer) = run.computer(at) else {
        return Ok(Vec::new());
    };
    if usage == Usage::Client && computer.role == Role::Edge {
        let wrong = "the usage type Client does not exist on an Edge Transport server";
        return Err(Wrong::refused(bound.span, wrong));
    }
    let name = bound.text("Name")?.unwrap_or_default();
    let mut made = ReceiveConnector::new(name, usage, computer.role, computer.profile);
    settings(bound, &made)?.apply_to(&mut made);
    check(&made, computer.receive_connectors.iter(), computer, bound)?;
    let name = made.name.clone();
    run.change(at, |computer| computer.receive_connectors.push(Arc::new(made)));
    Ok(run.computer(at).and_then(|computer| shown(computer, &name)).into_iter().collect())
}

/// `Remove-ReceiveConnector`, which asks before it does.
pub(super) fn remove(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    bound.need(&["Identity"])?;
    let identity = bound.text("Identity")?.unwrap_or_default();
    let (at, name) = find(run, &identity, bound.place("Identity"))?;
    let text = format!(
        "Confirm\nAre you sure you want to perform this action?\nRemoving Receive connector \"{}\\{name}\".",
        run.computer(at).map_or("", |computer| &computer.name)
    );
    if confirmed(run, bound, text)? {
        run.change(at, |computer| computer.receive_connectors.retain(|connector| connector.name != name));
    }
    Ok(Vec::new())
}

/// Returns whether the removal is confirmed; `-Confirm:$false` answers beforehand.
pub(super) fn confirmed(run: &mut Run<'_>, bound: &Bound, text: String) -> Result<bool, Wrong> {
    let asks = bound.get("Confirm").is_none_or(|given| given.value != Value::Bool(false));
    Ok(!asks || run.ask(Question::Remove, text, bound.span)? == Answer::Yes)
}

/// Refuses what Exchange refuses, in its words where they are known.
fn check<'a>(
    connector: &ReceiveConnector,
    mut others: impl Iterator<Item = &'a Arc<ReceiveConnector>> + Clone,
    computer: &Computer,
    bound: &Bound,
) -> Result<(), Wrong> {
    let refused = |Refusal { key, message }: Refusal| {
        let place =
            parameter_of(ReceiveConnector::PARAMETERS, key).map_or(bound.span, |name| bound.place(name));
        Wrong::refused(place, in_cmdlet_words(ReceiveConnector::PARAMETERS, &message))
    };
    if let Some(guard) = fqdn_guard(connector, computer) {
        let parameter = if bound.get("Fqdn").is_some() { "Fqdn" } else { "AuthMechanism" };
        return Err(Wrong::refused(bound.place(parameter), guard));
    }
    if connector.transport_role == TransportRole::FrontendTransport && computer.role != Role::Mailbox {
        let wrong = "the role FrontendTransport exists on Mailbox servers of 2013 and later only";
        return Err(Wrong::refused(bound.place("TransportRole"), wrong));
    }
    if let Some(refusal) = connector.refusal(computer.profile) {
        return Err(refused(refusal));
    }
    let same = |other: &&Arc<ReceiveConnector>| other.name.eq_ignore_ascii_case(&connector.name);
    if others.clone().any(|other| same(&other)) {
        let wrong =
            format!("a Receive connector of {} is called '{}' already", computer.name, connector.name);
        return Err(Wrong::refused(bound.place("Name"), wrong));
    }
    match others.find_map(|other| connector.conflict_with(other, &computer.name)) {
        Some(refusal) => Err(refused(refusal)),
        None => Ok(()),
    }
}

/// The usage type, by `-Usage` or by its switch; Custom where there is neither.
fn usage(bound: &Bound) -> Result<Usage, Wrong> {
    const TYPES: [(&str, Usage); 5] = [
        ("Client", Usage::Client),
        ("Custom", Usage::Custom),
        ("Internal", Usage::Internal),
        ("Internet", Usage::Internet),
        ("Partner", Usage::Partner),
    ];
    let switches: Vec<Usage> =
        TYPES.iter().filter(|(name, _)| bound.switch(name)).map(|(_, usage)| *usage).collect();
    match (bound.text("Usage")?, switches.as_slice()) {
        (None, []) => Ok(Usage::Custom),
        (None, [usage]) => Ok(*usage),
        (Some(name), []) => {
            let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
            known.map(|(_, usage)| *usage).ok_or_else(|| {
                let names = TYPES.map(|(name, _)| name).join(", ");
                Wrong::argument(bound.place("Usage"), format!("-Usage: `{name}` is not one of {names}"))
            })
        }
        _ => Err(Wrong::argument(bound.span, "a connector has one usage type")),
    }
}

/// The connector of this identity: `SERVER\Name`, or a name on the server of the Shell.
fn find(run: &Run<'_>, identity: &str, span: Span) -> Result<(usize, String), Wrong> {
    let (at, name) = match identity.split_once('\\') {
        Some((server, name)) => (run.server(server, span)?, name),
        None => (run.here, identity),
    };
    let computer = run.computer(at);
    if let Some(found) = computer.and_then(|computer| computer.receive_connector(name)) {
        return Ok((at, found.name.clone()));
    }
    let connectors = computer.map(|computer| computer.receive_connectors.as_slice()).unwrap_or_default();
    let names: Vec<String> = connectors.iter().map(|connector| format!("'{}'", connector.name)).collect();
    let server = computer.map_or("", |computer| &computer.name);
    let wrong = format!(
        "The operation couldn't be performed because object '{identity}' couldn't be found on '{server}'. It has: {}",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    );
    Err(Wrong::not_found(span, wrong))
}

const LAYOUT: Layout = Layout::Table {
    columns: &[Column::of("Identity"), Column::of("Bindings"), Column::of("Enabled")],
    hidden: &[],
};

/// The order of `Get-ReceiveConnector | Format-List` in an output of 2016 that its owner posted.
const ORDER: &[&str] = &[
    "AuthMechanism",
    "Banner",
    "BinaryMimeEnabled",
    "Bindings",
    "ChunkingEnabled",
    "DeliveryStatusNotificationEnabled",
    "EightBitMimeEnabled",
    "SmtpUtf8Enabled",
    "BareLinefeedRejectionEnabled",
    "DomainSecureEnabled",
    "EnhancedStatusCodesEnabled",
    "LongAddressesEnabled",
    "OrarEnabled",
    "SuppressXAnonymousTls",
    "Fqdn",
    "TlsCertificateName",
    "Enabled",
    "ConnectionTimeout",
    "ConnectionInactivityTimeout",
    "MessageRateLimit",
    "MessageRateSource",
    "MaxInboundConnection",
    "MaxInboundConnectionPerSource",
    "MaxInboundConnectionPercentagePerSource",
    "MaxHeaderSize",
    "MaxHopCount",
    "MaxLogonFailures",
    "MaxMessageSize",
    "MaxProtocolErrors",
    "MaxRecipientsPerMessage",
    "PermissionGroups",
    "PipeliningEnabled",
    "ProtocolLoggingLevel",
    "RemoteIPRanges",
    "RequireEHLODomain",
    "RequireTLS",
    "EnableAuthGSSAPI",
    "Server",
    "TransportRole",
    "SizeEnabled",
    "TarpitInterval",
    "AuthTarpitInterval",
    "Name",
    "Identity",
];

/// A connector as the cmdlet hands it on. A blank FQDN is shown blank; which name it stands for is not the
/// cmdlet's to say.
fn shown(computer: &Computer, name: &str) -> Option<Value> {
    let connector = computer.receive_connector(name)?;
    let identity = format!("{}\\{}", computer.name, connector.name);
    let mut all = Values::of(|values| connector.show(values));
    all.retain(|(name, _)| exists(ReceiveConnector::PARAMETERS, name, computer.profile));
    all.push(("Name", Value::text(&connector.name)));
    all.push(("Server", Value::text(&computer.name)));
    all.push(("Identity", Value::text(&identity)));
    all.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name));
    Some(Object::value(all, LAYOUT, identity))
}

/// Returns whether an Exchange of this version has the parameter.
pub(super) fn exists(parameters: &[ConnectorParameter], name: &str, profile: Profile) -> bool {
    let parameter = parameters.iter().find(|parameter| parameter.name == name);
    parameter.is_none_or(|parameter| parameter.since <= profile)
}

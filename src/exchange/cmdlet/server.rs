//! The servers themselves: `Get-` and `Set-TransportService`, `Get-MailboxServer`, `Get-ExchangeServer`.

use super::bind::Bound;
use super::error::Wrong;
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout};
use crate::exchange::{Computer, EventKind, Profile, Role};
use crate::pki::Thumbprint;

/// `Get-TransportService`, and `Get-TransportServer` of 2007 and 2010: since 2013 that says that it is on its
/// way out.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    on_its_way_out(run, bound);
    let computers = named(run, bound)?;
    Ok(computers.into_iter().filter_map(|at| run.computer(at)).map(shown).collect())
}

/// `Set-TransportService` and `Set-TransportServer`: of all that they set, a lab has the internal transport
/// certificate. Whether there is such a certificate the cmdlet does not ask; the events tell (12013).
pub(super) fn set(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    on_its_way_out(run, bound);
    bound.need(&["Identity"])?;
    let identity = bound.text("Identity")?.unwrap_or_default();
    let at = run.server(&identity, bound.place("Identity"))?;
    let Some(given) = bound.get("InternalTransportCertificateThumbprint") else {
        return Ok(Vec::new());
    };
    let thumbprint: Option<Thumbprint> = match &given.value {
        Value::Null => None,
        Value::Text(text) if text.is_empty() => None,
        other => Some(other.in_text().parse().map_err(|error| {
            let wrong = format!("-InternalTransportCertificateThumbprint: `{other}` is none; {error}");
            Wrong::argument(given.span, wrong)
        })?),
    };
    let known = run.computer(at).is_some_and(|computer| {
        thumbprint.is_none_or(|thumbprint| computer.store.find(thumbprint).is_some())
    });
    if !known {
        run.warn(format!(
            "no certificate of this thumbprint is in the store of the server; event {} will say so.",
            EventKind::InternalCertificateGone.id()
        ));
    }
    if run.computer(at).is_some_and(|computer| computer.internal_transport_certificate != thumbprint) {
        run.change(at, |computer| computer.internal_transport_certificate = thumbprint);
    }
    Ok(Vec::new())
}

/// `Get-MailboxServer`.
pub(super) fn mailbox(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let computers = named(run, bound)?;
    let mut found = Vec::new();
    for computer in computers.into_iter().filter_map(|at| run.computer(at)) {
        match computer.role {
            Role::Mailbox => found.push(of_organization(computer)),
            Role::Edge | Role::HubTransport if bound.get("Identity").is_some() => {
                let wrong = format!("'{}' is no Mailbox server", computer.name);
                return Err(Wrong::not_found(bound.place("Identity"), wrong));
            }
            Role::Edge | Role::HubTransport => {}
        }
    }
    Ok(found)
}

/// `Get-ExchangeServer`.
pub(super) fn exchange(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let computers = named(run, bound)?;
    Ok(computers.into_iter().filter_map(|at| run.computer(at)).map(of_organization).collect())
}

fn on_its_way_out(run: &mut Run<'_>, bound: &Bound) {
    if bound.cmdlet.ends_with("-TransportServer") && run.profile() >= Profile::Exchange2013 {
        let newer = bound.cmdlet.replace("-TransportServer", "-TransportService");
        run.warn(format!("{} is there for older scripts only; use {newer}.", bound.cmdlet));
    }
}

fn named(run: &Run<'_>, bound: &Bound) -> Result<Vec<usize>, Wrong> {
    match bound.text("Identity")? {
        Some(name) => Ok(vec![run.server(&name, bound.place("Identity"))?]),
        None => Ok(run.reachable()),
    }
}

fn shown(computer: &Computer) -> Value {
    let internal = computer.internal_transport_certificate;
    let properties = [
        ("Name", Value::text(&computer.name)),
        (
            "InternalTransportCertificateThumbprint",
            internal.map_or(Value::Null, |of| Value::text(of.to_string())),
        ),
        ("Identity", Value::text(&computer.name)),
    ];
    Object::value(properties, Layout::List, &computer.name)
}

/// Returns the properties of a server that both cmdlets show, as far as a lab knows them.
fn of_organization(computer: &Computer) -> Value {
    const LAYOUT: Layout = Layout::Table {
        columns: &[Column::of("Name"), Column::of("ServerRole"), Column::of("Fqdn")],
        hidden: &[],
    };
    let role = match computer.role {
        Role::Edge => "Edge",
        Role::HubTransport => "HubTransport",
        Role::Mailbox => "Mailbox",
    };
    let properties = [
        ("Name", Value::text(&computer.name)),
        ("Fqdn", Value::text(computer.fqdn.as_str())),
        ("ServerRole", Value::text(role)),
        ("Edition", Value::text("Standard")),
        ("IsEdgeServer", Value::Bool(computer.role == Role::Edge)),
        ("IsMailboxServer", Value::Bool(computer.role == Role::Mailbox)),
        ("IsHubTransportServer", Value::Bool(computer.role != Role::Edge)),
        ("Identity", Value::text(&computer.name)),
    ];
    Object::value(properties, LAYOUT, &computer.name)
}

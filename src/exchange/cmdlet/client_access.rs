//! `Get-` and `Set-ImapSettings`, `Get-` and `Set-PopSettings`: the certificate of the services for mail clients.

use super::bind::Bound;
use super::error::Wrong;
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout};
use crate::exchange::{ClientService, Computer, Role, StoredCertificate};
use crate::name::covers;

/// `Get-ImapSettings` and `Get-PopSettings`.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let service = service(bound);
    let at = server(run, bound)?;
    Ok(run.computer(at).map(|computer| shown(computer, service)).into_iter().collect())
}

/// `Set-ImapSettings` and `Set-PopSettings`: of all that they set, a lab has `X509CertificateName`. Neither SMTP nor
/// any connector reads it.
pub(super) fn set(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let service = service(bound);
    let at = server(run, bound)?;
    if bound.get("X509CertificateName").is_none() {
        return Ok(Vec::new());
    }
    let name = bound.text("X509CertificateName")?.filter(|name| !name.is_empty());
    if let (Some(name), Some(computer)) = (&name, run.computer(at)) {
        let carries =
            |stored: &StoredCertificate| {
                stored.facts.names().into_iter().any(|presented| {
                    presented.eq_ignore_ascii_case(name) || covers(presented, name).is_some()
                })
            };
        if !computer.store.iter().any(carries) {
            let warning = format!(
                "no certificate in the store of {} carries {name}; {service} finds none.",
                computer.name
            );
            run.warn(warning);
        }
    }
    run.change(at, |computer| *computer.client_certificate_names.of_mut(service) = name);
    Ok(Vec::new())
}

fn service(bound: &Bound) -> ClientService {
    if bound.cmdlet.contains("-Imap") { ClientService::Imap } else { ClientService::Pop }
}

/// Returns the server, which has the services unless it is an Edge.
fn server(run: &Run<'_>, bound: &Bound) -> Result<usize, Wrong> {
    let at = run.server_of(bound)?;
    match run.computer(at) {
        Some(computer) if computer.role == Role::Edge => {
            let wrong = format!("{} is an Edge, which has no IMAP and no POP.", computer.name);
            Err(Wrong::not_found(bound.span, wrong))
        }
        Some(_) | None => Ok(at),
    }
}

fn shown(computer: &Computer, service: ClientService) -> Value {
    const LAYOUT: Layout = Layout::Table {
        columns: &[Column::of("ProtocolName"), Column::of("Server"), Column::of("X509CertificateName")],
        hidden: &[],
    };
    let protocol = match service {
        ClientService::Imap => "IMAP4",
        ClientService::Pop => "POP3",
    };
    let identity = format!("{}\\1", computer.name);
    let properties = [
        ("ProtocolName", Value::text(protocol)),
        ("Name", Value::text("1")),
        ("X509CertificateName", Value::text(computer.client_certificate_name(service))),
        ("Server", Value::text(&computer.name)),
        ("Identity", Value::text(&identity)),
    ];
    Object::value(properties, LAYOUT, identity.as_str())
}

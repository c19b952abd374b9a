//! What guides use beside the cmdlets of Exchange: files, passwords, `certutil`, restarts.

use std::sync::Arc;

use super::bind::{Bound, unbound};
use super::error::Wrong;
use super::run::{Piped, Run};
use super::syntax::Command;
use super::value::{Object, Value};
use super::view::Layout;
use crate::exchange::{ChainStatus, PrivateKey};

/// `Get-Content`: what `Set-Content` wrote, or a file that lies outside the lab.
pub(super) fn get_content(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let path = match bound.text("Path")? {
        Some(path) => Some(path),
        None => bound.text("LiteralPath")?,
    };
    match path {
        Some(path) => Ok(vec![run.file(&path)]),
        None => Err(bound.missing(&["Path"])),
    }
}

/// `Set-Content`: kept in memory; a lab writes no files of its users.
pub(super) fn set_content(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    bound.need(&["Path", "Value"])?;
    let path = bound.text("Path")?.unwrap_or_default();
    let value = bound.get("Value").map_or(Value::Null, |given| given.value.clone());
    run.memory.files.insert(path.to_lowercase(), value);
    Ok(Vec::new())
}

/// `Get-Credential`: a lab does not look at passwords, so none is asked for.
pub(super) fn get_credential(_: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let user = bound.text("UserName")?.or(bound.text("Credential")?);
    let properties = vec![
        ("UserName".to_owned(), user.map_or(Value::Null, Value::Text)),
        ("Password".to_owned(), hidden()),
    ];
    let identity = "System.Management.Automation.PSCredential".to_owned();
    Ok(vec![Value::Object(Arc::new(Object { properties, layout: Layout::Plain, identity }))])
}

/// `ConvertTo-SecureString` and `Read-Host`.
pub(super) fn secret(_: &mut Run<'_>, _: &Bound) -> Result<Vec<Value>, Wrong> {
    Ok(vec![hidden()])
}

fn hidden() -> Value {
    Value::text("System.Security.SecureString")
}

/// `Restart-Service`, with which most guides end.
pub(super) fn restart_service(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    bound.need(&["Name"])?;
    run.warn("a restart changes nothing here: each session loads its certificate anew.");
    Ok(Vec::new())
}

/// `certutil -repairstore my SERIAL` and `certutil -addstore Root FILE`.
///
/// The first finds a private key that is on the computer and that the certificate has lost. The second
/// trusts an authority; which one is in the file a lab cannot know, so every chain on the computer that
/// ended nowhere is complete afterwards.
pub(super) fn certutil(run: &mut Run<'_>, command: &Command, _: Vec<Value>) -> Result<Piped, Wrong> {
    let mut words = Vec::new();
    for argument in unbound(command) {
        words.push(match argument {
            Ok(switch) => format!("-{}", switch.to_lowercase()),
            Err(value) => run.expression(value)?.to_string(),
        });
    }
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "-f").collect();
    let here = run.here;
    match words.as_slice() {
        ["-repairstore", store, serial] if store.eq_ignore_ascii_case("my") => {
            let bare = serial.replace([' ', '"'], "");
            let is_it = |of: &str| of.eq_ignore_ascii_case(&bare);
            let known = run.computer(here).is_some_and(|computer| {
                computer.store.iter().any(|stored| is_it(&stored.facts.serial_number))
            });
            if !known {
                let wrong = format!("no certificate in the store has the serial number {serial}");
                return Err(Wrong::not_found(command.span, wrong));
            }
            run.change(here, |computer| {
                let of_serial = computer.store.iter_mut().filter(|stored| is_it(&stored.facts.serial_number));
                of_serial.for_each(|stored| stored.private_key = PrivateKey::Present);
            });
        }
        ["-addstore", store, _] if store.eq_ignore_ascii_case("Root") => {
            run.change(here, |computer| {
                let lost = computer.store.iter_mut().filter(|stored| stored.chain == ChainStatus::Untrusted);
                lost.for_each(|stored| stored.chain = ChainStatus::Valid);
            });
        }
        // Intermediates alone change nothing: the root is what a chain has to end in.
        ["-addstore", store, _] if store.eq_ignore_ascii_case("CA") => {}
        _ => {
            let wrong = "certutil knows here: -repairstore my SERIAL, -addstore Root FILE, -addstore CA FILE";
            return Err(Wrong::argument(command.span, wrong));
        }
    }
    let said = format!("CertUtil: {} command completed successfully.", words.first().unwrap_or(&""));
    Ok(Piped { values: vec![Value::Text(said)], ..Piped::default() })
}

//! Windows commands that guides use besides the Exchange cmdlets: files, passwords, `certutil`, restarts.

use super::bind::{Bound, unbound};
use super::error::Wrong;
use super::execute::Piped;
use super::run::Run;
use super::syntax::Command;
use super::value::{Object, Value};
use super::view::Layout;
use crate::exchange::{CertificateFacts, ChainStatus, PrivateKey};
use crate::pki::Thumbprint;

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
    let path = match bound.text("FilePath")? {
        Some(path) => path,
        None => {
            bound.need(&["Path", "Value"])?;
            bound.text("Path")?.unwrap_or_default()
        }
    };
    let value = bound.get("Value").map_or(Value::Null, |given| given.value.clone());
    run.write_file(&path, value, bound.span)?;
    Ok(Vec::new())
}

/// `Get-Credential`: a lab does not look at passwords, so none is asked for.
pub(super) fn get_credential(_: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let user = bound.text("UserName")?.or(bound.text("Credential")?);
    let properties = [("UserName", user.map_or(Value::Null, Value::Text)), ("Password", hidden())];
    Ok(vec![Object::value(properties, Layout::Plain, "System.Management.Automation.PSCredential")])
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

/// `certutil -repairstore my CERTIFICATE`, `-store my` and `-addstore Root FILE`.
///
/// The first finds a private key that is on the computer and that the certificate has lost; it takes a serial
/// number, a thumbprint, or a part of the subject. The last trusts an authority; which one is in the file a
/// lab cannot know, so every chain on the computer that ended nowhere is complete afterwards.
pub(super) fn certutil(run: &mut Run<'_>, command: &Command, _: Vec<Value>) -> Result<Piped, Wrong> {
    let mut words = Vec::new();
    for argument in unbound(command) {
        words.push(match argument {
            Ok(switch) => format!("-{}", switch.to_lowercase()),
            Err(value) => run.expression(value)?.in_text(),
        });
    }
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "-f").collect();
    let here = run.here;
    let mut said = Vec::new();
    match words.as_slice() {
        ["-repairstore", store, wanted] if store.eq_ignore_ascii_case("my") => {
            let found = certificates(run, wanted);
            if found.is_empty() {
                let wrong = format!(
                    "CertUtil: -repairstore command FAILED: 0x80090011. No certificate in the store has `{wanted}` as serial number, thumbprint or part of its subject"
                );
                return Err(Wrong::not_found(command.span, wrong));
            }
            run.change(here, |computer| {
                let wanted = computer.store.iter_mut().filter(|it| found.contains(&it.facts.thumbprint));
                wanted.for_each(|stored| stored.private_key = PrivateKey::Present);
            });
        }
        ["-store", store] if store.eq_ignore_ascii_case("my") => said.extend(listed(run, None)),
        ["-store", store, wanted] if store.eq_ignore_ascii_case("my") => {
            said.extend(listed(run, Some(&certificates(run, wanted))));
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
            let wrong = "certutil knows here: -repairstore my CERTIFICATE, -store my, -addstore Root FILE, -addstore CA FILE";
            return Err(Wrong::argument(command.span, wrong));
        }
    }
    said.push(format!("CertUtil: {} command completed successfully.", words.first().unwrap_or(&"")));
    Ok(said.into_iter().map(Value::Text).collect::<Vec<_>>().into())
}

/// The certificates of the computer that `wanted` means: by serial number, by thumbprint, or else by a part
/// of the subject.
fn certificates(run: &Run<'_>, wanted: &str) -> Vec<Thumbprint> {
    let bare: String = wanted.chars().filter(|c| !matches!(c, ' ' | '"' | '\u{200e}')).collect();
    let by = |is: &dyn Fn(&CertificateFacts) -> bool| -> Vec<Thumbprint> {
        let store = run.computer(run.here).into_iter().flat_map(|computer| computer.store.iter());
        store.map(|stored| &stored.facts).filter(|facts| is(facts)).map(|facts| facts.thumbprint).collect()
    };
    // A serial number is written with and without the zeros in front.
    let number = |text: &str| text.trim_start_matches('0').to_ascii_lowercase();
    let exact = by(&|facts| {
        number(&facts.serial_number) == number(&bare)
            || facts.thumbprint.to_string().eq_ignore_ascii_case(&bare)
    });
    if !exact.is_empty() || wanted.trim().is_empty() {
        return exact;
    }
    let part = wanted.trim().to_lowercase();
    by(&|facts| facts.subject.to_lowercase().contains(&part))
}

fn listed(run: &Run<'_>, wanted: Option<&[Thumbprint]>) -> Vec<String> {
    let store = run.computer(run.here).into_iter().flat_map(|computer| computer.store.iter());
    let wanted = store.filter(|it| wanted.is_none_or(|wanted| wanted.contains(&it.facts.thumbprint)));
    let listed = wanted.enumerate().map(|(at, stored)| {
        let facts = &stored.facts;
        let key = match stored.private_key {
            PrivateKey::Present | PrivateKey::Unreadable => "  Encryption test passed",
            PrivateKey::Missing => "No key provider information",
        };
        format!(
            "================ Certificate {at} ================\nSerial Number: {}\nIssuer: {}\n NotBefore: {}\n NotAfter: {}\nSubject: {}\nCert Hash(sha1): {}\n{key}\n",
            facts.serial_number.to_lowercase(),
            facts.issuer,
            Value::Date(facts.not_before),
            Value::Date(facts.not_after),
            facts.subject,
            facts.thumbprint.to_string().to_lowercase(),
        )
    });
    listed.collect()
}

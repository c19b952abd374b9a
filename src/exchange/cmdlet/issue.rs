//! `New-ExchangeCertificate` and `Import-ExchangeCertificate`.

use std::collections::HashSet;

use super::bind::{Bound, Given};
use super::certificate::shown;
use super::enable::{assign, overwrite, publish, services};
use super::error::Wrong;
use super::host::{Answer, CertificateRequest, CertificateSource, Wanted};
use super::run::Run;
use super::value::Value;
use crate::exchange::{Computer, PrivateKey, Services, StoredCertificate};
use crate::pki::DistinguishedName;

/// `New-ExchangeCertificate`: a self-signed certificate, or with `-GenerateRequest` a request that
/// `Import-ExchangeCertificate` later finds the answer to.
pub(super) fn new(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let at = run.server_of(bound)?;
    let Some(computer) = run.computer(at) else {
        return Ok(Vec::new());
    };
    let wanted = match bound.get("Instance") {
        Some(given) => renewed(computer, bound, given)?,
        None => wanted(computer, bound)?,
    };
    let server = computer.name.clone();
    if bound.switch("GenerateRequest") {
        return request(run, bound, server, wanted);
    }
    if run.only_trying() {
        return Ok(Vec::new());
    }
    let services = wanted.services;
    let source = CertificateSource::SelfSigned(wanted);
    let stored = ask_host(run, bound, &CertificateRequest { computer: server, source })?;
    let thumbprint = stored.facts.thumbprint;
    file(run, at, StoredCertificate { services: Services::NONE, private_key: PrivateKey::Present, ..stored });
    let overwritten =
        if services.contains(Services::SMTP) { overwrite(run, bound, at, thumbprint)? } else { Answer::No };
    assign(run, at, thumbprint, services, false);
    publish(run, at, thumbprint, overwritten);
    Ok(found(run, at, thumbprint))
}

/// `Import-ExchangeCertificate`: services are assigned afterwards, with `Enable-ExchangeCertificate`.
pub(super) fn import(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let at = run.server_of(bound)?;
    let given = ["FileData", "FileName", "Path"].iter().find_map(|name| bound.get(name));
    let Some(given) = given else {
        let newest =
            if run.profile() >= crate::exchange::Profile::Exchange2010 { "FileData" } else { "Path" };
        return Err(bound.missing(&[newest]));
    };
    let written = match (&given.value, given.parameter.name) {
        (Value::Text(path), "FileName" | "Path") => run.file(path),
        (value, _) => value.clone(),
    };
    if let Some(exported) = run.state.exported.read(&written) {
        if run.only_trying() {
            return Ok(Vec::new());
        }
        if bound.get("Password").is_none() && exported.private_key != PrivateKey::Missing {
            let wrong = "The password is missing: a file with a private key is read with -Password";
            return Err(Wrong::refused(given.span, wrong));
        }
        let thumbprint = exported.facts.thumbprint;
        file(run, at, exported);
        return Ok(found(run, at, thumbprint));
    }
    let file_name = match (&given.value, given.parameter.name) {
        (Value::File(path), _) => path.clone(),
        (Value::Text(path), "FileName" | "Path") => path.clone(),
        (other, name) => {
            let bytes = "([System.IO.File]::ReadAllBytes('C:\\answer.cer'))";
            let wrong = match name {
                "FileData" => format!("-FileData takes bytes, such as {bytes}, not `{other}`"),
                _ => format!("-{name} takes the path of a file, not `{other}`"),
            };
            return Err(Wrong::argument(given.span, wrong));
        }
    };
    if run.only_trying() {
        return Ok(Vec::new());
    }
    let server = run.computer(at).map(|computer| computer.name.clone()).unwrap_or_default();
    let password = bound.get("Password").is_some();
    // The answer of an authority has no password; it belongs to the request that was made last.
    let pending = run.state.requests.iter().rposition(|(of, _)| !password && *of == server);
    let source = match pending.map(|pending| run.state.requests.remove(pending)) {
        Some((_, wanted)) => CertificateSource::Authority { wanted, file: file_name },
        None => CertificateSource::File { file: file_name, password },
    };
    let stored = ask_host(run, bound, &CertificateRequest { computer: server, source })?;
    let thumbprint = stored.facts.thumbprint;
    file(run, at, stored);
    Ok(found(run, at, thumbprint))
}

/// Returns the content of a renewed certificate: the subject and the names of the old one, and what was given
/// besides. That it is enabled for the services of the old one is inferred.
fn renewed(computer: &Computer, bound: &Bound, given: &Given) -> Result<Wanted, Wrong> {
    let Value::Object(old) = &given.value else {
        let wrong = "New-ExchangeCertificate renews what Get-ExchangeCertificate puts out";
        return Err(Wrong::argument(given.span, wrong));
    };
    let thumbprint = old.property("Thumbprint").and_then(|text| text.to_string().parse().ok());
    let Some(old) = thumbprint.and_then(|thumbprint| computer.store.find(thumbprint)) else {
        let wrong = format!("the certificate that is to be renewed is not in the store of {}", computer.name);
        return Err(Wrong::not_found(given.span, wrong));
    };
    let new = wanted(computer, bound)?;
    let given = |name: &str| bound.get(name).is_some();
    let names = old.facts.names().into_iter().map(str::to_owned).collect();
    Ok(Wanted {
        subject: if given("SubjectName") { new.subject } else { old.facts.subject.clone() },
        names: if given("DomainName") || given("SubjectName") { new.names } else { names },
        services: if given("Services") || old.services.is_empty() { new.services } else { old.services },
        key_size: new.key_size,
        friendly_name: if given("FriendlyName") { new.friendly_name } else { old.label.clone() },
    })
}

/// Returns the requested content with the defaults of the cmdlet's page: the server's names, IMAP, POP and
/// SMTP, 2048 bits. The common name is always among the names, and `-DomainName` alone makes the subject.
fn wanted(computer: &Computer, bound: &Bound) -> Result<Wanted, Wrong> {
    let mut names: Vec<String> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let mut add = |name: &str| {
        if !name.is_empty() && known.insert(name.to_ascii_lowercase()) {
            names.push(name.to_owned());
        }
    };
    let subject = bound.text("SubjectName")?;
    let parsed = subject.as_deref().map(str::parse::<DistinguishedName>).transpose();
    let parsed = parsed
        .map_err(|error| Wrong::argument(bound.place("SubjectName"), format!("-SubjectName: {error}")))?;
    let domains = bound.texts("DomainName");
    if let Some(long) = domains.iter().find(|name| name.chars().count() > 255) {
        let wrong =
            format!("-DomainName: a name has at most 255 characters, this one {}", long.chars().count());
        return Err(Wrong::argument(bound.place("DomainName"), wrong));
    }
    parsed.iter().flat_map(DistinguishedName::common_names).for_each(&mut add);
    domains.iter().for_each(|name| add(name));
    if bound.switch("IncludeServerNetBIOSName") || (subject.is_none() && domains.is_empty()) {
        add(&computer.name);
    }
    if bound.switch("IncludeServerFQDN") || (subject.is_none() && domains.is_empty()) {
        add(computer.fqdn.as_str());
    }
    if bound.switch("IncludeAcceptedDomains") {
        computer.accepted_domains.iter().for_each(|domain| add(domain.as_str()));
    }
    let subject = match (parsed, domains.first()) {
        (Some(subject), _) => subject.to_string(),
        (None, Some(name)) => DistinguishedName::common_name(name).to_string(),
        (None, None) => DistinguishedName::common_name(&computer.name).to_string(),
    };
    let default = Services::IMAP.and(Services::POP).and(Services::SMTP);
    let key_size = match bound.number("KeySize")? {
        None => 2048,
        Some(1024) => 1024,
        Some(2048) => 2048,
        Some(4096) => 4096,
        Some(other) => {
            let wrong = format!("-KeySize: {other} is not one of 1024, 2048, 4096");
            return Err(Wrong::argument(bound.place("KeySize"), wrong));
        }
    };
    Ok(Wanted {
        subject,
        names,
        services: services(bound)?.unwrap_or(default),
        key_size,
        friendly_name: bound.text("FriendlyName")?.unwrap_or_else(|| "Microsoft Exchange".to_owned()),
    })
}

/// A request is remembered, and written down as a text that says so: it has no key to be signed with.
fn request(run: &mut Run<'_>, bound: &Bound, server: String, wanted: Wanted) -> Result<Vec<Value>, Wrong> {
    let text = format!(
        "-----BEGIN NEW CERTIFICATE REQUEST-----\n(remembered by the lab) {}; {}\n-----END NEW CERTIFICATE REQUEST-----",
        wanted.subject,
        wanted.names.join(", ")
    );
    const MOST_REQUESTS: usize = 64;
    if run.state.requests.len() >= MOST_REQUESTS {
        let wrong = format!(
            "{MOST_REQUESTS} requests wait for their certificates already; import some of them first"
        );
        return Err(Wrong::refused(bound.span, wrong));
    }
    run.state.requests.push((server, wanted));
    let file = match bound.text("RequestFile")? {
        Some(file) => Some(file),
        None => bound.text("Path")?,
    };
    match file {
        Some(file) => {
            run.write_file(&file, Value::Text(text), bound.span)?;
            Ok(Vec::new())
        }
        None => Ok(vec![Value::Text(text)]),
    }
}

pub(super) fn ask_host(
    run: &mut Run<'_>,
    bound: &Bound,
    request: &CertificateRequest,
) -> Result<StoredCertificate, Wrong> {
    let issued = run.host.certificate(request);
    issued.map_err(|why| Wrong::refused(bound.span, format!("there is no such certificate: {why}")))
}

/// Files a certificate. One that is there already keeps its services and what is known of it, and gets
/// the key that came along.
pub(super) fn file(run: &mut Run<'_>, at: usize, new: StoredCertificate) {
    run.change(at, |computer| {
        let known = computer.store.iter_mut().find(|known| known.facts.thumbprint == new.facts.thumbprint);
        match known {
            Some(known) => {
                if new.private_key == PrivateKey::Present {
                    known.private_key = PrivateKey::Present;
                    known.material = new.material.or(known.material.take());
                }
            }
            None => {
                let label = free_label(computer, &new.label);
                computer.store.add(StoredCertificate { services: Services::NONE, label, ..new });
            }
        }
    });
}

/// The label, or with a number behind it where another certificate is called so already.
fn free_label(computer: &Computer, label: &str) -> String {
    let taken = |label: &str| computer.store.iter().any(|stored| stored.label == label);
    let numbered = (2_u32..).map(|number| format!("{label} ({number})"));
    std::iter::once(label.to_owned()).chain(numbered).find(|label| !taken(label)).unwrap_or_default()
}

fn found(run: &Run<'_>, at: usize, thumbprint: crate::pki::Thumbprint) -> Vec<Value> {
    let object = run
        .computer(at)
        .and_then(|computer| computer.store.find(thumbprint).map(|stored| shown(computer, stored, run.now)));
    object.into_iter().collect()
}

//! `Enable-ExchangeCertificate`, and what it asks.

use jiff::tz::TimeZone;

use super::bind::Bound;
use super::certificate::{find, not_valid, required};
use super::error::Wrong;
use super::host::{Answer, Question};
use super::run::Run;
use super::value::Value;
use crate::exchange::{ClientService, Computer, PrivateKey, Services, StoredCertificate};
use crate::pki::Thumbprint;

/// `Enable-ExchangeCertificate`: adds services; none can be taken away again.
///
/// `SMTP`, or `-NetworkServiceAllowed` alone, lets the transport service read the private key. Source:
/// the cmdlet's page.
pub(super) fn enable(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let (at, thumbprint, span) = required(run, bound)?;
    let readable = bound.switch("NetworkServiceAllowed");
    if !readable {
        bound.need(&["Services"])?;
    }
    let services = services(bound)?.unwrap_or(Services::NONE);
    let stored = find(run, at, thumbprint, span)?;
    if stored.private_key == PrivateKey::Missing {
        return Err(not_valid(thumbprint, span));
    }
    // Whether all of it is wanted is asked before any of it is done.
    let overwrite =
        if services.contains(Services::SMTP) { overwrite(run, bound, at, thumbprint)? } else { Answer::No };
    assign(run, at, thumbprint, services, readable);
    publish(run, at, thumbprint, overwrite);
    Ok(Vec::new())
}

/// `-Services` as a set: a list, or one text with commas.
pub(super) fn services(bound: &Bound) -> Result<Option<Services>, Wrong> {
    if bound.get("Services").is_none() {
        return Ok(None);
    }
    let read = bound.texts("Services").join(",").parse::<Services>();
    read.map(Some).map_err(|wrong| Wrong::argument(bound.place("Services"), format!("-Services: {wrong}")))
}

/// Asks "Overwrite the existing default SMTP certificate?" where there is another one.
pub(super) fn overwrite(
    run: &mut Run<'_>,
    bound: &Bound,
    at: usize,
    thumbprint: Thumbprint,
) -> Result<Answer, Wrong> {
    let Some(computer) = run.computer(at) else {
        return Ok(Answer::No);
    };
    match computer.internal_transport_certificate {
        Some(current) if current != thumbprint => {
            if bound.switch("Force") {
                return Ok(Answer::Yes);
            }
            let text = question(computer, current, thumbprint);
            run.ask(Question::OverwriteDefaultSmtpCertificate, text, bound.place("Services"))
        }
        _ => Ok(Answer::No),
    }
}

/// Adds services to a certificate; with SMTP the transport service gets to read its key.
///
/// IMAP and POP find their certificate by `X509CertificateName`, which is set here to the certificate's name. From a
/// wildcard no name can be taken: the cmdlet then warns and leaves both services alone (KB 948896; the text is that of
/// forum posts, "cannot used" as the product prints it).
pub(super) fn assign(
    run: &mut Run<'_>,
    at: usize,
    thumbprint: Thumbprint,
    services: Services,
    readable: bool,
) {
    let facts =
        run.computer(at).and_then(|computer| computer.store.find(thumbprint)).map(|it| it.facts.clone());
    let wanted = ClientService::ALL.into_iter().filter(|service| services.contains(service.flag()));
    let mut services = services;
    for service in wanted.collect::<Vec<_>>() {
        match facts.as_ref().and_then(|facts| facts.client_name()) {
            Some(name) => {
                let name = Some(name.to_owned());
                run.change(at, |computer| *computer.client_certificate_names.of_mut(service) = name);
            }
            None => {
                services = services.without(service.flag());
                let subject = facts.as_ref().and_then(|facts| facts.first_name()).unwrap_or_default();
                run.warn(wildcard(thumbprint, subject, service));
                run.warn(UNTOUCHED);
            }
        }
    }
    let change = |stored: &mut StoredCertificate| {
        stored.services = stored.services.and(services);
        let granted = readable || services.contains(Services::SMTP);
        if granted && stored.private_key == PrivateKey::Unreadable {
            stored.private_key = PrivateKey::Present;
        }
    };
    run.change(at, |computer| {
        computer.store.iter_mut().filter(|stored| stored.facts.thumbprint == thumbprint).for_each(change);
    });
}

/// Returns the cmdlet's warning about a wildcard.
fn wildcard(thumbprint: Thumbprint, subject: &str, service: ClientService) -> String {
    let cmdlet = match service {
        ClientService::Imap => "Set-IMAPSettings",
        ClientService::Pop => "Set-POPSettings",
    };
    format!(
        "This certificate with thumbprint {thumbprint} and subject '{subject}' cannot used for {service} SSL/TLS connections because the subject is not a Fully Qualified Domain Name (FQDN). Use command {cmdlet} to set X509CertificateName to the FQDN of the service."
    )
}

/// The lab's remark after it.
const UNTOUCHED: &str = "(the lab) SMTP is not touched by this: no connector reads X509CertificateName.";

/// Makes the certificate the internal transport certificate on Yes, and without a question where there
/// is none and it carries the server's FQDN (the remedy in the text of event 12012).
pub(super) fn publish(run: &mut Run<'_>, at: usize, thumbprint: Thumbprint, overwrite: Answer) {
    let publishes = |computer: &Computer| {
        let of_server = |stored: &StoredCertificate| stored.facts.covers(computer.fqdn.as_str()).is_some();
        let first = computer.internal_transport_certificate.is_none();
        computer.store.find(thumbprint).is_some_and(|stored| {
            stored.services.contains(Services::SMTP)
                && (overwrite == Answer::Yes || (first && of_server(stored)))
        })
    };
    if run.computer(at).is_some_and(publishes) {
        run.change(at, |computer| computer.internal_transport_certificate = Some(thumbprint));
    }
}

/// The question as the Shell shows it (cmdlet's page, fourth example).
fn question(computer: &Computer, current: Thumbprint, new: Thumbprint) -> String {
    let expires = |thumbprint| match computer.store.find(thumbprint) {
        Some(stored) => {
            let date = stored.facts.not_after.to_zoned(TimeZone::UTC);
            format!("(expires {})", date.strftime("%-m/%-d/%Y %-I:%M:%S %p"))
        }
        None => "(not in the store)".to_owned(),
    };
    format!(
        "Confirm\nOverwrite the existing default SMTP certificate?\n\nCurrent certificate: '{current}' {}\nReplace it with certificate: '{new}' {}\n[Y] Yes [A] Yes to All [N] No [L] No to All [?] Help (default is \"Y\"):",
        expires(current),
        expires(new)
    )
}

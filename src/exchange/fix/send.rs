//! Fixes that give a Send connector a certificate that it can present.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::change::{Change, Overwrite};
use super::issue::{A_YEAR, new_certificate, nobodys_thumbprint};
use super::shell::{self, answer, enable, quoted};
use super::state::called;
use super::trial::{Trial, Typed, try_commands};
use crate::exchange::{
    ClientCertificate, ClientSelection, Computer, Nullable, PrivateKey, SendConnector, Services,
    StoredCertificate, TlsCertificateName,
};

/// One way to let a Send connector present a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SendFix {
    /// The fix in one line.
    pub title: String,
    /// The computer in whose Shell it is typed.
    pub on: String,
    /// As typed in the Exchange Management Shell; lines with `#` are for the reader.
    pub commands: Vec<String>,
    /// The certificate that is presented afterwards, by the lab's name for it.
    pub presents: String,
    /// The reason why a receiver that checks it refuses that certificate, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The result of running the commands in the Shell on a copy of the lab.
    #[serde(flatten)]
    pub trial: Trial,
    /// The commands as they are typed, with the answers to their questions.
    #[serde(skip)]
    pub typed: Typed,
    /// True if the lab itself can show what the commands change: not where a certificate has to come from an
    /// authority that is not the lab's.
    #[serde(skip)]
    pub is_observable: bool,
    #[serde(skip)]
    doubt: Option<Doubt>,
}

/// A property of a certificate for which receivers that check it refuse it, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    SelfSigned,
    Expired,
}

/// The ways to let `connector` on `computer` present a certificate, best first; none where it does. Those after
/// which it presents a self-signed certificate come later, and those with one that has expired last.
///
/// Each was tried on a copy of the model, and in the Shell on a copy of a lab that has this computer only. A
/// connector of EdgeSync is edited inside the organization and reaches the Edge with the next synchronization
/// (Edge Subscriptions page).
pub fn send_fixes(computer: &Computer, connector: &SendConnector, now: Timestamp) -> Vec<SendFix> {
    send_fixes_in(&[Arc::new(computer.clone())], computer, connector, now)
}

/// Like [`send_fixes`], on a computer of a lab that has other computers as well. What the Shell refuses stands
/// last.
pub fn send_fixes_in(
    lab: &[Arc<Computer>],
    computer: &Computer,
    connector: &SendConnector,
    now: Timestamp,
) -> Vec<SendFix> {
    let mut fixes = proposed(computer, connector, now);
    for fix in &mut fixes {
        let known = lab.iter().any(|known| known.name.eq_ignore_ascii_case(&fix.on));
        let selection = ClientSelection::of(connector, computer, now);
        let file = match selection.certificate {
            ClientCertificate::PinExpired(_) => selection.chosen(computer).map(|old| successor(old, now)),
            _ => selection.chosen(computer).cloned(),
        };
        (fix.trial, fix.typed) = if known {
            try_commands(lab, &fix.on, &fix.commands, now, file.as_ref())
        } else {
            (Trial::Untried(format!("{} is not in this lab", fix.on)), Typed::default())
        };
    }
    // The order among those that are alike stays.
    fixes.sort_by_key(|fix| (matches!(fix.trial, Trial::Refused(_)), fix.doubt));
    fixes
}

fn proposed(computer: &Computer, connector: &SendConnector, now: Timestamp) -> Vec<SendFix> {
    let selection = ClientSelection::of(connector, computer, now);
    if matches!(selection.certificate, ClientCertificate::Presented(_)) {
        return Vec::new();
    }
    let mut fixes: Vec<SendFix> = Vec::new();
    let mut offer = |fix: Option<SendFix>| {
        let known = |fix: &SendFix| fixes.iter().any(|known| known.title == fix.title);
        if let Some(fix) = fix
            && !known(&fix)
        {
            fixes.push(fix);
        }
    };
    match selection.certificate {
        ClientCertificate::UnknownCredentials(_) | ClientCertificate::NoCredentials(_) => {
            offer(selection.chosen(computer).and_then(|chosen| fixed(computer, connector, chosen, now)));
        }
        ClientCertificate::Presented(_)
        | ClientCertificate::PinNotFound
        | ClientCertificate::PinExpired(_)
        | ClientCertificate::NotFound => {}
    }
    // The renewed one of the same subject is what the pin was meant for, and a certificate of an authority
    // serves where a self-signed one does not.
    let pin = connector.tls_certificate_name.0.as_ref();
    let mut others: Vec<&StoredCertificate> = computer.store.iter().collect();
    others.sort_by_key(|stored| stored.facts.self_signed);
    let is_meant = |stored: &&StoredCertificate| pin.is_some_and(|pin| *pin.subject == *stored.facts.subject);
    let (meant, others): (Vec<&StoredCertificate>, Vec<&StoredCertificate>) =
        others.into_iter().partition(is_meant);
    for stored in meant {
        offer(pinned(computer, connector, stored, now));
    }
    if let (ClientCertificate::PinExpired(_), Some(old)) = (selection.certificate, selection.chosen(computer))
    {
        offer(renewed(computer, connector, old, now));
    }
    for stored in others {
        offer(pinned(computer, connector, stored, now));
    }
    offer(unpinned(computer, connector, now));
    for stored in computer.store.iter() {
        for name in stored.facts.names().into_iter().take(MOST_NAMES) {
            offer(named(computer, connector, name, now));
        }
    }
    fixes
}

/// The limit on the proposed names of one certificate. One is enough, and a certificate may carry thousands.
const MOST_NAMES: usize = 5;

/// The service or the key that the chosen certificate lacks.
fn fixed(
    computer: &Computer,
    connector: &SendConnector,
    chosen: &StoredCertificate,
    now: Timestamp,
) -> Option<SendFix> {
    let thumbprint = chosen.facts.thumbprint;
    let enabling = Change::EnableForSmtp { thumbprint, overwrite: Overwrite::No };
    let (title, commands, changes) = match (chosen.private_key, chosen.services.contains(Services::SMTP)) {
        (PrivateKey::Missing, _) => (
            format!("Import {} again, with its private key", called(chosen)),
            vec![
                format!("# in place of {}: the file that holds the certificate with its key", Typed::PFX),
                format!(
                    "Import-ExchangeCertificate -FileData ([Byte[]]$(Get-Content -Path {} -Encoding Byte -ReadCount 0)) -Password (Get-Credential).password",
                    Typed::PFX
                ),
                enable(computer, thumbprint),
                answer(false),
            ],
            vec![Change::RestoreKey(thumbprint), enabling],
        ),
        (PrivateKey::Unreadable, _) => (
            format!("Let the transport service read the key of {}", called(chosen)),
            vec![enable(computer, thumbprint), answer(false)],
            vec![enabling],
        ),
        (PrivateKey::Present, false) => (
            format!("Enable {} for SMTP", called(chosen)),
            vec![enable(computer, thumbprint), answer(false)],
            vec![enabling],
        ),
        (PrivateKey::Present, true) => return None,
    };
    let after = super::apply_all(&changes, computer);
    fix(&after, connector, now, Draft { title, on: computer.name.clone(), commands })
}

/// A new certificate with the issuer and the subject of one that has expired, which the pin finds as it is.
fn renewed(
    computer: &Computer,
    connector: &SendConnector,
    old: &StoredCertificate,
    now: Timestamp,
) -> Option<SendFix> {
    let subject = &old.facts.subject;
    let names: Vec<String> = old.facts.names().into_iter().map(str::to_owned).collect();
    let (title, mut commands) = if old.facts.self_signed {
        (
            format!("Make a self-signed certificate of the same subject in place of {}", called(old)),
            vec![shell::self_signed(computer, subject, &names)],
        )
    } else {
        (
            format!("Renew {} with the same issuer and subject, so that the pin finds it", called(old)),
            shell::request(computer, subject, &names),
        )
    };
    commands.push(answer(false));
    let mut after = computer.clone();
    after.store.add(successor(old, now));
    let fix = fix(&after, connector, now, Draft { title, on: computer.name.clone(), commands })?;
    Some(SendFix { is_observable: old.facts.self_signed, ..fix })
}

/// An imagined certificate that differs from `old` in its dates alone, and can be used.
fn successor(old: &StoredCertificate, now: Timestamp) -> StoredCertificate {
    let mut facts = old.facts.clone();
    facts.thumbprint = nobodys_thumbprint();
    facts.not_before = now;
    facts.not_after = now.checked_add(A_YEAR).unwrap_or(Timestamp::MAX);
    new_certificate(facts)
}

/// A pin to a certificate whose names cover the connector's FQDN, where it is the pin that names nothing.
fn pinned(
    computer: &Computer,
    connector: &SendConnector,
    stored: &StoredCertificate,
    now: Timestamp,
) -> Option<SendFix> {
    connector.tls_certificate_name.0.as_ref()?;
    let pin = TlsCertificateName {
        issuer: stored.facts.issuer.as_str().into(),
        subject: stored.facts.subject.as_str().into(),
    };
    let title = format!("Pin the connector to {}", called(stored));
    let value = quoted(&pin.to_string());
    let changed = SendConnector { tls_certificate_name: Nullable(Some(pin)), ..connector.clone() };
    set(computer, &changed, title, "TlsCertificateName", &value, now)
}

fn unpinned(computer: &Computer, connector: &SendConnector, now: Timestamp) -> Option<SendFix> {
    connector.tls_certificate_name.0.as_ref()?;
    let title = format!("Go back to the name {}", computer.send_fqdn_of(connector));
    let changed = SendConnector { tls_certificate_name: Nullable::NULL, ..connector.clone() };
    set(computer, &changed, title, "TlsCertificateName", "$null", now)
}

fn named(computer: &Computer, connector: &SendConnector, name: &str, now: Timestamp) -> Option<SendFix> {
    if connector.tls_certificate_name.0.is_some() {
        return None;
    }
    let fqdn = name.parse().ok()?;
    let title = format!("Set the connector's FQDN to {name}");
    let changed = SendConnector { fqdn: Nullable(Some(fqdn)), ..connector.clone() };
    set(computer, &changed, title, "Fqdn", name, now)
}

fn set(
    computer: &Computer,
    changed: &SendConnector,
    title: String,
    parameter: &str,
    value: &str,
    now: Timestamp,
) -> Option<SendFix> {
    let mut after = computer.clone();
    let same = |known: &&mut Arc<SendConnector>| known.name.eq_ignore_ascii_case(&changed.name);
    if let Some(known) = after.send_connectors.iter_mut().find(same) {
        *known = Arc::new(changed.clone());
    }
    let mut commands = vec![format!("Set-SendConnector {} -{parameter} {value}", quoted(&changed.name))];
    if computer.subscribed_to.is_some() {
        commands.push("Start-EdgeSynchronization".to_owned());
    }
    let on = computer.subscribed_to.clone().unwrap_or_else(|| computer.name.clone());
    fix(&after, changed, now, Draft { title, on, commands })
}

/// A fix without its effect.
struct Draft {
    title: String,
    on: String,
    commands: Vec<String>,
}

/// Completes a fix by what `connector` presents on the computer after it; `None` if it presents nothing.
fn fix(after: &Computer, connector: &SendConnector, now: Timestamp, draft: Draft) -> Option<SendFix> {
    let selection = ClientSelection::of(connector, after, now);
    let ClientCertificate::Presented(_) = selection.certificate else { return None };
    let stored = selection.chosen(after)?;
    let Draft { title, on, commands } = draft;
    let doubt = doubt(stored, now).filter(|_| !connector.uses_anonymous_tls());
    let why = |doubt| match doubt {
        Doubt::SelfSigned => "is self-signed",
        Doubt::Expired => "has expired",
    };
    let warning = doubt.map(|doubt| {
        format!(
            "{} {}: a receiver that checks the sender's certificate refuses it",
            called(stored),
            why(doubt)
        )
    });
    let trial = Trial::Untried("it has not been tried".to_owned());
    Some(SendFix {
        title,
        on,
        commands,
        presents: stored.label.clone(),
        warning,
        trial,
        typed: Typed::default(),
        is_observable: true,
        doubt,
    })
}

fn doubt(stored: &StoredCertificate, now: Timestamp) -> Option<Doubt> {
    if stored.facts.has_expired(now) {
        Some(Doubt::Expired)
    } else if stored.facts.self_signed {
        Some(Doubt::SelfSigned)
    } else {
        None
    }
}

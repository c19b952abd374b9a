//! Fixes that give a Send connector a certificate that it can present.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::change::{Change, Overwrite};
use super::shell::{answer, enable, quoted};
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
    /// The result of running the commands in the Shell on a copy of the lab.
    #[serde(flatten)]
    pub trial: Trial,
    /// The commands as they are typed, with the answers to their questions.
    #[serde(skip)]
    pub typed: Typed,
}

/// The ways to let `connector` on `computer` present a certificate, best first; none where it does.
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
        let file = ClientSelection::of(connector, computer, now).chosen(computer).cloned();
        (fix.trial, fix.typed) = if known {
            try_commands(lab, &fix.on, &fix.commands, now, file.as_ref())
        } else {
            (Trial::Untried(format!("{} is not in this lab", fix.on)), Typed::default())
        };
    }
    fixes.sort_by_key(|fix| matches!(fix.trial, Trial::Refused(_)));
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
            offer(selection.chosen(computer).and_then(|chosen| mended(computer, connector, chosen, now)));
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
    others.sort_by_key(|stored| {
        (pin.is_none_or(|pin| *pin.subject != *stored.facts.subject), stored.facts.self_signed)
    });
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
fn mended(
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
    let presents = presented(&after, connector, now)?;
    Some(SendFix {
        title,
        on: computer.name.clone(),
        commands,
        presents,
        trial: not_yet(),
        typed: Typed::default(),
    })
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
    let presents = presented(&after, changed, now)?;
    let mut commands = vec![format!("Set-SendConnector {} -{parameter} {value}", quoted(&changed.name))];
    if computer.subscribed_to.is_some() {
        commands.push("Start-EdgeSynchronization".to_owned());
    }
    let on = computer.subscribed_to.clone().unwrap_or_else(|| computer.name.clone());
    Some(SendFix { title, on, commands, presents, trial: not_yet(), typed: Typed::default() })
}

fn not_yet() -> Trial {
    Trial::Untried("it has not been tried".to_owned())
}

fn presented(computer: &Computer, connector: &SendConnector, now: Timestamp) -> Option<String> {
    let selection = ClientSelection::of(connector, computer, now);
    match selection.certificate {
        ClientCertificate::Presented(_) => selection.chosen(computer).map(|stored| stored.label.clone()),
        _ => None,
    }
}

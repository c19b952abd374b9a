//! The evidence of exports that were pasted with an event, by the selection rule of the emulator itself.

use jiff::Timestamp;
use serde::Serialize;

use crate::exchange::{
    CertificateFacts, CertificateStore, Computer, Outcome, Reason, ReceiveConnector, SendConnector,
    SendUsage, StoredCertificate, Usage, Verdict, fixes, select_for, useless_advice,
};
use crate::import::event::FoundEvent;
use crate::import::organization::Imported;
use crate::pki::Thumbprint;
use crate::scenario::{CertificateSpec, ComputerSpec};

/// A certificate, and the reasons against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateSeen {
    /// The name by which it is called.
    pub label: String,
    /// Its thumbprint, where it is known.
    pub thumbprint: Option<String>,
    /// Its names, as far as they are known.
    pub names: Vec<String>,
    /// The reasons why it is not used; empty if it would be.
    pub reasons: Vec<String>,
    /// True if its list of names was cut, so that the name may nevertheless be in it.
    pub unknown: bool,
}

/// The evidence that the exports contain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// True if they settle the cause.
    pub decided: bool,
    /// The identifier of the cause, for programs.
    pub cause_id: &'static str,
    /// The cause, as a sentence.
    pub cause: String,
    /// The certificates one by one.
    pub certificates: Vec<CertificateSeen>,
    /// The commands that fix it, as they are typed.
    pub commands: Vec<String>,
    /// The effect of the fix.
    pub changes: Vec<String>,
    /// The reasons why the event's own advice changes nothing.
    pub advice_fails: Vec<String>,
    /// The reason why STARTTLS would be offered here, if the exports contradict the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<String>,
}

/// Builds the computers of an import as the selection sees them, with the real thumbprints and without any
/// key.
pub(super) fn papers(imported: &Imported, now: Timestamp) -> Vec<Computer> {
    imported.scenario.computer.iter().map(|spec| paper(spec, imported, now)).collect()
}

fn paper(spec: &ComputerSpec, imported: &Imported, now: Timestamp) -> Computer {
    let mut computer = Computer::new(&spec.name, spec.fqdn.clone(), spec.role, spec.profile);
    let mut store = CertificateStore::default();
    for certificate in &spec.certificate {
        let label = certificate.label.clone().unwrap_or_default();
        let original = imported.originals.iter().find(|it| it.computer == spec.name && it.label == label);
        let thumbprint = original.and_then(|original| original.thumbprint.as_deref()?.parse().ok());
        store.add(StoredCertificate {
            facts: facts(certificate, thumbprint.unwrap_or_else(|| Thumbprint::of(label.as_bytes())), now),
            label,
            services: certificate.services,
            private_key: certificate.private_key,
            chain: certificate.chain,
            material: None,
        });
    }
    computer.store = store;
    for given in &spec.receive_connector {
        let usage = given.usage.unwrap_or(Usage::of_role(spec.role));
        let name = given.name.clone().unwrap_or_default();
        let mut connector = ReceiveConnector::new(name, usage, spec.role, spec.profile);
        given.apply_to(&mut connector);
        computer.receive_connectors.push(connector.into());
    }
    for given in &spec.send_connector {
        let mut connector = SendConnector::new(
            given.name.clone().unwrap_or_default(),
            given.usage.unwrap_or(SendUsage::Custom),
        );
        given.apply_to(&mut connector);
        given.settle(&mut connector);
        computer.send_connectors.push(connector.into());
    }
    computer
}

fn facts(spec: &CertificateSpec, thumbprint: Thumbprint, now: Timestamp) -> CertificateFacts {
    let subject = spec.subject.clone().unwrap_or_default();
    let itself = spec.issuer == "self";
    let parsed = subject.parse::<crate::pki::DistinguishedName>().unwrap_or_default();
    CertificateFacts {
        thumbprint,
        issuer: if itself { subject.clone() } else { spec.issuer.clone() },
        serial_number: String::new(),
        common_names: parsed.common_names().map(str::to_owned).collect(),
        dns_names: spec.names.clone(),
        not_before: spec.not_before.from_start(now).unwrap_or(now),
        not_after: spec.not_after.from_start(now).unwrap_or(now),
        version: spec.version,
        self_signed: itself,
        subject,
    }
}

/// Returns what the exports say about the event; `None` if its connector or computer is not among them.
pub(super) fn weigh(
    event: &FoundEvent,
    imported: &Imported,
    papers: &[Computer],
    now: Timestamp,
) -> Option<Evidence> {
    let name = event.value("connector")?;
    if imported.originals.is_empty() {
        return None;
    }
    let computer = papers.iter().find(|computer| computer.receive_connector(name).is_some());
    match computer {
        Some(computer) => Some(receiving(computer, computer.receive_connector(name)?, imported, now)),
        None => {
            let computer = papers.iter().find(|computer| computer.send_connector(name).is_some())?;
            Some(sending(computer, computer.send_connector(name)?, imported, now))
        }
    }
}

fn receiving(
    computer: &Computer,
    connector: &ReceiveConnector,
    imported: &Imported,
    now: Timestamp,
) -> Evidence {
    let selection = select_for(connector, computer, now);
    let certificates = seen(computer, &selection.candidates, imported);
    let fixes = fixes(computer, connector, now);
    let best = fixes.iter().find(|fix| fix.refused.is_none());
    let fails = useless_advice(computer, connector, now);
    let (cause_id, cause) = cause(&selection.key.to_string(), &selection.candidates, computer, imported);
    let unknown = certificates.iter().any(|it| it.unknown);
    let contradiction = match &selection.outcome {
        Outcome::Offered(offered) => {
            let label =
                computer.store.find(offered.thumbprint).map_or("a certificate", |stored| &stored.label);
            Some(format!("by these exports STARTTLS would be offered, with {label}"))
        }
        Outcome::NotConfigured => {
            Some("by these exports nothing is looked for: Tls is not in AuthMechanism".to_owned())
        }
        Outcome::Withheld => None,
    };
    Evidence {
        decided: !unknown && contradiction.is_none(),
        cause_id,
        cause,
        certificates,
        commands: best.map(|fix| fix.commands.clone()).unwrap_or_default(),
        changes: best.map(|fix| fix.changes.clone()).unwrap_or_default(),
        advice_fails: fails.into_iter().flat_map(|useless| useless.why).collect(),
        contradiction,
    }
}

fn sending(computer: &Computer, connector: &SendConnector, imported: &Imported, now: Timestamp) -> Evidence {
    let mut like =
        ReceiveConnector::new(connector.name.clone(), Usage::Custom, computer.role, computer.profile);
    (like.fqdn, like.tls_certificate_name) = (connector.fqdn.clone(), connector.tls_certificate_name.clone());
    let selection = select_for(&like, computer, now);
    let certificates = seen(computer, &selection.candidates, imported);
    let (cause_id, cause) = cause(&selection.key.to_string(), &selection.candidates, computer, imported);
    let unknown = certificates.iter().any(|it| it.unknown);
    let fixes = crate::exchange::send_fixes(computer, connector, now);
    let best = fixes.first();
    let offered = matches!(selection.outcome, Outcome::Offered(_));
    Evidence {
        decided: !unknown && !offered,
        cause_id,
        cause,
        certificates,
        commands: best.map(|fix| fix.commands.clone()).unwrap_or_default(),
        changes: Vec::new(),
        advice_fails: Vec::new(),
        contradiction: offered.then(|| "by these exports the connector finds a certificate".to_owned()),
    }
}

fn seen(
    computer: &Computer,
    candidates: &[crate::exchange::Candidate],
    imported: &Imported,
) -> Vec<CertificateSeen> {
    let each = computer.store.iter().zip(candidates).map(|(stored, candidate)| {
        let reasons = reasons(&candidate.verdict);
        let original = imported.original(&computer.name, stored);
        let by_name = reasons.contains(&Reason::NameDiffers);
        let cut = original.is_some_and(|original| original.names_cut || original.sketchy);
        CertificateSeen {
            label: stored.label.clone(),
            thumbprint: original.and_then(|original| original.thumbprint.clone()),
            names: stored.facts.names().into_iter().map(str::to_owned).collect(),
            reasons: reasons.iter().map(|reason| reason.as_words().to_owned()).collect(),
            unknown: cut && by_name,
        }
    });
    each.collect()
}

fn reasons(verdict: &Verdict) -> Vec<Reason> {
    match verdict {
        Verdict::NotEligible { reasons } => reasons.clone(),
        Verdict::Chosen | Verdict::Beaten { .. } | Verdict::NotLookedAt => Vec::new(),
    }
}

/// Returns the certificate that lacks least, and what it lacks.
fn cause(
    key: &str,
    candidates: &[crate::exchange::Candidate],
    computer: &Computer,
    imported: &Imported,
) -> (&'static str, String) {
    let elsewhere = [Reason::NameDiffers, Reason::IssuerDiffers, Reason::SubjectDiffers];
    let each = computer.store.iter().zip(candidates);
    let near = each.filter_map(|(stored, candidate)| {
        let reasons = reasons(&candidate.verdict);
        let fits = !reasons.iter().any(|reason| elsewhere.contains(reason));
        (fits && !reasons.is_empty()).then_some((stored, reasons))
    });
    if let Some((stored, reasons)) = near.min_by_key(|(_, reasons)| reasons.len()) {
        let words: Vec<&str> = reasons.iter().map(|reason| reason.as_words()).collect();
        let id = match reasons.first() {
            Some(Reason::SmtpNotAssigned) => "smtp-not-enabled",
            Some(Reason::PrivateKeyMissing | Reason::PrivateKeyUnreadable) => "private-key",
            Some(Reason::Expired | Reason::NotYetValid) => "expired",
            Some(
                Reason::NameDiffers
                | Reason::IssuerDiffers
                | Reason::SubjectDiffers
                | Reason::NotVersion3
                | Reason::ChainUntrusted
                | Reason::Revoked
                | Reason::StandsInForNone,
            )
            | None => "chain",
        };
        return (id, format!("the certificate {} fits, and {}", stored.label, words.join(", and ")));
    }
    if !key.to_ascii_lowercase().starts_with("<i>") {
        let names: Vec<String> =
            computer.store.iter().flat_map(|stored| stored.facts.names()).map(str::to_owned).collect();
        let shown: Vec<&String> = names.iter().take(5).collect();
        let more = names.len().saturating_sub(shown.len());
        let list = shown.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let cut = imported.originals.iter().any(|it| it.names_cut);
        let cut = if cut { " (a list of names was cut)" } else { "" };
        return (
            "name-in-no-certificate",
            format!("no certificate carries {key}; there are {list}{more}{cut}"),
        );
    }
    // For a pin: the certificate with one half of it, and how the other half differs.
    let half = computer.store.iter().zip(candidates).find_map(|(stored, candidate)| {
        let reasons = reasons(&candidate.verdict);
        let (issuer, subject) =
            (reasons.contains(&Reason::IssuerDiffers), reasons.contains(&Reason::SubjectDiffers));
        match (issuer, subject) {
            (true, false) => {
                Some(format!("{} has this subject and another issuer, {}", stored.label, stored.facts.issuer))
            }
            (false, true) => Some(format!(
                "{} has this issuer and another subject, {}",
                stored.label, stored.facts.subject
            )),
            _ => None,
        }
    });
    match half {
        Some(half) => ("pin-stale", format!("the pin names no certificate here: {half}")),
        None => {
            ("certificate-gone", "the pin names no certificate here, by issuer nor by subject".to_owned())
        }
    }
}

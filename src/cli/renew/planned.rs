//! The certificate to be replaced, and its replacement.

use std::sync::Arc;

use super::super::inputs;
use super::super::output::Failure;
use super::Args;
use crate::exchange::{ChainStatus, Computer, PrivateKey, Services, StoredCertificate};
use crate::import::{Pkcs12Error, certificate_in_pkcs12};
use crate::lab::Plan;
use crate::pki::{Certificate, PkiError, SharedKeys};
use crate::renewal::offers;
use crate::scenario::{CertificateSpec, ScenarioText, TimeSpec};

/// The label of the new certificate, unless another certificate has it.
const NEW: &str = "new";

/// The computer, and the certificate to be replaced.
pub(super) fn old(args: &Args, plan: &Plan) -> Result<(Arc<Computer>, StoredCertificate), Failure> {
    let all = plan.computers.iter().map(|built| &built.computer);
    let wanted: Vec<&Arc<Computer>> = match &args.computer {
        Some(name) => all.filter(|it| it.name.eq_ignore_ascii_case(name)).collect(),
        None => all.collect(),
    };
    if wanted.is_empty() {
        let known: Vec<&str> = plan.computers.iter().map(|built| built.computer.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "--computer: there is none of that name; there are {}",
            known.join(", ")
        )));
    }
    let stored = wanted.iter().flat_map(|computer| computer.store.iter().map(move |it| (*computer, it)));
    let stored: Vec<(&Arc<Computer>, &StoredCertificate)> = stored.collect();
    let found = match &args.replaces {
        Some(word) => {
            let is = |it: &StoredCertificate| {
                it.label == *word || it.facts.thumbprint.to_string().eq_ignore_ascii_case(word)
            };
            stored.iter().find(|(_, it)| is(it))
        }
        None => {
            let now = plan.clock.now();
            let computers: Vec<_> = plan.computers.iter().map(|built| Arc::clone(&built.computer)).collect();
            let used = offers(&computers, now);
            let uses = |computer: &Computer, stored: &StoredCertificate| {
                let by = |label: &Option<String>| label.as_deref() == Some(stored.label.as_str());
                used.iter().filter(|it| it.connector.computer == computer.name && by(&it.with)).count()
            };
            // Of equally used certificates, the one that ends first; one without a use for SMTP comes last.
            stored.iter().max_by_key(|(computer, it)| {
                let smtp = it.services.contains(Services::SMTP);
                (uses(computer, it), smtp, std::cmp::Reverse(it.facts.not_after))
            })
        }
    };
    let known = || {
        let labels: Vec<String> =
            stored.iter().map(|(computer, it)| format!("{} of {}", it.label, computer.name)).collect();
        if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
    };
    let found = found.ok_or_else(|| match &args.replaces {
        Some(word) => {
            Failure::usage(format!("--replaces: there is no certificate `{word}`; there are: {}", known()))
        }
        None => Failure::usage("there is no certificate in this lab that could be renewed"),
    })?;
    Ok((Arc::clone(found.0), found.1.clone()))
}

/// The new certificate, as it is after its import.
pub(super) fn new(
    args: &Args,
    text: &ScenarioText,
    computer: &Computer,
    old: &StoredCertificate,
    keys: &SharedKeys,
) -> Result<StoredCertificate, Failure> {
    let taken = |label: &str| computer.store.iter().any(|stored| stored.label == label);
    let label = (1..).map(|number| if number == 1 { NEW.to_owned() } else { format!("{NEW}-{number}") });
    let label = label.into_iter().find(|label| !taken(label)).unwrap_or_default();
    if let Some(path) = &args.certificate {
        let wrong = |problem: String| Failure::usage(format!("--certificate {}: {problem}", path.display()));
        let bytes =
            inputs::bytes(path, inputs::LONGEST_CERTIFICATES).map_err(|error| wrong(error.to_string()))?;
        let password = args.password.read()?;
        let certificate = read(&bytes, password.as_deref()).map_err(|error| wrong(error.to_string()))?;
        return Ok(StoredCertificate {
            label,
            facts: (&certificate).into(),
            services: Services::NONE,
            private_key: PrivateKey::Present,
            chain: ChainStatus::Valid,
            material: None,
        });
    }
    let names = if args.names.is_empty() {
        old.facts.dns_names.clone()
    } else {
        args.names.iter().map(|name| name.trim().to_owned()).collect()
    };
    // With other names, the old subject may name none of them.
    let subject = match (&args.subject, args.names.first()) {
        (Some(subject), _) => Some(subject.clone()),
        (None, Some(first)) => Some(format!("CN={}", first.trim())),
        (None, None) => Some(old.facts.subject.clone()),
    };
    let issuer = match (&args.issuer, old.facts.self_signed) {
        (Some(issuer), _) => issuer.clone(),
        (None, true) => "self".to_owned(),
        (None, false) => old.facts.issuer.clone(),
    };
    let described = CertificateSpec {
        label: Some(label.clone()),
        subject,
        issuer,
        services: Services::NONE,
        not_before: args.not_before.unwrap_or(TimeSpec::in_days(0)),
        not_after: args.not_after.unwrap_or(TimeSpec::in_days(365)),
        ..CertificateSpec::naming(names)
    };
    let mut scenario = text.scenario.clone();
    let spec = scenario.computer.iter_mut().find(|it| it.name == computer.name);
    if let Some(spec) = spec {
        spec.certificate.push(described);
    }
    let text = ScenarioText::without_text(scenario, "the new certificate");
    let plan = Plan::with_keys(&text, &mut keys.of_a_lab())?;
    let built = plan.computers.iter().find(|built| built.computer.name == computer.name);
    let stored = built.and_then(|built| built.computer.store.iter().find(|stored| stored.label == label));
    stored.cloned().ok_or_else(|| Failure::usage("the new certificate could not be made"))
}

/// The reason why a file holds no certificate.
#[derive(Debug, thiserror::Error)]
enum NoCertificate {
    /// The text holds none in PEM.
    #[error(transparent)]
    Pem(PkiError),
    /// The file is PKCS#12, and cannot be read.
    #[error(transparent)]
    Pkcs12(Pkcs12Error),
    /// The bytes are in no form that is known.
    #[error("it is none of PEM, DER and PKCS#12 ({0})")]
    Other(PkiError),
}

fn read(bytes: &[u8], password: Option<&str>) -> Result<Certificate, NoCertificate> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Certificate::from_pem(text).map_err(NoCertificate::Pem);
    }
    if let Some(found) = certificate_in_pkcs12(bytes, password) {
        return found.map_err(NoCertificate::Pkcs12);
    }
    Certificate::from_der(bytes).map_err(NoCertificate::Other)
}

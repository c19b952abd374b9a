//! Puts certificates into the stores of the computers, as descriptions from which the lab issues stand-ins.

use crate::exchange::{ChainStatus, PrivateKey, Services, TlsCertificateName};
use crate::import::certificate::{Known, services};
use crate::import::connector::{pin, short};
use crate::import::question::{Question, Questions, one_of};
use crate::import::text::dense;
use crate::pki::{DistinguishedName, ExtendedKeyUsage, KeyAlgorithm, SignatureHash};
use crate::scenario::{CertificateSpec, RootSpec, TimeSpec};

use super::computers::Server;
use super::{Material, Original};

/// Files every certificate, and returns the original of each stand-in.
pub(super) fn file(material: &Material, servers: &mut [Server], desk: &mut Questions) -> Vec<Original> {
    let mut originals: Vec<Original> = Vec::new();
    let without = material.certificates.iter().filter(|known| known.services.is_none()).count();
    let pins = pins(material);
    for known in &material.certificates {
        let base = label(known);
        if known.is_request {
            desk.leave_out(format!(
                "{base} is left out: it is a request that no authority has answered yet (PendingRequest); \
                 Import-ExchangeCertificate with the authority's answer makes it a certificate"
            ));
            continue;
        }
        let at = home(known, &base, servers, desk);
        let Some(server) = servers.get_mut(at) else { continue };
        let taken = |label: &str| server.spec.certificate.iter().any(|it| it.label.as_deref() == Some(label));
        let numbered = (2..1000).map(|number| format!("{base} {number}"));
        let Some(label) = std::iter::once(base.clone()).chain(numbered).find(|label| !taken(label)) else {
            continue;
        };
        let beside = Beside { server: &server.spec.name, without, pins: &pins };
        let spec = spec(known, &label, beside, desk);
        for note in &known.notes {
            desk.note(format!("certificate {label}: {note}"));
        }
        for what in &known.left_out {
            desk.leave_out(format!("certificate {label}: {what}"));
        }
        server.spec.certificate.push(spec);
        originals.push(Original {
            computer: server.spec.name.clone(),
            label,
            thumbprint: known.thumbprint.clone(),
            names_cut: known.names_cut,
            sketchy: !known.exact && known.issuer.is_none(),
        });
    }
    for server in servers.iter_mut() {
        internal(server, &originals, desk);
    }
    originals
}

/// Returns the certificate's label in the lab: its common name, else its first name.
fn label(known: &Known) -> String {
    let name = known.common_name().or_else(|| known.names.as_ref()?.first().cloned());
    let name = name.or_else(|| known.subject.clone()).unwrap_or_else(|| "certificate".to_owned());
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    let reserved = ["none", "absent", "nocredentials", "unknowncredentials", ""];
    if reserved.contains(&name.to_lowercase().as_str()) { format!("certificate {name}") } else { name }
}

/// Returns the index of the computer in whose store it belongs.
fn home(known: &Known, label: &str, servers: &[Server], desk: &mut Questions) -> usize {
    if let Some(at) =
        known.server.as_deref().and_then(|name| servers.iter().position(|server| server.is(name)))
    {
        return at;
    }
    let names = known.names.clone().unwrap_or_default();
    let own = |server: &Server| {
        let fqdn = server.spec.fqdn.as_str();
        let label = label.eq_ignore_ascii_case(&server.spec.name);
        label || names.iter().any(|name| name.eq_ignore_ascii_case(fqdn))
    };
    if servers.len() < 2 {
        return 0;
    }
    if let Some(at) = servers.iter().position(own) {
        return at;
    }
    let choices: Vec<String> = servers.iter().map(|server| server.spec.name.clone()).collect();
    let question = Question {
        id: format!("server:{label}"),
        text: format!("in whose store is the certificate {label}? Its paste names no server"),
        assumed: choices.first().cloned().unwrap_or_default(),
        choices: choices.clone(),
    };
    let read = |answer: &str| {
        let at = choices.iter().position(|name| name.eq_ignore_ascii_case(&short(answer)));
        at.ok_or_else(|| format!("it is one of {}", choices.join(", ")))
    };
    desk.ask(question, read).unwrap_or(0)
}

/// The surroundings of a certificate in the paste.
#[derive(Clone, Copy)]
struct Beside<'a> {
    /// The name of the computer in whose store it is.
    server: &'a str,
    /// The number of certificates whose services are not shown.
    without: usize,
    /// The pins of connectors for which a certificate may be there.
    pins: &'a [TlsCertificateName],
}

/// Returns the pins of all connectors, without those for which an event found no certificate.
fn pins(material: &Material) -> Vec<TlsCertificateName> {
    let missing: Vec<String> =
        material.events.iter().filter_map(|event| event.value("domain_name")).map(dense).collect();
    let pins = material.receive.iter().chain(&material.send).filter_map(pin);
    pins.filter(|pin| !missing.contains(&dense(&pin.text))).filter_map(|pin| pin.text.parse().ok()).collect()
}

fn spec(known: &Known, label: &str, beside: Beside<'_>, desk: &mut Questions) -> CertificateSpec {
    let mut spec = CertificateSpec::naming(known.names.clone().unwrap_or_default());
    spec.label = Some(label.to_owned());
    spec.names = names(known, label, desk);
    spec.subject = known.subject.as_deref().and_then(|subject| name(subject, label, "subject", desk));
    if spec.subject.is_none() && spec.names.is_empty() {
        spec.subject = Some(DistinguishedName::common_name(label).to_string());
    }
    spec.ip_addresses.clone_from(&known.addresses);
    spec.issuer = issuer(known, label, beside, desk);
    let itself = spec.issuer == "self";
    spec.not_before = known.not_before.map_or(spec.not_before, TimeSpec::Absolute);
    spec.not_after = known.not_after.map_or(spec.not_after, TimeSpec::Absolute);
    if known.not_after.is_none() && known.issuer.is_some() {
        desk.note(format!("certificate {label}: no date could be read; it is taken for valid"));
    }
    if let (Some(from), Some(to)) = (known.not_before, known.not_after)
        && from > to
    {
        desk.note(format!(
            "certificate {label}: Valid-from lies after Valid-to; day and month may be swapped"
        ));
    }
    spec.services = known_services(known, label, beside.without, desk);
    spec.private_key = key(known, label, desk);
    if !itself {
        let chains = [
            ("valid", ChainStatus::Valid),
            ("untrusted", ChainStatus::Untrusted),
            ("revoked", ChainStatus::Revoked),
        ];
        let told = desk.optional(&format!("chain:{label}"), |answer| one_of(answer, &chains));
        spec.chain = told.or(known.chain).unwrap_or_default();
        spec.root = known.root.unwrap_or(RootSpec::Lab);
    }
    spec.key = known.algorithm.unwrap_or(KeyAlgorithm::Rsa2048);
    if cfg!(not(feature = "aws-lc-rs")) && spec.key.is_rsa() {
        spec.key = KeyAlgorithm::EcdsaP256;
    }
    spec.signature = if known.outdated { SignatureHash::Sha1 } else { SignatureHash::Usual };
    if known.outdated && !spec.key.is_rsa() {
        spec.signature = SignatureHash::Usual;
    }
    spec.ca = known.ca;
    match known.version {
        Some(1) => spec.version = 1,
        Some(2) => desk.note(format!("certificate {label}: its version 2 of X.509 became 3")),
        _ => {}
    }
    if known.not_for_servers {
        spec.extended_key_usage = Some(vec![ExtendedKeyUsage::ClientAuth]);
        desk.note(format!("certificate {label}: it was not issued for servers; the stand-in is for clients"));
    }
    spec
}

/// Returns the names, some of which may have been cut off.
fn names(known: &Known, label: &str, desk: &mut Questions) -> Vec<String> {
    let shown = known.names.clone().unwrap_or_default();
    let common = known.common_name();
    let id = format!("names:{label}");
    let read = |answer: &str| Ok(answer.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    let given = if known.names_cut {
        let question = Question {
            id,
            text: format!(
                "the list of names of {label} was cut after {}; paste (Get-ExchangeCertificate {}).CertificateDomains",
                shown.len(),
                known.thumbprint.as_deref().unwrap_or("<thumbprint>")
            ),
            assumed: format!("no more than the {} that are shown", shown.len()),
            choices: Vec::new(),
        };
        desk.ask(question, read)
    } else if known.names.is_none() {
        let question = Question {
            id,
            text: format!(
                "which names does {label} carry? Only its subject is shown; paste Get-ExchangeCertificate {} | fl",
                known.thumbprint.as_deref().unwrap_or_default()
            ),
            assumed: common.clone().unwrap_or_else(|| "none".to_owned()),
            choices: Vec::new(),
        };
        let host = common.iter().filter(|common| !common.contains(' ')).cloned();
        desk.ask(question, read).or_else(|| Some(host.collect()))
    } else {
        None
    };
    let mut names = given.unwrap_or(shown);
    // CertificateDomains lists the common name beside the alternative names, whatever it is.
    if let Some(common) = common.filter(|_| !known.exact) {
        names.retain(|name| !common.contains(' ') || *name != dense(&common));
        let alone = known.names.is_some() && !known.names_cut && names.len() == 1;
        if alone && names.first() == Some(&common) && known.self_signed == Some(false) {
            desk.note(format!(
                "certificate {label}: whether {common} is an alternative name or only the common name is not shown; it was taken for both"
            ));
        }
    }
    names.retain(|name| {
        let fits = !name.is_empty() && name.is_ascii();
        if !fits {
            desk.leave_out(format!("certificate {label}: the name `{}` is left out", name.escape_debug()));
        }
        fits
    });
    names
}

/// Returns a distinguished name that the lab can write, or `None`.
fn name(text: &str, label: &str, what: &str, desk: &mut Questions) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    match text.parse::<DistinguishedName>() {
        Ok(parsed) => {
            let written = parsed.to_string();
            if written != text {
                desk.note(format!("certificate {label}: the {what} is written `{written}` and was `{text}`"));
            }
            Some(written)
        }
        Err(error) => {
            desk.leave_out(format!("certificate {label}: the {what} cannot be made again: {error}"));
            None
        }
    }
}

fn issuer(known: &Known, label: &str, beside: Beside<'_>, desk: &mut Questions) -> String {
    let same = known.issuer.is_some() && known.issuer == known.subject;
    if known.self_signed.unwrap_or(same) {
        return "self".to_owned();
    }
    if let Some(issuer) = &known.issuer {
        return name(issuer, label, "issuer", desk)
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| "lab".to_owned());
    }
    let own = label.eq_ignore_ascii_case(beside.server)
        || label.starts_with("Microsoft Exchange Server Auth")
        || label.starts_with("WMSvc")
        || label.eq_ignore_ascii_case("Federation");
    let subject = known.subject.as_deref().map(dense);
    let pinned = beside.pins.iter().find(|pin| subject.as_ref() == Some(&dense(&pin.subject)));
    // Told as a finding, a pin that differs in an issuer that nobody has seen would be a guess.
    let pinned = pinned.and_then(|pin| name(&pin.issuer, label, "issuer", desk));
    let (assumed, words) = match pinned {
        Some(issuer) => (issuer.clone(), format!("{issuer}, as the pin of a connector says")),
        None if own => ("self".to_owned(), "self, self-signed".to_owned()),
        None => ("lab".to_owned(), "lab, an authority that senders trust".to_owned()),
    };
    let question = Question {
        id: format!("issuer:{label}"),
        text: format!("who issued {label}? Its issuer is not shown"),
        assumed: words,
        choices: Vec::new(),
    };
    desk.ask(question, |answer| Ok(answer.to_owned())).unwrap_or(assumed)
}

fn known_services(known: &Known, label: &str, without: usize, desk: &mut Questions) -> Services {
    let id = format!("services:{label}");
    let read = |answer: &str| services(answer).ok_or_else(|| "write SMTP,IIS or None".to_owned());
    if let Some(answer) = desk.optional(&id, read) {
        return answer;
    }
    if let Some(services) = known.services {
        return services;
    }
    // One question for all; the answer to it is another paste rather than a flag for each.
    if desk.questions.iter().any(|question| question.id.starts_with("services:")) {
        return Services::SMTP;
    }
    let which = if without == 1 { label.to_owned() } else { format!("these {without} certificates") };
    let question = Question {
        id,
        text: format!(
            "what is enabled for {which}? The file does not tell; paste Get-ExchangeCertificate beside it"
        ),
        assumed: "SMTP".to_owned(),
        choices: Vec::new(),
    };
    desk.ask(question, read).unwrap_or(Services::SMTP)
}

/// Returns the state of the private key. Exchange lists only certificates with a private key (KB 4495258), so
/// a listed one has one unless its properties deny it.
fn key(known: &Known, label: &str, desk: &mut Questions) -> PrivateKey {
    let words = [
        ("present", PrivateKey::Present),
        ("missing", PrivateKey::Missing),
        ("unreadable", PrivateKey::Unreadable),
    ];
    let id = format!("key:{label}");
    if let Some(answer) = desk.optional(&id, |answer| one_of(answer, &words)) {
        return answer;
    }
    if let Some(key) = known.key {
        return key;
    }
    if !known.listed {
        let question = Question {
            id,
            text: format!("is the private key of {label} on the server? A certificate file does not tell"),
            assumed: "present".to_owned(),
            choices: words.iter().map(|(word, _)| (*word).to_owned()).collect(),
        };
        desk.ask(question, |answer| one_of(answer, &words));
    }
    PrivateKey::Present
}

/// Sets the internal transport certificate: by its label if it is in the store, else by its thumbprint.
fn internal(server: &mut Server, originals: &[Original], desk: &mut Questions) {
    let Some(thumbprint) = server.internal.as_deref().map(dense) else { return };
    let own = originals.iter().filter(|it| it.computer == server.spec.name);
    let found = own
        .into_iter()
        .find(|it| it.thumbprint.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(&thumbprint)));
    server.spec.internal_transport_certificate = match found {
        Some(original) => Some(original.label.clone()),
        None if thumbprint.is_empty() || thumbprint.len() == 40 => Some(thumbprint),
        None => {
            desk.note(format!(
                "{}: `{thumbprint}` is no thumbprint; the internal transport certificate is inferred",
                server.spec.name
            ));
            None
        }
    };
}

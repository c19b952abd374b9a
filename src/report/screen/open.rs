//! The first screen where half of what decides was not pasted: connectors without certificates, or certificates
//! without connectors. Nothing is said of STARTTLS then; the screen asks for the other half.

use serde::Serialize;

use super::rows::Rows;
use super::{HEAD, WIDTH};
use crate::exchange::{Reason, Verdict};
use crate::report::paint::Style;
use crate::report::{CertificateReport, Report};

/// The half that was not pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lacking {
    /// Connectors were pasted, and no certificate.
    Certificates,
    /// Certificates were pasted, and no connector.
    Connectors,
}

impl Lacking {
    /// Returns the consequence in a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Certificates => "Whether STARTTLS is offered is not known: no certificate was pasted.",
            Self::Connectors => "Whether STARTTLS is offered is not known: no connector was pasted.",
        }
    }
}

/// The maximum width of a connector's name in the table.
const NAME: usize = 40;
/// The maximum width of a certificate's name in the table.
const SUBJECT: usize = 28;
/// The limit on the rows of a table.
const MOST_ROWS: usize = 12;

/// Writes the connectors with what each of them looks for, and asks for the certificates.
pub(super) fn without_certificates(rows: &mut Rows, report: &Report, files: &str, named: bool) {
    rows.text("", 0, Some(Style::Bad), Lacking::Certificates.in_words());
    rows.gap();
    let several = computers_of(report).len() > 1;
    let name = |identity: &str| match identity.split_once('\\') {
        Some((_, name)) if !several => name.to_owned(),
        Some(_) | None => identity.to_owned(),
    };
    let receiving = report.connectors.iter().map(|it| {
        let looks_for = if !it.enabled {
            "nothing: it is disabled".to_owned()
        } else if it.silence.is_some() {
            "nothing: Tls is not in AuthMechanism, so STARTTLS is not offered".to_owned()
        } else {
            looks_for(&it.search_key, it.search_key_origin)
        };
        (name(&it.identity), looks_for)
    });
    let sending = report.send_connectors.iter();
    let sending =
        sending.map(|it| (name(&it.identity), looks_for(&it.search_key, it.search_key_origin) + ", to send"));
    let all: Vec<(String, String)> = receiving.chain(sending).collect();
    let width = all.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(NAME);
    let faint = Some(Style::Faint);
    rows.cells(&[("connector", width + 2, faint), ("looks for a certificate with", usize::MAX, faint)]);
    for (name, looks_for) in all.iter().take(MOST_ROWS) {
        rows.cells(&[(name, width, None), ("", 2, None), (looks_for, usize::MAX, None)]);
    }
    more(rows, all.len());
    rows.gap();
    let on = if named { computers(report) } else { "the server".to_owned() };
    rows.text("run", HEAD, None, &format!("on {on}, and check its output together with this:"));
    rows.command("Get-ExchangeCertificate | fl");
    rows.command(&format!("starttls-lab check {files} certificates.txt"));
    if let Some(name) = report.connectors.iter().find(|it| !it.pinned && it.silence.is_none()) {
        let words = "one name alone: what it lists first is what Exchange takes; nothing is event 12014";
        rows.text("or", HEAD, None, words);
        rows.command(&format!("Get-ExchangeCertificate -DomainName {} | fl", name.search_key));
    }
}

fn looks_for(key: &str, origin: &str) -> String {
    let key: String = key.split_whitespace().collect::<Vec<_>>().join(" ");
    match origin.strip_suffix(" of the connector") {
        Some(parameter) => format!("{key} ({parameter})"),
        None => format!("{key} (the computer's FQDN)"),
    }
}

/// Writes the certificates with the names that each could serve, and asks for the connectors.
pub(super) fn without_connectors(rows: &mut Rows, report: &Report, files: &str, named: bool) {
    rows.text("", 0, Some(Style::Bad), Lacking::Connectors.in_words());
    rows.gap();
    let mut all: Vec<&CertificateReport> = Vec::new();
    for certificate in report.connectors.iter().flat_map(|it| &it.certificates) {
        if !all.iter().any(|known| known.thumbprint == certificate.thumbprint) {
            all.push(certificate);
        }
    }
    let subject = |it: &CertificateReport| {
        it.subject.split_once(", ").map_or(it.subject.as_str(), |(first, _)| first).to_owned()
    };
    let width = all.iter().map(|it| subject(it).chars().count()).max().unwrap_or(0).min(SUBJECT);
    let faint = Some(Style::Faint);
    rows.cells(&[
        ("certificate", width + 2, faint),
        ("valid to", DATE, faint),
        ("serves STARTTLS for", usize::MAX, faint),
    ]);
    for certificate in all.iter().take(MOST_ROWS) {
        let against = against(certificate, report);
        let names: Vec<&str> = certificate.names.iter().map(|it| it.name.as_str()).collect();
        let (style, words) = match (against.as_slice(), names.as_slice()) {
            ([], []) => (Style::Bad, "no name: none is in it".to_owned()),
            ([], names) => (Style::Good, names.join(", ")),
            (against, _) => (Style::Bad, format!("no: {}", against.join(", "))),
        };
        let until: String = certificate.not_after.to_string().chars().take(10).collect();
        rows.cells(&[
            (&subject(certificate), width, None),
            ("", 2, None),
            (&until, DATE, None),
            (&words, usize::MAX, Some(style)),
        ]);
    }
    more(rows, all.len());
    rows.gap();
    let on = if named { computers(report) } else { "the server".to_owned() };
    rows.text("run", HEAD, None, &format!("on {on}, and check its output together with this:"));
    rows.command("Get-ReceiveConnector | fl");
    rows.command(&format!("starttls-lab check {files} connectors.txt"));
    rows.text("or", HEAD, None, "name the connector's FQDN, or the name in event 12014:");
    let name = all.iter().flat_map(|it| &it.names).map(|it| it.name.as_str()).find(|it| !it.contains('*'));
    rows.command(&format!("starttls-lab check {files} --fqdn {}", name.unwrap_or("mail.example.com")));
}

/// The width of a date and what separates it from the next column.
const DATE: usize = 12;

/// Returns the reasons for which a certificate serves no name.
fn against(certificate: &CertificateReport, report: &Report) -> Vec<&'static str> {
    let mut against: Vec<&str> = match &certificate.verdict {
        Verdict::NotEligible { reasons } => {
            let others = reasons.iter().filter(|reason| **reason != Reason::NameDiffers);
            others.map(|reason| in_brief(*reason)).collect()
        }
        Verdict::Chosen | Verdict::Beaten { .. } | Verdict::NotLookedAt => Vec::new(),
    };
    let expired = in_brief(Reason::Expired);
    if certificate.not_after < report.at && !against.contains(&expired) {
        against.push(expired);
    }
    against
}

/// Returns a reason against a certificate in a few words.
const fn in_brief(reason: Reason) -> &'static str {
    match reason {
        Reason::NameDiffers => "another name",
        Reason::IssuerDiffers => "another issuer",
        Reason::SubjectDiffers => "another subject",
        Reason::SmtpNotAssigned => "not enabled for SMTP",
        Reason::PrivateKeyMissing => "no private key",
        Reason::PrivateKeyUnreadable => "key not readable",
        Reason::Expired => "expired",
        Reason::NotYetValid => "not yet valid",
        Reason::NotVersion3 => "not X.509 version 3",
        Reason::ChainUntrusted => "chain not trusted",
        Reason::Revoked => "revoked",
        Reason::StandsInForNone => "self-signed",
    }
}

fn more(rows: &mut Rows, count: usize) {
    if let Some(more) = count.checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        rows.text("", 0, None, &format!("and {more} more: --full"));
    }
}

/// Returns the computers of the report in words.
fn computers(report: &Report) -> String {
    let joined = computers_of(report).join(", ");
    if joined.len() < WIDTH / 2 { joined } else { "each server".to_owned() }
}

fn computers_of(report: &Report) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let receiving = report.connectors.iter().map(|it| it.identity.as_str());
    for identity in receiving.chain(report.send_connectors.iter().map(|it| it.identity.as_str())) {
        let name = identity.split_once('\\').map_or(identity, |(computer, _)| computer);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

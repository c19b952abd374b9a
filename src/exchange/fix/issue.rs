//! Ways that need a new certificate: from an authority, or self-signed.

use jiff::{SignedDuration, Timestamp};

use super::change::{Change, Overwrite};
use super::propose::{Case, Proposal, Rank, is_about_naming, removed};
use super::state::{Health, called};
use super::{console, name, shell};
use crate::exchange::{CertificateFacts, ChainStatus, PrivateKey, SearchKey, Services, StoredCertificate};
use crate::pki::Thumbprint;

/// The lifetime of an imagined certificate: what authorities sell, and less than what setup makes.
pub(super) const A_YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The issuer of an imagined certificate, which nobody can take for a real one.
pub(super) const SOME_AUTHORITY: &str = "CN=(the authority of your choice)";

/// New certificates with what is searched for.
pub(super) fn new_certificates(case: &Case<'_>) -> Vec<Proposal> {
    match &case.selection.key {
        SearchKey::Pin(_) => [new_and_pinned(case)].into_iter().collect(),
        SearchKey::ConnectorFqdn(_) | SearchKey::ComputerFqdn(_) => {
            [by_authority(case), by_itself(case)].into_iter().flatten().collect()
        }
    }
}

fn by_authority(case: &Case<'_>) -> Option<Proposal> {
    let wanted = case.wanted()?;
    let (names, renewed) = names_for(case, wanted);
    let (subject, certificate) = imagined(case, &names, Some(SOME_AUTHORITY));
    let title = match renewed {
        Some(old) => format!("Renew {}: a certificate of an authority that carries {wanted}", called(old)),
        None => format!("Get a certificate of an authority that carries {wanted}"),
    };
    let commands = shell::request(case.computer, &subject, &names);
    let draft = Proposal {
        rank: Rank::Authority,
        title,
        steps: Vec::new(),
        commands,
        clicks: of_authority(case),
        refused: None,
    };
    Some(filed(case, draft, &certificate))
}

fn by_itself(case: &Case<'_>) -> Option<Proposal> {
    let wanted = case.wanted()?;
    let (names, _) = names_for(case, wanted);
    let (subject, certificate) = imagined(case, &names, None);
    let draft = Proposal {
        rank: Rank::SelfSigned,
        title: format!("Make a self-signed certificate that carries {wanted}"),
        steps: Vec::new(),
        commands: vec![shell::self_signed(case.computer, &subject, &names)],
        clicks: console::certificates(
            case.computer,
            "New Exchange Certificate makes requests only: a self-signed one needs the Shell",
            "New (+), create a self-signed certificate; then Edit, services: SMTP",
        ),
        refused: None,
    };
    Some(filed(case, draft, &certificate))
}

/// For a pinned connector the pin has to follow, unless issuer and subject stay the same.
fn new_and_pinned(case: &Case<'_>) -> Proposal {
    let wanted = case.computer.fqdn_of(case.connector).as_str();
    let (names, _) = names_for(case, wanted);
    let (subject, certificate) = imagined(case, &names, Some(SOME_AUTHORITY));
    let mut commands = shell::request(case.computer, &subject, &names);
    commands.push("# not needed where issuer and subject are those of the old pin:".to_owned());
    commands.extend(shell::pin_name(case.computer, None));
    let (change, command, besides) =
        case.set_by(name::pin_parameters(&certificate), "TlsCertificateName", "$name");
    commands.push(command);
    let mut clicks = of_authority(case);
    clicks.extend(console::pin(case.computer));
    clicks.dedup();
    let draft = Proposal {
        rank: Rank::Authority,
        title: format!(
            "Get a certificate of an authority that carries {wanted}, and pin the connector to it{besides}"
        ),
        steps: vec![change],
        commands,
        clicks,
        refused: None,
    };
    filed(case, draft, &certificate)
}

fn of_authority(case: &Case<'_>) -> Vec<String> {
    console::certificates(
        case.computer,
        "New Exchange Certificate; with the answer, Complete Pending Request; then Assign Services: SMTP",
        "New (+), request from a certification authority; Complete; then Edit, services: SMTP",
    )
}

/// Files the new certificate before the other steps of `draft`, and takes away what would still go before it.
fn filed(case: &Case<'_>, mut draft: Proposal, certificate: &StoredCertificate) -> Proposal {
    let thumbprint = certificate.facts.thumbprint;
    let overwrite = case.overwrite(thumbprint, &certificate.facts.names());
    let file = |overwrite| Change::FileCertificate { certificate: Box::new(certificate.clone()), overwrite };
    draft.steps.insert(0, file(overwrite));
    // Removing is no remedy for what a self-signed certificate cannot do: an authority's can.
    if draft.rank == Rank::Authority {
        draft.steps = case.and_remove_what_stands_before(draft.steps);
    }
    let gone: Vec<Thumbprint> = removed(&draft.steps).collect();
    // What the server itself uses cannot be removed: the new one takes its place first.
    let used = case.computer.internal_transport_certificate.is_some_and(|used| gone.contains(&used));
    let overwrite = if used { Overwrite::Yes } else { overwrite };
    if let Some(first) = draft.steps.first_mut() {
        *first = file(overwrite);
    }
    let asks = |command: &String| {
        command.starts_with("Enable-") || command.starts_with("$cert = New-ExchangeCertificate")
    };
    if let (Some(at), Some(answer)) =
        (draft.commands.iter().rposition(asks), case.answer(thumbprint, overwrite))
    {
        draft.commands.insert(at + 1, answer);
    }
    draft.commands.extend(gone.iter().map(|thumbprint| shell::remove(case.computer, *thumbprint)));
    draft
}

/// The names for a new certificate: what is wanted, and what the one it replaces carried besides.
fn names_for<'a>(case: &Case<'a>, wanted: &str) -> (Vec<String>, Option<&'a StoredCertificate>) {
    let renewed = case
        .judged()
        .find(|(_, reasons)| !reasons.iter().any(|reason| is_about_naming(*reason)))
        .map(|(stored, _)| stored);
    let mut names = vec![wanted.to_owned()];
    let further = renewed.map(|stored| stored.facts.names()).unwrap_or_default();
    names.extend(further.into_iter().filter(|name| !name.eq_ignore_ascii_case(wanted)).map(str::to_owned));
    (names, renewed)
}

/// A certificate that does not exist, and its subject; self-signed where there is no issuer.
fn imagined(case: &Case<'_>, names: &[String], issuer: Option<&str>) -> (String, StoredCertificate) {
    let subject = format!("CN={}", names.first().map_or("", String::as_str));
    let facts = CertificateFacts {
        thumbprint: nobodys_thumbprint(),
        issuer: issuer.unwrap_or(&subject).to_owned(),
        subject: subject.clone(),
        serial_number: "00".to_owned(),
        common_names: names.first().cloned().into_iter().collect(),
        dns_names: names.to_vec(),
        not_before: case.now,
        not_after: case.now.checked_add(A_YEAR).unwrap_or(Timestamp::MAX),
        version: 3,
        self_signed: issuer.is_none(),
    };
    (subject, new_certificate(facts))
}

/// Returns a certificate that is enabled for SMTP and can be used.
pub(super) fn new_certificate(facts: CertificateFacts) -> StoredCertificate {
    StoredCertificate {
        label: "new".to_owned(),
        facts,
        services: Services::SMTP,
        private_key: PrivateKey::Present,
        chain: ChainStatus::Valid,
        material: None,
    }
}

/// Forty zeros.
pub(super) fn nobodys_thumbprint() -> Thumbprint {
    "0".repeat(40).parse().unwrap_or_else(|_| Thumbprint::of(b""))
}

/// Returns whether a self-signed certificate, which the text of event 12016 advises, would change anything.
pub(super) fn self_signed_helps(case: &Case<'_>) -> bool {
    by_itself(case).is_none_or(|proposal| case.health_after(&proposal.steps) > Health::Broken)
}

//! Ways that leave the certificates alone: another FQDN, another pin, another connector.

use super::change::Change;
use super::console::{self, Page};
use super::propose::{Case, Proposal, Rank, fqdn_only, is_about_naming, repair};
use super::shell;
use super::state::{Health, called};
use crate::exchange::{
    AuthMechanism, IpRange, Nullable, PermissionGroups, Profile, Reason, ReceiveConnector,
    ReceiveConnectorParameters, Role, SearchKey, StoredCertificate, TlsCertificateName, TransportRole, Usage,
    fqdn_guard,
};
use crate::name::Fqdn;

/// For a connector that searches by name: the names that otherwise eligible certificates carry.
pub(super) fn for_named(case: &Case<'_>) -> Vec<Proposal> {
    if case.health == Health::ExpiresSoon {
        return Vec::new();
    }
    // Where the right certificate can be fixed, no pin to another certificate is proposed.
    let mendable =
        case.judged().any(|(stored, reasons)| !reasons.is_empty() && repair(case, stored, reasons).is_some());
    let pin = |stored| if mendable { None } else { pin_to(case, stored, "Pin the connector") };
    let mut proposals = Vec::new();
    for stored in usable_but_for(case, &[Reason::NameDiffers]) {
        let Some(fqdn) = name_to_take(case, stored) else {
            proposals.extend(pin(stored));
            continue;
        };
        let fqdn_set = with_fqdn(case, stored, &fqdn);
        if fqdn_set.refused.is_some() {
            proposals.push(without_exchange_server(case, &fqdn));
        }
        proposals.push(fqdn_set);
        proposals.extend(pin(stored));
    }
    // A second connector is proposed only where a cmdlet refuses the direct fix.
    if proposals.iter().any(|proposal| proposal.refused.is_some()) {
        proposals.extend(beside(case));
    }
    proposals
}

/// For a connector that presents a certificate of its own making: those of an authority, which senders that
/// verify accept. Nothing is wrong in Exchange's eyes, so only what the cmdlets take as it is is offered.
pub(super) fn public_instead(case: &Case<'_>) -> Vec<Proposal> {
    if matches!(case.selection.key, SearchKey::Pin(_)) || is_for_exchange_servers(case) {
        return Vec::new();
    }
    let usable = usable_but_for(case, &[Reason::NameDiffers]);
    let public = usable.into_iter().filter(|stored| !stored.facts.self_signed);
    let proposals = public.filter_map(|stored| {
        pin_to(case, stored, "Pin the connector (TlsCertificateName)").or_else(|| {
            let fqdn = name_to_take(case, stored)?;
            Some(with_fqdn(case, stored, &fqdn)).filter(|proposal| proposal.refused.is_none())
        })
    });
    proposals.collect()
}

/// Returns whether only Exchange servers connect to it, which start TLS with X-ANONYMOUSTLS and look for no name: what is
/// behind the front end, such as `Default <server>` on port 2525 and `Client Proxy <server>`, and what admits servers
/// only, such as `Outbound Proxy Frontend <server>` (receive connectors page, "Default Receive connectors").
fn is_for_exchange_servers(case: &Case<'_>) -> bool {
    let Case { computer, connector, .. } = case;
    let servers = PermissionGroups::EXCHANGE_SERVERS.and(PermissionGroups::EXCHANGE_LEGACY_SERVERS);
    let mut others = connector.permission_groups.without(servers);
    let fronted = computer.role == Role::Mailbox && computer.profile >= Profile::Exchange2013;
    if fronted && connector.transport_role == TransportRole::HubTransport {
        // Clients reach it through the front end.
        others = others.without(PermissionGroups::EXCHANGE_USERS);
    }
    connector.auth_mechanism.contains(AuthMechanism::EXCHANGE_SERVER) && others == PermissionGroups::NONE
}

/// For a pinned connector: another pin, or none.
pub(super) fn for_pinned(case: &Case<'_>, pin: &TlsCertificateName) -> Vec<Proposal> {
    let fqdn = case.computer.fqdn_of(case.connector);
    // A pin whose halves were swapped was meant for the certificate as well.
    let swapped = |stored: &StoredCertificate| pin.names(&stored.facts.subject, &stored.facts.issuer);
    let same_subject = |stored: &StoredCertificate| *stored.facts.subject == *pin.subject || swapped(stored);
    let related = |stored: &&StoredCertificate| {
        let carries = stored.facts.covers(fqdn.as_str()).is_some();
        carries || same_subject(stored)
    };
    let others = usable_but_for(case, &[Reason::IssuerDiffers, Reason::SubjectDiffers]);
    let move_to = |stored| pin_to(case, stored, "Move the pin (TlsCertificateName)");
    let (mut usable, unrelated): (Vec<&StoredCertificate>, Vec<&StoredCertificate>) =
        others.into_iter().partition(|stored| related(stored));
    // The renewed one of the same subject is what the pin was meant for.
    usable.sort_by_key(|stored| (!same_subject(stored), stored.facts.self_signed));
    let mut proposals: Vec<Proposal> = usable.iter().filter_map(|stored| move_to(stored)).collect();
    // A certificate of an authority serves senders that verify, whatever the connector answers with.
    let public =
        unrelated.iter().filter(|stored| !stored.facts.self_signed && is_of_domain(case, pin, stored));
    proposals.extend(public.filter_map(|stored| move_to(stored)));
    if usable.is_empty() {
        // The right one is there, and something else ails it as well.
        let ailing = case.judged().filter(|(stored, _)| related(stored));
        proposals.extend(ailing.filter_map(|(stored, reasons)| {
            let rest: Vec<Reason> =
                reasons.iter().copied().filter(|reason| !is_about_naming(*reason)).collect();
            Some(repair(case, stored, &rest)?.then(move_to(stored)?))
        }));
    }
    let parameters = ReceiveConnectorParameters {
        tls_certificate_name: Some(Nullable::NULL),
        ..ReceiveConnectorParameters::default()
    };
    let (change, command, besides) = case.set_by(parameters, "TlsCertificateName", "$null");
    let decides = if besides.is_empty() { fqdn } else { &case.computer.fqdn };
    proposals.push(Proposal {
        rank: Rank::ClearPin,
        title: format!("Take the pin away{besides}, so that the FQDN decides ({decides})"),
        steps: vec![change],
        commands: vec![command],
        clicks: console::pin(case.computer),
        refused: None,
    });
    proposals
}

/// Returns whether a certificate carries a name in a domain of the connector, the pin, or the organization.
fn is_of_domain(case: &Case<'_>, pin: &TlsCertificateName, stored: &StoredCertificate) -> bool {
    let domain = |name: &str| {
        let labels: Vec<&str> = name.rsplit('.').take(2).collect();
        (labels.len() == 2).then(|| labels.join(".").to_ascii_lowercase())
    };
    let subject = pin.subject.split(',').find_map(|part| part.trim().strip_prefix("CN="));
    let own = [case.computer.fqdn_of(case.connector).as_str(), case.computer.fqdn.as_str()];
    let accepted = case.computer.accepted_domains.iter().map(Fqdn::as_str);
    let domains: Vec<String> = own.into_iter().chain(subject).chain(accepted).filter_map(domain).collect();
    let carried = stored.facts.names();
    carried.iter().any(|name| domain(name).is_some_and(|domain| domains.contains(&domain)))
}

/// The certificates that nothing speaks against but `reasons`, those of an authority first.
fn usable_but_for<'a>(case: &Case<'a>, reasons: &[Reason]) -> Vec<&'a StoredCertificate> {
    let only = |against: &[Reason]| !against.is_empty() && against.iter().all(|one| reasons.contains(one));
    let mut usable: Vec<&StoredCertificate> =
        case.judged().filter(|(_, against)| only(against)).map(|(stored, _)| stored).collect();
    usable.sort_by_key(|stored| stored.facts.self_signed);
    usable
}

/// The name of `stored` that the connector could answer with: no wildcard, and a host name with a dot
/// or the server's own. Where only the server's names are allowed, those go first.
fn name_to_take(case: &Case<'_>, stored: &StoredCertificate) -> Option<Fqdn> {
    let own = |fqdn: &Fqdn| *fqdn == case.computer.fqdn || *fqdn == *case.computer.name.as_str();
    let names: Vec<Fqdn> = stored.facts.names().iter().filter_map(|name| name.parse().ok()).collect();
    let dotted = |fqdn: &Fqdn| fqdn.as_str().contains('.');
    let fit = names.into_iter().filter(|fqdn| own(fqdn) || dotted(fqdn));
    if guarded(case) {
        fit.min_by_key(|fqdn| (*fqdn != case.computer.fqdn, !own(fqdn)))
    } else {
        fit.min_by_key(|fqdn| !dotted(fqdn))
    }
}

/// Returns whether the cmdlet accepts only the server's own names for this connector.
fn guarded(case: &Case<'_>) -> bool {
    let mut probe = case.connector.clone();
    // No server can be called this (RFC 6761 section 6.4), so only the guard can object.
    probe.fqdn = Nullable("guarded.invalid".parse().ok());
    fqdn_guard(&probe, case.computer).is_some()
}

fn with_fqdn(case: &Case<'_>, stored: &StoredCertificate, fqdn: &Fqdn) -> Proposal {
    let mut connector = case.connector.clone();
    connector.fqdn = Nullable(Some(fqdn.clone()));
    let refused = fqdn_guard(&connector, case.computer);
    let ending = if refused.is_some() { ": the cmdlet refuses it" } else { "" };
    Proposal {
        rank: if refused.is_some() { Rank::Refused } else { Rank::Fqdn },
        title: format!("Set the connector's FQDN to {fqdn}, a name of {}{ending}", stored.facts.subject),
        steps: vec![case.set(fqdn_only(fqdn.clone()))],
        commands: vec![shell::set(case.computer, case.connector, "Fqdn", fqdn)],
        clicks: console::connector(case.computer, case.connector, Page::Fqdn, fqdn.as_str()),
        refused,
    }
}

/// TlsCertificateName came with 2013. A certificate without a host name is not meant for transport.
fn pin_to(case: &Case<'_>, stored: &StoredCertificate, title: &str) -> Option<Proposal> {
    let host = |name: &&str| name.strip_prefix("*.").unwrap_or(name).parse::<Fqdn>().is_ok();
    let dotted = stored.facts.names().iter().filter(|name| host(name)).any(|name| name.contains('.'));
    if case.computer.profile < Profile::Exchange2013 || !dotted {
        return None;
    }
    let (change, command, besides) = case.set_by(pin_parameters(stored), "TlsCertificateName", "$name");
    let mut commands = shell::pin_name(case.computer, Some(stored.facts.thumbprint));
    commands.push(command);
    Some(Proposal {
        rank: Rank::Pin,
        title: format!("{title} to {}{besides}", called(stored)),
        steps: vec![change],
        commands,
        clicks: console::pin(case.computer),
        refused: None,
    })
}

pub(super) fn pin_parameters(stored: &StoredCertificate) -> ReceiveConnectorParameters {
    let pin = TlsCertificateName {
        issuer: stored.facts.issuer.as_str().into(),
        subject: stored.facts.subject.as_str().into(),
    };
    ReceiveConnectorParameters {
        tls_certificate_name: Some(Nullable(Some(pin))),
        ..ReceiveConnectorParameters::default()
    }
}

/// The way round the guard that other Exchange servers pay for.
fn without_exchange_server(case: &Case<'_>, fqdn: &Fqdn) -> Proposal {
    let flags = case.connector.auth_mechanism.without(AuthMechanism::EXCHANGE_SERVER);
    let parameters = ReceiveConnectorParameters { auth_mechanism: Some(flags), ..fqdn_only(fqdn.clone()) };
    let mut clicks = console::connector(
        case.computer,
        case.connector,
        Page::Authentication,
        "clear Exchange Server authentication",
    );
    clicks.extend(
        console::connector(case.computer, case.connector, Page::Fqdn, fqdn.as_str()).into_iter().skip(2),
    );
    Proposal {
        rank: Rank::WithoutExchangeServer,
        title: format!(
            "Only where this is the only Exchange server: take ExchangeServer out of AuthMechanism and set the FQDN to {fqdn}"
        ),
        steps: vec![case.set(parameters)],
        commands: vec![
            shell::set(case.computer, case.connector, "AuthMechanism", flags),
            shell::set(case.computer, case.connector, "Fqdn", fqdn),
        ],
        clicks,
        refused: None,
    }
}

/// A connector of its own for the senders that need the name; the guarded one stays as it is.
fn beside(case: &Case<'_>) -> Option<Proposal> {
    let usable = usable_but_for(case, &[Reason::NameDiffers]);
    let named = usable.iter().find_map(|stored| {
        let mut names = stored.facts.names().into_iter().filter_map(|name| name.parse::<Fqdn>().ok());
        names.find(|fqdn| fqdn.as_str().contains('.')).map(|fqdn| (stored, fqdn))
    });
    let (stored, fqdn) = named?;
    let old = case.connector;
    let (role, profile) = (case.computer.role, case.computer.profile);
    // 64 characters at most, and unlike any other.
    let name = format!("STARTTLS {}", case.computer.name);
    let mut made = ReceiveConnector::new(name, Usage::Custom, role, profile);
    made.fqdn = Nullable(Some(fqdn.clone()));
    made.bindings.clone_from(&old.bindings);
    made.transport_role = old.transport_role;
    made.auth_mechanism = old.auth_mechanism.without(AuthMechanism::EXCHANGE_SERVER);
    let servers = PermissionGroups::EXCHANGE_SERVERS.and(PermissionGroups::EXCHANGE_LEGACY_SERVERS);
    made.permission_groups = old.permission_groups.without(servers);
    // Addresses that nobody has (RFC 5737) stand for the senders', which only the administrator knows.
    let fits = |range: &IpRange| {
        let mut made = made.clone();
        made.remote_ip_ranges = vec![*range];
        let others = &case.computer.receive_connectors;
        others.iter().all(|other| made.conflict_with(other, &case.computer.name).is_none())
    };
    let ranges = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];
    let range = ranges.iter().filter_map(|range| range.parse().ok()).find(fits)?;
    made.remote_ip_ranges = vec![range];
    if case.computer.receive_connector(&made.name).is_some() {
        return None;
    }
    Some(Proposal {
        rank: Rank::Beside,
        title: format!(
            "Make a connector of its own for the senders outside, with the FQDN {fqdn} of {}",
            called(stored)
        ),
        commands: shell::new_connector(case.computer, &made),
        clicks: console::new_connector(case.computer),
        steps: vec![Change::NewReceiveConnector(Box::new(made))],
        refused: None,
    })
}

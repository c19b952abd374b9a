//! One connector, from the model to the report.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::opinion;
use super::words;
use super::{AnonymousTls, CertificateReport, ConnectorReport, EventReport, NameReport, RuleApplied};
use crate::exchange::{
    AuthMechanism, Candidate, Computer, Event, EventKind, EventMeaning, InternalTransport, IpRange, Outcome,
    PrivateKey, ReceiveConnector, RuleInForce, SearchKey, Selection, Stage, StoredCertificate, fixes_in,
    fqdn_guard, keywords, select_for, selection_events, useless_advice, wants_anonymous_tls,
    without_require_tls,
};
use crate::name::covers;
use crate::pki::Thumbprint;
use crate::smtp::Reply;

pub(super) fn report(
    lab: &[Arc<Computer>],
    computer: &Computer,
    connector: &ReceiveConnector,
    now: Timestamp,
) -> ConnectorReport {
    let selection = select_for(connector, computer, now);
    let logged = selection_events(&selection, connector, computer, now);
    let numbers: Vec<u16> = logged.iter().map(|event| event.event_id).collect();
    let (starttls, mut verdict) = words::verdict(&selection, computer, &numbers, now);
    if !connector.enabled {
        verdict = format!("the connector is disabled and answers nobody; if it were enabled: {verdict}");
    }
    let internal = wants_anonymous_tls(connector).then(|| InternalTransport::of(computer));
    let internal_event = internal.as_ref().and_then(|internal| internal.event(now));
    let useless = useless_advice(computer, connector, now);
    let events = logged.iter().map(|event| EventReport {
        useless: if gives_advice(event) { useless.clone() } else { Vec::new() },
        ..of_event(event, computer, Some(connector))
    });
    let (refused, fixes) =
        fixes_in(lab, computer, connector, now).into_iter().partition(|fix| fix.refused.is_some());
    let offered = selection.offered().is_some();
    let clear = Stage::Clear {
        starttls: offered,
        anonymous_tls: internal.as_ref().is_some_and(|internal| internal.certificate().is_some()),
    };
    let certificates = computer.store.iter().zip(&selection.candidates);
    ConnectorReport {
        known: true,
        identity: format!("{}\\{}", computer.name, connector.name),
        starttls,
        verdict,
        cause: words::cause(&selection, connector, computer, now),
        cause_in_brief: words::brief(&selection, computer, starttls, now),
        role: computer.role,
        profile: computer.profile,
        enabled: connector.enabled,
        bindings: connector.bindings.iter().map(ToString::to_string).collect(),
        search_key: selection.key.to_string(),
        pinned: matches!(selection.key, SearchKey::Pin(_)),
        search_key_origin: selection.key.origin(),
        names_in_store: names_in_store(computer),
        certificates: certificates.map(|(stored, on)| of_certificate(stored, on, &selection.key)).collect(),
        rules: rules(&selection, computer, internal.as_ref()),
        ehlo: ehlo(connector, computer, clear),
        ehlo_inside_tls: if offered { ehlo(connector, computer, Stage::Tls) } else { Vec::new() },
        events: events.chain(internal_event.iter().map(|event| of_event(event, computer, None))).collect(),
        silence: silence(&selection),
        anonymous_tls: anonymous_tls(connector, computer, internal.as_ref()),
        senders: opinion::of_senders(&selection, connector, computer, now),
        notes: notes(connector, computer, &selection),
        useless,
        fixes,
        refused,
        without_tls: without_require_tls(lab, computer, connector, now),
        effects: Vec::new(),
    }
}

impl ConnectorReport {
    /// Returns what is logged about the internal transport certificate, a sentence for each event. That none is published
    /// (12012) is not among it: an export that does not show the thumbprint looks the same.
    pub(super) fn about_the_internal_certificate(&self) -> Vec<String> {
        let between = |id: u16| {
            let kind = EventKind::ALL.into_iter().find(|kind| kind.id() == id);
            kind.is_some_and(|kind| {
                kind != EventKind::InternalCertificateNotPublished
                    && kind.meaning().touches == EventMeaning::BETWEEN_SERVERS
            })
        };
        let events = self.events.iter().filter(|event| between(event.event_id));
        let each = events.map(|event| {
            let says = event.means.split(". ").next().unwrap_or(&event.means);
            format!("{}, which concerns mail between Exchange servers only: {says}", event.event_id)
        });
        each.collect()
    }
}

pub(super) fn names_in_store(computer: &Computer) -> Vec<String> {
    let mut known = HashSet::new();
    let names = computer.store.iter().flat_map(|stored| stored.facts.names());
    names.filter(|name| known.insert(name.to_ascii_lowercase())).map(str::to_owned).collect()
}

pub(super) fn of_certificate(
    stored: &StoredCertificate,
    on: &Candidate,
    key: &SearchKey,
) -> CertificateReport {
    let facts = &stored.facts;
    let in_san: HashSet<String> = facts.dns_names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let of_name = |name: &str| NameReport {
        name: name.to_owned(),
        in_san: in_san.contains(&name.to_ascii_lowercase()),
        covers: match key {
            SearchKey::Pin(_) => None,
            SearchKey::ConnectorFqdn(fqdn) | SearchKey::ComputerFqdn(fqdn) => covers(name, fqdn.as_str()),
        },
    };
    CertificateReport {
        label: stored.label.clone(),
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        self_signed: facts.self_signed,
        names: facts.names().into_iter().map(of_name).collect(),
        thumbprint: facts.thumbprint,
        handshake_thumbprint: stored.handshake_thumbprint(),
        services: stored.services.letters(),
        not_before: facts.not_before,
        not_after: facts.not_after,
        verdict: on.verdict.clone(),
        words: words::on_certificate(&on.verdict),
    }
}

fn rules(
    selection: &Selection,
    computer: &Computer,
    internal: Option<&InternalTransport<'_>>,
) -> Vec<RuleApplied> {
    let gone = matches!(
        internal,
        Some(InternalTransport::Gone(_) | InternalTransport::StandIn(..) | InternalTransport::Ephemeral(..))
    );
    let of_internal = gone.then(|| computer.rules.explain("internal_certificate_gone")).flatten();
    let of_profile = computer.profile.rules();
    let applied = |rule: &RuleInForce| {
        let settled_by = match of_profile.explain(rule.rule) {
            Some(profile) if profile.answer == rule.answer => format!("profile {}", computer.profile),
            _ => "the lab file".to_owned(),
        };
        RuleApplied { rule: *rule, settled_by }
    };
    selection.rules.iter().chain(&of_internal).map(applied).collect()
}

/// Returns the reply as the session writes it, to a peer on the same computer.
fn ehlo(connector: &ReceiveConnector, computer: &Computer, stage: Stage) -> Vec<String> {
    let greeting = format!("{} Hello [127.0.0.1]", computer.fqdn_of(connector));
    let lines = [Cow::from(greeting)].into_iter().chain(keywords(connector, computer, stage));
    let reply = Reply::multi(250, lines.collect());
    reply.to_string().lines().map(str::to_owned).collect()
}

pub(super) fn of_event(
    event: &Event,
    computer: &Computer,
    connector: Option<&ReceiveConnector>,
) -> EventReport {
    EventReport {
        event_id: event.event_id,
        level: event.level,
        source: computer.event_source(connector),
        message: event.message(),
        means: event.means(),
        useless: Vec::new(),
    }
}

/// Returns whether [`useless_advice`] is about the advice of this event.
fn gives_advice(event: &Event) -> bool {
    matches!(event.kind, EventKind::NoCertificateForStarttls | EventKind::StarttlsCertificateExpired)
}

fn silence(selection: &Selection) -> Option<String> {
    let silent = selection.outcome == Outcome::NotConfigured;
    silent.then(|| {
        "silence: without Tls in AuthMechanism Exchange looks for no certificate, so it has nothing to complain of"
            .to_owned()
    })
}

fn anonymous_tls(
    connector: &ReceiveConnector,
    computer: &Computer,
    internal: Option<&InternalTransport<'_>>,
) -> AnonymousTls {
    let no = |because: &str| AnonymousTls { offered: false, because: because.to_owned() };
    let with = |how: &str, stored: &StoredCertificate| AnonymousTls {
        offered: true,
        because: format!("{how}{}", words::named(stored)),
    };
    match internal {
        None if connector.suppress_x_anonymous_tls && connector.allows(AuthMechanism::EXCHANGE_SERVER) => {
            no("SuppressXAnonymousTls is set")
        }
        None => no("ExchangeServer is not in AuthMechanism"),
        Some(InternalTransport::NotPublished) => no(&format!(
            "no internal transport certificate is published (event {})",
            EventKind::InternalCertificateNotPublished.id()
        )),
        Some(InternalTransport::Gone(thumbprint)) => AnonymousTls {
            offered: false,
            because: format!(
                "the internal transport certificate {thumbprint} {} (event {})",
                missing(computer, *thumbprint),
                EventKind::InternalCertificateGone.id()
            ),
        },
        Some(InternalTransport::StandIn(thumbprint, stored)) => {
            let missing = missing(computer, *thumbprint);
            with(&format!("the internal transport certificate {missing}; in its place "), stored)
        }
        Some(InternalTransport::Ephemeral(thumbprint, stored)) => {
            let missing = missing(computer, *thumbprint);
            with(&format!("the internal transport certificate {missing}; one made on the spot, "), stored)
        }
        Some(InternalTransport::Found(stored)) => with("", stored),
    }
}

/// Returns the reason why the internal transport certificate cannot be loaded, as the predicate of a
/// sentence.
fn missing(computer: &Computer, thumbprint: Thumbprint) -> &'static str {
    match computer.store.find(thumbprint).map(|stored| stored.private_key) {
        None => "is not in the store",
        Some(PrivateKey::Missing) => "has no private key",
        Some(PrivateKey::Unreadable) => "has a private key that the transport service cannot read",
        Some(PrivateKey::Present) => "cannot be loaded",
    }
}

fn notes(connector: &ReceiveConnector, computer: &Computer, selection: &Selection) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(words) = fqdn_guard(connector, computer) {
        notes.push(format!(
            "No cmdlet would have set this FQDN while AuthMechanism holds ExchangeServer; it can have got there before. The cmdlet says: {words}"
        ));
    }
    if let SearchKey::Pin(_) = selection.key {
        notes.push(format!(
            "The connector is pinned: there is no fall-back to its FQDN {} (KB 2989382).",
            computer.fqdn_of(connector)
        ));
    }
    match (connector.require_tls, selection.offered()) {
        (false, _) => {}
        (true, None) => {
            notes.push("RequireTLS is on: without STARTTLS nobody can submit here at all.".to_owned());
        }
        (true, Some(_)) => notes.push(format!(
            "RequireTLS is on: a sender that does not use STARTTLS is refused at MAIL FROM with \"{}\".",
            crate::session::must_start_tls(computer.profile)
        )),
    }
    notes.extend(neighbors(connector, computer));
    notes
}

/// Returns the connectors beside this one on the same address and port, where RemoteIPRanges decide which of
/// them answers a sender (receive connectors page, "Receive connector remote addresses").
fn neighbors(connector: &ReceiveConnector, computer: &Computer) -> Vec<String> {
    let shares = |other: &ReceiveConnector| {
        other.enabled
            && other.name != connector.name
            && connector
                .bindings
                .iter()
                .any(|own| other.bindings.iter().any(|binding| binding.covers(*own) || own.covers(*binding)))
    };
    let ranges = |of: &ReceiveConnector| {
        of.remote_ip_ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let narrowest = |of: &ReceiveConnector| of.remote_ip_ranges.iter().map(|range| range.span()).min();
    let others: Vec<_> = computer.receive_connectors.iter().filter(|other| shares(other)).collect();
    let alone = others.len() == 1;
    let beside = others.into_iter().map(|other| {
        let (own, its) = (ranges(connector), ranges(other));
        let why = "both listen there, and the more specific RemoteIPRanges decide";
        let other_first = narrowest(other) < narrowest(connector);
        match (other_first, alone) {
            (true, true) => {
                format!("Senders from {its} are answered by {}, not by this connector: {why}.", other.name)
            }
            (false, true) if other.remote_ip_ranges.contains(&IpRange::ALL_V4) => {
                format!("It answers only senders from {own}; all others are answered by {}: {why}.", other.name)
            }
            (true, _) => format!("{} goes before it for senders from {its}: {why}.", other.name),
            (false, _) => format!(
                "It answers only senders from {own}, and goes before {}, which answers senders from {its}: {why}.",
                other.name
            ),
        }
    });
    beside.collect()
}

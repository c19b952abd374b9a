//! The report that a person reads: the seed story against golden files, and what other stories must say.
//!
//! `UPDATE_GOLDEN=1 cargo test --test check_report` writes the golden files anew.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here is a failed test")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use crate::computers::{certificate, changed, computer, now, with_connector};
use starttls_lab::internal::exchange::{AuthMechanism, Computer, Dates, Profile, Role, Services};
use starttls_lab::internal::pki::KeyPair;
use starttls_lab::internal::report::{Report, Starttls, check};
use starttls_lab::internal::scenario::{Built, Issuer, ScenarioText};

fn report(computers: Vec<Computer>) -> Report {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let built = |computer| Built { computer: Arc::new(computer), address, faults: Vec::new() };
    check(&computers.into_iter().map(built).collect::<Vec<_>>(), now())
}

/// The seed story as its lab file tells it, at a fixed instant; keys, and so thumbprints, are new each time.
fn seed() -> (Report, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/fqdn-mismatch.toml");
    let lab = ScenarioText::parse(&fs::read_to_string(file).unwrap(), "fqdn-mismatch.toml").unwrap();
    let mut issuer = Issuer::open(now(), &mut KeyPair::generate).unwrap();
    let built = lab.build(&mut issuer, &mut KeyPair::generate).unwrap();
    let thumbprint = built[0].computer.store.iter().next().unwrap().facts.thumbprint.to_string();
    (check(&built, now()), thumbprint)
}

fn golden(name: &str, got: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, got).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert!(got == wanted, "{} differs; UPDATE_GOLDEN=1 accepts this:\n{got}", path.display());
}

#[test]
fn the_seeds_table_is_the_golden_one() {
    let (report, thumbprint) = seed();
    golden("check-fqdn-mismatch.txt", &report.table().replace(&thumbprint, &"F".repeat(40)));
}

#[test]
fn the_seeds_list_is_the_golden_one() {
    let (report, thumbprint) = seed();
    golden("check-fqdn-mismatch.list.txt", &report.list().replace(&thumbprint, &"F".repeat(40)));
}

#[test]
fn the_first_five_lines_say_what_is_wrong_why_and_what_to_do() {
    let (report, _) = seed();
    let table = report.table();
    let head = table.lines().take(5).collect::<Vec<_>>().join("\n");
    for part in [
        "MAILGATE\\Default internal receive connector MAILGATE: STARTTLS is NOT offered (event 12014)\n",
        "looked for mail.expta.com; the store has: mailgate.expta.com, mailgate\n",
        "Set the connector's FQDN to mailgate.expta.com",
    ] {
        assert!(head.contains(part), "no `{part}` in\n{head}");
    }
}

#[test]
fn prose_keeps_to_a_hundred_columns() {
    let (report, _) = seed();
    for line in report.table().lines() {
        let command = line.contains("ExchangeCertificate") || line.contains("Set-ReceiveConnector");
        assert!(command || line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn programs_get_the_same_facts_as_json() {
    let (report, thumbprint) = seed();
    let json = serde_json::to_value(&report).unwrap();
    let connector = &json["connectors"][0];
    assert_eq!(connector["starttls"], "withheld");
    assert_eq!(connector["certificates"][0]["thumbprint"], thumbprint);
    assert_eq!(connector["certificates"][0]["reasons"][0], "name_differs");
    assert_eq!(connector["events"][0]["event_id"], 12014);
    assert!(connector["fixes"][0]["commands"][0].as_str().unwrap().contains("-Fqdn"));
}

#[test]
fn a_healthy_connector_has_its_reply_inside_tls_and_no_fixes() {
    let mail = certificate("mail", &["mail.expta.com"]);
    let thumbprint = mail.facts.thumbprint;
    let mut healthy = computer(Role::Edge, Profile::Exchange2010, "mail.expta.com", vec![mail]);
    healthy.internal_transport_certificate = Some(thumbprint);
    let report = report(vec![healthy]);
    let connector = &report.connectors[0];
    assert_eq!(connector.starttls, Starttls::Offered);
    assert!(connector.ehlo.contains(&"250-STARTTLS".to_owned()), "{:?}", connector.ehlo);
    assert!(connector.ehlo_inside_tls.iter().all(|line| !line.contains("STARTTLS")));
    assert_eq!(connector.ehlo_inside_tls[0], "250-mail.expta.com Hello [127.0.0.1]");
    assert!(connector.fixes.is_empty() && connector.events.is_empty() && connector.silence.is_none());
    assert_eq!(connector.senders[0].case, "exact-san");
}

#[test]
fn silence_is_explained() {
    let store = vec![certificate("mail", &["mail.expta.com"])];
    let silent =
        with_connector(computer(Role::Edge, Profile::Exchange2010, "mail.expta.com", store), |connector| {
            connector.auth_mechanism = AuthMechanism::EXCHANGE_SERVER;
        });
    let table = report(vec![silent]).table();
    assert!(table.starts_with(
        "MAILGATE\\Default internal receive connector MAILGATE: STARTTLS is NOT offered, and nothing is logged\n"
    ));
    assert!(table.contains("none about STARTTLS: silence: without Tls in AuthMechanism"), "{table}");
    assert!(table.contains("fix        Put Tls into AuthMechanism"), "{table}");
}

#[test]
fn a_name_in_the_subject_only_is_good_for_exchange_and_bad_for_rfc_9525() {
    let bare = changed(certificate("bare", &["mail.expta.com"]), |stored| stored.facts.dns_names.clear());
    let other = changed(certificate("other", &["mail.expta.com"]), |stored| {
        stored.facts.dns_names = vec!["www.expta.com".to_owned()];
    });
    for (stored, case) in [(bare, "cn-only"), (other, "cn-match-san-mismatch")] {
        let report =
            report(vec![computer(Role::Edge, Profile::Exchange2010, "mail.expta.com", vec![stored])]);
        assert_eq!(report.connectors[0].starttls, Starttls::Offered);
        assert_eq!(report.connectors[0].senders[0].case, case);
        assert!(report.table().contains("mail.expta.com (subject only)"));
    }
}

#[test]
fn a_stale_pin_names_the_nearest_certificate_and_where_it_differs() {
    let pinned = with_connector(
        computer(Role::Mailbox, Profile::Exchange2019, "", vec![certificate("mail", &["mail.contoso.com"])]),
        |connector| {
            connector.tls_certificate_name =
                "<I>CN=Issuing CA G0, O=Contoso<S>CN=mail.contoso.com".parse().unwrap();
        },
    );
    let report = report(vec![pinned]);
    let connector = &report.connectors[0];
    assert!(
        connector
            .cause
            .ends_with("CN=mail.contoso.com (mail) differs in the issuer: CN=Issuing CA G1, where the pin has CN=Issuing CA G0"),
        "{}",
        connector.cause
    );
    assert!(connector.notes.iter().any(|note| note.contains("no fall-back to its FQDN ex01.contoso.local")));
}

#[test]
fn a_pin_whose_halves_were_swapped_is_told_and_set_right() {
    let pinned = with_connector(
        computer(Role::Mailbox, Profile::Exchange2019, "", vec![certificate("mail", &["mail.contoso.com"])]),
        |connector| {
            connector.tls_certificate_name =
                "<I>CN=mail.contoso.com<S>CN=Issuing CA G1, O=Contoso".parse().unwrap();
        },
    );
    let report = report(vec![pinned]);
    let connector = &report.connectors[0];
    assert!(
        connector.cause.ends_with("those of CN=mail.contoso.com (mail), in each other's place"),
        "{}",
        connector.cause
    );
    assert!(connector.fixes[0].title.starts_with("Move the pin (TlsCertificateName) to CN=mail.contoso.com"));
}

#[test]
fn what_no_cmdlet_would_have_set_is_noted() {
    let store = vec![certificate("mail", &["mail.contoso.com"])];
    let report = report(vec![computer(Role::Mailbox, Profile::Exchange2019, "mail.contoso.com", store)]);
    let notes = &report.connectors[0].notes;
    assert!(notes.iter().any(|note| note.contains("the NetBIOS name of the transport server \"EX01\"")));
}

#[test]
fn a_contradicted_rule_is_shown_with_its_source_and_who_settled_it() {
    let expired = changed(certificate("mail", &["mail.expta.com"]), |stored| {
        stored.facts.not_after = "2026-02-01T00:00:00Z".parse().unwrap();
        stored.services = Services::SMTP;
    });
    let by_profile = computer(Role::Edge, Profile::Exchange2010, "mail.expta.com", vec![expired]);
    let mut by_file = by_profile.clone();
    by_file.rules.expired = Dates::Offered;
    let report = report(vec![by_profile, by_file]);
    let settled: Vec<(&str, &str)> = report
        .connectors
        .iter()
        .map(|connector| (connector.rules[0].rule.answer, connector.rules[0].settled_by.as_str()))
        .collect();
    assert_eq!(settled, [("withheld", "profile exchange-2010"), ("offered", "the lab file")]);
    assert_eq!(report.connectors[1].starttls, Starttls::OfferedInTrouble);
    assert!(report.connectors[1].verdict.contains("event 12016"));
}

//! Every fix that is offered mends the model, whatever was broken, and there always is one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here is a failed test")]

use crate::computers::{certificate, changed, computer, now, with_connector};
use starttls_lab::internal::exchange::{
    AuthMechanism, ChainStatus, Computer, Fix, Offered, Outcome, PrivateKey, Profile, Role, Services,
    SmtpNotAssigned, StoredCertificate, fixes, fqdn_guard, select_for,
};

const WANTED: &str = "mail.expta.com";

fn fixes_of(computer: &Computer) -> Vec<Fix> {
    fixes(computer, &computer.receive_connectors[0], now())
}

fn offered_after(fix: &Fix, computer: &Computer) -> Outcome {
    let after = fix.apply(computer);
    let connector = after.receive_connector(&fix.connector).unwrap();
    select_for(connector, &after, now()).outcome
}

/// Stores in which something is wrong for the name `mail.expta.com`.
fn broken_stores() -> Vec<(&'static str, Vec<StoredCertificate>)> {
    let of = |change: fn(&mut StoredCertificate)| vec![changed(certificate("mail", &[WANTED]), change)];
    let other = || certificate("mailgate", &["mailgate.expta.com", "mailgate"]);
    let expired = |stored: &mut StoredCertificate| {
        stored.facts.not_after = "2026-02-01T00:00:00Z".parse().unwrap();
    };
    let soon = |stored: &mut StoredCertificate| {
        stored.facts.not_after = "2026-03-10T00:00:00Z".parse().unwrap();
    };
    let later = |stored: &mut StoredCertificate| {
        stored.facts.not_before = "2026-06-01T00:00:00Z".parse().unwrap();
        stored.facts.not_after = "2031-06-01T00:00:00Z".parse().unwrap();
    };
    let wildcard = || certificate("wildcard", &["*.expta.com"]);
    vec![
        ("empty", Vec::new()),
        ("another name", vec![other()]),
        ("a wildcard of another domain", vec![certificate("wildcard", &["*.contoso.com"])]),
        ("the subject only", vec![changed(other(), |stored| stored.facts.dns_names.clear())]),
        ("no SMTP", of(|stored| stored.services = Services::NONE)),
        ("no key", of(|stored| stored.private_key = PrivateKey::Missing)),
        (
            "no key, no SMTP",
            of(|stored| {
                stored.private_key = PrivateKey::Missing;
                stored.services = Services::IIS;
            }),
        ),
        ("unreadable key", of(|stored| stored.private_key = PrivateKey::Unreadable)),
        ("untrusted", of(|stored| stored.chain = ChainStatus::Untrusted)),
        ("revoked", of(|stored| stored.chain = ChainStatus::Revoked)),
        ("version 1", of(|stored| stored.facts.version = 1)),
        ("expired", of(expired)),
        (
            "expired, and self-signed",
            of(|stored| {
                stored.facts.not_after = "2026-02-01T00:00:00Z".parse().unwrap();
                stored.facts.self_signed = true;
            }),
        ),
        (
            "expired, and a wildcard behind it",
            vec![changed(certificate("mail", &[WANTED]), expired), wildcard()],
        ),
        ("expires soon", of(soon)),
        ("not yet valid", of(later)),
        (
            "not yet valid, and a good one behind it",
            vec![changed(certificate("next", &[WANTED]), later), certificate("mail", &[WANTED])],
        ),
        (
            "all of it",
            vec![
                other(),
                changed(certificate("mail", &[WANTED]), expired),
                changed(certificate("next", &[WANTED]), later),
                changed(certificate("third", &[WANTED]), |stored| stored.services = Services::NONE),
            ],
        ),
    ]
}

/// Every broken store on every kind of server, with the connector in every state that matters.
fn broken_computers() -> Vec<(String, Computer)> {
    let servers = [
        (Role::Edge, Profile::Exchange2007),
        (Role::Edge, Profile::Exchange2010),
        (Role::Edge, Profile::Exchange2019),
        (Role::HubTransport, Profile::Exchange2007),
        (Role::HubTransport, Profile::Exchange2010),
        (Role::Mailbox, Profile::Exchange2013),
        (Role::Mailbox, Profile::Exchange2019),
    ];
    let mut all = Vec::new();
    for (role, profile) in servers {
        for (store_name, store) in broken_stores() {
            let named = computer(role, profile, WANTED, store.clone());
            let mut lenient = named.clone();
            lenient.rules.smtp_not_assigned = SmtpNotAssigned::HandshakeFails;
            let without = |flag| {
                with_connector(named.clone(), |connector| {
                    connector.auth_mechanism = connector.auth_mechanism.without(flag);
                    connector.domain_secure_enabled = false;
                })
            };
            let mut variants = vec![
                ("named", named.clone()),
                ("lenient", lenient),
                ("blank", computer(role, profile, "", store)),
                ("without ExchangeServer", without(AuthMechanism::EXCHANGE_SERVER)),
                ("without Tls", without(AuthMechanism::TLS.and(AuthMechanism::BASIC_AUTH_REQUIRE_TLS))),
            ];
            if profile >= Profile::Exchange2013 {
                for (kind, pin) in [
                    ("pinned, stale", "<I>CN=Issuing CA G0, O=Contoso<S>CN=mail.expta.com"),
                    ("pinned", "<I>CN=Issuing CA G1, O=Contoso<S>CN=mail.expta.com"),
                ] {
                    let pin = with_connector(named.clone(), |connector| {
                        connector.tls_certificate_name = pin.parse().unwrap();
                    });
                    variants.push((kind, pin));
                }
            }
            for (kind, computer) in variants {
                all.push((format!("{role} {profile}, {kind}, store: {store_name}"), computer));
            }
        }
    }
    all
}

#[test]
fn every_fix_that_is_offered_makes_the_model_offer_starttls() {
    let mut tried = 0;
    for (what, computer) in broken_computers() {
        for fix in fixes_of(&computer) {
            let Outcome::Offered(Offered { expired: false, handshake_fails: false, .. }) =
                offered_after(&fix, &computer)
            else {
                panic!("{what}: `{}` leads to {:?}", fix.title, offered_after(&fix, &computer));
            };
            assert!(!fix.commands.is_empty() && !fix.clicks.is_empty(), "{what}: {}", fix.title);
            assert!(fix.changes.iter().any(|line| line.starts_with("STARTTLS on ")), "{what}: {fix:#?}");
            tried += 1;
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn whatever_is_broken_there_is_a_way_that_no_cmdlet_refuses() {
    for (what, computer) in broken_computers() {
        let connector = &computer.receive_connectors[0];
        let outcome = select_for(connector, &computer, now()).outcome;
        if matches!(outcome, Outcome::Offered(Offered { expired: false, handshake_fails: false, .. })) {
            continue;
        }
        let fixes = fixes_of(&computer);
        assert!(fixes.first().is_some_and(|fix| fix.refused.is_none()), "{what}: {fixes:#?}");
    }
}

#[test]
fn the_changes_are_those_that_the_cmdlets_accept() {
    for (what, computer) in broken_computers() {
        for fix in fixes_of(&computer) {
            let after = fix.apply(&computer);
            let connector = after.receive_connector(&fix.connector).unwrap();
            assert_eq!(connector.refusal(after.profile), None, "{what}: {}", fix.title);
            // A name that stood there before was not set by this fix.
            let before = computer.receive_connector(&fix.connector);
            if before.is_some_and(|before| before.fqdn != connector.fqdn) {
                let guard = fqdn_guard(connector, &after);
                assert_eq!(guard, fix.refused, "{what}: {}", fix.title);
            }
        }
    }
}

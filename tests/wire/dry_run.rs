//! A dry run: what becomes of every sender's message at every stage, reasoned by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use jiff::Timestamp;
use starttls_lab::internal::lab::dry_run;
use starttls_lab::internal::scenario::{Aspect, Proof, ProvedStage, ScenarioText};
use starttls_lab::internal::session::send::BUILT_IN;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn played(lab: &str) -> Proof {
    let mut text = ScenarioText::parse(lab, "lab.toml").unwrap_or_else(|error| panic!("{error}"));
    text.scenario.now = Some(now());
    dry_run(&text, "lab").unwrap_or_else(|error| panic!("{error}"))
}

/// What was observed of `subject`, in words.
fn seen(stage: &ProvedStage, subject: &str, aspect: Aspect) -> Option<String> {
    let row = stage.rows.iter().find(|row| row.subject.to_string() == subject && row.aspect == aspect);
    row.and_then(|row| row.observed.as_ref()).map(ToString::to_string)
}

fn ending(stage: &ProvedStage, sender: &str) -> String {
    seen(stage, sender, Aspect::Ending).unwrap_or_else(|| panic!("no row for {sender}: {:?}", stage.rows))
}

fn events(stage: &ProvedStage, subject: &str) -> String {
    seen(stage, subject, Aspect::Events).unwrap_or_else(|| panic!("no row for {subject}"))
}

/// An Edge whose connector is `fqdn`, with one certificate, and everybody who is built in sending to it as
/// mail.contoso.com.
fn edge(fqdn: &str, certificate: &str) -> String {
    let mut lab = format!(
        r#"
title = "An Edge"

[[computer]]
name = "EDGE"
fqdn = "edge.contoso.com"
role = "edge"
profile = "exchange-2019"
accepted_domains = ["contoso.com"]
rules = {{ smtp_not_assigned = "handshake-fails" }}

[[computer.certificate]]
label = "mail"
{certificate}

[[computer.receive_connector]]
name = "Default"
fqdn = "{fqdn}"
bindings = ["0.0.0.0:25"]
"#
    );
    for built_in in &BUILT_IN {
        let policy = built_in.policy.name;
        lab.push_str(&format!("\n[[sender]]\npolicy = \"{policy}\"\ndials = \"mail.contoso.com\"\n"));
    }
    lab
}

const GOOD: &str = "names = [\"mail.contoso.com\", \"contoso.com\"]\nservices = [\"SMTP\"]";

#[test]
fn every_sender_ends_as_its_class_does_with_every_certificate() {
    let not_offered = "other.contoso.com";
    let mail = "mail.contoso.com";
    let self_signed = format!("{GOOD}\nissuer = \"self\"");
    let expired = format!("{GOOD}\nnot_before = \"-300d\"\nnot_after = \"-2d\"");
    let labs = [
        edge(not_offered, GOOD),
        edge(mail, GOOD),
        edge("edge.contoso.local", "names = [\"edge.contoso.local\"]\nservices = [\"SMTP\"]"),
        edge(mail, &self_signed),
        edge(mail, &expired),
    ];
    let proofs = labs.map(|lab| played(&lab));
    let clear = "clear: starttls-not-supported";
    let held = "deferred: starttls-not-supported";
    let (tls, proved) = ("tls", "tls-authenticated");
    let anything = [clear, tls, tls, tls, tls];
    let library = [
        clear,
        proved,
        "bounced: certificate-host-mismatch",
        "bounced: certificate-not-trusted",
        "bounced: certificate-expired",
    ];
    let [name, trust, dates] = [
        "deferred: certificate-host-mismatch",
        "deferred: certificate-not-trusted",
        "deferred: certificate-expired",
    ];
    let table = [
        ("plain-only", ["clear"; 5]),
        ("opportunistic-clear-at-once", anything),
        ("opportunistic-clear-later", anything),
        ("opportunistic", anything),
        ("upgrade-then-verify", library),
        ("first-name-only", library),
        ("mandatory", [held, tls, tls, tls, tls]),
        ("mandatory-verified", [held, proved, name, trust, dates]),
        ("name-verified", [held, proved, name, trust, dates]),
        ("exchange", anything),
        ("exchange-encryption-only", [held, tls, tls, tls, tls]),
        ("exchange-certificate-validation", [held, proved, proved, trust, dates]),
        ("exchange-domain-validation", [held, proved, name, trust, dates]),
    ];
    assert_eq!(table.len(), BUILT_IN.len());
    for (sender, expected) in table {
        let ends: Vec<_> = proofs.iter().map(|proof| ending(&proof.stages[0], sender)).collect();
        assert_eq!(ends, expected, "{sender}");
    }
    let logged: Vec<_> = proofs.iter().map(|proof| events(&proof.stages[0], "EDGE\\Default")).collect();
    assert_eq!(logged, ["12014", "none", "none", "none", "12016"]);
}

#[test]
fn a_handshake_that_fails_is_followed_by_clear_text_at_once_later_or_never() {
    // Chosen by the rule above although nobody enabled it for SMTP; then the handshake fails.
    let proof = played(&edge("mail.contoso.com", "names = [\"mail.contoso.com\"]"));
    let stage = &proof.stages[0];
    assert_eq!(seen(stage, "EDGE\\Default", Aspect::Starttls).as_deref(), Some("mail"));
    for (sender, expected) in [
        ("plain-only", "clear"),
        ("opportunistic-clear-at-once", "clear: validation-failure"),
        ("opportunistic-clear-later", "clear: validation-failure"),
        ("opportunistic", "deferred: validation-failure"),
        ("upgrade-then-verify", "bounced: validation-failure"),
        ("mandatory", "deferred: validation-failure"),
        ("exchange", "deferred: validation-failure"),
    ] {
        assert_eq!(ending(stage, sender), expected, "{sender}");
    }
}

#[test]
fn dates_are_blamed_before_the_issuer_and_the_issuer_before_the_name() {
    let wrong = "names = [\"edge.contoso.local\"]\nservices = [\"SMTP\"]";
    for (more, expected) in [
        ("issuer = \"self\"", "certificate-not-trusted"),
        ("issuer = \"self\"\nnot_before = \"-300d\"\nnot_after = \"-2d\"", "certificate-expired"),
        ("issuer = \"CN=Issuing CA G2\"", "certificate-host-mismatch"),
    ] {
        let proof = played(&edge("edge.contoso.local", &format!("{wrong}\n{more}")));
        assert_eq!(ending(&proof.stages[0], "mandatory-verified"), format!("deferred: {expected}"), "{more}");
    }
}

#[test]
fn who_does_not_trust_the_labs_root_takes_no_certificate_of_it() {
    let lab = format!(
        "{}\n[[sender]]\nname = \"stranger\"\npolicy = \"verify\"\ndials = \"mail.contoso.com\"\ntrusts_lab = false\n",
        edge("mail.contoso.com", GOOD)
    );
    assert_eq!(ending(&played(&lab).stages[0], "stranger"), "deferred: certificate-not-trusted");
}

#[test]
fn who_reads_only_the_first_name_is_helped_by_putting_the_name_first() {
    let names = |names: &str| edge("mail.contoso.com", &format!("names = [{names}]\nservices = [\"SMTP\"]"));
    let last = played(&names("\"contoso.com\", \"mail.contoso.com\""));
    assert_eq!(ending(&last.stages[0], "upgrade-then-verify"), "tls-authenticated");
    assert_eq!(ending(&last.stages[0], "first-name-only"), "bounced: certificate-host-mismatch");
    let first = played(&names("\"mail.contoso.com\", \"contoso.com\""));
    assert_eq!(ending(&first.stages[0], "first-name-only"), "tls-authenticated");
}

#[test]
fn a_lab_file_that_is_wrong_is_not_played() {
    let lab =
        edge("mail.contoso.com", GOOD).replacen("dials = \"mail.contoso.com\"", "dials = \"no host\"", 1);
    let text = ScenarioText::parse(&lab, "lab.toml").unwrap();
    let error = dry_run(&text, "lab").unwrap_err().to_string();
    assert!(error.contains("`no host` is neither a host name nor an address"), "{error}");
    assert!(error.starts_with("lab.toml:") && error.contains('^'), "{error}");
}

mod scenario;

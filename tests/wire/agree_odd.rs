//! Labs in odd corners: what is observed in memory is what is observed over sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use crate::both::verified;
use starttls_lab::internal::scenario::{Proof, ScenarioText, Subject};

const NOW: &str = "2026-03-01T12:00:00Z";

/// A computer whose certificate is called `mail`; the connector's keys, and what follows it.
fn lab(certificate: &str, connector: &str, rest: &str) -> ScenarioText {
    let text = format!(
        r#"
title = "An odd corner"
now = "{NOW}"

[[computer]]
name = "EX01"
fqdn = "ex01.contoso.com"
role = "mailbox"
profile = "exchange-2019"
address = "127.0.0.4"
accepted_domains = ["contoso.com"]

[[computer.certificate]]
label = "mail"
names = ["mail.contoso.com"]
services = ["SMTP"]
{certificate}

[[computer.receive_connector]]
name = "Internet"
fqdn = "mail.contoso.com"
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "0s"
{connector}

{rest}
"#
    );
    ScenarioText::parse(&text, "lab.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn observed(proof: &Proof) -> Vec<String> {
    let rows = proof.stages.iter().flat_map(|stage| &stage.rows);
    let rows = rows.filter(|row| row.subject != Subject::Commands);
    rows.map(|row| {
        let value = row.observed.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {}: {value}", row.subject, row.aspect.as_str())
    })
    .collect()
}

/// What is observed, in memory and over sockets.
async fn agreed(text: &ScenarioText) -> Vec<String> {
    observed(&verified(text, "lab").await)
}

fn has(observed: &[String], row: &str) {
    assert!(observed.iter().any(|known| known == row), "{row} is not in {observed:#?}");
}

#[tokio::test]
async fn a_connector_that_answers_nobody_on_loopback_is_said_to_offer_what_it_would() {
    let text = lab("", "bindings = [\"0.0.0.0:25\"]\nremote_ip_ranges = [\"10.0.0.0/8\"]", "");
    has(&agreed(&text).await, "EX01\\Internet STARTTLS: mail");
}

#[tokio::test]
async fn a_disabled_send_connector_logs_nothing_when_somebody_has_mail_for_it() {
    let sender = r#"
[[computer.send_connector]]
name = "Out"
fqdn = "nowhere.contoso.com"
enabled = false

[[sender]]
connector = 'EX01\Out'
rcpt_to = "user@contoso.com"
"#;
    let observed = agreed(&lab("", "bindings = [\"0.0.0.0:25\"]", sender)).await;
    has(&observed, "EX01\\Out events: none");
    has(&observed, "Out message: deferred");
}

#[tokio::test]
async fn who_comes_over_ipv6_is_answered_where_something_listens_for_it_and_nowhere_else() {
    let sender = "[[sender]]\npolicy = \"may\"\nfrom = \"::1\"";
    let both = "bindings = [\"0.0.0.0:25\", \"[::]:25\"]\nremote_ip_ranges = [\"::/0\", \"0.0.0.0/0\"]";
    has(&agreed(&lab("", both, sender)).await, "may message: tls");

    let sender = r#"
[[computer.send_connector]]
name = "Out"

[[sender]]
connector = 'EX01\Out'
rcpt_to = "user@ex01.contoso.com"
from = "::1"
"#;
    has(&agreed(&lab("", "bindings = [\"0.0.0.0:25\"]", sender)).await, "Out message: deferred");
}

#[tokio::test]
async fn a_sender_finds_no_later_hour_because_another_one_waited() {
    let senders = r#"
[[sender]]
name = "elsewhere"
policy = "verify"
dials = "other.contoso.com"

[[sender]]
policy = "verify"
"#;
    let observed = agreed(&lab("not_after = \"+1m\"", "bindings = [\"0.0.0.0:25\"]", senders)).await;
    has(&observed, "verify message: tls-authenticated");
    has(&observed, "elsewhere message: deferred: certificate-expired");
}

#[tokio::test]
async fn what_is_bound_to_one_address_does_not_answer_at_the_others() {
    let other = r#"
[[computer.receive_connector]]
name = "One"
fqdn = "none.contoso.com"
bindings = ["127.0.0.1:25"]
remote_ip_ranges = ["127.0.0.1"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "0s"

[[sender]]
policy = "may"
to = 'EX01\Internet'
"#;
    let observed = agreed(&lab("", "bindings = [\"0.0.0.0:25\"]", other)).await;
    has(&observed, "may message: tls");
}

#[tokio::test]
async fn a_connector_for_one_address_beyond_loopback_shows_its_own_certificate() {
    let other = r#"
[[computer.certificate]]
label = "partner"
names = ["partner.contoso.com"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Partner"
fqdn = "partner.contoso.com"
bindings = ["0.0.0.0:25", "[::]:25"]
remote_ip_ranges = ["203.0.113.7", "2001:db8::/32"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
"#;
    let observed = agreed(&lab("", "bindings = [\"0.0.0.0:25\"]", other)).await;
    has(&observed, "EX01\\Partner STARTTLS: partner");
    has(&observed, "EX01\\Internet STARTTLS: mail");
}

#[tokio::test]
async fn faults_are_played_and_those_that_nobody_met_are_named() {
    let rows = r#"
[[computer.fault]]
at = "starttls"
do = { reply = "454 4.7.0 TLS not available" }
times = 1

[[computer.fault]]
at = "handshake"
do = "reset"
when = { ehlo = "nobody.example" }

[[sender]]
name = "first"
policy = "encrypt"

[[sender]]
name = "second"
policy = "may"
"#;
    let observed = agreed(&lab("", "bindings = [\"0.0.0.0:25\"]", rows)).await;
    assert!(observed.iter().any(|row| row.starts_with("first message: ")), "{observed:#?}");
}

#[tokio::test]
async fn a_server_that_is_silent_or_late_costs_a_dry_run_no_time() {
    for what in ["\"silence\"", "{ delay = \"700ms\" }"] {
        let rows = format!("[[computer.fault]]\nat = \"ehlo\"\ndo = {what}\n\n[[sender]]\npolicy = \"may\"");
        agreed(&lab("", "bindings = [\"0.0.0.0:25\"]", &rows)).await;
    }
}

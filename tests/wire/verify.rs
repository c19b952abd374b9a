//! Stories played stage by stage over real sockets: what is observed, and that it is measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::sync::Arc;
use std::time::Duration;

use crate::verify_scenarios::{SEED, SILENT, seed_with};
use starttls_lab::internal::journal::{Entry, Record};
use starttls_lab::internal::lab::{Engine, Options, verify};
use starttls_lab::internal::scenario::{Aspect, Proof, ProvedStage, ScenarioText, Stage, Subject};
use starttls_lab::internal::session::TlsFailure;
use starttls_lab::internal::session::send::{Attempt, Outcome, Outgoing, Reason, SenderPolicy, Task};
use starttls_lab::internal::smtp::ReversePath;
use starttls_lab::internal::wire::Ports;

async fn proof(text: &str) -> Proof {
    let text = ScenarioText::parse(text, "story.toml").unwrap_or_else(|error| panic!("{error}"));
    let played = tokio::time::timeout(Duration::from_secs(60), verify(&text, "story")).await;
    played.expect("it hangs").unwrap_or_else(|error| panic!("{error}"))
}

fn stage(proof: &Proof, stage: Stage) -> &ProvedStage {
    proof.stages.iter().find(|known| known.stage == stage).unwrap()
}

/// What was observed, as `subject aspect: value`.
fn observed(stage: &ProvedStage) -> Vec<String> {
    let rows = stage.rows.iter().filter(|row| row.subject != Subject::Commands);
    rows.map(|row| {
        let value = row.observed.as_ref().map_or("absent".to_owned(), ToString::to_string);
        match row.aspect {
            Aspect::Ending => format!("{}: {value}", row.subject),
            aspect => format!("{} {}: {value}", row.subject, aspect.as_str()),
        }
    })
    .collect()
}

/// What was not as the file says, as `subject: expected, observed`.
fn unmet(proof: &Proof) -> Vec<String> {
    let differences = proof.differences().map(|(stage, row)| {
        let words = |value: &Option<starttls_lab::internal::scenario::Value>| {
            value.as_ref().map_or("absent".to_owned(), ToString::to_string)
        };
        format!("{:?} {}: {}, {}", stage.stage, row.subject, words(&row.expected), words(&row.observed))
    });
    differences.collect()
}

#[tokio::test]
async fn a_story_that_is_as_its_file_says_holds_in_every_stage() {
    let proof = proof(SEED).await;
    assert_eq!(unmet(&proof), [""; 0]);
    let stages: Vec<_> = proof.stages.iter().map(|stage| stage.stage).collect();
    assert_eq!(stages, [Stage::Before, Stage::WrongFix(0), Stage::WrongFix(1), Stage::Fix(0), Stage::Fix(1)]);
    assert_eq!(
        observed(stage(&proof, Stage::Before)),
        [
            "MAILGATE events: none",
            r"MAILGATE\Default STARTTLS: none",
            r"MAILGATE\Default X-ANONYMOUSTLS: mailgate",
            r"MAILGATE\Default events: 12014",
            "may: clear: starttls-not-supported",
            "encrypt: deferred: starttls-not-supported",
            "library: clear: starttls-not-supported",
        ]
    );
}

#[tokio::test]
async fn what_the_file_expects_and_the_wire_does_not_show_is_a_difference_in_its_row() {
    let text = seed_with("library = \"clear\"", "library = \"tls\"");
    let text = text.replace("anonymous_tls = \"mailgate\"", "anonymous_tls = \"none\"");
    let proof = proof(&text).await;
    let unmet = unmet(&proof);
    assert!(!proof.holds());
    assert!(unmet.contains(&"Before library: tls, clear: starttls-not-supported".to_owned()), "{unmet:#?}");
    assert!(unmet.contains(&r"Before MAILGATE\Default: none, mailgate".to_owned()), "{unmet:#?}");
    assert!(unmet.contains(&r"Fix(0) MAILGATE\Default: none, mailgate".to_owned()), "{unmet:#?}");
    assert_eq!(unmet.iter().filter(|line| line.starts_with("Fix(0)")).count(), 1, "{unmet:#?}");
}

#[tokio::test]
async fn a_wrong_fix_that_mends_is_a_difference() {
    let proof = proof(&seed_with(
        "Set-ReceiveConnector Default -Banner '220 mailgate.expta.com'",
        "Set-ReceiveConnector Default -Fqdn mailgate.expta.com",
    ))
    .await;
    let unmet = unmet(&proof);
    assert!(unmet.iter().all(|line| line.starts_with("WrongFix(1)")), "{unmet:#?}");
    assert!(unmet.contains(&r"WrongFix(1) MAILGATE\Default: none, mailgate".to_owned()), "{unmet:#?}");
    assert!(unmet.contains(&r"WrongFix(1) MAILGATE\Default: 12014, none".to_owned()), "{unmet:#?}");
    assert!(unmet.iter().any(|line| line.starts_with("WrongFix(1) encrypt: deferred")), "{unmet:#?}");
}

#[tokio::test]
async fn a_fix_that_the_shell_refuses_is_a_difference_with_the_shells_words() {
    let proof =
        proof(&seed_with("Set-ReceiveConnector Default -Fqdn", "Set-ReceiveConnector Defualt -Fqdn")).await;
    let fix = stage(&proof, Stage::Fix(0));
    assert!(fix.refused.as_ref().unwrap().contains("Defualt"), "{:?}", fix.refused);
    assert!(fix.rows[0].subject == Subject::Commands && !fix.rows[0].met, "{:?}", fix.rows[0]);
    assert!(
        unmet(&proof).iter().any(|line| line.starts_with("Fix(0) may: tls, clear")),
        "it is as it was before"
    );
}

#[tokio::test]
async fn a_sender_who_is_worse_off_is_a_regression_even_if_the_file_expects_it() {
    let proof = proof(SEED).await;
    let worse = |at| {
        let all = &stage(&proof, Stage::Fix(at)).regressions;
        all.iter().map(|it| format!("{}: {} -> {}", it.sender, it.before, it.now)).collect::<Vec<_>>()
    };
    let before = "library: clear: starttls-not-supported";
    assert_eq!(worse(0), [format!("{before} -> bounced: certificate-host-mismatch")]);
    assert_eq!(worse(1), [format!("{before} -> bounced: certificate-not-trusted")]);
    assert!(stage(&proof, Stage::WrongFix(1)).regressions.is_empty());
}

#[tokio::test]
async fn events_from_before_a_fix_do_not_count_and_those_of_a_start_are_logged_again() {
    // A command that changes nothing of the connector leaves the event where it was.
    let proof = proof(SEED).await;
    let events = r"MAILGATE\Default events: 12014".to_owned();
    for at in [Stage::Before, Stage::WrongFix(0), Stage::WrongFix(1)] {
        assert!(observed(stage(&proof, at)).contains(&events), "{at:?}");
    }
    assert!(!observed(stage(&proof, Stage::Fix(0))).contains(&events));
}

/// Two computers: an Edge in front, and behind it a server whose certificate cannot be used.
const TWO: &str = r#"
title = "Ranges, waits and Send connectors"
now = "2010-09-28T09:35:58Z"
hosts."mx.contoso.com" = ["EDGE"]
mx."contoso.com" = ["mx.contoso.com"]

[[computer]]
name = "EDGE"
fqdn = "edge.contoso.com"
role = "edge"
profile = "exchange-2010"
address = "127.0.0.2"
rules = { smtp_not_assigned = "handshake-fails" }

[[computer.certificate]]
label = "edge"
names = ["edge.contoso.com"]

[[computer.receive_connector]]
name = "Internet"
usage = "Internet"
fqdn = "edge.contoso.com"
bindings = ["0.0.0.0:25"]
tarpit_interval = "0s"

[[computer.receive_connector]]
name = "Printers"
usage = "Custom"
fqdn = "nobody.contoso.com"
bindings = ["0.0.0.0:25"]
remote_ip_ranges = ["127.8.9.0/24"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "0s"

[[computer.receive_connector]]
name = "Far away"
usage = "Custom"
bindings = ["0.0.0.0:2525"]
remote_ip_ranges = ["192.0.2.0/24"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]

[[computer]]
name = "HUB"
fqdn = "hub.contoso.com"
role = "hub-transport"
profile = "exchange-2010"
internal_transport_certificate = "8C1E5A07D3B94F26E0A17B5C42D8F9630E7B1AD5"

[[computer.receive_connector]]
name = "Default HUB"
bindings = ["0.0.0.0:25"]
tarpit_interval = "0s"

[[computer.send_connector]]
name = "Out"
address_spaces = ["SMTP:*;1"]
require_tls = true

[[sender]]
policy = "may"
to = 'EDGE\Internet'

[[sender]]
policy = "sendmail"
to = 'EDGE\Internet'

[[sender]]
policy = "exim"
to = 'EDGE\Internet'

[[sender]]
name = "printer"
policy = "may"
from = "127.8.9.77"
to = 'EDGE\Printers'

[[sender]]
connector = 'HUB\Out'
rcpt_to = "user@contoso.com"

[[fix]]
title = "SMTP for the certificate"
on = "EDGE"
run = "Get-ExchangeCertificate | Enable-ExchangeCertificate -Services SMTP"
answers = ["no"]

[[fix]]
title = "The door is shut"
on = "EDGE"
run = "Set-ReceiveConnector Internet -Enabled $false"

[[fix]]
title = "The Send connector goes"
on = "HUB"
run = "Remove-SendConnector Out -Confirm:$false"
"#;

#[tokio::test]
async fn waits_take_no_time_and_everybody_comes_from_where_the_file_says() {
    let proof = proof(TWO).await;
    assert_eq!(
        observed(stage(&proof, Stage::Before)),
        [
            "EDGE events: none",
            // The handshake fails, and the lab's record says with which certificate.
            r"EDGE\Internet STARTTLS: edge",
            r"EDGE\Internet X-ANONYMOUSTLS: none",
            r"EDGE\Internet events: none",
            r"EDGE\Printers STARTTLS: none",
            r"EDGE\Printers X-ANONYMOUSTLS: none",
            r"EDGE\Printers events: 12014",
            // It answers nobody on loopback, so this is what it would offer.
            r"EDGE\Far away STARTTLS: edge",
            r"EDGE\Far away X-ANONYMOUSTLS: none",
            r"EDGE\Far away events: none",
            "HUB events: 12024",
            r"HUB\Default HUB STARTTLS: none",
            r"HUB\Default HUB X-ANONYMOUSTLS: ephemeral",
            r"HUB\Default HUB events: 12014",
            r"HUB\Out presents: none",
            r"HUB\Out events: 12014",
            "may: clear: validation-failure",
            "sendmail: deferred: validation-failure",
            "exim: clear: validation-failure",
            "printer: clear: starttls-not-supported",
            "Out: deferred: validation-failure",
        ]
    );
}

#[tokio::test]
async fn a_connector_that_was_shut_answers_nobody() {
    let proof = proof(TWO).await;
    let fix = stage(&proof, Stage::Fix(1));
    assert_eq!(fix.refused, None);
    let observed = observed(fix);
    for row in [r"EDGE\Internet STARTTLS: none", "may: deferred", "Out: deferred"] {
        assert!(observed.contains(&row.to_owned()), "{row}: {observed:#?}");
    }
    assert!(observed.contains(&"printer: clear: starttls-not-supported".to_owned()), "{observed:#?}");
}

#[tokio::test]
async fn a_send_connector_that_is_gone_has_no_rows_and_sends_nothing() {
    let proof = proof(TWO).await;
    let fix = stage(&proof, Stage::Fix(2));
    assert_eq!(fix.refused, None);
    let gone = |row: &String| row.starts_with("HUB\\Out ") || row.starts_with("Out: ");
    assert_eq!(observed(fix).iter().filter(|row| gone(row)).count(), 0);
    assert_eq!(observed(stage(&proof, Stage::Before)).iter().filter(|row| gone(row)).count(), 3);
}

#[tokio::test]
async fn a_lab_file_without_a_story_is_observed_all_the_same() {
    let proof = proof(SILENT).await;
    assert!(proof.holds());
    assert_eq!(proof.stages.len(), 1);
    assert!(proof.stages[0].rows.iter().all(|row| row.expected.is_none() && row.observed.is_some()));
}

/// An Edge that hands its mail to a Hub, and a connector for people with passwords.
const INWARD: &str = r#"
title = "Inward and by password"

[[computer]]
name = "EDGE"
fqdn = "edge.contoso.com"
role = "edge"
profile = "exchange-2010"
address = "127.0.0.2"

[[computer.certificate]]
label = "edge"
names = ["edge.contoso.com"]
services = ["SMTP"]

[[computer.send_connector]]
name = "Inbound"
usage = "EdgeSyncInbound"
fqdn = "nobody.contoso.com"

[[computer]]
name = "HUB"
fqdn = "hub.contoso.com"
role = "hub-transport"
profile = "exchange-2010"
users = { anna = "secret" }

[[computer.certificate]]
label = "hub"
names = ["hub.contoso.com"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Default HUB"
bindings = ["0.0.0.0:25"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "0s"

[[computer.receive_connector]]
name = "Client HUB"
usage = "Client"
tarpit_interval = "0s"
auth_tarpit_interval = "0s"

[[sender]]
connector = 'EDGE\Inbound'
to = 'HUB\Default HUB'

[[sender]]
name = "anna"
policy = "verify"
to = 'HUB\Client HUB'
logon = { user = "anna", password = "secret" }

[[sender]]
name = "mistyped"
policy = "verify"
to = 'HUB\Client HUB'
logon = { user = "anna", password = "Secret" }

[[sender]]
name = "suspicious"
policy = "verify"
to = 'HUB\Default HUB'
trusts_lab = false
"#;

#[tokio::test]
async fn who_logs_on_is_let_in_and_who_trusts_nobody_stays_outside() {
    let proof = proof(INWARD).await;
    let observed = observed(stage(&proof, Stage::Before));
    for row in [
        r"EDGE\Inbound presents: none",
        r"EDGE\Inbound events: 12014",
        "Inbound: tls",
        "anna: tls-authenticated",
        "suspicious: deferred: certificate-not-trusted",
    ] {
        assert!(observed.contains(&row.to_owned()), "{row}: {observed:#?}");
    }
    assert!(observed.iter().any(|row| row.starts_with("mistyped: deferred")), "{observed:#?}");
}

/// Lets `EDGE\Inbound` send to `HUB\Default HUB`, and returns the attempt with the journal.
async fn inward(text: &str) -> (Attempt, Vec<Entry>) {
    let text = ScenarioText::parse(text, "inward.toml").unwrap();
    let options = Options { ports: Ports::Free, ..Options::default() };
    let lab = Engine::start(&text, options).await.unwrap();
    let hub = lab.connectors().into_iter().find(|connector| connector.name == "Default HUB").unwrap();
    let sender = lab.sender("EDGE", "Inbound").unwrap().unwrap();
    let task = Task {
        policy: SenderPolicy::of(sender.connector(), sender.computer().profile),
        in_clear: false,
        helo: "edge.contoso.com".parse().unwrap(),
        host: "hub.contoso.com".to_owned(),
        next_hop: "contoso.com".to_owned(),
        connector: Some("Inbound".to_owned()),
        credentials: sender.credentials(),
        message: Arc::new(Outgoing {
            from: ReversePath::Null,
            to: vec!["b@contoso.com".parse().unwrap()],
            content: "Subject: inward\r\n\r\n".into(),
        }),
    };
    let attempt = sender.attempt(hub.addr, &Arc::new(task)).await;
    (attempt, lab.journal().entries(1))
}

#[tokio::test]
async fn to_other_exchange_servers_the_internal_certificate_is_presented_whatever_the_fqdn_finds() {
    let (attempt, entries) = inward(INWARD).await;
    assert!(attempt.outcome.is_delivered(), "{attempt:?}");
    let own = entries.iter().find_map(|entry| match &entry.record {
        Record::Secured(tls) => tls.own.clone(),
        _ => None,
    });
    assert_eq!(own.unwrap().subject, "CN=edge.contoso.com");
    let missing = |entry: &&Entry| match &entry.record {
        Record::Event(logged) => {
            logged.connector.as_deref() == Some("Inbound") && logged.event.event_id == 12014
        }
        _ => false,
    };
    assert!(entries.iter().find(missing).is_some(), "the selection by name is made all the same");
}

#[tokio::test]
async fn without_an_internal_certificate_there_is_no_handshake_with_other_exchange_servers() {
    let without =
        INWARD.replacen("role = \"edge\"", "role = \"edge\"\ninternal_transport_certificate = \"\"", 1);
    let (attempt, _) = inward(&without).await;
    assert_eq!(attempt.outcome, Outcome::Deferred);
    assert!(matches!(attempt.reason, Reason::Handshake(TlsFailure::Unusable { .. })), "{attempt:?}");
}

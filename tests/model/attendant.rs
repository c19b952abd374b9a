//! Somebody at the Shell of a lab: commands run one after the other, with certificates out of the lab's own
//! issuer and files out of its lab file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::sync::Arc;

use jiff::Timestamp;
use starttls_lab::internal::exchange::cmdlet::ShellState;
use starttls_lab::internal::exchange::{Computer, select_for};
use starttls_lab::internal::pki::KeyPair;
use starttls_lab::internal::scenario::{AnswerSpec, CommandsSpec, Issuer, LabShell, ScenarioText, ShellRun};

const LAB: &str = r#"
title = "A computer with a certificate that lost its key"

[[computer]]
name = "EX01"
fqdn = "ex01.contoso.com"
role = "mailbox"
profile = "exchange-2019"

[[computer.certificate]]
label = "default"
names = ["EX01", "ex01.contoso.com"]
issuer = "self"
services = ["SMTP"]

[[computer.certificate]]
label = "mail"
names = ["mail.contoso.com"]
services = ["SMTP"]
private_key = "missing"

[[computer.receive_connector]]
name = "Internet"
fqdn = "mail.contoso.com"
auth_mechanism = ["Tls"]
bindings = ["0.0.0.0:25"]

[[certificate_file]]
path = 'C:\mail.pfx'
of = "mail"

[[certificate_file]]
path = 'C:\other.cer'
certificate = { label = "other", names = ["other.contoso.com"] }
"#;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// Types the commands on a fresh copy; says which certificate STARTTLS is offered with afterwards.
fn typed(commands: &[(&str, &[AnswerSpec])]) -> (ShellRun, Option<String>) {
    let text = ScenarioText::parse(LAB, "lab.toml").unwrap();
    let mut keys = KeyPair::generate;
    let mut issuer = Issuer::open(now(), &mut keys).unwrap();
    let built = text.build(&mut issuer, &mut keys).unwrap();
    let computers: Vec<Arc<Computer>> = built.into_iter().map(|built| built.computer).collect();
    let shell = LabShell {
        scenario: &text.scenario,
        issuer: &mut issuer,
        keys: &mut keys,
        now: now(),
        events: &[],
        queues: &[],
        state: ShellState::default(),
        made: Vec::new(),
    };
    let commands: Vec<_> = commands
        .iter()
        .map(|(run, answers)| CommandsSpec { answers: answers.to_vec(), ..CommandsSpec::new("EX01", *run) })
        .collect();
    let typed = shell.run_all(&commands, &computers);
    let computer = &typed.computers[0];
    let selection = select_for(&computer.receive_connectors[0], computer, now());
    let offered = selection.offered().and_then(|offered| computer.store.find(offered.thumbprint));
    let label = offered.map(|stored| stored.label.clone());
    (typed, label)
}

#[test]
fn a_certificate_comes_back_with_its_key_from_the_file_that_holds_it() {
    let import = "Import-ExchangeCertificate -FileName C:\\MAIL.pfx -Password (Read-Host -AsSecureString)";
    let (typed, offered) = typed(&[(import, &[])]);
    assert_eq!((typed.refused, offered.as_deref()), (None, Some("mail")));
    assert_eq!(typed.computers[0].store.iter().count(), 2);
}

#[test]
fn a_file_that_nobody_wrote_is_refused_with_those_there_are() {
    let import = "Import-ExchangeCertificate -FileName C:\\gone.pfx -Password (Read-Host -AsSecureString)";
    let (typed, offered) = typed(&[(import, &[]), ("Get-ReceiveConnector", &[])]);
    let refused = typed.refused.unwrap();
    assert!(refused.contains("C:\\gone.pfx") && refused.contains("C:\\other.cer"), "{refused}");
    assert_eq!((offered, typed.screen.as_str()), (None, ""));
}

#[test]
fn a_certificate_is_made_and_enabled_and_the_question_is_answered() {
    let new = "New-ExchangeCertificate -DomainName mail.contoso.com -Services SMTP";
    let (made, offered) = typed(&[(new, &[AnswerSpec::No])]);
    assert_eq!((made.refused, offered.as_deref()), (None, Some("mail.contoso.com")));
    let (unanswered, offered) = typed(&[(new, &[])]);
    assert!(unanswered.refused.unwrap().contains("nobody answered"));
    assert_eq!(offered, None);
}

#[test]
fn an_answer_that_nobody_asked_for_is_a_mistake_in_the_file() {
    let (typed, _) = typed(&[("Get-ReceiveConnector", &[AnswerSpec::Yes])]);
    assert!(typed.refused.unwrap().contains("1 of the answers"));
}

#[test]
fn two_certificates_of_one_name_are_told_apart() {
    let new = "New-ExchangeCertificate -DomainName mail.contoso.com -Services None";
    let (typed, _) = typed(&[(new, &[]), (new, &[])]);
    let labels: Vec<_> = typed.computers[0].store.iter().map(|stored| stored.label.as_str()).collect();
    assert_eq!(labels, ["default", "mail", "mail.contoso.com", "mail.contoso.com (2)"]);
}

#[test]
fn what_stands_before_a_refused_line_is_done_and_the_refusal_says_so() {
    let set = "Set-ReceiveConnector 'EX01\\Internet EX01' -MaxHopCount 30";
    let name = |typed: &ShellRun| typed.computers[0].receive_connectors[0].max_hop_count;
    let connector = typed(&[]).0.computers[0].receive_connectors[0].name.clone();
    let set = set.replace("Internet EX01", &connector);
    let (done, _) = typed(&[(&format!("{set}\nGet-ReceiveConnector Nobody\nGet-ReceiveConnector"), &[])]);
    let refused = done.refused.clone().unwrap();
    assert!(refused.contains("2:22") && refused.contains("what stands before it took effect"), "{refused}");
    assert_eq!((name(&done), done.screen.as_str()), (30, ""));
}

/// Nothing that is nested can end a process: every parser has a depth limit.
#[test]
fn a_lab_file_that_is_nested_deep_is_refused() {
    const DEEP: usize = 20_000;
    let nested = |open: &str, close: &str| format!("x = {}1{}", open.repeat(DEEP), close.repeat(DEEP));
    for text in [
        nested("[", "]"),
        nested("{ a = ", " }"),
        format!("{}a = 1", "a.".repeat(DEEP)),
        format!("[{}a]", "a.".repeat(DEEP)),
        format!("[[{}a]]", "a.".repeat(DEEP)),
        format!("{{\"title\": {}1{}}}", "[".repeat(DEEP), "]".repeat(DEEP)),
    ] {
        assert!(ScenarioText::parse(&text, "deep.toml").is_err(), "{}", &text[..20]);
    }
}

//! The sentences of `check` on labs that are odd and legitimate: each has to be true of the lab that runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::report::{self, Report};
use starttls_lab::internal::scenario::ScenarioText;

fn checked(text: &str) -> Report {
    let plan = Plan::new(&ScenarioText::parse(text, "test").unwrap()).unwrap();
    report::check(&plan.computers, plan.clock.now())
}

/// A server with a certificate for mail.contoso.com and these further lines.
fn server(certificate: &str, connectors: &str) -> String {
    format!(
        "title = \"A server\"\n[[computer]]\nname = \"EX01\"\nfqdn = \"EX01.contoso.com\"\nrole = \"mailbox\"\n\
         profile = \"exchange-2019\"\n[[computer.certificate]]\nlabel = \"mail\"\nnames = [\"mail.contoso.com\"]\n\
         {certificate}\n{connectors}"
    )
}

fn receive(name: &str, more: &str) -> String {
    format!(
        "[[computer.receive_connector]]\nname = \"{name}\"\nusage = \"Custom\"\nfqdn = \"mail.contoso.com\"\n\
         bindings = [\"0.0.0.0:25\"]\nauth_mechanism = [\"Tls\"]\n{more}\n"
    )
}

const SMTP: &str = "services = [\"SMTP\"]";
const STALE: &str = "tls_certificate_name = \"<I>CN=Old<S>CN=mail.contoso.com\"";

fn send(more: &str) -> String {
    let text = format!("[[computer.send_connector]]\nname = \"Out\"\nfqdn = \"mail.contoso.com\"\n{more}\n");
    let text = server("services = [\"IIS\"]", &text);
    checked(&text).send_connectors.remove(0).verdict
}

#[test]
fn mail_does_not_stay_in_the_queue_where_starttls_is_left_alone_or_not_offered() {
    for more in ["", STALE] {
        let clear = send(&format!("ignore_starttls = true\n{more}"));
        assert!(clear.contains("goes in clear: IgnoreSTARTTLS") && !clear.contains("queue"), "{clear}");
        let stays = send(more);
        assert!(stays.ends_with("stays in the queue where the next hop offers STARTTLS"), "{stays}");
    }
    let connector =
        "[[computer.send_connector]]\nname = \"Out\"\nfqdn = \"mail.contoso.com\"\nignore_starttls = true";
    let never = checked(&server(SMTP, connector)).send_connectors.remove(0).verdict;
    assert_eq!(never, "presents no certificate: IgnoreSTARTTLS leaves STARTTLS alone");
}

#[test]
fn a_connector_that_is_disabled_is_not_said_to_offer_or_to_send() {
    let disabled = checked(&server(SMTP, &receive("In", "enabled = false"))).connectors.remove(0).verdict;
    assert!(disabled.starts_with("the connector is disabled and answers nobody; if it were"), "{disabled}");
    let disabled = send(&format!("enabled = false\n{STALE}"));
    assert!(disabled.starts_with("the connector is disabled and sends nothing; if it were"), "{disabled}");
}

#[test]
fn of_several_connectors_on_one_port_no_note_contradicts_another() {
    let all = receive("All", "remote_ip_ranges = [\"0.0.0.0-255.255.255.255\"]");
    let some = receive("Some", "remote_ip_ranges = [\"127.0.0.0/8\"]");
    let one = receive("One", "remote_ip_ranges = [\"127.0.0.3\"]");
    let report = checked(&server(SMTP, &format!("{all}{some}{one}")));
    let notes = |at: usize| report.connectors[at].notes.join("\n");
    for at in 0..3 {
        assert!(!notes(at).contains("all others are answered by"), "{}", notes(at));
    }
    assert!(
        notes(2).contains("goes before All, which answers senders from 0.0.0.0-255.255.255.255"),
        "{}",
        notes(2)
    );
    assert!(notes(1).contains("One goes before it for senders from 127.0.0.3"), "{}", notes(1));
    let report = checked(&server(SMTP, &format!("{all}{one}")));
    let alone = report.connectors[1].notes.join("\n");
    assert!(alone.contains("all others are answered by All"), "{alone}");
    let report = checked(&server(SMTP, &format!("{some}{one}")));
    let limited = report.connectors[1].notes.join("\n");
    assert!(
        limited.contains("goes before Some, which answers senders from 127.0.0.0-127.255.255.255"),
        "{limited}"
    );
}

#[test]
fn a_certificate_that_is_not_for_servers_is_not_said_to_be_accepted_by_all_who_trust_its_issuer() {
    let opinions = |certificate: &str| {
        let report = checked(&server(certificate, &receive("In", "")));
        report.connectors[0].senders.iter().map(|it| it.words.clone()).collect::<Vec<_>>().join("\n")
    };
    let usage = opinions(&format!("{SMTP}\nextended_key_usage = [\"clientAuth\"]"));
    assert!(usage.contains("extendedKeyUsage lacks serverAuth"), "{usage}");
    let usual = opinions(SMTP);
    assert!(!usual.contains("extendedKeyUsage"), "{usual}");
    assert!(usual.contains("accepted by senders that verify only if they trust CN="), "{usual}");
}

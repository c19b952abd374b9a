//! What `check` says of Send connectors: what they present, what follows, and where they are edited.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use starttls_lab::internal::exchange::cmdlet::{Nobody, Shell};
use starttls_lab::internal::exchange::{ClientCertificate, ClientSelection, send_fixes};
use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::report::{self, SendConnectorReport};
use starttls_lab::internal::scenario::ScenarioText;

const LAB: &str = r#"
title = "A Hub that sends"

[[computer]]
name = "HUB"
fqdn = "hub.contoso.com"
role = "hub-transport"
profile = "exchange-2010"

[[computer.certificate]]
label = "default"
names = ["HUB", "hub.contoso.com"]
issuer = "self"
services = ["SMTP"]

[[computer.receive_connector]]
name = "Default HUB"
bindings = ["0.0.0.0:25"]

[[computer.send_connector]]
name = "To Internet"
fqdn = "mail.contoso.com"
"#;

fn paper(text: &str) -> Plan {
    Plan::new(&ScenarioText::parse(text, "test").unwrap()).unwrap()
}

fn reported(text: &str) -> SendConnectorReport {
    let paper = paper(text);
    report::check(&paper.computers, paper.clock.now()).send_connectors.remove(0)
}

#[test]
fn a_send_connector_without_a_certificate_says_the_12014_that_serve_logs() {
    let report = reported(LAB);
    assert!(report.verdict.starts_with("finds no certificate to present (event 12014)"));
    assert_eq!(report.events[0].event_id, 12014);
    assert!(report.events[0].message.contains("for the connector To Internet with a FQDN"));
    assert!(report.cause.contains("store of HUB carries mail.contoso.com"), "{}", report.cause);
    assert_eq!(report.demands, "nothing: TLS if STARTTLS is offered, else in clear");
}

/// What is printed is read by the Shell, and afterwards the connector presents what was promised.
#[test]
fn every_fix_of_a_connectors_name_or_pin_does_what_it_says() {
    let pin = "fqdn = \"hub.contoso.com\"\ntls_certificate_name = \"<I>CN=Gone<S>CN=mail.contoso.com\"";
    let pinned = LAB.replace("exchange-2010", "exchange-2019").replace("hub-transport", "mailbox");
    for text in [LAB.to_owned(), pinned.replace("fqdn = \"mail.contoso.com\"", pin)] {
        let paper = paper(&text);
        let now = paper.clock.now();
        let computers: Vec<_> = paper.computers.iter().map(|built| built.computer.clone()).collect();
        let computer = &computers[0];
        let fixes = send_fixes(computer, &computer.send_connectors[0], now);
        assert!(fixes.len() >= 2, "{fixes:#?}");
        for fix in fixes {
            let shell = Shell {
                computers: &computers,
                here: &fix.on,
                now,
                events: &[],
                queues: &[],
                state: Default::default(),
            };
            let outcome = shell.run(&fix.commands.join("\n"), &mut Nobody);
            assert_eq!(outcome.error, None, "{}", fix.title);
            let after = &outcome.computers[0];
            let selection = ClientSelection::of(&after.send_connectors[0], after, now);
            assert!(matches!(selection.certificate, ClientCertificate::Presented(_)), "{}", fix.title);
            assert_eq!(selection.chosen(after).unwrap().label, fix.presents);
        }
    }
}

#[test]
fn a_certificate_without_service_or_key_is_named_with_what_it_makes_of_mail() {
    let blank = LAB.replace("fqdn = \"mail.contoso.com\"\n", "");
    let report = reported(&blank.replace("services = [\"SMTP\"]", "services = [\"IIS\"]"));
    assert!(report.verdict.contains("UnknownCredentials"), "{}", report.verdict);
    assert!(report.fixes[0].title.starts_with("Enable CN=HUB"), "{:?}", report.fixes);
    let missing = "services = [\"SMTP\"]\nprivate_key = \"missing\"";
    let report = reported(&blank.replace("services = [\"SMTP\"]", missing));
    assert!(report.verdict.contains("NoCredentials"), "{}", report.verdict);
    assert!(report.fixes[0].title.contains("again, with its private key"), "{:?}", report.fixes);
    assert!(report.events.is_empty());
}

#[test]
fn a_connector_of_edgesync_is_edited_inside_and_its_mail_goes_on() {
    let edge = "[[computer]]\nname = \"EDGE\"\nfqdn = \"edge.contoso.com\"\nrole = \"edge\"\n\
                profile = \"exchange-2010\"\naddress = \"127.0.0.2\"\nsubscribed_to = \"HUB\"\n\
                [[computer.certificate]]\nnames = [\"edge.contoso.com\"]\nservices = [\"SMTP\"]\n\
                [[computer.send_connector]]\nname = \"EdgeSync - Inbound to Site\"\nusage = \"EdgeSyncInbound\"\n\
                fqdn = \"hub.contoso.com\"\n";
    let paper = paper(&format!("{LAB}{edge}"));
    let report = report::check(&paper.computers, paper.clock.now());
    let sync = &report.send_connectors[1];
    assert!(sync.edited_on.starts_with("HUB, and reaches EDGE with Start-EdgeSynchronization"));
    assert!(sync.notes[0].starts_with("Mail goes on all the same"), "{:?}", sync.notes);
    assert!(sync.notes[1].contains("has to be in the store of EDGE"), "{:?}", sync.notes);
    assert_eq!(sync.fixes[0].on, "HUB");
    assert_eq!(sync.fixes[0].commands[1], "Start-EdgeSynchronization");
    for shown in [report.table(), report.list()] {
        assert!(shown.contains("EDGE\\EdgeSync - Inbound to Site"), "{shown}");
        assert!(shown.contains("Set-SendConnector \"EdgeSync - Inbound to Site\" -Fqdn edge.contoso.com"));
    }
}

/// Two certificates: setup's own, and one of an authority that has expired, to which the connector is pinned.
const PIN_EXPIRED: &str = r#"
title = "A pin to a certificate that has expired"

[[computer]]
name = "EX01"
fqdn = "ex01.contoso.com"
role = "mailbox"
profile = "exchange-2019"

[[computer.certificate]]
label = "default"
subject = "CN=EX01"
names = ["EX01", "ex01.contoso.com"]
issuer = "self"
services = ["SMTP"]

[[computer.certificate]]
label = "old"
subject = "CN=mail.contoso.com, O=Contoso"
names = ["mail.contoso.com"]
issuer = "CN=Contoso Issuing CA"
services = ["SMTP"]
not_before = "-390d"
not_after = "-2d"

[[computer.send_connector]]
name = "To Fabrikam"
fqdn = "mail.contoso.com"
tls_certificate_name = "<I>CN=Contoso Issuing CA<S>CN=mail.contoso.com, O=Contoso"
"#;

#[test]
fn a_pin_to_an_expired_certificate_is_renewed_first_and_what_receivers_refuse_is_said() {
    let report = reported(PIN_EXPIRED);
    assert!(report.verdict.contains("has expired"), "{}", report.verdict);
    let old = report.certificates.iter().find(|certificate| certificate.label == "old").unwrap();
    assert_eq!(old.words, "named by the pin, and not presented: it has expired");
    let fixes: Vec<_> =
        report.fixes.iter().map(|fix| (fix.presents.as_str(), fix.warning.as_deref())).collect();
    let refuses = "a receiver that checks the sender's certificate refuses it";
    assert_eq!(
        fixes,
        [
            ("new", None),
            ("default", Some(format!("CN=EX01 (default) is self-signed: {refuses}").as_str())),
            ("old", Some(format!("CN=mail.contoso.com, O=Contoso (old) has expired: {refuses}").as_str())),
        ]
    );
    assert!(report.fixes[0].title.starts_with("Renew CN=mail.contoso.com, O=Contoso (old)"));
    assert_eq!(report.fixes[0].trial, starttls_lab::internal::exchange::Trial::Ran);
}

#[test]
fn a_certificate_that_cannot_be_presented_is_not_said_to_be() {
    let chosen = |text: &str| {
        let report = reported(text);
        report.certificates.into_iter().map(|it| it.words).find(|words| words.contains("chosen"))
    };
    let presented = PIN_EXPIRED.replace("not_after = \"-2d\"", "not_after = \"+2d\"");
    assert_eq!(
        chosen(&presented).as_deref(),
        Some("chosen: presented where the next hop asks for a certificate")
    );
}

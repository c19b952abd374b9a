//! Faults for clients by the certificate that they show, as Microsoft 365 attributes mail to a tenant.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use starttls_lab::internal::lab::verify;
use starttls_lab::internal::scenario::ScenarioText;

/// On-premises Exchange relays through a connector of Microsoft 365, which knows it by its certificate
/// (<https://learn.microsoft.com/exchange/troubleshoot/email-delivery/office-365-notice>).
const RELAY: &str = r#"
title = "Relay through Microsoft 365"
mx = { "fabrikam.com" = ["contoso-com.mail.protection.example"] }

[[computer]]
name = "EX01"
fqdn = "EX01.contoso.com"
role = "mailbox"
profile = "exchange-2019"
organization = "Contoso"

[[computer.certificate]]
label = "mail"
names = ["mail.contoso.com"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Default Frontend EX01"
usage = "DefaultFrontend"
bindings = ["0.0.0.0:25"]

[[computer.send_connector]]
name = "To Microsoft 365"
fqdn = "mail.contoso.com"

[[computer]]
name = "EOP"
fqdn = "contoso-com.mail.protection.example"
role = "edge"
profile = "exchange-2019"
address = "127.0.0.2"
organization = "Microsoft"

[[computer.certificate]]
label = "eop"
names = ["contoso-com.mail.protection.example"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Inbound"
fqdn = "contoso-com.mail.protection.example"
bindings = ["0.0.0.0:25"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "0s"

[[computer.fault]]
at = "handshake"
do = { tls = { client_certificate = "request" } }
optional = true

[[computer.fault]]
at = "rcpt"
do = { reply = "550 5.7.64 TenantAttribution; Relay Access Denied" }
when = { client_certificate = "absent" }
optional = true

[[computer.fault]]
at = "rcpt"
do = { reply = "550 5.7.64 TenantAttribution; Relay Access Denied" }
when = { client_certificate = "untrusted" }
optional = true

[[computer.fault]]
at = "rcpt"
do = { reply = "550 5.7.64 TenantAttribution; Relay Access Denied" }
when = { client_certificate = { other-name = "*.contoso.com" } }
optional = true

[[sender]]
name = "outbound"
connector = 'EX01\To Microsoft 365'
rcpt_to = "anna@fabrikam.com"

[before.sender]
outbound = "ENDING"
"#;

const MAIL: &str = r#"names = ["mail.contoso.com"]"#;

#[tokio::test]
async fn mail_is_attributed_by_the_certificate_that_its_sender_shows() {
    let other = RELAY
        .replace(MAIL, r#"names = ["mail.fabrikam.com"]"#)
        .replace(r#"fqdn = "mail.contoso.com""#, r#"fqdn = "mail.fabrikam.com""#);
    for (text, ending) in [
        (RELAY.to_owned(), "tls"),
        // Nothing carries the name, so there is none to show.
        (RELAY.replace(MAIL, r#"names = ["www.contoso.com"]"#), "bounced"),
        (
            RELAY.replace(
                MAIL,
                r#"names = ["mail.contoso.com"]
issuer = "self""#,
            ),
            "bounced",
        ),
        (other, "bounced"),
    ] {
        let text = ScenarioText::parse(&text.replace("ENDING", ending), "relay.toml").unwrap();
        let proof = verify(&text, "relay").await.unwrap();
        let unmet: Vec<_> = proof.differences().map(|(_, row)| row.observed.clone()).collect();
        assert!(proof.holds(), "{ending}: {unmet:?}");
    }
}

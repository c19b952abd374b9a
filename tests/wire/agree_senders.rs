//! Every kind of sender meets every kind of certificate: what becomes of the mail and what is logged is the same
//! in memory and over sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use crate::both::verified;
use starttls_lab::internal::scenario::ScenarioText;
use starttls_lab::internal::session::send::BUILT_IN;

/// An Edge that everybody sends to, and its Hub, which only the Edge sends to.
fn text(fqdn: &str, certificate: &str) -> ScenarioText {
    let mut lab = format!(
        r#"
title = "An Edge and its Hub"
now = "2026-03-01T12:00:00Z"

[[computer]]
name = "EDGE"
fqdn = "edge.contoso.com"
role = "edge"
profile = "exchange-2019"
accepted_domains = ["contoso.com"]
subscribed_to = "HUB"
rules = {{ smtp_not_assigned = "handshake-fails" }}

[[computer.certificate]]
label = "mail"
{certificate}

[[computer.certificate]]
label = "own"
names = ["edge.contoso.com"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Default"
fqdn = "{fqdn}"
tarpit_interval = "0s"
bindings = ["0.0.0.0:25"]

[[computer.send_connector]]
name = "Inbound"
usage = "EdgeSyncInbound"
fqdn = "ht01.contoso.com"

[[computer.send_connector]]
name = "To Internet"

[[computer]]
name = "HUB"
fqdn = "hub.contoso.com"
role = "mailbox"
profile = "exchange-2019"

[[computer.certificate]]
label = "hub"
names = ["hub.contoso.com"]
services = ["SMTP"]
issuer = "self"
not_before = "-300d"
not_after = "-2d"

[[computer.receive_connector]]
name = "Default"
bindings = ["0.0.0.0:25"]

[[sender]]
connector = 'EDGE\Inbound'
rcpt_to = "user@contoso.com"

[[sender]]
name = "required"
connector = 'EDGE\To Internet'
to = 'EDGE\Default'
dials = "mail.contoso.com"
"#
    );
    for built_in in &BUILT_IN {
        let policy = built_in.policy.name;
        lab.push_str(&format!(
            "\n[[sender]]\npolicy = \"{policy}\"\nto = 'EDGE\\Default'\ndials = \"mail.contoso.com\"\n"
        ));
    }
    ScenarioText::parse(&lab, "lab.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn every_sender_ends_in_memory_as_over_sockets() {
    let mail = "names = [\"mail.contoso.com\", \"contoso.com\"]";
    let smtp = "services = [\"SMTP\"]";
    let dates = [
        ("expired", "not_before = \"-300d\"\nnot_after = \"-2d\""),
        ("not yet valid", "not_before = \"+2d\"\nnot_after = \"+300d\""),
        ("soon", "not_after = \"+2d\""),
    ];
    let mut cases = vec![
        ("nothing fits", text("other.contoso.com", &format!("{mail}\n{smtp}"))),
        ("good", text("mail.contoso.com", &format!("{mail}\n{smtp}"))),
        ("self-signed", text("mail.contoso.com", &format!("{mail}\n{smtp}\nissuer = \"self\""))),
        ("wrong name", text("edge.contoso.com", &format!("{mail}\n{smtp}"))),
        (
            "second name",
            text("mail.contoso.com", &format!("names = [\"contoso.com\", \"mail.contoso.com\"]\n{smtp}")),
        ),
        (
            "common name alone",
            text("mail.contoso.com", &format!("subject = \"CN=mail.contoso.com\"\n{smtp}")),
        ),
        ("no SMTP service", text("mail.contoso.com", mail)),
    ];
    for (what, dates) in dates {
        for issuer in ["lab", "self"] {
            let certificate = format!("{mail}\n{smtp}\n{dates}\nissuer = \"{issuer}\"");
            cases.push((what, text("mail.contoso.com", &certificate)));
        }
    }
    for (what, text) in &cases {
        verified(text, what).await;
    }
}

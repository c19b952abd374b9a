//! The rehearsal against the wire: the same senders with the same certificates over real sockets and real TLS
//! come to the same ends, and the same is logged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use starttls_lab::journal::Record;
use starttls_lab::lab::{Engine, Options, Paper};
use starttls_lab::pki::KeyPair;
use starttls_lab::rehearsal::rehearse;
use starttls_lab::scenario::{
    Aspect, Destination, Ending, Journey, ScenarioText, Sender, Value, next_attempt,
};
use starttls_lab::session::send::{BUILT_IN, Delivery, NextAttempt, SendSession, Task};
use starttls_lab::wire::Ports;

const DEADLINE: Duration = Duration::from_secs(60);

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

/// The last attempt of a sender's message, over sockets; the time of the queue is added up.
async fn over_sockets(lab: &Engine, text: &ScenarioText, sender: &Sender) -> Ending {
    let mut now = lab.clock().now();
    let journey = || sender.journey(&lab.computers(), &text.zone(), lab.clock().now()).unwrap();
    let policy = journey().destinations[0].task.policy.clone();
    let mut delivery = Delivery::new(policy, now);
    loop {
        match next_attempt(&delivery) {
            NextAttempt::Never => return Ending::of(&delivery.attempts().last().unwrap().attempt),
            NextAttempt::Now => {}
            NextAttempt::At(time) => now = time,
        }
        let Journey { connector, destinations } = journey();
        let own = connector.map_or("To Internet".to_owned(), |(_, connector)| connector.name.clone());
        let wire = lab.sender("EDGE", &own).unwrap().unwrap();
        let Destination { task, answering } = destinations.into_iter().next().unwrap();
        let task = Arc::new(Task { in_clear: delivery.in_clear(now), ..task });
        let attempt = match answering {
            Ok(found) => {
                let listening = lab.connectors().into_iter().find(|listening| {
                    listening.computer == found.computer.name && listening.name == found.connector.name
                });
                wire.attempt(listening.unwrap().addr, &task).await
            }
            Err(why) => SendSession::no_connection(&task, why),
        };
        delivery.note(now, attempt);
    }
}

async fn agree(text: &ScenarioText, what: &str) {
    let paper = Paper::new(text).unwrap();
    let now = paper.clock.now();
    let senders = text.senders(&paper.computers).unwrap();
    let proof = rehearse(text, "lab", now, &mut KeyPair::generate).unwrap();
    let rows = &proof.stages[0].rows;
    let lab = Engine::start(text, Options { ports: Ports::Free, ..Options::default() }).await.unwrap();
    for sender in &senders {
        let row = rows.iter().find(|row| row.subject.to_string() == sender.name).unwrap();
        let real = Value::Ending(over_sockets(&lab, text, sender).await);
        assert_eq!(row.observed, Some(real), "{what}: {}", sender.name);
    }
    let logged: BTreeSet<String> = (lab.journal().entries(1).iter())
        .filter_map(|entry| match &entry.record {
            Record::Event(logged) => {
                let computer = logged.computer.split('.').next().unwrap().to_ascii_uppercase();
                let about = logged.connector.as_ref().map(|name| format!("{computer}\\{name}"));
                Some(format!("{} {}", about.unwrap_or(computer), logged.event.event_id))
            }
            _ => None,
        })
        .collect();
    let mut rehearsed = BTreeSet::new();
    for row in rows.iter().filter(|row| row.aspect == Aspect::Events) {
        let Some(Value::Events(events)) = &row.observed else { panic!("{row:?}") };
        rehearsed.extend(events.iter().map(|event| format!("{} {event}", row.subject)));
    }
    assert_eq!(rehearsed, logged, "{what}");
    assert!(lab.finish(DEADLINE).await);
}

#[tokio::test]
async fn the_wire_ends_every_message_as_the_rehearsal_said_it_would() {
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
        tokio::time::timeout(DEADLINE, agree(text, what)).await.expect("a conversation hangs");
    }
}

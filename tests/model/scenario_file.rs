//! The part of a lab file that says who sends, what is expected, and what mends it: how it is read, and
//! what is wrong with it when it is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::scenario::{Aspect, ScenarioText, Stage, Subject, Value};

const LAB: &str = edge_and_hub! {
    domain: "contoso.com",
    head: r#"
title = "An Edge and its Hub"
hosts."mail.contoso.com" = ["EDGE"]
mx."contoso.com" = ["mail.contoso.com"]
"#,
    edge: r#"
[[computer.certificate]]
label = "edge"
names = ["edge.contoso.com"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Default internal"
fqdn = "mail.contoso.com"
bindings = ["0.0.0.0:25"]

[[computer.send_connector]]
name = "EdgeSync - Inbound to Site"
usage = "EdgeSyncInbound"
"#,
    hub: r#"
[[computer.receive_connector]]
name = "Default HUB"
bindings = ["0.0.0.0:25"]
"#,
    rest: r#"
[[sender]]
policy = "may"
to = 'EDGE\Default internal'

[[sender]]
connector = 'EDGE\EdgeSync - Inbound to Site'
rcpt_to = "user@contoso.com"

[before.receive_connector.'EDGE\Default internal']
starttls = "none"
events = [12014]

[before.sender]
may = "clear"

[after.receive_connector.'EDGE\Default internal']
starttls = "edge"
events = []

[after.sender]
may = "tls"

[[fix]]
title = "The name that the certificate carries"
on = "EDGE"
run = "Set-ReceiveConnector 'Default internal' -Fqdn edge.contoso.com"

[[wrong_fix]]
title = "What the event advises"
on = "EDGE"
run = "Enable-ExchangeCertificate"
refused = "Thumbprint"
"#,
};

fn read(text: &str) -> Result<ScenarioText, String> {
    let text = ScenarioText::parse(text, "lab.toml").map_err(|error| error.to_string())?;
    Plan::new(&text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn wrong(from: &str, to: &str) -> String {
    assert!(LAB.contains(from), "{from}");
    read(&LAB.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn senders_are_settled_from_what_the_file_says_and_what_it_leaves_out() {
    let text = read(LAB).unwrap();
    let paper = Plan::new(&text).unwrap();
    let senders = &paper.senders;
    let may = &senders[0];
    assert_eq!((may.name.as_str(), may.dials.as_deref()), ("may", Some("mail.contoso.com")));
    assert_eq!(may.rcpt_to.as_str(), "postmaster@contoso.com");
    let edge_sync = &senders[1];
    assert_eq!(edge_sync.name, "EdgeSync - Inbound to Site");
    assert_eq!((edge_sync.to.clone(), edge_sync.from.to_string()), (None, "127.0.0.2".to_owned()));
    assert!(paper.clock.now() <= Clock::system().now());
}

#[test]
fn a_host_leads_to_its_computer_in_whatever_letters() {
    let text = read(&LAB.replace("[\"EDGE\"]", "[\"edge\"]")).unwrap();
    let computers: Vec<_> = Plan::new(&text).unwrap().computers.into_iter().map(|it| it.computer).collect();
    assert_eq!(text.zone().resolve("MAIL.contoso.com", &computers), ["EDGE"]);
}

#[test]
fn a_subscription_gives_the_organisation_its_copy_of_the_edges_connectors() {
    let paper = Plan::new(&read(LAB).unwrap()).unwrap();
    let hub = &paper.computers[1].computer;
    assert_eq!(hub.edge_subscriptions[0].edge, "EDGE");
    assert_eq!(hub.edge_subscriptions[0].send_connectors, paper.computers[0].computer.send_connectors);
    assert_eq!(
        hub.edge_subscriptions[0].edge_certificate,
        paper.computers[0].computer.internal_transport_certificate
    );
}

#[test]
fn a_stage_inherits_what_an_earlier_one_says() {
    let scenario = read(LAB).unwrap().scenario;
    assert_eq!(scenario.stages(), [Stage::Before, Stage::WrongFix(0), Stage::Fix(0)]);
    let events = |stage| {
        let all = scenario.expected(stage).each();
        let connector = Subject::ReceiveConnector("EDGE\\Default internal".to_owned());
        all.into_iter().find(|it| it.0 == connector && it.1 == Aspect::Events).unwrap().2
    };
    assert_eq!(events(Stage::WrongFix(0)), Value::Events(vec![12014]));
    assert_eq!(events(Stage::Fix(0)), Value::Events(vec![]));
}

#[test]
fn what_is_wrong_is_shown_in_its_place_with_what_would_be_right() {
    for (from, to, said) in [
        ("policy = \"may\"", "policy = \"maybe\"", "there is no sender `maybe`"),
        ("policy = \"may\"", "name = \"x\"", "policy = \"may\", or connector ="),
        (
            "to = 'EDGE\\Default internal'",
            "to = 'EDGE\\Defualt internal'",
            "did you mean `Default internal`?",
        ),
        (
            "to = 'EDGE\\Default internal'",
            "from = \"10.0.0.1\"\nto = 'EDGE\\Default internal'",
            "no loopback",
        ),
        ("rcpt_to = \"user@contoso.com\"", "", "rcpt_to = "),
        ("subscribed_to = \"HUB\"", "subscribed_to = \"HAB\"", "no computer `HAB`"),
        ("[\"EDGE\"]", "[\"EGDE\"]", "no computer `EGDE`"),
        ("[\"EDGE\"]", "[]", "leads nowhere"),
        ("[\"mail.contoso.com\"]\n\n", "[]\n\n", "no mail exchanger"),
        ("may = \"clear\"", "my = \"clear\"", "did you mean `may`?"),
        ("may = \"clear\"", "may = \"plain\"", "tls-authenticated, tls, clear"),
        (
            "[before.receive_connector.'EDGE\\Default internal']",
            "[before.receive_connector.'EDGE\\X']",
            "no receive connector called `X`",
        ),
        ("on = \"EDGE\"\nrun = \"Set", "run = \"Set", "on = one of EDGE, HUB"),
        ("title = \"The name that", "refused = \"no\"\ntitle = \"The name that", "move it to [[wrong_fix]]"),
        ("run = \"Enable-ExchangeCertificate\"", "run = \" \"", "no commands"),
        (
            "on = \"EDGE\"\nrun = \"Set",
            "then = [{ on = \"X\", run = \"y\" }]\non = \"EDGE\"\nrun = \"Set",
            "no computer `X`",
        ),
        (
            "on = \"EDGE\"\nrun = \"Set",
            "then = [{ on = \"HUB\", run = \"\" }]\non = \"EDGE\"\nrun = \"Set",
            "no commands",
        ),
        ("label = \"edge\"", "label = \"Absent\"", "choose another label"),
        ("label = \"edge\"", "label = \"a\\nb\"", "without line ends"),
        ("policy = \"may\"", "policy = \"may\"\nname = \"\"", "leave the key away"),
        ("policy = \"may\"", "policy = \"may\"\nfrom = \"::1\"", "give from = \"127.0.0.1\""),
        ("rcpt_to = \"user", "dials = \"x.test\"\nrcpt_to = \"user", "give to = 'SERVER"),
        (
            "rcpt_to = \"user",
            "logon = { user = \"a\", password = \"b\" }\nrcpt_to = \"user",
            "authentication_credential",
        ),
        ("[[fix]]", "[[wrong_fix]]", "there is no [[fix]]"),
        ("starttls = \"edge\"", "starttls = \"egde\"", "called `egde`; did you mean `edge`?"),
        (
            "[[wrong_fix]]",
            "[fix.after.receive_connector.'EDGE\\Default internal']\nstarttls = \"egde\"\n[[wrong_fix]]",
            "did you mean `edge`?",
        ),
        ("[[wrong_fix]]", "sender.my = { trusts_lab = false }\n[[wrong_fix]]", "did you mean `may`?"),
        ("[[wrong_fix]]", "sender.may = {}\n[[wrong_fix]]", "this changes nothing"),
        (
            "[[wrong_fix]]",
            "sender.may = { dials = \"a b\" }\n[[wrong_fix]]",
            "neither a host name nor an address",
        ),
        (
            "[[wrong_fix]]",
            "sender.\"EdgeSync - Inbound to Site\" = { dials = \"a.test\" }\n[[wrong_fix]]",
            "hosts and MX records say",
        ),
        ("[[wrong_fix]]", "faults_off = [\"X\"]\n[[wrong_fix]]", "no computer `X`"),
        (
            "[[wrong_fix]]",
            "certificate.egde = { private_key = \"unreadable\" }\n[[wrong_fix]]",
            "called `egde`; did you mean `edge`?",
        ),
        ("[[wrong_fix]]", "certificate.edge = {}\n[[wrong_fix]]", "nothing changes of `edge`"),
        ("[[wrong_fix]]", "certificate.'X\\edge' = { in_store = false }\n[[wrong_fix]]", "no computer `X`"),
        (
            "on = \"EDGE\"\nrun = \"Set",
            "then = [{ on = \"HUB\", run = \"x\", certificate = { egde = { in_store = false } } }]\non = \"EDGE\"\nrun = \"Set",
            "did you mean `edge`?",
        ),
        (
            "policy = \"may\"",
            "policy = \"may\"\ntls_domain = \"contoso.com\"",
            "exchange-domain-validation does",
        ),
        ("to = 'EDGE\\Default internal'", "to = \"mail.elsewhere.test\"", "nor a host name that leads"),
        ("rcpt_to = \"user", "queue = false\nrcpt_to = \"user", "queue of its computer"),
    ] {
        let message = wrong(from, to);
        assert!(message.contains(said), "{to}: {message}");
        assert!(message.starts_with("lab.toml:") && message.contains('^'), "{to}: {message}");
    }
}

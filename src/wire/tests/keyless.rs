//! Tests of a certificate without a usable key: it is never presented.

use super::*;

const KEYLESS: &str = r#"
    title = "internal transport certificate without a private key"
    now = "2010-09-28T09:35:58Z"
    [[computer]]
    name = "EX01"
    fqdn = "EX01.contoso.com"
    role = "mailbox"
    profile = "exchange-2019"
    [[computer.certificate]]
    label = "default"
    subject = "CN=EX01"
    names = ["EX01", "EX01.contoso.com"]
    issuer = "self"
    services = ["SMTP"]
    private_key = "missing"
    [[computer.receive_connector]]
    name = "Default Frontend EX01"
    usage = "DefaultFrontend"
    bindings = ["0.0.0.0:25"]
    tarpit_interval = "0s"
"#;

fn logged(shared: &Shared) -> Vec<u16> {
    let events = entries(shared).into_iter().filter_map(|entry| match entry.record {
        Record::Event(logged) => Some(logged.event.event_id),
        _ => None,
    });
    events.collect()
}

#[tokio::test(start_paused = true)]
async fn neither_verb_is_offered_with_a_certificate_whose_key_is_missing_or_unreadable() {
    for key in ["missing", "unreadable"] {
        let shared = shared_lab(&KEYLESS.replace("missing", key), NO_BUDGET);
        shared.live.log_start();
        let mut client = Client::connect(&shared);
        client.reply().await;
        let hello = client.ask("EHLO client.example").await;
        assert!(!hello.contains("STARTTLS") && !hello.contains("X-ANONYMOUSTLS"), "{key}: {hello}");
        for verb in ["STARTTLS", "X-ANONYMOUSTLS"] {
            assert!(client.ask(verb).await.starts_with("50"), "{key} {verb}");
        }
        let mut events = logged(&shared);
        events.sort_unstable();
        assert_eq!(events, [12013, 12014], "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_2016_another_certificate_stands_in_for_one_without_a_key() {
    // The rule of Exchange 2010 and 2013 for a certificate that is gone.
    let shared = shared_lab(&KEYLESS.replace("exchange-2019", "exchange-2013"), NO_BUDGET);
    shared.live.log_start();
    let mut client = Client::connect(&shared);
    client.reply().await;
    assert!(client.ask("EHLO client.example").await.contains("X-ANONYMOUSTLS"));
    assert!(client.ask("X-ANONYMOUSTLS").await.starts_with("220 "));
    assert!(logged(&shared).contains(&12024));
    let side = shared.live.side_for("EX01", "0.0.0.0:25".parse().unwrap(), "127.0.0.1".parse().unwrap());
    let side = side.unwrap();
    let shown = &side.anonymous_tls.as_ref().unwrap().certificate;
    assert!(side.computer.store.find(shown.thumbprint).is_none(), "{shown:?}");
}

#[test]
fn a_fault_rule_that_would_present_a_certificate_without_a_key_is_refused() {
    let rows =
        "[[computer.fault]]\nat = \"handshake\"\ndo = { tls = { present = { labels = [\"default\"] } } }";
    let text = ScenarioText::parse(&format!("{KEYLESS}{rows}"), "test").unwrap();
    let mut issuer = Issuer::open(jiff::Timestamp::UNIX_EPOCH, &mut KeyPair::generate).unwrap();
    let error = text.build(&mut issuer, &mut KeyPair::generate).unwrap_err();
    assert!(error.message().contains("no private key that can be used"), "{error}");
}

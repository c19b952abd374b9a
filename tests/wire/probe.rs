//! `probe` against everything that the lab can be: each scenario and each entry of the fault catalogue ends in a
//! sentence, nothing but EHLO, HELO, STARTTLS and QUIT is ever said, and a lab file that is made of what was
//! seen shows the same again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use starttls_lab::internal::journal::Record;
use starttls_lab::internal::lab::{Engine, Options, verify};
use starttls_lab::internal::probe::{
    self, Difference, FacetKind, Offer, Prober, Run, Severity, Target, differences, facets, findings,
    lab_file, outcomes,
};
use starttls_lab::internal::scenario::{ENTRIES, SCENARIOS, ScenarioText};
use starttls_lab::internal::wire::Ports;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::timeout;

/// How long a server has for each answer. Where one is silent on purpose, all of it passes.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a probe may say.
const SAID: [&str; 4] = ["EHLO ", "HELO ", "STARTTLS", "QUIT"];
const AT_A_TIME: usize = 12;

/// Every scenario and every entry, by name and text.
fn everything() -> impl Iterator<Item = (&'static str, &'static str)> {
    let entries = ENTRIES.iter().map(|entry| (entry.scenario.name, entry.scenario.text));
    SCENARIOS.iter().map(|story| (story.name, story.text)).chain(entries)
}

async fn start(text: &ScenarioText) -> Engine {
    Engine::start(text, Options { ports: Ports::Free, ..Options::default() }).await.unwrap()
}

/// Starts a lab where others are probed meanwhile: a long RSA key takes seconds to make, and the servers of the
/// others are to answer in that time.
fn start_aside(text: &ScenarioText) -> Engine {
    block_in_place(|| Handle::current().block_on(start(text)))
}

/// What the first connector of a lab shows, to somebody who trusts the lab and knows it by `name`.
async fn seen(lab: &Engine, name: &str, implicit_tls: bool) -> Run {
    let options = probe::Options {
        helo: "prober.lab.test".parse().unwrap(),
        name: Some(name.to_owned()),
        domain: None,
        implicit_tls,
        patience: PATIENCE,
        once: false,
    };
    let prober = Prober::new(options, std::slice::from_ref(lab.root()), lab.clock()).unwrap();
    let address = lab.connectors()[0].addr;
    let target = Target { host: address.ip().to_string(), port: address.port() };
    timeout(Duration::from_secs(120), prober.probe(&[target])).await.expect("the probe does not end")
}

/// The name by which a client knows the server of a lab file.
fn known_as(text: &ScenarioText, lab: &Engine) -> String {
    let host = text.scenario.entry.as_ref().and_then(|entry| entry.host.clone());
    let dialled = text.scenario.sender.iter().find_map(|sender| sender.dials.clone());
    host.or(dialled).unwrap_or_else(|| lab.connectors()[0].fqdn.clone())
}

/// What a lab was told that no probe says.
fn said_too_much(lab: &Engine) -> Vec<String> {
    let entries = lab.journal().entries(1);
    let received = entries.iter().filter_map(|entry| match &entry.record {
        Record::Received(line) => Some(String::from_utf8_lossy(line).into_owned()),
        Record::ReceivedSecret => Some("a secret".to_owned()),
        _ => None,
    });
    received.filter(|line| !SAID.iter().any(|may| line.starts_with(may))).collect()
}

/// What differs between a server and the lab that was made of what it showed, and what is wrong with either.
async fn probed_twice(name: &'static str, text: &'static str) -> (Vec<Difference>, Vec<String>) {
    let mut wrong = Vec::new();
    let text = ScenarioText::parse(text, name).unwrap();
    let lab = start_aside(&text);
    let known = known_as(&text, &lab);
    let implicit_tls = name == "tls-implicit";
    let run = seen(&lab, &known, implicit_tls).await;
    let (host, member) = run.members().next().unwrap();
    let found = findings(host, member, run.taken);
    let verdict = &found[0].sentence;
    if verdict.len() < 20 || found.iter().any(|it| it.sentence.contains("{}")) {
        wrong.push(format!("{name}: {verdict}"));
    }
    let counting = outcomes(host, &member.visit, run.taken);
    let good = counting.iter().filter(|it| it.counts).all(|it| it.over_tls);
    if good != (found[0].severity == Severity::Good) {
        let over_tls = counting.iter().map(|it| format!("{} {}", it.sender, it.ending)).collect::<Vec<_>>();
        wrong.push(format!("{name}: {verdict}, and the senders say {}", over_tls.join(", ")));
    }
    wrong.extend(said_too_much(&lab).into_iter().map(|line| format!("{name}: the probe said {line}")));
    lab.finish(Duration::from_secs(5)).await;

    let saved = Run::from_json(&serde_json::to_string(&run).unwrap()).unwrap();
    if saved != run {
        wrong.push(format!("{name}: the saved run is another one"));
    }
    let again = lab_file(host, member, run.taken).unwrap();
    let twin =
        ScenarioText::parse(&again, "again.toml").unwrap_or_else(|error| panic!("{name}: {error}\n{again}"));
    let lab = start_aside(&twin);
    let other = seen(&lab, &known, implicit_tls).await;
    lab.finish(Duration::from_secs(5)).await;
    let (_, other) = other.members().next().unwrap();
    (differences(&facets(member), &facets(other), &[FacetKind::Key]), wrong)
}

/// What cannot be made again, and why.
const NOT_AGAIN: [(&str, &str); 4] = [
    ("tls-alert-after-handshake", "an alert in clear in the middle of the encrypted stream looks like noise"),
    ("tls-corrupt-serverhello", "which byte of the flight was damaged cannot be seen"),
    ("trust-nc-violation", "constraints of the authorities above are not written into the lab file"),
    ("trust-pathlen-violation", "constraints of the authorities above are not written into the lab file"),
];

#[cfg(feature = "aws-lc-rs")]
#[tokio::test(flavor = "multi_thread")]
async fn everything_ends_in_a_sentence_and_a_lab_made_of_it_shows_the_same() {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut probing = JoinSet::new();
    for (name, text) in everything() {
        let places = Arc::clone(&places);
        probing.spawn(async move {
            let _place = places.acquire_owned().await;
            (name, probed_twice(name, text).await)
        });
    }
    let (mut wrong, mut differing) = (Vec::new(), BTreeMap::new());
    while let Some(probed) = probing.join_next().await {
        let (name, (differences, complaints)) = probed.unwrap();
        wrong.extend(complaints);
        if !differences.is_empty() {
            let each = differences.iter().map(|it| {
                let shown = |value: &Option<String>| value.clone().unwrap_or("-".to_owned());
                format!("    {}: {} / {}", it.about, shown(&it.one), shown(&it.other))
            });
            differing.insert(name, each.collect::<Vec<_>>().join("\n"));
        }
    }
    let known: BTreeSet<_> = NOT_AGAIN.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<_> = differing.keys().copied().collect();
    let shown: Vec<_> = differing.iter().map(|(name, text)| format!("  {name}\n{text}")).collect();
    assert_eq!(found, known, "\n{}\n{}", wrong.join("\n"), shown.join("\n"));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[tokio::test]
async fn a_lab_made_of_a_probe_proves_what_each_class_of_senders_comes_to() {
    for name in
        ["fqdn-mismatch", "trust-selfsigned", "name-mismatch", "starttls-reply-454", "tls-only-TLSv1_2"]
    {
        let (_, text) = everything().find(|(known, _)| *known == name).unwrap();
        let text = ScenarioText::parse(text, name).unwrap();
        let lab = start(&text).await;
        let run = seen(&lab, &known_as(&text, &lab), false).await;
        let (host, member) = run.members().next().unwrap();
        let again = lab_file(host, member, run.taken).unwrap();
        let twin = ScenarioText::parse(&again, "again.toml").unwrap();
        let proof = verify(&twin, name).await.unwrap();
        let differing: Vec<_> = proof
            .differences()
            .map(|(_, row)| format!("{}: {:?} {:?}", row.subject, row.expected, row.observed))
            .collect();
        assert!(differing.is_empty(), "{name}: {differing:?}\n{again}");
    }
}

#[tokio::test]
async fn versions_are_told_apart_one_connection_at_a_time() {
    let of = |offer: Offer, run: &Run| {
        let (_, member) = run.members().next().unwrap();
        let facets = facets(member);
        let about = match offer {
            Offer::Tls13 => "TLSv1.3",
            Offer::Tls12 => "TLSv1.2",
            Offer::Tls10 => "TLSv1.0",
            Offer::OldSuites => "TLSv1.2 with outdated suites",
            Offer::Tls11 | Offer::NoName | Offer::Unlisted => panic!("not asked for here"),
        };
        facets.iter().find(|it| it.about == about).map(|it| it.value.clone()).unwrap_or_default()
    };
    for (name, offer, value) in [
        ("tls-only-TLSv1_3", Offer::Tls13, "accepted"),
        (
            "tls-only-TLSv1_3",
            Offer::Tls12,
            "not accepted: refuses the handshake with the alert protocol_version",
        ),
        ("tls-only-TLSv1_2", Offer::Tls12, "accepted"),
        ("tls-only-TLSv1", Offer::Tls10, "accepted"),
        ("tls-rsa-kx-only", Offer::OldSuites, "chooses TLSv1.2 with TLS_RSA_WITH_AES_128_GCM_SHA256"),
    ] {
        let (_, text) = everything().find(|(known, _)| *known == name).unwrap();
        let lab = start(&ScenarioText::parse(text, name).unwrap()).await;
        let run = seen(&lab, "mx1.lab.test", false).await;
        assert_eq!(of(offer, &run), value, "{name}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_that_calls_itself_an_authority_is_told_as_self_signed() {
    let (name, text) = everything().find(|(known, _)| *known == "trust-selfsigned-ca").unwrap();
    let text = ScenarioText::parse(text, name).unwrap();
    let lab = start(&text).await;
    let run = seen(&lab, &known_as(&text, &lab), false).await;
    let (host, member) = run.members().next().unwrap();
    let found = findings(host, member, run.taken);
    assert!(found[0].sentence.contains("is self-signed and not trusted"), "{}", found[0].sentence);
}

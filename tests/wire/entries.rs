//! The fault catalogue: every entry is listed, says what a judge has to know, and is true over sockets and in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::both::verified;
use jiff::Timestamp;
use starttls_lab::internal::pki::KeyPair;
use starttls_lab::internal::scenario::{
    CatalogueEntry, ENTRIES, Issuer, Proof, SCENARIOS, Scenario, ScenarioText, entry,
};
use starttls_lab::internal::session::send::SenderPolicy;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Every class of sender that an entry has to speak of.
const CLASSES: [&str; 6] = ["o1", "may", "o3", "o4", "encrypt", "verify"];
/// How many entries are played at a time; many of them wait on purpose.
const AT_A_TIME: usize = 16;

fn text(entry: &CatalogueEntry) -> ScenarioText {
    ScenarioText::parse(entry.scenario.text, entry.scenario.name).unwrap_or_else(|error| panic!("{error}"))
}

fn scenario(entry: &CatalogueEntry) -> Scenario {
    text(entry).scenario
}

/// The folder of a group's files.
fn folder(entry: &CatalogueEntry) -> PathBuf {
    let group = serde_json::to_value(entry.group).unwrap();
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lab").join(group.as_str().unwrap())
}

fn differences(proof: &Proof) -> Vec<String> {
    let rows = proof.differences().map(|(_, row)| {
        let shown = |value: &Option<_>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        let (expected, observed) = (shown(&row.expected), shown(&row.observed));
        format!("{}: {}: expected {expected}, observed {observed}", proof.name, row.subject)
    });
    rows.collect()
}

#[test]
fn every_file_of_a_group_is_an_entry_and_every_entry_is_such_a_file() {
    let listed: BTreeSet<_> =
        ENTRIES.iter().map(|it| folder(it).join(it.scenario.name).with_extension("toml")).collect();
    assert_eq!(listed.len(), ENTRIES.len(), "an entry is listed twice");
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab");
    let groups = lab.read_dir().unwrap().map(|it| it.unwrap().path()).filter(|path| path.is_dir());
    let files: BTreeSet<_> = groups
        .flat_map(|group| group.read_dir().unwrap().map(|it| it.unwrap().path()).collect::<Vec<_>>())
        .collect();
    assert_eq!(files, listed);
    for entry in ENTRIES {
        let file = folder(entry).join(entry.scenario.name).with_extension("toml");
        assert_eq!(entry.scenario.text, std::fs::read_to_string(&file).unwrap(), "{}", file.display());
    }
}

#[test]
fn every_entry_says_what_it_is_how_it_is_met_and_who_says_so() {
    let mut titles = BTreeSet::new();
    for it in ENTRIES {
        let name = it.scenario.name;
        let Scenario { title, story, sources, entry, now, .. } = scenario(it);
        let entry = entry.unwrap_or_else(|| panic!("{name} has no [entry]"));
        assert!((10..=110).contains(&title.len()) && !title.contains('\n'), "{name}: {title}");
        assert!(!title.ends_with('.') && titles.insert(title), "{name}");
        assert!(story.len() > 60, "{name}: {story}");
        assert!(story.lines().all(|line| line.chars().count() <= 130), "{name}: {story}");
        assert!(!entry.rfc.is_empty() || !sources.is_empty(), "{name} has no source");
        assert!(entry.rfc.iter().all(|rfc| rfc.starts_with("RFC ")), "{name}: {:?}", entry.rfc);
        assert!(entry.wire.ends_with('.') && entry.wire.len() > 20, "{name}: {}", entry.wire);
        assert!(now.is_none(), "{name}: a pinned clock would rot");
    }
}

#[test]
fn every_entry_speaks_of_every_class_of_senders() {
    for entry in ENTRIES {
        let (name, scenario) = (entry.scenario.name, scenario(entry));
        let policies: BTreeMap<_, _> = scenario
            .sender
            .iter()
            .filter_map(|sender| {
                let policy = sender.policy.as_deref()?;
                let known = SenderPolicy::named(policy).unwrap_or_else(|| panic!("{name}: {policy}"));
                Some((known.name, sender.name.as_deref().unwrap_or(policy)))
            })
            .collect();
        for class in CLASSES {
            let class = SenderPolicy::named(class).unwrap().name;
            let sender = policies.get(class).unwrap_or_else(|| panic!("{name}: no sender is {class}"));
            assert!(scenario.before.sender.contains_key(*sender), "{name}: nothing is expected of {sender}");
        }
        assert!(scenario.sender.len() <= scenario.before.sender.len(), "{name}: somebody sends for nothing");
    }
}

#[test]
fn no_two_entries_share_a_name_with_each_other_or_with_a_story() {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for story in SCENARIOS {
        owners.insert(story.name.to_owned(), story.name);
    }
    for entry in ENTRIES {
        let aliases = scenario(entry).entry.unwrap().aliases;
        for name in aliases.into_iter().chain([entry.scenario.name.to_owned()]) {
            let owner = owners.insert(name.to_lowercase(), entry.scenario.name);
            assert_eq!(owner, None, "{name} of {}", entry.scenario.name);
        }
    }
    assert_eq!(entry("trust-expired").map(|it| it.scenario.name), Some("trust-expired"));
    assert!(entry("fqdn-mismatch").is_none());
}

/// With the keys it asks for, so that what only one provider can make is left to the features of the build.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn every_entry_builds() {
    let now: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
    let mut keys = KeyPair::generate;
    for entry in ENTRIES {
        let mut issuer = Issuer::open(now, &mut keys).unwrap();
        let text = text(entry);
        text.build(&mut issuer, &mut keys).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[cfg(feature = "aws-lc-rs")]
#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_true_over_sockets_and_in_memory_alike() {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut playing = JoinSet::new();
    for entry in ENTRIES {
        let places = Arc::clone(&places);
        playing.spawn(async move {
            let _place = places.acquire_owned().await;
            let text = text(entry);
            verified(&text, entry.scenario.name).await
        });
    }
    let mut wrong = Vec::new();
    while let Some(played) = playing.join_next().await {
        match played {
            Err(error) => wrong.push(error.to_string()),
            Ok(proof) => wrong.extend(differences(&proof)),
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_page_of_the_catalogue_is_what_the_program_says() {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_starttls-lab"));
    let said = program.args(["list", "--faults", "--markdown"]).output().unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page == String::from_utf8(said.stdout).unwrap(),
        "docs/faults.md is not what `starttls-lab list --faults --markdown` says; write it anew"
    );
}

//! What listens while a story is played does not afterwards. The sockets are those of the whole process, so
//! this is a program of its own with one test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

#[path = "common/verify_scenarios.rs"]
mod verify_scenarios;

use std::collections::HashSet;
use std::fs;

use starttls_lab::internal::lab::verify;
use starttls_lab::internal::scenario::ScenarioText;
use verify_scenarios::{SEED, seed_with};

/// The sockets of this process that listen on TCP.
fn listening() -> usize {
    let own: HashSet<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            let link = link.to_string_lossy().into_owned();
            Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    rows.filter(|row| {
        let fields: Vec<_> = row.split_whitespace().collect();
        fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|inode| own.contains(*inode))
    })
    .count()
}

#[tokio::test]
async fn nothing_listens_when_a_story_has_been_played_or_somebody_has_lost_patience() {
    let text = ScenarioText::parse(SEED, "story.toml").unwrap();
    verify(&text, "story").await.unwrap();
    assert_eq!(listening(), 0);
    // The printer's refusal is held back, so that the story is still being played when it is dropped.
    let text = seed_with("tarpit_interval = \"0s\"", "tarpit_interval = \"10s\"");
    let text = text.replace("accepted_domains = [\"expta.com\"]", "accepted_domains = [\"elsewhere.com\"]");
    let text = text.replace("policy = \"may\"", "policy = \"may\"\nrcpt_to = \"somebody@expta.com\"");
    let text = ScenarioText::parse(&text, "story.toml").unwrap();
    let playing = tokio::spawn(async move { verify(&text, "story").await.map(|_| ()) });
    while listening() == 0 {
        tokio::task::yield_now().await;
    }
    playing.abort();
    playing.await.unwrap_err();
    while listening() > 0 {
        tokio::task::yield_now().await;
    }
}

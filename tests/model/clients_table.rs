//! The table of mail clients keeps to the catalogue: what it is made with and what it says are entries, and
//! what it names is there.

#![allow(clippy::unwrap_used, reason = "what is not there is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use starttls_lab::judgement::Policy;
use starttls_lab::scenario::entry;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| unreachable!("{path}: {error}"))
}

fn lines(path: &str) -> Vec<String> {
    let text = read(path);
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// What is in the first cells of a table's rows, where that is one word in backticks.
fn in_the_first_cells(page: &str) -> Vec<&str> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(cell, _)| cell).collect()
}

#[test]
fn what_the_clients_are_tried_with_are_entries_and_each_has_a_row_of_every_table() {
    let page = read("docs/clients.md");
    let rows = in_the_first_cells(&page);
    for name in &rows {
        assert!(entry(name).is_some(), "docs/clients.md has a row for `{name}`, which is no entry");
    }
    let tried = lines("clients/entries");
    assert_eq!(tried.iter().collect::<BTreeSet<_>>().len(), tried.len(), "an entry is named twice");
    for name in &tried {
        assert!(entry(name).is_some(), "clients/entries names `{name}`, which is no entry");
        let found = rows.iter().filter(|row| *row == name).count();
        assert_eq!(found, 3, "docs/clients.md was made without `{name}`: `make clients` makes it anew");
    }
}

#[test]
fn what_the_page_speaks_of_in_the_catalogues_way_is_in_the_catalogue() {
    let page = read("docs/clients.md");
    let families = ["name-", "trust-", "starttls-", "tls-", "inject-", "e-", "mail-530", "require-tls-"];
    let words = page.split('`').skip(1).step_by(2).filter(|word| !word.contains(char::is_whitespace));
    let slugs = words.filter(|word| families.iter().any(|family| word.starts_with(family)));
    let unknown: BTreeSet<_> = slugs.filter(|slug| entry(slug).is_none()).collect();
    assert!(unknown.is_empty(), "docs/clients.md speaks of {unknown:?}");
}

#[test]
fn every_client_has_a_wrapper_a_policy_and_its_place_on_the_page() {
    let page = read("docs/clients.md");
    for line in lines("clients/policies") {
        let words: Vec<_> = line.split(' ').collect();
        let [client, word, policy] = words[..] else { unreachable!("clients/policies: {line}") };
        assert!(root().join("clients").join(client).is_file(), "there is no clients/{client}");
        assert!(policy.parse::<Policy>().is_ok(), "clients/policies: {line}");
        assert!(
            page.contains(&format!("\n| {client} | {word} |")),
            "docs/clients.md was made without {client} {word}"
        );
    }
}

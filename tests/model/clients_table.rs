//! The table of mail clients keeps to the catalogue: what it is made with and what it says are entries, and
//! what it names is there.

#![allow(clippy::unwrap_used, reason = "what is not there is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use starttls_lab::internal::judgement::Policy;
use starttls_lab::internal::scenario::{ENTRIES, Scenario, entry};
use starttls_lab::internal::session::send::SenderPolicy;

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

/// A class: its sender, its word on the page, what its members verify, and the policies that it is measured by.
const CLASSES: [(&str, &str, Option<&str>, &[&str]); 6] = [
    ("o1", "O1", None, &["may"]),
    ("may", "O2", None, &["may"]),
    ("o3", "O3", None, &["may"]),
    ("o4", "O4", Some("yes"), &["may"]),
    ("encrypt", "M1", None, &["encrypt"]),
    ("verify", "M2", Some("yes"), &["verify", "secure"]),
];

/// The cells of a table's rows.
fn rows(section: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = section.lines().filter(|line| line.starts_with('|') && !line.starts_with("| ---"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(part, _)| part).unwrap()
}

/// The measured members of each class, by its sender: `exim default`.
fn members(page: &str) -> BTreeMap<&'static str, Vec<String>> {
    let mut members: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for cells in rows(between(page, "## In sum", "## Surprises")).skip(1) {
        let [client, word, class, chain, name, _, _, policy, _] = cells[..] else {
            unreachable!("{cells:?}")
        };
        for (sender, called, verifies, policies) in CLASSES {
            let fits = verifies.is_none_or(|it| chain == it && name == it);
            if class == called && fits && policies.contains(&policy) {
                members.entry(sender).or_default().push(format!("{client} {word}"));
            }
        }
    }
    members
}

/// What each measured client came to at each entry: `tls`, `clear` or `not delivered`.
fn measured(page: &str) -> BTreeMap<(String, String), &'static str> {
    let mut found = BTreeMap::new();
    let mut heads = Vec::new();
    for cells in rows(between(page, "## Entry by entry", "## Versions")) {
        let (entry, rest) = cells.split_first().unwrap();
        if *entry == "entry" {
            heads = rest.iter().map(|head| head.replace("<br>", " ")).collect();
            continue;
        }
        for (client, cell) in heads.iter().zip(rest) {
            let outcome = match cell.trim_matches(['*', '!']) {
                "T" => "tls",
                "C" => "clear",
                "-" | "w" | "H" => "not delivered",
                other => unreachable!("{entry}: {other}"),
            };
            found.insert((entry.trim_matches('`').to_owned(), client.clone()), outcome);
        }
    }
    found
}

/// What the sender of a class comes to at an entry.
fn emulated(scenario: &Scenario, class: &str) -> &'static str {
    let class = SenderPolicy::named(class).unwrap().name;
    let is = |policy: &Option<String>| {
        policy.as_deref().and_then(SenderPolicy::named).is_some_and(|policy| policy.name == class)
    };
    let sender = scenario.sender.iter().find(|sender| is(&sender.policy)).unwrap();
    let name = sender.name.as_ref().or(sender.policy.as_ref()).unwrap();
    match scenario.before.sender.get(name).unwrap().to_string() {
        ending if ending.starts_with("tls") => "tls",
        ending if ending.starts_with("clear") => "clear",
        _ => "not delivered",
    }
}

/// What `[entry] differ` has to say.
fn differences(name: &str, scenario: &Scenario, page: &str) -> Vec<String> {
    let (members, measured) = (members(page), measured(page));
    let mut differ = Vec::new();
    for (sender, ..) in CLASSES {
        let ours = emulated(scenario, sender);
        for outcome in ["tls", "clear", "not delivered"].into_iter().filter(|outcome| *outcome != ours) {
            let others = members.get(sender).into_iter().flatten();
            let others =
                others.filter(|it| measured.get(&(name.to_owned(), (*it).clone())) == Some(&outcome));
            let others: Vec<_> = others.cloned().collect();
            if !others.is_empty() {
                differ.push(format!("{sender} {outcome}: {}", others.join(", ")));
            }
        }
    }
    differ
}

#[test]
fn an_emulated_sender_does_what_the_measured_clients_of_its_class_do_or_the_entry_says_which_differ() {
    let page = read("docs/clients.md");
    let mut wrong = Vec::new();
    for name in lines("clients/entries") {
        let scenario = entry(&name).unwrap().read().unwrap().scenario;
        let differ = differences(&name, &scenario, &page);
        if scenario.entry.as_ref().unwrap().differ != differ {
            wrong.push(format!("lab/*/{name}.toml has to say differ = {differ:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_entry_that_no_client_was_measured_with_has_nobody_who_differs() {
    let tried = lines("clients/entries");
    for entry in ENTRIES.iter().filter(|entry| !tried.iter().any(|name| name == entry.scenario.name)) {
        let spec = entry.read().unwrap().scenario.entry.unwrap();
        assert!(spec.differ.is_empty(), "{}", entry.scenario.name);
    }
}

//! The entries of the fault catalogue about STARTTLS, seen from the other end of the wire: what each says of
//! itself is what a client meets that says exactly what it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod client;
mod foreign;
mod safe;
mod table;
mod table_tls;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use starttls_lab::Lab;
use starttls_lab::internal::scenario::{CatalogueEntry, ENTRIES, Group};

use client::{Client, Step};

/// One connection to the entry of that name, step by step.
type Script = (&'static str, &'static [Step]);

fn entries() -> impl Iterator<Item = &'static CatalogueEntry> {
    ENTRIES.iter().filter(|entry| entry.group == Group::Starttls)
}

fn scripts() -> impl Iterator<Item = &'static Script> {
    table::SCRIPTS.iter().chain(table_tls::SCRIPTS)
}

/// A lab that is an entry of the catalogue.
fn lab(name: &str) -> Lab {
    let entry =
        starttls_lab::internal::scenario::entry(name).unwrap_or_else(|| panic!("there is no entry {name}"));
    Lab::text(entry.scenario.text).quiet().start().unwrap()
}

/// How many labs are played at a time.
const SIDE_BY_SIDE: usize = 6;

/// What comes of `one` for all of `them`, several at a time.
fn side_by_side<T: Sync>(them: &[T], one: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    std::thread::scope(|scope| {
        let one = &one;
        let part = |part| scope.spawn(move || -> Vec<String> { <[T]>::iter(part).flat_map(one).collect() });
        let playing: Vec<_> = them.chunks(them.len().div_ceil(SIDE_BY_SIDE)).map(part).collect();
        playing.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Plays every script of an entry in one lab; what was otherwise, and which misconduct was never done.
fn play(name: &str) -> Vec<String> {
    let lab = lab(name);
    let mut wrong = Vec::new();
    for (number, (_, steps)) in (1..).zip(scripts().filter(|(of, _)| *of == name)) {
        if catch_unwind(AssertUnwindSafe(|| Client::connect(&lab).play(steps))).is_err() {
            wrong.push(format!("{name}, connection {number}:\n{}", lab.transcript()));
        }
    }
    let report = lab.finish();
    wrong.extend(report.expectations.iter().filter(|it| !it.met).map(|it| format!("{name}: {it:?}")));
    wrong
}

#[test]
fn every_entry_shows_on_the_wire_what_it_says_of_itself() {
    let played: BTreeSet<_> = scripts().map(|(name, _)| *name).collect();
    let known: BTreeSet<_> = entries().map(|entry| entry.scenario.name).collect();
    assert_eq!(played, known, "every entry has a script, and every script an entry");

    let names: Vec<_> = known.into_iter().collect();
    let wrong = side_by_side(&names, |name| play(name));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_senders_fate_is_what_the_entry_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let wrong = runtime.block_on(async {
        let mut playing = tokio::task::JoinSet::new();
        for entry in entries() {
            playing.spawn(async {
                let text = starttls_lab::internal::scenario::ScenarioText::parse(
                    entry.scenario.text,
                    entry.scenario.name,
                );
                let proof =
                    starttls_lab::internal::lab::verify(&text.unwrap(), entry.scenario.name).await.unwrap();
                let rows = proof.differences().map(|(_, row)| format!("{}: {row:?}", entry.scenario.name));
                rows.collect::<Vec<_>>()
            });
        }
        playing.join_all().await.concat()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! The entries of plain SMTP and of policy, word by word: a dialogue for each shows what is on the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;

use starttls_lab::internal::scenario::{ENTRIES, Group};

use crate::dialogue_player::{Cut, Folder};

const FOLDER: Folder = Folder("tests/dialogues/faults");

#[test]
fn every_entry_of_plain_smtp_and_of_policy_has_a_dialogue() {
    let shown: BTreeSet<String> = FOLDER.dialogues().iter().map(|it| it.setup.lab.clone()).collect();
    let ours = ENTRIES.iter().filter(|entry| matches!(entry.group, Group::Smtp | Group::Policy));
    let unseen: Vec<_> =
        ours.map(|entry| entry.scenario.name).filter(|name| !shown.contains(*name)).collect();
    assert_eq!(unseen, [""; 0]);
}

#[test]
fn every_entry_says_on_the_wire_what_its_dialogue_says() {
    FOLDER.play_all(|_| vec![Cut::Nowhere]);
}

#[test]
fn every_entry_says_the_same_to_a_client_that_speaks_one_byte_at_a_time() {
    FOLDER.play_all(|_| vec![Cut::Every(1)]);
}

#[test]
fn every_entry_says_the_same_wherever_the_bytes_of_its_client_are_cut_in_two() {
    FOLDER.play_all(|dialogue| {
        let flights = dialogue.flights().enumerate();
        let cuts = flights.flat_map(|(flight, bytes)| {
            let places = 1..bytes.len();
            // In the middle of what is very long nothing happens.
            let counts = move |at: &usize| *at < 60 || bytes.len() - *at < 60;
            places.filter(counts).map(move |at| Cut::Once { flight, at })
        });
        cuts.collect()
    });
}

/// Entries that take their time on purpose; what time they take is tested on a clock that does not.
const SLOW: [&str; 4] = ["e-banner-delay", "e-slow-ehlo", "e-slow-reply", "e-tarpit"];

#[test]
fn every_entry_says_the_same_over_a_socket_and_leaves_the_same_journal() {
    let mut dialogues = FOLDER.dialogues();
    dialogues.retain(|dialogue| !SLOW.contains(&dialogue.setup.lab.as_str()));
    FOLDER.play_over_sockets(&dialogues, |_| Cut::Nowhere);
}

//! The entries of plain SMTP and of policy, word by word: a dialogue for each shows what is on the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[allow(dead_code, reason = "the dialogues of the session use the rest of it")]
use std::collections::BTreeSet;
use std::path::Path;

use crate::dialogue_player::{Bare, Cut, Dialogue, Difference, Socket, Stage, play};
use starttls_lab::internal::scenario::{ENTRIES, Group};

/// Every dialogue of an entry, in the order of their names.
fn dialogues() -> Vec<Dialogue> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues/faults");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "smtp"));
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        Dialogue::parse(&name, &std::fs::read_to_string(file).unwrap())
    };
    files.iter().map(read).collect()
}

/// Plays every dialogue with the cuts that `cuts` wants, and says of each what went otherwise.
fn play_all(cuts: impl Fn(&Dialogue) -> Vec<Cut>) {
    let mut failures = Vec::new();
    for dialogue in dialogues() {
        let stage = Stage::new(&dialogue.setup);
        let failed = cuts(&dialogue).into_iter().find_map(|cut| {
            let played = play(&dialogue, &mut Bare::connect(&stage, dialogue.early(), cut));
            let Difference { line, what } = played.err()?;
            Some(format!("tests/dialogues/faults/{}:{line}: {what} (cut: {cut:?})", dialogue.name))
        });
        failures.extend(failed);
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_entry_of_plain_smtp_and_of_policy_has_a_dialogue() {
    let shown: BTreeSet<String> = dialogues().iter().map(|it| it.setup.lab.clone()).collect();
    let ours = ENTRIES.iter().filter(|entry| matches!(entry.group, Group::Smtp | Group::Policy));
    let unseen: Vec<_> =
        ours.map(|entry| entry.scenario.name).filter(|name| !shown.contains(*name)).collect();
    assert_eq!(unseen, [""; 0]);
}

#[test]
fn every_entry_says_on_the_wire_what_its_dialogue_says() {
    play_all(|_| vec![Cut::Nowhere]);
}

#[test]
fn every_entry_says_the_same_to_a_client_that_speaks_one_octet_at_a_time() {
    play_all(|_| vec![Cut::Every(1)]);
}

#[test]
fn every_entry_says_the_same_wherever_the_octets_of_its_client_are_cut_in_two() {
    play_all(|dialogue| {
        let flights = dialogue.flights().enumerate();
        let cuts = flights.flat_map(|(flight, octets)| {
            let places = 1..octets.len();
            // In the middle of what is very long nothing happens.
            let counts = move |at: &usize| *at < 60 || octets.len() - *at < 60;
            places.filter(counts).map(move |at| Cut::Once { flight, at })
        });
        cuts.collect()
    });
}

/// Entries that take their time on purpose; what time they take is tested on a clock that does not.
const SLOW: [&str; 4] = ["e-banner-delay", "e-slow-ehlo", "e-slow-reply", "e-tarpit"];

#[test]
fn every_entry_says_the_same_over_a_socket_and_leaves_the_same_journal() {
    let mut failures = Vec::new();
    for dialogue in dialogues() {
        if SLOW.contains(&dialogue.setup.lab.as_str()) {
            continue;
        }
        let lab = dialogue.setup.paper();
        let stage = Stage::in_lab(&dialogue.setup, &lab);
        let mut bare = Bare::connect(&stage, dialogue.early(), Cut::Nowhere);
        let mut socket = Socket::connect(lab, &stage, &dialogue, Cut::Nowhere);
        let played = play(&dialogue, &mut socket).and_then(|()| play(&dialogue, &mut bare));
        match played {
            Err(Difference { line, what }) => failures.push(format!("{}:{line}: {what}", dialogue.name)),
            Ok(()) if socket.account().lines() != bare.account().lines() => failures.push(format!(
                "{}: the journal has {:#?} where the session has {:#?}",
                dialogue.name,
                socket.account().lines(),
                bare.account().lines()
            )),
            Ok(()) => {}
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

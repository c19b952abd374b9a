//! The dialogues of `tests/dialogues`, played into the bare session however the octets are cut.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod dialogue_player;

use std::path::Path;

use dialogue_player::{Bare, Cut, Dialogue, Difference, Stage, play};

/// Every dialogue there is, in the order of their names.
fn dialogues() -> Vec<Dialogue> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "smtp"));
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        Dialogue::parse(&name, &std::fs::read_to_string(file).unwrap())
    };
    files.iter().map(read).collect()
}

fn played(dialogue: &Dialogue, stage: &Stage, cut: Cut) -> Result<(), Difference> {
    play(dialogue, &mut Bare::connect(stage, dialogue.early(), cut))
}

/// Plays every dialogue with the cuts that `cuts` wants, and says of each what went otherwise.
fn play_all(cuts: impl Fn(&Dialogue) -> Vec<Cut>) {
    let mut failures = Vec::new();
    for dialogue in dialogues() {
        let stage = Stage::new(&dialogue.setup);
        let failed = cuts(&dialogue).into_iter().find_map(|cut| {
            let Difference { line, what } = played(&dialogue, &stage, cut).err()?;
            Some(format!("tests/dialogues/{}:{line}: {what} (cut: {cut:?})", dialogue.name))
        });
        failures.extend(failed);
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_dialogue_goes_as_it_is_written() {
    play_all(|_| vec![Cut::Nowhere]);
}

#[test]
fn every_dialogue_goes_the_same_way_one_octet_at_a_time() {
    play_all(|_| vec![Cut::Every(1)]);
}

#[test]
fn every_dialogue_goes_the_same_way_wherever_it_is_cut_in_two() {
    play_all(|dialogue| {
        let flights = dialogue.flights().enumerate();
        let cuts =
            flights.flat_map(|(flight, octets)| places(octets.len()).map(move |at| Cut::Once { flight, at }));
        cuts.collect()
    });
}

/// Every place to cut; in the middle of what is very long, where nothing happens, a few.
fn places(length: usize) -> impl Iterator<Item = usize> {
    const LONG: usize = 2_000;
    const EDGE: usize = 100;
    let everywhere = length < LONG;
    let counts = move |at: &usize| *at < EDGE || length - *at < EDGE || at.is_multiple_of(1_001);
    (1..length).filter(move |at| everywhere || counts(at))
}

#[test]
fn every_dialogue_says_in_one_sentence_what_it_shows() {
    let dialogues = dialogues();
    assert!(dialogues.len() >= 25, "only {} dialogues", dialogues.len());
    for dialogue in dialogues {
        let about = &dialogue.setup.about;
        assert!(about.len() > 20 && !about.contains('\n') && about.ends_with('.'), "{}", dialogue.name);
    }
}

const HEAD: &str = "about = \"A dialogue for the player itself.\"\nlab = \"healthy\"\n\n---\n";
const BANNER: &str = "S: 220 mailgate.expta.com Microsoft ESMTP MAIL Service ready at *\n";

/// What the player says of a dialogue with this script after the banner.
fn difference(script: &str) -> Option<String> {
    let dialogue = Dialogue::parse("a dialogue", &format!("{HEAD}{BANNER}{script}"));
    let stage = Stage::new(&dialogue.setup);
    played(&dialogue, &stage, Cut::Nowhere).err().map(|difference| difference.what)
}

/// A player that lets everything pass would make every dialogue worthless.
#[test]
fn the_player_sees_what_is_missing_what_is_wrong_and_what_is_too_much() {
    for (script, seen) in [
        ("C: NOOP\nS: 250 2.0.0 OK\n", None),
        ("C: NOOP\nS: 250 2.0.0 Fine\n", Some("the server says `250 2.0.0 OK`, not `250 2.0.0 Fine`")),
        ("C: NOOP\n", Some("the server says `250 2.0.0 OK`, which is not written")),
        ("S: 250 2.0.0 OK\n", Some("the server says nothing, not `250 2.0.0 OK`")),
        ("C| NOOP\\n\nS: 250...\n", Some("`!! bare-line-feed-after-command` was noted and is not written")),
        (
            "C| NOOP\\n\nS: 250...\nC: QUIT\n",
            Some("before this, `!! bare-line-feed-after-command` was noted and is not written"),
        ),
        ("C: NOOP\n!! nul-in-command\nS: 250...\n", Some("nothing was noted, not even `!! nul-in-command`")),
        (
            "C| NOOP\\n\n!! nul-in-command\nS: 250...\n",
            Some("`!! bare-line-feed-after-command` was noted, not `!! nul-in-command`"),
        ),
        ("C: QUIT\nS: 221...\n", Some("the server has closed and `== closed` is not written")),
        ("C: NOOP\nS: 250...\n== closed\n", Some("the server has not closed")),
        (
            "C: QUIT\n== closed\n",
            Some("the server says `221 2.0.0 Service closing transmission channel` before it closes"),
        ),
    ] {
        assert_eq!(difference(script).as_deref(), seen, "{script}");
    }
}

//! The built-in stories are true: what they say before, after every fix and after every wrong fix is what
//! happens over real sockets, and the same in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::collections::BTreeSet;

use crate::both::verified;
use starttls_lab::internal::exchange::{Dates, RuleOverrides, SeveralMatch, SmtpNotAssigned};
use starttls_lab::internal::lab::dry_run;
use starttls_lab::internal::scenario::{Aspect, BuiltIn, Proof, SCENARIOS, ScenarioText, Stage, Subject};

fn text(story: &BuiltIn) -> ScenarioText {
    ScenarioText::parse(story.text, story.name).unwrap()
}

fn dry(text: &ScenarioText, name: &str) -> Proof {
    dry_run(text, name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn differences(proof: &Proof) -> Vec<String> {
    let each = proof.differences().map(|(stage, row)| {
        let shown = |value: &Option<_>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        format!(
            "{}, {}: {} {}: expected {}, observed {}",
            proof.name,
            stage.title,
            row.subject,
            row.aspect.as_str(),
            shown(&row.expected),
            shown(&row.observed)
        )
    });
    each.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_story_is_true_over_sockets_and_in_memory_alike() {
    let mut stories = tokio::task::JoinSet::new();
    for story in SCENARIOS {
        stories.spawn(async move {
            let proof = verified(&text(story), story.name).await;
            assert_eq!(differences(&proof), [""; 0]);
        });
    }
    while let Some(done) = stories.join_next().await {
        done.unwrap();
    }
}

#[test]
fn every_story_says_what_every_connector_and_every_sender_comes_to() {
    for story in SCENARIOS {
        let text = text(story);
        let silent: Vec<_> = dry(&text, story.name)
            .stages
            .into_iter()
            .flat_map(|stage| stage.rows)
            .filter(|row| row.expected.is_none())
            // A computer that logs nothing need not say so, and what a command makes may be its own affair.
            .filter(|row| !matches!(row.subject, Subject::Computer(_)))
            .map(|row| format!("{}: {} {}", story.name, row.subject, row.aspect.as_str()))
            .collect();
        assert_eq!(silent, [""; 0]);
        assert!(!text.scenario.sender.is_empty(), "{}: nobody sends", story.name);
        assert!(!text.scenario.wrong_fix.is_empty(), "{}: nothing is tried in vain", story.name);
        let wrong = text.scenario.wrong_fix.iter().find(|wrong| wrong.why.is_none());
        assert!(wrong.is_none(), "{}: {:?} does not say why", story.name, wrong.map(|wrong| &wrong.title));
    }
}

/// The rows that are red before anything is changed once a rule is settled otherwise everywhere, and the
/// stories that are red at all.
fn red_with(change: impl Fn(&mut RuleOverrides)) -> (Vec<String>, BTreeSet<&'static str>) {
    let (mut before, mut stories) = (Vec::new(), BTreeSet::new());
    for story in SCENARIOS {
        let mut text = text(story);
        text.scenario.computer.iter_mut().for_each(|computer| change(&mut computer.rules));
        let proof = dry(&text, story.name);
        for (stage, row) in proof.differences() {
            stories.insert(story.name);
            if stage.stage == Stage::Before && row.aspect == Aspect::Starttls {
                let shown = |value: &Option<_>| value.as_ref().map_or(String::new(), ToString::to_string);
                let (said, seen) = (shown(&row.expected), shown(&row.observed));
                before.push(format!("{}: {}: {said} -> {seen}", story.name, row.subject));
            }
        }
    }
    (before, stories)
}

fn stories(names: &[&'static str]) -> BTreeSet<&'static str> {
    names.iter().copied().collect()
}

#[test]
fn the_newest_of_several_turned_into_the_longest_shows_in_the_right_rows() {
    let (before, red) = red_with(|rules| rules.several_match = Some(SeveralMatch::LatestValidTo));
    assert_eq!(before, [r"several-candidates: EX01\Client Frontend EX01: renewed -> long"]);
    // In the other one a certificate that begins later ends earlier.
    assert_eq!(red, stories(&["several-candidates", "not-yet-valid-offered"]));
}

#[test]
fn a_missing_smtp_service_that_suffices_to_withhold_shows_in_the_right_rows() {
    let (before, red) = red_with(|rules| rules.smtp_not_assigned = Some(SmtpNotAssigned::Withheld));
    assert_eq!(before, [r"smtp-not-assigned-chosen: EX01\Internet EX01: mail -> none"]);
    // In the other one it is the fix, a pin, that would no longer do.
    assert_eq!(red, stories(&["smtp-not-assigned-chosen", "smtp-not-assigned-pinned"]));
}

#[test]
fn dates_that_are_settled_otherwise_show_in_the_right_rows() {
    let (before, red) = red_with(|rules| rules.expired = Some(Dates::Withheld));
    assert_eq!(
        before,
        [
            r"expired-offered: EX01\Client Frontend EX01: mail -> none",
            r"expired-self-signed: ZOO\Default Frontend ZOO: setup -> none"
        ]
    );
    assert_eq!(red, stories(&["expired-offered", "expired-self-signed"]));
    let (before, red) = red_with(|rules| rules.not_yet_valid = Some(Dates::Offered));
    assert_eq!(before, [r"not-yet-valid: EDGE01\Default internal receive connector EDGE01: none -> mail"]);
    assert_eq!(red, stories(&["not-yet-valid"]));
}

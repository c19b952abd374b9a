//! Several messages over one connection, without a socket.

use std::sync::Arc;

use starttls_lab::internal::exchange::SmartHostAuthMechanism;
use starttls_lab::internal::session::TlsVerb;
use starttls_lab::internal::session::send::{Outcome, Reason, SendStage, SenderPolicy, Task};

use super::played::{Played, logging_on, play, task};

fn three() -> [Arc<Task>; 3] {
    ["1@b.test", "2@b.test", "3@b.test"].map(|to| task(SenderPolicy::named("exchange").unwrap(), to))
}

/// Three messages, after the banner and EHLO.
fn played(most: u32, answers: &[&str]) -> Played {
    play(&three(), most, &[&["220 x", "250 smart"], answers].concat())
}

const SENT: [&str; 4] = ["250 ok", "250 ok", "354 go", "250 queued"];

fn commands(said: &[String]) -> String {
    let words = said.iter().map(|line| line.split(' ').next().unwrap().trim_matches(['(', ')']));
    words.collect::<Vec<_>>().join(" ")
}

fn ends(played: &Played) -> Vec<(u32, Outcome)> {
    played.attempts.iter().map(|attempt| (attempt.message, attempt.outcome)).collect()
}

#[test]
fn one_message_follows_another_without_a_word_between_them() {
    let played = played(0, &[&SENT[..], &SENT, &SENT, &["221 bye"]].concat());
    assert_eq!(
        commands(&played.said),
        "EHLO MAIL RCPT DATA content MAIL RCPT DATA content MAIL RCPT DATA content QUIT"
    );
    assert_eq!(
        played.said.iter().filter(|line| line.starts_with("RCPT")).collect::<Vec<_>>(),
        ["RCPT TO:<1@b.test>", "RCPT TO:<2@b.test>", "RCPT TO:<3@b.test>"]
    );
    assert_eq!(ends(&played), [1, 2, 3].map(|message| (message, Outcome::DeliveredInClear)));
}

#[test]
fn a_maximum_ends_the_conversation_and_leaves_the_rest_undecided() {
    for (most, expected) in [(1, 1), (2, 2), (3, 3), (4, 3)] {
        let answers = [&SENT.repeat(expected)[..], &["221 bye"]].concat();
        let played = played(most, &answers);
        assert_eq!(played.attempts.len(), expected, "{most}");
        assert_eq!(commands(&played.said).matches("MAIL").count(), expected);
        assert!(played.said.last().unwrap() == "QUIT");
    }
}

#[test]
fn a_transaction_that_was_refused_is_reset_before_the_next() {
    for refused in [&["550 no"][..], &["250 ok", "452 full"], &["250 ok", "250 ok", "554 no"]] {
        let answers = [refused, &["250 reset"], &SENT, &SENT, &["221 bye"]].concat();
        let played = played(0, &answers);
        let said = commands(&played.said);
        assert!(said.ends_with("RSET MAIL RCPT DATA content MAIL RCPT DATA content QUIT"), "{said}");
        let outcome = if refused.contains(&"452 full") { Outcome::Deferred } else { Outcome::Bounced };
        let delivered = Outcome::DeliveredInClear;
        assert_eq!(ends(&played), [(1, outcome), (2, delivered), (3, delivered)]);
    }
}

#[test]
fn refused_content_needs_no_reset_for_its_reply_ends_the_transaction() {
    let content = ["250 ok", "250 ok", "354 go", "550 5.7.1 not this"];
    let played = played(0, &[&content[..], &SENT, &SENT, &["221 bye"]].concat());
    assert!(!played.said.contains(&"RSET".to_owned()), "{:?}", played.said);
    assert_eq!(ends(&played)[..2], [(1, Outcome::Bounced), (2, Outcome::DeliveredInClear)]);
}

#[test]
fn a_refused_last_message_is_followed_by_quit_and_no_reset() {
    let played = played(1, &["550 no", "221 bye"]);
    assert_eq!(commands(&played.said), "EHLO MAIL QUIT");
    assert_eq!(ends(&played), [(1, Outcome::Bounced)]);
}

#[test]
fn the_recipients_of_one_message_are_not_refused_to_the_next() {
    let mut tasks = three();
    let message = Arc::make_mut(&mut Arc::make_mut(&mut tasks[0]).message);
    message.to.push("other@b.test".parse().unwrap());
    let first = ["250 ok", "550 unknown", "250 ok", "354 go", "250 queued"];
    let answers = [&["220 x", "250 smart"], &first[..], &SENT, &SENT, &["221 bye"]].concat();
    let played = play(&tasks, 0, &answers);
    let refused: Vec<_> = played.attempts.iter().map(|attempt| attempt.refused.len()).collect();
    assert_eq!(refused, [1, 0, 0]);
}

#[test]
fn a_connection_that_fails_ends_the_attempts_of_all_that_wait_the_same_way() {
    let lost = played(2, &[&SENT[..], &["250 ok"]].concat());
    assert_eq!(
        ends(&lost),
        [(1, Outcome::DeliveredInClear), (2, Outcome::Deferred), (3, Outcome::Deferred)],
        "the maximum was not reached, so there is no new connection"
    );
    assert_eq!(lost.attempts[1].reason, Reason::Closed { at: SendStage::Rcpt });
    assert_eq!(lost.attempts[2].reason, lost.attempts[1].reason);
    let closing = played(0, &[&SENT[..], &["421 later"]].concat());
    assert!(matches!(closing.attempts[2].reason, Reason::Reply { at: SendStage::Mail, .. }));
    assert_eq!(closing.said.last().unwrap(), "MAIL FROM:<a@sender.test>");
}

#[test]
fn a_reset_that_is_refused_bounces_no_message_that_waits() {
    let played = played(0, &["550 no", "502 what is RSET", "221 bye"]);
    assert_eq!(ends(&played), [(1, Outcome::Bounced), (2, Outcome::Deferred), (3, Outcome::Deferred)]);
    assert!(matches!(played.attempts[1].reason, Reason::Reply { at: SendStage::Rset, .. }));
    assert_eq!(commands(&played.said), "EHLO MAIL RSET QUIT");
}

#[test]
fn one_logon_does_for_all_messages_and_so_does_one_failure() {
    let tasks = ["1@b.test", "2@b.test"].map(|to| task(logging_on(SmartHostAuthMechanism::BasicAuth), to));
    let hello = ["220 x", "250-smart\n250 AUTH LOGIN", "334 x", "334 y"];
    let sent = play(&tasks, 0, &[&hello[..], &["235 ok"], &SENT, &SENT, &["221 bye"]].concat());
    assert_eq!(
        commands(&sent.said),
        "EHLO AUTH secret secret MAIL RCPT DATA content MAIL RCPT DATA content QUIT"
    );
    let refused = play(&tasks, 0, &[&hello[..], &["535 no", "221 bye"]].concat());
    assert_eq!(ends(&refused), [(1, Outcome::Deferred), (2, Outcome::Deferred)]);
    assert_eq!(refused.events().len(), 1, "one connection, one logon, one event");
}

#[test]
fn tls_that_is_missing_decides_on_all_messages() {
    let tasks =
        ["1@b.test", "2@b.test"].map(|to| task(SenderPolicy::named("exchange-encryption-only").unwrap(), to));
    let played = play(&tasks, 0, &["220 x", "250 smart", "221 bye"]);
    let reasons: Vec<_> = played.attempts.iter().map(|attempt| &attempt.reason).collect();
    assert_eq!(reasons, [&Reason::NotOffered { verb: TlsVerb::StartTls }; 2]);
    assert_eq!(played.events().len(), 1);
}

#[test]
fn a_handshake_is_done_once_for_all_messages() {
    let offer = "250-smart\n250 STARTTLS";
    let hello = ["220 x", offer, "220 go", "250 smart"];
    let played = play(&three(), 2, &[&hello[..], &SENT, &SENT, &["221 bye"]].concat());
    assert_eq!(
        commands(&played.said),
        "EHLO STARTTLS EHLO MAIL RCPT DATA content MAIL RCPT DATA content QUIT"
    );
    let over_tls = Outcome::DeliveredOverTls { authenticated: false };
    assert_eq!(ends(&played), [(1, over_tls), (2, over_tls)]);
}

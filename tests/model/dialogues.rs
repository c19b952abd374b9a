//! The dialogues of `tests/dialogues`, played into the bare session and over sockets, however the bytes
//! are cut.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use crate::dialogue_player::{Bare, Cut, Dialogue, Folder, Socket, Stage, over_a_socket, play};

const FOLDER: Folder = Folder("tests/dialogues");

#[test]
fn every_dialogue_goes_as_it_is_written() {
    FOLDER.play_all(|_| vec![Cut::Nowhere]);
}

#[test]
fn every_dialogue_goes_the_same_way_one_byte_at_a_time() {
    FOLDER.play_all(|_| vec![Cut::Every(1)]);
}

#[test]
fn every_dialogue_goes_the_same_way_wherever_it_is_cut_in_two() {
    FOLDER.play_all(|dialogue| {
        let flights = dialogue.flights().enumerate();
        let cuts =
            flights.flat_map(|(flight, bytes)| places(bytes.len()).map(move |at| Cut::Once { flight, at }));
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

/// What cannot be played over a socket unless each flight arrives whole, and why.
const WHOLE_FLIGHTS_ONLY: [(&str, &str); 2] = [
    ("line-early-talker.smtp", "it counts what has arrived when the banner leaves"),
    ("starttls-pipelined.smtp", "what arrives behind the reply to STARTTLS is part of the handshake"),
];

#[test]
fn every_dialogue_goes_the_same_way_over_a_socket_and_leaves_the_same_journal() {
    FOLDER.play_over_sockets(&FOLDER.dialogues(), |_| Cut::Nowhere);
}

/// Single bytes, but for what is so long that it would take seconds.
#[test]
fn every_dialogue_goes_the_same_way_over_a_socket_in_tiny_pieces() {
    let (whole, mut dialogues) = (WHOLE_FLIGHTS_ONLY.map(|(name, _)| name), FOLDER.dialogues());
    let all = dialogues.len();
    dialogues.retain(|dialogue| !whole.contains(&&*dialogue.name));
    assert_eq!(dialogues.len(), all - whole.len(), "an exception that is none");
    FOLDER.play_over_sockets(&dialogues, |dialogue| {
        let longest = dialogue.flights().map(<[u8]>::len).max();
        Cut::Every(if longest < Some(20_000) { 1 } else { 101 })
    });
}

#[test]
fn every_dialogue_says_in_one_sentence_what_it_shows() {
    let dialogues = FOLDER.dialogues();
    assert!(dialogues.len() >= 25, "only {} dialogues", dialogues.len());
    for dialogue in dialogues {
        let about = &dialogue.setup.about;
        assert!(about.len() > 20 && !about.contains('\n') && about.ends_with('.'), "{}", dialogue.name);
    }
}

/// How long it takes to be sure that a server is silent; being wrong changes no answer.
const SHORT: Duration = Duration::from_millis(200);

const HEAD: &str = "about = \"A dialogue for the player itself.\"\nlab = \"healthy\"\n\n---\n";
const BANNER: &str = "S: 220 mailgate.expta.com Microsoft ESMTP MAIL Service ready at *\n";

/// The dialogue with this script after the banner.
fn dialogue(script: &str) -> Dialogue {
    Dialogue::parse("a dialogue", &format!("{HEAD}{BANNER}{script}"))
}

/// A player that lets everything pass would make every dialogue worthless.
#[test]
fn the_player_sees_what_is_missing_what_is_wrong_and_what_is_too_much() {
    const HELLO: &str = "C: HELO client\nS: 250...\n";
    const MESSAGE: &str = "C: MAIL FROM:<a@example.org>\nC: RCPT TO:<b@expta.com>\nC: DATA\nC: .\n";
    let starttls = format!("{HELLO}C: STARTTLS\nS: 220...\n== TLS\n");
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
        (
            &format!("{HELLO}{MESSAGE}++ message 1 with ESMTP...\n"),
            Some(
                "`++ message 1 with SMTP from <a@example.org> to <b@expta.com>: \"\"` was noted, not `++ message 1 with ESMTP...`",
            ),
        ),
        (&starttls, Some("`++ secured` was noted and is not written")),
        (
            &format!("{starttls}++ secured by X-ANONYMOUSTLS\n"),
            Some("`++ secured` was noted, not `++ secured by X-ANONYMOUSTLS`"),
        ),
        ("C: QUIT\nS: 221...\n", Some("the server has closed and `== closed` is not written")),
        ("C: NOOP\nS: 250...\n== closed\n", Some("the server has not closed")),
        (
            "C: QUIT\n== closed\n",
            Some("the server says `221 2.0.0 Service closing transmission channel` before it closes"),
        ),
    ] {
        let dialogue = dialogue(script);
        let lab = dialogue.setup.paper();
        let stage = Stage::in_lab(&dialogue.setup, &lab);
        let bare = play(&dialogue, &mut Bare::connect(&stage, dialogue.early(), Cut::Nowhere));
        let mut socket = Socket::connect(lab, &stage, &dialogue, Cut::Nowhere).with_patience(SHORT);
        assert_eq!(bare.as_ref().err().map(|difference| &*difference.what), seen, "{script}");
        assert_eq!(play(&dialogue, &mut socket), bare, "over a socket: {script}");
    }
}

#[test]
fn what_was_heard_said_and_noted_is_written_down_in_its_order_and_without_secrets() {
    let dialogue = dialogue(
        "C| HELO client\\n\n!! bare-line-feed-after-command\nS| 250\n\
         C: AUTH LOGIN c2VjcmV0\nS: 504...\n\
         C: MAIL FROM:<a@example.org>\nS: 250...\nC: RCPT TO:<b@expta.com>\nS: 250...\n\
         C: BDAT 3\nC| a\\r\\n\nS: 250...\nC: BDAT 2 LAST\nC| b\\xff\n\
         !! unannounced-eight-bit-content\n++ message 1...\nS: 250...\n\
         C: STARTTLS\nS: 220...\n== TLS\n++ secured\nC: QUIT\nS: 221...\n== closed\n",
    );
    let written = over_a_socket(&dialogue, Cut::Nowhere).unwrap();
    let expected = r#"
S: 220 mailgate.expta.com Microsoft ESMTP MAIL Service ready at Tue, 28 Sep 2010 09:35:58 +0000
C: HELO client
!! bare-line-feed-after-command
S: 250 mailgate.expta.com Hello [127.0.0.1]
C: AUTH LOGIN <authentication response>
S: 504 5.7.4 Unrecognized authentication type
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Sender OK
C: RCPT TO:<b@expta.com>
S: 250 2.1.5 Recipient OK
C: BDAT 3
C| 3 bytes of content
S: 250 2.6.0 CHUNK received OK, 3 octets
C: BDAT 2 LAST
C| 2 bytes of content
!! unannounced-eight-bit-content
++ message 1 with SMTP from <a@example.org> to <b@expta.com>: "a\r\nb\xff"
S: 250 2.6.0 <1@mailgate.expta.com> [InternalId=1] Queued mail for delivery
C: STARTTLS
S: 220 2.0.0 SMTP server ready
++ secured
C: QUIT
S: 221 2.0.0 Service closing transmission channel
== closed
"#;
    assert_eq!(written.join("\n"), expected.trim());
}

//! Whatever comes over the wire or stands in a file: no panic, no hang, no growth without bound.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::sync::Arc;

use crate::client::{Client, DEADLINE};
use bytes::BytesMut;
use jiff::Timestamp;
use proptest::prelude::*;
use starttls_lab::internal::journal::{Bounds, Journal, Record, transcript_line};
use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::observe::verdict::Measure;
use starttls_lab::internal::pki::KeyPair;
use starttls_lab::internal::scenario::{Issuer, SCENARIOS, ScenarioText, scenario};
use starttls_lab::internal::session::{ClientHelloFacts, Counters, Input, Next, ReceiveSession, Setting};
use starttls_lab::internal::smtp::{ChunkDecoder, DataDecoder, DataProgress, LineDecoder};
use starttls_lab::internal::wire::Ports;

const NOW: &str = "2010-09-28T09:35:58Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn setting() -> Arc<Setting> {
    let text = ScenarioText::parse(scenario("fqdn-mismatch").unwrap().text, "seed").unwrap();
    let mut issuer = Issuer::open(now(), &mut KeyPair::generate).unwrap();
    let computer = text.build(&mut issuer, &mut KeyPair::generate).unwrap().remove(0).computer;
    let connector = Arc::clone(&computer.receive_connectors[0]);
    let (local, peer) = ("127.0.0.1:1025".parse().unwrap(), "127.0.0.1:40000".parse().unwrap());
    let counters = Arc::new(Counters::default());
    Arc::new(Setting { computer, connector, local, peer, starttls: false, anonymous_tls: true, counters })
}

/// Plays bytes into a session as a driver does, and returns how many steps it took.
fn play(setting: &Arc<Setting>, bytes: &[u8]) -> usize {
    let (mut session, mut step) = ReceiveSession::open(Arc::clone(setting), 0, now());
    let mut input = BytesMut::from(bytes);
    let mut lines = LineDecoder::new(session.line_limit());
    let mut chunks = None;
    let mut steps = 1;
    loop {
        let next = match step.next {
            Next::Close | Next::Handshake(_) => return steps,
            Next::Line => lines.decode(&mut input).map(Input::Line),
            Next::Data { limit } => {
                let mut decoder = DataDecoder::new(limit);
                let done = decoder.decode(&mut input) == DataProgress::Done;
                done.then(|| Input::Content(decoder.finish()))
            }
            Next::Chunk { size, last, limit } => {
                let mut decoder = chunks.take().unwrap_or_else(|| ChunkDecoder::new(limit));
                decoder.begin(size);
                let done = decoder.decode(&mut input) == DataProgress::Done;
                match (done, last) {
                    (false, _) => None,
                    (true, true) => Some(Input::Content(decoder.finish())),
                    (true, false) => {
                        chunks = Some(decoder);
                        Some(Input::Chunk(size))
                    }
                }
            }
        };
        let Some(next) = next else { return steps };
        step = session.handle(next, now());
        steps += 1;
    }
}

/// Pieces of conversations, whole and mangled, so that random sequences get somewhere.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "EHLO a.example\r\n",
            "HELO [127.0.0.1]\r\n",
            "MAIL FROM:<a@example.com> SIZE=10 BODY=8BITMIME\r\n",
            "MAIL FROM:<>\r\n",
            "RCPT TO:<b@example.com> NOTIFY=NEVER\r\n",
            "DATA\r\n",
            ".\r\n",
            "..\r\n",
            "\n.\n",
            "Subject: x\r\n",
            "BDAT 5\r\nhello",
            "BDAT 0 LAST\r\n",
            "BDAT 18446744073709551615\r\n",
            "AUTH LOGIN\r\n",
            "*\r\n",
            "STARTTLS\r\n",
            "X-ANONYMOUSTLS\r\n",
            "X-EXPS NTLM\r\n",
            "RSET\r\n",
            "NOOP\r\n",
            "QUIT\r\n",
            "VRFY x\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|mut bytes| {
            bytes.extend_from_slice(b"\r\n");
            bytes
        }),
        Just(vec![b'A'; 5000]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_answers_anything_and_takes_no_more_steps_than_it_got_octets(
        pieces in prop::collection::vec(piece(), 0..30)
    ) {
        thread_local!(static SETTING: Arc<Setting> = setting());
        let bytes = pieces.concat();
        let steps = SETTING.with(|setting| play(setting, &bytes));
        prop_assert!(steps <= bytes.len() + 1);
    }

    #[test]
    fn a_lab_file_with_anything_in_it_is_read_or_refused(
        which in 0..SCENARIOS.len(), at in any::<prop::sample::Index>(), with in ".{0,12}", cut in 0..20_usize
    ) {
        let text: Vec<char> = SCENARIOS[which].text.chars().collect();
        let at = at.index(text.len());
        let mangled: String = text[..at].iter().copied().chain(with.chars()).chain(text[at..].iter().copied().skip(cut)).collect();
        match ScenarioText::parse(&mangled, "mangled") {
            Err(error) => prop_assert!(!error.to_string().is_empty()),
            Ok(text) => {
                let mut issuer = Issuer::open(now(), &mut KeyPair::generate).unwrap();
                text.build(&mut issuer, &mut KeyPair::generate).ok();
            }
        }
    }
}

const BOUNDS: Bounds = Bounds { entries: 100, entry_octets: 50_000, messages: 3, message_octets: 10_000 };

async fn start() -> Engine {
    start_scenario("fqdn-mismatch").await
}

async fn start_scenario(name: &str) -> Engine {
    let text = ScenarioText::parse(scenario(name).unwrap().text, name).unwrap();
    Engine::start(&text, Options { ports: Ports::Free, bounds: BOUNDS, ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn a_peer_that_floods_the_lab_fills_the_journal_to_its_bounds_and_no_further() {
    let lab = start().await;
    let (mut peer, _) = Client::connect(lab.connectors()[0].addr).await;
    peer.ask("EHLO flood.example").await;
    for _ in 0..2_000 {
        peer.say("NOOP\r\n").await;
    }
    for _ in 0..2_000 {
        peer.reply().await;
    }
    for _ in 0..5 {
        for line in ["MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA"] {
            peer.ask(line).await;
        }
        assert!(peer.ask(&format!("{}\r\n.", "x".repeat(900))).await.starts_with("250 2.6.0"));
    }
    let journal = lab.journal();
    assert_eq!((journal.entries(1).len(), journal.messages().len()), (100, 3));
    let (entries, messages) = journal.dropped();
    assert!(entries > 3_900 && messages == 2, "{entries} entries, {messages} messages");
    let ids: Vec<_> = journal.messages().iter().map(|message| message.id).collect();
    assert_eq!(ids, [3, 4, 5]);
}

/// A ClientHello of 60 KiB: cipher suites, a name and protocols without measure.
fn long_hello() -> Vec<u8> {
    let list = |content: &[u8]| [&(content.len() as u16).to_be_bytes()[..], content].concat();
    let extension = |kind: u16, content: &[u8]| [&kind.to_be_bytes()[..], &list(content)].concat();
    let name = [&[0][..], &list(&[b'n'; 20_000])].concat();
    let protocols = [&[255][..], &[b'p'; 255]].concat().repeat(80);
    let extensions = [extension(0, &list(&name)), extension(16, &list(&protocols))].concat();
    let suites = list(&[0xfe, 0xfe].repeat(10_000));
    let body = [&[3, 3][..], &[7; 32], &[0], &suites, &[1, 0], &list(&extensions)].concat();
    let [_, high, middle, low] = (body.len() as u32).to_be_bytes();
    let message = [&[1, high, middle, low][..], &body].concat();
    message.chunks(16_000).flat_map(|part| [&[22, 3, 1][..], &list(part)].concat()).collect()
}

#[tokio::test]
async fn client_hellos_as_long_as_they_may_be_fill_the_journal_to_its_bounds_and_no_further() {
    let lab = start_scenario("healthy").await;
    for _ in 0..20 {
        let (mut peer, _) = Client::connect(lab.connectors()[0].addr).await;
        peer.ask("EHLO flood.example").await;
        peer.ask("STARTTLS").await;
        peer.say(long_hello()).await;
        peer.rest().await;
    }
    lab.observer().quiet(DEADLINE).await;
    let failures = lab.journal().entries(1).into_iter().filter_map(|entry| match entry.record {
        Record::TlsFailed(failure) => failure.client_hello.clone(),
        _ => None,
    });
    let in_journal: Vec<_> = failures.collect();
    let sessions = lab.observer().sessions(0);
    let in_sessions = sessions.iter().filter_map(|it| it.tls_failure.as_ref()?.client_hello.clone());
    for hellos in [in_journal, in_sessions.collect()] {
        let bytes = |hello: &ClientHelloFacts| {
            2 * hello.cipher_suites.len() + hello.alpn.iter().map(|name| name.len()).sum::<usize>()
        };
        let kept: usize = hellos.iter().map(|hello| bytes(hello)).sum();
        assert!(kept > 0 && kept < BOUNDS.entry_octets, "{kept} bytes of {} hellos", hellos.len());
    }
}

#[tokio::test]
async fn a_session_without_end_is_told_in_a_bounded_number_of_sentences() {
    let lab = start().await;
    let (mut peer, _) = Client::connect(lab.connectors()[0].addr).await;
    peer.ask("EHLO flood.example").await;
    for count in 1..200 {
        for line in ["MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA"] {
            peer.ask(line).await;
        }
        peer.ask(&format!("{}\r\n.", "x\n".repeat(count))).await;
    }
    drop(peer);
    lab.observer().quiet(DEADLINE).await;
    let verdicts = serde_json::to_string(&lab.observer().verdicts(0, Measure::default())).unwrap();
    let told = verdicts.matches("line feed").count();
    assert!((1..=64).contains(&told), "{told} sentences");
}

#[tokio::test]
async fn content_under_way_is_bounded_for_all_sessions_together_and_has_room_again_afterwards() {
    let text = ScenarioText::parse(scenario("fqdn-mismatch").unwrap().text, "seed").unwrap();
    let options = Options { ports: Ports::Free, content_under_way: 100_000, ..Options::default() };
    let lab = Engine::start(&text, options).await.unwrap();
    let begin = async || {
        let (mut peer, _) = Client::connect(lab.connectors()[0].addr).await;
        for line in ["EHLO a.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>"] {
            assert!(peer.ask(line).await.starts_with("250"));
        }
        assert!(peer.ask("DATA").await.starts_with("354"));
        peer.say(["x".repeat(98), "\r\n".to_owned()].concat().repeat(600)).await;
        peer
    };
    let (mut one, mut other) = (begin().await, begin().await);
    // Neither has ended its content, so whoever is answered is refused.
    let (refused, mut left) = tokio::select! {
        reply = one.reply() => (reply, other),
        reply = other.reply() => (reply, one),
    };
    assert_eq!(refused, "452 4.3.1 Insufficient system resources");
    assert!(left.ask(".").await.starts_with("250"));
    assert!(begin().await.ask(".").await.starts_with("250"));
}

#[tokio::test]
async fn a_line_without_end_is_swallowed_and_answered_once() {
    let lab = start().await;
    let (mut peer, _) = Client::connect(lab.connectors()[0].addr).await;
    for _ in 0..256 {
        peer.say([b'x'; 4096]).await;
    }
    assert_eq!(peer.ask("").await, "500 5.5.2 Line too long");
    assert_eq!(peer.ask("NOOP").await, "250 2.0.0 OK");
}

#[tokio::test]
async fn peers_that_come_and_go_in_the_middle_of_anything_leave_nothing_behind() {
    let lab = start().await;
    let address = lab.connectors()[0].addr;
    for begin in [
        "",
        "EH",
        "EHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nhalf",
        "BDAT 99999999\r\n",
    ] {
        for _ in 0..5 {
            let (mut peer, _) = Client::connect(address).await;
            peer.say(begin).await;
        }
    }
    let journal = Arc::clone(lab.journal());
    assert!(lab.finish(DEADLINE).await, "every conversation has ended");
    assert!(journal.messages().is_empty());
}

#[test]
fn a_peer_cannot_draw_on_the_operators_terminal() {
    let journal = Journal::new(Bounds::default());
    journal.append(now(), None, Record::Received(b"EHLO \x1b[2J\x07\xff\r".as_slice().into()));
    let shown = transcript_line(&journal.entries(1)[0]);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}

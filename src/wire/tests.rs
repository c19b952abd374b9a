//! Conversations over a pipe in memory, on tokio's own paused clock: waits of minutes take no time.

mod faults;
mod keyless;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::clock::Clock;
use crate::exchange::Zone;
use crate::journal::{Bounds, Ending, Entry, Journal};
use crate::pki::KeyPair;
use crate::scenario::{Issuer, ScenarioText};
use crate::session::{Message, MessageFacts};

/// Returns the seed's computer with a connector whose parameters are `parameters`.
fn shared(parameters: &str, content: u64) -> Arc<Shared> {
    shared_lab(&file(parameters), content)
}

fn file(parameters: &str) -> String {
    format!(
        r#"
        title = "under test"
        now = "2010-09-28T09:35:58Z"
        [[computer]]
        name = "MAILGATE"
        fqdn = "mailgate.expta.com"
        role = "edge"
        profile = "exchange-2010"
        [[computer.certificate]]
        names = ["mailgate.expta.com"]
        services = ["SMTP"]
        [[computer.receive_connector]]
        name = "Default"
        {parameters}
        "#
    )
}

/// Returns the lab of a file.
fn shared_lab(file: &str, content: u64) -> Arc<Shared> {
    let text = ScenarioText::parse(file, "test").unwrap();
    let clock = Clock::pinned(text.scenario.now.unwrap_or(jiff::Timestamp::UNIX_EPOCH));
    let mut issuer = Issuer::open(clock.now(), &mut KeyPair::generate).unwrap();
    let built = text.build(&mut issuer, &mut KeyPair::generate).unwrap();
    let faults = built.iter().map(|built| (built.computer.name.clone(), built.faults.clone())).collect();
    let computers = built.into_iter().map(|built| built.computer).collect();
    let live = LabState::new(computers, clock, Arc::new(Journal::new(Bounds::default()))).with_faults(faults);
    let (shutdown, content) = (CancellationToken::new(), Budget::new(content));
    Arc::new(Shared { live: Arc::new(live), shutdown, content, relay: None })
}

/// A client's end of a conversation.
struct Client(NetStream, JoinHandle<()>);

impl Client {
    fn connect(shared: &Arc<Shared>) -> Self {
        let (client, server) = network::pair("127.0.0.1:40000", "127.0.0.1:1025");
        let endpoint = Arc::new(Endpoint {
            computer: shared.live.computers()[0].name.clone(),
            binding: "0.0.0.0:25".parse().unwrap(),
            address: "127.0.0.1:1025".parse().unwrap(),
        });
        let remote = client.local_addr().unwrap();
        let way = Way { session: SessionId(1), local: endpoint.address, endpoint, remote };
        let shared = Arc::clone(shared);
        let task = tokio::spawn(async move { converse(server, BytesMut::new(), way, &shared).await });
        Self(client, task)
    }

    async fn say(&mut self, octets: impl AsRef<[u8]>) {
        self.0.write_all(octets.as_ref()).await.unwrap();
    }

    /// Reads one reply, however many lines it has.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let byte = self.0.read_u8().await.unwrap();
            reply.push(char::from(byte));
            let last = reply.rsplit_terminator("\r\n").next().unwrap_or_default();
            if reply.ends_with("\r\n") && last.as_bytes().get(3) == Some(&b' ') {
                return reply.trim_end().to_owned();
            }
        }
    }

    async fn ask(&mut self, line: &str) -> String {
        self.say(format!("{line}\r\n")).await;
        self.reply().await
    }

    /// Returns everything up to the end, once the server has finished the conversation, too.
    async fn rest(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).await.unwrap();
        drop(self.0);
        self.1.await.unwrap();
        rest
    }
}

fn entries(shared: &Shared) -> Vec<Entry> {
    shared.live.journal().entries(1)
}

fn ending(shared: &Shared) -> Option<Ending> {
    entries(shared).into_iter().find_map(|entry| match entry.record {
        Record::Disconnected(ending) => Some(ending),
        _ => None,
    })
}

const NO_BUDGET: u64 = u64::MAX;

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_told_so_after_the_inactivity_timeout() {
    let shared = shared("connection_inactivity_timeout = \"00:01:00\"", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    let silent_since = Instant::now();
    assert_eq!(client.rest().await, "421 4.4.1 Connection timed out\r\n");
    assert_eq!(silent_since.elapsed().as_secs(), 60);
    assert_eq!(ending(&shared), Some(Ending::Local));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_keeps_talking_is_ended_by_the_connection_timeout() {
    let shared =
        shared("connection_timeout = \"00:05:00\"\nconnection_inactivity_timeout = \"00:01:00\"", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    let since = Instant::now();
    let mut asked = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(45)).await;
        // When the time is up, the server has closed the connection before this is sent.
        client.0.write_all(b"NOOP\r\n").await.ok();
        match client.reply().await.as_str() {
            "250 2.0.0 OK" => asked += 1,
            reply => {
                assert_eq!(reply, "421 4.4.1 Connection timed out");
                break;
            }
        }
    }
    assert_eq!((asked, since.elapsed().as_secs()), (6, 315));
}

#[tokio::test(start_paused = true)]
async fn a_peer_whose_next_octets_are_always_there_is_out_of_time_too() {
    let shared = shared("connection_timeout = \"00:00:02\"", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    client.ask("EHLO client.example").await;
    tokio::time::advance(Duration::from_secs(3)).await;
    client.say("NOOP\r\n").await;
    assert!(client.rest().await.ends_with("421 4.4.1 Connection timed out\r\n"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_held_back_for_the_tarpit_interval_and_an_acceptance_is_not() {
    let shared = shared("tarpit_interval = \"00:00:05\"", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    let start = Instant::now();
    client.ask("EHLO client.example").await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(client.ask("FOO").await, "500 5.3.3 Unrecognized command");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_middle_of_content_and_of_a_chunk_times_out_too() {
    for begin in ["DATA\r\nhalf a mess", "BDAT 1000\r\nhalf a mess"] {
        let shared = shared("connection_inactivity_timeout = \"00:00:30\"", NO_BUDGET);
        let mut client = Client::connect(&shared);
        client.reply().await;
        for line in ["EHLO client.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>"] {
            assert!(client.ask(line).await.starts_with("250"), "{line}");
        }
        client.say(begin).await;
        assert!(client.rest().await.ends_with("421 4.4.1 Connection timed out\r\n"), "{begin}");
        assert!(shared.live.journal().messages().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn silence_instead_of_a_handshake_times_out_and_no_clear_text_follows() {
    let shared = shared("connection_inactivity_timeout = \"00:00:30\"", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    client.ask("EHLO client.example").await;
    assert_eq!(client.ask("STARTTLS").await, "220 2.0.0 SMTP server ready");
    assert_eq!(client.rest().await, "");
    let failed = entries(&shared).into_iter().any(|entry| match entry.record {
        Record::TlsFailed(failed) => failed.failure == crate::session::TlsFailure::TimedOut,
        _ => false,
    });
    assert!(failed);
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_the_250_finds_the_message_in_the_journal() {
    let shared = shared("", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    for line in ["EHLO client.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA"] {
        client.ask(line).await;
    }
    let reply = client.ask("Subject: x\r\n\r\nhello\r\n.").await;
    assert!(reply.starts_with("250 2.6.0"), "{reply}");
    let messages = shared.live.journal().messages();
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0]
            .raw()
            .ends_with(b"id 1;\r\n Tue, 28 Sep 2010 09:35:58 +0000\r\nSubject: x\r\n\r\nhello\r\n")
    );
}

#[tokio::test(start_paused = true)]
async fn content_beyond_the_memory_of_the_lab_is_refused_and_the_memory_given_back() {
    let shared = shared("", 100_000);
    for _ in 0..2 {
        let mut client = Client::connect(&shared);
        client.reply().await;
        for line in ["EHLO client.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA"] {
            client.ask(line).await;
        }
        client.say(vec![b'x'; 500_000]).await;
        assert_eq!(client.rest().await, "452 4.3.1 Insufficient system resources\r\n");
    }
    let mut small = Client::connect(&shared);
    small.reply().await;
    for line in ["EHLO client.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA"] {
        small.ask(line).await;
    }
    assert!(small.ask("small\r\n.").await.starts_with("250 2.6.0"));
}

#[tokio::test(start_paused = true)]
async fn a_lab_that_ends_says_goodbye_to_whoever_is_there() {
    let shared = shared("", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    client.ask("EHLO client.example").await;
    shared.shutdown.cancel();
    assert_eq!(client.rest().await, "421 4.3.2 Service not active\r\n");
}

#[tokio::test(start_paused = true)]
async fn replies_to_pipelined_commands_leave_together_and_in_order() {
    let shared = shared("", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    client
        .say("EHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n")
        .await;
    let said = client.rest().await;
    let codes: Vec<_> =
        said.lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "250", "354", "250", "221"]);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_written_down() {
    let shared = shared("auth_mechanism = [\"Tls\", \"BasicAuth\"]", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    client.ask("EHLO client.example").await;
    client.ask("AUTH PLAIN AGFsaWNlAHNlY3JldA==").await;
    client.ask("auth  plain AGFsaWNlAHNlY3JldA==").await;
    client.ask("AUTH LOGIN").await;
    client.ask("YWxpY2U=").await;
    assert!(client.ask("c2VjcmV0").await.starts_with("235"));
    let written: Vec<_> =
        entries(&shared).iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let told = |secret: &str| written.iter().any(|line| line.contains(secret));
    assert!(!told("AGFsaWNlAHNlY3JldA==") && !told("c2VjcmV0") && !told("YWxpY2U="), "{written:#?}");
    assert!(told("AUTH PLAIN <authentication response>"), "{written:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_logged_once_in_five_minutes_and_again_after_a_change() {
    let shared = shared("fqdn = \"mail.expta.com\"", NO_BUDGET);
    let events = || entries(&shared).iter().filter(|entry| matches!(entry.record, Record::Event(_))).count();
    for (wait, expected) in [(0, 1), (4, 1), (2, 2)] {
        shared.live.clock().advance(jiff::SignedDuration::from_mins(wait));
        Client::connect(&shared).reply().await;
        assert_eq!(events(), expected, "after {wait} more minutes");
    }
    shared.live.replace(shared.live.computers(), Zone::default());
    Client::connect(&shared).reply().await;
    assert_eq!(events(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_expires_while_the_lab_runs_is_withheld_from_the_next_session_on() {
    let file = file("connection_inactivity_timeout = \"00:04:00\"");
    let short = file.replace("services = [\"SMTP\"]", "services = [\"SMTP\"]\nnot_after = \"+2m\"");
    let shared = shared_lab(&short, NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    assert!(client.ask("EHLO client.example").await.contains("STARTTLS"));
    shared.live.clock().advance(jiff::SignedDuration::from_mins(3));
    let mut later = Client::connect(&shared);
    later.reply().await;
    assert!(!later.ask("EHLO client.example").await.contains("STARTTLS"));
    assert!(
        client.ask("EHLO client.example").await.contains("STARTTLS"),
        "a session keeps what it began with"
    );
}

#[tokio::test(start_paused = true)]
async fn an_advance_past_a_time_out_ends_it_and_one_past_a_tarpit_lets_the_reply_go() {
    let shared =
        shared("tarpit_interval = \"00:00:05\"\nconnection_inactivity_timeout = \"00:01:00\"", NO_BUDGET);
    let mut client = Client::connect(&shared);
    client.reply().await;
    client.ask("EHLO client.example").await;
    let start = Instant::now();
    client.say("FOO\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    shared.live.clock().advance(jiff::SignedDuration::from_secs(4));
    assert_eq!(client.reply().await, "500 5.3.3 Unrecognized command");
    assert_eq!(start.elapsed().as_secs(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    shared.live.clock().advance(jiff::SignedDuration::from_secs(58));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ending(&shared), None);
    assert_eq!(client.rest().await, "421 4.4.1 Connection timed out\r\n");
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn a_connection_that_waits_takes_little_memory() {
    let shared = shared("", NO_BUDGET);
    let endpoint = Endpoint {
        computer: "MAILGATE".to_owned(),
        binding: "0.0.0.0:25".parse().unwrap(),
        address: "127.0.0.1:1025".parse().unwrap(),
    };
    let (_client, server) = network::pair("127.0.0.1:40000", "127.0.0.1:1025");
    let remote = "127.0.0.1:40000".parse().unwrap();
    let future = connection(server, remote, SessionId(1), Arc::new(endpoint), shared);
    let size = size_of_val(&future);
    assert!(size <= 2400, "{size} bytes");
}

#[test]
fn what_there_is_thousands_of_takes_no_more_memory_than_its_bound() {
    let shared = shared("", 1 << 20);
    let (_client, server) = network::pair("127.0.0.1:40000", "127.0.0.1:1025");
    let address = "127.0.0.1:1025".parse().unwrap();
    let endpoint = Endpoint { computer: "GATE".to_owned(), binding: "0.0.0.0:25".parse().unwrap(), address };
    let task = connection(server, address, SessionId(1), Arc::new(endpoint), shared);
    assert!(size_of_val(&task) <= 1700, "{} bytes a connection", size_of_val(&task));
    let message = size_of::<Message>() + size_of::<MessageFacts>();
    assert!(message <= 248, "{message} bytes a message");
}

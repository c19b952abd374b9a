//! Tests of faults that take time, or that are done in the middle of something.

use super::*;
use crate::scenario::entry;
use crate::session::Anomaly;

/// Returns the lab of an entry of the fault catalogue.
fn lab(name: &str) -> Arc<Shared> {
    shared_lab(entry(name).unwrap().scenario.text, NO_BUDGET)
}

/// Returns a connector with fault rules.
fn with_rows(rows: &str) -> Arc<Shared> {
    shared(rows, NO_BUDGET)
}

impl Client {
    /// Sends a line, and returns the reply with the time it took.
    async fn timed(&mut self, line: &str) -> (String, u128) {
        let since = Instant::now();
        let reply = self.ask(line).await;
        (reply, since.elapsed().as_millis())
    }

    async fn say_hello_and_begin(&mut self) {
        self.reply().await;
        for line in ["EHLO client.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>"] {
            assert!(self.ask(line).await.starts_with("250"), "{line}");
        }
    }
}

fn early(shared: &Shared) -> Vec<usize> {
    let early = entries(shared).into_iter().filter_map(|entry| match entry.record {
        Record::Anomaly(Anomaly::TalkedBeforeBanner { octets }) => Some(octets),
        _ => None,
    });
    early.collect()
}

#[tokio::test(start_paused = true)]
async fn a_banner_is_late_and_who_waits_for_it_is_not_noted() {
    for (name, late) in [("e-banner-delay", 2_000), ("e-pregreet", 1_000)] {
        let (shared, since) = (lab(name), Instant::now());
        let mut client = Client::connect(&shared);
        assert!(client.reply().await.starts_with("220 mx1.lab.test "));
        assert_eq!(since.elapsed().as_millis(), late, "{name}");
        assert!(client.ask("EHLO client.example").await.starts_with("250-"));
        assert_eq!(early(&shared), [0; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_talks_while_the_banner_is_late_is_noted_once_and_answered_after_it() {
    let (shared, since) = (lab("e-pregreet"), Instant::now());
    let mut client = Client::connect(&shared);
    for piece in ["HELO client", ".example\r\nNO"] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        client.say(piece).await;
    }
    assert!(client.reply().await.starts_with("220 "));
    assert_eq!(since.elapsed().as_millis(), 1_000);
    assert!(client.reply().await.starts_with("250 mx1.lab.test Hello"));
    assert_eq!(client.ask("OP").await, "250 2.0.0 OK");
    assert_eq!(early(&shared), [23]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_the_banner_is_late_ends_the_conversation() {
    let shared = lab("e-banner-delay");
    let Client(stream, task) = Client::connect(&shared);
    drop(stream);
    task.await.unwrap();
    assert!(ending(&shared).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_reply_to_ehlo_is_late_and_no_other_one() {
    let shared = lab("e-slow-ehlo");
    let mut client = Client::connect(&shared);
    client.reply().await;
    assert_eq!(client.timed("EHLO client.example").await.1, 1_000);
    assert_eq!(client.timed("MAIL FROM:<a@example.com>").await, ("250 2.1.0 Sender OK".to_owned(), 0));
    assert_eq!(client.timed("EHLO client.example").await.1, 1_000);
}

#[tokio::test(start_paused = true)]
async fn every_reply_is_late_by_the_same_time() {
    let (shared, since) = (lab("e-slow-reply"), Instant::now());
    let mut client = Client::connect(&shared);
    client.reply().await;
    assert_eq!(since.elapsed().as_millis(), 250);
    for line in
        ["EHLO a", "MAIL FROM:<>", "RCPT TO:<b@example.com>", "DATA", "x\r\n.", "RSET", "NOOP", "QUIT"]
    {
        assert_eq!(client.timed(line).await.1, 250, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tarpit_lets_one_octet_go_at_a_time() {
    let shared = lab("e-tarpit");
    let mut client = Client::connect(&shared);
    let mut last = Instant::now();
    let mut said = String::new();
    while !said.ends_with("\r\n") {
        said.push(char::from(client.0.read_u8().await.unwrap()));
        assert_eq!(last.elapsed().as_millis(), 2, "after {said}");
        last = Instant::now();
    }
    assert!(said.starts_with("220 mx1.lab.test Microsoft ESMTP MAIL Service ready at "), "{said}");
    let (hello, took) = client.timed("EHLO client.example").await;
    assert!(hello.lines().count() > 8, "{hello}");
    // The reply as it was read has lost its last CRLF.
    assert_eq!(took, 2 * (hello.len() as u128 + 2));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_does_not_trickle_with_the_reply_behind_it() {
    let shared = with_rows("[[computer.fault]]\nat = \"other\"\ndo = { trickle = \"1s\" }");
    let mut client = Client::connect(&shared);
    client.reply().await;
    let since = Instant::now();
    client.say("RSET\r\nNOOP\r\n").await;
    assert_eq!(client.reply().await, "250 2.0.0 Resetting");
    assert_eq!(since.elapsed().as_secs(), 0);
    assert_eq!(client.reply().await, "250 2.0.0 OK");
    assert_eq!(since.elapsed().as_secs(), "250 2.0.0 OK\r\n".len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_trickles_does_not_keep_the_lab_from_ending() {
    let shared = with_rows("[[computer.fault]]\nat = \"other\"\ndo = { trickle = \"1h\" }");
    let mut client = Client::connect(&shared);
    client.reply().await;
    client.say("NOOP\r\n").await;
    let since = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    shared.shutdown.cancel();
    client.rest().await;
    assert!(since.elapsed().as_secs() < 5);
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_is_put_off_and_the_next_one_is_served() {
    for (name, code) in [("e-rcpt-450", "450 4.2.1"), ("e-rcpt-451", "451 4.7.1")] {
        let shared = lab(name);
        for code in [code, "250 2.1.5", "250 2.1.5"] {
            let mut client = Client::connect(&shared);
            client.reply().await;
            for line in ["EHLO client.example", "MAIL FROM:<a@example.com>"] {
                assert!(client.ask(line).await.starts_with("250"), "{line}");
            }
            for _ in 0..2 {
                assert!(client.ask("RCPT TO:<b@example.com>").await.starts_with(code), "{name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_in_the_middle_of_the_content_and_of_a_chunk() {
    for (begin, taken) in [("DATA\r\n", "354 "), ("BDAT 1000\r\n", "")] {
        let shared = with_rows("[[computer.fault]]\nat = \"body\"\ndo = \"close\"");
        let mut client = Client::connect(&shared);
        client.say_hello_and_begin().await;
        client.say(format!("{begin}half a message")).await;
        let rest = client.rest().await;
        assert!(rest.starts_with(taken) && rest.lines().count() == usize::from(!taken.is_empty()), "{rest}");
        let content: Vec<_> = entries(&shared)
            .into_iter()
            .filter_map(|entry| match entry.record {
                Record::Content(octets) => Some(octets),
                _ => None,
            })
            .collect();
        assert_eq!(content, [14], "{begin}");
        assert!(shared.live.journal().messages().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn several_actions_are_done_to_one_reply() {
    let shared = with_rows(
        "[[computer.fault]]\nat = \"other\"\ndo = [{ delay = \"2s\" }, { append = \"!\" }, { trickle = \"1s\" }, \"fin\"]",
    );
    let mut client = Client::connect(&shared);
    client.reply().await;
    let since = Instant::now();
    client.say("RSET\r\nNOOP\r\nNOOP\r\n").await;
    assert_eq!(client.rest().await, "250 2.0.0 Resetting\r\n250 2.0.0 OK\r\n!");
    assert_eq!(since.elapsed().as_secs(), 2 + "250 2.0.0 OK\r\n!".len() as u64);
}

#[tokio::test(start_paused = true)]
async fn content_is_read_later_where_a_row_wants_it() {
    let shared = with_rows("[[computer.fault]]\nat = \"body\"\ndo = { delay = \"7s\" }");
    let mut client = Client::connect(&shared);
    client.say_hello_and_begin().await;
    client.ask("DATA").await;
    let (reply, took) = client.timed("hi\r\n.").await;
    assert!(reply.starts_with("250 2.6.0"), "{reply}");
    assert_eq!(took, 7_000);
}

#[tokio::test(start_paused = true)]
async fn content_that_ended_where_it_should_not_is_kept_to_the_octet() {
    for (name, end, kept) in [
        ("e-smuggling-lf-dot-lf", "\n.\n", "\n"),
        ("e-smuggling-crlf-dot-lf", "\r\n.\n", "\r\n"),
        ("e-smuggling-lf-dot-crlf", "\n.\r\n", "\n"),
        ("e-smuggling-cr-dot-cr", "\r.\r", "\r"),
    ] {
        let shared = lab(name);
        let mut client = Client::connect(&shared);
        client.say_hello_and_begin().await;
        client.ask("DATA").await;
        client.say(format!("a\0\u{fc}\r.b\n.\rc{end}NOOP\r\n")).await;
        assert!(client.reply().await.starts_with("250 2.6.0"), "{name}");
        assert_eq!(client.reply().await, "250 2.0.0 OK", "{name}");
        let messages = shared.live.journal().messages();
        let body = messages[0].body.to_bytes();
        assert_eq!(body, format!("a\0\u{fc}\r.b\n.\rc{kept}").as_bytes(), "{name}");
        assert!(messages[0].raw().ends_with(&[messages[0].received().as_bytes(), &body].concat()), "{name}");
    }
}

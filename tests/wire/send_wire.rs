//! The sending side over real sockets, against labs that fail at STARTTLS in every way they can.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::sync::Arc;
use std::time::Duration;

use starttls_lab::internal::journal::{Record, SendProtocolLog, transcript_line};
use starttls_lab::internal::session::send::{
    Attempt, Delivery, NextAttempt, Outcome, Outgoing, Reason, ResultType, SenderPolicy, Task,
};
use starttls_lab::internal::smtp::ReversePath;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::refusing::Refusing;
use crate::sending_lab::SendingLab;

const DEADLINE: Duration = Duration::from_secs(20);

/// A lab that receives as mx.lab.test with the given certificate, and has a Send connector.
fn text(certificate: &str, send: &str) -> String {
    format!(
        r#"
title = "Both sides"

[[computer]]
name = "MAILGATE"
fqdn = "gate.lab.test"
role = "edge"
profile = "exchange-2019"
rules = {{ smtp_not_assigned = "handshake-fails" }}

[[computer.certificate]]
label = "gate"
subject = "CN=gate.lab.test"
names = ["gate.lab.test"]
services = ["SMTP"]

[[computer.certificate]]
label = "keyless"
subject = "CN=keyless.lab.test"
names = ["keyless.lab.test"]
services = ["SMTP"]
private_key = "missing"

[[computer.certificate]]
label = "mx"
{certificate}

[[computer.receive_connector]]
name = "From Internet"
usage = "Internet"
fqdn = "mx.lab.test"
tarpit_interval = "0s"

[[computer.send_connector]]
name = "To Partner"
protocol_logging_level = "Verbose"
{send}
"#
    )
}

const GOOD: &str = "names = [\"mx.lab.test\"]\nservices = [\"SMTP\"]";
const NONE: &str = "names = [\"other.lab.test\"]\nservices = [\"SMTP\"]";
const EXPIRED: &str =
    "names = [\"mx.lab.test\"]\nservices = [\"SMTP\"]\nnot_before = \"-300d\"\nnot_after = \"-2d\"";
const SELF_SIGNED: &str = "names = [\"mx.lab.test\"]\nservices = [\"SMTP\"]\nissuer = \"self\"";
/// Chosen all the same, by the rule above; then the handshake fails.
const WITHOUT_SMTP: &str = "names = [\"mx.lab.test\"]";

async fn start(certificate: &str, send: &str) -> SendingLab {
    SendingLab::start(&text(certificate, send), "MAILGATE", "To Partner").await
}

impl SendingLab {
    fn task(&self, policy: SenderPolicy) -> Task {
        Task {
            policy,
            in_clear: false,
            helo: "gate.lab.test".parse().unwrap(),
            host: "mx.lab.test".to_owned(),
            next_hop: "lab.test".to_owned(),
            connector: Some("To Partner".to_owned()),
            credentials: self.sender.credentials(),
            message: Arc::new(Outgoing {
                from: ReversePath::Null,
                to: vec!["b@lab.test".parse().unwrap()],
                content: "Subject: dots\r\n\r\n.one\r\n..two\r\n".into(),
            }),
        }
    }

    async fn attempt(&self, task: Task) -> Attempt {
        let task = Arc::new(task);
        let attempt = self.sender.attempt(self.address, &task);
        tokio::time::timeout(DEADLINE, attempt).await.expect("the attempt hangs")
    }

    async fn as_built_in(&self, policy: &str) -> Attempt {
        self.attempt(self.task(SenderPolicy::named(policy).unwrap())).await
    }

    /// The lines of the conversations that the lab sent in.
    fn said(&self) -> Vec<String> {
        self.sent().iter().map(transcript_line).collect()
    }

    /// The events that name the Send connector.
    fn event_ids(&self) -> Vec<u16> {
        let entries = self.lab.journal().entries(1);
        let events = entries.iter().filter_map(|entry| match &entry.record {
            Record::Event(logged) if logged.connector.as_deref() == Some("To Partner") => {
                Some(logged.event.event_id)
            }
            _ => None,
        });
        events.collect()
    }
}

fn letter(outcome: Outcome) -> char {
    match outcome {
        Outcome::DeliveredOverTls { authenticated: true } => 'T',
        Outcome::DeliveredOverTls { authenticated: false } => 't',
        Outcome::DeliveredInClear => 'P',
        Outcome::Deferred => 'D',
        Outcome::Bounced => 'B',
    }
}

#[tokio::test]
async fn senders_end_over_sockets_as_their_classes_say() {
    use ResultType::{CertificateExpired, CertificateNotTrusted, StarttlsNotSupported, ValidationFailure};
    let policies = ["none", "exim", "may", "library", "encrypt", "verify", "secure", "CertificateValidation"];
    for (certificate, expected, word) in [
        (GOOD, "PttTtTTT", None),
        (NONE, "PPPPDDDD", Some(StarttlsNotSupported)),
        (EXPIRED, "PttBtDDD", Some(CertificateExpired)),
        (SELF_SIGNED, "PttBtDDD", Some(CertificateNotTrusted)),
        (WITHOUT_SMTP, "PDDBDDDD", Some(ValidationFailure)),
    ] {
        let both = start(certificate, "").await;
        let (mut ends, mut words) = (String::new(), Vec::new());
        for policy in policies {
            let attempt = both.as_built_in(policy).await;
            ends.push(letter(attempt.outcome));
            words.extend((policy == "verify").then_some(attempt.result_type));
        }
        assert_eq!((ends.as_str(), words[0]), (expected, word), "{certificate}");
        let delivered = ends.chars().filter(|end| "PtT".contains(*end)).count();
        assert_eq!(both.lab.journal().messages().len(), delivered, "{certificate}");
    }
}

/// What keeps a buffer of 4 KiB alive weighs more than the journal knows.
#[tokio::test]
async fn the_journal_keeps_the_lines_of_a_reply_and_not_the_buffer_they_came_in() {
    let both = start(GOOD, "").await;
    both.as_built_in("none").await;
    let entries = both.lab.journal().entries(1);
    let lines = entries.iter().filter(|entry| entry.place.as_ref().is_some_and(|it| it.connector.sends()));
    let lines = lines.filter_map(|entry| match &entry.record {
        Record::Received(line) => Some(&line[..]),
        _ => None,
    });
    let lines: Vec<_> = lines.collect();
    assert!(lines.len() > 8, "{lines:?}");
    for pair in lines.windows(2) {
        let behind = pair[0].as_ptr_range().end.wrapping_add(b"\r\n".len());
        assert_ne!(behind, pair[1].as_ptr(), "{pair:?} stand in one buffer");
    }
}

#[tokio::test]
async fn a_message_arrives_as_it_was_and_the_conversation_is_in_the_journal() {
    let both = start(GOOD, "").await;
    let attempt = both.as_built_in("verify").await;
    assert_eq!(attempt.outcome, Outcome::DeliveredOverTls { authenticated: true });
    let messages = both.lab.journal().messages();
    let raw = messages[0].raw();
    assert!(raw.ends_with(b"Subject: dots\r\n\r\n.one\r\n..two\r\n"), "{raw:?}");
    let said = both.said();
    assert!(said[0].starts_with("-- connecting to 127.0.0.1:"), "{said:?}");
    assert!(said[1].contains("MAILGATE\\To Partner"), "{said:?}");
    assert!(
        said.contains(&"C: STARTTLS".to_owned())
            && said.contains(&"S: 220 2.0.0 SMTP server ready".to_owned())
    );
    let tls = said.iter().find(|line| line.starts_with("==")).unwrap();
    assert!(tls.contains("SNI mx.lab.test, was shown CN=mx.lab.test ("), "{tls}");
    assert!(said.last().unwrap().contains("is authenticated."), "{said:?}");
}

#[tokio::test]
async fn the_send_log_has_a_row_for_each_line_and_names_the_connector_alone() {
    let both = start(GOOD, "").await;
    both.as_built_in("exchange").await;
    let log = both.log();
    assert_eq!(log[..3].iter().map(|row| &row[..2]).collect::<Vec<_>>(), ["*,", "+,", "<,"]);
    assert_eq!(log[0], "*,,attempting to connect");
    assert!(log.contains(&"<,250-PIPELINING,".to_owned()) && log.contains(&">,STARTTLS,".to_owned()));
    let secured = log.iter().position(|row| row.contains("_CLIENT negotiation succeeded")).unwrap();
    assert_eq!(log[secured + 1], "*,,Received certificate");
    assert!(log[secured + 2].ends_with(",Certificate thumbprint"), "{log:?}");
    assert_eq!(log.last().unwrap(), "-,,Local");
    let entries = both.lab.journal().entries(1);
    let mut rows = SendProtocolLog::new();
    let first: String = entries.iter().map(|entry| rows.rows(entry)).find(|row| !row.is_empty()).unwrap();
    assert!(first.contains(",To Partner,08D0"), "{first}");
    assert!(first.contains(",0,,127.0.0.1:"), "nothing is connected yet: {first}");
}

#[tokio::test]
async fn a_key_that_is_missing_fails_here_and_is_called_no_credentials() {
    let both = start(GOOD, "fqdn = \"keyless.lab.test\"").await;
    let attempt = both.as_built_in("exchange").await;
    assert_eq!(attempt.outcome, Outcome::Deferred);
    let log = both.log();
    assert!(log.contains(&"*,,TLS negotiation failed with error NoCredentials".to_owned()), "{log:?}");
    assert!(log.iter().any(|row| row.contains("CN=keyless.lab.test")), "{log:?}");
    assert_eq!(both.event_ids(), [0_u16; 0]);
}

#[tokio::test]
async fn a_send_connector_that_finds_no_certificate_is_event_12014_once_and_sends_all_the_same() {
    let both = start(GOOD, "fqdn = \"ht01.lab.test\"").await;
    assert_eq!(
        both.as_built_in("exchange").await.outcome,
        Outcome::DeliveredOverTls { authenticated: false }
    );
    assert_eq!(both.event_ids(), [12014], "at the start, and not again for the session");
}

#[tokio::test]
async fn a_pin_that_names_nothing_holds_the_mail() {
    let pin = "tls_certificate_name = \"<I>CN=Gone<S>CN=gate.lab.test\"";
    let both = start(GOOD, pin).await;
    assert_eq!(both.as_built_in("exchange").await.outcome, Outcome::Deferred);
    assert_eq!(both.event_ids(), [12014]);
    assert!(both.log().iter().any(|row| row.contains("454 4.7.5 The certificate specified in")));
}

#[tokio::test]
async fn required_tls_that_is_not_offered_is_event_2015() {
    let both = start(NONE, "require_tls = true").await;
    let policy = SenderPolicy::of(both.sender.connector(), both.sender.computer().profile);
    let attempt = both.attempt(both.task(policy)).await;
    assert!(matches!(attempt.reason, Reason::NotOffered { .. }), "{attempt:?}");
    assert_eq!(both.event_ids(), [2015]);
}

#[tokio::test]
async fn who_falls_back_at_once_does_so_on_a_new_connection() {
    let (server, mut attempts) = (start(GOOD, "").await, Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let play = tokio::spawn(async move {
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            no_tls_after_220(stream).await;
        }
    });
    let policy = SenderPolicy::named("exim").unwrap();
    let now = server.lab.clock().now();
    let mut delivery = Delivery::new(policy.clone(), now);
    while delivery.next() == NextAttempt::Now {
        let task = Task { in_clear: delivery.in_clear(now), ..server.task(policy.clone()) };
        let attempt = server.sender.attempt(address, &Arc::new(task)).await;
        attempts.push(letter(attempt.outcome));
        delivery.note(now, attempt);
    }
    assert_eq!(attempts, ['D', 'P']);
    play.await.unwrap();
    let said = server.said();
    let spoke = said.iter().filter(|line| line.starts_with("-- connected from")).count();
    assert_eq!(spoke, 2);
    assert!(
        said.iter()
            .any(|line| line.starts_with("!! ") && line.contains("came behind the 220 to STARTTLS in clear"))
    );
}

/// A server that offers STARTTLS, slips a line in behind its 220, and hangs up on a ClientHello.
async fn no_tls_after_220(stream: tokio::net::TcpStream) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 x\r\n").await.unwrap();
    let mut content = false;
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let answer: &[u8] = match &line[..line.len().min(4)] {
            b".\r\n" if content => {
                content = false;
                b"250 queued\r\n"
            }
            _ if content => continue,
            b"EHLO" => b"250-x\r\n250 STARTTLS\r\n",
            b"STAR" => b"220 go\r\n250 slipped in\r\n",
            b"DATA" => {
                content = true;
                b"354 go\r\n"
            }
            b"QUIT" => b"221 bye\r\n",
            b"MAIL" | b"RCPT" => b"250 ok\r\n",
            _ => return,
        };
        stream.write_all(answer).await.unwrap();
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_defers() {
    let both = start(GOOD, "").await;
    let nobody = Refusing::new();
    let task = Arc::new(both.task(SenderPolicy::named("may").unwrap()));
    let attempt = both.sender.attempt(nobody.address(), &task).await;
    assert!(matches!(attempt.reason, Reason::NoConnection { .. }), "{attempt:?}");
    assert_eq!(attempt.outcome, Outcome::Deferred);
}

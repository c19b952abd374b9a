//! Logon and several messages over sockets, against the lab's own server.

use std::sync::Arc;
use std::time::Duration;

use starttls_lab::internal::journal::{Entry, Record, transcript_line};
use starttls_lab::internal::session::send::{Attempt, Outcome, Outgoing, Reason, SenderPolicy, Task};
use starttls_lab::internal::smtp::ReversePath;

use super::played::{ENCODED, PASSWORD};
use crate::refusing::Refusing;
use crate::sending_lab::SendingLab;

const DEADLINE: Duration = Duration::from_secs(20);

/// A smart host that knows anna, with these lines in its Receive connector, and a Send connector with those.
fn text(receive: &str, send: &str) -> String {
    format!(
        r#"
title = "Smart host"

[[computer]]
name = "SMART"
fqdn = "smart.lab.test"
role = "edge"
profile = "exchange-2019"
users = {{ anna = "{PASSWORD}" }}

[[computer.certificate]]
label = "smart"
names = ["smart.lab.test"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Relay"
usage = "Internet"
tarpit_interval = "0s"
auth_tarpit_interval = "0s"
{receive}

[[computer.send_connector]]
name = "To Smart Host"
protocol_logging_level = "Verbose"
{send}
"#
    )
}

const LOGIN: &str = "auth_mechanism = [\"Tls\", \"BasicAuth\"]\npermission_groups = [\"ExchangeUsers\"]";
const LOGIN_INSIDE: &str = "auth_mechanism = [\"Tls\", \"BasicAuth\", \"BasicAuthRequireTLS\"]\npermission_groups = [\"ExchangeUsers\"]";
const ANYBODY: &str = "permission_groups = [\"AnonymousUsers\"]";

fn as_anna(mechanism: &str, password: &str) -> String {
    format!(
        "smart_host_auth_mechanism = \"{mechanism}\"\n\
         authentication_credential = {{ user = \"anna\", password = \"{password}\" }}"
    )
}

async fn start(receive: &str, send: &str) -> SendingLab {
    SendingLab::start(&text(receive, send), "SMART", "To Smart Host").await
}

impl SendingLab {
    fn tasks(&self, count: usize) -> Vec<Arc<Task>> {
        let policy = SenderPolicy::of(self.sender.connector(), self.sender.computer().profile);
        let task = |number| {
            Arc::new(Task {
                policy: policy.clone(),
                in_clear: false,
                helo: "gate.lab.test".parse().unwrap(),
                host: "smart.lab.test".to_owned(),
                next_hop: "smart.lab.test".to_owned(),
                connector: Some("To Smart Host".to_owned()),
                credentials: self.sender.credentials(),
                message: Arc::new(Outgoing {
                    from: ReversePath::Null,
                    to: vec![format!("{number}@lab.test").parse().unwrap()],
                    content: format!("Subject: {number}\r\n\r\nx\r\n").into(),
                }),
            })
        };
        (1..=count).map(task).collect()
    }

    async fn attempts(&self, count: usize) -> Vec<Attempt> {
        let tasks = self.tasks(count);
        let attempts = self.sender.attempts(self.address, &tasks);
        tokio::time::timeout(DEADLINE, attempts).await.expect("the attempts hang")
    }

    /// The attempts in the journal: session and number.
    fn noted(&self) -> Vec<(u64, u32)> {
        let attempt = |entry: &Entry| match &entry.record {
            Record::Attempt(attempt) => Some((entry.place.as_ref().unwrap().session.0, attempt.message)),
            _ => None,
        };
        self.sent().iter().filter_map(attempt).collect()
    }

    fn event_texts(&self) -> Vec<String> {
        let entries = self.lab.journal().entries(1);
        let events = entries.iter().filter_map(|entry| match &entry.record {
            Record::Event(logged) if logged.event.event_id < 12000 => Some(logged.event.message()),
            _ => None,
        });
        events.filter(|event| event.contains("To Smart Host")).collect()
    }

    /// Everything that can be read of the journal.
    fn everything(&self) -> String {
        let entries = self.lab.journal().entries(1);
        let lines = entries.iter().map(|entry| {
            let (json, line) = (serde_json::to_string(entry).unwrap(), transcript_line(entry));
            format!("{json}\n{line}\n{:?}\n", entry.record)
        });
        lines.chain(self.rows()).collect()
    }

    fn assert_no_secret(&self, password: &str, encoded: &str) {
        let everything = self.everything();
        assert!(everything.contains("<authentication response>"));
        assert!(!everything.contains(password) && !everything.contains(encoded));
    }
}

/// Where these rows stand in the log, one after another.
fn position(log: &[String], rows: &[&str]) -> Option<usize> {
    log.windows(rows.len()).position(|window| window == rows)
}

#[tokio::test]
async fn a_connector_logs_on_and_its_message_belongs_to_the_user() {
    let both = start(LOGIN, &as_anna("BasicAuth", PASSWORD)).await;
    let attempts = both.attempts(1).await;
    assert_eq!(attempts[0].outcome, Outcome::DeliveredOverTls { authenticated: false });
    assert_eq!(both.lab.journal().messages()[0].user.as_deref(), Some("anna"));
    let dialogue = [
        ">,AUTH LOGIN,",
        "<,334 <authentication response>,",
        ">,<authentication response>,",
        "<,334 <authentication response>,",
        ">,<authentication response>,",
        "<,235 2.7.0 Authentication successful,",
    ];
    assert!(position(&both.log(), &dialogue).is_some(), "{:#?}", both.log());
    both.assert_no_secret(PASSWORD, ENCODED);
    assert_eq!(both.event_texts(), [""; 0]);
}

#[tokio::test]
async fn a_wrong_password_is_event_2017_and_a_row_in_the_send_log() {
    let both = start(LOGIN, &as_anna("BasicAuth", "guessed wrong")).await;
    let attempts = both.attempts(1).await;
    assert_eq!(attempts[0].outcome, Outcome::Deferred);
    assert!(matches!(attempts[0].reason, Reason::LogonRefused { .. }), "{attempts:?}");
    assert_eq!(
        both.event_texts(),
        ["Outbound authentication failed with error LogonDenied for Send connector To Smart Host. \
          The authentication mechanism is Login. The target is smart.lab.test."]
    );
    let failed = [
        "<,535 5.7.3 Authentication unsuccessful,",
        "*,,Outbound Authentication failed with LogonDenied",
        ">,QUIT,",
    ];
    assert!(position(&both.log(), &failed).is_some(), "{:#?}", both.log());
    let said = transcript_line(both.sent().last().unwrap());
    assert!(said.contains("refused the logon with 535 5.7.3 Authentication unsuccessful."), "{said}");
    both.assert_no_secret("guessed wrong", "Z3Vlc3NlZCB3cm9uZw==");
}

#[tokio::test]
async fn a_password_is_said_inside_tls_only_where_it_has_to_be() {
    let send = as_anna("BasicAuthRequireTLS", PASSWORD);
    let both = start(LOGIN_INSIDE, &send).await;
    assert!(both.attempts(1).await[0].outcome.is_delivered());
    let log = both.log();
    let place = |what: &str| log.iter().position(|row| row.contains(what)).unwrap();
    assert!(place("_CLIENT negotiation succeeded") < place(">,AUTH LOGIN"), "{log:#?}");
    // No Tls, so no STARTTLS.
    let in_clear = "auth_mechanism = [\"BasicAuth\"]\npermission_groups = [\"ExchangeUsers\"]";
    let both = start(in_clear, &send).await;
    let attempts = both.attempts(1).await;
    assert!(matches!(attempts[0].reason, Reason::NotOffered { .. }), "{attempts:?}");
    assert!(
        both.event_texts()[0].starts_with("Send connector To Smart Host couldn't connect to remote domain")
    );
    assert!(!both.log().contains(&">,AUTH LOGIN,".to_owned()));
}

#[tokio::test]
async fn a_server_that_offers_no_login_gets_no_mail() {
    let both = start(ANYBODY, &as_anna("BasicAuth", PASSWORD)).await;
    let attempts = both.attempts(2).await;
    assert!(attempts.iter().all(|attempt| attempt.reason == Reason::LogonNotOffered), "{attempts:?}");
    assert!(both.event_texts().is_empty(), "{:?}", both.event_texts());
    assert!(!both.log().concat().contains("Outbound Authentication failed"));
    assert!(both.lab.journal().messages().is_empty());
}

#[tokio::test]
async fn as_many_messages_go_over_one_connection_as_the_connector_says() {
    for (most, sessions) in [(2, vec![2, 2, 1]), (1, vec![1; 5]), (5, vec![5]), (0, vec![5])] {
        let both = start(ANYBODY, &format!("smtp_max_messages_per_connection = {most}")).await;
        let attempts = both.attempts(5).await;
        assert!(attempts.iter().all(|attempt| attempt.outcome.is_delivered()), "{attempts:?}");
        let subjects: Vec<_> =
            both.lab.journal().messages().iter().filter_map(|it| it.subject.clone()).collect();
        assert_eq!(subjects, ["1", "2", "3", "4", "5"].map(Box::from));
        let noted = both.noted();
        let mut counted = Vec::new();
        for chunk in noted.chunk_by(|one, other| one.0 == other.0) {
            let numbers: Vec<_> = chunk.iter().map(|(_, number)| *number).collect();
            assert_eq!(numbers, (1..).take(chunk.len()).collect::<Vec<_>>(), "{most}");
            counted.push(chunk.len());
        }
        assert_eq!(counted, sessions, "{most}");
        let handshakes = both.log().iter().filter(|row| row.contains("negotiation succeeded")).count();
        assert_eq!(handshakes, sessions.len());
    }
}

#[tokio::test]
async fn the_rows_of_a_conversation_with_several_messages_are_numbered_through() {
    let both = start(ANYBODY, "").await;
    both.attempts(3).await;
    let numbers: Vec<usize> =
        both.rows().iter().map(|row| row.split(',').nth(3).unwrap().parse().unwrap()).collect();
    // The row of the attempt to connect is the first one of the conversation.
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    let log = both.log();
    assert_eq!(log.iter().filter(|row| row.starts_with(">,MAIL")).count(), 3);
    assert!(!log.contains(&">,RSET,".to_owned()));
    let ends: Vec<_> =
        both.sent().iter().map(transcript_line).filter(|line| line.starts_with("=>")).collect();
    assert!(
        ends[0].starts_with("=> Delivered") && ends[2].starts_with("=> message 3: Delivered"),
        "{ends:?}"
    );
    let last = serde_json::to_value(both.sent().last().unwrap()).unwrap();
    assert_eq!(last["detail"]["message"], 3);
}

#[tokio::test]
async fn a_message_that_is_refused_does_not_keep_the_others_from_their_turn() {
    let both = start(&format!("{ANYBODY}\nmax_message_size = \"64KB\""), "").await;
    let mut tasks = both.tasks(3);
    let message = Arc::make_mut(&mut Arc::make_mut(&mut tasks[1]).message);
    message.content = "x".repeat(100_000).into();
    let attempts = both.sender.attempts(both.address, &tasks);
    let attempts = tokio::time::timeout(DEADLINE, attempts).await.unwrap();
    let delivered: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.is_delivered()).collect();
    assert_eq!(delivered, [true, false, true], "{attempts:?}");
    assert_eq!(attempts[1].outcome, Outcome::Bounced);
    let log = both.log();
    assert!(
        position(&log, &[">,RSET,", "<,250 2.0.0 Resetting,", ">,MAIL FROM:<> SIZE=17,"]).is_some(),
        "{log:#?}"
    );
    assert_eq!(both.noted().len(), 3);
}

#[tokio::test]
async fn where_nobody_listens_every_message_has_its_attempt_after_one_try() {
    let both = start(ANYBODY, "smtp_max_messages_per_connection = 2").await;
    let nobody = Refusing::new();
    let attempts = both.sender.attempts(nobody.address(), &both.tasks(5)).await;
    assert!(attempts.iter().all(|attempt| matches!(attempt.reason, Reason::NoConnection { .. })));
    assert_eq!(attempts.len(), 5);
    let session = both.noted()[0].0;
    assert_eq!(both.noted(), [1, 2, 3, 4, 5].map(|number| (session, number)));
    assert_eq!(both.log(), ["*,,attempting to connect"]);
}

#[tokio::test]
async fn no_message_is_no_connection() {
    let both = start(ANYBODY, "").await;
    assert!(both.sender.attempts(both.address, &[]).await.is_empty());
    assert!(both.sent().is_empty());
}

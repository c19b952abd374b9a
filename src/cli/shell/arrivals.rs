//! Messages that arrive while somebody is at the prompt: a line above what is being typed.

use std::sync::Arc;
use std::thread;

use rustyline::ExternalPrinter;
use serde::Deserialize;

use super::lab::Lab;
use crate::cli::client::Client;
use crate::lab::Engine;
use crate::observe::ReceivedMessage;

/// The time that one question about arrivals may wait, in milliseconds; the client gives up after a minute.
const WAIT: u64 = 30_000;

/// A message, as far as it is shown.
#[derive(Deserialize)]
struct Arrival {
    connector: String,
    tls: Option<Tls>,
}

#[derive(Deserialize)]
struct Tls {
    version: String,
}

/// The answer to a wait of the control API; nothing in it after a time-out but the number to go on from.
#[derive(Deserialize)]
struct Waited {
    #[serde(default)]
    items: Vec<Arrival>,
    seq: u64,
}

/// The number of the newest entry of a running lab.
#[derive(Deserialize)]
struct Newest {
    seq: u64,
}

/// Shows messages from now on, until the Shell or the lab ends.
pub(super) fn follow(lab: &Lab, printer: impl ExternalPrinter + Send + 'static) {
    match lab {
        Lab::Own(runtime, engine) => {
            runtime.spawn(of_own(Arc::clone(engine), printer));
        }
        Lab::Attached(client) => {
            let client = client.clone();
            // It ends with the process, or when the lab does not answer any more.
            thread::spawn(move || of_attached(&client, printer));
        }
    }
}

async fn of_own(engine: Arc<Engine>, mut printer: impl ExternalPrinter) {
    let observer = engine.observer();
    let mut changes = observer.changes();
    let mut after = observer.newest();
    while changes.changed().await.is_ok() {
        let newest = *changes.borrow_and_update();
        let arrived: Vec<Arrival> = observer.messages(after).iter().map(|it| Arrival::of(it)).collect();
        after = newest;
        if !arrived.is_empty() && printer.print(lines(&arrived)).is_err() {
            return;
        }
    }
}

fn of_attached(client: &Client, mut printer: impl ExternalPrinter) {
    let Some(Newest { seq: mut after }) = asked(client, "/api/v1/lab") else { return };
    loop {
        let path = format!("/api/v1/wait?for=message&after={after}&timeout_ms={WAIT}");
        let Some(Waited { items, seq }) = asked(client, &path) else { return };
        after = after.max(seq);
        if !items.is_empty() && printer.print(lines(&items)).is_err() {
            return;
        }
    }
}

/// Returns an answer of the control API; `None` if there is none, or if it is another one than expected.
fn asked<T: serde::de::DeserializeOwned>(client: &Client, path: &str) -> Option<T> {
    let reply = client.ask("GET", path, "").ok()?;
    serde_json::from_slice(&reply.body).ok()
}

impl Arrival {
    fn of(message: &ReceivedMessage) -> Self {
        let tls = message.tls.as_ref().map(|tls| Tls { version: tls.version.as_str().to_owned() });
        Self { connector: message.connector().to_owned(), tls }
    }

    fn how(&self) -> String {
        match &self.tls {
            Some(tls) => format!("over {}", tls.version.replace("TLSv", "TLS ")),
            None => "in clear".to_owned(),
        }
    }
}

/// Returns a line for all messages of one connector that came in the same way.
fn lines(arrived: &[Arrival]) -> String {
    let mut alike: Vec<(&str, String, usize)> = Vec::new();
    for arrival in arrived {
        let how = arrival.how();
        match alike.iter_mut().find(|(to, known, _)| *to == arrival.connector && *known == how) {
            Some((.., count)) => *count += 1,
            None => alike.push((&arrival.connector, how, 1)),
        }
    }
    let line = |(to, how, count): &(&str, String, usize)| match count {
        1 => format!("  one message arrived at {to} {how}\n"),
        _ => format!("  {count} messages arrived at {to} {how}\n"),
    };
    alike.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_came_alike_share_a_line() {
        let clear = || Arrival { connector: "Relay".to_owned(), tls: None };
        let tls = Tls { version: "TLSv1.3".to_owned() };
        let secure = Arrival { connector: "Relay".to_owned(), tls: Some(tls) };
        assert_eq!(
            lines(&[clear(), secure, clear()]),
            "  2 messages arrived at Relay in clear\n  one message arrived at Relay over TLS 1.3\n"
        );
    }
}

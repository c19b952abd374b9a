//! A small HTTP client that asks exactly what it is told.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a successful answer.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(matches!(self.status, 200 | 201), "{} {}", self.status, String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// What a problem document says.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert!(self.header("x-lab-instance").is_some());
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem
    }
}

/// Sends a request as it is written and reads the whole answer.
pub(crate) async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Whoever is refused in the middle of a body does not read the rest of it.
    stream.write_all(request.as_ref()).await.ok();
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("no answer in time");
    assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("no head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

/// Asks with a body, which may be empty, and further header lines.
pub(crate) async fn ask(address: SocketAddr, what: &str, body: &str, headers: &[&str]) -> Answer {
    let mut request = format!("{what} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
        request.push_str(&format!("Host: {address}\r\n"));
    }
    headers.iter().for_each(|line| request.push_str(&format!("{line}\r\n")));
    exchange(address, format!("{request}\r\n{body}")).await
}

/// One server-sent event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data: String,
}

/// A stream of server-sent events.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    /// Opens the journal, from behind an entry that is already there.
    pub(crate) async fn open(address: SocketAddr, query: &str, last: Option<u64>) -> Self {
        let last = last.map(|last| format!("Last-Event-ID: {last}"));
        Self::open_with(address, query, &last.as_deref().into_iter().collect::<Vec<_>>()).await
    }

    /// Opens the journal with further header lines.
    pub(crate) async fn open_with(address: SocketAddr, query: &str, headers: &[&str]) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("GET /api/v1/journal{query} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Self(BufReader::new(stream));
        assert!(events.line().await.unwrap().starts_with("HTTP/1.1 200"));
        while !events.line().await.unwrap().is_empty() {}
        events
    }

    /// The next line; `None` at the end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(DEADLINE, self.0.read_line(&mut line)).await.expect("nothing came in time");
        (read.unwrap() > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; `None` at the end. Lines that are the sizes of chunks say nothing of it.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        let mut event = Event { id: 0, name: String::new(), data: String::new() };
        loop {
            let line = self.line().await?;
            match line.split_once(": ") {
                Some(("id", id)) => event.id = id.parse().unwrap(),
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("data", data)) => data.clone_into(&mut event.data),
                _ if line.is_empty() && event.id > 0 => return Some(event),
                _ => {}
            }
        }
    }
}

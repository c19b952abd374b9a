//! A client of the control API of a running lab.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// The time-out of a connection, and of an answer: a cmdlet may make a key of 4,096 bits.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(60);
/// The maximum length of an answer.
const LONGEST: u64 = 16 << 20;

/// A control API, and the token that it wants.
#[derive(Clone, Debug)]
pub(super) struct Client {
    authority: String,
    token: Option<String>,
    connect: Duration,
    answer: Duration,
}

/// The reason why a control API gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The name has no address.
    #[error(
        "`{0}` has no address; write the URL that the lab's ready line has as `control`, or PORT or ADDRESS:PORT"
    )]
    Address(String),
    /// The connection failed.
    #[error("the control API at {0}: {1}")]
    Io(String, io::Error),
    /// The answer is too long.
    #[error("the control API at {0} answers with more than {most} MiB", most = LONGEST >> 20)]
    TooLong(String),
    /// The answer is none of HTTP.
    #[error("the control API at {0} does not answer in HTTP")]
    NoHttp(String),
}

/// An answer of a control API.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status code.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Returns host and port of a control API that is named by its URL, a port of 127.0.0.1, or ADDRESS:PORT.
fn authority(control: &str) -> String {
    match control.parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => control.trim_start_matches("http://").trim_end_matches('/').to_owned(),
    }
}

impl Client {
    pub(super) fn new(control: &str, token: Option<String>) -> Self {
        Self { authority: authority(control), token, connect: CONNECT, answer: ANSWER }
    }

    /// Waits no longer than `time` for a connection, nor for an answer.
    pub(super) fn within(self, time: Duration) -> Self {
        Self { connect: time, answer: time, ..self }
    }

    /// Returns host and port.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends a request, with a JSON body where `body` is not empty.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Result<Reply, ClientError> {
        let wrong = |error| ClientError::Io(self.authority.clone(), error);
        let no_address = |_| ClientError::Address(self.authority.clone());
        let mut last = ClientError::Address(self.authority.clone());
        for address in self.authority.to_socket_addrs().map_err(no_address)? {
            match TcpStream::connect_timeout(&here(address), self.connect) {
                Ok(stream) => return self.exchange(stream, method, path, body),
                Err(error) => last = wrong(error),
            }
        }
        Err(last)
    }

    fn exchange(
        &self,
        mut stream: TcpStream,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Reply, ClientError> {
        let wrong = |error| ClientError::Io(self.authority.clone(), error);
        stream.set_read_timeout(Some(self.answer)).map_err(wrong)?;
        stream.set_write_timeout(Some(self.answer)).map_err(wrong)?;
        let token = self.token.iter().map(|token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.authority,
            token.collect::<String>(),
            body.len()
        );
        stream.write_all(request.as_bytes()).map_err(wrong)?;
        let mut bytes = Vec::new();
        stream.take(LONGEST + 1).read_to_end(&mut bytes).map_err(wrong)?;
        if bytes.len() as u64 > LONGEST {
            return Err(ClientError::TooLong(self.authority.clone()));
        }
        parsed(&bytes).ok_or_else(|| ClientError::NoHttp(self.authority.clone()))
    }
}

/// Takes an answer apart. The connection is closed behind it, so its length is that of what came.
fn parsed(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, body: bytes[end + 4..].to_vec() })
}

/// Replaces an address that stands for all addresses of the machine by loopback.
fn here(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(it) if it.ip().is_unspecified() => ([127, 0, 0, 1], it.port()).into(),
        SocketAddr::V6(it) if it.ip().is_unspecified() => ([0, 0, 0, 0, 0, 0, 0, 1], it.port()).into(),
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    }
}

//! A small SMTP client that says exactly what it is told.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A conversation over a socket.
pub(crate) struct Client {
    reader: tokio::io::BufReader<tokio::net::TcpStream>,
}

impl Client {
    /// Connects and reads the banner.
    pub(crate) async fn connect(address: SocketAddr) -> (Self, String) {
        Self::connect_from("127.0.0.1".parse().unwrap(), address).await
    }

    /// Connects from an address of this machine and reads the banner.
    pub(crate) async fn connect_from(local: IpAddr, address: SocketAddr) -> (Self, String) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((local, 0).into()).unwrap();
        let stream = timeout(DEADLINE, socket.connect(address)).await.expect("no connection").unwrap();
        let mut client = Self { reader: tokio::io::BufReader::new(stream) };
        let banner = client.reply().await;
        (client, banner)
    }

    /// Sends bytes as they are.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.reader.get_mut().write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one reply; its lines are separated by `\n`.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let read = timeout(DEADLINE, self.reader.read_line(&mut line)).await;
            let read = read.unwrap_or_else(|_| panic!("no reply; so far: {reply:?}")).unwrap();
            assert!(line.ends_with("\r\n") && read > 0, "the reply ends in the middle: {reply:?} {line:?}");
            reply.push_str(line.trim_end());
            if line.as_bytes().get(3) == Some(&b' ') {
                return reply;
            }
            reply.push('\n');
        }
    }

    /// Sends a line and reads the reply.
    pub(crate) async fn ask(&mut self, line: &str) -> String {
        self.say(format!("{line}\r\n")).await;
        self.reply().await
    }

    /// Everything until the other side closes.
    pub(crate) async fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let read = timeout(DEADLINE, self.reader.read_to_end(&mut rest)).await;
        read.expect("the connection stays open").ok();
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// The stream, for TLS to go over it; nothing may be left unread.
    pub(crate) fn into_stream(self) -> tokio::net::TcpStream {
        assert!(self.reader.buffer().is_empty(), "something was said behind the 220");
        self.reader.into_inner()
    }
}

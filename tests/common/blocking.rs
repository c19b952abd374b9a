//! A small SMTP client that blocks, as most programs do.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, StreamOwned};

/// How long a reply may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(20);

/// A conversation over a blocking socket, in clear or through TLS.
pub(crate) struct Client<S: Read + Write = TcpStream>(BufReader<S>);

impl Client {
    /// Connects, reads the banner and says EHLO.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut client = Self(BufReader::new(stream));
        let banner = client.reply();
        assert!(banner.starts_with("220 "), "{banner}");
        client.ask("EHLO client.example");
        client
    }

    /// Turns the conversation into TLS and says EHLO again.
    pub(crate) fn starttls(
        mut self,
        config: ClientConfig,
        name: &str,
    ) -> std::io::Result<Client<StreamOwned<ClientConnection, TcpStream>>> {
        assert!(self.ask("STARTTLS").starts_with("220 "));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut socket = self.0.into_inner();
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let mut client = Client(BufReader::new(StreamOwned::new(connection, socket)));
        client.ask("EHLO client.example");
        Ok(client)
    }
}

impl Client<StreamOwned<ClientConnection, TcpStream>> {
    /// Whether the handshake took up an earlier one.
    pub(crate) fn resumed(&self) -> bool {
        self.0.get_ref().conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// How many session tickets of TLS 1.3 have come.
    pub(crate) fn tickets(&self) -> u32 {
        self.0.get_ref().conn.tls13_tickets_received()
    }
}

impl<S: Read + Write> Client<S> {
    /// Sends bytes as they are.
    pub(crate) fn say(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    /// Sends a line and reads the reply.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\r\n"));
        self.reply()
    }

    /// Brings one message.
    pub(crate) fn send(&mut self, from: &str, to: &str, subject: &str) {
        assert!(self.ask(&format!("MAIL FROM:<{from}>")).starts_with("250 "));
        assert!(self.ask(&format!("RCPT TO:<{to}>")).starts_with("250 "));
        assert!(self.ask("DATA").starts_with("354 "));
        assert!(self.ask(&format!("Subject: {subject}\r\n\r\ntext\r\n.")).starts_with("250 "));
    }

    /// Says goodbye.
    pub(crate) fn quit(mut self) {
        assert!(self.ask("QUIT").starts_with("221 "));
    }

    /// How the other side ends the connection; the number of bytes that came before.
    pub(crate) fn end(mut self) -> std::io::Result<usize> {
        self.0.read_to_end(&mut Vec::new())
    }

    /// Everything until the other side closes.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }

    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            assert!(line.ends_with("\r\n"), "the reply ends in the middle: {reply:?} {line:?}");
            reply.push_str(line.trim_end());
            if line.as_bytes()[3] == b' ' {
                return reply;
            }
            reply.push('\n');
        }
    }
}

/// One message in clear, and goodbye.
pub(crate) fn send_in_clear(address: SocketAddr, from: &str, to: &str, subject: &str) {
    let mut client = Client::connect(address);
    client.send(from, to, subject);
    client.quit();
}

/// A text with the ports of clients put out of it.
pub(crate) fn without_ports(text: &str) -> String {
    let mut parts = text.split("from 127.0.0.1:");
    let mut clean = parts.next().unwrap().to_owned();
    for part in parts {
        clean.push_str("from 127.0.0.1:PORT");
        clean.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    clean
}

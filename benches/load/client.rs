//! A client that does no more than it has to: a write a command, a read a reply.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The name in every server's certificate.
pub(crate) const SERVER_NAME: &str = "load.example.com";

/// Nothing that is measured takes nearly as long; what does is a fault.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a message comes to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Clear,
    Tls13,
    Tls12,
    /// TLS 1.3 with the ticket of an earlier connection.
    Resumed,
}

/// The verb that brings the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Data,
    Bdat,
}

/// What TLS needs of its client, made once for many connections.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    pub(crate) fn new(transport: Transport, root: &str) -> io::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(root.as_bytes()).map_err(io::Error::other)?;
        roots.add(root).map_err(io::Error::other)?;
        let version = match transport {
            Transport::Tls12 => &rustls::version::TLS12,
            _ => &rustls::version::TLS13,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
        let config = config.map_err(io::Error::other)?.with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        if transport != Transport::Resumed {
            config.resumption = Resumption::disabled();
        }
        let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

/// A conversation with a server.
pub(crate) struct Client<IO> {
    io: IO,
    reply: Vec<u8>,
}

impl Client<TcpStream> {
    /// Connects and says EHLO.
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let io = bounded(TcpStream::connect(address)).await?;
        io.set_nodelay(true)?;
        let mut client = Self { io, reply: Vec::with_capacity(1024) };
        client.greet().await?;
        Ok(client)
    }

    /// Says STARTTLS, does the handshake, and says EHLO again.
    pub(crate) async fn start_tls(mut self, tls: &Tls) -> io::Result<Client<TlsStream<TcpStream>>> {
        self.say("STARTTLS\r\n", "220").await?;
        let io = bounded(tls.connector.connect(tls.name.clone(), self.io)).await?;
        let mut client = Client { io, reply: self.reply };
        client.say("EHLO client.example.com\r\n", "250").await?;
        Ok(client)
    }
}

impl Client<TlsStream<TcpStream>> {
    /// Connects and says EHLO inside TLS, which begins with the connection or with STARTTLS.
    pub(crate) async fn secured(address: SocketAddr, implicit: bool, tls: &Tls) -> io::Result<Self> {
        if !implicit {
            return Client::connect(address).await?.start_tls(tls).await;
        }
        let io = bounded(TcpStream::connect(address)).await?;
        io.set_nodelay(true)?;
        let io = bounded(tls.connector.connect(tls.name.clone(), io)).await?;
        let mut client = Self { io, reply: Vec::with_capacity(1024) };
        client.greet().await?;
        // mailcrab, the only one to speak implicit TLS here, takes mail over it from users only.
        client.say("AUTH PLAIN AGEAYg==\r\n", "235").await?;
        Ok(client)
    }

    pub(crate) fn resumed(&self) -> bool {
        self.io.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    /// Leaves `messages` messages of `content`, which ends in CRLF and needs no dots stuffed.
    pub(crate) async fn send(&mut self, messages: usize, content: &[u8]) -> io::Result<()> {
        for _ in 0..messages {
            self.envelope().await?;
            self.say("DATA\r\n", "354").await?;
            self.write(&[content, b".\r\n"].concat()).await?;
            self.expect("250").await?;
        }
        Ok(())
    }

    /// Leaves one message that is `block` so many times over.
    pub(crate) async fn send_big(&mut self, verb: Verb, block: &[u8], times: usize) -> io::Result<()> {
        self.envelope().await?;
        match verb {
            Verb::Data => self.say("DATA\r\n", "354").await?,
            Verb::Bdat => self.write(format!("BDAT {} LAST\r\n", block.len() * times).as_bytes()).await?,
        }
        for _ in 0..times {
            self.write(block).await?;
        }
        if verb == Verb::Data {
            self.write(b".\r\n").await?;
        }
        self.expect("250").await
    }

    /// Says goodbye and waits until the server has closed.
    pub(crate) async fn quit(mut self) -> io::Result<()> {
        self.say("QUIT\r\n", "221").await?;
        // Whether a TLS server says close_notify is not what is measured.
        bounded(self.io.read(&mut [0; 64])).await.ok();
        Ok(())
    }

    async fn greet(&mut self) -> io::Result<()> {
        self.expect("220").await?;
        self.say("EHLO client.example.com\r\n", "250").await
    }

    async fn envelope(&mut self) -> io::Result<()> {
        self.say("MAIL FROM:<sender@example.com>\r\n", "250").await?;
        self.say("RCPT TO:<recipient@example.com>\r\n", "250").await
    }

    async fn say(&mut self, line: &str, code: &str) -> io::Result<()> {
        self.write(line.as_bytes()).await?;
        self.expect(code).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        bounded(async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        })
        .await
    }

    /// Reads one reply and insists on its code.
    async fn expect(&mut self, code: &str) -> io::Result<()> {
        self.reply.clear();
        while !is_whole(&self.reply) {
            if bounded(self.io.read_buf(&mut self.reply)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if self.reply.starts_with(code.as_bytes()) {
            return Ok(());
        }
        let reply = String::from_utf8_lossy(&self.reply);
        Err(io::Error::other(format!("{code} was due and this came: {reply}")))
    }
}

/// Whether the last line is there and has a space behind its code.
fn is_whole(reply: &[u8]) -> bool {
    let Some(lines) = reply.strip_suffix(b"\r\n") else { return false };
    let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    last.get(3) == Some(&b' ')
}

async fn bounded<T>(doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, doing).await?
}

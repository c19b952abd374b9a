//! A lab with its control API, and mail for it.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use starttls_lab::internal::http::{ControlApi, Options};
use starttls_lab::internal::journal::Bounds;
use starttls_lab::internal::lab::{self, Engine};
use starttls_lab::internal::scenario::{ScenarioText, scenario};
use starttls_lab::internal::tls::{ClientTls, Versions};
use starttls_lab::internal::wire::Ports;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::client::Client;
use crate::console::http::{Answer, DEADLINE, ask};

/// The seed story, played and opened to control.
pub(crate) struct World {
    pub(crate) lab: Arc<Engine>,
    pub(crate) console: ControlApi,
}

/// The only connector of the seed story.
pub(crate) const CONNECTOR: &str = "Default internal receive connector MAILGATE";

impl World {
    pub(crate) async fn seed() -> Self {
        Self::open(Bounds::default(), Options::default()).await
    }

    pub(crate) async fn open(bounds: Bounds, options: Options) -> Self {
        let text = ScenarioText::parse(scenario("fqdn-mismatch").unwrap().text, "test").unwrap();
        let settings = lab::Options { ports: Ports::Free, bounds, ..lab::Options::default() };
        let lab = Arc::new(Engine::start(&text, settings).await.unwrap());
        let console = ControlApi::open(Arc::clone(&lab), options).await.unwrap();
        Self { lab, console }
    }

    pub(crate) fn control(&self) -> SocketAddr {
        self.console.address()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        ask(self.control(), &format!("GET {path}"), "", &["Accept: application/json"]).await
    }

    pub(crate) async fn send(&self, what: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        ask(self.control(), what, &body, &["Content-Type: application/json"]).await
    }

    pub(crate) fn smtp(&self) -> SocketAddr {
        self.lab.connectors()[0].addr
    }

    /// Sends a message in clear, or over TLS where it is offered.
    pub(crate) async fn mail(&self, to: &str) {
        let (mut client, _) = Client::connect(self.smtp()).await;
        let offers = client.ask("EHLO client.example").await;
        if offers.contains("STARTTLS") {
            assert!(client.ask("STARTTLS").await.starts_with("220"));
            let roots = [self.lab.root().clone()];
            let tls = ClientTls::trusting(&roots, self.lab.clock(), Versions::Both).unwrap();
            let name = self.lab.connectors()[0].fqdn.clone();
            let (mut stream, _) = tls.connect(&name, client.into_stream()).await.unwrap();
            for line in
                ["EHLO client.example", "MAIL FROM:<me@contoso.com>", &format!("RCPT TO:<{to}>"), "DATA"]
            {
                let reply = ask_inside(&mut stream, line).await;
                assert!(reply.starts_with('2') || reply.starts_with('3'), "{line}: {reply}");
            }
            assert!(ask_inside(&mut stream, "Subject: test\r\n\r\nhello\r\n.").await.starts_with("250"));
            ask_inside(&mut stream, "QUIT").await;
        } else {
            for line in ["MAIL FROM:<me@contoso.com>", &format!("RCPT TO:<{to}>"), "DATA"] {
                let reply = client.ask(line).await;
                assert!(reply.starts_with('2') || reply.starts_with('3'), "{line}: {reply}");
            }
            assert!(client.ask("Subject: test\r\n\r\nhello\r\n.").await.starts_with("250"));
            client.ask("QUIT").await;
        }
    }
}

/// Sends a line inside of TLS and reads the reply.
async fn ask_inside(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), line: &str) -> String {
    stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    loop {
        let byte = timeout(DEADLINE, stream.read_u8()).await.expect("no reply in time").unwrap();
        reply.push(byte);
        let text = String::from_utf8_lossy(&reply);
        let last = text.trim_end().lines().last().unwrap_or_default();
        if byte == b'\n' && last.as_bytes().get(3) == Some(&b' ') {
            return text.into_owned();
        }
    }
}

//! OpenSSL's own server, `openssl s_server`. Its counterpart `s_client` has `-starttls smtp`; as of
//! OpenSSL 3 `s_server` has no such option and wants a ClientHello first. So the part in clear, from the
//! 220 to the answer to STARTTLS, is spoken here, and the connection's bytes are then handed on to an
//! `s_server` as they are: the TLS is OpenSSL's alone. What it deciphers it prints, and what it is told
//! it enciphers; so the SMTP inside TLS is played at its stdin and stdout, by the same [`Clerk`].
//!
//! A message in clear therefore meets no line of OpenSSL. It is let in all the same, since what is tried
//! is who sends it and when; that STARTTLS is not offered is left to the other servers.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::lab::SendingLab;
use super::{Face, Mail, Receiver, every_sender_ends_as_its_class_says};
use crate::support::{Lines, PATIENCE, Program};

const FACES: [Face; 6] =
    [Face::Good, Face::OtherHost, Face::OtherDomain, Face::SelfSigned, Face::Expired, Face::OldTls];

/// What has arrived, noted before the 250 is said.
type Tray = Arc<Mutex<Vec<Mail>>>;

struct SServers {
    faces: Vec<SServer>,
    _certificates: TempDir,
}

/// One `s_server` behind its part in clear.
struct SServer {
    child: Child,
    address: SocketAddr,
    tray: Tray,
}

impl SServers {
    async fn start(lab: &SendingLab) -> Option<Self> {
        let openssl = Program::find("openssl", "openssl")?;
        let certificates = tempfile::tempdir().unwrap();
        let mut faces = Vec::new();
        for face in FACES {
            faces.push(SServer::start(&openssl, lab, face, &certificates).await);
        }
        Some(Self { faces, _certificates: certificates })
    }

    fn of(&self, face: Face) -> &SServer {
        &self.faces[FACES.iter().position(|known| *known == face).unwrap()]
    }
}

impl Receiver for SServers {
    fn faces(&self) -> Vec<Face> {
        FACES.to_vec()
    }

    fn address(&self, face: Face) -> SocketAddr {
        self.of(face).address
    }

    fn arrived(&mut self, face: Face) -> Vec<Mail> {
        std::mem::take(&mut self.of(face).tray.lock().unwrap())
    }
}

impl SServer {
    async fn start(openssl: &Program, lab: &SendingLab, face: Face, certificates: &TempDir) -> Self {
        let (chain, key) = lab.write_pem(face.certificate().unwrap(), certificates.path());
        let mut command = openssl.command();
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert"]).arg(&chain);
        command.arg("-cert_chain").arg(&chain).arg("-key").arg(key);
        if face == Face::OldTls {
            command.arg("-tls1_1");
        }
        // What goes wrong in a handshake is said to stderr, at length, and is what is wanted here.
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = piped.spawn().unwrap();
        let mut said = Lines::of(child.stdout.take().unwrap());
        let accept = said.wait_for("the port of s_server", |line| line.starts_with("ACCEPT "));
        let tls: SocketAddr = accept.trim_start_matches("ACCEPT ").parse().unwrap();

        let tray = Tray::default();
        let keyboard = child.stdin.take().unwrap();
        let inside = Clerk::new(true, &tray);
        std::thread::spawn(move || type_answers(said, keyboard, inside));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(front(listener, tls, Clerk::new(false, &tray)));
        Self { child, address, tray }
    }
}

impl Drop for SServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes one connection after the other.
async fn front(listener: TcpListener, tls: SocketAddr, mut clerk: Clerk) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        if converse(&mut stream, &mut clerk).await.unwrap_or(false) {
            assert!(stream.buffer().is_empty(), "a ClientHello came before the 220");
            let mut s_server = TcpStream::connect(tls).await.unwrap();
            // However it ends: whether it was meant to is seen at the sender.
            let _ = copy_bidirectional(&mut stream.into_inner(), &mut s_server).await;
        }
    }
}

/// Speaks in clear; true where the other side asked for TLS and was told to go ahead.
async fn converse(stream: &mut BufReader<TcpStream>, clerk: &mut Clerk) -> std::io::Result<bool> {
    stream.write_all(b"220 mx.lab.test ESMTP\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let said = line.trim_end().to_owned();
        line.clear();
        if let Some(answer) = clerk.hear(&said) {
            stream.write_all(answer.as_bytes()).await?;
        }
        if said == "STARTTLS" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sits at `s_server`: reads what it deciphers and types the answers, until its output ends.
fn type_answers(mut said: Lines, mut keyboard: ChildStdin, mut clerk: Clerk) {
    loop {
        match said.next(Instant::now() + PATIENCE) {
            Ok(Some(line)) => {
                if let Some(answer) = clerk.hear(&line) {
                    // Whoever has gone away does not read it.
                    let _ = keyboard.write_all(answer.as_bytes());
                }
            }
            Ok(None) => return,
            Err(_) => {}
        }
    }
}

/// SMTP from one side, line by line.
struct Clerk {
    encrypted: bool,
    tray: Tray,
    envelope: Mail,
    in_content: bool,
}

impl Clerk {
    fn new(encrypted: bool, tray: &Tray) -> Self {
        let envelope = Mail { encrypted, ..Mail::default() };
        Self { encrypted, tray: Arc::clone(tray), envelope, in_content: false }
    }

    /// The answer to a line; none to a line of content, and none to what is no command, for `s_server`
    /// puts its own remarks between them.
    fn hear(&mut self, line: &str) -> Option<&'static str> {
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        if self.in_content {
            if let Some(subject) = line.strip_prefix("Subject: ") {
                self.envelope.subject = subject.to_owned();
            }
            self.in_content = line != ".";
            return (!self.in_content).then(|| {
                self.tray.lock().unwrap().push(self.envelope.clone());
                "250 taken\r\n"
            });
        }
        match line.split(' ').next().unwrap_or_default() {
            "EHLO" if self.encrypted => Some("250 mx.lab.test\r\n"),
            "EHLO" => Some("250-mx.lab.test\r\n250 STARTTLS\r\n"),
            "STARTTLS" if !self.encrypted => Some("220 go ahead\r\n"),
            "MAIL" => {
                self.envelope.from = address();
                Some("250 ok\r\n")
            }
            "RCPT" => {
                self.envelope.to = address();
                Some("250 ok\r\n")
            }
            "DATA" => {
                self.in_content = true;
                Some("354 go ahead\r\n")
            }
            "QUIT" => Some("221 bye\r\n"),
            _ => None,
        }
    }
}

#[tokio::test]
async fn every_sender_ends_at_openssl_s_server_as_its_class_says() {
    let lab = SendingLab::start().await;
    let Some(mut s_servers) = SServers::start(&lab).await else { return };
    every_sender_ends_as_its_class_says(&lab, &mut s_servers).await;
}

//! Servers that no probe may be brought down or held up by: endless, huge, silent, slow, and garbage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::probe::{Options, Prober, Run, Target, findings, lab_file, outcomes};
use starttls_lab::internal::scenario::ScenarioText;
use tokio::time::timeout;

use crate::refusing::Refusing;

/// How long a server has for each answer, and how long one has that is silent: all of it passes.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(500);

/// A server that does the same at each connection, until nobody connects any more.
fn serve(each: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    address
}

/// Says everything in `said` again and again until the other side is gone.
fn endlessly(mut stream: TcpStream, said: &[u8]) {
    while stream.write_all(said).is_ok() {}
}

/// A conversation up to the 220 that a handshake follows.
fn up_to_the_handshake(stream: &TcpStream) -> bool {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut said = "220 odd.lab.test\r\n";
    loop {
        if stream.write_all(said.as_bytes()).is_err() {
            return false;
        }
        let mut line = String::new();
        if said.starts_with("220 go") || lines.read_line(&mut line).unwrap_or(0) == 0 {
            return said.starts_with("220 go");
        }
        said = match line.split_whitespace().next() {
            Some("EHLO") => "250-odd.lab.test\r\n250 STARTTLS\r\n",
            Some("STARTTLS") => "220 go\r\n",
            _ => "221 bye\r\n",
        };
    }
}

async fn probed(address: SocketAddr, implicit_tls: bool, patience: Duration) -> Run {
    let options = Options {
        helo: "prober.lab.test".parse().unwrap(),
        name: Some("odd.lab.test".to_owned()),
        domain: None,
        implicit_tls,
        patience,
        once: false,
    };
    let prober = Prober::new(options, &[], &Clock::system()).unwrap();
    let target = Target { host: address.ip().to_string(), port: address.port() };
    timeout(Duration::from_secs(60), prober.probe(&[target])).await.expect("the probe does not end")
}

/// The verdict; whatever was seen can be read, saved, and made into a lab file that is one.
async fn verdict(address: SocketAddr, implicit_tls: bool) -> String {
    verdict_within(address, implicit_tls, PATIENCE).await
}

async fn verdict_within(address: SocketAddr, implicit_tls: bool, patience: Duration) -> String {
    let run = probed(address, implicit_tls, patience).await;
    let (host, member) = run.members().next().unwrap();
    let found = findings(host, member, run.taken);
    outcomes(host, &member.visit, run.taken);
    let saved = serde_json::to_string(&run).unwrap();
    assert!(saved.len() < 4 << 20, "{} bytes are kept", saved.len());
    assert_eq!(Run::from_json(&saved).unwrap(), run);
    if let Ok(text) = lab_file(host, member, run.taken) {
        ScenarioText::parse(&text, "odd.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
    found[0].sentence.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_stops_talking_is_given_up() {
    for said in
        [&b"220-x\r\n"[..], b"xxxxxxxxxxxxxxxx", b"\r\n", b"220 mx\r\n", b"\0\0\0", b"220-\xff\xfe\r\n"]
    {
        let address = serve(move |stream| endlessly(stream, said));
        let sentence = verdict(address, false).await;
        assert!(sentence.len() > 10, "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_a_closed_and_a_slow_server_are_called_what_they_are() {
    let silent = serve(|stream| {
        let mut stream = stream;
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let sentence = verdict_within(silent, false, SHORT).await;
    assert_eq!(sentence, "it does not greet: it does not answer in time");
    let run = probed(silent, false, SHORT).await;
    let (host, member) = run.members().next().unwrap();
    let notes = findings(host, member, run.taken);
    assert!(notes.iter().any(|note| note.sentence.contains("--implicit-tls")), "{notes:?}");
    // A line that is no reply is told at once, also where a hyphen stands in it.
    let other = serve(|stream| {
        let mut stream = stream;
        stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").ok();
        stream.read_to_end(&mut Vec::new()).ok();
    });
    assert_eq!(
        verdict(other, false).await,
        "it does not greet: it answers `SSH-2.0-OpenSSH_9.6`, which is no SMTP"
    );
    let closing = serve(drop);
    let sentence = verdict(closing, false).await;
    assert!(sentence.starts_with("it does not greet: it "), "{sentence}");
    let nobody = Refusing::new();
    assert_eq!(verdict(nobody.address(), false).await, "no connection (connection refused)");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_place_of_a_handshake_is_shown_and_survived() {
    let long = [&[22, 3, 3, 0x40, 0][..], &[0; 0x4000]].concat();
    // A ServerHello that says it is as long as can be, record after record.
    let huge = [&[22, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff][..], &[7; 0x3ffc]].concat();
    let empty = vec![22, 3, 3, 0, 0];
    let warnings = vec![21, 3, 3, 0, 2, 1, 112];
    let certificates = [&[22, 3, 3, 0x40, 0, 11, 0xff, 0xff, 0xff][..], &[0; 0x3ffc]].concat();
    for said in [long, huge, empty, warnings, certificates, vec![0xff; 100], b"500 what?\r\n".to_vec()] {
        let shown = said.clone();
        let clear = serve(move |stream| {
            if up_to_the_handshake(&stream) {
                endlessly(stream, &said);
            }
        });
        let sentence = verdict(clear, false).await;
        assert!(sentence.starts_with("STARTTLS is offered, and the server "), "{sentence}");
        let implicit = serve(move |stream| endlessly(stream, &shown));
        let sentence = verdict(implicit, true).await;
        assert!(sentence.starts_with("TLS comes first, and the server "), "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_ehlo_with_any_bytes_is_made_into_a_lab_file_all_the_same() {
    let odd = "250-odd \u{1b}[2J \"quoted\" 'and' \\ more\r\n250-X \t tab\r\n250-=== # no comment\r\n250-AUTH=LOGIN\r\n250-SIZE 99999999999999999999\r\n250-\r\n250-8BITMIME yes\r\n250 ÄÖ\u{202e}\r\n";
    let address = serve(move |stream| {
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        stream.write_all(b"220 odd\x1b]0;title\x07 \"' \\\r\n").ok();
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap_or(0) > 0 {
            let said = if line.starts_with("EHLO") { odd } else { "500 \"no\" \\ '\r\n" };
            stream.write_all(said.as_bytes()).ok();
            line.clear();
        }
    });
    let sentence = verdict(address, false).await;
    assert!(sentence.starts_with("STARTTLS is NOT offered"), "{sentence}");
}

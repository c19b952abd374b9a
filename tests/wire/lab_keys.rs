//! Keys that a change of a running lab asks for are made aside.
#![cfg(feature = "aws-lc-rs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, that is how to fail")]

use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::scenario::{ScenarioText, scenario};
use starttls_lab::internal::wire::Ports;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

/// The lab file with as many certificates more, each with a key that takes its time.
fn with_certificates(text: &str, count: usize) -> ScenarioText {
    let more: String = (0..count)
        .map(|number| {
            format!(
                "\n[[computer.certificate]]\nlabel = \"more-{number}\"\nnames = [\"more-{number}.example.com\"]\n\
                 key = \"rsa-4096\"\n"
            )
        })
        .collect();
    let at = text.find("[[computer.receive_connector]]").unwrap();
    ScenarioText::parse(&format!("{}{more}\n{}", &text[..at], &text[at..]), "more").unwrap()
}

/// One thread serves and changes, as in the program and in the harness.
#[tokio::test(flavor = "current_thread")]
async fn a_connection_is_answered_while_keys_are_made() {
    let healthy = scenario("healthy").unwrap().text;
    let text = ScenarioText::parse(healthy, "healthy").unwrap();
    let options = Options { ports: Ports::Free, ..Options::default() };
    let lab = Engine::start(&text, options).await.unwrap();
    let address = lab.connectors()[0].addr;
    let more = with_certificates(healthy, 4);
    let mut change = std::pin::pin!(lab.change(&more));
    let banner = async {
        let mut line = String::new();
        let client = TcpStream::connect(address).await.unwrap();
        BufReader::new(client).read_line(&mut line).await.unwrap();
        line
    };
    let line = tokio::select! {
        biased;
        _ = &mut change => panic!("the change was done before the connection was answered"),
        line = banner => line,
    };
    assert!(line.starts_with("220 "), "{line}");
    change.await.unwrap();
    assert_eq!(lab.computers()[0].store.iter().count(), text.scenario.computer[0].certificate.len() + 4);
}

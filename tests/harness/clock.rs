//! The lab's clock in the hands of a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use starttls_lab::Lab;
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::exchange::TimeSpan;

const MINUTE: Duration = Duration::from_secs(60);

/// A lab that holds every refusal back for ten minutes, and whose clock stands still.
fn tarpit() -> Lab {
    Lab::connector("mail.contoso.com")
        .clock(Clock::pinned("2026-03-01T12:00:00Z".parse().unwrap()))
        .edit(|scenario| {
            let connector = &mut scenario.computer[0].receive_connector[0];
            connector.tarpit_interval = Some(TimeSpan(10 * MINUTE));
            connector.connection_timeout = Some(TimeSpan(1440 * MINUTE));
            connector.connection_inactivity_timeout = Some(TimeSpan(1200 * MINUTE));
        })
        .start()
        .unwrap()
}

#[test]
fn an_advance_past_a_tarpit_lets_the_reply_go() {
    let lab = tarpit();
    let mut client = TcpStream::connect(lab.addr()).unwrap();
    client.write_all(b"HELO x.example\r\nNONSENSE\r\n").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let (mut said, mut bytes) = (Vec::new(), [0; 1024]);
    while !String::from_utf8_lossy(&said).contains("\r\n500 ") {
        match client.read(&mut bytes) {
            Ok(0) => panic!("closed after {said:?}"),
            Ok(read) => said.extend_from_slice(&bytes[..read]),
            // The reply waits by now, or soon.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                lab.advance(10 * MINUTE);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(lab.clock().now() > "2026-03-01T12:09:00Z".parse().unwrap());
}

#[test]
fn the_time_after_an_advance_is_told_and_is_in_the_transcript() {
    let lab = tarpit();
    assert_eq!(lab.advance(90 * MINUTE).to_string(), "2026-03-01T13:30:00Z");
    assert!(lab.transcript().contains("the clock is advanced by PT1H30M"), "{}", lab.transcript());
}

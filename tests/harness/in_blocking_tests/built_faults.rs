//! Faults that Rust has built, as a client meets them.

use std::time::Duration;

use starttls_lab::{Connect, Fault, Handshake, Lab, Mail, Other, StartTls, TlsSettings};

use crate::blocking::Client;

const NAME: &str = "mail.contoso.com";

fn lab(fault: impl Into<starttls_lab::FaultSpec>) -> Lab {
    Lab::connector(NAME).certificate([NAME]).fault(fault).start().unwrap()
}

#[test]
fn a_fault_is_for_the_first_connection_and_not_for_the_next() {
    let lab = lab(Fault::at(StartTls).reply("454 4.7.0 TLS not available").on_connection(1));
    assert_eq!(Client::connect(lab.addr()).ask("STARTTLS"), "454 4.7.0 TLS not available");
    Client::connect(lab.addr()).starttls(lab.client_config(), NAME).unwrap().quit();
    lab.finish().assert();
}

#[test]
fn a_reply_without_a_code_is_refused_before_the_lab_starts() {
    let lab = Lab::connector(NAME).fault(Fault::at(StartTls).reply("TLS not available")).start();
    let error = lab.unwrap_err().to_string();
    assert!(error.contains("`TLS not available` is no reply"), "{error}");
    assert!(error.contains("code between 200 and 599"), "{error}");
}

#[test]
fn a_connection_inside_tls_ends_with_close_notify_or_with_a_fin_alone() {
    for (fault, notified) in [(Fault::at(Mail).close(), true), (Fault::at(Mail).fin(), false)] {
        let lab = lab(fault);
        let mut client = Client::connect(lab.addr()).starttls(lab.client_config(), NAME).unwrap();
        client.say("MAIL FROM:<a@b.example>\r\n");
        let end = client.end();
        match end {
            Ok(bytes) => assert!(notified && bytes == 0, "{bytes}"),
            Err(error) => {
                assert!(!notified);
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{error}");
            }
        }
        lab.finish().assert();
    }
}

#[test]
fn a_fin_in_clear_is_an_orderly_end() {
    let lab = lab(Fault::at(Other).reply("421 4.3.2 closing").fin());
    let mut client = Client::connect(lab.addr());
    assert_eq!(client.ask("NOOP"), "421 4.3.2 closing");
    assert_eq!(client.end().unwrap(), 0);
    lab.finish().assert();
}

#[test]
fn as_many_tickets_are_sent_as_a_fault_says_and_of_any_size_they_resume() {
    let settings = |tickets, ticket_size| TlsSettings { tickets, ticket_size, ..TlsSettings::default() };
    for (settings, tickets) in
        [(settings(Some(0), None), 0), (settings(Some(3), None), 3), (settings(None, Some(16_000)), 1)]
    {
        let lab = lab(Fault::at(Handshake).tls(settings));
        let config = lab.client_config();
        let mut resumed = Vec::new();
        for _ in 0..2 {
            let client = Client::connect(lab.addr()).starttls(config.clone(), NAME).unwrap();
            assert_eq!(client.tickets(), tickets);
            resumed.push(client.resumed());
            client.quit();
        }
        assert_eq!(resumed, [false, tickets > 0]);
        lab.finish().assert();
    }
}

#[test]
fn several_actions_are_done_in_one_fault() {
    let fault = Fault::at(Connect).prepend("220-wait\r\n").delay(Duration::from_millis(20)).line_feeds();
    let lab = lab(fault.optional());
    let mut banner = std::net::TcpStream::connect(lab.addr()).unwrap();
    let mut bytes = [0; 9];
    std::io::Read::read_exact(&mut banner, &mut bytes).unwrap();
    assert_eq!(&bytes, b"220-wait\n");
    lab.finish().assert();
}

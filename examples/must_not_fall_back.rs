//! A test of a mail program that has to encrypt: against a connector that withholds STARTTLS, it
//! must not deliver, and must not tell anybody on the way who writes to whom.
//!
//! ```console
//! $ cargo run --example must_not_fall_back
//! ```
#![allow(clippy::print_stdout, reason = "that is what an example is for")]

use std::net::SocketAddr;

use lettre::address::Envelope;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};
use starttls_lab::{Lab, a_session};

/// The program under test. It is told to encrypt, and reports whether it has delivered.
fn delivers(to: SocketAddr, ca_pem: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let ca = Certificate::from_pem(ca_pem.as_bytes())?;
    let name = "mailgate.expta.com".to_owned();
    let tls = Tls::Required(TlsParameters::builder(name).add_root_certificate(ca).build()?);
    let sender = SmtpTransport::builder_dangerous(to.ip().to_string()).port(to.port()).tls(tls).build();
    let envelope = Envelope::new(Some("me@contoso.com".parse()?), vec!["you@expta.com".parse()?])?;
    Ok(sender.send_raw(&envelope, b"Subject: hello\r\n\r\nsecret\r\n").is_ok())
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::scenario("fqdn-mismatch").expect_nothing_in_clear().start()?;
    assert!(!delivers(lab.addr(), &lab.ca_pem())?, "the program delivered without TLS");
    let session = lab.wait_for_session(a_session().with_messages(0))?;
    println!("the program left without a message: {session}");
    lab.finish().assert();
    Ok(())
}

//! The seed scenario in one program: STARTTLS is withheld (event 12014), mail goes in clear, the connector's FQDN is
//! changed while the lab runs, and the next message goes over TLS.
//!
//! ```console
//! $ cargo run --example withheld
//! ```
#![allow(clippy::print_stdout, reason = "that is what an example is for")]

use std::net::SocketAddr;

use lettre::address::Envelope;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};
use starttls_lab::{Lab, a_message};

/// Sends as a program does that encrypts where it can.
fn send(to: SocketAddr, ca_pem: &str) -> Result<(), Box<dyn std::error::Error>> {
    let ca = Certificate::from_pem(ca_pem.as_bytes())?;
    let name = "mailgate.expta.com".to_owned();
    let tls = Tls::Opportunistic(TlsParameters::builder(name).add_root_certificate(ca).build()?);
    let sender = SmtpTransport::builder_dangerous(to.ip().to_string()).port(to.port()).tls(tls).build();
    let envelope = Envelope::new(Some("me@contoso.com".parse()?), vec!["you@expta.com".parse()?])?;
    sender.send_raw(&envelope, b"Subject: hello\r\n\r\nsecret\r\n")?;
    Ok(())
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::scenario("fqdn-mismatch").expect_event(12014).start()?;
    send(lab.addr(), &lab.ca_pem())?;
    let message = lab.wait_for_message(a_message().to("you@expta.com"))?;
    println!("before the fix: {}", if message.tls.is_some() { "over TLS" } else { "in clear" });
    assert!(message.tls.is_none(), "STARTTLS was not withheld");

    lab.run("Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com")?;
    send(lab.addr(), &lab.ca_pem())?;
    lab.wait_for_message(a_message().to("you@expta.com").over_tls())?;
    println!("after the fix: over TLS");

    lab.finish().assert();
    Ok(())
}

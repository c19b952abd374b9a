//! lettre, in process: the library a Rust program sends its mail with. It speaks rustls and knows
//! SANs only.

use std::error::Error as _;
use std::fs;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};

use crate::support::{
    Fix, IN_THE_CERTIFICATE, MAIL_FROM, NOT_IN_THE_CERTIFICATE, PATIENCE, RCPT_TO, Save, Served,
};

/// TLS to a server that has to prove `name` to a client that trusts the lab's CA.
fn expecting(lab: &Served, name: &str) -> TlsParameters {
    let ca = Certificate::from_pem(&fs::read(lab.ca_file()).unwrap()).unwrap();
    TlsParameters::builder(name.to_owned()).add_root_certificate(ca).build().unwrap()
}

fn send(lab: &Served, tls: Tls) -> Result<(), Error> {
    let envelope = Envelope::new(Some(MAIL_FROM.parse().unwrap()), vec![RCPT_TO.parse().unwrap()]).unwrap();
    SmtpTransport::builder_dangerous(lab.address().ip().to_string())
        .port(lab.address().port())
        .hello_name(ClientId::Domain("client.test".to_owned()))
        .timeout(Some(PATIENCE))
        .tls(tls)
        .build()
        .send_raw(&envelope, b"Subject: hello\r\n\r\nfrom lettre\r\n")
        .map(drop)
}

/// The error with everything under it, as a log would have it.
fn words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[test]
fn lettre_sends_in_clear_where_starttls_is_withheld_and_it_may() {
    let mut lab = Served::scenario("fqdn-mismatch");

    send(&lab, Tls::Opportunistic(expecting(&lab, IN_THE_CERTIFICATE))).unwrap();
    lab.conversation().arrived_in_clear();
    send(&lab, Tls::None).unwrap();
    lab.conversation().arrived_in_clear();
}

#[test]
fn lettre_sends_nothing_where_starttls_is_withheld_and_it_must() {
    let mut lab = Served::scenario("fqdn-mismatch");

    let refused = send(&lab, Tls::Required(expecting(&lab, IN_THE_CERTIFICATE))).unwrap_err();
    let words = words(&refused);
    assert!(words.contains("STARTTLS is not supported on this server"), "{words}");
    lab.conversation().brought_nothing();
}

#[test]
fn lettre_sends_encrypted_after_the_connector_took_the_certificates_name() {
    let mut lab = Served::scenario("fqdn-mismatch");
    let name = lab.mend(Fix::ConnectorFqdn, Save::Rename);

    send(&lab, Tls::Required(expecting(&lab, &name))).unwrap();
    assert_eq!(lab.conversation().arrived_encrypted(), "TLSv1.3");
    send(&lab, Tls::Opportunistic(expecting(&lab, &name))).unwrap();
    lab.conversation().arrived_encrypted();
    send(&lab, Tls::None).unwrap();
    lab.conversation().arrived_in_clear();
}

#[test]
fn lettre_sends_encrypted_after_the_certificate_took_the_connectors_name() {
    let mut lab = Served::scenario("fqdn-mismatch");
    let name = lab.mend(Fix::CertificateNames, Save::Rename);

    send(&lab, Tls::Required(expecting(&lab, &name))).unwrap();
    lab.conversation().arrived_encrypted();
}

#[test]
fn lettre_sends_encrypted_after_the_certificate_was_assigned_to_smtp() {
    let mut lab = Served::scenario("smtp-not-assigned");
    send(&lab, Tls::None).unwrap();
    lab.conversation().arrived_in_clear();
    let name = lab.mend(Fix::SmtpAssigned, Save::Rename);

    send(&lab, Tls::Required(expecting(&lab, &name))).unwrap();
    lab.conversation().arrived_encrypted();
}

#[test]
fn lettre_sends_nothing_to_a_name_that_the_certificate_does_not_cover() {
    let mut lab = Served::scenario("fqdn-mismatch");
    lab.mend(Fix::ConnectorFqdn, Save::Rename);

    for policy in [Tls::Required, Tls::Opportunistic] {
        let refused = send(&lab, policy(expecting(&lab, NOT_IN_THE_CERTIFICATE))).unwrap_err();
        let words = words(&refused);
        assert!(words.contains("certificate not valid for name"), "{words}");
        lab.conversation().brought_nothing();
    }
}

//! swaks: one policy a flag. It verifies the chain; the name only in the releases that can.

use crate::support::{
    Finished, Fix, IN_THE_CERTIFICATE, MAIL_FROM, Program, RCPT_TO, Save, Served, missing, run,
};

struct Swaks(Program);

impl Swaks {
    fn find() -> Option<Self> {
        let swaks = Self(Program::find("swaks", "swaks")?);
        // Without its TLS library swaks runs all the same, in clear.
        if !run(swaks.0.command().arg("--support"), "").stdout.contains("TLS supported") {
            missing("swaks", "has no TLS (Debian package libnet-ssleay-perl)");
            return None;
        }
        Some(swaks)
    }

    fn send(&self, lab: &Served, policy: &[&str]) -> Finished {
        let mut command = self.0.command();
        command.args(["--server", &lab.address().to_string(), "--ehlo", "client.test"]);
        command.args(["--from", MAIL_FROM, "--to", RCPT_TO, "--body", "hello"]);
        run(command.args(policy), "")
    }

    fn send_verifying(&self, lab: &Served, name: &str) -> Finished {
        let ca_file = lab.ca_file();
        let mut policy = vec!["--tls", "--tls-verify", "--tls-ca-path", ca_file.to_str().unwrap()];
        if run(self.0.command().arg("--help"), "").stdout.contains("--tls-verify-target") {
            policy.extend(["--tls-verify-target", name]);
        }
        self.send(lab, &policy)
    }
}

#[test]
fn swaks_sends_in_clear_where_starttls_is_withheld_and_it_may() {
    let Some(swaks) = Swaks::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");
    assert_eq!(lab.record("event")["event_id"], 12014);

    swaks.send(&lab, &["--tls-optional-strict"]).succeeded();
    lab.conversation().arrived_in_clear();
    swaks.send(&lab, &[]).succeeded();
    lab.conversation().arrived_in_clear();
}

#[test]
fn swaks_sends_nothing_where_starttls_is_withheld_and_it_must() {
    let Some(swaks) = Swaks::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");

    swaks.send(&lab, &["--tls"]).failed_saying("*** Host did not advertise STARTTLS");
    lab.conversation().brought_nothing();
    swaks.send_verifying(&lab, IN_THE_CERTIFICATE).failed_saying("*** Host did not advertise STARTTLS");
    lab.conversation().brought_nothing();
}

#[test]
fn swaks_trusts_nobody_the_lab_did_not_sign_for() {
    let Some(swaks) = Swaks::find() else { return };
    let mut lab = Served::scenario("healthy");

    swaks.send(&lab, &["--tls", "--tls-verify"]).failed_saying("*** TLS startup failed");
    lab.conversation().brought_nothing();
}

#[test]
fn swaks_sends_encrypted_after_the_connector_took_the_certificates_name() {
    mended("fqdn-mismatch", Fix::ConnectorFqdn);
}

#[test]
fn swaks_sends_encrypted_after_the_certificate_took_the_connectors_name() {
    mended("fqdn-mismatch", Fix::CertificateNames);
}

#[test]
fn swaks_sends_encrypted_after_the_certificate_was_assigned_to_smtp() {
    mended("smtp-not-assigned", Fix::SmtpAssigned);
}

/// One lab, running all the while: refused before the fix, encrypted after it.
fn mended(scenario: &str, fix: Fix) {
    let Some(swaks) = Swaks::find() else { return };
    let mut lab = Served::scenario(scenario);
    assert!(!swaks.send_verifying(&lab, IN_THE_CERTIFICATE).status.success(), "nothing to mend");
    lab.conversation().brought_nothing();

    let name = lab.mend(fix, Save::Rename);

    swaks.send_verifying(&lab, &name).succeeded();
    lab.conversation().arrived_encrypted();
    swaks.send(&lab, &["--tls-optional-strict"]).succeeded();
    lab.conversation().arrived_encrypted();
}

#[test]
fn swaks_shows_the_reply_that_refuses_and_sends_nothing() {
    let Some(swaks) = Swaks::find() else { return };
    for (entry, refusal) in [
        ("e-banner-421", "421 4.3.2 Service not available"),
        ("e-mail-452", "452 4.3.1 Insufficient system storage"),
        ("e-eod-999", "999 9.9.9 What was that"),
    ] {
        let mut lab = Served::entry(entry);
        swaks.send(&lab, &[]).failed_saying(refusal);
        lab.conversation().brought_nothing();
    }
}

#[test]
fn swaks_fails_at_quit_though_its_message_was_taken() {
    let Some(swaks) = Swaks::find() else { return };
    let mut lab = Served::entry("e-quit-close");

    swaks.send(&lab, &[]).failed_saying("*** Remote host closed connection unexpectedly.");
    lab.conversation().arrived_in_clear();
}

#[test]
fn swaks_sends_encrypted_where_nothing_else_is_possible() {
    let Some(swaks) = Swaks::find() else { return };
    let mut lab = Served::entry("mandatory");

    swaks.send(&lab, &[]).failed_saying("530 5.7.0 Must issue a STARTTLS command first");
    lab.conversation().brought_nothing();
    swaks.send(&lab, &["--tls"]).succeeded();
    lab.conversation().arrived_encrypted();
}

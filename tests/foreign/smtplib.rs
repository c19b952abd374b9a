//! Python's smtplib: the script that is in every second cron job. It verifies when it is given a
//! context, and the name is then the host it was told to connect to.

use crate::support::{
    Finished, Fix, IN_THE_CERTIFICATE, MAIL_FROM, NOT_IN_THE_CERTIFICATE, Program, RCPT_TO, Save, Served, run,
};

struct Smtplib(Program);

impl Smtplib {
    fn find() -> Option<Self> {
        Program::find("python3", "python3").map(Self)
    }

    fn send(&self, lab: &Served, host: &str, policy: &str) -> Finished {
        let mut command = self.0.command();
        command.args(["-c", include_str!("smtplib.py"), &lab.port(), host, policy]);
        run(command.arg(lab.ca_file()).args([MAIL_FROM, RCPT_TO]), "")
    }
}

#[test]
fn smtplib_sends_in_clear_where_starttls_is_withheld_and_it_may() {
    let Some(smtplib) = Smtplib::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");

    smtplib.send(&lab, NOT_IN_THE_CERTIFICATE, "may").succeeded();
    lab.conversation().arrived_in_clear();
}

#[test]
fn smtplib_sends_nothing_where_starttls_is_withheld_and_it_must() {
    let Some(smtplib) = Smtplib::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");

    let refused = smtplib.send(&lab, IN_THE_CERTIFICATE, "verify");
    refused.failed_saying("STARTTLS extension not supported by server.");
    lab.conversation().brought_nothing();
}

#[test]
fn smtplib_sends_nothing_to_a_name_that_the_certificate_does_not_cover() {
    let Some(smtplib) = Smtplib::find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");
    lab.mend(Fix::ConnectorFqdn, Save::Overwrite);

    let refused = smtplib.send(&lab, NOT_IN_THE_CERTIFICATE, "verify");
    refused.failed_saying("Hostname mismatch, certificate is not valid for 'mail.expta.com'");
    lab.conversation().brought_nothing();
}

#[test]
fn smtplib_sends_encrypted_after_the_connector_took_the_certificates_name() {
    mended("fqdn-mismatch", Fix::ConnectorFqdn);
}

#[test]
fn smtplib_sends_encrypted_after_the_certificate_took_the_connectors_name() {
    mended("fqdn-mismatch", Fix::CertificateNames);
}

#[test]
fn smtplib_sends_encrypted_after_the_certificate_was_assigned_to_smtp() {
    mended("smtp-not-assigned", Fix::SmtpAssigned);
}

/// One lab, running all the while: refused before the fix, encrypted after it.
fn mended(scenario: &str, fix: Fix) {
    let Some(smtplib) = Smtplib::find() else { return };
    let mut lab = Served::scenario(scenario);
    assert!(!smtplib.send(&lab, IN_THE_CERTIFICATE, "verify").status.success(), "nothing to mend");
    lab.conversation().brought_nothing();

    let name = lab.mend(fix, Save::Overwrite);

    smtplib.send(&lab, &name, "verify").succeeded();
    lab.conversation().arrived_encrypted();
    smtplib.send(&lab, &name, "may").succeeded();
    lab.conversation().arrived_encrypted();
    smtplib.send(&lab, &name, "none").succeeded();
    lab.conversation().arrived_in_clear();
}

#[test]
fn smtplib_says_what_refused_its_message() {
    let Some(smtplib) = Smtplib::find() else { return };
    for (entry, refusal) in [
        ("e-eod-451", "SMTPDataError: (451, b'4.3.0 Local error in processing')"),
        ("e-size", "SMTPSenderRefused: (552, b'5.3.4 Message size exceeds"),
        ("e-eod-nocode", "SMTPDataError: (-1,"),
        ("e-eod-close", "SMTPServerDisconnected: Connection unexpectedly closed"),
    ] {
        let mut lab = Served::entry(entry);
        smtplib.send(&lab, "mx1.lab.test", "none").failed_saying(refusal);
        lab.conversation().brought_nothing();
    }
}

#[test]
fn smtplib_is_served_when_it_comes_back_to_a_server_that_greylists() {
    let Some(smtplib) = Smtplib::find() else { return };
    let mut lab = Served::entry("e-rcpt-451");

    smtplib.send(&lab, "mx1.lab.test", "verify").failed_saying("451, b'4.7.1 Greylisting in action");
    lab.conversation().brought_nothing();
    smtplib.send(&lab, "mx1.lab.test", "verify").succeeded();
    lab.conversation().arrived_encrypted();
}

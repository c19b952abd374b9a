//! `openssl s_client`: what an administrator types first. It asks for TLS even where STARTTLS was not
//! offered, so the lab meets a ClientHello where it expects a command.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use crate::support::{Fix, IN_THE_CERTIFICATE, Lines, MAIL_FROM, NOT_IN_THE_CERTIFICATE};
use crate::support::{Program, RCPT_TO, Save, Served, run};

fn find() -> Option<Program> {
    Program::find("openssl", "openssl")
}

/// `s_client` that insists on `name`, as a filter between its pipes and the encrypted conversation.
fn s_client(openssl: &Program, lab: &Served, name: &str, options: &[&str]) -> Command {
    let mut command = openssl.command();
    command.args(["s_client", "-connect", &lab.address().to_string(), "-starttls", "smtp"]);
    command.args(["-name", "client.test", "-quiet", "-verify_return_error", "-verify_hostname", name]);
    command.arg("-CAfile").arg(lab.ca_file()).args(options);
    command
}

/// A person at the keyboard of `s_client`, who reads each reply before typing on.
struct Typist {
    child: Child,
    replies: Lines,
}

impl Typist {
    fn at(mut s_client: Command) -> Self {
        let piped = s_client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = piped.spawn().unwrap();
        let replies = Lines::of(child.stdout.take().unwrap());
        Self { child, replies }
    }

    /// Types a line and reads its reply, of one line or several.
    fn types(&mut self, line: &str, reply: &str) {
        let keyboard = self.child.stdin.as_mut().unwrap();
        keyboard.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.replies.wait_for(&format!("{reply} to {line:?}"), |line| line.starts_with(reply));
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn s_client_says_that_starttls_is_withheld_and_is_survived_when_it_tries_anyway() {
    let Some(openssl) = find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");

    for version in ["-tls1_2", "-tls1_3"] {
        let mut command = s_client(&openssl, &lab, IN_THE_CERTIFICATE, &[version]);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // Whether the lab answers the ClientHello or waits for the end of that line is its affair.
        Lines::of(child.stderr.take().unwrap()).wait_for("the finding", |line| {
            line.contains("Didn't find STARTTLS in server response, trying anyway...")
        });
        child.kill().unwrap();
        child.wait().unwrap();
        lab.conversation().brought_nothing();
    }
}

#[test]
fn s_client_carries_a_message_after_the_connector_took_the_certificates_name() {
    carried("fqdn-mismatch", Fix::ConnectorFqdn);
}

#[test]
fn s_client_carries_a_message_after_the_certificate_took_the_connectors_name() {
    carried("fqdn-mismatch", Fix::CertificateNames);
}

#[test]
fn s_client_carries_a_message_after_the_certificate_was_assigned_to_smtp() {
    carried("smtp-not-assigned", Fix::SmtpAssigned);
}

fn carried(scenario: &str, fix: Fix) {
    let Some(openssl) = find() else { return };
    let mut lab = Served::scenario(scenario);
    let name = lab.mend(fix, Save::Rename);

    for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let mut typist = Typist::at(s_client(&openssl, &lab, &name, &[option]));
        typist.types("EHLO client.test", "250 ");
        typist.types(&format!("MAIL FROM:<{MAIL_FROM}>"), "250 ");
        typist.types(&format!("RCPT TO:<{RCPT_TO}>"), "250 ");
        typist.types("DATA", "354 ");
        typist.types("Subject: hello\r\n\r\nfrom s_client\r\n.", "250 ");
        typist.types("QUIT", "221 ");
        assert_eq!(lab.conversation().arrived_encrypted(), version);
    }
}

/// Certificates that the lab's own side of TLS cannot check: OpenSSL has to say whether they are served right.
#[test]
fn s_client_carries_a_message_over_certificates_that_rustls_cannot_check() {
    let Some(openssl) = find() else { return };
    // Level 0 is below every demand on keys and digests.
    for (entry, cipher) in [
        ("trust-rsa1024", "DEFAULT@SECLEVEL=0"),
        ("trust-sha1", "DEFAULT@SECLEVEL=0"),
        ("trust-md5", "DEFAULT@SECLEVEL=0"),
        ("trust-huge-cert", "DEFAULT"),
        ("trust-v1", "DEFAULT"),
    ] {
        let mut lab = Served::entry(entry);
        for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let options = [option, "-cipher", cipher, "-servername", "mx1.lab.test"];
            let mut typist = Typist::at(s_client(&openssl, &lab, "mx1.lab.test", &options));
            typist.types("EHLO client.test", "250 ");
            typist.types(&format!("MAIL FROM:<{MAIL_FROM}>"), "250 ");
            typist.types(&format!("RCPT TO:<{RCPT_TO}>"), "250 ");
            typist.types("DATA", "354 ");
            typist.types("Subject: hello\r\n\r\nfrom s_client\r\n.", "250 ");
            typist.types("QUIT", "221 ");
            assert_eq!(lab.conversation().arrived_encrypted(), version, "{entry}");
        }
    }
}

#[test]
fn s_client_ends_a_handshake_that_was_signed_with_another_key() {
    let Some(openssl) = find() else { return };
    let mut lab = Served::entry("trust-key-mismatch");
    for version in ["-tls1_2", "-tls1_3"] {
        let refused = run(&mut s_client(&openssl, &lab, "mx1.lab.test", &[version]), "");
        refused.failed_saying("bad signature");
        lab.conversation().brought_nothing();
    }
}

#[test]
fn s_client_refuses_a_name_that_the_certificate_does_not_cover() {
    let Some(openssl) = find() else { return };
    let mut lab = Served::scenario("fqdn-mismatch");
    lab.mend(Fix::ConnectorFqdn, Save::Rename);

    for version in ["-tls1_2", "-tls1_3"] {
        let refused = run(&mut s_client(&openssl, &lab, NOT_IN_THE_CERTIFICATE, &[version]), "");
        refused.failed_saying("hostname mismatch");
        lab.conversation().brought_nothing();
    }
}

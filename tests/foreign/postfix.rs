//! A real Postfix that delivers through the lab.

use std::fs;
use std::path::Path;

use crate::support::{
    Fix, IN_THE_CERTIFICATE, MAIL_FROM, NOT_IN_THE_CERTIFICATE, PostfixInstance, RCPT_TO, Save, Served, run,
};

/// The services that one outbound delivery needs, and nothing that listens.
const MASTER_CF: &str = "\
pickup  unix        n - n 60    1 pickup
cleanup unix        n - n -     0 cleanup
qmgr    unix        n - n 300   1 qmgr
rewrite unix        - - n -     - trivial-rewrite
bounce  unix        - - n -     0 bounce
defer   unix        - - n -     0 bounce
trace   unix        - - n -     0 bounce
flush   unix        n - n 1000? 0 flush
smtp    unix        - - n -     - smtp
error   unix        - - n -     - error
retry   unix        - - n -     - error
tlsmgr  unix        - - n 1000? 1 tlsmgr
scache  unix        - - n -     1 scache
postlog unix-dgram  n - n -     1 postlogd
";

/// What Postfix demands of the next hop.
#[derive(Clone, Copy)]
enum Policy {
    /// TLS where it is offered.
    May,
    /// TLS or nothing.
    Encrypt,
    /// TLS with a certificate of the lab's CA for this name, or nothing.
    Secure(&'static str),
}

impl Policy {
    fn settings(self) -> String {
        match self {
            Self::May => "smtp_tls_security_level = may\n".to_owned(),
            Self::Encrypt => "smtp_tls_security_level = encrypt\n".to_owned(),
            Self::Secure(name) => {
                format!("smtp_tls_security_level = secure\nsmtp_tls_secure_cert_match = {name}\n")
            }
        }
    }
}

/// A running Postfix whose next hop is the lab.
struct Postfix(PostfixInstance);

impl Postfix {
    fn start(lab: &Served, policy: Policy) -> Option<Self> {
        let settings = settings(lab) + &policy.settings();
        PostfixInstance::start(MASTER_CF, &settings).map(Self)
    }

    /// Puts a message into the queue, which Postfix tries to deliver at once.
    fn submit(&self) {
        let mut sendmail = self.0.sendmail();
        run(sendmail.args(["-f", MAIL_FROM, RCPT_TO]), "Subject: hello\n\nfrom Postfix\n").succeeded();
    }

    /// Has Postfix try again the message that it deferred. It says so before it puts the message aside, and what is
    /// not there yet is not tried again.
    fn flush(&self) {
        while files(&self.0.queue("deferred")) == 0 {
            std::thread::yield_now();
        }
        run(self.0.command("postqueue").arg("-f"), "").succeeded();
    }

    /// Waits for a line of the log with `words` in it.
    fn says(&mut self, words: &str) -> String {
        self.0.says(words)
    }

    #[track_caller]
    fn delivers(&mut self) {
        let attempt = self.says("status=");
        assert!(attempt.contains("status=sent"), "{attempt}");
    }

    #[track_caller]
    fn defers_saying(&mut self, words: &str) {
        let attempt = self.says("status=");
        assert!(attempt.contains("status=deferred") && attempt.contains(words), "{attempt}");
    }
}

/// The number of files in a queue, which has folders of its own.
fn files(queue: &Path) -> usize {
    let entries = fs::read_dir(queue).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

fn settings(lab: &Served) -> String {
    let lab_address = lab.address();
    let (ip, port) = (lab_address.ip(), lab_address.port());
    let ca_file = lab.ca_file();
    let ca_file = ca_file.display();
    format!(
        "\
myhostname = sender.lab.test
mydestination =
local_transport = error:nobody is local
relayhost = [{ip}]:{port}
smtp_tls_CAfile = {ca_file}
smtp_tls_loglevel = 1
"
    )
}

#[test]
fn postfix_that_may_encrypt_delivers_in_clear_until_the_connector_has_the_certificates_name() {
    let mut lab = Served::scenario("fqdn-mismatch");
    let Some(mut postfix) = Postfix::start(&lab, Policy::May) else { return };

    postfix.submit();
    postfix.delivers();
    lab.conversation().arrived_in_clear();

    lab.mend(Fix::ConnectorFqdn, Save::Rename);

    postfix.submit();
    // It verifies nobody at this level, yet says that it could have: the lab's CA is in its CAfile.
    postfix.says("Trusted TLS connection established");
    postfix.delivers();
    lab.conversation().arrived_encrypted();
}

#[test]
fn postfix_that_must_encrypt_defers_a_message_and_delivers_it_once_the_connector_is_mended() {
    let mut lab = Served::scenario("fqdn-mismatch");
    let Some(mut postfix) = Postfix::start(&lab, Policy::Encrypt) else { return };

    postfix.submit();
    postfix.defers_saying("TLS is required, but was not offered");
    lab.conversation().brought_nothing();

    lab.mend(Fix::ConnectorFqdn, Save::Rename);

    postfix.flush();
    postfix.delivers();
    lab.conversation().arrived_encrypted();
}

#[test]
fn postfix_that_may_encrypt_and_postfix_that_must_deliver_encrypted_after_each_of_the_other_fixes() {
    for (scenario, fix) in
        [("fqdn-mismatch", Fix::CertificateNames), ("smtp-not-assigned", Fix::SmtpAssigned)]
    {
        let mut lab = Served::scenario(scenario);
        let Some(mut demanding) = Postfix::start(&lab, Policy::Encrypt) else { return };
        demanding.submit();
        demanding.defers_saying("TLS is required, but was not offered");
        lab.conversation().brought_nothing();

        lab.mend(fix, Save::Rename);

        demanding.flush();
        demanding.delivers();
        lab.conversation().arrived_encrypted();
        drop(demanding);
        let Some(mut opportunistic) = Postfix::start(&lab, Policy::May) else { return };
        opportunistic.submit();
        opportunistic.delivers();
        lab.conversation().arrived_encrypted();
    }
}

#[test]
fn postfix_that_must_verify_delivers_once_the_certificate_has_the_connectors_name() {
    let mut lab = Served::scenario("fqdn-mismatch");
    let Some(mut postfix) = Postfix::start(&lab, Policy::Secure(NOT_IN_THE_CERTIFICATE)) else { return };

    postfix.submit();
    postfix.defers_saying("TLS is required, but was not offered");
    lab.conversation().brought_nothing();

    lab.mend(Fix::CertificateNames, Save::Rename);

    postfix.flush();
    postfix.says("Verified TLS connection established");
    postfix.delivers();
    lab.conversation().arrived_encrypted();
}

#[test]
fn postfix_that_must_verify_defers_where_the_certificate_has_another_name() {
    let mut lab = Served::scenario("fqdn-mismatch");
    lab.mend(Fix::CertificateNames, Save::Rename);
    let Some(mut postfix) = Postfix::start(&lab, Policy::Secure(IN_THE_CERTIFICATE)) else { return };

    postfix.submit();
    postfix.defers_saying("Server certificate not verified");
    lab.conversation().brought_nothing();
}

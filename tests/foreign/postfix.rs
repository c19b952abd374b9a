//! A real Postfix that delivers through the lab: an instance of its own in a directory of its own,
//! which takes nothing from and leaves nothing to the one the machine may be running.
//!
//! Its `master` runs in the foreground under our handle and logs to its stdout, so the log is read
//! as it is written; and it leads a process group, so every daemon it started ends with it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::{
    Fix, IN_THE_CERTIFICATE, Lines, MAIL_FROM, NOT_IN_THE_CERTIFICATE, Program, RCPT_TO, Save, Served,
    missing, run,
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

/// A running Postfix. It ends, daemons and all, with the value.
struct Postfix {
    master: Child,
    log: Lines,
    sendmail: String,
    postqueue: String,
    directory: TempDir,
}

impl Postfix {
    fn start(lab: &Served, policy: Policy) -> Option<Self> {
        let postfix = Program::find("postfix", "postfix")?;
        let postconf = Program::find("postconf", "postfix")?;
        let directory = tempfile::tempdir().unwrap();
        if fs::metadata(directory.path()).unwrap().uid() != 0 {
            missing("Postfix", "is reserved for the superuser");
            return None;
        }

        let default = |name: &str| {
            let asked = run(postconf.command().args(["-d", "-h", name]), "");
            asked.succeeded();
            asked.stdout
        };
        let daemons = default("daemon_directory");
        let commands = default("command_directory");
        lay_out(directory.path(), &default("mail_owner"));
        let config = directory.path().join("etc");
        let main_cf = main_cf(directory.path(), &daemons, &commands, lab) + &policy.settings();
        fs::write(config.join("main.cf"), main_cf).unwrap();
        fs::write(config.join("master.cf"), MASTER_CF).unwrap();
        // Creates the queue's directories, with their owners.
        run(postfix.command().arg("-c").arg(&config).arg("check"), "").succeeded();

        let mut master = Command::new(Path::new(&daemons).join("master"))
            .arg("-c")
            .arg(&config)
            .arg("-s")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let log = Lines::of(master.stdout.take().unwrap());
        let sendmail = default("sendmail_path");
        let mut postfix =
            Self { master, log, sendmail, postqueue: format!("{commands}/postqueue"), directory };
        postfix.says("daemon started");
        Some(postfix)
    }

    /// Puts a message into the queue, which Postfix tries to deliver at once.
    fn submit(&self) {
        let mut sendmail = self.with_config(&self.sendmail, "-C");
        run(sendmail.args(["-f", MAIL_FROM, RCPT_TO]), "Subject: hello\n\nfrom Postfix\n").succeeded();
    }

    /// Has Postfix try again what it deferred.
    fn flush(&self) {
        run(self.with_config(&self.postqueue, "-c").arg("-f"), "").succeeded();
    }

    fn with_config(&self, program: &str, option: &str) -> Command {
        let mut command = Command::new(program);
        command.arg(option).arg(self.directory.path().join("etc"));
        command
    }

    /// Waits for a line of the log with `words` in it.
    fn says(&mut self, words: &str) -> String {
        self.log.wait_for(words, |line| line.contains(words))
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

    fn signal(&self, signal: &str, whom: &str) {
        // The shell's own `kill` is there on every system.
        let _ = run(Command::new("sh").args(["-c", "kill -s \"$0\" -- \"$1\"", signal, whom]), "");
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let master = self.master.id();
        // On TERM, `master` takes its daemons with it; KILL is for whoever did not listen.
        self.signal("TERM", &master.to_string());
        let _ = self.master.wait();
        self.signal("KILL", &format!("-{master}"));
        if std::thread::panicking() {
            eprintln!("-- Postfix --\n{}", self.log.so_far());
        }
    }
}

/// Directories as Postfix wants them: the data its own, the rest open to its daemons.
fn lay_out(directory: &Path, owner: &str) {
    for inner in ["etc", "queue", "data"] {
        fs::create_dir(directory.join(inner)).unwrap();
    }
    for open in ["", "etc", "queue"] {
        fs::set_permissions(directory.join(open), fs::Permissions::from_mode(0o755)).unwrap();
    }
    run(Command::new("chown").arg(owner).arg(directory.join("data")), "").succeeded();
}

fn main_cf(directory: &Path, daemons: &str, commands: &str, lab: &Served) -> String {
    let directory = directory.display();
    let lab_address = lab.address();
    let (ip, port) = (lab_address.ip(), lab_address.port());
    let ca_file = lab.ca_file();
    let ca_file = ca_file.display();
    format!(
        "\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
daemon_directory = {daemons}
command_directory = {commands}
maillog_file = /dev/stdout
myhostname = sender.lab.test
mydestination =
local_transport = error:nobody is local
alias_maps =
alias_database =
inet_interfaces = loopback-only
inet_protocols = ipv4
relayhost = [{ip}]:{port}
smtp_tls_CAfile = {ca_file}
smtp_tls_loglevel = 1
"
    )
}

#[test]
fn postfix_that_may_encrypt_delivers_in_clear_until_the_connector_has_the_certificates_name() {
    let mut lab = Served::story("fqdn-mismatch");
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
    let mut lab = Served::story("fqdn-mismatch");
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
    for (story, fix) in [("fqdn-mismatch", Fix::CertificateNames), ("smtp-not-assigned", Fix::SmtpAssigned)] {
        let mut lab = Served::story(story);
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
    let mut lab = Served::story("fqdn-mismatch");
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
    let mut lab = Served::story("fqdn-mismatch");
    lab.mend(Fix::CertificateNames, Save::Rename);
    let Some(mut postfix) = Postfix::start(&lab, Policy::Secure(IN_THE_CERTIFICATE)) else { return };

    postfix.submit();
    postfix.defers_saying("Server certificate not verified");
    lab.conversation().brought_nothing();
}

//! The lab as a program that serves, read through its ready line and its journal.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use super::{Fix, LabFile, Lines, MAIL_FROM, PATIENCE, RCPT_TO};
use crate::process::TimedOut;

/// A running lab. It ends with the value, whichever way the test ends.
pub(crate) struct Served {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    directory: TempDir,
    paper: LabFile,
    address: SocketAddr,
    records: Vec<Value>,
    /// The first record that nobody has waited for.
    unread: usize,
}

/// How an editor saves a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Save {
    /// A new file is written beside the old one and takes its name.
    Rename,
    /// The old file is truncated and written anew.
    Overwrite,
}

impl Served {
    /// Serves a built-in scenario from a lab file of its own.
    pub(crate) fn scenario(name: &str) -> Self {
        Self::serve(LabFile::of_story(name))
    }

    /// Serves an entry of the fault catalogue from a lab file of its own.
    pub(crate) fn entry(name: &str) -> Self {
        Self::serve(LabFile::of_entry(name))
    }

    fn serve(paper: LabFile) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(lab_file(&directory), paper.to_string()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_starttls-lab"))
            .arg("serve")
            .arg(lab_file(&directory))
            .args(["--port", "0", "--journal", "-", "--ca-file"])
            .arg(ca_file(&directory))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut served =
            Self { child, stdout, stderr, directory, paper, address, records: Vec::new(), unread: 0 };
        let ready = served.read(Instant::now() + PATIENCE, "the ready line");
        assert_eq!(ready["event"], "ready", "{ready}");
        served.address = ready["connectors"][0]["addr"].as_str().unwrap().parse().unwrap();
        served
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// The lab's root certificate as PEM.
    pub(crate) fn ca_file(&self) -> PathBuf {
        ca_file(&self.directory)
    }

    /// Saves the lab file with `fix` applied, waits until the lab has read it, and returns the name
    /// the connector's certificate covers now.
    pub(crate) fn mend(&mut self, fix: Fix, save: Save) -> String {
        self.paper.apply(fix);
        let text = self.paper.to_string();
        match save {
            Save::Overwrite => fs::write(lab_file(&self.directory), text).unwrap(),
            Save::Rename => {
                let beside = self.directory.path().join("lab.toml.new");
                fs::write(&beside, text).unwrap();
                fs::rename(beside, lab_file(&self.directory)).unwrap();
            }
        }
        self.record("changed");
        self.paper.connector_fqdn()
    }

    /// Waits for the next record of a kind.
    pub(crate) fn record(&mut self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.unread == self.records.len() {
                let record = self.read(deadline, &format!("a record `{kind}`"));
                self.records.push(record);
            }
            let record = &self.records[self.unread];
            self.unread += 1;
            if record["record"] == kind {
                return record.clone();
            }
        }
    }

    /// Waits for the end of the next conversation and returns its records. The journal is written
    /// before the wire is, so a message that is not in here was not accepted.
    pub(crate) fn conversation(&mut self) -> Conversation {
        let session = self.record("disconnected")["session"].clone();
        assert!(!session.is_null(), "a disconnection without its session");
        let records = self.records[..self.unread].iter().filter(|record| record["session"] == session);
        Conversation(records.cloned().collect())
    }

    fn read(&mut self, deadline: Instant, what: &str) -> Value {
        match self.stdout.next(deadline) {
            Ok(Some(line)) => match serde_json::from_str(&line) {
                Ok(value) => value,
                Err(error) => panic!("stdout is for JSON, {error}: {line}"),
            },
            Ok(None) => panic!("the lab ended before {what}:\n{}", self.so_far()),
            Err(TimedOut) => panic!("waited in vain for {what}:\n{}", self.so_far()),
        }
    }

    fn so_far(&mut self) -> String {
        format!("{}\n-- its diagnostics --\n{}", self.stdout.so_far(), self.stderr.so_far())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("-- the lab --\n{}", self.so_far());
        }
    }
}

fn lab_file(directory: &TempDir) -> PathBuf {
    directory.path().join("lab.toml")
}

fn ca_file(directory: &TempDir) -> PathBuf {
    AsRef::<Path>::as_ref(directory).join("ca.pem")
}

/// The records of one connection, from its first to its last.
#[derive(Debug)]
pub(crate) struct Conversation(Vec<Value>);

impl Conversation {
    /// One message arrived, and nothing on its way was encrypted.
    #[track_caller]
    pub(crate) fn arrived_in_clear(&self) {
        let message = self.message();
        assert!(message["tls"].is_null(), "{message}");
        assert_eq!(message["protocol"], "ESMTP", "{message}");
        assert!(!self.handshake_succeeded(), "{self:#?}");
    }

    /// One message arrived through TLS; returns the protocol version.
    #[track_caller]
    pub(crate) fn arrived_encrypted(&self) -> String {
        let message = self.message();
        assert_eq!(message["protocol"], "ESMTPS", "{message}");
        assert!(self.handshake_succeeded(), "{self:#?}");
        message["tls"]["version"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn brought_nothing(&self) {
        assert!(self.of_kind("message").next().is_none(), "a message was accepted: {self:#?}");
    }

    #[track_caller]
    fn message(&self) -> &Value {
        let [message] = self.of_kind("message").collect::<Vec<_>>()[..] else {
            panic!("not exactly one message: {self:#?}");
        };
        assert_eq!(message["mail_from"], MAIL_FROM, "{message}");
        assert_eq!(message["rcpt_to"], serde_json::json!([RCPT_TO]), "{message}");
        message
    }

    fn handshake_succeeded(&self) -> bool {
        self.of_kind("tls").any(|record| record["outcome"] == "established")
    }

    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |record| record["record"] == kind)
    }
}

//! aiosmtpd, the server that Python programs are built on: SMTP in Python, TLS by Python's asyncio.
//! What it has taken is in a maildir, written before the 250.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::lab::SendingLab;
use super::{Face, Mail, Receiver, every_sender_ends_as_its_class_says};
use crate::support::{Lines, Program, missing, run};

/// Where `.ci/run` installs it.
const ENVIRONMENT: &str = "target/aiosmtpd";

const FACES: [Face; 7] = [
    Face::Good,
    Face::OtherHost,
    Face::OtherDomain,
    Face::SelfSigned,
    Face::Expired,
    Face::NotOffered,
    Face::OldTls,
];

/// A process with a server for every face.
pub(super) struct Aiosmtpd {
    child: Child,
    stderr: Lines,
    addresses: Vec<SocketAddr>,
    directory: TempDir,
}

impl Aiosmtpd {
    pub(super) fn start(lab: &SendingLab) -> Option<Self> {
        let python = find()?;
        let directory = tempfile::tempdir().unwrap();
        let mut command = python.command();
        command.args(["-c", include_str!("aiosmtpd.py")]);
        for face in FACES {
            command.arg(directory.path().join(format!("{face:?}")));
            match face.certificate() {
                Some(label) => {
                    let (chain, key) = lab.write_pem(label, directory.path());
                    command.arg(chain).arg(key)
                }
                None => command.args(["", ""]),
            };
            command.arg(if face == Face::OldTls { "TLSv1_1" } else { "MAXIMUM_SUPPORTED" });
        }
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut said = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        let mut started = Self { child, stderr, addresses: Vec::new(), directory };
        for face in FACES {
            let port: u16 = said.wait_for(&format!("the port of {face:?}"), |_| true).parse().unwrap();
            started.addresses.push(([127, 0, 0, 1], port).into());
        }
        Some(started)
    }
}

impl Receiver for Aiosmtpd {
    fn faces(&self) -> Vec<Face> {
        FACES.to_vec()
    }

    fn address(&self, face: Face) -> SocketAddr {
        self.addresses[FACES.iter().position(|known| *known == face).unwrap()]
    }

    fn arrived(&mut self, face: Face) -> Vec<Mail> {
        let new = self.directory.path().join(format!("{face:?}")).join("new");
        let files = fs::read_dir(new).unwrap().map(|file| file.unwrap().path());
        files
            .map(|path| {
                let text = fs::read_to_string(&path).unwrap();
                fs::remove_file(&path).unwrap();
                let field = |name: &str| {
                    let found = text.lines().find_map(|line| line.strip_prefix(name));
                    found.unwrap_or_else(|| panic!("no {name} {text}")).trim().to_owned()
                };
                let (from, to, subject) = (field("X-MailFrom:"), field("X-RcptTo:"), field("Subject:"));
                Mail { from, to, subject, encrypted: field("X-TLS:").starts_with("TLSv1.") }
            })
            .collect()
    }
}

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("-- aiosmtpd --\n{}", self.stderr.so_far());
        }
    }
}

/// The Python that has it: the one of the environment, or else the system's.
fn find() -> Option<Program> {
    let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join(ENVIRONMENT).join("bin/python3");
    let python = Program::at(environment).or_else(|| Program::find("python3", "python3"))?;
    if run(python.command().args(["-c", "import aiosmtpd.smtp"]), "").status.success() {
        return Some(python);
    }
    missing("aiosmtpd", &format!("is not installed (.ci/run installs it into {ENVIRONMENT})"));
    None
}

#[tokio::test]
async fn every_sender_ends_at_aiosmtpd_as_its_class_says() {
    let lab = SendingLab::start().await;
    let Some(mut aiosmtpd) = Aiosmtpd::start(&lab) else { return };
    every_sender_ends_as_its_class_says(&lab, &mut aiosmtpd).await;
}

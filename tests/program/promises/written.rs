//! What is written: the files that were asked for, and no key in any of them.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::first_screen::EVENT;
use crate::fixture::support::{Served, Talk, program, run, seed_that_stands, signal, text};

/// A folder in which everything that a program writes by itself would be found: it is where it runs, its home and its
/// place for temporary files.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for name in ["home", "temporary"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self) -> Command {
        self.within(program())
    }

    /// A script of sh, whose `$0` is the program.
    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_starttls-lab")]);
        self.within(command)
    }

    fn within(&self, mut command: Command) -> Command {
        command.current_dir(self.0.path()).env("HOME", self.path("home"));
        for name in ["TMPDIR", "TMP", "TEMP"] {
            command.env(name, self.path("temporary"));
        }
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            command.env_remove(name);
        }
        command
    }

    /// Returns every file, by its path below the folder.
    fn files(&self) -> BTreeSet<String> {
        let mut files = BTreeSet::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.strip_prefix(self.0.path()).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        files
    }

    #[track_caller]
    fn assert_no_key(&self) {
        for file in self.files() {
            let bytes = fs::read(self.path(&file)).unwrap();
            assert!(!holds_a_key(&bytes), "{file} holds a private key");
        }
    }
}

/// Returns whether there is a private key in it: as PEM, or one on P-256 as DER (RFC 5958, RFC 5915). In a certificate
/// a BIT STRING follows the name of the curve, and in a key an OCTET STRING.
fn holds_a_key(bytes: &[u8]) -> bool {
    const KEY: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04];
    [b"PRIVATE KEY".as_slice(), KEY].iter().any(|key| bytes.windows(key.len()).any(|window| window == *key))
}

#[test]
fn a_key_in_a_file_is_found() {
    let key = starttls_lab::internal::pki::KeyPair::generate(Default::default()).unwrap();
    assert!(holds_a_key(key.to_pem().as_bytes()) && holds_a_key(key.pkcs8_der()));
    assert!(!holds_a_key(b"-----BEGIN CERTIFICATE-----"));
}

#[test]
fn a_lab_writes_what_was_asked_for_and_no_key() {
    let place = Place::new();
    let mut serve = place.shell("umask 077; exec \"$0\" \"$@\"");
    serve.args(["serve", "--port", "0", "--ca-file", "ca.pem", "--journal", "journal.jsonl"]);
    serve.args(["--log-dir", "logs", "--ready-file", "ready.json", "--log", "trace"]);
    let lab = seed_that_stands();
    serve.arg(lab.path());
    let served = Served::start_as(&mut serve);
    Talk::open(&served.address()).message();
    signal(served.pid(), "TERM");
    assert_eq!(served.end().status.code(), Some(0));
    let protocol = |name: &String| name.starts_with("logs/RECV");
    let (protocols, written): (BTreeSet<_>, BTreeSet<_>) = place.files().into_iter().partition(protocol);
    assert_eq!(protocols.len(), 1, "{protocols:?}");
    let asked_for = [
        "ca.pem",
        "journal.jsonl",
        "logs/Application.jsonl",
        "logs/Application.txt",
        "logs/Application.xml",
        "logs/messages/000001.eml",
    ];
    assert_eq!(written, asked_for.map(str::to_owned).into());
    for file in &written {
        let mode = fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o177, 0, "the umask is not what {file} has: {mode:o}");
    }
    for arguments in [
        &["check", "fqdn-mismatch"][..],
        &["verify", "fqdn-mismatch", "--junit", "verify.xml", "--html", "verify.html"],
        &["renew", "pin-stale"],
        &["certs", "fqdn-mismatch", "--dir", "certs"],
        &["explain", EVENT],
        &["exec", "fqdn-mismatch", "--trust-env", "--", "true"],
    ] {
        let ended = run(place.program().args(arguments));
        assert!(!text(&ended.stderr).contains("error"), "{arguments:?}: {}", text(&ended.stderr));
        assert!(ended.status.code().is_some_and(|code| code < 2), "{arguments:?}: {}", text(&ended.stderr));
    }
    let more = place.files();
    let unasked = more.iter().filter(|file| ["home/", "temporary/"].iter().any(|it| file.starts_with(it)));
    assert_eq!(unasked.collect::<Vec<_>>(), [""; 0]);
    place.assert_no_key();
}

#[test]
fn the_folder_of_exec_is_for_its_user_alone_and_holds_no_key() {
    let place = Place::new();
    let command = "cp -Rp \"$(dirname \"$SSL_CERT_FILE\")\" kept";
    let ended = run(place.program().args(["exec", "healthy", "--trust-env", "--", "sh", "-c", command]));
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let kept = place.path("kept");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o700);
    let files = place.files();
    assert_eq!(files, ["kept/ca.jks", "kept/ca.pem"].map(str::to_owned).into());
    place.assert_no_key();
}

/// Whoever else can write to a folder could otherwise have a file of his choice overwritten.
#[test]
fn a_link_beside_a_file_that_is_written_whole_is_not_followed() {
    let place = Place::new();
    let victim = place.path("victim");
    fs::write(&victim, "untouched").unwrap();
    // The number of a process is known before it writes.
    let link = "ln -s victim ready.json.$$.tmp; exec \"$0\" serve --port 0 --ready-file ready.json";
    let served = Served::start_as(&mut place.shell(link));
    let ready = place.path("ready.json");
    while !ready.exists() {
        std::thread::yield_now();
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(!is_link(&ready) && fs::read_to_string(&ready).unwrap() == served.line);
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).unwrap().is_symlink()
}

//! Which foreign programs are installed. A program that is not is skipped, and that is said; with
//! `STARTTLS_LAB_REQUIRE_CLIENTS=1` it is a failure. No test asks in another way.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIRE: &str = "STARTTLS_LAB_REQUIRE_CLIENTS";

/// Where administrators' programs are, which an ordinary user's `PATH` leaves out.
const SYSTEM_DIRECTORIES: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Variables that send clients to a proxy, which reaches no lab of this machine.
pub(crate) const PROXIES: [&str; 6] =
    ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// A foreign program that is installed.
pub(crate) struct Program {
    path: PathBuf,
}

impl Program {
    /// Finds `name` on the `PATH`. `None` means that the test has to return: it is skipped, and that
    /// has been said.
    pub(crate) fn find(name: &str, package: &str) -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path)
            .chain(SYSTEM_DIRECTORIES.map(PathBuf::from))
            .map(|directory| directory.join(name))
            .find(|candidate| candidate.is_file());
        if found.is_none() {
            missing(name, &format!("is not installed (Debian package {package})"));
        }
        found.map(|path| Self { path })
    }

    /// The program in this place, if there is one.
    pub(crate) fn at(path: PathBuf) -> Option<Self> {
        path.is_file().then_some(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        for name in PROXIES {
            command.env_remove(name);
        }
        command
    }
}

/// Whether a file is there that `how` would have put there.
pub(crate) fn is_there(file: &Path, how: &str) -> bool {
    let there = file.is_file();
    if !there {
        let name = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(file);
        missing(&name.display().to_string(), &format!("is not there ({how})"));
    }
    there
}

/// Says why a client cannot be run; fails the test where every client has to be.
pub(crate) fn missing(client: &str, why: &str) {
    assert!(env::var_os(REQUIRE).is_none_or(|value| value != "1"), "{client} {why}, and {REQUIRE}=1");
    // Not by `eprintln!`, which the test harness swallows when the test passes; and at once, because several
    // tests may say it.
    let _ = io::stderr().write_all(format!("SKIPPED: {client} {why}\n").as_bytes());
}

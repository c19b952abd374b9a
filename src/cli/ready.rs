//! The ready line: what `serve` says once its ports are open, on standard output and in `--ready-file`.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::output::Failure;
use super::recording::file_error;
use crate::console::Console;
use crate::lab::{Engine, Listening};

/// The ready line.
#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    version: &'static str,
    control: Option<&'a str>,
    connectors: &'a [Listening],
    ca_file: Option<String>,
    pid: u32,
}

/// The ready line of a running lab, with its line end.
pub(super) fn line(
    lab: &Engine,
    console: Option<&Console>,
    ca_file: Option<&Path>,
) -> Result<String, Failure> {
    let ready = Ready {
        event: "ready",
        version: env!("CARGO_PKG_VERSION"),
        control: console.map(Console::url),
        connectors: &lab.connectors(),
        ca_file: ca_file.map(|path| path.display().to_string()),
        pid: std::process::id(),
    };
    let line = serde_json::to_string(&ready).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(format!("{line}\n"))
}

/// A file that is there as long as the lab takes connections.
pub(super) struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Removes what a lab that was killed left behind.
    pub(super) fn clear(path: &Path) -> Result<(), Failure> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(path, &error)),
            _ => Ok(()),
        }
    }

    /// Puts `line` there at once: whoever finds the file finds all of it.
    pub(super) fn write(path: &Path, line: &str) -> Result<Self, Failure> {
        let Some(name) = path.file_name() else {
            return Err(Failure::usage(format!("{} is not the name of a file", path.display())));
        };
        let mut beside = name.to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = path.with_file_name(beside);
        let written = fs::write(&beside, line).and_then(|()| fs::rename(&beside, path));
        written.map_err(|error| {
            fs::remove_file(&beside).ok();
            file_error(path, &error)
        })?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// What is read back of a ready line.
#[derive(Deserialize)]
struct Read {
    connectors: Vec<ReadConnector>,
}

#[derive(Deserialize)]
struct ReadConnector {
    addr: SocketAddr,
}

/// Where the first connector of the lab listens that wrote `path`.
///
/// # Errors
///
/// A sentence; the file may come or be mended later.
pub(super) fn first_address(path: &Path) -> Result<SocketAddr, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let ready: Read = serde_json::from_str(&text)
        .map_err(|error| format!("{} is no ready line: {error}", path.display()))?;
    let first = ready.connectors.first().map(|connector| connector.addr);
    first.ok_or_else(|| format!("{}: no connector of that lab listens", path.display()))
}

//! The ready line that `serve` prints once its ports are open, on standard output and in `--ready-file`.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::inputs;
use super::output::Failure;
use super::recording::file_error;
use super::whole_file::write_whole;
use crate::http::ControlApi;
use crate::journal::safe_json;
use crate::lab::{Engine, Listening};

/// The ready line.
#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    version: &'static str,
    control: Option<&'a str>,
    page: Option<&'a str>,
    connectors: &'a [Listening],
    ca_file: Option<String>,
    pid: u32,
}

/// The ready line of a running lab, with its line end.
pub(super) fn line(
    lab: &Engine,
    console: Option<&ControlApi>,
    ca_file: Option<&Path>,
) -> Result<String, Failure> {
    let ready = Ready {
        event: "ready",
        version: env!("CARGO_PKG_VERSION"),
        control: console.map(ControlApi::url),
        page: console.map(ControlApi::page),
        connectors: &lab.connectors(),
        ca_file: ca_file.map(|path| path.display().to_string()),
        pid: std::process::id(),
    };
    let line = serde_json::to_string(&ready).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(format!("{}\n", safe_json(line)))
}

/// A file that exists as long as the lab accepts connections.
pub(super) struct ReadyFile {
    path: PathBuf,
    line: String,
}

impl ReadyFile {
    /// Removes the file of a lab that was killed; the file of a running lab stays.
    pub(super) fn clear(path: &Path) -> Result<(), Failure> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(file_error(path, &no_file()));
        }
        if Announced::read(path).is_ok_and(|announced| announced.lives()) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(path, &error)),
            _ => Ok(()),
        }
    }

    /// Checks that the file belongs to no other lab that runs.
    ///
    /// # Errors
    ///
    /// Fails where one does, because whoever reads the file waits for that lab.
    pub(super) fn check_free(path: &Path) -> Result<(), Failure> {
        match Announced::read(path) {
            Ok(announced) if announced.lives() => Err(Failure::usage(format!(
                "{}: another lab{} has written this file and still runs; name another one",
                path.display(),
                announced.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
            ))),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Writes `line` to the file atomically: a reader that finds the file finds all of it.
    pub(super) fn write(path: &Path, line: &str) -> Result<Self, Failure> {
        write_whole(path, line.as_bytes()).map_err(|error| file_error(path, &error))?;
        Ok(Self { path: path.to_owned(), line: line.to_owned() })
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // A lab that was started later may have written its own line there.
        if read(&self.path).is_ok_and(|line| line == self.line) {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// The maximum size of a ready line, in bytes: some thousands of connectors.
const LONGEST: usize = 1 << 20;

/// Reads a ready file. A pipe is not waited for, and a device not read to an end that it may not have.
fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(no_file());
    }
    inputs::text(path, LONGEST)
}

fn no_file() -> io::Error {
    io::Error::other("this is no regular file")
}

/// The part of a ready line that is read back.
#[derive(Debug, Deserialize)]
pub(super) struct Announced {
    #[serde(default)]
    control: Option<String>,
    connectors: Vec<serde_json::Value>,
    #[serde(default)]
    pid: Option<u32>,
}

/// The reason why a ready file does not lead to a lab.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotReady {
    /// The file does not exist, or cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file holds something other than a ready line.
    #[error("{} is no ready line: {error}", path.display())]
    Line {
        /// The path of the file.
        path: PathBuf,
        /// The error in the line.
        error: serde_json::Error,
    },
    /// The lab has no connector that listens.
    #[error("{}: no connector of that lab listens", .0.display())]
    NoConnector(PathBuf),
}

impl Announced {
    /// Reads the ready line that a lab has left at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, NotReady> {
        let text = read(path);
        let text = text.map_err(|error| NotReady::File { path: path.to_owned(), error })?;
        let announced: Self =
            serde_json::from_str(&text).map_err(|error| NotReady::Line { path: path.to_owned(), error })?;
        if announced.connectors.is_empty() {
            return Err(NotReady::NoConnector(path.to_owned()));
        }
        Ok(announced)
    }

    /// The address of the lab's control API.
    pub(super) fn control(&self) -> Option<&str> {
        self.control.as_deref()
    }

    /// Returns whether the process that wrote the line still exists, as far as the system can tell.
    pub(super) fn has_process(&self) -> bool {
        let Some(pid) = self.pid else { return true };
        // Linux lists processes in /proc; elsewhere the file alone has to do.
        let processes = Path::new("/proc/self");
        !processes.exists() || Path::new("/proc").join(pid.to_string()).exists()
    }

    /// Returns whether the lab still runs, as another process.
    fn lives(&self) -> bool {
        // In a container every lab is process 1, the one that was killed and this one.
        if self.pid == Some(std::process::id()) || !self.has_process() {
            return false;
        }
        let address = self.control.as_deref().and_then(|url| url.strip_prefix("http://"));
        match address.and_then(|address| address.parse::<SocketAddr>().ok()) {
            Some(address) => TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok(),
            None => true,
        }
    }
}

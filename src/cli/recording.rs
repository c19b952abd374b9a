//! `--journal` and `--log-dir`: the files that all events are written to, entry by entry.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::appender::{Appender, Causes};
use super::follow::{Follower, Layout, begin_at, stdout};
use super::logs::LogDirectory;
use super::output::Failure;
use crate::journal::{Entry, Record};
use crate::lab::Engine;

/// Arguments of every verb that runs a lab.
#[derive(Debug, clap::Args)]
pub(super) struct RecordingArgs {
    /// Write the journal as JSON lines to this file, or (`serve` only) with - to standard output
    #[arg(long, env = "STARTTLS_LAB_JOURNAL", value_name = "FILE|-")]
    journal: Option<PathBuf>,
    /// Write what Exchange would write into this directory: the Application log, the SmtpReceive
    /// protocol log, and every message. What an earlier lab has left there moves to earlier-1, earlier-2, ...
    #[arg(long, env = "STARTTLS_LAB_LOG_DIR", value_name = "DIR")]
    log_dir: Option<PathBuf>,
}

/// The files that are being written; [`finish`](Recording::finish) writes the rest.
#[derive(Default)]
pub(super) struct Recording {
    causes: Causes,
    journals: Vec<Arc<Mutex<Appender>>>,
    logs: Option<Arc<Mutex<LogDirectory>>>,
    streams: Vec<Follower>,
}

impl RecordingArgs {
    /// Returns whether the journal was asked for on standard output.
    pub(super) fn is_to_stdout(&self) -> bool {
        self.journal.as_ref().is_some_and(|path| path.as_os_str() == "-")
    }

    /// Connects the journal of `lab` with the files.
    pub(super) fn attach(&self, lab: &Engine) -> Result<Recording, Failure> {
        let mut recording = Recording::default();
        if let Some(dir) = &self.log_dir {
            let logs = LogDirectory::create(dir, recording.causes.clone())?;
            let logs = Arc::new(Mutex::new(logs));
            recording.logs = Some(Arc::clone(&logs));
            lab.journal().listen(Box::new(move |entry| lock(&logs).write(entry)));
        }
        let Some(path) = self.journal.as_ref().filter(|_| !self.is_to_stdout()) else { return Ok(recording) };
        // A pipe or a device may have a slow reader, and the lab must not wait for it.
        if std::fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            recording.streams.push(begin_at(lab, path, recording.causes.clone())?);
        } else {
            recording.journal(lab, path)?;
        }
        Ok(recording)
    }
}

impl Recording {
    /// Writes every entry as a line of JSON to a file: the entries of one step together, and before its reply
    /// is sent.
    fn journal(&mut self, lab: &Engine, path: &Path) -> Result<(), Failure> {
        let file = Arc::new(Mutex::new(Appender::create(path, self.causes.clone())?));
        self.journals.push(Arc::clone(&file));
        lab.journal().listen(Box::new(move |entry| write_line(&mut lock(&file), entry)));
        Ok(())
    }

    /// Writes every entry to standard output, as fast as it is read.
    pub(super) fn follow_to_stdout(&mut self, lab: &Engine, layout: Layout) -> Result<(), Failure> {
        let lab = (lab.journal(), lab.observer());
        // Opened before clients come, who may leave no descriptor for it.
        let to = stdout().map_err(|error| Failure::usage(format!("standard output: {error}")))?;
        let open = move || Ok(to);
        let follower = Follower::begin(lab, layout, "standard output", self.causes.clone(), open)?;
        self.streams.push(follower);
        Ok(())
    }

    /// Writes the rest, until `deadline` where it depends on a reader.
    ///
    /// # Errors
    ///
    /// Fails where something could not be written.
    pub(super) fn finish(&self, deadline: Instant) -> Result<(), Failure> {
        let mut missing: Vec<String> =
            self.journals.iter().filter_map(|journal| lock(journal).finish()).collect();
        missing.extend(self.logs.iter().flat_map(|logs| lock(logs).finish()));
        let streams = self.streams.iter().filter_map(|stream| stream.finish(deadline).err());
        missing.extend(streams.map(|failure| failure.to_string()));
        if missing.is_empty() { Ok(()) } else { Err(Failure::unmet(missing.join("; "))) }
    }
}

fn write_line(file: &mut Appender, entry: &Entry) {
    file.put(format!("{}\n", entry.to_json()).as_bytes());
    if ends_a_step(&entry.record) {
        file.flush();
    }
}

// Pieces are whole whenever the lock is free, so a panic in another thread does not spoil them.
fn lock<T>(file: &Mutex<T>) -> MutexGuard<'_, T> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether a peer or an operator can observe the entry before the next one is made. Received data is
/// answered, and the answer is an entry of its own.
pub(super) fn ends_a_step(record: &Record) -> bool {
    !matches!(record, Record::Received(_) | Record::ReceivedSecret | Record::Content(_) | Record::Message(_))
}

/// Returns the failure for a file that cannot be written, which is wrong usage.
pub(super) fn file_error(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_answered_is_written_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let mut file = Appender::create(&path, Causes::default()).unwrap();
        let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
        let mut tell = |seq, record| {
            let entry = Entry { seq, time: jiff::Timestamp::UNIX_EPOCH, place: None, record };
            write_line(&mut file, &entry);
        };
        tell(1, Record::Connected);
        tell(2, Record::ReceivedSecret);
        assert_eq!(lines(), 1, "what was received waits for its answer");
        assert_eq!((file.finish(), lines()), (None, 2));
        assert_eq!((file.finish(), lines()), (None, 2));
    }
}

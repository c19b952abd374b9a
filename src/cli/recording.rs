//! `--journal` and `--log-dir`: where everything that happens is written, entry by entry.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::logs::LogDirectory;
use super::output::Failure;
use crate::journal::{Entry, Journal, Record};

/// Arguments of every verb that plays a lab.
#[derive(Debug, clap::Args)]
pub(super) struct RecordingArgs {
    /// Write the journal as JSON lines to this file, or (`serve` only) with - to standard output
    #[arg(long, env = "STARTTLS_LAB_JOURNAL", value_name = "FILE|-")]
    journal: Option<PathBuf>,
    /// Write what Exchange would write into this directory: the Application log, the SmtpReceive
    /// protocol log, and every message
    #[arg(long, env = "STARTTLS_LAB_LOG_DIR", value_name = "DIR")]
    log_dir: Option<PathBuf>,
}

/// What is being written; [`finish`](Recording::finish) writes the rest of it.
#[derive(Default)]
pub(super) struct Recording(Vec<Arc<Mutex<Lines>>>);

/// A journal on its way into a file: entries of one step are written together, and before its reply is sent.
struct Lines {
    to: Box<dyn Write + Send>,
    waiting: Vec<u8>,
    broken: bool,
}

impl RecordingArgs {
    /// Whether the journal was asked for on standard output.
    pub(super) fn is_to_stdout(&self) -> bool {
        self.journal.as_ref().is_some_and(|path| path.as_os_str() == "-")
    }

    /// Connects the journal with the files.
    pub(super) fn attach(&self, journal: &Journal) -> Result<Recording, Failure> {
        let mut recording = Recording::default();
        if let Some(dir) = &self.log_dir {
            let mut logs = LogDirectory::create(dir).map_err(|error| file_error(dir, &error))?;
            journal.listen(Box::new(move |entry| logs.write(entry)));
        }
        if let Some(path) = self.journal.as_ref().filter(|_| !self.is_to_stdout()) {
            let file = File::create(path).map_err(|error| file_error(path, &error))?;
            recording.lines(journal, file);
        }
        Ok(recording)
    }
}

impl Recording {
    /// Writes every entry of `journal` as a line of JSON.
    pub(super) fn lines(&mut self, journal: &Journal, to: impl Write + Send + 'static) {
        let lines = Lines { to: Box::new(to), waiting: Vec::new(), broken: false };
        let lines = Arc::new(Mutex::new(lines));
        self.0.push(Arc::clone(&lines));
        journal.listen(Box::new(move |entry| lock(&lines).entry(entry)));
    }

    /// Writes what still waits for the end of its step, because the conversation was cut off.
    pub(super) fn finish(&self) {
        for lines in &self.0 {
            lock(lines).flush();
        }
    }
}

// Lines are whole whenever the lock is free, so a panic elsewhere does not spoil them.
fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    fn entry(&mut self, entry: &Entry) {
        if self.broken {
            return;
        }
        if let Err(error) = serde_json::to_writer(&mut self.waiting, entry) {
            return self.give_up(&error.into());
        }
        self.waiting.push(b'\n');
        if ends_a_step(&entry.record) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.broken {
            return;
        }
        let written = self.to.write_all(&self.waiting).and_then(|()| self.to.flush());
        self.waiting.clear();
        if let Err(error) = written {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        self.broken = true;
        tracing::error!(%error, "the journal cannot be written any more");
    }
}

/// Whether a peer or an operator can know of the entry before the next one is made. What was received
/// is answered, and the answer is an entry of its own.
pub(super) fn ends_a_step(record: &Record) -> bool {
    !matches!(record, Record::Received(_) | Record::ReceivedSecret | Record::Content(_) | Record::Message(_))
}

/// A file that cannot be written is wrong usage.
pub(super) fn file_error(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Bounds;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn lines(&self) -> usize {
            self.0.lock().unwrap().iter().filter(|octet| **octet == b'\n').count()
        }
    }

    #[test]
    fn what_was_never_answered_is_written_at_the_end() {
        let (journal, page, mut recording) =
            (Journal::new(Bounds::default()), Page::default(), Recording::default());
        recording.lines(&journal, page.clone());
        let tell = |record| journal.append(jiff::Timestamp::UNIX_EPOCH, None, record);
        tell(Record::Connected);
        tell(Record::ReceivedSecret);
        assert_eq!(page.lines(), 1, "what was received waits for its answer");
        recording.finish();
        assert_eq!(page.lines(), 2);
        recording.finish();
        assert_eq!(page.lines(), 2);
    }
}

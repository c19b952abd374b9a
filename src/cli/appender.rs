//! A file that is written entry by entry, and what becomes of what cannot be written.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::output::Failure;
use super::recording::file_error;

/// What is not yet written for want of room or descriptors is kept up to so many bytes for another try.
const MOST_OWED: usize = 16 << 20;

/// Says of every cause once that it keeps something from being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Causes(Arc<Mutex<BTreeSet<String>>>);

impl Causes {
    pub(super) fn say(&self, path: &Path, error: &io::Error) {
        let cause = error.to_string();
        // A name in a set is there or not, whoever panicked.
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cause) {
            tracing::error!(%error, file = %path.display(), "cannot be written for now; it is tried again");
        }
    }
}

/// A file that grows by whole pieces.
#[derive(Debug)]
pub(super) struct Appender {
    path: PathBuf,
    file: Option<File>,
    /// How long the file is where it consists of whole pieces.
    whole: u64,
    owed: Vec<u8>,
    owed_pieces: u64,
    lost_pieces: u64,
    causes: Causes,
    error: Option<io::Error>,
}

impl Appender {
    /// Begins a file anew. It is this program's alone from then on, where the system knows such locks.
    pub(super) fn create(path: &Path, causes: Causes) -> Result<Self, Failure> {
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| file_error(path, &error))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Failure::usage(format!(
                "{}: another lab writes this file; name another one",
                path.display()
            )));
        }
        // A device has no length to be cut to.
        file.set_len(0).ok();
        let mut appender = Self::later(path, causes);
        appender.file = Some(file);
        Ok(appender)
    }

    /// A file that is begun anew when there is something to write.
    pub(super) fn later(path: &Path, causes: Causes) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            whole: 0,
            owed: Vec::new(),
            owed_pieces: 0,
            lost_pieces: 0,
            causes,
            error: None,
        }
    }

    /// Adds a piece; it is written with the next [`flush`](Self::flush).
    pub(super) fn put(&mut self, piece: &[u8]) {
        if self.owed.len() + piece.len() > MOST_OWED && self.error.is_some() {
            self.lost_pieces += 1;
            return;
        }
        self.owed.extend_from_slice(piece);
        self.owed_pieces += 1;
    }

    /// Writes what is owed, or keeps it for the next time.
    pub(super) fn flush(&mut self) {
        if self.owed.is_empty() {
            return;
        }
        match self.try_flush() {
            Ok(()) => {
                self.whole += self.owed.len() as u64;
                self.owed.clear();
                self.owed_pieces = 0;
                self.error = None;
            }
            Err(error) => {
                self.causes.say(&self.path, &error);
                self.error = Some(error);
            }
        }
    }

    /// Returns whether everything that was put here stands in the file.
    pub(super) fn is_complete(&self) -> bool {
        self.owed.is_empty() && self.lost_pieces == 0
    }

    fn try_flush(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::create(&self.path)?),
        };
        let written = file.write_all(&self.owed).and_then(|()| file.flush());
        if written.is_err() {
            // What came through is taken back, or the next try would say it twice. A device cannot.
            file.set_len(self.whole).and_then(|()| file.seek(SeekFrom::Start(self.whole))).ok();
        }
        written
    }

    /// Tries a last time, and says how many pieces are not in the file, and why.
    pub(super) fn finish(&mut self) -> Option<String> {
        self.flush();
        let missing = self.lost_pieces + self.owed_pieces;
        let why = self.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        (missing > 0).then(|| format!("{} lacks {missing} entries{why}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_written_later_and_counted_where_it_was_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder").join("file");
        let mut file = Appender::later(&path, Causes::default());
        file.put(b"one\n");
        file.flush();
        assert!(file.finish().unwrap().contains("lacks 1 entries"));
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        file.put(b"two\n");
        assert_eq!(file.finish(), None);
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn a_file_is_one_labs_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let mut first = Appender::create(&path, Causes::default()).unwrap();
        first.put(b"one\n");
        first.flush();
        let second = Appender::create(&path, Causes::default()).unwrap_err();
        assert!(second.to_string().contains("another lab writes this file"), "{second}");
        assert_eq!(std::fs::read(&path).unwrap(), b"one\n");
    }
}

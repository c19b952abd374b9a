//! A file that is written entry by entry, with retries for what could not be written.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::output::Failure;
use super::recording::file_error;

/// The maximum size, in bytes, of what is kept for a retry when the disk is full or descriptors run out.
const MOST_OWED: usize = 16 << 20;

/// The causes of failed writes that were already reported, so that each is reported once.
#[derive(Clone, Debug, Default)]
pub(super) struct Causes(Arc<Mutex<BTreeSet<String>>>);

impl Causes {
    pub(super) fn say(&self, path: &Path, error: &io::Error) {
        let cause = error.to_string();
        // A set of names is consistent even after a panic in another thread.
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cause) {
            tracing::error!(%error, file = %path.display(), "cannot be written for now; it is tried again");
        }
    }
}

/// A file that grows by whole pieces only.
#[derive(Debug)]
pub(super) struct Appender {
    path: PathBuf,
    file: Option<File>,
    /// The length of the file up to its last whole piece.
    whole: u64,
    owed: Vec<u8>,
    owed_pieces: u64,
    lost_pieces: u64,
    causes: Causes,
    error: Option<io::Error>,
}

impl Appender {
    /// Starts a new file in place of an old one. The file is then locked for this program, where the system
    /// has such locks.
    pub(super) fn create(path: &Path, causes: Causes) -> Result<Self, Failure> {
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| file_error(path, &error))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Failure::usage(format!(
                "{}: another lab writes this file; name another one",
                path.display()
            )));
        }
        // A device cannot be truncated.
        file.set_len(0).ok();
        let mut appender = Self::later(path, causes);
        appender.file = Some(file);
        Ok(appender)
    }

    /// Returns a file that is not created before there is something to write.
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

    /// Writes everything that is pending, or keeps it for the next time.
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

    /// Returns whether everything that was added is in the file.
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
            // A partly written piece is removed, or the retry would repeat it. On a device this is not
            // possible.
            file.set_len(self.whole).and_then(|()| file.seek(SeekFrom::Start(self.whole))).ok();
        }
        written
    }

    /// Tries a last time, and returns how many pieces are not in the file, and why.
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

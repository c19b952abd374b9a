//! A file that is written entry by entry, with retries for what could not be written. A file that is moved or removed
//! meanwhile, as logrotate(8) does, goes on as a new one of the same name.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::output::Failure;
use super::recording::file_error;

/// The maximum size, in bytes, of what is kept for a retry when the disk is full or descriptors run out.
const MOST_OWED: usize = 16 << 20;

/// The causes of failed writes, and the files that were moved, that were already reported, so that each is reported once.
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

    /// Reports a file that was moved or removed.
    fn say_moved(&self, path: &Path) {
        let cause = format!("moved: {}", path.display());
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cause) {
            tracing::warn!(
                file = %path.display(),
                "was moved or removed; what is written from now on is in a new file of that name"
            );
        }
    }
}

/// A file that grows by whole pieces only.
#[derive(Debug)]
pub(super) struct Appender {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of every file.
    head: Vec<u8>,
    /// True if the file is locked for this program.
    is_locked: bool,
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
        let mut appender = Self { is_locked: true, ..Self::later(path, Vec::new(), causes) };
        let file = appender.open().map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => {
                Failure::usage(format!("{}: {error}; name another one", path.display()))
            }
            _ => file_error(path, &error),
        })?;
        // A device cannot be truncated.
        file.set_len(0).ok();
        appender.file = Some(file);
        Ok(appender)
    }

    /// Returns a file that begins with `head`, and is not created before there is something to write.
    pub(super) fn later(path: &Path, head: Vec<u8>, causes: Causes) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            head,
            is_locked: false,
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

    /// Opens the file of this name, or creates it.
    fn open(&self) -> io::Result<File> {
        let file = File::options().write(true).create(true).truncate(false).open(&self.path)?;
        match if self.is_locked { file.try_lock() } else { Ok(()) } {
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::WouldBlock, "another lab writes this file"))
            }
            Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    /// Returns the file, to be written at its end: a new one if it was moved or removed. Of one that was cut, what is
    /// left counts, for what is written beyond its end would follow zeros.
    fn at_end(&mut self) -> io::Result<File> {
        let place = fs::metadata(&self.path);
        if let Some(mut file) = self.file.take() {
            let own = file.metadata()?;
            if !is_elsewhere(&own, &place) {
                if own.len() < self.whole {
                    self.whole = file.seek(SeekFrom::Start(own.len()))?;
                }
                return Ok(file);
            }
            self.causes.say_moved(&self.path);
        }
        // A pipe would be waited for until it has a reader.
        if place.is_ok_and(|place| !place.is_file()) {
            return Err(io::Error::other("something that is no regular file is in its place"));
        }
        let mut file = self.open()?;
        self.whole = file.seek(SeekFrom::End(0))?;
        if self.whole == 0 {
            file.write_all(&self.head).inspect_err(|_| drop(file.set_len(0)))?;
            self.whole = self.head.len() as u64;
        }
        Ok(file)
    }

    fn try_flush(&mut self) -> io::Result<()> {
        let mut file = self.at_end()?;
        let written = file.write_all(&self.owed).and_then(|()| file.flush());
        if written.is_err() {
            // A partly written piece is removed, or the retry would repeat it. On a device this is not
            // possible.
            file.set_len(self.whole).and_then(|()| file.seek(SeekFrom::Start(self.whole))).ok();
        }
        self.file = Some(file);
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

/// Returns whether a file is no longer in the place that it was opened in.
fn is_elsewhere(own: &Metadata, place: &io::Result<Metadata>) -> bool {
    match place {
        Ok(place) => !is_same(own, place),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Takes them for the same: elsewhere, files cannot be told apart by their metadata.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(path: &Path) -> Appender {
        Appender::create(path, Causes::default()).unwrap()
    }

    fn say(file: &mut Appender, line: &str) {
        file.put(format!("{line}\n").as_bytes());
        file.flush();
    }

    #[test]
    fn a_file_that_was_moved_or_removed_goes_on_as_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("journal.jsonl"), dir.path().join("journal.jsonl.1"));
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let mut file = journal(&path);
        say(&mut file, "one");
        fs::rename(&path, &old).unwrap();
        say(&mut file, "two");
        assert_eq!((read(&old).as_str(), read(&path).as_str()), ("one\n", "two\n"));
        fs::remove_file(&path).unwrap();
        say(&mut file, "three");
        assert_eq!(read(&path), "three\n");
        assert_eq!(file.finish(), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_another_has_replaced_is_kept_and_written_behind_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("journal.jsonl"), dir.path().join("other"));
        let mut file = journal(&path);
        say(&mut file, "one");
        fs::write(&other, "somebody else's\n").unwrap();
        fs::rename(&other, &path).unwrap();
        say(&mut file, "two");
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody else's\ntwo\n");
        // What could block is not opened.
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        say(&mut file, "three");
        assert!(file.finish().unwrap().contains("lacks 1 entries: something that is no regular file"));
        fs::remove_file(&path).unwrap();
        assert_eq!(file.finish(), None);
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn a_file_that_was_cut_goes_on_at_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let mut file = journal(&path);
        say(&mut file, "one");
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        say(&mut file, "two");
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
    }

    #[test]
    fn every_new_file_has_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("RECV.LOG");
        let mut file = Appender::later(&path, b"#Fields\n".to_vec(), Causes::default());
        say(&mut file, "one");
        assert_eq!(fs::read(&path).unwrap(), b"#Fields\none\n");
        fs::remove_file(&path).unwrap();
        say(&mut file, "two");
        assert_eq!(fs::read(&path).unwrap(), b"#Fields\ntwo\n");
    }

    #[test]
    fn what_could_not_be_written_is_written_later_and_counted_where_it_was_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder").join("file");
        let mut file = Appender::later(&path, Vec::new(), Causes::default());
        file.put(b"one\n");
        file.flush();
        assert!(file.finish().unwrap().contains("lacks 1 entries"));
        fs::create_dir(dir.path().join("folder")).unwrap();
        file.put(b"two\n");
        assert_eq!(file.finish(), None);
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
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
        assert_eq!(fs::read(&path).unwrap(), b"one\n");
    }
}

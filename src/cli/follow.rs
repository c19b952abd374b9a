//! The journal written to a stream whose reader may be slow or may not read at all.
//!
//! The lab writes to its journal only. A thread follows the journal by the number of the last entry that it
//! has written. So nothing waits for the reader, and unread entries take no memory beyond the journal. Where
//! the journal drops entries that were not written, a record gives their number.
//!
//! An entry that comes while the thread waits is written at once. After that the thread leaves the lab alone for
//! a moment ([`PAUSE`]) and writes what has come meanwhile in one piece, so that a lab under load pays neither
//! a system call nor a switch between threads for each entry.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::appender::Causes;
use super::output::Failure;
use super::printer::print;
use super::recording::file_error;
use crate::journal::{Entry, Journal};
use crate::lab::Engine;
use crate::observe::Observer;

/// The layout of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One line of JSON for each entry.
    Json,
    /// Text for people.
    Text,
}

/// A stream that follows a journal.
pub(super) struct Follower {
    shared: Arc<Shared>,
    /// Disconnects when the thread ends.
    ended: Receiver<()>,
    name: String,
}

struct Shared {
    journal: Arc<Journal>,
    observer: Arc<Observer>,
    layout: Layout,
    progress: Mutex<Progress>,
    changed: Condvar,
    /// The number of the last entry that was written.
    written: AtomicU64,
    /// The number of entries that had to be left out.
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Progress {
    newest: u64,
    /// True while the thread waits for an entry. Waking nobody would cost a system call, too.
    waits: bool,
    /// The deadline for the last entries.
    stop: Option<Instant>,
    error: Option<io::Error>,
}

/// The number of entries that are written at a time.
const AT_A_TIME: usize = 256;
/// The time between one piece and the next.
const PAUSE: Duration = Duration::from_millis(20);
/// The delay before a retry after a failure.
const AGAIN: Duration = Duration::from_millis(500);

impl Follower {
    /// Writes the journal's present and future entries to the writer that `open` returns; `open` may block.
    /// `name` is the writer's name in errors.
    pub(super) fn begin<W: Write>(
        (journal, observer): (&Arc<Journal>, &Arc<Observer>),
        layout: Layout,
        name: &str,
        causes: Causes,
        open: impl FnOnce() -> io::Result<W> + Send + 'static,
    ) -> Result<Self, Failure> {
        let shared = Arc::new(Shared {
            journal: Arc::clone(journal),
            observer: Arc::clone(observer),
            layout,
            progress: Mutex::default(),
            changed: Condvar::new(),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let (end, ended) = mpsc::channel();
        let (writing, label) = (Arc::clone(&shared), name.to_owned());
        let body = move || {
            writing.write(open, &label, &causes);
            drop(end);
        };
        let thread = thread::Builder::new().name(format!("writes {name}")).spawn(body);
        thread.map_err(|error| Failure::not_ready(format!("no thread to write {name}: {error}")))?;
        let telling = Arc::clone(&shared);
        journal.listen(Box::new(move |entry| {
            let mut progress = telling.lock();
            progress.newest = entry.seq;
            if std::mem::take(&mut progress.waits) {
                telling.changed.notify_one();
            }
        }));
        Ok(Self { shared, ended, name: name.to_owned() })
    }

    /// Writes the rest, until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// Fails where entries could not be written. Entries that the reader has not read are no error; a
    /// diagnostic gives their number.
    pub(super) fn finish(&self, deadline: Instant) -> Result<(), Failure> {
        self.shared.lock().stop = Some(deadline);
        self.shared.changed.notify_one();
        let left = deadline.saturating_duration_since(Instant::now());
        let in_time = self.ended.recv_timeout(left) != Err(RecvTimeoutError::Timeout);
        let progress = self.shared.lock();
        let written = self.shared.written.load(Ordering::SeqCst);
        let missing = progress.newest.saturating_sub(written) + self.shared.lost.load(Ordering::SeqCst);
        match &progress.error {
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(error) if missing > 0 => {
                Err(Failure::unmet(format!("{} lacks {missing} entries: {error}", self.name)))
            }
            _ => {
                if !in_time && missing > 0 {
                    tracing::warn!(entries = missing, "{} was not read to its end", self.name);
                }
                Ok(())
            }
        }
    }
}

impl Shared {
    /// Follows the journal until the lab ends.
    fn write<W: Write>(&self, open: impl FnOnce() -> io::Result<W>, name: &str, causes: &Causes) {
        let mut to = match open() {
            Ok(to) => to,
            Err(error) => return self.give_up(error, name, causes),
        };
        let (mut cursor, mut text) = (0, String::new());
        while let Some(stretch) = self.next(cursor) {
            text.clear();
            if stretch.dropped > 0 {
                self.lost.fetch_add(stretch.dropped, Ordering::SeqCst);
                self.dropped(cursor + 1, stretch.dropped, &mut text);
            }
            for entry in &stretch.entries {
                self.entry(entry, &mut text);
                cursor = entry.seq;
            }
            if let Err(error) = self.put(&mut to, text.as_bytes(), name, causes) {
                return self.give_up(error, name, causes);
            }
            self.written.store(cursor, Ordering::SeqCst);
            if stretch.entries.len() < AT_A_TIME {
                self.pause(PAUSE);
            }
        }
    }

    /// Returns the entries after number `cursor`, as soon as there are any; `None` at the end.
    fn next(&self, cursor: u64) -> Option<crate::journal::Stretch> {
        loop {
            let stretch = self.journal.stretch(cursor + 1, AT_A_TIME);
            if !stretch.entries.is_empty() {
                return Some(stretch);
            }
            let mut progress = self.lock();
            while progress.newest <= cursor {
                if progress.stop.is_some() {
                    return None;
                }
                progress.waits = true;
                progress = self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
            }
            progress.waits = false;
        }
    }

    /// Waits for `time`, or until the lab ends.
    fn pause(&self, time: Duration) {
        let progress = self.lock();
        drop(self.changed.wait_timeout_while(progress, time, |progress| progress.stop.is_none()));
    }

    /// Writes all of `text`, and retries for a while where that fails.
    fn put(&self, to: &mut impl Write, mut text: &[u8], name: &str, causes: &Causes) -> io::Result<()> {
        loop {
            let error = match to.write(text) {
                Ok(0) if text.is_empty() => match to.flush() {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                },
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(count) => {
                    text = text.get(count..).unwrap_or_default();
                    if text.is_empty() {
                        to.flush()?;
                        return Ok(());
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            if error.kind() == io::ErrorKind::BrokenPipe {
                return Err(error);
            }
            causes.say(name.as_ref(), &error);
            if self.lock().stop.is_some() {
                return Err(error);
            }
            self.pause(AGAIN);
        }
    }

    fn entry(&self, entry: &Entry, text: &mut String) {
        match self.layout {
            Layout::Json => {
                entry.write_json(text);
                text.push('\n');
            }
            Layout::Text => print(entry, &self.observer, text),
        }
    }

    /// Reports that `count` entries from number `from` on cannot be written any more.
    fn dropped(&self, from: u64, count: u64, text: &mut String) {
        let to = from + count - 1;
        let line = match self.layout {
            Layout::Json => {
                let record =
                    serde_json::json!({ "record": "dropped", "from": from, "to": to, "count": count });
                format!("{record}\n")
            }
            Layout::Text => format!(
                "-- {count} entries are left out: nobody read on, and the journal's bounds were reached\n"
            ),
        };
        text.push_str(&line);
    }

    fn give_up(&self, error: io::Error, name: &str, causes: &Causes) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            causes.say(name.as_ref(), &error);
        }
        self.lock().error = Some(error);
    }

    // A number and a time are consistent even after a panic in another thread.
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Standard output, without the lock and the buffer that the rest of the program shares.
#[cfg(unix)]
pub(super) fn stdout() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// Standard output.
#[cfg(not(unix))]
pub(super) fn stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// A file that may be a pipe or a terminal, and that opens only when it has a reader.
pub(super) fn begin_at(lab: &Engine, path: &std::path::Path, causes: Causes) -> Result<Follower, Failure> {
    let writable = std::fs::metadata(path).map_err(|error| file_error(path, &error))?;
    if writable.permissions().readonly() {
        return Err(Failure::usage(format!("{}: it cannot be written", path.display())));
    }
    let opened = path.to_owned();
    let open = move || std::fs::File::options().write(true).open(opened);
    Follower::begin((lab.journal(), lab.observer()), Layout::Json, &path.display().to_string(), causes, open)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::journal::{Bounds, Record};

    /// A reader that reads a piece when it is told to.
    struct Slow {
        read: Receiver<()>,
        pieces: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // With the sender gone, it reads on without waiting.
            self.read.recv().ok();
            self.pieces.send(bytes.to_vec()).ok();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_nobody_reads_is_dropped_with_a_record_of_how_much_and_stops_nobody() {
        let bounds = Bounds { entries: 10, ..Bounds::default() };
        let journal = Arc::new(Journal::new(bounds));
        let observer = Observer::of(&journal, bounds);
        let tell = || journal.append(jiff::Timestamp::UNIX_EPOCH, None, Record::Connecting);
        tell();
        let ((go, read), (pieces, written)) = (channel(), channel());
        let open = move || Ok(Slow { read, pieces });
        let lab = (&journal, &observer);
        let follower = Follower::begin(lab, Layout::Json, "a pipe", Causes::default(), open).unwrap();
        go.send(()).unwrap();
        assert!(String::from_utf8(written.recv().unwrap()).unwrap().starts_with("{\"seq\":1,"));
        (0..101).for_each(|_| tell());
        drop(go);
        follower.finish(Instant::now() + Duration::from_secs(20)).unwrap();
        let text: String = written.iter().map(|piece| String::from_utf8(piece).unwrap()).collect();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let lost: u64 = lines.iter().filter_map(|line| line["count"].as_u64()).sum();
        let seqs: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
        assert_eq!(lost + seqs.len() as u64, 101, "{text}");
        assert!(lost >= 80 && seqs.last() == Some(&102), "{text}");
        assert!(lines.iter().any(|line| line["record"] == "dropped"), "{text}");
    }

    #[test]
    fn of_a_long_journal_no_more_than_a_piece_is_copied_for_a_reader_that_pauses() {
        let journal = Arc::new(Journal::new(Bounds::default()));
        let observer = Observer::of(&journal, Bounds::default());
        (0..3 * AT_A_TIME)
            .for_each(|_| journal.append(jiff::Timestamp::UNIX_EPOCH, None, Record::Connecting));
        let ((go, read), (pieces, written)) = (channel(), channel());
        let open = move || Ok(Slow { read, pieces });
        let lab = (&journal, &observer);
        let follower = Follower::begin(lab, Layout::Json, "a pipe", Causes::default(), open).unwrap();
        drop(go);
        follower.finish(Instant::now() + Duration::from_secs(20)).unwrap();
        let lines: Vec<_> = written.iter().map(|piece| piece.split(|it| *it == b'\n').count() - 1).collect();
        assert_eq!(lines, [AT_A_TIME; 3]);
    }

    #[test]
    fn a_reader_that_never_reads_is_not_waited_for() {
        let journal = Arc::new(Journal::new(Bounds::default()));
        let observer = Observer::of(&journal, Bounds::default());
        let ((go, read), (pieces, _written)) = (channel(), channel());
        let open = move || Ok(Slow { read, pieces });
        let lab = (&journal, &observer);
        let follower = Follower::begin(lab, Layout::Text, "a pipe", Causes::default(), open).unwrap();
        journal.append(jiff::Timestamp::UNIX_EPOCH, None, Record::Connecting);
        follower.finish(Instant::now() + Duration::from_millis(20)).unwrap();
        drop(go);
    }
}

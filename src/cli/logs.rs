//! `serve --log-dir`: the files that Exchange would write, in Exchange's formats.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Weak;

use super::appender::{Appender, Causes};
use super::output::Failure;
use super::recording::file_error;
use super::whole_file::write_whole;
use crate::journal::{Entry, ProtocolLog, Record, SendProtocolLog, event_block, event_xml};
use crate::session::Message;

/// A directory with the Application log, the SmtpReceive and SmtpSend protocol logs and the messages.
pub(super) struct LogDirectory {
    dir: PathBuf,
    events: [Appender; 3],
    protocol: ProtocolLog,
    send: SendProtocolLog,
    /// The protocol logs by their names, which change with the day.
    protocols: Vec<(String, Appender)>,
    /// The messages that could not be written yet.
    owed: VecDeque<(PathBuf, Weak<Message>)>,
    lost_messages: u64,
    causes: Causes,
    /// The lock on the directory, held as long as the lab writes there.
    _lock: Option<File>,
}

const EVENTS: [&str; 3] = ["Application.txt", "Application.xml", "Application.jsonl"];

/// The maximum number of messages that are kept for a retry.
const MOST_OWED: usize = 1000;

impl LogDirectory {
    /// Creates the directory, and in it the event log's files, empty. What an earlier lab has left there moves to
    /// `earlier-1`, `earlier-2` and so on.
    pub(super) fn create(dir: &Path, causes: Causes) -> Result<Self, Failure> {
        let messages = dir.join("messages");
        fs::create_dir_all(&messages).map_err(|error| file_error(dir, &error))?;
        let lock = lock(dir)?;
        if let Some(earlier) = set_aside(dir).map_err(|error| file_error(dir, &error))? {
            tracing::info!(to = %earlier.display(), "what an earlier lab has left there was set aside");
        }
        let [text, xml, json] = EVENTS.map(|name| Appender::create(&dir.join(name), causes.clone()));
        Ok(Self {
            dir: dir.to_owned(),
            events: [text?, xml?, json?],
            protocol: ProtocolLog::new(),
            send: SendProtocolLog::new(),
            protocols: Vec::new(),
            owed: VecDeque::new(),
            lost_messages: 0,
            causes,
            _lock: lock,
        })
    }

    /// Writes the entry to each of the logs that it concerns.
    pub(super) fn write(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Event(logged) => {
                let pieces = [
                    format!("{}\n\n", event_block(entry.time, logged)),
                    format!("{}\n", event_xml(entry.seq, entry.time, logged)),
                    format!("{}\n", entry.to_json()),
                ];
                for (log, piece) in self.events.iter_mut().zip(pieces) {
                    log.put(piece.as_bytes());
                    log.flush();
                }
            }
            Record::Message(message) => {
                let path = self.dir.join("messages").join(format!("{:06}.eml", message.id));
                self.owed.push_back((path, message.message.clone()));
                self.write_messages();
            }
            _ => {}
        }
        let (rows, now) = (self.protocol.rows(entry), entry.time);
        self.write_rows(&rows, ProtocolLog::file_name(now), || ProtocolLog::header(now));
        let rows = self.send.rows(entry);
        self.write_rows(&rows, SendProtocolLog::file_name(now), || SendProtocolLog::header(now));
    }

    /// Tries a last time, and returns what is not in the directory.
    pub(super) fn finish(&mut self) -> Vec<String> {
        self.write_messages();
        let logs = self.events.iter_mut().chain(self.protocols.iter_mut().map(|(_, log)| log));
        let mut missing: Vec<_> = logs.filter_map(Appender::finish).collect();
        if let count @ 1.. = self.lost_messages + self.owed.len() as u64 {
            missing.push(format!("{} lacks {count} messages", self.dir.join("messages").display()));
        }
        missing
    }

    /// Writes the pending messages in order, until one fails.
    fn write_messages(&mut self) {
        while let Some((path, message)) = self.owed.front() {
            // A message that has been dropped from the journal cannot be written any more.
            if let Some(kept) = message.upgrade() {
                if let Err(error) = write_whole(path, &kept.raw()) {
                    self.causes.say(path, &error);
                    break;
                }
            } else {
                self.lost_messages += 1;
            }
            self.owed.pop_front();
        }
        while self.owed.len() > MOST_OWED {
            self.owed.pop_front();
            self.lost_messages += 1;
        }
    }

    /// Writes rows into the protocol log called `name`, which begins with `header`.
    fn write_rows(&mut self, rows: &str, name: String, header: impl FnOnce() -> String) {
        if rows.is_empty() {
            return;
        }
        let at = self.protocols.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            let log = Appender::later(&self.dir.join(&name), header().into_bytes(), self.causes.clone());
            // The previous hour's log is closed.
            let kind = |name: &str| name.get(..4).map(str::to_owned);
            self.protocols.retain(|(known, log)| kind(known) != kind(&name) || !log.is_complete());
            self.protocols.push((name, log));
            self.protocols.len() - 1
        });
        if let Some((_, log)) = self.protocols.get_mut(at) {
            log.put(rows.as_bytes());
            log.flush();
        }
    }
}

/// Locks the directory for this lab as long as it runs: a second lab would remove the messages of the first.
fn lock(dir: &Path) -> Result<Option<File>, Failure> {
    // Where a directory cannot be opened or locked, the files in it still can be.
    let Ok(lock) = File::open(dir) else { return Ok(None) };
    match lock.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(Failure::usage(format!(
            "{}: another lab writes into this directory; name another one",
            dir.display()
        ))),
        Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(Some(lock)),
    }
}

/// Moves what an earlier lab has written, which could be mistaken for this lab's, into a directory of its own; moves
/// nothing else. Returns the directory, if there was anything.
fn set_aside(dir: &Path) -> io::Result<Option<PathBuf>> {
    let logs = files(dir, is_log)?;
    let messages = files(&dir.join("messages"), is_message)?;
    if logs.is_empty() && messages.is_empty() {
        return Ok(None);
    }
    let mut free = (1..).map(|number: u32| dir.join(format!("earlier-{number}"))).filter(|it| !it.exists());
    let Some(earlier) = free.next() else { return Ok(None) };
    fs::create_dir_all(earlier.join("messages"))?;
    for (paths, to) in [(logs, earlier.clone()), (messages, earlier.join("messages"))] {
        for path in paths {
            fs::rename(&path, to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(Some(earlier))
}

/// Returns the files in `dir` whose names are of this kind.
fn files(dir: &Path, is_ours: fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut ours = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_ours) && !entry.file_type()?.is_dir() {
            ours.push(entry.path());
        }
    }
    Ok(ours)
}

fn is_log(name: &str) -> bool {
    let protocol = ["RECV", "SEND"].iter().filter_map(|kind| name.strip_prefix(kind));
    let mut hours = protocol.filter_map(|rest| rest.strip_suffix(".LOG"));
    EVENTS.contains(&name) || hours.any(|hour| !hour.is_empty())
}

fn is_message(name: &str) -> bool {
    let number = name.strip_suffix(".eml").unwrap_or_default();
    number.len() >= 6 && number.bytes().all(|digit| digit.is_ascii_digit())
}

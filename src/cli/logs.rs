//! `serve --log-dir`: the files that Exchange would write, in Exchange's formats.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Weak;

use super::appender::{Appender, Causes};
use super::output::Failure;
use super::recording::file_error;
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
    /// Creates the directory, and in it the event log's files, empty.
    pub(super) fn create(dir: &Path, causes: Causes) -> Result<Self, Failure> {
        let messages = dir.join("messages");
        fs::create_dir_all(&messages).map_err(|error| file_error(dir, &error))?;
        let lock = lock(dir)?;
        forget_messages(&messages).map_err(|error| file_error(dir, &error))?;
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
                if let Err(error) = fs::write(path, kept.raw()) {
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
            let mut log = Appender::later(&self.dir.join(&name), self.causes.clone());
            log.put(header().as_bytes());
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

/// Removes the messages of an earlier lab, which could be mistaken for this lab's; removes nothing else.
fn forget_messages(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let ours = number.len() >= 6 && number.bytes().all(|digit| digit.is_ascii_digit());
        if ours && path.extension().is_some_and(|extension| extension == "eml") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

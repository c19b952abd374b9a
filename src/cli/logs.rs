//! `serve --log-dir`: the files that Exchange would write, as it would write them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::journal::{Entry, ProtocolLog, Record, SendProtocolLog, event_block, event_xml};

/// A directory with the Application log, the SmtpReceive and SmtpSend protocol logs and the messages.
pub(super) struct LogDirectory {
    dir: PathBuf,
    protocol: ProtocolLog,
    protocol_file: Option<(String, File)>,
    send: SendProtocolLog,
    send_file: Option<(String, File)>,
    broken: bool,
}

impl LogDirectory {
    /// Creates the directory, and in it the event log's files, empty.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir.join("messages"))?;
        forget_messages(&dir.join("messages"))?;
        for name in [EVENTS, EVENTS_XML, EVENTS_JSON] {
            File::create(dir.join(name))?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            protocol: ProtocolLog::new(),
            protocol_file: None,
            send: SendProtocolLog::new(),
            send_file: None,
            broken: false,
        })
    }

    /// Writes what the entry means for each of the logs.
    pub(super) fn write(&mut self, entry: &Entry) {
        if self.broken {
            return;
        }
        if let Err(error) = self.try_write(entry) {
            self.broken = true;
            tracing::error!(%error, dir = %self.dir.display(), "the logs cannot be written any more");
        }
    }

    fn try_write(&mut self, entry: &Entry) -> io::Result<()> {
        match &entry.record {
            Record::Event(logged) => {
                self.append(EVENTS, &format!("{}\n\n", event_block(entry.time, logged)))?;
                self.append(EVENTS_XML, &format!("{}\n", event_xml(entry.seq, entry.time, logged)))?;
                let json = serde_json::to_string(entry).map_err(io::Error::from)?;
                self.append(EVENTS_JSON, &format!("{json}\n"))?;
            }
            Record::Message(message) => {
                if let Some(kept) = message.message.upgrade() {
                    let name = format!("{:06}.eml", message.id);
                    fs::write(self.dir.join("messages").join(name), kept.raw())?;
                }
            }
            _ => {}
        }
        let (rows, now) = (self.protocol.rows(entry), entry.time);
        let (name, header) = (ProtocolLog::file_name(now), ProtocolLog::header(now));
        write_rows(&self.dir, &mut self.protocol_file, name, &header, &rows)?;
        let rows = self.send.rows(entry);
        let (name, header) = (SendProtocolLog::file_name(now), SendProtocolLog::header(now));
        write_rows(&self.dir, &mut self.send_file, name, &header, &rows)
    }

    fn append(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(self.dir.join(name))?;
        file.write_all(text.as_bytes())
    }
}

/// Removes the messages of an earlier lab, which would be taken for this one's; nothing else.
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

/// Writes rows into the file called `name`, which is begun with `header` where another one is open.
fn write_rows(
    dir: &Path,
    open: &mut Option<(String, File)>,
    name: String,
    header: &str,
    rows: &str,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    if open.as_ref().is_none_or(|(known, _)| *known != name) {
        let mut file = File::create(dir.join(&name))?;
        file.write_all(header.as_bytes())?;
        *open = Some((name, file));
    }
    match open {
        Some((_, file)) => file.write_all(rows.as_bytes()),
        None => Ok(()),
    }
}

const EVENTS: &str = "Application.txt";
const EVENTS_XML: &str = "Application.xml";
const EVENTS_JSON: &str = "Application.jsonl";

//! Diagnostics on standard error. Its reader may be slow or not read at all, so nothing waits for it.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::progress::beside;

/// The writer of diagnostics, which has a thread of its own.
#[derive(Debug)]
pub(super) struct Diagnostics {
    lines: SyncSender<Line>,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Requests a signal once everything before it has been written.
    Flush(SyncSender<()>),
}

/// The maximum number of lines that wait to be written; further lines are dropped and counted.
const MOST_WAITING: usize = 1000;

static DIAGNOSTICS: OnceLock<Option<Diagnostics>> = OnceLock::new();

/// Queues a line, or writes it at once where there is no thread to write it.
pub(super) struct DiagnosticsWriter;

impl Diagnostics {
    fn begin() -> Option<Self> {
        let (lines, written) = mpsc::sync_channel(MOST_WAITING);
        let thread = thread::Builder::new().name("diagnostics".to_owned()).spawn(move || write(&written));
        thread.ok().map(|_| Self { lines, dropped: AtomicU64::new(0) })
    }

    fn write(&self, line: &[u8]) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Text(line.to_vec())) {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn write(lines: &Receiver<Line>) {
    while let Ok(line) = lines.recv() {
        match line {
            // Where standard error is closed there is nowhere left to report to.
            Line::Text(text) => drop(beside(|| io::stderr().write_all(&text))),
            Line::Flush(done) => drop(done.try_send(())),
        }
    }
}

/// Waits until the diagnostics so far have been written, at most for the given time.
pub(super) fn flush(longest: Duration) {
    let Some(Some(diagnostics)) = DIAGNOSTICS.get() else { return };
    if let dropped @ 1.. = diagnostics.dropped.swap(0, Ordering::SeqCst) {
        diagnostics.write(format!("{dropped} diagnostics were left out, because nobody read\n").as_bytes());
    }
    let (done, written) = mpsc::sync_channel(1);
    if diagnostics.lines.try_send(Line::Flush(done)).is_ok() {
        written.recv_timeout(longest).ok();
    }
}

impl Write for DiagnosticsWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match DIAGNOSTICS.get_or_init(Diagnostics::begin) {
            Some(diagnostics) => diagnostics.write(bytes),
            None => io::stderr().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a writer for each line.
pub(super) struct MakeDiagnostics;

impl<'a> MakeWriter<'a> for MakeDiagnostics {
    type Writer = DiagnosticsWriter;

    fn make_writer(&'a self) -> DiagnosticsWriter {
        DiagnosticsWriter
    }
}

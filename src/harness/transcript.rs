//! The transcript of a lab, for the reader of a failed test.

use std::fmt::Write as _;
use std::panic::catch_unwind;
use std::sync::Arc;

use crate::journal::{Journal, write_session, write_transcript_lines};
use crate::observe::Observer;

/// The number of entries that are shown; the newest, because a test fails at its end.
const SHOWN: usize = 1000;

/// Returns the newest entries as lines, each with the number of its conversation, and a summary of each
/// conversation.
pub(super) fn transcript(journal: &Journal, observer: &Observer) -> String {
    let entries = journal.entries(1);
    let mut text = String::new();
    let hidden = entries.len().saturating_sub(SHOWN);
    let (fallen, _) = journal.dropped();
    // Writing to a String cannot fail.
    if let earlier @ 1.. = fallen.saturating_add(hidden as u64) {
        let _ = writeln!(text, "({earlier} earlier entries are left out)");
    }
    for entry in entries.iter().skip(hidden) {
        write_transcript_lines(entry, &mut text);
        if let Some(ended) = observer.ended_with(entry) {
            write_session(entry, &mut text);
            let _ = writeln!(text, "=> {ended}");
        }
    }
    text
}

/// A guard that prints the transcript if it is dropped by a panic.
#[derive(Debug)]
pub(super) struct OnPanic {
    pub(super) journal: Arc<Journal>,
    pub(super) observer: Arc<Observer>,
    pub(super) title: String,
    pub(super) quiet: bool,
}

impl Drop for OnPanic {
    fn drop(&mut self) {
        if self.quiet || !std::thread::panicking() {
            return;
        }
        let transcript = transcript(&self.journal, &self.observer);
        let text = format!("\nTranscript of the lab \"{}\":\n{transcript}\n", self.title);
        // Through `eprint!`, which a test runner captures with the test that fails; it panics where standard
        // error is closed, and a second panic would end the process.
        #[expect(clippy::print_stderr, reason = "the reader of a failed test is whom this is for")]
        let _ = catch_unwind(|| eprint!("{text}"));
    }
}

//! Foreign processes with a deadline: nobody sleeps, nobody polls, a hang is a panic that shows what
//! was said until then.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test calls it hung. Nothing here waits this long to succeed, on a busy machine
/// either.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The lines of a pipe as they arrive, and all that arrived so far.
pub(crate) struct Lines {
    arriving: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, arriving) = channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { arriving, seen: Vec::new() }
    }

    /// The next line; `None` at the end of the pipe.
    ///
    /// # Errors
    ///
    /// The deadline passed first.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<Option<String>, TimedOut> {
        match self.arriving.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                self.seen.push(line.clone());
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(TimedOut),
        }
    }

    /// Waits for a line that `wanted` accepts, and returns it.
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.next(deadline) {
                Ok(Some(line)) if wanted(&line) => return line,
                Ok(Some(_)) => {}
                Ok(None) => panic!("the output ended before {what}:\n{}", self.so_far()),
                Err(TimedOut) => panic!("waited in vain for {what}:\n{}", self.so_far()),
            }
        }
    }

    fn read_to_end(&mut self, deadline: Instant) -> Result<(), TimedOut> {
        while self.next(deadline)?.is_some() {}
        Ok(())
    }

    /// All that arrived so far, without waiting.
    pub(crate) fn so_far(&mut self) -> String {
        self.seen.extend(self.arriving.try_iter());
        self.seen.join("\n")
    }
}

/// The deadline passed.
#[derive(Debug)]
pub(crate) struct TimedOut;

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    #[track_caller]
    pub(crate) fn succeeded(&self) {
        assert!(self.status.success(), "the client failed: {self:#?}");
    }

    /// The client gave up, and said `words` when it did.
    #[track_caller]
    pub(crate) fn failed_saying(&self, words: &str) {
        assert!(!self.status.success(), "the client was content: {self:#?}");
        let said = self.stdout.contains(words) || self.stderr.contains(words);
        assert!(said, "the client did not say {words:?}: {self:#?}");
    }
}

/// Runs a command to its end with `input` on its stdin; kills it and panics when it takes too long.
pub(crate) fn run(command: &mut Command, input: &str) -> Finished {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdout = Lines::of(child.stdout.take().unwrap());
    let mut stderr = Lines::of(child.stderr.take().unwrap());
    // A client that has already given up does not read: that is its affair, and no failure of ours.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());

    let deadline = Instant::now() + PATIENCE;
    if stdout.read_to_end(deadline).and_then(|()| stderr.read_to_end(deadline)).is_err() {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{command:?} hung:\n{}\n{}", stdout.so_far(), stderr.so_far());
    }
    let status = child.wait().unwrap();
    Finished { status, stdout: stdout.so_far(), stderr: stderr.so_far() }
}

#[test]
fn a_process_that_ends_hands_over_its_status_and_both_its_outputs() {
    let finished =
        run(Command::new("sh").args(["-c", "read word; echo $word; echo bad >&2; exit 3"]), "good\n");
    assert_eq!(finished.status.code(), Some(3));
    assert_eq!(finished.stdout, "good");
    finished.failed_saying("bad");
}

#[test]
#[should_panic(expected = "the output ended before the word:\none\ntwo")]
fn an_output_that_ends_early_is_shown() {
    Lines::of("one\r\ntwo\n".as_bytes()).wait_for("the word", |line| line == "three");
}

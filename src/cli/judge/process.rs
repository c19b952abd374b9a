//! The command: run with its output captured, and killed with all its descendants when its time is up.

use std::ffi::{OsStr, OsString};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cli::output::Failure;
use crate::judgement::Exit;

/// The placeholders in a command, and their values.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) host: String,
    pub(super) port: String,
    pub(super) ca: String,
    pub(super) name: String,
    pub(super) entry: String,
}

/// The number of bytes that are kept from the end of a command's output.
const KEPT: usize = 16 << 10;

/// The time-out for output whose pipe another process may still hold open.
const LAST_OUTPUT: Duration = Duration::from_millis(200);

impl Words {
    fn each(&self) -> [(&'static str, &'static str, &str); 5] {
        [
            ("{host}", "SMTP_HOST", &self.host),
            ("{port}", "SMTP_PORT", &self.port),
            ("{ca}", "STARTTLS_LAB_CA_FILE", &self.ca),
            ("{name}", "STARTTLS_LAB_NAME", &self.name),
            ("{entry}", "STARTTLS_LAB_ENTRY", &self.entry),
        ]
    }

    /// Returns an argument with its placeholders replaced; an argument that is not text stays as it is.
    pub(super) fn put_into(&self, argument: &OsStr) -> OsString {
        let Some(text) = argument.to_str() else { return argument.to_owned() };
        self.each().iter().fold(text.to_owned(), |text, (word, _, value)| text.replace(word, value)).into()
    }

    /// Returns the command with its environment; `None` where there is none.
    pub(super) fn command(&self, words: &[OsString]) -> Option<Command> {
        let (program, rest) = words.split_first()?;
        let mut command = Command::new(self.put_into(program));
        command.args(rest.iter().map(|word| self.put_into(word)));
        command.envs(self.each().map(|(_, variable, value)| (variable, value)));
        Some(command)
    }
}

/// The command was killed because the whole run was interrupted, so its end says nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interrupted;

/// A command that has ended.
pub(super) struct Ended {
    pub(super) exit: Exit,
    /// The end of its output.
    pub(super) output: String,
    /// The number of its process, and of the group of everything that it started.
    #[cfg_attr(not(unix), expect(dead_code, reason = "elsewhere than on Unix no group is asked for"))]
    leader: Option<u32>,
}

impl Ended {
    /// Returns the end of a command that could not be run, for this reason.
    pub(super) fn not_run(why: impl Into<String>) -> Self {
        Self { exit: Exit::NotRun(why.into()), output: String::new(), leader: None }
    }

    /// Returns whether something that the command started still runs. A program that has left its process group is
    /// not seen.
    #[cfg(unix)]
    pub(super) async fn has_left_something_running(&self) -> bool {
        let Some(leader) = self.leader else { return false };
        // A group that has members keeps its number, although its leader has ended.
        let ended = signal_group(leader, "0").await;
        ended.is_ok_and(|status| status.success())
    }

    #[cfg(not(unix))]
    pub(super) async fn has_left_something_running(&self) -> bool {
        false
    }
}

impl From<Interrupted> for Failure {
    fn from(Interrupted: Interrupted) -> Self {
        Self::not_run(130, "interrupted")
    }
}

/// Runs a command to its end, `longest` at most.
pub(super) async fn run(
    mut command: Command,
    longest: Duration,
    stop: &CancellationToken,
) -> Result<Ended, Interrupted> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(Ended::not_run(error.to_string())),
    };
    let leader = child.id();
    let said = Arc::<Mutex<Tail>>::default();
    let readers = [
        child.stdout.take().map(|stdout| catch(stdout, Arc::clone(&said))),
        child.stderr.take().map(|stderr| catch(stderr, Arc::clone(&said))),
    ];
    let ended = tokio::select! {
        ended = timeout(longest, child.wait()) => ended.ok(),
        () = stop.cancelled() => {
            kill(&mut child).await;
            return Err(Interrupted);
        }
    };
    let exit = match ended {
        Some(Ok(status)) => exit(status),
        Some(Err(error)) => Exit::NotRun(format!("it was lost: {error}")),
        None => {
            kill(&mut child).await;
            Exit::Killed
        }
    };
    for reader in readers.into_iter().flatten() {
        let abort = reader.abort_handle();
        if timeout(LAST_OUTPUT, reader).await.is_err() {
            abort.abort();
        }
    }
    let output = said.lock().unwrap_or_else(PoisonError::into_inner).text();
    Ok(Ended { exit, output, leader })
}

/// Kills a command with all its descendants. It has not been waited for, so its process ID is still its own.
async fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(leader) = child.id() {
        signal_group(leader, "KILL").await.ok();
    }
    #[cfg(windows)]
    if let Some(leader) = child.id() {
        let mut kill = Command::new("taskkill");
        kill.args(["/T", "/F", "/PID", &leader.to_string()]);
        kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        kill.status().await.ok();
    }
    child.kill().await.ok();
}

/// Sends a signal to a process group; signal 0 only asks whether it has members.
#[cfg(unix)]
async fn signal_group(leader: u32, signal: &str) -> std::io::Result<ExitStatus> {
    // The standard library kills one process; every shell can signal a group.
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s \"$0\" -- \"-$1\"", signal, &leader.to_string()]);
    kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().await
}

#[cfg(unix)]
fn exit(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Unknown,
    }
}

#[cfg(not(unix))]
fn exit(status: ExitStatus) -> Exit {
    status.code().map_or(Exit::Unknown, Exit::Code)
}

fn catch(mut from: impl AsyncRead + Unpin + Send + 'static, into: Arc<Mutex<Tail>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut octets = vec![0; 4096];
        while let Ok(read @ 1..) = from.read(&mut octets).await {
            into.lock().unwrap_or_else(PoisonError::into_inner).push(&octets[..read]);
        }
    })
}

/// Keeps the end of a text that may be endless.
#[derive(Debug, Default)]
struct Tail {
    octets: Vec<u8>,
    dropped: usize,
}

impl Tail {
    fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
        let surplus = self.octets.len().saturating_sub(KEPT);
        self.octets.drain(..surplus);
        self.dropped += surplus;
    }

    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.octets);
        match self.dropped {
            0 => text.into_owned(),
            dropped => format!("[{dropped} bytes before this are not kept]\n{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let text = |word: &str| word.to_owned();
        Words {
            host: text("127.77.0.1"),
            port: text("2525"),
            ca: text("/t/ca.pem"),
            name: text("mx1.lab.test"),
            entry: text("baseline"),
        }
    }

    #[test]
    fn placeholders_are_replaced_wherever_they_stand() {
        let put = |text: &str| words().put_into(OsStr::new(text)).into_string().unwrap();
        assert_eq!(
            put("smtp://{host}:{port}/{name}?{entry}"),
            "smtp://127.77.0.1:2525/mx1.lab.test?baseline"
        );
        assert_eq!(put("--cacert={ca}"), "--cacert=/t/ca.pem");
        assert_eq!(put("{nothing} {}"), "{nothing} {}");
    }

    #[test]
    fn of_an_endless_output_the_end_is_kept() {
        let mut tail = Tail::default();
        tail.push(&vec![b'a'; KEPT]);
        assert_eq!(tail.text().len(), KEPT);
        tail.push(b"end");
        assert!(tail.text().starts_with("[3 bytes before this are not kept]\na"));
        assert!(tail.text().ends_with("aend"));
    }
}

//! The command itself: started, waited for, sent signals, and killed when its time is up.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::cli::output::Failure;
use crate::cli::signals::{Asked, Signals};

/// The result of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Its exit code, as a shell counts: 128 plus the number of the signal that ended it.
    pub(super) code: u8,
    /// True if it was killed because its time was up.
    pub(super) killed: bool,
}

/// Runs the command to its end, `longest` at most.
///
/// # Errors
///
/// Fails where the command cannot be run, with a shell's exit code.
pub(super) async fn run(
    command: &mut Command,
    longest: Option<Duration>,
    signals: &mut Signals,
) -> Result<Outcome, Failure> {
    let mut ends = Ends::new()?;
    let mut child = command.spawn().map_err(|error| not_run(command, &error))?;
    let deadline = longest.and_then(|longest| Instant::now().checked_add(longest));
    let mut killed = false;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Outcome { code: code(status), killed }),
            Ok(None) => {}
            Err(error) => {
                child.kill().ok();
                return Err(Failure::not_run(126, format!("the command was lost: {error}")));
            }
        }
        let time = async {
            match deadline.filter(|_| !killed) {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = ends.next() => {}
            asked = signals.next() => pass_on(asked, &mut child),
            () = time => {
                child.kill().ok();
                killed = true;
            }
        }
    }
}

fn not_run(command: &Command, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Failure::not_run(code, format!("{}: {error}", command.get_program().display()))
}

#[cfg(unix)]
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let signalled = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(signalled).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Passes a signal on. The child has not been waited for, so its process ID is still its own.
#[cfg(unix)]
fn pass_on(asked: Asked, child: &mut Child) {
    use std::io::IsTerminal;
    use std::process::Stdio;

    let terminal = io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
    let name = match asked {
        // Ctrl-C went to every process of the terminal, and a second one often means "at once".
        Asked::Interrupt if terminal => return,
        Asked::Interrupt => "INT",
        Asked::Terminate => "TERM",
        Asked::HangUp => "HUP",
    };
    // The standard library can only kill; every shell can send other signals.
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s \"$0\" \"$1\"", name, &child.id().to_string()]);
    kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !kill.status().is_ok_and(|status| status.success()) && asked == Asked::Terminate {
        child.kill().ok();
    }
}

/// Does nothing: on systems without signals, Ctrl-C goes to every program of the console.
#[cfg(not(unix))]
fn pass_on(_: Asked, _: &mut Child) {}

/// Reports when a child may have ended.
struct Ends {
    #[cfg(unix)]
    child: tokio::signal::unix::Signal,
}

impl Ends {
    #[cfg(unix)]
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let child = signal(SignalKind::child());
        Ok(Self { child: child.map_err(|error| Failure::not_ready(format!("signals: {error}")))? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        self.child.recv().await;
    }

    #[cfg(not(unix))]
    fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! The signals that end the program in good order.

use super::output::Failure;

/// What the program was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGINT, which Ctrl-C sends; on Windows also Ctrl-Break.
    Interrupt,
    /// SIGTERM; on Windows the console's window was closed, or the machine shuts down.
    Terminate,
}

/// The signals, which do not end the program by themselves any more.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

/// The events of the console, which do not end the program by themselves any more.
#[cfg(windows)]
pub(super) struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    interrupt_too: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    /// Takes the signals over from the system.
    #[cfg(unix)]
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt()).map_err(not_taken)?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate()).map_err(not_taken)? })
    }

    /// Takes the events over from the system.
    #[cfg(windows)]
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self {
            interrupt: ctrl_c().map_err(not_taken)?,
            interrupt_too: ctrl_break().map_err(not_taken)?,
            close: ctrl_close().map_err(not_taken)?,
            shutdown: ctrl_shutdown().map_err(not_taken)?,
        })
    }

    /// The next one.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
        }
    }

    /// The next one.
    #[cfg(windows)]
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.interrupt_too.recv() => Asked::Interrupt,
            _ = self.close.recv() => Asked::Terminate,
            _ = self.shutdown.recv() => Asked::Terminate,
        }
    }
}

fn not_taken(error: std::io::Error) -> Failure {
    Failure::not_ready(format!("signals: {error}"))
}

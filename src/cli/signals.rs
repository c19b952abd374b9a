//! The signals that end the program in an orderly way.

use super::output::Failure;

/// The signal that the program received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGINT, which Ctrl-C sends; on Windows also Ctrl-Break.
    Interrupt,
    /// SIGTERM; on Windows the machine shuts down.
    Terminate,
    /// SIGHUP, which a terminal sends when it is closed; on Windows the console's window was closed.
    HangUp,
}

impl Asked {
    /// The exit code of a program that the signal ends, as a shell counts.
    pub(super) const fn exit_code(self) -> u8 {
        match self {
            Self::HangUp => 128 + 1,
            Self::Interrupt => 128 + 2,
            Self::Terminate => 128 + 15,
        }
    }
}

/// The signals, which no longer end the program by themselves.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` where it is ignored, as under nohup.
    hang_up: Option<tokio::signal::unix::Signal>,
}

/// The events of the console, which no longer end the program by themselves.
#[cfg(windows)]
pub(super) struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    interrupt_too: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    /// Takes over the handling of the signals from the system.
    #[cfg(unix)]
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up = if is_hang_up_ignored() { None } else { Some(taken(signal(SignalKind::hangup()))?) };
        Ok(Self {
            interrupt: taken(signal(SignalKind::interrupt()))?,
            terminate: taken(signal(SignalKind::terminate()))?,
            hang_up,
        })
    }

    /// Takes over the handling of the events from the system.
    #[cfg(windows)]
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self {
            interrupt: taken(ctrl_c())?,
            interrupt_too: taken(ctrl_break())?,
            close: taken(ctrl_close())?,
            shutdown: taken(ctrl_shutdown())?,
        })
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Asked {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
            _ = hang_up => Asked::HangUp,
        }
    }

    /// Waits for the next event.
    #[cfg(windows)]
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.interrupt_too.recv() => Asked::Interrupt,
            _ = self.close.recv() => Asked::HangUp,
            _ = self.shutdown.recv() => Asked::Terminate,
        }
    }
}

fn taken<T>(taken: std::io::Result<T>) -> Result<T, Failure> {
    taken.map_err(|error| Failure::not_ready(format!("signals: {error}")))
}

/// Returns whether the program was started to outlive its terminal, as by nohup(1). Linux shows this in
/// /proc; elsewhere a hang-up counts.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is 1, and the lowest bit.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

//! The signals that end the program in good order.

use super::output::Failure;

/// What the program was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGINT, which Ctrl-C sends.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, by which a terminal that is closed says goodbye.
    HangUp,
}

/// The signals, which do not end the program by themselves any more.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` where it is ignored, as under nohup.
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Takes the signals over from the system.
    #[cfg(unix)]
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let taken = |kind| signal(kind).map_err(|error| Failure::not_ready(format!("signals: {error}")));
        let hang_up = if is_hang_up_ignored() { None } else { Some(taken(SignalKind::hangup())?) };
        Ok(Self {
            interrupt: taken(SignalKind::interrupt())?,
            terminate: taken(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// Takes the signals over from the system.
    #[cfg(not(unix))]
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Asked {
        #[cfg(unix)]
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
            _ = hang_up => Asked::HangUp,
        }
        #[cfg(not(unix))]
        {
            tokio::signal::ctrl_c().await.ok();
            Asked::Interrupt
        }
    }
}

/// Whether whoever started the program wants it to outlive its terminal, as nohup(1) does. Linux says so in
/// /proc; elsewhere a hang-up counts.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is 1, and the lowest bit.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

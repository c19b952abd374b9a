//! The signals that end the program in good order.

use super::output::Failure;

/// What the program was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGINT, which Ctrl-C sends.
    Interrupt,
    /// SIGTERM, which Windows does not have.
    #[cfg(unix)]
    Terminate,
}

/// The signals, which do not end the program by themselves any more.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes the signals over from the system.
    #[cfg(unix)]
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let taken = |kind| signal(kind).map_err(|error| Failure::not_ready(format!("signals: {error}")));
        Ok(Self { interrupt: taken(SignalKind::interrupt())?, terminate: taken(SignalKind::terminate())? })
    }

    /// Takes the signals over from the system.
    #[cfg(not(unix))]
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Asked {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Terminate,
        }
        #[cfg(not(unix))]
        {
            tokio::signal::ctrl_c().await.ok();
            Asked::Interrupt
        }
    }
}

//! A story played on paper: what `verify` does over sockets, without a socket, a clock or a handshake.
//!
//! Every stage gets a fresh copy of the lab. Its commands are typed, every sender's message is sent by
//! playing [`SendSession`](crate::session::send::SendSession) and
//! [`ReceiveSession`](crate::session::ReceiveSession) against each other, and what came of it is measured
//! by what the lab file expects. A wait is an addition: the time of a message that is tried again moves on
//! without anybody waiting, so nobody is held back by TarpitInterval either.
//!
//! Only the TLS handshake is predicted, from the certificate that is offered: its dates first, then its
//! issuer, then its name, in the order in which rustls finds fault. What is not seen:
//!
//! - Revocation. No sender of this lab asks for it, because the lab publishes no CRL.
//! - The direct trust of X-ANONYMOUSTLS, by which servers of one organisation know each other's certificates,
//!   and the logon behind X-EXPS. Such TLS proves to a sender what its own parameters demand, mostly nothing.
//! - Whether versions and suites meet. Both sides are the lab's own, so they do.

mod conversation;
mod delivery;
mod events;
mod handshake;
mod observe;
mod side;

pub use observe::{observe, offered, presented};

use std::sync::Arc;

use jiff::Timestamp;

use crate::exchange::Computer;
use crate::exchange::cmdlet::ShellState;
use crate::pki::PkiError;
use crate::scenario::{Keys, LabShell, Played, Proof, ScenarioError, ScenarioText, Stage, Workshop};

/// Why a story could not be played.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// What the lab file says is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A certificate or key could not be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
}

/// Plays every stage of a story that is called `name`, each beginning at `now` on a copy of its own.
///
/// # Errors
///
/// What is wrong with the lab file; a key that could not be made.
pub fn rehearse(
    text: &ScenarioText,
    name: &str,
    now: Timestamp,
    keys: Keys<'_>,
) -> Result<Proof, RehearsalError> {
    let stages = text.scenario.stages().into_iter();
    let played = stages.map(|stage| play(text, stage, now, &mut *keys)).collect::<Result<Vec<_>, _>>()?;
    Ok(Proof::new(name, &text.scenario, played))
}

fn play(text: &ScenarioText, stage: Stage, now: Timestamp, keys: Keys<'_>) -> Result<Played, RehearsalError> {
    let mut workshop = Workshop::open(now, &mut *keys)?;
    let built = text.build(&mut workshop, &mut *keys)?;
    let senders = text.senders(&built)?;
    let computers: Vec<Arc<Computer>> = built.into_iter().map(|built| built.computer).collect();
    let log = events::of_start(&computers, now);
    let shell = LabShell {
        scenario: &text.scenario,
        workshop: &mut workshop,
        keys,
        now,
        events: &events::as_logged(&log, now),
        queues: &[],
        state: ShellState::default(),
    };
    let typed = shell.run_all(&text.scenario.commands(stage), &computers);
    let observed = observe::observe_after(&typed.logged, &typed.computers, &senders, &text.zone(), now);
    Ok(Played { stage, screen: typed.screen, refused: typed.refused, observed })
}

//! The attempts of one message as one story.

use jiff::Timestamp;

use super::outcome::{Attempt, Outcome, Reason, SendStage};
use super::policy::{AfterHandshakeFailure, SenderPolicy, Use};

/// A message in the hands of a sender, with every attempt so far.
#[derive(Clone, Debug)]
pub struct Delivery {
    policy: SenderPolicy,
    entered: Timestamp,
    attempts: Vec<Made>,
}

/// An attempt that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// When it began.
    pub at: Timestamp,
    /// True if it left TLS alone because an earlier one had failed at it.
    pub in_clear: bool,
    /// How it ended.
    pub attempt: Attempt,
}

/// When the next attempt is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAttempt {
    /// At once, on a new connection.
    Now,
    /// Not before this instant.
    At(Timestamp),
    /// Never: the message is delivered or bounced.
    Never,
}

impl Delivery {
    /// A message that comes into the queue at `now`.
    pub fn new(policy: SenderPolicy, now: Timestamp) -> Self {
        Self { policy, entered: now, attempts: Vec::new() }
    }

    /// When the next attempt is due.
    pub fn next(&self) -> NextAttempt {
        let Some(Made { at, attempt, .. }) = self.attempts.last() else {
            return NextAttempt::Now;
        };
        let at_once = self.policy.handshake_failed == AfterHandshakeFailure::ClearAtOnce;
        match attempt.outcome {
            Outcome::Deferred if at_once && self.policy.tls == Use::IfOffered && broke_tls(attempt) => {
                NextAttempt::Now
            }
            Outcome::Deferred => {
                at.checked_add(self.policy.queue.retry_after()).map_or(NextAttempt::Never, NextAttempt::At)
            }
            _ => NextAttempt::Never,
        }
    }

    /// Returns whether an attempt at `now` leaves TLS alone.
    pub fn in_clear(&self, now: Timestamp) -> bool {
        let any = |failed: fn(&Attempt) -> bool| self.attempts.iter().any(|made| failed(&made.attempt));
        let may = match self.policy.handshake_failed {
            AfterHandshakeFailure::ClearAtOnce => any(broke_tls),
            AfterHandshakeFailure::ClearAfter(patience) => {
                now.duration_since(self.entered) >= patience && (any(broke_tls) || any(was_lost_inside))
            }
            AfterHandshakeFailure::NeverClear => false,
        };
        self.policy.tls == Use::IfOffered && may
    }

    /// Takes note of an attempt that began at `now`; one that defers what has been kept for too long
    /// bounces it.
    pub fn note(&mut self, now: Timestamp, attempt: Attempt) {
        let in_clear = self.in_clear(now);
        let expired = attempt.outcome == Outcome::Deferred
            && now.duration_since(self.entered) >= self.policy.queue.keeps_for();
        let attempt = if expired {
            Attempt { outcome: Outcome::Bounced, reason: Reason::Expired, ..attempt }
        } else {
            attempt
        };
        self.attempts.push(Made { at: now, in_clear, attempt });
    }

    /// Every attempt, in order.
    pub fn attempts(&self) -> &[Made] {
        &self.attempts
    }

    /// How the message stands: the outcome of the last attempt, deferred before the first.
    pub fn outcome(&self) -> Outcome {
        self.attempts.last().map_or(Outcome::Deferred, |made| made.attempt.outcome)
    }

    /// The sender.
    pub fn policy(&self) -> &SenderPolicy {
        &self.policy
    }
}

/// Returns whether the connection was lost after the handshake; a 421 says that it will be.
fn was_lost_inside(attempt: &Attempt) -> bool {
    attempt.tls.is_some()
        && match &attempt.reason {
            Reason::Closed { .. } | Reason::TimedOut { .. } | Reason::Broken { .. } => true,
            Reason::Reply { at: SendStage::Ehlo, reply } => reply.code() == 421,
            _ => false,
        }
}

/// Returns whether the attempt was told to go ahead with TLS and got none.
fn broke_tls(attempt: &Attempt) -> bool {
    matches!(attempt.reason, Reason::Handshake(_))
}

//! The delivery of one message: its attempts in order.

use jiff::Timestamp;

use super::outcome::{Attempt, Outcome, Reason, SendStage};
use super::policy::{AfterHandshakeFailure, SenderPolicy, Use};

/// A message that a sender delivers, with its newest attempts.
#[derive(Clone, Debug)]
pub struct Delivery {
    policy: SenderPolicy,
    entered: Timestamp,
    attempts: Vec<Made>,
    /// True if TLS was granted in some attempt and did not come about.
    broke_tls: bool,
    /// True if the connection was lost after the handshake in some attempt.
    was_lost_inside: bool,
}

/// The number of attempts that are kept. A message may stay in a queue for days, with an attempt every few minutes.
const KEPT: usize = 32;

/// An attempt that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The time at which it began.
    pub at: Timestamp,
    /// True if it did not try TLS because it had failed in an earlier attempt.
    pub in_clear: bool,
    /// The attempt's result.
    pub attempt: Attempt,
}

/// The time at which the next attempt is due.
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
    /// Creates the delivery of a message that comes into the queue at `now`.
    pub fn new(policy: SenderPolicy, now: Timestamp) -> Self {
        Self { policy, entered: now, attempts: Vec::new(), broke_tls: false, was_lost_inside: false }
    }

    /// Returns when the next attempt is due.
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

    /// Returns whether an attempt at `now` does without TLS.
    pub fn in_clear(&self, now: Timestamp) -> bool {
        let may = match self.policy.handshake_failed {
            AfterHandshakeFailure::ClearAtOnce => self.broke_tls,
            AfterHandshakeFailure::ClearAfter(patience) => {
                now.duration_since(self.entered) >= patience && (self.broke_tls || self.was_lost_inside)
            }
            AfterHandshakeFailure::NeverClear => false,
        };
        self.policy.tls == Use::IfOffered && may
    }

    /// Notes an attempt that began at `now`. One that defers a message that has been kept for too long
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
        self.broke_tls |= broke_tls(&attempt);
        self.was_lost_inside |= was_lost_inside(&attempt);
        if self.attempts.len() >= KEPT {
            self.attempts.remove(0);
        }
        self.attempts.push(Made { at: now, in_clear, attempt });
    }

    /// Returns the newest attempts, in order: all of them where they are no more than 32.
    pub fn attempts(&self) -> &[Made] {
        &self.attempts
    }

    /// Returns the state of the message: the outcome of the last attempt, or deferred before the first.
    pub fn outcome(&self) -> Outcome {
        self.attempts.last().map_or(Outcome::Deferred, |made| made.attempt.outcome)
    }

    /// Returns the sender.
    pub fn policy(&self) -> &SenderPolicy {
        &self.policy
    }
}

/// Returns whether the connection was lost after the handshake. A 421 announces that it will be.
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

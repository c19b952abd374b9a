//! The rules that decide whether a client's behavior is right for its policy.

use std::collections::BTreeSet;

use serde::Serialize;

use super::policy::Policy;
use super::trial::{Outcome, Trial};
use crate::observe::verdict::Said;
use crate::scenario::{Acceptance, ServerTrust};

/// The judgement on a client's behavior under its policy, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The mark.
    pub mark: Mark,
    /// The reason, as a sentence without its full stop.
    pub why: String,
}

/// The mark that a client's behavior gets under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The behavior is right.
    Right,
    /// The policy is kept, but mail does not arrive that could have.
    Stricter,
    /// The policy is violated.
    Wrong,
    /// No judgement is possible.
    Untried,
}

impl Mark {
    /// Returns the mark in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Stricter => "stricter",
            Self::Wrong => "wrong",
            Self::Untried => "untried",
        }
    }
}

const fn right(why: &'static str) -> (Mark, &'static str) {
    (Mark::Right, why)
}

const fn wrong(why: &'static str) -> (Mark, &'static str) {
    (Mark::Wrong, why)
}

/// Judges what a client did in a trial under `policy`.
pub fn judge(policy: Policy, trial: &Trial) -> Judged {
    let leaked = trial.leaked();
    let (mark, why) = match trial.outcome() {
        Outcome::NotRun => (Mark::Untried, "the client was not run"),
        Outcome::Hung => wrong("it does not go on although it is its turn"),
        Outcome::Refused if trial.claims_success() => {
            wrong("the command says success, and nothing was delivered")
        }
        _ if policy == Policy::None => right("the policy demands nothing of TLS"),
        outcome if policy.demands_tls() => demanded(policy, trial, outcome, &leaked),
        outcome => opportunistic(trial, outcome, &leaked),
    };
    let why = match mark {
        Mark::Wrong if policy != Policy::None && !leaked.is_empty() => {
            format!("{why} ({} in clear)", list(&leaked))
        }
        _ => why.to_owned(),
    };
    Judged { mark, why }
}

/// Returns a list such as `envelope, body and credentials`.
fn list(leaked: &BTreeSet<Said>) -> String {
    let words: Vec<_> = leaked.iter().map(|said| said.as_str()).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Judges under `may`: encrypted wherever that is possible, whatever the server's identity (RFC 7435 section
/// 3).
fn opportunistic(trial: &Trial, outcome: Outcome, leaked: &BTreeSet<Said>) -> (Mark, &'static str) {
    match outcome {
        Outcome::InClear if could_be_had(trial) => {
            wrong("delivered in clear where a handshake could have succeeded")
        }
        // A client that was about to deliver in clear has revealed the envelope at least.
        Outcome::Refused | Outcome::Waits if could_be_had(trial) && !leaked.is_empty() => {
            wrong("spoke in clear where a handshake could have succeeded")
        }
        Outcome::InClear => right("delivered in clear for want of TLS, as the policy allows"),
        Outcome::OverTls => right("delivered over TLS"),
        Outcome::Waits => right("waits for the lab, which is silent; nothing was lost"),
        _ => not_delivered(trial, can_succeed(trial.tls)),
    }
}

/// Judges under `encrypt`, `verify` and `secure`: nothing is ever said in clear, and under the latter two
/// nothing is said to a server that is not verified.
fn demanded(
    policy: Policy,
    trial: &Trial,
    outcome: Outcome,
    leaked: &BTreeSet<Said>,
) -> (Mark, &'static str) {
    let proves_nothing =
        policy.demands_proof() && matches!(trial.tls, ServerTrust::WrongName | ServerTrust::Untrusted);
    match outcome {
        Outcome::InClear => wrong("delivered in clear"),
        _ if !leaked.is_empty() => wrong("said in clear what only TLS may carry"),
        _ if trial.took_injected() => {
            wrong("took a reply that was injected in clear behind the 220 to STARTTLS for the server's")
        }
        Outcome::OverTls if proves_nothing => wrong(match trial.tls {
            ServerTrust::WrongName => "delivered to a server that has a certificate for another name",
            _ => "delivered to a server whose certificate is not to be trusted",
        }),
        _ if proves_nothing && !trial.said_over_tls().is_empty() => {
            wrong("told a server that has proved nothing what was not meant for it")
        }
        Outcome::OverTls => right("delivered over TLS"),
        Outcome::Waits => right("waits for the lab, which is silent; nothing was said in clear"),
        _ => not_delivered(
            trial,
            trial.tls == ServerTrust::Good || (!policy.demands_proof() && can_succeed(trial.tls)),
        ),
    }
}

/// Returns whether an opportunistic client had no reason to do without TLS. Where implementations differ it
/// has a reason, unless the client itself aborted a handshake that the server had not broken.
fn could_be_had(trial: &Trial) -> bool {
    let turned_away = || {
        let handshakes = trial.conversations().filter_map(|it| it.handshake.as_ref());
        handshakes.filter(|it| it.presented.is_some()).any(|it| it.reaction.is_the_clients())
    };
    match trial.tls {
        ServerTrust::Good | ServerTrust::WrongName | ServerTrust::Untrusted => true,
        ServerTrust::Disputed => turned_away(),
        ServerTrust::Fragile | ServerTrust::None => false,
    }
}

/// Returns whether the server lets a handshake complete.
const fn can_succeed(tls: ServerTrust) -> bool {
    matches!(tls, ServerTrust::Good | ServerTrust::WrongName | ServerTrust::Untrusted | ServerTrust::Disputed)
}

/// Judges a message that was not delivered; `allowed` says whether the policy and TLS would have allowed it.
fn not_delivered(trial: &Trial, allowed: bool) -> (Mark, &'static str) {
    let in_clear_only = matches!(trial.tls, ServerTrust::None) && trial.mail == Acceptance::Always;
    match trial.mail {
        Acceptance::Never => right("not delivered, as nobody could have"),
        Acceptance::Later => right("not delivered at the first try, as nobody could have"),
        Acceptance::Disputed => right("not delivered, as clients differ here"),
        Acceptance::Always | Acceptance::OverTls if allowed => {
            (Mark::Stricter, "not delivered where the policy would have allowed it")
        }
        Acceptance::Always | Acceptance::OverTls if in_clear_only => right("not delivered for want of TLS"),
        Acceptance::Always | Acceptance::OverTls => {
            right("not delivered to a server that does not do what is needed")
        }
    }
}

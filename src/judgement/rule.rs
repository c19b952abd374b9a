//! Whether what a client did is right for its policy.

use std::collections::BTreeSet;

use serde::Serialize;

use super::policy::Policy;
use super::trial::{Outcome, Trial};
use crate::observe::verdict::Said;
use crate::scenario::{Taken, Worth};

/// Whether what a client did is right for its policy, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Whether it is.
    pub mark: Mark,
    /// Why, in a sentence without its end.
    pub why: String,
}

/// Whether something is right for a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It is.
    Right,
    /// It breaks nothing, and mail does not arrive that could have.
    Stricter,
    /// The policy is broken.
    Wrong,
    /// Nothing can be said.
    Untried,
}

impl Mark {
    /// The mark in one word.
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

/// Whether what a client did in a trial is right for `policy`.
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

/// `envelope, body and credentials`.
fn list(leaked: &BTreeSet<Said>) -> String {
    let words: Vec<_> = leaked.iter().map(|said| said.as_str()).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// `may`: encrypted wherever that is possible, whoever the server is (RFC 7435 section 3).
fn opportunistic(trial: &Trial, outcome: Outcome, leaked: &BTreeSet<Said>) -> (Mark, &'static str) {
    match outcome {
        Outcome::InClear if could_be_had(trial) => {
            wrong("delivered in clear where a handshake could have succeeded")
        }
        // Whoever was about to deliver in clear has told the envelope at least.
        Outcome::Refused | Outcome::Waits if could_be_had(trial) && !leaked.is_empty() => {
            wrong("spoke in clear where a handshake could have succeeded")
        }
        Outcome::InClear => right("delivered in clear for want of TLS, as the policy allows"),
        Outcome::OverTls => right("delivered over TLS"),
        Outcome::Waits => right("waits for the lab, which is silent; nothing was lost"),
        _ => not_delivered(trial, can_succeed(trial.tls)),
    }
}

/// `encrypt`, `verify` and `secure`: nothing in clear, ever, and of the latter two nothing to a stranger.
fn demanded(
    policy: Policy,
    trial: &Trial,
    outcome: Outcome,
    leaked: &BTreeSet<Said>,
) -> (Mark, &'static str) {
    let proves_nothing = policy.demands_proof() && matches!(trial.tls, Worth::WrongName | Worth::Untrusted);
    match outcome {
        Outcome::InClear => wrong("delivered in clear"),
        _ if !leaked.is_empty() => wrong("said in clear what only TLS may carry"),
        _ if trial.took_injected() => {
            wrong("took a reply that was injected in clear behind the 220 to STARTTLS for the server's")
        }
        Outcome::OverTls if proves_nothing => wrong(match trial.tls {
            Worth::WrongName => "delivered to a server that has a certificate for another name",
            _ => "delivered to a server whose certificate is not to be trusted",
        }),
        _ if proves_nothing && !trial.said_over_tls().is_empty() => {
            wrong("told a server that has proved nothing what was not meant for it")
        }
        Outcome::OverTls => right("delivered over TLS"),
        Outcome::Waits => right("waits for the lab, which is silent; nothing was said in clear"),
        _ => not_delivered(
            trial,
            trial.tls == Worth::Good || (!policy.demands_proof() && can_succeed(trial.tls)),
        ),
    }
}

/// Whether an opportunistic client had no reason to do without TLS. Where implementations differ it has one,
/// unless it was the client that turned away from a handshake which nobody had broken.
fn could_be_had(trial: &Trial) -> bool {
    let turned_away = || {
        let handshakes = trial.conversations().filter_map(|it| it.handshake.as_ref());
        handshakes.filter(|it| it.presented.is_some()).any(|it| it.reaction.is_the_clients())
    };
    match trial.tls {
        Worth::Good | Worth::WrongName | Worth::Untrusted => true,
        Worth::Disputed => turned_away(),
        Worth::Fragile | Worth::None => false,
    }
}

/// Whether a handshake can come to its end, as far as that is the server's affair.
const fn can_succeed(tls: Worth) -> bool {
    matches!(tls, Worth::Good | Worth::WrongName | Worth::Untrusted | Worth::Disputed)
}

/// Not delivered, where the policy and TLS would have allowed it or not.
fn not_delivered(trial: &Trial, allowed: bool) -> (Mark, &'static str) {
    let in_clear_only = matches!(trial.tls, Worth::None) && trial.mail == Taken::Always;
    match trial.mail {
        Taken::Never => right("not delivered, as nobody could have"),
        Taken::Later => right("not delivered at the first try, as nobody could have"),
        Taken::Disputed => right("not delivered, as clients differ here"),
        Taken::Always | Taken::OverTls if allowed => {
            (Mark::Stricter, "not delivered where the policy would have allowed it")
        }
        Taken::Always | Taken::OverTls if in_clear_only => right("not delivered for want of TLS"),
        Taken::Always | Taken::OverTls => right("not delivered to a server that does not do what is needed"),
    }
}

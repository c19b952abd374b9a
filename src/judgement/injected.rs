//! The proof that a client took an injected reply for one from inside TLS.
//!
//! Closing a connection proves nothing, and neither does going on before a reply has come: a client that pipelines,
//! or whose patience is short, does so everywhere. So a client is compared with itself, at a control: a server
//! that is the same and injects nothing.

use std::collections::BTreeSet;

use super::trial::{Exit, Outcome, Trial};
use crate::observe::verdict::{Conversation, Reaction};

/// Records in each conversation of `trial` the proof that the client took the injected reply, if there is one.
/// `control` is a trial of the same client at a server that injects nothing.
pub fn find_taken_replies(trial: &mut Trial, control: &Trial) {
    let habits: Option<BTreeSet<&str>> = control
        .conversations()
        .any(went_on_inside)
        .then(|| control.conversations().flat_map(|it| &it.unexplained).map(String::as_str).collect());
    let quoted = trial.repeated.clone().filter(|_| fails(trial) && delivers(control));
    for conversation in trial.verdicts.iter_mut().flat_map(|verdict| &mut verdict.conversations) {
        let by_acts = habits.as_ref().and_then(|habits| {
            let new = conversation.unexplained.iter().find(|act| !habits.contains(act.as_str()))?;
            Some(format!("{new}, and it does not do so at `{}`, which injects nothing", control.entry))
        });
        let by_words = || {
            let line = quoted.as_ref().filter(|_| began_handshake(conversation))?;
            Some(format!(
                "it fails with a reply that was injected behind the 220, in clear: {line}; at `{}`, which injects \
                 nothing, it delivers",
                control.entry
            ))
        };
        let taken = by_acts.or_else(by_words);
        if let Some(injected) = &mut conversation.injected {
            injected.taken = taken;
        }
    }
}

/// Returns whether the client said anything inside TLS, so that its habits there are known.
fn went_on_inside(conversation: &Conversation) -> bool {
    conversation.handshake.as_ref().is_some_and(|it| it.reaction == Reaction::Accepted)
}

/// Returns whether the client began TLS. One that notices the injected reply does not, and may quote it in its log.
fn began_handshake(conversation: &Conversation) -> bool {
    conversation.handshake.as_ref().is_some_and(|it| it.client_hello.is_some())
}

fn delivers(trial: &Trial) -> bool {
    matches!(trial.outcome(), Outcome::OverTls | Outcome::InClear)
}

fn fails(trial: &Trial) -> bool {
    !delivers(trial) && !matches!(trial.exit, Exit::NotRun(_))
}

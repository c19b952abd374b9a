//! The proof that a client took an injected reply for one from inside TLS, or what is known where there is none.
//!
//! Closing a connection proves nothing, and neither does going on before a reply has come: a client that pipelines,
//! or whose patience is short, does so everywhere. So a client is compared with itself, at a control: a server
//! that is the same and injects nothing. A client that fails before it has said anything inside TLS may have noticed
//! the reply, and may quote it for that reason.

use std::collections::BTreeSet;

use super::trial::{Exit, Outcome, Trial};
use crate::observe::verdict::{Conversation, Reaction};

/// Records in each conversation of `trial` the proof that the client took the injected reply, or the effect that
/// the reply had. `control` is a trial of the same client at a server that injects nothing.
pub fn find_taken_replies(trial: &mut Trial, control: &Trial) {
    let habits: Option<BTreeSet<&str>> = control
        .conversations()
        .any(went_on_inside)
        .then(|| control.conversations().flat_map(|it| &it.unexplained).map(String::as_str).collect());
    let stops = fails(trial) && delivers(control);
    let quoted = trial.repeated.clone().filter(|_| stops);
    for conversation in trial.verdicts.iter_mut().flat_map(|verdict| &mut verdict.conversations) {
        let by_acts = habits.as_ref().and_then(|habits| {
            let new = conversation.unexplained.iter().find(|act| !habits.contains(act.as_str()))?;
            Some(format!("{new}, and it does not do so at `{}`, which injects nothing", control.entry))
        });
        let by_words = || {
            let line = quoted.as_ref().filter(|_| conversation.went_on_inside)?;
            Some(format!(
                "it went on inside TLS and fails with a reply that was injected behind the 220, in clear: {line}; at \
                 `{}`, which injects nothing, it delivers",
                control.entry
            ))
        };
        let taken = by_acts.or_else(by_words);
        let effect = stops.then(|| effect(conversation, quoted.as_deref(), &control.entry));
        if let Some(injected) = &mut conversation.injected {
            injected.effect = effect.filter(|_| taken.is_none());
            injected.taken = taken;
        }
    }
}

/// Returns the effect of the injected reply on a client that delivers only where nothing is injected.
fn effect(conversation: &Conversation, quoted: Option<&str>, control: &str) -> String {
    let quotes = quoted.map_or_else(String::new, |line| format!(" and prints it ({line})"));
    let delivers = format!("at `{control}`, which injects nothing, it delivers");
    if !began_handshake(conversation) {
        return format!(
            "it fails where a reply is injected behind the 220{quotes}, and it began no TLS there, so it did not take \
             that reply for one from inside TLS; {delivers}"
        );
    }
    let said = if conversation.went_on_inside { "" } else { ", and it said no command inside TLS" };
    format!(
        "it fails where a reply is injected behind the 220{quotes}{said}; {delivers}. A client that notices the reply \
         does so, and one that takes it for an answer; which of them this is was not seen"
    )
}

/// Returns whether the client began TLS.
pub(super) fn began_handshake(conversation: &Conversation) -> bool {
    conversation.handshake.as_ref().is_some_and(|it| it.client_hello.is_some())
}

/// Returns whether the client said anything inside TLS, so that its habits there are known.
fn went_on_inside(conversation: &Conversation) -> bool {
    conversation.handshake.as_ref().is_some_and(|it| it.reaction == Reaction::Accepted)
}

fn delivers(trial: &Trial) -> bool {
    matches!(trial.outcome(), Outcome::OverTls | Outcome::InClear)
}

fn fails(trial: &Trial) -> bool {
    !delivers(trial) && !matches!(trial.exit, Exit::NotRun(_))
}

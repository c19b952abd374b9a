//! A conversation as a part of a sentence: what was seen, and what the lab did itself.

use super::conversation::{CloseReason, Conversation};
use super::handshake::{HandshakeAudit, Reaction};
use super::met::after_go_ahead;
use super::symptom::Symptom;
use crate::journal::explain::partial_hello;

/// Returns the conversation as a part of a sentence; `None` if nothing happened in it.
pub(super) fn tell(conversation: &Conversation) -> Option<String> {
    let mut text = match &conversation.handshake {
        _ if conversation.client_hello_in_clear => "a TLS ClientHello came in place of a command".to_owned(),
        Some(handshake) => handshake_in_words(handshake, conversation),
        None => without_handshake(conversation)?,
    };
    if conversation.injected.is_some() && !conversation.unexplained.is_empty() {
        text += &format!(
            "; a reply was injected behind the 220, and {}, as a client does that takes that reply for one from \
             inside TLS; one session alone does not prove it",
            conversation.unexplained.join(" and ")
        );
    }
    let on_purpose = !conversation.faults.is_empty()
        && conversation.messages_in_clear + conversation.messages_over_tls == 0
        && !is_in_reaction(conversation);
    if on_purpose {
        text += &format!(" (on purpose, the lab did this: {})", conversation.faults.join("; "));
    }
    Some(text)
}

/// Returns whether the words for the handshake already say what the lab did.
fn is_in_reaction(conversation: &Conversation) -> bool {
    let reaction = conversation.handshake.as_ref().map(|handshake| &handshake.reaction);
    matches!(reaction, Some(Reaction::OnPurpose { .. }))
}

fn handshake_in_words(handshake: &HandshakeAudit, conversation: &Conversation) -> String {
    let reaction = &handshake.reaction;
    if reaction.accepted_legacy() {
        return format!("{}; a real server of that kind would have completed it", reaction.in_words());
    }
    if let Reaction::OnPurpose { .. } = reaction {
        return reaction.in_words();
    }
    if !handshake.certificate_sent {
        let closed = *reaction == Reaction::ClosedDuring;
        let early = match (closed, handshake.partial_hello) {
            (true, 0) if handshake.client_hello.is_none() => {
                "closed the connection before any ClientHello".to_owned()
            }
            (_, 0) => reaction.in_words(),
            (true, bytes) => format!("closed the connection after {}", partial_hello(bytes)),
            (false, bytes) => format!("{}, after {}", reaction.in_words(), partial_hello(bytes)),
        };
        return format!("no certificate was presented yet, and the client {early}");
    }
    let problem = handshake.presented.as_ref().and_then(|it| it.problem());
    let certificate = problem.map_or_else(
        || "a certificate that holds was presented".to_owned(),
        |problem| format!("the certificate {}", problem.in_words()),
    );
    format!("{certificate}, and the client {}{}", reaction.in_words(), after(handshake, conversation))
}

/// Returns what followed a handshake after which the client said nothing, and what that can mean.
fn after(handshake: &HandshakeAudit, conversation: &Conversation) -> &'static str {
    match (&handshake.reaction, &conversation.parting) {
        (Reaction::LeftAfter, _) => {
            let problem = handshake.presented.as_ref().and_then(|it| it.problem());
            if problem.is_some() {
                ", as a client does that looks at the certificate afterwards and refuses it, and as a probe does \
                 that wants no more"
            } else {
                ", as a probe does that wants no more"
            }
        }
        (Reaction::Completed, CloseReason::ByLab) => " before the lab closed the connection",
        (Reaction::Completed, CloseReason::Open) => " so far",
        (Reaction::Completed, _) => " that the lab let be said",
        _ => "",
    }
}

fn without_handshake(conversation: &Conversation) -> Option<String> {
    let starttls = &conversation.starttls;
    Some(match (starttls.asked, starttls.offered, &starttls.answer) {
        (true, _, Some(answer)) if starttls.is_granted() => {
            let then = match after_go_ahead(conversation) {
                Some(Symptom::ClearText) => "and then clear text",
                Some(_) => "and the lab closed",
                None => "and no handshake",
            };
            format!("STARTTLS was answered {answer}, {then}")
        }
        (true, _, Some(answer)) => format!("STARTTLS was refused with {answer}"),
        (true, _, None) => match conversation.parting {
            CloseReason::Open => "STARTTLS has not been answered yet".to_owned(),
            CloseReason::Quit | CloseReason::Vanished | CloseReason::Broke(_) | CloseReason::ByLab => {
                "STARTTLS was not answered".to_owned()
            }
        },
        (false, Some(true), _) => "STARTTLS was offered and not used".to_owned(),
        (false, Some(false), _) => "STARTTLS was not offered".to_owned(),
        (false, None, _) => return None,
    })
}

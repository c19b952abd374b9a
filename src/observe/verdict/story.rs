//! The conversations of one client as one story.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::SignedDuration;
use serde::{Serialize, Serializer};

use super::conversation::{Conversation, Parting};
use super::handshake::Reaction;
use super::leak::{Leak, Said, Why};
use super::symptom::{ErrorText, Symptom};
use crate::journal::explain::counted;
use crate::session::InjectedFault;
use crate::session::send::{CertificateProblem, ResultType};

/// What a client's conduct with one connector amounts to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Where the client came from.
    pub peer: IpAddr,
    /// The computer's name.
    pub computer: String,
    /// The connector's name.
    pub connector: String,
    /// How many messages were taken over TLS.
    pub messages_over_tls: u64,
    /// How many messages were taken in clear.
    pub messages_in_clear: u64,
    /// What was said in clear, in order.
    pub leaks: Vec<Leak>,
    /// How it came back in clear after TLS had come to nothing.
    pub fall_back: Option<FallBack>,
    /// The word of RFC 8460 section 4.3 for what TLS failed with first.
    pub result_type: Option<ResultType>,
    /// What the client met, by which its error text is decided.
    pub symptom: Option<Symptom>,
    /// What programs say then.
    pub error_texts: &'static [ErrorText],
    /// The whole in a few sentences.
    pub words: String,
    /// The conversations, by their beginning.
    pub conversations: Vec<Conversation>,
}

/// A return in clear after a conversation in which the client had set out for TLS and delivered nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FallBack {
    /// The first conversation in which TLS came to nothing.
    pub from: String,
    /// The conversation in which the client spoke in clear.
    pub to: String,
    /// How many connections later that was; 0 in the same one, as after a refused STARTTLS.
    pub connections_later: usize,
    /// How much later, by the lab's clock.
    #[serde(serialize_with = "seconds")]
    pub seconds_later: SignedDuration,
    /// What was said in clear then.
    pub said: BTreeSet<Said>,
}

/// Whoever comes back in clear later than this has waited for another try.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);

impl FallBack {
    /// Whether the next connection was in clear already, and came at once.
    pub fn is_at_once(&self) -> bool {
        self.connections_later <= 1 && self.seconds_later <= AT_ONCE
    }

    /// The fall-back as a sentence without its subject.
    pub fn in_words(&self) -> String {
        let said: Vec<_> = self.said.iter().map(|said| said.as_str()).collect();
        let when = match self.connections_later {
            0 => "in the same connection".to_owned(),
            count => {
                let count = counted(u64::try_from(count).unwrap_or(u64::MAX), "connection");
                format!("{count} and {:.3} s later", self.seconds_later.as_secs_f64())
            }
        };
        format!("came back in clear {when} ({})", said.join(", "))
    }
}

impl Verdict {
    pub(super) fn of(
        peer: IpAddr,
        computer: String,
        connector: String,
        mut conversations: Vec<Conversation>,
    ) -> Self {
        let failed = conversations.iter().position(Conversation::came_to_nothing);
        if let Some(failed) = failed {
            let later = conversations.iter_mut().skip(failed + 1);
            later.flat_map(|it| &mut it.leaks).for_each(|leak| leak.why = Why::AfterFailure);
        }
        let met = conversations.iter().find_map(met);
        let symptom = met.and_then(|(_, symptom)| symptom);
        let mut verdict = Self {
            peer,
            computer,
            connector,
            messages_over_tls: conversations.iter().map(|it| it.messages_over_tls).sum(),
            messages_in_clear: conversations.iter().map(|it| it.messages_in_clear).sum(),
            leaks: conversations.iter().flat_map(|it| it.leaks.clone()).collect(),
            fall_back: failed.and_then(|failed| fall_back(&conversations, failed)),
            result_type: met.map(|(result_type, _)| result_type),
            symptom,
            error_texts: symptom.map_or(&[], Symptom::error_texts),
            words: String::new(),
            conversations,
        };
        verdict.words = verdict.tell();
        verdict
    }

    /// What was said in clear.
    pub fn leaked(&self) -> BTreeSet<Said> {
        self.leaks.iter().map(|leak| leak.what).collect()
    }

    /// What was said over TLS.
    pub fn said_over_tls(&self) -> BTreeSet<Said> {
        self.conversations.iter().flat_map(|it| it.said_over_tls.iter().copied()).collect()
    }

    fn tell(&self) -> String {
        let mut parts = vec![counted(self.conversations.len() as u64, "connection")];
        // Of a client that comes a hundred times the first and the last ones tell enough.
        const SHOWN: usize = 3;
        let skipped = self.conversations.len().saturating_sub(2 * SHOWN);
        for (number, conversation) in self.conversations.iter().enumerate() {
            if skipped > 0 && number == SHOWN {
                parts.push(format!("{skipped} more like these"));
            }
            if number < SHOWN || number >= SHOWN + skipped {
                parts.extend(tell(conversation));
            }
        }
        if let Some(fall_back) = &self.fall_back {
            parts.push(fall_back.in_words());
        }
        parts.push(match (self.messages_over_tls, self.messages_in_clear) {
            (0, 0) => "no message".to_owned(),
            (tls, 0) => format!("{} over TLS", counted(tls, "message")),
            (0, clear) => format!("{} in clear", counted(clear, "message")),
            (tls, clear) => format!("{} over TLS, {clear} in clear", counted(tls, "message")),
        });
        parts.join("; ")
    }
}

fn fall_back(conversations: &[Conversation], failed: usize) -> Option<FallBack> {
    let from = conversations.get(failed)?;
    let came_back = conversations.iter().enumerate().skip(failed).find_map(|(number, it)| {
        // In the same conversation only a refused STARTTLS leaves something to say.
        let leaks = it.leaks.iter().filter(|leak| number > failed || leak.why == Why::Refused);
        let first = leaks.clone().map(|leak| leak.at).min()?;
        Some((number, it, first, leaks.map(|leak| leak.what).collect()))
    });
    let (number, to, first, said) = came_back?;
    let since = if number == failed { from.began } else { from.ended.unwrap_or(from.began) };
    Some(FallBack {
        from: from.session.clone(),
        to: to.session.clone(),
        connections_later: number - failed,
        seconds_later: first.duration_since(since),
        said,
    })
}

/// What a client met in a conversation without success.
fn met(conversation: &Conversation) -> Option<(ResultType, Option<Symptom>)> {
    let starttls = &conversation.starttls;
    if let Some(handshake) = &conversation.handshake {
        let problem = handshake.presented.as_ref().and_then(|it| it.problem());
        return match (&handshake.reaction, problem) {
            (Reaction::Accepted, _) => None,
            (reaction, Some(problem)) if reaction.is_the_clients() => {
                Some((problem.result_type(), symptom_of(problem)))
            }
            // What it did not like cannot be seen in what was presented.
            (reaction, None) if reaction.is_the_clients() => Some((ResultType::ValidationFailure, None)),
            (Reaction::RefusedByLab { alert, .. }, _) if alert == "handshake_failure" => {
                Some((ResultType::ValidationFailure, Some(Symptom::HandshakeFailure)))
            }
            (Reaction::OnPurpose { fault, .. }, _) => {
                Some((ResultType::ValidationFailure, symptom_of_fault(fault)))
            }
            _ => Some((ResultType::ValidationFailure, after_go_ahead(conversation))),
        };
    }
    match (starttls.asked, starttls.offered) {
        (true, _) if starttls.is_granted() => {
            Some((ResultType::ValidationFailure, after_go_ahead(conversation)))
        }
        (true, _) => Some((ResultType::StarttlsNotSupported, Some(Symptom::Refused))),
        (false, Some(false)) => Some((ResultType::StarttlsNotSupported, Some(Symptom::NotOffered))),
        (false, _) => None,
    }
}

fn after_go_ahead(conversation: &Conversation) -> Option<Symptom> {
    match conversation.parting {
        _ if conversation.clear_text_after_go_ahead => Some(Symptom::ClearText),
        Parting::ByLab => Some(Symptom::Closed),
        _ => None,
    }
}

/// RFC 8446 section 6.
const HANDSHAKE_FAILURE: u8 = 40;

const fn symptom_of_fault(fault: &InjectedFault) -> Option<Symptom> {
    match fault {
        InjectedFault::Alert { alert: HANDSHAKE_FAILURE } => Some(Symptom::HandshakeFailure),
        InjectedFault::Octets { .. } => Some(Symptom::ClearText),
        InjectedFault::Close | InjectedFault::Reset | InjectedFault::Cut { .. } => Some(Symptom::Closed),
        InjectedFault::Silence
        | InjectedFault::Alert { .. }
        | InjectedFault::Warning { .. }
        | InjectedFault::Corrupted { .. }
        | InjectedFault::Legacy { .. } => None,
    }
}

const fn symptom_of(problem: &CertificateProblem) -> Option<Symptom> {
    match problem {
        CertificateProblem::HostMismatch { .. } => Some(Symptom::NameMismatch),
        CertificateProblem::Expired | CertificateProblem::NotYetValid => Some(Symptom::Expired),
        CertificateProblem::SelfSigned | CertificateProblem::UnknownIssuer => Some(Symptom::UnknownAuthority),
        CertificateProblem::WrongPurpose => Some(Symptom::WrongPurpose),
        CertificateProblem::Revoked | CertificateProblem::Invalid { .. } => None,
    }
}

/// A conversation in one part of a sentence; one in which nothing happened is passed over.
fn tell(conversation: &Conversation) -> Option<String> {
    let starttls = &conversation.starttls;
    if conversation.client_hello_in_clear {
        return Some("a TLS ClientHello came in place of a command".to_owned());
    }
    if let Some(handshake) = &conversation.handshake {
        if handshake.reaction.accepted_legacy() {
            return Some(format!(
                "{}; a real server of that kind would have completed it",
                handshake.reaction.in_words()
            ));
        }
        if let Reaction::OnPurpose { .. } = handshake.reaction {
            return Some(handshake.reaction.in_words());
        }
        let problem = handshake.presented.as_ref().and_then(|it| it.problem());
        let certificate = problem.map_or_else(
            || "a certificate that holds was presented".to_owned(),
            |problem| format!("the certificate {}", problem.in_words()),
        );
        let suspicion = match (&handshake.reaction, problem) {
            (Reaction::LeftAfter, Some(_)) => ", so it probably refused the certificate",
            _ => "",
        };
        return Some(format!("{certificate}, and the client {}{suspicion}", handshake.reaction.in_words()));
    }
    Some(match (starttls.asked, starttls.offered, &starttls.answer) {
        (true, _, Some(answer)) if starttls.is_granted() => {
            let then = match after_go_ahead(conversation) {
                Some(Symptom::ClearText) => "and then clear text",
                Some(Symptom::Closed) => "and the lab closed",
                _ => "and no handshake",
            };
            format!("STARTTLS was answered {answer}, {then}")
        }
        (true, _, Some(answer)) => format!("STARTTLS was refused with {answer}"),
        (true, _, None) => "STARTTLS was not answered".to_owned(),
        (false, Some(true), _) => "STARTTLS was offered and not used".to_owned(),
        (false, Some(false), _) => "STARTTLS was not offered".to_owned(),
        (false, None, _) => return None,
    })
}

fn seconds<S: Serializer>(duration: &SignedDuration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

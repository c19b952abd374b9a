//! The conversations of one client with one connector, judged together.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::SignedDuration;
use serde::{Serialize, Serializer};

use super::conversation::Conversation;
use super::leak::{Leak, Said, Why};
use super::met::met;
use super::symptom::Symptom;
use super::telling::tell;
use super::texts::ErrorText;
use crate::journal::explain::counted;
use crate::session::send::ResultType;

/// The verdict on a client's behavior with one connector.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The client's address.
    pub peer: IpAddr,
    /// The computer's name.
    pub computer: String,
    /// The connector's name.
    pub connector: String,
    /// The number of messages that were accepted over TLS.
    pub messages_over_tls: u64,
    /// The number of messages that were accepted in clear.
    pub messages_in_clear: u64,
    /// The parts that were said in clear, in order.
    pub leaks: Vec<Leak>,
    /// The client's fallback to clear text after TLS had failed.
    pub fall_back: Option<FallBack>,
    /// The result type of RFC 8460 section 4.3 for the first failure of TLS.
    pub result_type: Option<ResultType>,
    /// The symptom that the client met, which determines its error text.
    pub symptom: Option<Symptom>,
    /// The basis on which `result_type` and `symptom` are inferred, and what else fits; `None` if they were
    /// seen.
    pub inferred: Option<String>,
    /// The error texts that programs print for the symptom.
    pub error_texts: Vec<ErrorText>,
    /// The whole verdict in a few sentences.
    pub words: String,
    /// The conversations, in the order of their beginning.
    pub conversations: Vec<Conversation>,
}

/// A return in clear after a conversation in which the client had asked for TLS and delivered nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FallBack {
    /// The first conversation in which TLS failed.
    pub from: String,
    /// The conversation in which the client spoke in clear.
    pub to: String,
    /// The number of connections from the one to the other; 0 if both are one, as after a refused STARTTLS.
    pub connections_later: usize,
    /// The time between them, by the lab's clock.
    #[serde(serialize_with = "seconds")]
    pub seconds_later: SignedDuration,
    /// The parts that were said in clear then.
    pub said: BTreeSet<Said>,
}

/// The longest delay of an immediate fallback. A client that comes back later has waited for a retry.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);

impl FallBack {
    /// Returns whether the next connection was already in clear, and came at once.
    pub fn is_at_once(&self) -> bool {
        self.connections_later <= 1 && self.seconds_later <= AT_ONCE
    }

    /// Returns the fallback as a sentence without its subject.
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
            let leaks = later.flat_map(|it| &mut it.leaks).filter(|leak| leak.why != Why::BehindStartTls);
            leaks.for_each(|leak| leak.why = Why::AfterFailure);
        }
        let met = conversations.iter().find_map(met).unwrap_or_default();
        let mut verdict = Self {
            peer,
            computer,
            connector,
            messages_over_tls: conversations.iter().map(|it| it.messages_over_tls).sum(),
            messages_in_clear: conversations.iter().map(|it| it.messages_in_clear).sum(),
            leaks: conversations.iter().flat_map(|it| it.leaks.clone()).collect(),
            fall_back: failed.and_then(|failed| fall_back(&conversations, failed)),
            result_type: met.result,
            symptom: met.symptom,
            inferred: met.inferred,
            error_texts: met.symptom.map(Symptom::error_texts).unwrap_or_default(),
            words: String::new(),
            conversations,
        };
        verdict.words = verdict.tell();
        verdict
    }

    /// Returns what was said in clear.
    pub fn leaked(&self) -> BTreeSet<Said> {
        self.leaks.iter().map(|leak| leak.what).collect()
    }

    /// Returns what was said over TLS.
    pub fn said_over_tls(&self) -> BTreeSet<Said> {
        self.conversations.iter().flat_map(|it| it.said_over_tls.iter().copied()).collect()
    }

    fn tell(&self) -> String {
        let mut parts = vec![counted(self.conversations.len() as u64, "connection").to_string()];
        // For a client that comes a hundred times, the first and the last conversations are enough.
        const SHOWN: usize = 3;
        let skipped = self.conversations.len().saturating_sub(2 * SHOWN);
        for (number, conversation) in self.conversations.iter().enumerate() {
            if skipped > 0 && number == SHOWN {
                parts.push(format!("{skipped} more in between"));
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
        // In one conversation, only a refused STARTTLS leaves something to say.
        let leaks = it.leaks.iter().filter(|leak| match leak.why {
            Why::Refused | Why::AfterFailure => true,
            Why::NotOffered | Why::OfferedAndNotUsed => number > failed,
            Why::BehindStartTls => false,
        });
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

fn seconds<S: Serializer>(duration: &SignedDuration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

//! The conversations of one client as one story.

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
    /// From what `result_type` and `symptom` are inferred, and what else fits; `None` where they were seen.
    pub inferred: Option<String>,
    /// What programs say then.
    pub error_texts: Vec<ErrorText>,
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
        // In the same conversation only a refused STARTTLS leaves something to say.
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

//! The fate of a message on a computer that had taken it, in the words of Exchange's message tracking log.

use jiff::Timestamp;
use serde::Serialize;

use super::shown::printable;

/// The fate of a message, or of those of its recipients that are in one domain.
///
/// Source: the event types on the message tracking page. The other fields of that log are not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tracking {
    /// The event itself.
    #[serde(flatten)]
    pub event: TrackingEvent,
    /// The computer on which it happened.
    pub computer: String,
    /// The message's number there.
    pub message: u64,
    /// The recipients that it concerns.
    pub recipients: Vec<String>,
}

/// An event in the life of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event_id", rename_all = "UPPERCASE")]
pub enum TrackingEvent {
    /// It is for a mailbox of this computer's organization and stays here.
    Deliver,
    /// The next hop has it.
    Send {
        /// The Send connector.
        connector: String,
        /// The next computer.
        to: String,
    },
    /// It stays in the queue.
    Defer {
        /// The Send connector, where there is one for it.
        connector: Option<String>,
        /// The reason. After an attempt it is the queue's LastError, which shows what followed from the
        /// failure and often not the failure itself.
        last_error: String,
        /// The time of the next attempt.
        retry: Timestamp,
    },
    /// It is given up. No non-delivery report is sent.
    Fail {
        /// The Send connector, where there is one for it.
        connector: Option<String>,
        /// Why.
        why: String,
    },
}

impl Tracking {
    /// Returns the event as one line that is safe for a terminal.
    pub(super) fn line(&self) -> String {
        /// A message may have thousands of recipients; a line has room for a few.
        const SHOWN: usize = 3;

        let mut recipients: Vec<String> = self.recipients.iter().take(SHOWN).map(|to| safe(to)).collect();
        if let Some(more @ 1..) = self.recipients.len().checked_sub(SHOWN) {
            recipients.push(format!("{more} more"));
        }
        let over = |connector: &Option<String>| {
            connector.as_ref().map(|name| format!(", over {}", safe(name))).unwrap_or_default()
        };
        let what = match &self.event {
            TrackingEvent::Deliver => "delivered to the mailbox".to_owned(),
            TrackingEvent::Send { connector, to } => {
                format!("sent to {}, over {}", safe(to), safe(connector))
            }
            TrackingEvent::Defer { connector, last_error, retry } => {
                format!("in the queue until {retry:.0}{}: {}", over(connector), safe(last_error))
            }
            TrackingEvent::Fail { connector, why } => {
                format!("given up{}: {} No report is sent.", over(connector), safe(why))
            }
        };
        format!(">> {}: message {} for {} {what}", self.computer, self.message, recipients.join(", "))
    }

    /// Returns the approximate number of bytes that it keeps on the heap.
    pub(super) fn weight(&self) -> usize {
        let said = match &self.event {
            TrackingEvent::Deliver | TrackingEvent::Send { .. } => 0,
            TrackingEvent::Defer { last_error, .. } => last_error.len(),
            TrackingEvent::Fail { why, .. } => why.len(),
        };
        256 + said + self.recipients.iter().map(|to| to.len() + 24).sum::<usize>()
    }
}

fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: TrackingEvent) -> String {
        let recipients = ["a@b.test", "c@b.test", "\u{1b}d@b.test", "e@b.test"];
        let recipients = recipients.into_iter().map(str::to_owned).collect();
        Tracking { event, computer: "EDGE".to_owned(), message: 7, recipients }.line()
    }

    #[test]
    fn what_became_of_a_message_is_one_line_for_a_few_of_its_recipients() {
        let (connector, to) = ("To Partner".to_owned(), "FE1".to_owned());
        assert_eq!(
            line(TrackingEvent::Send { connector: connector.clone(), to }),
            ">> EDGE: message 7 for a@b.test, c@b.test, \\x1bd@b.test, 1 more sent to FE1, over To Partner"
        );
        let (last_error, retry) = ("451 4.4.0 x\n".to_owned(), "2010-09-28T09:40:58Z".parse().unwrap());
        let deferred = line(TrackingEvent::Defer { connector: Some(connector), last_error, retry });
        assert!(
            deferred.ends_with("in the queue until 2010-09-28T09:40:58Z, over To Partner: 451 4.4.0 x\\n"),
            "{deferred}"
        );
    }
}

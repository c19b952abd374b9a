//! The expectations of a command: the number of messages, their transport, the events, and what is not said
//! in clear.

use std::str::FromStr;

use crate::nearest::nearest;
use crate::observe::verdict::Said;
use crate::observe::{Expectation, Observer};

/// The expectations on the command line.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ExpectArgs {
    /// Expect exactly this many messages in all
    #[arg(long, env = "STARTTLS_LAB_EXPECT_MESSAGES", value_name = "N")]
    expect_messages: Option<u64>,
    /// Expect every message over TLS, and at least one unless --expect-messages is 0
    #[arg(long, env = "STARTTLS_LAB_EXPECT_TLS")]
    expect_tls: bool,
    /// Expect that nothing is sent in clear, whether or not it is accepted; or only that these parts are not:
    /// credentials, envelope, content, with commas between them
    #[arg(
        long,
        env = "STARTTLS_LAB_EXPECT_NO_LEAK",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "credentials,envelope,content",
        value_delimiter = ',',
        value_name = "PART"
    )]
    expect_no_leak: Vec<Part>,
    /// Expect an event of this number; may be given several times, or with commas between numbers
    #[arg(long, env = "STARTTLS_LAB_EXPECT_EVENT", value_delimiter = ',', value_name = "ID")]
    expect_event: Vec<u16>,
    /// Expect no event of this number; may be given several times, or with commas between numbers
    #[arg(long, env = "STARTTLS_LAB_EXPECT_NO_EVENT", value_delimiter = ',', value_name = "ID")]
    expect_no_event: Vec<u16>,
}

/// A part of what a client says, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part(Said);

const PARTS: [(&str, Said); 3] =
    [("credentials", Said::Credentials), ("envelope", Said::Envelope), ("content", Said::Body)];

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = PARTS.iter().find(|(name, said)| *name == text || said.as_str() == text);
        found.map(|(_, said)| Self(*said)).ok_or_else(|| {
            let names = PARTS.map(|(name, _)| name);
            match nearest(text, names.into_iter()) {
                Some(near) => format!("there is no part `{text}`; did you mean `{near}`?"),
                None => format!("there is no part `{text}`; there are {}", names.join(", ")),
            }
        })
    }
}

impl ExpectArgs {
    /// Returns a sentence for every expectation that was not met.
    pub(super) fn unmet(&self, observer: &Observer) -> Vec<String> {
        let checked = self.each().into_iter().map(|(flag, expectation)| (flag, expectation.check(observer)));
        let unmet = checked.filter(|(_, checked)| !checked.met);
        unmet.map(|(flag, checked)| format!("{flag}: {}", checked.instead)).collect()
    }

    /// Returns every expectation with its flag.
    fn each(&self) -> Vec<(String, Expectation)> {
        let mut all = Vec::new();
        if let Some(expected) = self.expect_messages {
            all.push((format!("--expect-messages {expected}"), Expectation::MessageCount(expected)));
        }
        if self.expect_tls {
            let at_least_one = self.expect_messages != Some(0);
            all.push(("--expect-tls".to_owned(), Expectation::EveryMessageOverTls { at_least_one }));
        }
        if !self.expect_no_leak.is_empty() {
            let parts = self.expect_no_leak.iter().map(|Part(said)| *said).collect();
            all.push(("--expect-no-leak".to_owned(), Expectation::NothingInClear(parts)));
        }
        let logged = self.expect_event.iter();
        all.extend(logged.map(|id| (format!("--expect-event {id}"), Expectation::EventId(*id))));
        let not_logged = self.expect_no_event.iter();
        all.extend(not_logged.map(|id| (format!("--expect-no-event {id}"), Expectation::NoEventId(*id))));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Event, Profile};
    use crate::journal::sample::{self, SampleSession};
    use crate::journal::{Bounds, Journal, Logged, Record};

    fn lab(in_clear: u64, over_tls: u64, events: &[u16]) -> std::sync::Arc<Observer> {
        let journal = Journal::new(Bounds::default());
        let observer = Observer::of(&journal, Bounds::default());
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.tell(Record::Connected);
        for _ in 0..in_clear {
            told.message(None);
        }
        for _ in 0..over_tls {
            told.message(Some(sample::facts()));
        }
        for entry in told.entries {
            journal.append(entry.time, entry.place.as_ref(), entry.record);
        }
        for id in events {
            let mut event = Event::logon_failed("LogonDenied", "Default", "Login", "192.0.2.1");
            event.event_id = *id;
            let logged = Logged {
                event,
                server: "GATE".to_owned(),
                computer: "gate".to_owned(),
                source: "MSExchangeTransport",
                connector: None,
            };
            journal.append(jiff::Timestamp::UNIX_EPOCH, None, Record::Event(std::sync::Arc::new(logged)));
        }
        observer
    }

    #[test]
    fn tls_is_expected_of_every_message_and_of_one_at_least() {
        let expect = ExpectArgs { expect_tls: true, ..ExpectArgs::default() };
        assert_eq!(expect.unmet(&lab(0, 2, &[])), [""; 0]);
        assert_eq!(expect.unmet(&lab(1, 1, &[])), ["--expect-tls: 1 of 2 came in clear"]);
        assert_eq!(expect.unmet(&lab(0, 0, &[])), ["--expect-tls: no message came at all"]);
        let none = ExpectArgs { expect_messages: Some(0), ..expect };
        assert_eq!(none.unmet(&lab(0, 0, &[])), [""; 0]);
    }

    #[test]
    fn each_expectation_that_fails_says_what_there_was_instead() {
        let expect = ExpectArgs {
            expect_messages: Some(2),
            expect_event: vec![12014, 12016],
            expect_no_event: vec![12014, 1035],
            ..ExpectArgs::default()
        };
        assert_eq!(
            expect.unmet(&lab(1, 0, &[12014, 12018])),
            [
                "--expect-messages 2: the lab took 1",
                "--expect-event 12016: it was not logged; the events were 12014, 12018",
                "--expect-no-event 12014: it was logged"
            ]
        );
        let nothing = ExpectArgs { expect_event: vec![12014], ..ExpectArgs::default() };
        assert_eq!(
            nothing.unmet(&lab(0, 0, &[])),
            ["--expect-event 12014: it was not logged; the events were none"]
        );
    }

    #[test]
    fn a_part_that_may_not_leak_has_a_name() {
        assert_eq!("content".parse(), Ok(Part(Said::Body)));
        assert!("envelop".parse::<Part>().unwrap_err().contains("did you mean `envelope`"));
    }
}

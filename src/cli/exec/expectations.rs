//! What is expected of a command: how many messages, over what, with which events.

use crate::cli::tally::Counts;

/// The expectations on the command line.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ExpectArgs {
    /// So many messages come in all, no more and no fewer
    #[arg(long, env = "STARTTLS_LAB_EXPECT_MESSAGES", value_name = "N")]
    expect_messages: Option<u64>,
    /// Every message comes over TLS; and one at least, unless --expect-messages is 0
    #[arg(long, env = "STARTTLS_LAB_EXPECT_TLS")]
    expect_tls: bool,
    /// An event of this number is logged; may be given several times, or with commas between numbers
    #[arg(long, env = "STARTTLS_LAB_EXPECT_EVENT", value_delimiter = ',', value_name = "ID")]
    expect_event: Vec<u16>,
    /// No event of this number is logged; may be given several times, or with commas between numbers
    #[arg(long, env = "STARTTLS_LAB_EXPECT_NO_EVENT", value_delimiter = ',', value_name = "ID")]
    expect_no_event: Vec<u16>,
}

impl ExpectArgs {
    /// A sentence for every expectation that was not met.
    pub(super) fn unmet(&self, counts: &Counts) -> Vec<String> {
        let Counts { messages, over_tls, events, .. } = counts;
        let mut unmet = Vec::new();
        if let Some(expected) = self.expect_messages.filter(|expected| expected != messages) {
            unmet.push(format!("--expect-messages {expected}: the lab took {messages}"));
        }
        if self.expect_tls {
            match messages - over_tls {
                0 if *messages == 0 && self.expect_messages != Some(0) => {
                    unmet.push("--expect-tls: no message came at all".to_owned());
                }
                0 => {}
                in_clear => unmet.push(format!("--expect-tls: {in_clear} of {messages} came in clear")),
            }
        }
        let logged = match events.is_empty() {
            true => "none".to_owned(),
            false => events.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
        };
        for id in self.expect_event.iter().filter(|id| !events.contains(id)) {
            unmet.push(format!("--expect-event {id}: it was not logged; the events were {logged}"));
        }
        for id in self.expect_no_event.iter().filter(|id| events.contains(id)) {
            unmet.push(format!("--expect-no-event {id}: it was logged"));
        }
        unmet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(messages: u64, over_tls: u64, events: &[u16]) -> Counts {
        Counts { messages, over_tls, events: events.iter().copied().collect(), ..Counts::default() }
    }

    #[test]
    fn tls_is_expected_of_every_message_and_of_one_at_least() {
        let expect = ExpectArgs { expect_tls: true, ..ExpectArgs::default() };
        assert_eq!(expect.unmet(&counts(2, 2, &[])), [""; 0]);
        assert_eq!(expect.unmet(&counts(2, 1, &[])), ["--expect-tls: 1 of 2 came in clear"]);
        assert_eq!(expect.unmet(&counts(0, 0, &[])), ["--expect-tls: no message came at all"]);
        let none = ExpectArgs { expect_messages: Some(0), ..expect };
        assert_eq!(none.unmet(&counts(0, 0, &[])), [""; 0]);
    }

    #[test]
    fn each_expectation_that_fails_says_what_there_was_instead() {
        let expect = ExpectArgs {
            expect_messages: Some(2),
            expect_tls: false,
            expect_event: vec![12014, 12016],
            expect_no_event: vec![12014, 1035],
        };
        assert_eq!(
            expect.unmet(&counts(1, 0, &[12014, 12018])),
            [
                "--expect-messages 2: the lab took 1",
                "--expect-event 12016: it was not logged; the events were 12014, 12018",
                "--expect-no-event 12014: it was logged"
            ]
        );
        let nothing = ExpectArgs { expect_event: vec![12014], ..ExpectArgs::default() };
        assert_eq!(
            nothing.unmet(&counts(0, 0, &[])),
            ["--expect-event 12014: it was not logged; the events were none"]
        );
    }
}
